"""Real claims from CSV or Parquet, through DuckDB, which keeps what does not fit in memory on disk.

Two layouts. Long: a table of dispensings (patient, drug, start, end) and a table of people (patient, outcome, perhaps
stratum; further columns of 0 and 1 are covariates). Wide: one table with patient, outcome, perhaps stratum, and one
column of 0 and 1 for every drug, which says nothing of time. Nothing is guessed or dropped: a row that makes no sense
stops the reading and is named.
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from polypharmacy.mining.cohort import Cohort
from polypharmacy.mining.combinations import MOST_DRUGS, Combinations
from polypharmacy.mining.errors import ClaimsError
from polypharmacy.mining.regimens import largest_regimens

NOT_DRUGS = ("patient", "outcome", "stratum")
YES = "('1', 'true', 't', 'yes')"
NO = "('0', 'false', 'f', 'no')"
FOREVER = 2**30
"""A day after all others, counted from 1970."""
BATCH = 500_000
"""Patients whose dates are in memory at once."""


def read_long(
    dispensings: Path,
    people: Path,
    since: date | None = None,
    until: date | None = None,
    codes: Iterable[str] | None = None,
    overlap_days: int = 1,
    gap_days: int = 0,
) -> Cohort:
    """A cohort of the people listed; a drug counts as taken when it was on a day from `since` to `until`, drugs as
    taken together when all were on the same `overlap_days` days on end of that time.

    A dispensing lasts from its start to its end, both included; a missing end is still going on. Dispensings of a drug
    that overlap, follow on the next day, or leave at most `gap_days` days between them (the permissible gap) are one.
    codes: all drug codes that may occur; another one is an error.
    Raises ClaimsError for a file that is missing, empty or no table; a missing column; a patient listed twice, or
    dispensed to but not listed; an outcome other than 0 or 1; a missing drug, patient, start or stratum; an end before
    its start.
    """
    if overlap_days < 1 or gap_days < 0:
        raise ClaimsError(f"overlap days {overlap_days} and gap days {gap_days}: at least 1 and 0 are needed")
    if since is not None and until is not None and since > until:
        raise ClaimsError(f"since {since} comes after until {until}")
    base = _connect()
    _table(base, "dispensings", dispensings, ("patient", "drug", "start", "end"))
    columns = _table(base, "people", people, ("patient", "outcome"))
    covariates = [c for c in columns if c not in NOT_DRUGS]
    _check_people(base, people, columns, covariates)
    _check(base, dispensings, "dispensings", "patient IS NULL", "patient", "give every row a patient")
    _check(base, dispensings, "dispensings", "drug IS NULL", "drug", "give every row a drug")
    bad = f'start IS NULL OR {_no_date("start")} OR ("end" IS NOT NULL AND {_no_date(_quoted("end"))})'
    _check(base, dispensings, "dispensings", bad, "start or end", "write dates as 2024-12-31")
    late = 'TRY_CAST("end" AS DATE) < TRY_CAST(start AS DATE)'
    _check(base, dispensings, "dispensings", late, "end", "an end must not come before its start")
    stranger = "patient NOT IN (SELECT patient FROM people)"
    _check(base, dispensings, "dispensings", stranger, "patient", f"list the patient in {people.name}")
    if codes is not None:
        base.execute("CREATE TEMP TABLE codes AS SELECT unnest(?::VARCHAR[]) AS code", [sorted(set(codes))])
        unknown = "drug NOT IN (SELECT code FROM codes)"
        _check(base, dispensings, "dispensings", unknown, "drug", "not among the codes given; add or correct it")
    _number_people(base, "stratum" in columns, covariates)
    _spells(base, since, until, gap_days)
    base.execute("CREATE TEMP TABLE taken AS SELECT DISTINCT patient, drug FROM spells")
    return _cohort(base, dispensings, covariates, overlap_days)


def _no_date(column: str) -> str:
    return f"coalesce(NOT isfinite(TRY_CAST({column} AS DATE)), TRUE)"


def _spells(base: Any, since: date | None, until: date | None, gap_days: int) -> None:
    """Days on end on which a patient took a drug, from `since` to `until`: patient, drug, first, last.

    A spell begins with a dispensing that starts after all before it have ended, and ends when all before the next
    beginning have.
    """
    day = "CAST({} AS DATE) - DATE '1970-01-01'"
    earliest, latest = ((d - date(1970, 1, 1)).days if d else f for d, f in ((since, -FOREVER), (until, FOREVER)))
    base.execute(
        f"""
        CREATE TEMP TABLE spells AS
        WITH days AS (
            SELECT numbered.number AS patient, drug,
                {day.format("start")} AS first, coalesce({day.format(_quoted("end"))}, {FOREVER}) AS last
            FROM dispensings JOIN numbered USING (patient)
        ), sorted AS (
            SELECT patient, drug, first,
                max(last) OVER (line ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before,
                max(last) OVER (line ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS final
            FROM days WINDOW line AS (PARTITION BY patient, drug ORDER BY first)
        ), begun AS (
            SELECT patient, drug, first, coalesce(
                lead(before) OVER (PARTITION BY patient, drug ORDER BY first), final) AS last
            FROM sorted WHERE before IS NULL OR first > before + {1 + gap_days}
        )
        SELECT patient, drug, CAST(greatest(first, {earliest}) AS INTEGER) AS first,
            CAST(least(last, {latest}) AS INTEGER) AS last
        FROM begun WHERE last >= {earliest} AND first <= {latest}
        """
    )


def read_wide(path: Path, covariates: Iterable[str] = ()) -> Cohort:
    """A cohort from one row a patient. Columns other than patient, outcome, stratum and the covariates named are drugs.

    Raises ClaimsError as `read_long`, and for a drug or covariate that is neither 0 nor 1.
    """
    base = _connect()
    columns = _table(base, "people", path, ("patient", "outcome"))
    covariates = list(covariates)
    for name in covariates:
        if name not in columns:
            raise ClaimsError(f"{path}: no column {name!r} for a covariate")
    drugs = [c for c in columns if c not in (*NOT_DRUGS, *covariates)]
    if not drugs:
        raise ClaimsError(f"{path}: no column of a drug")
    _check_people(base, path, columns, [*covariates, *drugs])
    listed = ", ".join(_quoted(d) for d in drugs)
    _number_people(base, "stratum" in columns, covariates)
    base.execute(
        "CREATE TEMP TABLE taken AS SELECT number AS patient, drug "
        f"FROM (UNPIVOT people ON {listed} INTO NAME drug VALUE given) "
        f"JOIN numbered USING (patient) WHERE lower(given) IN {YES}"
    )
    return _cohort(base, path, covariates)


def _connect() -> Any:
    try:
        import duckdb
    except ImportError:
        raise ClaimsError("reading claims needs DuckDB: pip install 'polypharmacy-env[mine]'") from None
    base = duckdb.connect()
    base.execute("SET enable_progress_bar = false")
    return base


def _table(base: Any, name: str, path: Path, needed: tuple[str, ...]) -> list[str]:
    """A view of a file, all columns as text; its columns."""
    import duckdb

    if not path.is_file():
        raise ClaimsError(f"{path}: no such file")
    if not path.stat().st_size:
        raise ClaimsError(f"{path}: the file is empty")
    literal = "'" + str(path).replace("'", "''") + "'"
    parquet = path.suffix.lower() in (".parquet", ".pq")
    source = f"read_parquet({literal})" if parquet else f"read_csv({literal}, header = true, all_varchar = true)"
    try:
        columns = [row[0] for row in base.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
        for column in needed:
            if column not in columns:
                raise ClaimsError(f"{path}: no column {column!r}; it has {', '.join(columns[:12])}")
        texts = ", ".join(f"nullif(trim(CAST({_quoted(c)} AS VARCHAR)), '') AS {_quoted(c)}" for c in columns)
        base.execute(f"CREATE TEMP TABLE {name} AS SELECT {texts} FROM {source}")
    except duckdb.Error as error:
        raise ClaimsError(f"{path}: not a readable table: {str(error).splitlines()[0]}") from None
    if not base.execute(f"SELECT count(*) FROM {name}").fetchone()[0]:
        raise ClaimsError(f"{path}: no rows")
    return columns


def _check_people(base: Any, path: Path, columns: list[str], flags: list[str]) -> None:
    _check(base, path, "people", "patient IS NULL", "patient", "give every row a patient")
    twice = "patient IN (SELECT patient FROM people GROUP BY patient HAVING count(*) > 1)"
    _check(base, path, "people", twice, "patient", "list every patient once")
    for name in ("outcome", *flags):
        wrong = f"{_quoted(name)} IS NULL OR lower({_quoted(name)}) NOT IN {YES[:-1]}, {NO[1:]}"
        _check(base, path, "people", wrong, name, "write 0 or 1")
    if "stratum" in columns:
        _check(base, path, "people", "stratum IS NULL", "stratum", "name every patient's stratum")


def _check(base: Any, path: Path, table: str, wrong: str, column: str, mend: str) -> None:
    """Raise ClaimsError naming how many rows are wrong and the row number of the first."""
    count = base.execute(f"SELECT count(*) FROM {table} WHERE {wrong}").fetchone()[0]
    if count:
        row = base.execute(f"SELECT min(rowid) FROM {table} WHERE {wrong}").fetchone()[0]
        rows = "1 row" if count == 1 else f"{count} rows"
        raise ClaimsError(f"{path}: {column}: {rows} wrong, the first is row {row + 1}; {mend}")


def _number_people(base: Any, stratified: bool, covariates: list[str]) -> None:
    stratum = "stratum" if stratified else "'all'"
    flags = "".join(f", lower({_quoted(c)}) IN {YES} AS flag_{i}" for i, c in enumerate(covariates))
    base.execute(
        f"CREATE TEMP TABLE numbered AS SELECT patient, {stratum} AS stratum, lower(outcome) IN {YES} AS outcome{flags}"
        f", CAST(row_number() OVER (ORDER BY {stratum}, patient) - 1 AS INTEGER) AS number FROM people"
    )


def _cohort(base: Any, path: Path, covariates: list[str], overlap_days: int | None = None) -> Cohort:
    """Number drugs from the rarest up; fetch the rows as arrays. Without overlap_days, no times are known."""
    base.execute(
        "CREATE TEMP TABLE drugs AS SELECT drug, CAST(row_number() OVER (ORDER BY count(*), drug) - 1 AS INTEGER) "
        "AS number FROM taken GROUP BY drug"
    )
    names = tuple(row[0] for row in base.execute("SELECT drug FROM drugs ORDER BY number").fetchall())
    if not 0 < len(names) <= MOST_DRUGS:
        raise ClaimsError(f"{path}: {len(names)} drugs were taken; at least 1 and at most {MOST_DRUGS} can be")
    held = base.execute("SELECT * EXCLUDE (patient, number) FROM numbered ORDER BY number").fetchnumpy()
    rows = base.execute(
        "SELECT patient, CAST(drugs.number AS SMALLINT) AS drug FROM taken JOIN drugs USING (drug) ORDER BY 1, 2"
    ).fetchnumpy()
    people = len(held["outcome"])
    sizes = np.bincount(rows["patient"], minlength=people)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    taken = Combinations(offsets, np.asarray(rows["drug"], dtype=np.int16), len(names))
    flagged = [np.asarray(held[f"flag_{i}"], dtype=np.uint8) for i in range(len(covariates))]
    table = np.stack(flagged, axis=1) if flagged else None
    outcome, stratum = np.asarray(held["outcome"]), np.asarray(held["stratum"], dtype=str)
    regimens = None if overlap_days is None else _regimens(base, people, len(names), overlap_days)
    return Cohort.of(taken, names, outcome, stratum, table, regimens)


def _regimens(base: Any, people: int, drugs: int, overlap_days: int) -> tuple[Combinations, np.ndarray]:
    """Drugs that were taken on the same `overlap_days` days on end: those on one day, after that many days less one
    are taken off the end of every spell.
    """
    held, whose = Combinations.of([], drugs), [np.empty(0, np.int32)]
    for low in range(0, people, BATCH):
        part = base.execute(
            f"SELECT patient, CAST(drugs.number AS SMALLINT) AS drug, first, last - {overlap_days - 1} AS last "
            f"FROM spells JOIN drugs USING (drug) WHERE patient >= {low} AND patient < {low + BATCH} "
            f"AND last - {overlap_days - 1} >= first ORDER BY patient"
        ).fetchnumpy()
        patient, drug, first, last = (np.asarray(part[name]) for name in ("patient", "drug", "first", "last"))
        regimens, patients = largest_regimens(patient, drug, first, last, drugs)
        held = held.join(regimens)
        whose.append(patients)
    return held, np.concatenate(whose)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
