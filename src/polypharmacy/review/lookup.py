"""Interactions between drugs that are named, not taken by anyone."""

from collections.abc import Sequence
from itertools import combinations, product

from polypharmacy.knowledge import Knowledge, Route
from polypharmacy.knowledge.vocabulary import Kind
from polypharmacy.patients.readers.builder import Builder, Details
from polypharmacy.review.finding import Finding
from polypharmacy.review.review import Review, review

OTHER_ROUTES = {Route.ORAL: "by mouth", Route.PARENTERAL: "injected"}


def interactions_between(drugs: Sequence[str], knowledge: Knowledge) -> tuple[Review, list[Finding]]:
    """The review of `drugs` on their usual or stated routes, and their interactions.

    What holds only, or is more severe, where a drug without a stated route is taken by mouth or injected is among them,
    and its message says so: "timolol" is an eye drop to a reader of lists, and also a tablet.
    """
    result = _together({text: None for text in drugs}, knowledge)
    found = {frozenset(f.drugs): f for f in result.findings if f.kind is Kind.INTERACTION}
    usual = {text: {m.route for m in result.patient.medications if m.text == text} for text in drugs}
    for pair in combinations(dict.fromkeys(drugs), 2):
        for routes in product(*(_routes(text, usual[text], knowledge) for text in pair)):
            on = dict(zip(pair, routes, strict=True))
            moved = [f"{text} {OTHER_ROUTES[r]}" for text, r in on.items() if r is not None]
            for finding in _together(on, knowledge).findings if moved else ():
                held = found.get(frozenset(finding.drugs))
                if finding.kind is Kind.INTERACTION and (held is None or finding.severity.rank > held.severity.rank):
                    found[frozenset(finding.drugs)] = finding._replace(
                        message=f"{finding.message} ({', '.join(moved)})"
                    )
    return result, sorted(found.values(), key=lambda f: -f.severity.rank)


def _routes(text: str, usual: set[Route], knowledge: Knowledge) -> list[Route | None]:
    """None for the usual or stated route, and the others to look at."""
    if knowledge.names.resolve(text).route is not None or len(usual) != 1:
        return [None]
    return [None, *(route for route in OTHER_ROUTES if route not in usual)]


def _together(routes: dict[str, Route | None], knowledge: Knowledge) -> Review:
    builder = Builder(knowledge)
    for text, route in routes.items():
        builder.medicine("arguments", text, Details(route=route))
    return review(builder.build(), knowledge)
