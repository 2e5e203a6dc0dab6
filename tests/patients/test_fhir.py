"""FHIR R4: what is read, what is set aside, and that nothing is lost."""

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polypharmacy.knowledge import Knowledge, Route, load
from polypharmacy.patients import InputError, Patient
from polypharmacy.patients.readers import parse_patient
from tests.conftest import SMALL

TODAY = date(2026, 11, 22)
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
EXAMPLE = Path(__file__).parents[2] / "examples" / "nine_medicines.json"


def request(text: str = "Warfarin 5 mg tablet", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/1"},
        "medicationCodeableConcept": {"text": text},
        **more,
    }


def statement(text: str = "Warfarin 5 mg", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationStatement",
        "status": "active",
        "subject": {"reference": "Patient/1"},
        "medicationCodeableConcept": {"text": text},
        **more,
    }


def observation(code: str, value: Any, unit: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "valueQuantity": {"value": value, "unit": unit, "code": unit},
        **more,
    }


def bundle(*resources: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}


def read(document: Any, knowledge: Knowledge) -> Patient:
    return parse_patient(json.dumps(document), knowledge, source="bundle.json", today=TODAY)


def drugs(patient: Patient) -> list[str]:
    return [m.ingredient for m in patient.medications]


def test_the_example(shipped: Knowledge) -> None:
    patient = read(json.loads(EXAMPLE.read_text()), shipped)
    assert (patient.age, patient.sex, patient.mentions) == (82, "female", 9)
    assert patient.unresolved == ()
    assert {"atrial_fibrillation", "hypertension", "type_2_diabetes"} <= patient.condition_ids
    assert patient.creatinine == 0.8
    assert patient.labs["potassium"].value == 4.6
    daily = {m.ingredient: m.daily_mg for m in patient.medications}
    assert daily["clarithromycin"] == 1000
    assert daily["levothyroxine"] == pytest.approx(0.075)
    assert daily["naproxen"] == 500
    assert [n.message for n in patient.notes] == ["'Zolpidem 5 mg tablet' is stopped, so it was not reviewed"]


@pytest.mark.parametrize(
    "resource",
    [
        request(status="stopped"),
        request(status="completed"),
        request(status="entered-in-error"),
        request(status="on-hold"),
        request(doNotPerform=True),
        request(intent="proposal"),
        statement(status="not-taken"),
        statement(effectivePeriod={"start": "2020-01-01", "end": "2020-02-01"}),
    ],
)
def test_only_active_medicines_count_and_the_others_are_said(small: Knowledge, resource: dict[str, Any]) -> None:
    patient = read(bundle(resource, request("Ibuprofen 400 mg")), small)
    assert drugs(patient) == ["ibuprofen"]
    assert "not reviewed" in patient.notes[0].message


def test_names_come_from_words_codes_references_and_contained_medications(small: Knowledge) -> None:
    by_code = request()
    by_code["medicationCodeableConcept"] = {"coding": [{"system": RXNORM, "code": "5640"}]}
    by_atc = request()
    by_atc["medicationCodeableConcept"] = {"coding": [{"system": "http://www.whocc.no/atc", "code": "c08ca01"}]}
    by_display = request()
    by_display["medicationCodeableConcept"] = {
        "coding": [{"system": "http://snomed.info/sct", "code": "1", "display": "Zocor"}]
    }
    contained = request()
    del contained["medicationCodeableConcept"]
    contained |= {
        "medicationReference": {"reference": "#m"},
        "contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "Ramipril 5 mg"}}],
    }
    referenced = copy.deepcopy(contained) | {"medicationReference": {"reference": "Medication/m2"}}
    medication = {"resourceType": "Medication", "id": "m2", "code": {"text": "Coumadin"}}
    patient = read(bundle(by_code, by_atc, by_display, contained, referenced, medication), small)
    assert drugs(patient) == ["ibuprofen", "amlodipine", "simvastatin", "ramipril", "warfarin"]


def test_a_reference_that_leads_nowhere_is_an_unresolved_medicine(small: Knowledge) -> None:
    lost = request()
    del lost["medicationCodeableConcept"]
    lost["medicationReference"] = {"reference": "Medication/none", "display": "mystery tablets"}
    patient = read(bundle(lost), small)
    assert [u.text for u in patient.unresolved] == ["mystery tablets"]


def test_a_code_that_contradicts_the_words_is_noted(small: Knowledge) -> None:
    odd = request("Ibuprofen 400 mg")
    odd["medicationCodeableConcept"]["coding"] = [{"system": RXNORM, "code": "11289"}]
    patient = read(bundle(odd), small)
    assert drugs(patient) == ["ibuprofen"]
    assert "carries the code of Warfarin" in patient.notes[0].message


def test_structured_dosage(small: Knowledge) -> None:
    tablets = request(
        "Simvastatin 20 mg tablet",
        dosageInstruction=[
            {
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "tablet"}}],
                "route": {"text": "oral"},
                "asNeededBoolean": True,
            }
        ],
    )
    written = statement("Ibuprofen", dosage=[{"text": "apply the gel twice a day", "route": {"text": "Topical"}}])
    first, second = read(bundle(tablets, written), small).medications
    assert (first.daily_mg, first.as_needed) == (40, True)
    assert (second.per_day, second.route) == (2, Route.TOPICAL)


def test_the_same_therapy_ordered_and_taken_is_reviewed_once(small: Knowledge) -> None:
    patient = read(bundle(request(), statement("Warfarin 5 mg tablet")), small)
    assert drugs(patient) == ["warfarin"]
    assert "reviewed once" in patient.notes[0].message


def test_observations_conditions_and_allergies(small: Knowledge) -> None:
    patient = read(
        bundle(
            request(),
            {"resourceType": "Patient", "id": "1", "gender": "male", "birthDate": "1946-12"},
            observation("2160-0", 150, "umol/L", effectiveDateTime="2026-01-02"),
            observation("2160-0", 0.9, "mg/dL", effectiveDateTime="2020-01-01"),
            observation("2823-3", 5.6, "mmol/L", status="entered-in-error"),
            observation("29463-7", 150, "[lb_av]"),
            observation("8636-3", 0.47, "furlong"),
            {"resourceType": "Condition",
             "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I48.91"}]},
             "subject": {"reference": "Patient/1"}},
            {"resourceType": "Condition", "code": {"text": "Insomnia"}, "subject": {"reference": "Patient/1"},
             "clinicalStatus": {"coding": [{"code": "resolved"}]}},
            {"resourceType": "AllergyIntolerance", "code": {"text": "NSAIDs"}, "patient": {"reference": "Patient/1"}},
        ),
        small,
    )  # fmt: skip
    assert patient.age == 79
    assert patient.creatinine == pytest.approx(1.6965, abs=0.001)
    assert patient.weight == pytest.approx(68.04, abs=0.01)
    assert "potassium" not in patient.labs
    assert patient.condition_ids == {"atrial_fibrillation"}
    assert patient.conditions_complete
    assert patient.allergies[0].ingredients == ("ibuprofen",)
    assert any("qtc is in furlong" in n.message for n in patient.notes)


def test_an_entry_of_another_patient_is_set_aside(small: Knowledge) -> None:
    person = {"resourceType": "Patient", "id": "1"}
    other = request("Ibuprofen 400 mg", subject={"reference": "Patient/2"})
    patient = read(bundle(person, request(), other), small)
    assert drugs(patient) == ["warfarin"]
    assert "another patient" in patient.notes[0].message
    with pytest.raises(InputError, match="2 patients"):
        read(bundle(request(), other), small)


def test_the_newer_of_egfr_and_creatinine_is_used(small: Knowledge) -> None:
    person = {"resourceType": "Patient", "id": "1", "gender": "male", "birthDate": "1946-01-01"}
    old = observation("33914-3", 75, "mL/min/{1.73_m2}", effectiveDateTime="2015-01-01")
    new = observation("2160-0", 3.0, "mg/dL", effectiveDateTime="2024-01-01")
    patient = read(bundle(person, request(), old, new), small)
    assert patient.egfr == pytest.approx(20, abs=2)


def test_a_written_count_a_weekday_and_two_dosages(small: Knowledge) -> None:
    count = request("Simvastatin 20 mg tablet", dosageInstruction=[{"text": "Take 2 tablets at bedtime"}])
    weekly = request("Warfarin 5 mg", dosageInstruction=[{"timing": {"repeat": {"dayOfWeek": ["mon"]}}}])
    both = request(
        "Ibuprofen 200 mg", dosageInstruction=[{"text": "200 mg every morning"}, {"text": "400 mg at night"}]
    )
    odd = request(
        "Ramipril 5 mg", dosageInstruction=[{"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "day"}}}]
    )
    daily = {m.ingredient: m.daily_mg for m in read(bundle(count, weekly, both, odd), small).medications}
    assert daily == {"simvastatin": 40, "warfarin": pytest.approx(5 / 7), "ibuprofen": 600, "ramipril": None}


def test_start_dates_become_durations(small: Knowledge) -> None:
    old = statement("Warfarin 5 mg", effectivePeriod={"start": "2025-11-22"})
    assert read(bundle(old), small).medications[0].days == 365


def test_a_dose_of_ten_costs_the_dose_and_not_the_medicine(small: Knowledge) -> None:
    odd = request("Warfarin", dosageInstruction=[{"doseAndRate": [{"doseQuantity": {"value": "ten", "unit": "mg"}}]}])
    patient = read(bundle(odd), small)
    assert drugs(patient) == ["warfarin"]
    assert "doseQuantity.value could not be read" in patient.notes[0].message


@pytest.mark.parametrize("missing", ["subject", "intent"])
def test_a_missing_formality_does_not_lose_a_medicine(small: Knowledge, missing: str) -> None:
    odd = request()
    del odd[missing]
    assert drugs(read(bundle(odd), small)) == ["warfarin"]


@pytest.mark.parametrize(
    "broken", [None, 5, "x", [], {}, {"resourceType": 7}, {"resourceType": "MedicationRequest"}, request(status=5)]
)
def test_one_broken_entry_is_set_aside_and_said(small: Knowledge, broken: Any) -> None:
    patient = read(bundle(broken, request("Ibuprofen 400 mg")), small)
    assert drugs(patient)[-1:] == ["ibuprofen"]
    assert patient.notes
    assert read(bundle(broken), small).notes


def test_a_broken_medicine_is_still_counted_and_named(small: Knowledge) -> None:
    patient = read(bundle(request("Ramipril 5 mg", status=None)), small)
    assert patient.mentions == 1
    assert [u.text for u in patient.unresolved] == ["Ramipril 5 mg"]


@pytest.mark.parametrize(
    ("document", "version"),
    [
        (bundle({"resourceType": "MedicationRequest", "status": "active", "intent": "order",
                 "medication": {"concept": {"text": "Warfarin"}}, "subject": {"reference": "Patient/1"}}), "R5"),
        (bundle({"resourceType": "MedicationOrder", "medicationCodeableConcept": {"text": "Warfarin"}}), "DSTU2"),
        (bundle({"resourceType": "MedicationStatement", "taken": "y"}), "STU3"),
        ({**bundle(request()), "meta": {"profile": ["http://hl7.org/fhir/5.0/StructureDefinition/Bundle"]}}, "5.0"),
    ],
)  # fmt: skip
def test_another_version_is_refused_by_name(small: Knowledge, document: Any, version: str) -> None:
    with pytest.raises(InputError, match=f"FHIR {version}"):
        read(document, small)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"resourceType": "Bundle", "entry": [', "not valid JSON"),
        ('{"a": 1}', "no resourceType"),
        ("[" * 100_000, "nested too deeply"),
        (json.dumps(bundle()), "no MedicationRequest"),
        (json.dumps({"resourceType": "Bundle", "entry": 5}), "must be a list"),
        (
            json.dumps(bundle({"resourceType": "Patient", "id": "a"}, {"resourceType": "Patient", "id": "b"})),
            "2 Patient",
        ),
    ],
)
def test_documents_that_cannot_be_reviewed(small: Knowledge, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        parse_patient(text, small, source="bundle.json")


# -- laws ---------------------------------------------------------------------------------------

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["Warfarin 5 mg", "Ibuprofen", "Percocet", "foozolam 5 mg", "ramipril/amlodipine", "\u0000", "5"]
)
FIELDS = st.sampled_from(
    ["status", "intent", "subject", "dosageInstruction", "dosage", "reasonCode", "authoredOn", "medicationReference",
     "medicationCodeableConcept", "effectivePeriod", "code", "valueQuantity", "birthDate", "gender", "contained", "id"]
)  # fmt: skip


@st.composite
def resources(draw: st.DrawFn) -> Any:
    """A medicine, observation, patient or junk, with some of its elements damaged."""
    kind = draw(st.sampled_from(["request", "statement", "observation", "patient", "junk"]))
    if kind == "junk":
        return draw(JUNK)
    made: dict[str, Any] = {
        "request": request(draw(NAMES)),
        "statement": statement(draw(NAMES)),
        "observation": observation("2160-0", 1.1, "mg/dL"),
        "patient": {"resourceType": "Patient", "id": "1", "gender": "female", "birthDate": "1940"},
    }[kind]
    for field in draw(st.lists(FIELDS, max_size=2)):
        made[field] = draw(JUNK)
    return made


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(resources(), max_size=6))
def test_no_bundle_gives_a_traceback_or_loses_a_medicine(entries: list[Any]) -> None:
    knowledge = load(SMALL)
    try:
        patient = parse_patient(json.dumps(bundle(*entries)), knowledge, source="bundle.json", today=TODAY)
    except InputError as error:
        assert "\n" not in str(error)
        return
    medicines = [
        i
        for i, e in enumerate(entries, start=1)
        if isinstance(e, dict) and e.get("resourceType") in ("MedicationRequest", "MedicationStatement")
    ]
    # Every medicine entry is read, unresolved, or named in a note.
    noted = {n.where for n in patient.notes}
    accounted = patient.mentions + sum(f"entry {i}" in noted for i in medicines)
    assert accounted >= len(medicines)
    read_or_unknown = {m.text for m in patient.medications} | {u.text for u in patient.unresolved}
    assert len(read_or_unknown) <= patient.mentions


@settings(max_examples=150, deadline=None)
@given(JUNK)
def test_no_document_gives_a_traceback(document: Any) -> None:
    try:
        parse_patient(json.dumps(document), load(SMALL), source="x.json", suffix=".json", today=TODAY)
    except InputError as error:
        assert "\n" not in str(error)
