"""Claims from files: what is read, and what is refused."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from polypharmacy.mining.errors import ClaimsError
from polypharmacy.mining.readers import read_long, read_wide

PEOPLE = "patient,outcome,stratum,diabetes\na,1,old,1\nb,0,old,0\nc,0,young,0\n"
DISPENSINGS = (
    "patient,drug,start,end\na,warfarin,2024-01-01,2024-03-01\na,aspirin,2024-02-01,\n"
    "b,aspirin,2024-06-01,2024-07-01\nc,warfarin,2023-01-01,2023-02-01\na,aspirin,2024-05-01,2024-06-01\n"
)


def write(folder: Path, people: str = PEOPLE, dispensings: str = DISPENSINGS) -> tuple[Path, Path]:
    (folder / "people.csv").write_text(people)
    (folder / "dispensings.csv").write_text(dispensings)
    return folder / "dispensings.csv", folder / "people.csv"


def test_long(tmp_path: Path) -> None:
    cohort = read_long(*write(tmp_path))
    assert cohort.names == ("aspirin", "warfarin")
    assert cohort.stratum_names == ("old", "young")
    assert [cohort.taken[p].tolist() for p in range(3)] == [[0, 1], [0], [1]]
    assert cohort.outcome.tolist() == [True, False, False]
    assert cohort.covariates.tolist() == [[1], [0], [0]]


def test_window_counts_what_overlaps_it(tmp_path: Path) -> None:
    cohort = read_long(*write(tmp_path), since=date(2024, 2, 1), until=date(2024, 5, 31))
    taken = {cohort.names[d] for d in cohort.taken[0]}
    assert taken == {"warfarin", "aspirin"}
    assert len(cohort.taken[1]) == len(cohort.taken[2]) == 0


def test_wide_and_parquet_agree(tmp_path: Path) -> None:
    import duckdb

    text = "patient,outcome,aspirin,warfarin\na,1,1,1\nb,0,1,0\nc,0,0,1\n"
    (tmp_path / "wide.csv").write_text(text)
    wide = read_wide(tmp_path / "wide.csv")
    parquet = tmp_path / "wide.parquet"
    duckdb.execute(f"COPY (SELECT * FROM '{tmp_path / 'wide.csv'}') TO '{parquet}' (FORMAT parquet)")
    again = read_wide(parquet)
    long = read_long(*write(tmp_path, people="patient,outcome\na,1\nb,0\nc,0\n"))
    for cohort in (again, long):
        assert cohort.names == wide.names
        np.testing.assert_array_equal(cohort.taken.dense(), wide.taken.dense())
        np.testing.assert_array_equal(cohort.outcome, wide.outcome)


@pytest.mark.parametrize(
    ("people", "dispensings", "said"),
    [
        (PEOPLE + "a,0,old,0\n", DISPENSINGS, "people.csv: patient: 2 rows wrong, the first is row 1; list every"),
        (PEOPLE.replace("b,0", "b,-1"), DISPENSINGS, "people.csv: outcome: 1 row wrong, the first is row 2"),
        (PEOPLE.replace("b,0", "b,"), DISPENSINGS, "people.csv: outcome: 1 row wrong"),
        (PEOPLE.replace("young", ""), DISPENSINGS, "people.csv: stratum: 1 row wrong, the first is row 3"),
        (PEOPLE.replace("outcome", "result"), DISPENSINGS, "no column 'outcome'"),
        (PEOPLE, DISPENSINGS.replace("2024-03-01", "2023-03-01"), "end: 1 row wrong, the first is row 1; an end"),
        (PEOPLE, DISPENSINGS.replace("2024-06-01,2024", "June,2024"), "start or end: 1 row wrong, the first is row 3"),
        (PEOPLE, DISPENSINGS + "z,aspirin,2024-01-01,\n", "patient: 1 row wrong, the first is row 6; list the patient"),
        (PEOPLE, DISPENSINGS + "a,,2024-01-01,\n", "drug: 1 row wrong"),
        (PEOPLE, DISPENSINGS + "a,XX9,2024-01-01,\n", "drug: 1 row wrong, the first is row 6; not among the codes"),
        (PEOPLE.replace("a,1", "a,0"), DISPENSINGS, "0 of 3 patients had the outcome"),
        ("", DISPENSINGS, "people.csv: the file is empty"),
        ("patient,outcome\n", DISPENSINGS, "people.csv: no rows"),
    ],
)
def test_bad_input_is_refused_in_one_line(tmp_path: Path, people: str, dispensings: str, said: str) -> None:
    with pytest.raises(ClaimsError) as caught:
        read_long(*write(tmp_path, people, dispensings), codes=["aspirin", "warfarin"])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_parquet(tmp_path: Path) -> None:
    for name, content in (("empty.parquet", b""), ("junk.parquet", b"PAR1junkjunk" * 9)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ClaimsError, match=name):
            read_wide(tmp_path / name)


def test_wide_flags_must_be_flags(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("patient,outcome,aspirin\na,1,2\nb,0,0\n")
    with pytest.raises(ClaimsError, match="aspirin: 1 row wrong, the first is row 1; write 0 or 1"):
        read_wide(tmp_path / "w.csv")
