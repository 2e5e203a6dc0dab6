"""Predicates: true, false, or unknown and what is needed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polypharmacy.knowledge import Knowledge, load
from polypharmacy.knowledge.predicate import Predicate
from polypharmacy.patients import Medication, Patient
from polypharmacy.patients.patient import Lab, RecordedCondition
from polypharmacy.review.facts import Facts
from polypharmacy.review.slot import slots_of
from tests.conftest import SMALL


def ask(question: dict[str, Any], knowledge: Knowledge, **fields: Any) -> tuple[bool | None, list[str]]:
    patient = Patient(**fields)
    slots = slots_of(patient, knowledge)
    needs: list[str] = []
    subject = slots[0] if slots else None
    answer = Facts(patient, slots, knowledge).ask(Predicate.model_validate(question), needs, subject)
    return answer, needs


def medication(drug: str, knowledge: Knowledge, **more: Any) -> Medication:
    return Medication(text=drug, ingredient=drug, route=knowledge.ingredients[drug].route, **more)


FALLS = RecordedCondition(text="falls", ids=("falls",))


@pytest.mark.parametrize(
    ("question", "fields", "answer", "needs"),
    [
        ({"age": {"at_least": 75}}, {"age": 75}, True, []),
        ({"age": {"above": 75}}, {"age": 75}, False, []),
        ({"age": {"above": 75}}, {}, None, ["age"]),
        ({"sex": "female"}, {"sex": "male"}, False, []),
        ({"condition": ["falls"]}, {"conditions": (FALLS,)}, True, []),
        ({"condition": ["falls"]}, {"conditions_complete": True}, False, []),
        ({"condition": ["falls"]}, {}, None, ["problem list (falls)"]),
        ({"not": {"condition": ["falls"]}}, {}, None, ["problem list (falls)"]),
        ({"egfr": {"below": 30}}, {"measured_egfr": 29.9}, True, []),
        ({"egfr": {"below": 30}}, {"creatinine": 0.8, "age": 70, "sex": "female"}, False, []),
        ({"crcl": {"below": 30}}, {}, None, ["creatinine clearance or eGFR"]),
        ({"lab": {"name": "potassium", "above": 5}}, {"labs": {"potassium": Lab(value=5.1)}}, True, []),
        ({"lab": {"name": "qtc", "above": 500}}, {}, None, ["QTc"]),
        ({"liver": ["C"]}, {"child_pugh": "B"}, False, []),
        ({"phenotype": {"gene": "CYP2C19", "in": ["poor metabolizer"]}},
         {"phenotypes": {"CYP2C19": "Poor metabolizer"}}, True, []),
        # One false settles all of them, one true settles any of them, whatever is unknown beside it.
        ({"all": [{"age": {"above": 90}}, {"condition": ["falls"]}]}, {"age": 70}, False, []),
        ({"any": [{"age": {"above": 60}}, {"condition": ["falls"]}]}, {"age": 70}, True, []),
        ({"all": [{"age": {"above": 60}}, {"condition": ["falls"]}]}, {"age": 70}, None, ["problem list (falls)"]),
    ],
)  # fmt: skip
def test_answers(
    small: Knowledge, question: dict[str, Any], fields: dict[str, Any], answer: bool | None, needs: list[str]
) -> None:
    assert ask(question, small, **fields) == (answer, needs)


def test_questions_about_the_medicine_itself(small: Knowledge) -> None:
    drug = medication("simvastatin", small, dose=20, unit="mg", per_day=1, days=90)
    assert ask({"dose": {"above": 20}}, small, medications=(drug,))[0] is False
    assert ask({"duration": {"at_least": 90}}, small, medications=(drug,))[0] is True
    bare = medication("simvastatin", small)
    assert ask({"dose": {"above": 20}}, small, medications=(bare,)) == (None, ["daily dose of simvastatin"])
    assert ask({"duration": {"above": 1}}, small, medications=(bare,))[1] == ["how long simvastatin has been taken"]


def test_another_medicine_is_asked_for_among_the_others(small: Knowledge) -> None:
    one = medication("ibuprofen", small)
    assert ask({"drug": "class:nsaid"}, small, medications=(one,))[0] is False
    assert ask({"drug": "class:anticoagulant"}, small, medications=(one, medication("warfarin", small)))[0] is True


def test_an_indication_is_stated_or_follows_from_the_problem_list(small: Knowledge) -> None:
    question = {"indication": {"in": ["hypertension"]}}
    condition = RecordedCondition(text="high blood pressure", ids=("hypertension",))
    drug = medication("amlodipine", small)
    assert ask(question, small, medications=(drug,))[0] is None
    assert ask(question, small, medications=(drug,), conditions=(condition,))[0] is True


def test_doses_of_one_ingredient_are_summed(small: Knowledge) -> None:
    drugs = tuple(medication("simvastatin", small, dose=d, unit="mg", per_day=1) for d in (10, 20))
    assert ask({"dose": {"at_least": 30}}, small, medications=drugs)[0] is True


LEAF = st.sampled_from(
    [{"age": {"above": 70}}, {"sex": "female"}, {"condition": ["falls"]}, {"egfr": {"below": 30}}, {"liver": ["A"]}]
)
TREE = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).flatmap(lambda parts: st.sampled_from([{"all": parts}, {"any": parts}]))
        | inner.map(lambda q: {"not": q})
    ),
    max_leaves=6,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "age": st.integers(60, 80),
        "sex": st.sampled_from(["female", "male"]),
        "measured_egfr": st.floats(10, 90),
        "child_pugh": st.sampled_from(["A", "B"]),
        "conditions_complete": st.booleans(),
    },
)


@given(TREE, FIELDS)
def test_unknown_has_needs_and_knowing_more_never_overturns_an_answer(
    question: dict[str, Any], fields: dict[str, Any]
) -> None:
    knowledge = load(SMALL)
    answer, needs = ask(question, knowledge, **fields)
    assert (answer is None) == bool(needs)
    negated, _ = ask({"not": question}, knowledge, **fields)
    assert negated is (None if answer is None else not answer)
    if answer is not None:
        whole = {"age": 75, "sex": "female", "measured_egfr": 20.0, "child_pugh": "A", "conditions_complete": True}
        assert ask(question, knowledge, **{**whole, **fields, "conditions_complete": True})[0] in (answer, None)
