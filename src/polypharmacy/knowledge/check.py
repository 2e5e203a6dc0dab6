"""Integrity of the knowledge base beyond its schemas: what stands in it must be able to speak, once."""

from collections.abc import Iterator
from dataclasses import dataclass

from polypharmacy.knowledge.interaction import InteractionRule
from polypharmacy.knowledge.knowledge import Knowledge
from polypharmacy.knowledge.vocabulary import Severity

TWO_SOURCES = (Severity.CONTRAINDICATED, Severity.AVOID)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `what` names the check, `where` the row."""

    what: str
    where: str
    detail: str


def check(knowledge: Knowledge) -> list[Problem]:
    """Every problem found, in a fixed order; an empty list when there is none."""
    return [
        *_silent_rules(knowledge),
        *_empty_classes(knowledge),
        *_contradictions(knowledge),
        *_single_sourced(knowledge),
        *_clashing_names(knowledge),
        *_unused_sources(knowledge),
    ]


def _silent_rules(knowledge: Knowledge) -> Iterator[Problem]:
    """Rules and criteria whose selectors match no ingredient can never fire."""
    for rule in knowledge.tables.interactions:
        subjects, objects = knowledge.members(rule.subject), knowledge.members(rule.object)
        if not any(s != o for s in subjects for o in objects):
            yield Problem("can never fire", rule.id, "no pair of ingredients matches")
        for other in rule.others:
            if not knowledge.members(other):
                yield Problem("can never fire", rule.id, "a further drug matches no ingredient")
    for row in knowledge.tables.criteria:
        selector = row.drugs or row.missing
        if selector is not None and not knowledge.members(selector):
            yield Problem("can never fire", row.id, "no ingredient matches")
    for burden in knowledge.tables.burdens:
        if burden.count is not None and len(knowledge.members(burden.count)) < burden.at_least:
            yield Problem("can never fire", burden.id, "fewer ingredients match than it asks for")
    for substitute in knowledge.tables.substitutes:
        if not knowledge.select(substitute.instead_of):
            yield Problem("can never fire", substitute.id, "no ingredient matches")
    for taper in knowledge.tables.deprescribing:
        if not knowledge.select(taper.drugs):
            yield Problem("can never fire", taper.id, "no ingredient matches")


def _empty_classes(knowledge: Knowledge) -> Iterator[Problem]:
    for class_id in knowledge.classes:
        if not knowledge.select(f"class:{class_id}"):
            yield Problem("class without members", class_id, "no ingredient is in it")


def _contradictions(knowledge: Knowledge) -> Iterator[Problem]:
    """Two rules that give one pair the same harm and another severity, with nothing to tell them apart."""
    seen: set[tuple[str, str]] = set()
    for (a, b), rules in knowledge.all_pairs():
        plain = [r for r, _, _ in rules if not r.others and not r.when]
        for i, first in enumerate(plain):
            for second in plain[i + 1 :]:
                key = (min(first.id, second.id), max(first.id, second.id))
                if first.harm != second.harm or first.severity == second.severity or key in seen:
                    continue
                if first.nature != second.nature or _told_apart(first, second) or _routes_apart(first, second):
                    continue
                seen.add(key)
                yield Problem(
                    "contradiction",
                    " / ".join(key),
                    f"{a} + {b}: {first.severity.value} and {second.severity.value} for {first.harm}",
                )


def _told_apart(first: InteractionRule, second: InteractionRule) -> bool:
    """Whether modifiers may account for the difference: both rules have some, or one's give the other's severity."""
    if first.modifiers and second.modifiers:
        return True
    ways = {m.severity for m in first.modifiers}, {m.severity for m in second.modifiers}
    return second.severity in ways[0] or first.severity in ways[1]


def _routes_apart(first: InteractionRule, second: InteractionRule) -> bool:
    """Whether two rules speak of different routes, so that no one medicine falls under both."""
    return first.subject.apart_from(second.subject) or first.object.apart_from(second.object)


def _single_sourced(knowledge: Knowledge) -> Iterator[Problem]:
    for rule in knowledge.tables.interactions:
        if rule.severity in TWO_SOURCES and len(set(rule.sources)) < 2:
            yield Problem("one source", rule.id, f"{rule.severity.value} needs two sources")


def _clashing_names(knowledge: Knowledge) -> Iterator[Problem]:
    for clash in knowledge.names.clashes:
        yield Problem("ambiguous name", "names", clash)


def _unused_sources(knowledge: Knowledge) -> Iterator[Problem]:
    used = {key for _, sources in knowledge.tables.sources_by_row() for key in sources}
    for source in knowledge.sources:
        if source not in used:
            yield Problem("unused source", source, "no row cites it")
