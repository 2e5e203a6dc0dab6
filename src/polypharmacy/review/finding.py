"""One thing a review found, and what could not be looked at."""

from typing import NamedTuple

from polypharmacy.knowledge.vocabulary import Action, Kind, Severity


class Finding(NamedTuple):
    """A finding over one or more slots. A tuple, because a review makes dozens and frozen dataclasses are slow to make.

    `mask` has the bits of its slots, `dose_matters` of those whose reduction helps; `actions` are (action, slot
    index) in order of preference; `units` multiplies its points (burdens); `also` are the ids merged into it;
    `would_change` says what, if known, could change its severity.
    """

    id: str
    kind: Kind
    severity: Severity
    drugs: tuple[str, ...]
    message: str
    mechanism: str
    management: str
    evidence: str
    sources: tuple[str, ...]
    interrupts: bool
    harm: str
    mask: int
    actions: tuple[tuple[Action, int], ...] = ()
    dose_matters: int = 0
    units: int = 1
    also: tuple[str, ...] = ()
    would_change: tuple[str, ...] = ()
    reviewed: bool = False
    alternatives: tuple[str, ...] = ()
    start: str | None = None
    partners: int = 0
    """Bits of the slots that a criterion's reason names besides its own (an interaction may tell it as well)."""

    @property
    def serious(self) -> bool:
        """Whether a reader must see it first: it interrupts, or it is contraindicated."""
        return self.interrupts or self.severity is Severity.CONTRAINDICATED


class NotEvaluated(NamedTuple):
    """A rule that concerns this patient and lacks what it needs."""

    id: str
    needs: tuple[str, ...]


def merge(findings: list[Finding]) -> Finding:
    """One finding out of several over the same drugs: the most serious leads, the rest add their reasons.

    Severity is the highest; it interrupts when any does; mechanisms, management and sources are joined.
    """
    if len(findings) == 1:
        return findings[0]
    ordered = sorted(findings, key=lambda f: (-f.severity.rank, not f.interrupts))
    lead = ordered[0]

    def joined(texts: list[str]) -> str:
        return " ".join(dict.fromkeys(texts))

    return Finding(
        id=lead.id,
        kind=lead.kind,
        severity=lead.severity,
        drugs=lead.drugs,
        message=lead.message,
        mechanism=joined([f.mechanism for f in ordered]),
        management=joined([f.management for f in ordered if f.severity.rank >= lead.severity.rank - 1]),
        evidence=lead.evidence,
        sources=tuple(dict.fromkeys(s for f in ordered for s in f.sources)),
        interrupts=any(f.interrupts for f in ordered),
        harm=lead.harm,
        mask=lead.mask,
        actions=tuple(dict.fromkeys(a for f in ordered for a in f.actions)),
        dose_matters=_all_bits(ordered),
        units=lead.units,
        also=tuple(dict.fromkeys(i for f in ordered[1:] for i in (f.id, *f.also) if i != lead.id)),
        would_change=tuple(dict.fromkeys(n for f in ordered for n in f.would_change)),
        reviewed=all(f.reviewed for f in ordered),
        alternatives=tuple(dict.fromkeys(a for f in ordered for a in f.alternatives)),
    )


def merge_into(lead: Finding, other: Finding) -> Finding:
    """`lead` with `other`'s id and sources: the same thing told by another publication."""
    return lead._replace(
        also=tuple(dict.fromkeys((*lead.also, other.id, *other.also))),
        sources=tuple(dict.fromkeys((*lead.sources, *other.sources))),
        interrupts=lead.interrupts or other.interrupts,
    )


def _all_bits(findings: list[Finding]) -> int:
    """A reduction helps the whole only where it helps every part that is as severe as the lead."""
    top = findings[0].severity
    bits = ~0
    for finding in findings:
        if finding.severity == top:
            bits &= finding.dose_matters
    return bits
