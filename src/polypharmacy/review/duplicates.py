"""The same ingredient twice, or two of a class where one is enough."""

from collections.abc import Iterable
from itertools import combinations

from polypharmacy.knowledge.vocabulary import Action, Kind, Severity
from polypharmacy.review.facts import Facts
from polypharmacy.review.finding import Finding
from polypharmacy.review.slot import Slot

SOURCES = ("stopp_start_v3",)
"""STOPP version 3, section A: duplicate drug class prescriptions for daily use."""


def find_repeats(facts: Facts, slots: Iterable[Slot]) -> list[Finding]:
    """Ingredients that the list names more than once."""
    return [_repeated(slot, facts) for slot in slots if len(slot.entries) > 1]


def find_duplicates(facts: Facts, slots: Iterable[Slot]) -> list[Finding]:
    """Pairs of systemic (or same-route) drugs that share a class of which one is enough, once a pair."""
    knowledge = facts.knowledge
    by_class: dict[str, list[Slot]] = {}
    for slot in slots:
        for class_id in knowledge.duplicate_classes(slot.drug):
            by_class.setdefault(class_id, []).append(slot)
    shared: dict[tuple[int, int], tuple[Slot, Slot, list[str]]] = {}
    for class_id, members in by_class.items():
        for a, b in combinations(members, 2):
            if a.drug != b.drug and (a.route == b.route or (a.systemic and b.systemic)) and not _one_as_needed(a, b):
                shared.setdefault((a.index, b.index), (a, b, []))[2].append(class_id)
    found = []
    for _, (a, b, classes) in sorted(shared.items()):
        narrowest = max(sorted(classes), key=lambda c: len(knowledge.ancestors(c)))
        found.append(_same_class(a, b, knowledge.classes[narrowest].name, facts))
    return found


def shares_class(a: Slot, b: Slot, facts: Facts) -> bool:
    """Whether two drugs share a class of which one is enough, on routes that meet."""
    classes = facts.knowledge.duplicate_classes(a.drug) & facts.knowledge.duplicate_classes(b.drug)
    return bool(classes) and a.drug != b.drug and (a.route == b.route or (a.systemic and b.systemic))


def _one_as_needed(a: Slot, b: Slot) -> bool:
    """STOPP speaks of daily use: a regular drug with one taken only when needed is not a duplication."""
    return any(s.entries and all(m.as_needed for m in s.entries) for s in (a, b))


def _repeated(slot: Slot, facts: Facts) -> Finding:
    name = slot.name
    texts = "; ".join(dict.fromkeys(m.text for m in slot.entries))
    return _finding(
        "duplicate-ingredient",
        (slot,),
        f"{name} is listed more than once: {texts}",
        f"Check that both entries are meant; if not, keep one and set the total daily dose of {name.lower()}.",
        ((Action.REDUCE, slot.index),),
        slot.bit,
    )


def _same_class(a: Slot, b: Slot, class_name: str, facts: Facts) -> Finding:
    names = [s.name for s in (a, b)]
    return _finding(
        "duplicate-class",
        (a, b),
        f"{names[0]} + {names[1]}: two of one class ({class_name.lower()})",
        "Keep one of the two, unless a specialist has asked for both or one is being replaced by the other.",
        tuple((action, s.index) for action in (Action.STOP, Action.MONITOR) for s in (b, a)),
        0,
    )


def _finding(
    id_: str,
    slots: tuple[Slot, ...],
    message: str,
    management: str,
    actions: tuple[tuple[Action, int], ...],
    dose_matters: int,
) -> Finding:
    return Finding(
        id=id_,
        kind=Kind.DUPLICATE,
        severity=Severity.ADJUST,
        drugs=tuple(dict.fromkeys(s.drug for s in slots)),
        message=message,
        mechanism="Two sources of the same effect add harm sooner than benefit.",
        management=management,
        evidence="moderate",
        sources=SOURCES,
        interrupts=False,
        harm="toxicity",
        mask=sum(s.bit for s in slots),
        actions=actions,
        dose_matters=dose_matters,
        reviewed=True,
    )
