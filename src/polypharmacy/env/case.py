"""A patient compiled into the fixed arrays that an episode is played on."""

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np

from polypharmacy.env.actions import PAIR_SLOTS
from polypharmacy.env.layout import (
    ALTERNATIVES,
    CANDIDATES,
    CASE_FACTS,
    COLUMN_DOSE,
    CRITICAL,
    DRUGS,
    FLAGS,
    MINOR,
    MODERATE,
    NONE,
    ROW_DOSE,
    SEVERE,
    SEVERE_PAIR,
    SEVERE_PAIRS,
    SLOTS,
    START_POINTS,
    pair_number,
)
from polypharmacy.knowledge import Knowledge, Severity
from polypharmacy.knowledge.risk import RiskTable
from polypharmacy.knowledge.vocabulary import Action, Kind
from polypharmacy.patients import Patient
from polypharmacy.patients.synthetic.visible import kidney_category, visible_patient
from polypharmacy.review.burdens import burdens_of
from polypharmacy.review.criteria import find_criteria
from polypharmacy.review.duplicates import find_duplicates, find_repeats
from polypharmacy.review.facts import Facts
from polypharmacy.review.finding import Finding
from polypharmacy.review.interactions import find_interactions
from polypharmacy.review.limits import find_limits
from polypharmacy.review.needs import needs_of
from polypharmacy.review.regimen import Need, Regimen, Term
from polypharmacy.review.replacements import brought_by, find_against, merged, options_for
from polypharmacy.review.slot import Slot, slots_of

PAIR_KINDS = (Kind.INTERACTION, Kind.DUPLICATE)
SEVERITIES = tuple(Severity)
CODES = 1 + len(PAIR_KINDS) * len(SEVERITIES)
WORDS = {
    Severity.AWARE: MINOR,
    Severity.MONITOR: MODERATE,
    Severity.ADJUST: MODERATE,
    Severity.AVOID: SEVERE,
    Severity.CONTRAINDICATED: SEVERE,
}
"""The environment's three words."""
FLAG_KINDS = (Kind.BEERS, Kind.RENAL, Kind.HEPATIC)
PERSON = ("female", "age", "kidney_category", "liver")
"""The entries of `person` before the conditions: 0 or 1 (-1: not known), years (0: not known), 0 to 4 (KDIGO), 0 or
1 to 3 (Child-Pugh A to C).
"""


class TooManyMedicines(ValueError):
    """A list that the 15 slots cannot hold. It is refused, never cut."""


class Case(NamedTuple):
    """One compiled case: what an episode is played on, and what is seen of it. `facts`, `need` and `term` as
    `dynamics.step` reads them, without the leading C.
    """

    facts: np.ndarray
    pair: np.ndarray
    """uint8 [900]: the byte of candidates a, b at a * 30 + b, seen from a: layout.CODE and whose dose matters."""
    hazard: np.ndarray
    """int16 [90]: points of candidate a alone at a * 3 + (untouched, reduced, monitored)."""
    weight: np.ndarray
    """int16 [30 * B]: what candidate a adds to burden b at a * B + b."""
    need: np.ndarray
    term: np.ndarray
    person: np.ndarray
    """int16 [4 + conditions]: PERSON, then 1 for each condition that is seen, in the knowledge base's order."""
    drug: np.ndarray
    """int16 [30]: the ingredient's place in the knowledge base by candidate; -1: none."""
    daily_mg: np.ndarray
    """float32 [30]: dose in mg a day; 0: not known."""
    flag: np.ndarray
    """uint8 [30]: bits of FLAG_KINDS that a candidate shows to who sees what is seen."""
    seen_need: np.ndarray
    """int32 [N, 3]: `need` as it follows from what is seen."""


class Compiled(NamedTuple):
    """A case with the objects it was made from."""

    case: Case
    slots: tuple[Slot, ...]
    alternatives: tuple[Slot | None, ...]
    regimen: Regimen


def code_of(kind: Kind, severity: Severity) -> int:
    """1 to 10; 0 is no finding."""
    return 1 + PAIR_KINDS.index(kind) * len(SEVERITIES) + severity.rank


def code_tables(risk: RiskTable) -> tuple[np.ndarray, np.ndarray]:
    """`left` [44] and `word` [22] as `dynamics.step` reads them."""
    reduce, monitor = risk.effects[Action.REDUCE], risk.effects[Action.MONITOR]
    left = np.zeros(CODES * 4, dtype=np.int32)
    word = np.zeros(CODES * 2, dtype=np.uint8)
    for kind in PAIR_KINDS:
        for severity in SEVERITIES:
            code = code_of(kind, severity)
            points = risk.points[kind][severity]
            shares = (100, reduce.leaves[severity], monitor.leaves[severity])
            for flags, share in enumerate((shares[0], shares[1], shares[2], min(shares[1:]))):
                left[code * 4 + flags] = points * min(100, share) // 100
            word[code * 2] = WORDS[severity] - NONE
            word[code * 2 + 1] = WORDS[reduce.severity.get(severity, severity)] - NONE
    return left, word


def severe_pairs(patient: Patient, knowledge: Knowledge) -> int:
    """How many pairs of a patient's medicines are at avoid or above: the quick look before a case is compiled."""
    slots = slots_of(patient, knowledge)
    found, _ = find_interactions(Facts(patient, slots, knowledge), combinations(slots, 2))
    return sum(f.severity.rank >= Severity.AVOID.rank and f.mask.bit_count() == 2 for f in found)


def compile_case(
    patient: Patient,
    knowledge: Knowledge,
    barred: Iterable[str] = (),
    chosen_for: Mapping[int, str] | None = None,
) -> Compiled:
    """Everything an episode over this patient needs; risk is counted as `review` counts it.

    Each slot's alternative is the one `chosen_for` it (an ingredient's id, whatever it is good for), else the first
    substitute that serves what the medicine is seen to be taken for, chosen without the hidden part of the chart; drugs
    in `barred` are never one.
    Raises TooManyMedicines.
    """
    picked = chosen_for or {}
    slots = slots_of(patient, knowledge)
    if len(slots) > SLOTS:
        raise TooManyMedicines(f"{len(slots)} medicines; the environment holds at most {SLOTS}")
    facts = Facts(patient, slots, knowledge)
    alone, _ = find_against(facts, slots, combinations(slots, 2))
    findings = merged([*alone, *find_duplicates(facts, slots), *find_repeats(facts, slots)])

    seen_patient = visible_patient(patient)
    seen_slots = slots_of(seen_patient, knowledge)
    seen = Facts(seen_patient, seen_slots, knowledge)
    alternatives: list[Slot | None] = []
    accepted: list[Slot] = []
    banned = frozenset(barred) | frozenset(picked.values())
    for slot in seen_slots:
        if slot.index in picked:
            chosen: Slot | None = _picked(picked[slot.index], slot, knowledge)
        else:
            options = options_for(seen, seen_slots, slot, accepted)
            chosen = next((o for o in options if o.drug not in banned), None)
        if chosen is None:
            alternatives.append(None)
            continue
        chosen = chosen._replace(index=len(slots) + len(accepted))
        others = [*(s for s in slots if s.index != slot.index), *accepted]
        findings += merged(brought_by(chosen, others, facts))
        accepted.append(chosen)
        alternatives.append(chosen)
    everyone = (*slots, *accepted)
    regimen = Regimen(
        risk=knowledge.risk,
        size=len(slots),
        findings=tuple(findings),
        burdens=burdens_of(facts, everyone),
        needs=needs_of(slots, knowledge),
    )
    place = {slot.index: slot.index for slot in slots}
    place |= {alt.index: SLOTS + i for i, alt in enumerate(alternatives) if alt is not None}
    flags = _flags(seen, (*seen_slots, *accepted), place)
    case = _arrays(regimen, slots, alternatives, place, flags, seen_patient, knowledge)
    return Compiled(case, slots, tuple(alternatives), regimen)


def _picked(drug: str, slot: Slot, knowledge: Knowledge) -> Slot:
    """A drug in a slot's place, on the route the table of substitutes has for it, else on the slot's."""
    rows = knowledge.substitutes_for(slot.drug)
    route = next((row.route for row in rows if row.replacement == drug), slot.route)
    return Slot(0, drug, route, (), None, None, slot.indication, knowledge.ingredients[drug].name)


def _flags(seen: Facts, candidates: tuple[Slot, ...], place: dict[int, int]) -> np.ndarray:
    flags = np.zeros(CANDIDATES, dtype=np.uint8)
    criteria, _ = find_criteria(seen, candidates)
    limits, _ = find_limits(seen, candidates)
    for finding in (*criteria, *limits):
        if finding.kind in FLAG_KINDS and finding.severity.rank >= Severity.ADJUST.rank:
            flags[place[finding.mask.bit_length() - 1]] |= 1 << FLAG_KINDS.index(finding.kind)
    return flags


def _arrays(
    regimen: Regimen,
    slots: tuple[Slot, ...],
    alternatives: list[Slot | None],
    place: dict[int, int],
    flags: np.ndarray,
    seen: Patient,
    knowledge: Knowledge,
) -> Case:
    n = len(slots)
    pair = np.zeros((CANDIDATES, CANDIDATES), dtype=np.uint8)
    hazard = np.zeros((CANDIDATES, 3), dtype=np.int16)
    terms: list[tuple[int, int, int]] = []
    for finding, term in zip(regimen.findings, regimen.terms, strict=True):
        members = [place[i] for i in _bits(term.mask)]
        if len(members) == 1:
            hazard[members[0]] += _alone(term)
        elif len(members) == 2 and pair[members[0], members[1]] == 0:
            code = code_of(finding.kind, finding.severity)
            helped = [place[i] for i in _bits(term.reducible)]
            for a, b in (members, members[::-1]):
                pair[a, b] = code | (ROW_DOSE if a in helped else 0) | (COLUMN_DOSE if b in helped else 0)
        else:
            moved = [sum(1 << place[i] for i in _bits(mask)) for mask in (term.mask, term.reducible)]
            terms.append((moved[0], moved[1], code_of(finding.kind, finding.severity)))
    rules = knowledge.tables.burdens
    weight = np.zeros((CANDIDATES, len(rules)), dtype=np.int16)
    for burden in regimen.burdens:
        column = rules.index(burden.rule)
        for bit, amount in burden.weights:
            weight[place[bit.bit_length() - 1], column] = amount

    fact = np.zeros(CASE_FACTS, dtype=np.int32)
    fact[DRUGS] = n
    fact[ALTERNATIVES] = sum(1 << i for i, alt in enumerate(alternatives) if alt is not None)
    fact[CRITICAL] = sum(s.bit for s in slots if knowledge.is_critical(s.drug))
    fact[FLAGS] = sum(1 << int(c) for c in np.flatnonzero(flags))
    fact[START_POINTS] = regimen.points()
    _, word = code_tables(knowledge.risk)
    severe = [(i, j) for i, j in PAIR_SLOTS if j < n and word[(pair[i, j] & 15) * 2] == SEVERE - NONE]
    fact[SEVERE_PAIRS] = len(severe)
    fact[SEVERE_PAIR] = pair_number(*severe[0]) if len(severe) == 1 else -1
    ids = {id_: i for i, id_ in enumerate(knowledge.ingredients)}
    drug = np.full(CANDIDATES, -1, dtype=np.int16)
    daily_mg = np.zeros(CANDIDATES, dtype=np.float32)
    for slot in (*slots, *(a for a in alternatives if a is not None)):
        drug[place[slot.index]] = ids[slot.drug]
        daily_mg[place[slot.index]] = slot.daily_mg or 0.0
    return Case(
        facts=fact,
        pair=pair.reshape(-1),
        hazard=hazard.reshape(-1),
        weight=weight.reshape(-1),
        need=_needs(regimen.needs, knowledge.risk),
        term=np.array(terms, dtype=np.int32).reshape(-1, 3),
        person=_person(seen, knowledge),
        drug=drug,
        daily_mg=daily_mg,
        flag=flags,
        seen_need=_needs(needs_of(slots_of(seen, knowledge), knowledge), knowledge.risk),
    )


def _needs(needs: Iterable[Need], risk: RiskTable) -> np.ndarray:
    percent = risk.need_reduced_percent
    rows = [(row.mask, row.points, row.points * percent // 100) for row in needs]
    return np.array(rows, dtype=np.int32).reshape(-1, 3)


def _alone(term: Term) -> tuple[int, int, int]:
    """Points of a finding over one slot: untouched, reduced, monitored."""
    reduced = term.if_reduced if term.reducible else 100
    return term.points, term.points * reduced // 100, term.points * term.if_monitored // 100


def _person(seen: Patient, knowledge: Knowledge) -> np.ndarray:
    held = seen.condition_ids
    liver = 0 if seen.child_pugh is None else "ABC".index(seen.child_pugh) + 1
    female = -1 if seen.sex is None else int(seen.sex == "female")
    first = [female, seen.age or 0, kidney_category(seen.egfr), liver]
    return np.array([*first, *(int(c in held) for c in knowledge.conditions)], dtype=np.int16)


def _bits(mask: int) -> Iterable[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def beers_issue(findings: Iterable[Finding]) -> bool:
    """Whether a Beers criterion stands against any of these medicines."""
    return any(f.kind is Kind.BEERS or any(i.startswith("beers") for i in f.also) for f in findings)
