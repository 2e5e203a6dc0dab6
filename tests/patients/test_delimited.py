"""Tables of medicines."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polypharmacy.knowledge import Knowledge, Route, load
from polypharmacy.patients import InputError
from polypharmacy.patients.readers import parse_patient
from tests.conftest import SMALL


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_by_name_in_any_order(small: Knowledge, delimiter: str) -> None:
    text = (
        "Dose,Medication,Frequency,Indication,Route\n5 mg,Coumadin,daily,AF,oral\n400 mg,ibuprofen,TID,arthritis,gel\n"
    )
    patient = parse_patient(text.replace(",", delimiter), small, suffix=".csv")
    first, second = patient.medications
    assert (first.ingredient, first.daily_mg, first.indication) == ("warfarin", 5, ("atrial_fibrillation",))
    assert (second.ingredient, second.daily_mg, second.route) == ("ibuprofen", 1200, Route.TOPICAL)
    assert not patient.conditions_complete


def test_a_dose_of_ten_is_reported_and_the_medicine_reviewed(small: Knowledge) -> None:
    patient = parse_patient("drug,dose\nwarfarin,ten\n", small)
    assert [m.ingredient for m in patient.medications] == ["warfarin"]
    assert patient.medications[0].dose is None
    assert "dose 'ten'" in patient.notes[0].message


def test_a_bare_number_is_read_as_mg_and_said(small: Knowledge) -> None:
    patient = parse_patient("drug,dose,frequency\nsimvastatin,40,daily\n", small)
    assert patient.medications[0].daily_mg == 40
    assert "no unit" in patient.notes[0].message


def test_a_unit_in_the_heading_needs_no_note(small: Knowledge) -> None:
    patient = parse_patient("drug,dose (mg),frequency\nsimvastatin,40,daily\n", small)
    assert patient.medications[0].daily_mg == 40
    assert patient.notes == ()


def test_rows_without_a_name_and_stopped_rows_are_said(small: Knowledge) -> None:
    patient = parse_patient("drug,dose,status\n,5 mg,active\nwarfarin,5 mg,stopped\nibuprofen,400 mg,active\n", small)
    assert [m.ingredient for m in patient.medications] == ["ibuprofen"]
    assert [n.where for n in patient.notes] == ["row 2", "row 3"]


def test_units_of_a_column_title_rows_and_surplus_cells(small: Knowledge) -> None:
    table = "sep=;\nMedication list of the ward;;\ndrug;dose;unit;frequency\nwarfarin;500;mcg;daily;extra\n"
    patient = parse_patient(table, small, suffix=".csv")
    assert patient.medications[0].daily_mg == 0.5
    assert "extra" in patient.notes[0].message


@pytest.mark.parametrize("status", ["D/C", "Not taking", "Stopped 2020", "no", "on hold"])
def test_every_way_of_saying_stopped(small: Knowledge, status: str) -> None:
    patient = parse_patient(f"drug,status\nwarfarin,{status}\nibuprofen,active\n", small, suffix=".csv")
    assert [m.ingredient for m in patient.medications] == ["ibuprofen"]
    assert "not reviewed" in patient.notes[0].message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("product_code,dose\n123,5 mg\n", "no drug column"),
        ("drug,dose\n", "no medicines under the header"),
        ("drug,dose\n,\n", "no medicines under the header"),
    ],
)
def test_tables_that_cannot_be_reviewed(small: Knowledge, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        parse_patient(text, small, source="list.csv", suffix=".csv")


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=15), st.text(max_size=15)), min_size=1, max_size=8))
def test_no_table_raises_anything_else_and_no_row_is_lost(rows: list[tuple[str, str, str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([("drug", "dose", "frequency"), *rows])
    try:
        patient = parse_patient(out.getvalue(), load(SMALL), suffix=".csv")
    except InputError:
        return
    written = [r for r in rows if any(c.strip() for c in r)]
    assert patient.mentions + len(patient.notes) >= len(written)
