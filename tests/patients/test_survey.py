"""Survey tables of many people."""

import pytest

from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import InputError
from polypharmacy.patients.readers import parse_patient
from polypharmacy.patients.readers.survey import read_survey

TABLE = """SEQN,RXDDAYS,RXDRSC1,RXDRSC2,RXDRSC3,RXDRSD1,RXDDRUG,RIDAGEYR,RIAGENDR
1,365,I48.91,,,Unspecified atrial fibrillation,WARFARIN,80,1
1,10,M19.9,,,Osteoarthritis,IBUPROFEN,80,1
1,,,,,,99999,80,1
2,,,,,,,67,2
3,30,I48.P,,,Prevent arrhythmia,AMLODIPINE; RAMIPRIL,71,2
3,30,,,,,FOOZOLAM,71,2
"""


def test_people_with_their_reasons_and_durations(small: Knowledge) -> None:
    first, second, third = read_survey(TABLE, small, "survey.csv")
    assert (first.id, first.age, first.sex, first.mentions) == ("1", 80, "male", 2)
    assert [(m.ingredient, m.days, m.indication) for m in first.medications] == [
        ("warfarin", 365, ("atrial_fibrillation",)),
        ("ibuprofen", 10, ("osteoarthritis",)),
    ]
    assert "not known" in first.notes[0].message
    assert not first.conditions_complete
    assert (second.mentions, second.sex) == (0, "female")
    assert [m.ingredient for m in third.medications] == ["amlodipine", "ramipril"]
    assert [u.text for u in third.unresolved] == ["FOOZOLAM"]


def test_a_prevention_code_is_no_condition(small: Knowledge) -> None:
    third = list(read_survey(TABLE, small, "survey.csv"))[2]
    assert third.conditions == ()
    assert third.medications[0].indication == ()
    assert third.condition_ids == frozenset()


def test_a_table_of_many_people_asks_for_summary(small: Knowledge) -> None:
    with pytest.raises(InputError, match="--summary"):
        parse_patient(TABLE, small, source="survey.csv")


def test_a_table_cut_short_is_refused(small: Knowledge) -> None:
    with pytest.raises(InputError, match="row 3"):
        list(read_survey("RXDDRUG,SEQN\nWARFARIN,1\nIBUPRO", small, "survey.csv"))
