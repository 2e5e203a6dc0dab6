"""A review with decisions: counted as the review counts, whatever their order, and any known drug may come in."""

import random
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polypharmacy.knowledge import Knowledge
from polypharmacy.knowledge.vocabulary import Action, Severity
from polypharmacy.patients import Patient
from polypharmacy.patients.readers import parse_patient, read_patient
from polypharmacy.patients.synthetic import Elders
from polypharmacy.review import review
from polypharmacy.review.session import Decision, Refused, ReviewSession

EXAMPLE = str(Path(__file__).parents[2] / "examples" / "nine_medicines.json")
ACTIONS = (Action.STOP, Action.REDUCE, Action.SWITCH, Action.MONITOR)


@pytest.fixture(scope="module")
def elder(shipped: Knowledge) -> Patient:
    return read_patient(EXAMPLE, shipped)


@pytest.fixture(scope="module")
def session(elder: Patient, shipped: Knowledge) -> ReviewSession:
    return ReviewSession(elder, shipped)


def slot(session: ReviewSession, drug: str) -> int:
    return next(s.index for s in session.slots if s.drug == drug)


def test_the_plan_decided_leaves_what_the_review_said_it_would(shipped: Knowledge) -> None:
    elders = Elders(shipped, 77)
    switches = 0
    for index in range(80):
        session = ReviewSession(elders.patient(index), shipped)
        said = session.review
        decisions = [Decision(s.index, s.action, s.replacement, s.replacement_route) for s in said.plan if s.index >= 0]
        switches += sum(d.replacement is not None for d in decisions)
        assert session.after([]).components == said.components
        assert session.after(decisions).components == said.components_after
    assert switches > 15


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_decisions_are_counted_alike_in_any_order(seed: int, shipped: Knowledge) -> None:
    draw = random.Random(seed)
    session = ReviewSession(Elders(shipped, 5).patient(draw.randrange(2000)), shipped)
    decisions: list[Decision] = []
    for target in draw.sample(session.ids(), min(3, len(session.slots))):
        drug = draw.choice(sorted(shipped.ingredients))
        action = draw.choice(ACTIONS)
        try:
            made = session.decide(decisions, target, action, drug if action is Action.SWITCH else None)
        except Refused:
            continue
        before = session.after(decisions)
        now = session.after([*decisions, made])
        taken = {s.index for s in now.active}
        assert (made.slot in taken) == (action in (Action.REDUCE, Action.MONITOR))
        assert all(f.mask >> len(session.slots) for f in now.brought)  # by a replacement, all of them
        assert session.after(decisions) == before  # undo is the state before
        decisions.append(made)
    standing = session.after(decisions)
    for order in permutations(decisions):
        other = session.after(order)
        assert other.components == standing.components
        assert (other.findings, other.brought, other.resolved) == (
            standing.findings, standing.brought, standing.resolved,
        )  # fmt: skip
    active = standing.state.active
    for finding in (*standing.findings, *standing.brought):
        assert not finding.mask & ~active
    assert all(f.mask & ~active or f.kind == "burden" for f in standing.resolved)
    start = {f.id for f in session.review.findings}
    assert {f.id for f in standing.findings} | {f.id for f in standing.resolved} == start


def test_a_replacement_brings_its_own_trouble(session: ReviewSession) -> None:
    made = session.decide([], "naproxen", Action.SWITCH, "apixaban")
    now = session.after([made])
    bad = [f for f in now.brought if f.severity is Severity.CONTRAINDICATED]
    assert [set(f.drugs) for f in bad] == [{"apixaban", "warfarin"}]
    assert now.unserved == {made.slot: ("osteoarthritis",)}
    assert now.components["need"] > session.review.components.get("need", 0)
    assert session.ids([made])[made.slot] == "apixaban"
    good = session.after([session.decide([], "naproxen", Action.SWITCH, "paracetamol")])
    assert good.unserved == {}
    assert good.points < session.review.points


def test_a_need_that_a_replacement_does_not_meet_costs_what_a_stop_costs(session: ReviewSession) -> None:
    stop = session.after([session.decide([], "levothyroxine", Action.STOP)])
    swap = session.after([session.decide([], "levothyroxine", Action.SWITCH, "loratadine")])
    assert swap.components["need"] == stop.components["need"] > 0


def test_without_a_name_the_first_listed_that_suits_is_taken(session: ReviewSession) -> None:
    made = session.decide([], "naproxen", Action.SWITCH)
    assert (made.replacement, made.route) == ("diclofenac", "topical")
    with pytest.raises(Refused, match="no replacement of metoprolol is listed that suits: name one"):
        session.decide([], "metoprolol", Action.SWITCH)


def test_a_brand_names_its_ingredient_and_route(session: ReviewSession) -> None:
    assert session.decide([], "warfarin", Action.SWITCH, "Eliquis").replacement == "apixaban"
    with pytest.raises(Refused, match="more than one ingredient"):
        session.decide([], "warfarin", Action.SWITCH, "Zestoretic")
    with pytest.raises(Refused, match=r"not known to knowledge base .*did you mean"):
        session.decide([], "warfarin", Action.SWITCH, "apixabam")


@pytest.mark.parametrize(
    ("target", "proposed", "words"),
    [
        ("aspirin", None, "is not on the list; on it are"),
        ("naproxen", "naproxen", "is what it would replace"),
        ("naproxen", "metformin", "is on the list already: name another replacement, or stop naproxen"),
    ],
)
def test_what_is_not_open_is_refused(session: ReviewSession, target: str, proposed: str | None, words: str) -> None:
    with pytest.raises(Refused, match=words):
        session.decide([], target, Action.SWITCH, proposed)


def test_a_medicine_takes_one_decision(session: ReviewSession) -> None:
    made = [session.decide([], "naproxen", Action.MONITOR)]
    with pytest.raises(Refused, match="Naproxen was put under monitoring already: undo that first"):
        session.decide(made, "naproxen", Action.STOP)


def test_a_stopped_medicine_may_come_back_in_anothers_place(session: ReviewSession) -> None:
    made = [session.decide([], "naproxen", Action.STOP)]
    made.append(session.decide(made, "simvastatin", Action.SWITCH, "naproxen"))
    assert session.ids(made)[slot(session, "naproxen")].startswith("naproxen")
    assert len(set(session.ids(made))) == len(session.slots)


def test_a_second_slot_of_an_ingredient_has_its_number_behind_it(shipped: Knowledge) -> None:
    patient = parse_patient("drug,route\ntimolol,oral\nwarfarin,oral\ntimolol,ophthalmic", shipped)
    assert ReviewSession(patient, shipped).ids() == ["timolol", "warfarin", "timolol#2"]


def test_what_only_shows_on_the_new_list_is_told(shipped: Knowledge) -> None:
    """Stopping the protection: the risk is counted over the list as it was read, the fresh review tells."""
    text = "Age: 80\nConditions: ischaemic heart disease\n\nMedications:\natorvastatin 40 mg\naspirin 75 mg"
    session = ReviewSession(parse_patient(text, shipped), shipped)
    assert session.arising(session.after([])) == ()
    arising = session.arising(session.after([session.decide([], "atorvastatin", Action.STOP)]))
    assert any(f.start for f in arising)
    fresh = {f.id for f in review(session.patient, shipped).findings}
    assert not {f.id for f in arising} & fresh


def test_a_reduction_eases_what_dose_matters_to(shipped: Knowledge) -> None:
    session = ReviewSession(parse_patient("simvastatin 40 mg daily\namlodipine 10 mg daily", shipped), shipped)
    (finding,) = (f for f in session.review.findings if set(f.drugs) == {"simvastatin", "amlodipine"})
    now = session.after([session.decide([], "simvastatin", Action.REDUCE)])
    assert now.findings == session.review.findings
    assert now.is_eased(finding)
    assert now.severity_of(finding).rank < finding.severity.rank
    assert now.components["interaction"] < session.review.components["interaction"]
    other = session.after([session.decide([], "amlodipine", Action.REDUCE)])
    assert other.is_eased(finding) == bool(finding.dose_matters >> slot(session, "amlodipine") & 1)
