"""NHANES prescription medication files (RXQ_RX joined with DEMO), many people in one table.

Centers for Disease Control and Prevention, National Health and Nutrition Examination Survey.
"""

import csv
import io
from collections.abc import Iterator

from polypharmacy.knowledge import Knowledge
from polypharmacy.patients.errors import InputError
from polypharmacy.patients.patient import Patient
from polypharmacy.patients.readers.builder import Builder, Details

REQUIRED = ("SEQN", "RXDDRUG")
UNKNOWN_CODES = frozenset({"55555", "77777", "99999"})
"""Refused, don't know and unknown: a medicine is taken, but it has no name."""


def is_survey(header: list[str]) -> bool:
    return all(column in header for column in REQUIRED)


def read_survey(text: str, knowledge: Knowledge, source: str) -> Iterator[Patient]:
    """Yield each person of the file, in the file's order of first appearance.

    Stated reasons for use become conditions that are there, never a complete problem list; "prevent ..." codes
    (with a trailing P) name what the person need not have, and are left out.
    Raises InputError for a table that is cut short.
    """
    people: dict[str, list[dict[str, str]]] = {}
    for number, row in enumerate(csv.DictReader(io.StringIO(text, newline="")), start=2):
        if row.get("SEQN") is None or row.get("RXDDRUG") is None or not (row["SEQN"] or "").strip():
            raise InputError(f"{source}: row {number} has no SEQN or RXDDRUG; the file may be cut short")
        people.setdefault(row["SEQN"].strip(), []).append(row)
    for person, rows in people.items():
        yield _person(person, rows, knowledge)


def _person(person: str, rows: list[dict[str, str]], knowledge: Knowledge) -> Patient:
    builder = Builder(knowledge, fields={"id": person})
    age, sex = _number(rows[0].get("RIDAGEYR")), (rows[0].get("RIAGENDR") or "").strip()
    if age is not None and age <= 130:
        builder.fields["age"] = int(age)
    if sex in ("1", "2"):
        builder.fields["sex"] = "male" if sex == "1" else "female"
    for row in rows:
        name = (row["RXDDRUG"] or "").strip()
        if not name:
            continue
        if name in UNKNOWN_CODES:
            builder.note(f"SEQN {person}", "takes a medicine whose name is not known")
            continue
        indication: list[str] = []
        for i in "123":
            code = (row.get(f"RXDRSC{i}") or "").strip()
            if not code or code in UNKNOWN_CODES:
                continue
            if not code.endswith("P"):
                ids = knowledge.condition_names.by_icd10(code)
                indication += ids
                builder.condition((row.get(f"RXDRSD{i}") or code).strip(), ids)
        days = _number(row.get("RXDDAYS"))
        builder.medicine(
            f"SEQN {person}",
            name,
            Details(
                indication=tuple(dict.fromkeys(indication)),
                days=days if days is not None and days < 36500 else None,
            ),
        )
    return builder.build()


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if number >= 0 else None
