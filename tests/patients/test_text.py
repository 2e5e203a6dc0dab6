"""Pasted lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polypharmacy.knowledge import Knowledge, load
from polypharmacy.patients import InputError, Patient
from polypharmacy.patients.readers import parse_patient
from tests.conftest import SMALL


def read(text: str, knowledge: Knowledge) -> Patient:
    return parse_patient(text, knowledge)


def drugs(patient: Patient) -> list[str]:
    return [m.ingredient for m in patient.medications]


def test_one_medicine_a_line_with_bullets_headings_and_comments(small: Knowledge) -> None:
    patient = read(
        "Current medications:\n1. warfarin 5 mg daily\n- ibuprofen 400 mg TID\n# a remark\n\u2022 Zocor 20 mg", small
    )
    assert drugs(patient) == ["warfarin", "ibuprofen", "simvastatin"]
    assert [m.daily_mg for m in patient.medications] == [5, 1200, None]
    assert patient.mentions == 3


def test_facts_about_the_patient(small: Knowledge) -> None:
    patient = read(
        "Age: 81\nSex: F\neGFR: 38\nWeight: 132 lb\nConditions: AF, high blood pressure, left-handed\n"
        "Allergies: tylenol, NKDA\nwarfarin 5 mg",
        small,
    )
    assert (patient.age, patient.sex, patient.egfr) == (81, "female", 38)
    assert patient.weight == pytest.approx(59.87, abs=0.01)
    assert patient.condition_ids == {"atrial_fibrillation", "hypertension"}
    assert patient.conditions_complete
    assert [c.text for c in patient.conditions] == ["AF", "high blood pressure", "left-handed"]
    assert [a.ingredients for a in patient.allergies] == [("paracetamol",)]


def test_creatinine_in_either_unit(small: Knowledge) -> None:
    for line in ("creatinine: 1.2 mg/dL", "creatinine: 106.1 umol/L", "creatinine: 106.1"):
        patient = read(f"age: 80\nsex: male\n{line}\nwarfarin", small)
        assert patient.creatinine == pytest.approx(1.2, abs=0.001)


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("84F", "age", 84),
        ("84 yo F", "sex", "female"),
        ("78-year-old man", "sex", "male"),
        ("eGFR 28", "egfr", 28),
        ("CrCl: 28", "crcl", 28),
        ("Wt 60kg", "weight", 60),
    ],
)
def test_facts_in_shorthand_are_no_medicines(small: Knowledge, line: str, field: str, value: object) -> None:
    patient = read(f"{line}\nwarfarin", small)
    assert getattr(patient, field) == value
    assert (patient.mentions, patient.unresolved) == (1, ())


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [("K+ 5.6", "potassium", 5.6), ("Na: 128", "sodium", 128), ("BP 104/60", "systolic_bp", 104)],
)
def test_measurements_in_shorthand(small: Knowledge, line: str, name: str, value: float) -> None:
    patient = read(f"84F, eGFR 40, {line}\nwarfarin", small)
    assert {n: lab.value for n, lab in patient.labs.items()} == {name: value}
    assert (patient.age, patient.egfr) == (84, 40)


def test_a_fact_that_cannot_be_read_is_noted(small: Knowledge) -> None:
    patient = read("Age: ninety\nwarfarin", small)
    assert patient.age is None
    assert "could not read age" in patient.notes[0].message


@pytest.mark.parametrize(
    ("line", "expected", "mentions"),
    [
        ("warfarin 5 mg, ibuprofen 400 mg tid and zocor 20 mg", ["warfarin", "ibuprofen", "simvastatin"], 3),
        ("ramipril and amlodipine 5 mg", ["ramipril", "amlodipine"], 1),
        ("ramipril 5 mg/amlodipine 10 mg daily", ["ramipril", "amlodipine"], 1),
        ("amlodipine 5 mg, once daily, in the morning", ["amlodipine"], 1),
        ("Percocet 5/325 one tablet every 6 hours", ["oxycodone", "paracetamol"], 1),
    ],
)
def test_several_medicines_in_a_line(small: Knowledge, line: str, expected: list[str], mentions: int) -> None:
    patient = read(line, small)
    assert drugs(patient) == expected
    assert patient.mentions == mentions
    assert patient.unresolved == ()


def test_each_part_of_a_combination_has_its_own_dose(small: Knowledge) -> None:
    patient = read("ramipril 5 mg/amlodipine 10 mg twice daily", small)
    assert [m.daily_mg for m in patient.medications] == [10, 20]


def test_an_unknown_second_medicine_in_a_line_is_reported(small: Knowledge) -> None:
    patient = read("warfarin 5 mg and foozolam 20 mg", small)
    assert drugs(patient) == ["warfarin"]
    assert [u.text for u in patient.unresolved] == ["foozolam 20 mg"]


def test_a_remark_is_noted_not_lost(small: Knowledge) -> None:
    patient = read("warfarin 5 mg daily, hold if bleeding", small)
    assert drugs(patient) == ["warfarin"]
    assert "hold if bleeding" in patient.notes[0].message


@pytest.mark.parametrize("line", ["ibuprofen 400 mg (stopped in May)", "discontinued: ibuprofen"])
def test_a_stopped_medicine_is_set_aside_and_said(small: Knowledge, line: str) -> None:
    patient = read(f"warfarin 5 mg\n{line}", small)
    assert drugs(patient) == ["warfarin"]
    assert "not reviewed" in patient.notes[0].message


def test_the_reason_becomes_the_indication(small: Knowledge) -> None:
    patient = read("amlodipine 5 mg daily for high blood pressure", small)
    assert patient.medications[0].indication == ("hypertension",)


@pytest.mark.parametrize("text", ["", "  \n ", "Medications:\n", "# nothing\n", "age: 80"])
def test_an_empty_list_is_refused(small: Knowledge, text: str) -> None:
    with pytest.raises(InputError, match=r"empty|no medicines"):
        read(text, small)


@pytest.mark.parametrize(
    ("line", "expected", "unresolved"),
    [
        ("warfarin 5 mg bid foozolam 5 mg daily", ["warfarin"], ["foozolam 5 mg"]),
        ("HR: amlodipine 5 mg", ["amlodipine"], []),
        ("Weight: warfarin 1 mg weekly", ["warfarin"], []),
        ("Meds: warfarin 5 mg", ["warfarin"], []),
        ("amlodipine5mg daily", ["amlodipine"], []),
    ],
)
def test_medicines_are_not_swallowed(small: Knowledge, line: str, expected: list[str], unresolved: list[str]) -> None:
    patient = read(line, small)
    assert drugs(patient) == expected
    assert [u.text for u in patient.unresolved] == unresolved


def test_only_the_stopped_piece_of_a_line_is_set_aside(small: Knowledge) -> None:
    patient = read("amlodipine 5 mg bid; warfarin stopped 2023\nibuprofen 400 mg bid - stopped simvastatin", small)
    assert drugs(patient) == ["amlodipine", "ibuprofen"]
    assert len(patient.notes) == 2


def test_two_strengths_belong_to_two_names(small: Knowledge) -> None:
    patient = read("oxycodone-acetaminophen 10mg-325mg twice daily", small)
    assert [(m.ingredient, m.daily_mg) for m in patient.medications] == [("oxycodone", 20), ("paracetamol", 650)]


@given(st.lists(st.text(max_size=120), max_size=12).map("\n".join))
def test_no_text_raises_anything_else_and_every_mention_is_kept(text: str) -> None:
    knowledge = load(SMALL)
    try:
        patient = parse_patient(text, knowledge, suffix=".txt")
    except InputError:
        return
    kept = {m.text for m in patient.medications} | {u.text for u in patient.unresolved}
    assert len(kept) <= patient.mentions
    assert patient.mentions == 0 or kept
