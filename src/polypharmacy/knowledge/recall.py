"""How much of what published lists bar does the knowledge base know?

The lists are no part of the project: `folder` holds them as others publish them. What stands lower here than a list has
it needs a reason, written in docs/knowledge.md.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from polypharmacy.knowledge.check import Problem
from polypharmacy.knowledge.knowledge import Knowledge
from polypharmacy.knowledge.vocabulary import Severity

Pair = tuple[str, str]
DOCUMENT = Path(__file__).parents[3] / "docs" / "knowledge.md"
"""Where a checkout keeps the reasons; an installed package has none."""
HEADING = "## Pairs of other lists that stand lower here"
REASON = re.compile(r"^- ([a-z0-9_, ]+) \+ ([a-z0-9_, ]+): \S")
BARRED = re.compile(r"contra|not recommended|advise", re.IGNORECASE)
SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Standing:
    """The ranks a pair can have here; -1 without a rule.

    `own` is the severity that holds when nothing else is known of the patient (no modifier acts, and a rule that asks
    for a condition is silent), on whichever route a rule speaks of; `usual` the same when both drugs are on their usual
    routes; `highest` what some modifier or some known condition can make of it.
    """

    own: int
    usual: int
    highest: int


@dataclass(frozen=True, slots=True)
class ListRecall:
    """The pairs of one list, how each stands here, and the severity that the list calls for."""

    name: str
    least: Severity
    pairs: Mapping[Pair, Standing]

    @property
    def short(self) -> dict[Pair, Standing]:
        """The pairs that stand lower here than the list has them."""
        return {pair: held for pair, held in self.pairs.items() if held.own < self.least.rank}

    @property
    def share(self) -> float:
        """The share of pairs that stand at least as high; 1 of an empty list."""
        return 1 - len(self.short) / max(1, len(self.pairs))

    def figures(self) -> dict[str, int]:
        least, ranks = self.least, self.pairs.values()
        return {
            f"{self.name}_pairs": len(self.pairs),
            f"{self.name}_at_{least.value}_or_above": len(self.pairs) - len(self.short),
            f"{self.name}_at_{least.value}_on_usual_routes": sum(held.usual >= least.rank for held in ranks),
            f"{self.name}_at_{least.value}_with_modifiers": sum(held.highest >= least.rank for held in ranks),
            f"{self.name}_at_any_severity": sum(held.own >= 0 for held in ranks),
        }


def recall(knowledge: Knowledge, folder: Path) -> tuple[ListRecall, ListRecall]:
    """The ONC high-priority list, held to avoid, and the ANSM thesaurus, held to adjust.

    Raises OSError when a list is not in `folder`.
    """
    return (
        ListRecall("onc", Severity.AVOID, {pair: standing(knowledge, pair) for pair in onc_pairs(knowledge, folder)}),
        ListRecall(
            "ansm", Severity.ADJUST, {pair: standing(knowledge, pair) for pair in ansm_pairs(knowledge, folder)}
        ),
    )


def problems(lists: Iterable[ListRecall], reasons: set[Pair]) -> Iterator[Problem]:
    """Pairs that stand lower without a reason, and a list of which fewer than 95% stand as high; ONC's all need one."""
    words = ["no rule", *Severity]
    for held in lists:
        for pair, stands in sorted(held.short.items()):
            if pair not in reasons:
                detail = f"{words[stands.own + 1]}, where the {held.name.upper()} list calls for {held.least.value}"
                yield Problem("lower without a reason", " + ".join(pair), detail)
        if held.share < SHARE:
            yield Problem("recall", held.name.upper(), f"{held.share:.1%} at {held.least.value} or above")


def standing(knowledge: Knowledge, pair: Pair) -> Standing:
    """How a pair stands, over its rules between two drugs."""
    own, usual, highest = [-1], [-1], [-1]
    for rule, subject, object_ in knowledge.pair_rules(*pair):
        if rule.others:
            continue
        rank = rule.severity.rank
        highest += [rank, *(modifier.severity.rank for modifier in rule.modifiers)]
        if rule.when is not None:
            continue
        own.append(rank)
        routes = knowledge.ingredients[subject].route, knowledge.ingredients[object_].route
        if rule.subject.admits(routes[0]) and rule.object.admits(routes[1]):
            usual.append(rank)
    return Standing(max(own), max(usual), max(highest))


def reasons(text: str) -> set[Pair]:
    """The pairs that the document's section gives a reason for: every drug before the plus with every one after it."""
    _, _, section = text.partition(f"{HEADING}\n")
    found: set[Pair] = set()
    for line in section.split("\n## ")[0].splitlines():
        if match := REASON.match(line):
            left, right = (re.split(r", *", side) for side in match.groups())
            found.update((min(a, b), max(a, b)) for a in left for b in right)
    return found


def written_reasons() -> set[Pair]:
    """The reasons of the checkout's document; none where the package is installed without it."""
    return reasons(DOCUMENT.read_text(encoding="utf-8")) if DOCUMENT.is_file() else set()


def onc_pairs(knowledge: Knowledge, folder: Path) -> Iterator[Pair]:
    """Phansalkar 2012, expanded to pairs; those whose two drugs are ingredients here."""
    seen: set[Pair] = set()
    text = (folder / "onc_lists" / "ONC_High_Priority_Mapped.csv").read_text(encoding="utf-8-sig", errors="replace")
    for line in text.splitlines():
        cells = line.split("$")
        if len(cells) < 4:
            continue
        a, b = _one(knowledge, cells[0]), _one(knowledge, cells[2])
        if a and b and a != b and (pair := (min(a, b), max(a, b))) not in seen:
            seen.add(pair)
            yield pair


def ansm_pairs(knowledge: Knowledge, folder: Path) -> Iterator[Pair]:
    """Pairs that the ANSM thesaurus (English, 2016) contraindicates or does not recommend, its classes expanded."""
    root = folder / "ansm_worldvista_en_2016"
    members: dict[str, set[str]] = {}
    with (root / "eng_groups2016_xml-v2.tsv").open(encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            drug = _one(knowledge, row["Drug Name"].strip())
            if drug:
                members.setdefault(row["Class Name"].strip().upper(), set()).add(drug)
    seen: set[Pair] = set()
    with (root / "eng_tables2016-xml-v2.tsv").open(encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if not BARRED.search(row["Severity"] or ""):
                continue
            ends = []
            for n in "12":
                name = (row[f"Drug {n} Name"] or "").strip()
                group = (row[f"Drug {n} Class Name"] or "").strip().upper()
                drug = _one(knowledge, name) if name else None
                ends.append({drug} if drug else members.get(group, members.get(name.upper(), set())))
            for a in ends[0]:
                for b in ends[1]:
                    if a != b and (pair := (min(a, b), max(a, b))) not in seen:
                        seen.add(pair)
                        yield pair


def _one(knowledge: Knowledge, name: str) -> str | None:
    found = knowledge.names.resolve(name).ingredients
    return found[0] if len(found) == 1 else None
