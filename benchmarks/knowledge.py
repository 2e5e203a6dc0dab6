"""How much of what others list does the knowledge base know, and how often does it interrupt?

Coverage of survey elders, recall of the ONC high-priority and the ANSM thesaurus' pairs, restraint. The lists are not
part of the project: they lie in a folder beside a checkout, or where --reference says.
    python benchmarks/knowledge.py [--reference DIR] [--missing] [--json] [--quick]
"""

import argparse
import json
import platform
import time
from pathlib import Path

from polypharmacy.knowledge import Severity, load
from polypharmacy.knowledge.recall import recall
from polypharmacy.patients.readers import read_people
from polypharmacy.review.summary import summarise

REFERENCE = Path(__file__).parents[1].parent / "shared" / "reference"


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
    lists = recall(knowledge, options.reference)
    survey = options.reference / "nhanes_2013_14" / "nhanes_2013_14_elders65_medications.csv"
    summary = summarise(read_people(str(survey), knowledge), knowledge).as_dict()
    coverage = summary["coverage"]
    figures = {
        "knowledge_load_from_cache_s": loading,
        **{name: count for held in lists for name, count in held.figures().items()},
        "survey_mentions": coverage["mentions"],
        "survey_resolved": coverage["resolved"],
        "survey_people_fully_resolved": coverage["people_fully_resolved"],
        "survey_people_with_medicines": coverage["people_with_medicines"],
        "interrupting_per_elder_on_5_plus": summary["interrupting_per_elder_on_5_plus"],
        "interrupting_distribution": summary["interrupting_distribution"],
    }
    ratios = {
        **{f"{held.name}_recall_{held.least.value}": held.share for held in lists},
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
        for held in lists:
            for pair, stands in sorted(held.short.items()):
                print(f"{held.name.upper()}\t{pair[0]}\t{pair[1]}\t{names[stands.own + 1]}")


if __name__ == "__main__":
    main()
