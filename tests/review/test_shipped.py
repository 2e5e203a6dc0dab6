"""Reviews with the shipped knowledge base whose answer is settled by published guidance."""

import csv
import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polypharmacy.knowledge import Knowledge, load
from polypharmacy.knowledge.vocabulary import Kind, Severity
from polypharmacy.patients import Medication, Patient
from polypharmacy.patients.readers import parse_patient
from polypharmacy.review import Review, review


def reviewed(knowledge: Knowledge, *lines: str) -> Review:
    return review(parse_patient("\n".join(lines), knowledge, suffix=".txt"), knowledge)


def worst(result: Review) -> Severity | None:
    found = [f.severity for f in result.findings if f.kind is Kind.INTERACTION]
    return max(found, key=lambda s: s.rank, default=None)


@pytest.mark.parametrize(
    ("a", "b", "least"),
    [
        ("warfarin", "ibuprofen", Severity.AVOID),
        ("sildenafil", "nitroglycerin", Severity.CONTRAINDICATED),
        ("clarithromycin", "simvastatin", Severity.CONTRAINDICATED),
        ("methotrexate", "trimethoprim", Severity.AVOID),
        ("verapamil", "metoprolol", Severity.AVOID),
        ("phenelzine", "sertraline", Severity.CONTRAINDICATED),
        ("allopurinol", "azathioprine", Severity.AVOID),
        ("lithium", "ibuprofen", Severity.ADJUST),
        ("apixaban", "rifampicin", Severity.AVOID),
        ("sacubitril/valsartan", "lisinopril", Severity.CONTRAINDICATED),
        ("oxycodone", "alprazolam", Severity.AVOID),
        ("tizanidine", "ciprofloxacin", Severity.CONTRAINDICATED),
        ("colchicine", "clarithromycin", Severity.AVOID),
        ("levodopa", "metoclopramide", Severity.AVOID),
        ("ramipril", "losartan", Severity.AVOID),
    ],
)
def test_dangerous_pairs(shipped: Knowledge, a: str, b: str, least: Severity) -> None:
    result = reviewed(shipped, a, b)
    found = worst(result)
    assert found is not None
    assert found.rank >= least.rank
    if least.rank >= Severity.AVOID.rank:
        assert result.interrupting
        assert result.plan


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("metformin", "atorvastatin"),
        ("levothyroxine", "amlodipine"),
        ("paracetamol", "lisinopril"),
        ("topical diclofenac", "warfarin"),
        ("diclofenac 1% gel", "warfarin"),
        ("aspirin 81 mg", "atorvastatin"),
        ("simvastatin 10 mg", "amlodipine"),
        ("latanoprost eye drops", "metoprolol"),
    ],
)
def test_pairs_that_must_not_interrupt(shipped: Knowledge, a: str, b: str) -> None:
    assert reviewed(shipped, a, b).interrupting == ()


def test_simvastatin_with_amlodipine_depends_on_the_dose(shipped: Knowledge) -> None:
    assert worst(reviewed(shipped, "simvastatin 40 mg daily", "amlodipine 5 mg daily")) is Severity.ADJUST
    assert worst(reviewed(shipped, "simvastatin 40 mg", "amlodipine")) is Severity.ADJUST
    low = worst(reviewed(shipped, "simvastatin 10 mg daily", "amlodipine 5 mg daily"))
    assert low in (Severity.AWARE, Severity.MONITOR)


def test_renal_limits_follow_the_dose_and_the_kidney(shipped: Knowledge) -> None:
    def renal(*lines: str) -> list[str]:
        return [f.severity.value for f in reviewed(shipped, *lines).findings if f.kind is Kind.RENAL]

    assert renal("eGFR: 25", "metformin 500 mg bid") == ["contraindicated"]
    assert renal("eGFR: 80", "metformin 500 mg bid") == []
    assert renal("eGFR: 45", "gabapentin 1200 mg tid") == ["adjust"]
    assert renal("eGFR: 45", "gabapentin 300 mg bid") == []


def test_beers_conditions(shipped: Knowledge) -> None:
    def ids(*lines: str) -> set[str]:
        return {i for f in reviewed(shipped, *lines).findings for i in (f.id, *f.also) if i.startswith("beers")}

    assert any("parkinson" in i for i in ids("age: 80", "conditions: parkinson disease", "metoclopramide 10 mg tid"))
    assert not any("parkinson" in i for i in ids("age: 80", "conditions: hypertension", "metoclopramide 10 mg tid"))
    assert any("benzodiazepine" in i for i in ids("age: 80", "conditions: insomnia", "temazepam 15 mg at night"))


def test_plans_a_pharmacist_would_sign(shipped: Knowledge) -> None:
    def plan(*lines: str) -> list[tuple[str, str, str | None]]:
        return [(s.action.value, s.drug, s.replacement) for s in reviewed(shipped, *lines).plan]

    # The anticoagulant of atrial fibrillation is never what gives way to an NSAID.
    rhythm = "conditions: atrial fibrillation, osteoarthritis"
    af = plan("age: 80", rhythm, "rivaroxaban 20 mg daily", "naproxen 500 mg bd")
    assert "naproxen" in {drug for _, drug, _ in af}
    assert not any(drug == "rivaroxaban" and action == "stop" for action, drug, _ in af)
    # A mitral stenosis keeps warfarin.
    valve = plan("age: 82", "conditions: atrial fibrillation, mitral stenosis", "warfarin 5 mg daily")
    assert not any(r == "apixaban" for _, _, r in valve)
    # A switch serves everything the medicine is taken for.
    many = "conditions: heart failure, coronary artery disease, hypertension"
    heart = plan("age: 70", "egfr: 35", many, "atenolol 50 mg daily")
    assert not any(r == "amlodipine" for _, _, r in heart)


@pytest.mark.parametrize("words", ["chronic systolic heart failure", "HFrEF", "CCF", "congestive heart failure"])
def test_heart_failure_in_other_words(shipped: Knowledge, words: str) -> None:
    result = reviewed(shipped, "age: 80", f"conditions: {words}", "ibuprofen 400 mg tid")
    assert any("heart-failure" in i or "heart" in f.harm for f in result.findings for i in (f.id, *f.also))


def test_systolic_heart_failure_bars_rate_limiting_calcium_blockers(shipped: Knowledge) -> None:
    result = reviewed(shipped, "age: 80", "conditions: chronic systolic heart failure", "diltiazem 120 mg daily")
    assert any("heart-failure" in f.id and f.interrupts for f in result.findings)


@pytest.fixture
def table() -> Callable[[list[str]], str]:
    def make(drugs: list[str]) -> str:
        out = io.StringIO()
        csv.writer(out).writerows([["drug"], *[[d] for d in drugs]])
        return out.getvalue()

    return make


INGREDIENTS = st.deferred(lambda: st.sampled_from(sorted(load().ingredients)))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(INGREDIENTS, max_size=12, unique=True),
    st.one_of(st.none(), st.integers(60, 100)),
    st.one_of(st.none(), st.floats(5, 120)),
    st.booleans(),
)
def test_laws_of_any_review(drugs: list[str], age: int | None, egfr: float | None, complete: bool) -> None:
    knowledge = load()
    patient = Patient(
        age=age,
        measured_egfr=egfr,
        conditions_complete=complete,
        medications=tuple(Medication(text=d, ingredient=d, route=knowledge.ingredients[d].route) for d in drugs),
        mentions=len(drugs),
    )
    result = review(patient, knowledge)
    assert result == review(patient, knowledge)
    assert 0 <= result.displayed_risk <= 1
    assert result.points - sum(s.risk_drop for s in result.plan) == result.points_after
    for finding in result.findings:
        assert set(finding.drugs) <= set(drugs) or finding.kind is Kind.START
        assert finding.sources
        if finding.kind is Kind.INTERACTION:
            assert finding.interrupts == (finding.severity.rank >= Severity.AVOID.rank)
        if finding.interrupts:
            # An interrupting finding is never left without a step on one of its drugs.
            assert any(s.drug in finding.drugs for s in result.plan)
    assert len({s.drug for s in result.plan if s.action != "start"}) == len(
        [s for s in result.plan if s.action != "start"]
    )


def test_names_written_as_ids_resolve_to_themselves(shipped: Knowledge, table: Callable[[list[str]], str]) -> None:
    """Every ingredient can be written down and is read back as itself."""
    lost = {}
    for row in shipped.ingredients.values():
        for name in (row.name, *row.synonyms):
            found = shipped.names.resolve(name).ingredients
            if found != (row.id,):
                lost[name] = found
    assert lost == {}
