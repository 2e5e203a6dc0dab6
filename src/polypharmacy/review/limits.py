"""Limits set by kidney, liver and genotype."""

from collections.abc import Callable

from polypharmacy.knowledge.limit import GeneLimit, OrganLimit
from polypharmacy.knowledge.vocabulary import Action, Kind, Route, Severity
from polypharmacy.review.facts import Facts
from polypharmacy.review.finding import Finding, NotEvaluated, merge
from polypharmacy.review.slot import Slot


def find_limits(facts: Facts, slots: tuple[Slot, ...]) -> tuple[list[Finding], list[NotEvaluated]]:
    """Findings of renal, hepatic and pharmacogenomic limits, one a slot and organ or gene. Kidney and liver limits are
    systemic routes, genes also of inhaled ones (anaesthetics).
    """
    found: list[Finding] = []
    missing: list[NotEvaluated] = []
    for slot in slots:
        groups: dict[str, list[Finding]] = {}
        needed: dict[str, str] = {}
        if slot.systemic:
            for limit in facts.knowledge.organ_limits.get(slot.drug, ()):
                _organ(limit, slot, facts, groups, needed)
        reaches_blood = slot.systemic or slot.route is Route.INHALED
        for row in facts.knowledge.gene_limits.get(slot.drug, ()) if reaches_blood else ():
            phenotype, inhibitor = facts.phenotype(row.gene, slot)
            if phenotype is None:
                needed.setdefault(f"{row.gene} phenotype", row.id)
            elif phenotype in row.phenotypes:
                text = f"{row.gene} {phenotype}: {row.message}"
                if inhibitor is not None:
                    by = inhibitor.name.lower()
                    text = f"{row.gene} {phenotype} because of {by}: {row.message}"
                groups.setdefault(row.gene, []).append(_finding(row, Kind.PGX, text, slot, facts))
        found += [merge(hits) for hits in groups.values()]
        missing += [NotEvaluated(id_, (need,)) for need, id_ in needed.items()]
    return found, missing


def _organ(
    limit: OrganLimit,
    slot: Slot,
    facts: Facts,
    groups: dict[str, list[Finding]],
    needed: dict[str, str],
) -> None:
    if limit.organ == "hepatic":
        held = facts.patient.child_pugh
        if held is None:
            if "liver_disease" in facts.conditions or not facts.patient.conditions_complete:
                needed.setdefault("Child-Pugh class", limit.id)
            return
        applies, measured = held in limit.child_pugh, f"Child-Pugh {held}"
    else:
        value = facts.egfr if limit.measure == "egfr" else facts.crcl
        if value is None:
            needed.setdefault("creatinine clearance or eGFR", limit.id)
            return
        applies = limit.at_least <= value < (limit.below or 0)
        name = "eGFR" if limit.measure == "egfr" or facts.crcl_is_egfr else "creatinine clearance"
        measured = f"{name} {value:.0f}"
    if not applies:
        return
    would_change: tuple[str, ...] = ()
    if limit.max_daily_mg is not None:
        if slot.daily_mg is None:
            would_change = (f"daily dose of {slot.name.lower()}",)
        elif slot.daily_mg <= limit.max_daily_mg:
            return
    kind = Kind.RENAL if limit.organ == "renal" else Kind.HEPATIC
    text = f"{measured}: {limit.message}"
    groups.setdefault(limit.organ, []).append(_finding(limit, kind, text, slot, facts, would_change))


def _finding(
    row: OrganLimit | GeneLimit,
    kind: Kind,
    text: str,
    slot: Slot,
    facts: Facts,
    would_change: tuple[str, ...] = (),
) -> Finding:
    name = slot.name
    return Finding(
        id=row.id,
        kind=kind,
        severity=row.severity,
        drugs=(slot.drug,),
        message=f"{name}, {text}",
        mechanism=_MECHANISM[kind](name),
        management=row.management,
        evidence=row.evidence,
        sources=row.sources,
        interrupts=False,
        harm=row.harm,
        mask=slot.bit,
        actions=tuple(
            (a, slot.index)
            for a in _ACTIONS[row.severity]
            if a is not Action.STOP or not facts.knowledge.is_critical(slot.drug)
        ),
        dose_matters=slot.bit if row.severity.rank <= Severity.ADJUST.rank else 0,
        would_change=would_change,
        reviewed=row.review_status == "reviewed",
    )


_MECHANISM: dict[Kind, Callable[[str], str]] = {
    Kind.RENAL: lambda name: f"Reduced kidney function changes the exposure to {name.lower()} or its effect.",
    Kind.HEPATIC: lambda name: f"Reduced liver function changes the exposure to {name.lower()} or its safety.",
    Kind.PGX: lambda name: f"This phenotype changes the exposure to {name.lower()}, or its safety.",
}
_ACTIONS = {
    Severity.CONTRAINDICATED: (Action.SWITCH, Action.STOP),
    Severity.AVOID: (Action.SWITCH, Action.STOP),
    Severity.ADJUST: (Action.REDUCE, Action.SWITCH, Action.MONITOR),
    Severity.MONITOR: (Action.MONITOR,),
    Severity.AWARE: (Action.MONITOR,),
}
