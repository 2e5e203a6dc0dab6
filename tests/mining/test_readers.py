"""Claims from files: what is read, and what is refused."""

from datetime import date
from itertools import combinations as choose
from pathlib import Path

import numpy as np
import pytest

from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.counts import count
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


def exposed(folder: Path, rows: str, **how: object) -> int:
    """Patients of two, one of whom falls ill, that took warfarin and aspirin together."""
    people = "patient,outcome\na,1\nb,0\n"
    cohort = read_long(*write(folder, people, "patient,drug,start,end\n" + rows), **how)  # type: ignore[arg-type]
    return int(count(cohort, Combinations.of([[0, 1]], 2)).exposed.sum())


def test_together_means_at_the_same_time(tmp_path: Path) -> None:
    apart = "a,warfarin,2024-01-01,2024-01-10\na,aspirin,2024-01-11,2024-01-20\n"
    assert exposed(tmp_path, apart) == 0
    touching = apart.replace("2024-01-11", "2024-01-10")
    assert exposed(tmp_path, touching) == 1
    assert exposed(tmp_path, touching, overlap_days=2) == 0
    assert exposed(tmp_path, touching, since=date(2024, 1, 10), until=date(2024, 1, 10)) == 1
    assert exposed(tmp_path, apart.replace("2024-01-10", "")) == 1  # a missing end is still going on
    twice = touching + "a,aspirin,2024-01-01,2024-01-02\n"
    assert exposed(tmp_path, twice) == 1  # a patient counts once


def test_refills_are_one_spell_and_gaps_are_not(tmp_path: Path) -> None:
    held = "a,warfarin,2024-01-01,2024-12-31\n"
    refills = held + "a,aspirin,2024-02-01,2024-02-10\na,aspirin,2024-02-11,2024-02-20\n"
    assert exposed(tmp_path, refills, overlap_days=20) == 1
    assert exposed(tmp_path, refills, overlap_days=21) == 0
    assert exposed(tmp_path, refills, overlap_days=11, until=date(2024, 2, 10)) == 0  # days outside do not count
    gap = refills.replace("2024-02-11", "2024-02-13")
    assert exposed(tmp_path, gap, overlap_days=11) == 0
    assert exposed(tmp_path, gap, overlap_days=20, gap_days=1) == 0
    assert exposed(tmp_path, gap, overlap_days=20, gap_days=2) == 1


DAYS = """
CREATE OR REPLACE TEMP TABLE days AS
WITH told AS (
    SELECT DISTINCT patient, drug,
        unnest(generate_series(start, coalesce("end", DATE '2024-12-31'), INTERVAL 1 DAY)) AS day
    FROM dispensings
), ahead AS (SELECT *, lead(day) OVER (PARTITION BY patient, drug ORDER BY day) AS next FROM told)
SELECT patient, drug, unnest(generate_series(day,
    CASE WHEN next - day <= INTERVAL 1 DAY * ($gap + 1) THEN next - INTERVAL 1 DAY ELSE day END, INTERVAL 1 DAY)) AS day
FROM ahead
"""
TOGETHER = """
WITH shared AS (SELECT patient, day FROM days WHERE drug IN {drugs} AND day >= $since AND day <= $until
    GROUP BY patient, day HAVING count(*) = {size}),
runs AS (SELECT patient, day - INTERVAL 1 DAY * row_number() OVER (PARTITION BY patient ORDER BY day) AS run
    FROM shared),
exposed AS (SELECT DISTINCT patient FROM runs GROUP BY patient, run HAVING count(*) >= $overlap)
SELECT stratum, count(*), sum(outcome) FROM exposed JOIN people USING (patient) GROUP BY stratum
"""


@pytest.mark.parametrize("seed", range(24))
def test_exposed_are_those_of_sql_day_by_day(tmp_path: Path, seed: int) -> None:
    import duckdb

    draw = np.random.default_rng(seed)
    overlap, gap, window = int(draw.choice((1, 2, 5, 30))), int(draw.choice((0, 1, 4))), seed % 2
    people = ["patient,outcome,stratum", *(f"{p},{p % 3 // 2},{p % 2}" for p in range(25))]
    lines = ["patient,drug,start,end"]
    for _ in range(200):
        first = np.datetime64("2024-01-01") + draw.integers(0, 80)
        last = "" if draw.random() < 0.03 else first + draw.integers(0, 25)
        lines.append(f"{draw.integers(25)},d{draw.integers(5)},{first},{last}")
    since, until = (date(2024, 1, 20), date(2024, 3, 1)) if window else (date(2023, 1, 1), date(2024, 12, 31))
    paths = write(tmp_path, "\n".join(people), "\n".join(lines))
    first_day, last_day = (since, until) if window else (None, None)
    cohort = read_long(paths[0], paths[1], first_day, last_day, None, overlap, gap)
    base = duckdb.connect(config={"threads": 1})
    for table, path in zip(("dispensings", "people"), paths, strict=True):
        base.execute(f"CREATE TABLE {table} AS SELECT * FROM read_csv('{path}')")
    base.execute(DAYS, {"gap": gap})
    wanted = [c for size in (1, 2, 3, 5) for c in choose(range(5), size)]
    counts = count(cohort, Combinations.of(wanted, 5))
    for row, drugs in enumerate(wanted):
        listed = "(" + ", ".join(f"'{cohort.names[d]}'" for d in drugs) + ")"
        told = base.execute(
            TOGETHER.format(drugs=listed, size=len(drugs)), {"since": since, "until": until, "overlap": overlap}
        ).fetchall()
        found = {
            int(name): (int(counts.exposed[s, row]), int(counts.cases[s, row]))
            for s, name in enumerate(cohort.stratum_names)
        }
        assert {s: both for s, both in found.items() if both[0]} == {s: (n, ill) for s, n, ill in told}


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


def test_days_must_make_sense(tmp_path: Path) -> None:
    for overlap, gap in ((0, 0), (1, -1)):
        with pytest.raises(ClaimsError, match="at least 1 and 0 are needed"):
            read_long(*write(tmp_path), overlap_days=overlap, gap_days=gap)
    with pytest.raises(ClaimsError, match="since 2024-02-01 comes after until 2024-01-01"):
        read_long(*write(tmp_path), since=date(2024, 2, 1), until=date(2024, 1, 1))
    endless = DISPENSINGS.replace("2024-03-01", "infinity")
    with pytest.raises(ClaimsError, match="start or end: 1 row wrong, the first is row 1; write dates as"):
        read_long(*write(tmp_path, dispensings=endless))


def test_damaged_parquet(tmp_path: Path) -> None:
    for name, content in (("empty.parquet", b""), ("junk.parquet", b"PAR1junkjunk" * 9)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ClaimsError, match=name):
            read_wide(tmp_path / name)


def test_wide_flags_must_be_flags(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("patient,outcome,aspirin\na,1,2\nb,0,0\n")
    with pytest.raises(ClaimsError, match="aspirin: 1 row wrong, the first is row 1; write 0 or 1"):
        read_wide(tmp_path / "w.csv")
