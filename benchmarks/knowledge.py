"""How much of what others list does the knowledge base know, and how often does it interrupt?

Coverage of survey elders, recall of the ONC high-priority and the ANSM thesaurus' pairs, restraint. The lists are not
part of the project: they lie in a folder beside a checkout, or where --reference says.
    python benchmarks/knowledge.py [--reference DIR] [--missing] [--json] [--quick]
"""

import argparse
import csv
import json
import platform
import re
import time
from collections.abc import Iterator
from pathlib import Path

from polypharmacy.knowledge import Knowledge, Severity, load
from polypharmacy.patients.readers import read_people
from polypharmacy.review.summary import summarise

REFERENCE = Path(__file__).parents[1].parent / "shared" / "reference"
Pair = tuple[str, str]
CONTRAINDICATED = re.compile(r"contra|not recommended|advise", re.IGNORECASE)


def worst(knowledge: Knowledge, pair: Pair) -> int:
    """The highest severity rank that any rule or its modifiers can give a pair; -1 without a rule."""
    return max((rule.severity.rank for rule, _, _ in knowledge.pair_rules(*pair) if not rule.others), default=-1)


def one(knowledge: Knowledge, name: str) -> str | None:
    found = knowledge.names.resolve(name).ingredients
    return found[0] if len(found) == 1 else None


def onc_pairs(knowledge: Knowledge, folder: Path) -> Iterator[Pair]:
    """Phansalkar 2012, expanded to pairs; those whose two drugs are ingredients here."""
    seen: set[Pair] = set()
    text = (folder / "onc_lists" / "ONC_High_Priority_Mapped.csv").read_text(encoding="utf-8-sig", errors="replace")
    for line in text.splitlines():
        cells = line.split("$")
        if len(cells) < 4:
            continue
        a, b = one(knowledge, cells[0]), one(knowledge, cells[2])
        if a and b and a != b and (pair := (min(a, b), max(a, b))) not in seen:
            seen.add(pair)
            yield pair


def ansm_pairs(knowledge: Knowledge, folder: Path) -> Iterator[Pair]:
    """Pairs that the ANSM thesaurus (English, 2016) contraindicates or does not recommend, its classes expanded."""
    root = folder / "ansm_worldvista_en_2016"
    members: dict[str, set[str]] = {}
    with (root / "eng_groups2016_xml-v2.tsv").open(encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            drug = one(knowledge, row["Drug Name"].strip())
            if drug:
                members.setdefault(row["Class Name"].strip().upper(), set()).add(drug)
    seen: set[Pair] = set()
    with (root / "eng_tables2016-xml-v2.tsv").open(encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if not CONTRAINDICATED.search(row["Severity"] or ""):
                continue
            ends = []
            for n in "12":
                name = (row[f"Drug {n} Name"] or "").strip()
                group = (row[f"Drug {n} Class Name"] or "").strip().upper()
                drug = one(knowledge, name) if name else None
                ends.append({drug} if drug else members.get(group, members.get(name.upper(), set())))
            for a in ends[0]:
                for b in ends[1]:
                    if a != b and (pair := (min(a, b), max(a, b))) not in seen:
                        seen.add(pair)
                        yield pair


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    parser.add_argument("--missing", action="store_true", help="list the pairs that are not found as serious as listed")
    parser.add_argument("--quick", action="store_true", help="end within 45 s (it does so anyway)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.reference.is_dir():
        parser.error(f"{options.reference} is not there; name the folder of lists with --reference")
    start = time.perf_counter()
    knowledge = load()
    loading = time.perf_counter() - start
    onc = {pair: worst(knowledge, pair) for pair in onc_pairs(knowledge, options.reference)}
    ansm = {pair: worst(knowledge, pair) for pair in ansm_pairs(knowledge, options.reference)}
    survey = options.reference / "nhanes_2013_14" / "nhanes_2013_14_elders65_medications.csv"
    summary = summarise(read_people(str(survey), knowledge), knowledge).as_dict()
    coverage = summary["coverage"]
    figures = {
        "knowledge_load_from_cache_s": loading,
        "onc_pairs": len(onc),
        "onc_at_avoid_or_above": sum(rank >= Severity.AVOID.rank for rank in onc.values()),
        "onc_at_adjust_or_above": sum(rank >= Severity.ADJUST.rank for rank in onc.values()),
        "ansm_contraindicated_or_not_recommended_pairs": len(ansm),
        "ansm_at_adjust_or_above": sum(rank >= Severity.ADJUST.rank for rank in ansm.values()),
        "ansm_at_any_severity": sum(rank >= 0 for rank in ansm.values()),
        "survey_mentions": coverage["mentions"],
        "survey_resolved": coverage["resolved"],
        "survey_people_fully_resolved": coverage["people_fully_resolved"],
        "survey_people_with_medicines": coverage["people_with_medicines"],
        "interrupting_per_elder_on_5_plus": summary["interrupting_per_elder_on_5_plus"],
        "interrupting_distribution": summary["interrupting_distribution"],
    }
    ratios = {
        "onc_recall_avoid": figures["onc_at_avoid_or_above"] / max(1, len(onc)),
        "ansm_recall_adjust": figures["ansm_at_adjust_or_above"] / max(1, len(ansm)),
        "survey_coverage": coverage["resolved"] / max(1, coverage["mentions"]),
        "survey_people_coverage": coverage["people_fully_resolved"] / max(1, coverage["people_with_medicines"]),
    }
    if options.json:
        machine = f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}"
        print(json.dumps({"name": "knowledge", "machine": machine, "figures": figures, "ratios": ratios}))
        return
    for name, value in {**figures, **ratios}.items():
        print(f"{name}: {value:.3f}" if isinstance(value, float) else f"{name}: {value}")
    if options.missing:
        names = ["none", *Severity]
        for title, pairs, least in (("ONC", onc, Severity.AVOID), ("ANSM", ansm, Severity.ADJUST)):
            for pair, rank in sorted(pairs.items()):
                if rank < least.rank:
                    print(f"{title}\t{pair[0]}\t{pair[1]}\t{names[rank + 1]}")


if __name__ == "__main__":
    main()
