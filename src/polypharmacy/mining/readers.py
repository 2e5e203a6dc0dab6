"""Real claims from CSV or Parquet, through DuckDB, which keeps what does not fit in memory on disk.

Two layouts. Long: a table of dispensings (patient, drug, start, end) and a table of people (patient, outcome, perhaps
stratum; further columns of 0 and 1 are covariates). Wide: one table with patient, outcome, perhaps stratum, and one
column of 0 and 1 for every drug. Nothing is guessed or dropped: a row that makes no sense stops the reading and is
named.
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from polypharmacy.mining.cohort import Cohort
from polypharmacy.mining.combinations import MOST_DRUGS, Combinations
from polypharmacy.mining.errors import ClaimsError

NOT_DRUGS = ("patient", "outcome", "stratum")
YES = "('1', 'true', 't', 'yes')"
NO = "('0', 'false', 'f', 'no')"


def read_long(
    dispensings: Path,
    people: Path,
    since: date | None = None,
    until: date | None = None,
    codes: Iterable[str] | None = None,
) -> Cohort:
    """A cohort of the people listed; a drug counts as taken when a dispensing overlaps the time from `since` to
    `until`.

    codes: all drug codes that may occur; another one is an error. A missing end is still going on.
    Raises ClaimsError for a file that is missing, empty or no table; a missing column; a patient listed twice, or
    dispensed to but not listed; an outcome other than 0 or 1; a missing drug, patient, start or stratum; an end before
    its start.
    """
    base = _connect()
    _table(base, "dispensings", dispensings, ("patient", "drug", "start", "end"))
    columns = _table(base, "people", people, ("patient", "outcome"))
    covariates = [c for c in columns if c not in NOT_DRUGS]
    _check_people(base, people, columns, covariates)
    _check(base, dispensings, "dispensings", "patient IS NULL", "patient", "give every row a patient")
    _check(base, dispensings, "dispensings", "drug IS NULL", "drug", "give every row a drug")
    bad = 'start IS NULL OR TRY_CAST(start AS DATE) IS NULL OR ("end" IS NOT NULL AND TRY_CAST("end" AS DATE) IS NULL)'
    _check(base, dispensings, "dispensings", bad, "start or end", "write dates as 2024-12-31")
    late = 'TRY_CAST("end" AS DATE) < TRY_CAST(start AS DATE)'
    _check(base, dispensings, "dispensings", late, "end", "an end must not come before its start")
    stranger = "patient NOT IN (SELECT patient FROM people)"
    _check(base, dispensings, "dispensings", stranger, "patient", f"list the patient in {people.name}")
    if codes is not None:
        base.execute("CREATE TEMP TABLE codes AS SELECT unnest(?::VARCHAR[]) AS code", [sorted(set(codes))])
        unknown = "drug NOT IN (SELECT code FROM codes)"
        _check(base, dispensings, "dispensings", unknown, "drug", "not among the codes given; add or correct it")
    inside = ["TRUE"]
    if since is not None:
        inside.append(f'("end" IS NULL OR CAST("end" AS DATE) >= DATE \'{since.isoformat()}\')')
    if until is not None:
        inside.append(f"CAST(start AS DATE) <= DATE '{until.isoformat()}'")
    base.execute(
        f"CREATE TEMP TABLE taken AS SELECT DISTINCT patient, drug FROM dispensings WHERE {' AND '.join(inside)}"
    )
    return _cohort(base, dispensings, "stratum" in columns, covariates)


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
    base.execute(
        f"CREATE TEMP TABLE taken AS SELECT patient, drug FROM (UNPIVOT people ON {listed} INTO NAME drug VALUE given) "
        f"WHERE lower(given) IN {YES}"
    )
    return _cohort(base, path, "stratum" in columns, covariates)


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


def _cohort(base: Any, path: Path, stratified: bool, covariates: list[str]) -> Cohort:
    """Number drugs from the rarest up and patients by stratum; fetch the rows as arrays."""
    drugs = base.execute("SELECT drug FROM taken GROUP BY drug ORDER BY count(*), drug").fetchall()
    if not 0 < len(drugs) <= MOST_DRUGS:
        raise ClaimsError(f"{path}: {len(drugs)} drugs were taken; at least 1 and at most {MOST_DRUGS} can be")
    names = tuple(row[0] for row in drugs)
    base.execute(
        "CREATE TEMP TABLE drugs AS SELECT drug, row_number() OVER (ORDER BY count(*), drug) - 1 AS number "
        "FROM taken GROUP BY drug"
    )
    stratum = "stratum" if stratified else "'all'"
    flags = "".join(f", lower({_quoted(c)}) IN {YES} AS flag_{i}" for i, c in enumerate(covariates))
    base.execute(
        f"CREATE TEMP TABLE numbered AS SELECT patient, {stratum} AS stratum, lower(outcome) IN {YES} AS outcome{flags}"
        f", row_number() OVER (ORDER BY {stratum}, patient) - 1 AS number FROM people"
    )
    held = base.execute("SELECT * EXCLUDE (patient, number) FROM numbered ORDER BY number").fetchnumpy()
    rows = base.execute(
        "SELECT CAST(numbered.number AS INTEGER) AS patient, CAST(drugs.number AS SMALLINT) AS drug FROM taken "
        "JOIN numbered USING (patient) JOIN drugs USING (drug) ORDER BY 1, 2"
    ).fetchnumpy()
    sizes = np.bincount(rows["patient"], minlength=len(held["outcome"]))
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    taken = Combinations(offsets, np.asarray(rows["drug"], dtype=np.int16), len(names))
    flagged = [np.asarray(held[f"flag_{i}"], dtype=np.uint8) for i in range(len(covariates))]
    table = np.stack(flagged, axis=1) if flagged else None
    return Cohort.of(taken, names, np.asarray(held["outcome"]), np.asarray(held["stratum"], dtype=str), table)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
