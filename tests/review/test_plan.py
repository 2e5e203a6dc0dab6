"""The plan on the small knowledge base: preferences, critical drugs and steps that are never missing."""

from polypharmacy.knowledge import Knowledge
from polypharmacy.patients.readers import parse_patient
from polypharmacy.review import Review, review


def reviewed(knowledge: Knowledge, *lines: str) -> Review:
    return review(parse_patient("\n".join(lines), knowledge, suffix=".txt"), knowledge)


def steps(result: Review) -> list[tuple[str, str, str | None]]:
    return [(s.action.value, s.drug, s.replacement) for s in result.plan]


def test_a_replacement_already_taken_is_not_offered(small: Knowledge) -> None:
    taken = reviewed(small, "conditions: arthritis, af", "warfarin 5 mg", "ibuprofen 400 mg", "paracetamol 1 g")
    assert steps(taken) == [("stop", "ibuprofen", None)]
    # Paracetamol treats osteoarthritis in another way (another class), so the need for an NSAID (8) is unmet.
    assert taken.plan[0].risk_drop == 30 - 8


def test_a_replacement_that_an_allergy_names_is_not_offered(small: Knowledge) -> None:
    allergic = reviewed(small, "conditions: arthritis, af", "allergies: tylenol", "warfarin 5 mg", "ibuprofen 400 mg")
    assert steps(allergic) == [("stop", "ibuprofen", None)]


def test_without_a_stated_reason_a_drug_with_one_use_can_still_be_replaced(small: Knowledge) -> None:
    assert steps(reviewed(small, "warfarin 5 mg", "ibuprofen 400 mg")) == [("switch", "ibuprofen", "paracetamol")]


def test_every_interrupting_finding_has_a_step_and_drops_add_up(small: Knowledge) -> None:
    result = reviewed(
        small,
        "age: 80",
        "conditions: af, insomnia, falls",
        "warfarin",
        "ibuprofen",
        "zolpidem",
        "oxycodone",
        "temazepam",
    )
    stepped = {s.drug for s in result.plan}
    assert all(stepped & set(f.drugs) for f in result.interrupting)
    assert result.points - sum(s.risk_drop for s in result.plan) == result.points_after


def test_a_taper_is_told_with_a_stop(small: Knowledge) -> None:
    result = reviewed(small, "age: 80", "conditions: insomnia, falls", "zolpidem 5 mg")
    (step,) = result.plan
    assert step.action.value == "stop"
    assert step.taper is not None
    assert "quarter" in step.taper


def test_a_duplicate_class_keeps_one(small: Knowledge) -> None:
    result = reviewed(small, "conditions: insomnia", "zolpidem 5 mg", "temazepam 10 mg")
    assert ("duplicate", "duplicate-class") in {(f.kind.value, f.id) for f in result.findings}


def test_one_taken_only_when_needed_is_no_duplicate(small: Knowledge) -> None:
    result = reviewed(small, "zolpidem 5 mg daily", "temazepam 10 mg as needed")
    assert "duplicate" not in {f.kind.value for f in result.findings}
