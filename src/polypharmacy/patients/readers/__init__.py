"""Readers: a file or a text in, a Patient out."""

import json
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from polypharmacy.knowledge import Knowledge
from polypharmacy.patients.errors import InputError
from polypharmacy.patients.patient import Patient
from polypharmacy.patients.readers.delimited import columns_of, delimiter_of, read_delimited
from polypharmacy.patients.readers.survey import is_survey, read_survey
from polypharmacy.patients.readers.text import read_text

_MARKUP = re.compile(r"<(?:\?xml|!doctype|html|[A-Za-z]+ xmlns)", re.IGNORECASE)
MAX_BYTES = 64 * 1024 * 1024


def read_patient(path: str, knowledge: Knowledge, *, today: date | None = None) -> Patient:
    """Read one patient from a file, or from standard input when `path` is "-".

    What the file is follows from its content: FHIR JSON, a table, or a list in plain text. Raises
    InputError with one line that names the file and the mend.
    """
    source = "standard input" if path == "-" else Path(path).name
    return parse_patient(_load(path, source), knowledge, source=source, suffix=Path(path).suffix, today=today)


def parse_patient(
    text: str,
    knowledge: Knowledge,
    *,
    source: str = "input",
    suffix: str = "",
    today: date | None = None,
) -> Patient:
    """Read one patient from text; `suffix` (".csv", ".tsv", ".json", ".txt") settles what content leaves open."""
    body = text.lstrip("\ufeff \t\r\n")
    if not body:
        raise InputError(f"{source}: it is empty")
    if body[0] in "{[" or suffix == ".json":
        from polypharmacy.patients.readers.fhir import read_fhir

        return read_fhir(_json(body, source), knowledge, source, today or date.today())
    if suffix in (".xml", ".html", ".htm") or _MARKUP.match(body):
        raise InputError(f"{source}: looks like XML or HTML; FHIR is read as JSON, lists as CSV or plain text")
    if is_survey(_header(body)):
        people = list(read_survey(body, knowledge, source))
        if len(people) == 1:
            return people[0]
        raise InputError(f"{source}: a survey table of {len(people)} people; add --summary")
    if suffix in (".csv", ".tsv") or _looks_tabular(body):
        return read_delimited(body, knowledge, source)
    return read_text(body, knowledge, source)


def read_people(path: str, knowledge: Knowledge) -> Iterator[Patient]:
    """Yield every person of a survey table. Raises InputError when the file is no such table."""
    source = "standard input" if path == "-" else Path(path).name
    text = _load(path, source).lstrip("\ufeff")
    if not is_survey(_header(text)):
        raise InputError(f"{source}: --summary needs a table of many people with columns SEQN and RXDDRUG")
    return read_survey(text, knowledge, source)


def _load(path: str, source: str) -> str:
    try:
        if path == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with open(path, "rb") as file:
                data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{source}: {error.strerror or 'cannot be opened'}") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{source}: larger than 64 MiB")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif b"\0" in data:
        raise InputError(f"{source}: a binary file; FHIR JSON, CSV or plain text is read")
    else:
        encoding = "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    control = sum(c < " " and c not in "\t\r\n\f" for c in text[:4096])
    if control > 2 or text.startswith(("%PDF-", "PK\x03\x04", "\x89PNG", "{\\rtf")):
        raise InputError(f"{source}: a binary file; FHIR JSON, CSV or plain text is read")
    return text


def _json(text: str, source: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        cut = " (cut short?)" if error.pos >= len(text.rstrip()) - 1 else ""
        raise InputError(
            f"{source}: not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}{cut}"
        ) from None
    except (RecursionError, ValueError):
        raise InputError(f"{source}: JSON nested too deeply or with numbers too long to read") from None


def _header(text: str) -> list[str]:
    first = text.split("\n", 1)[0]
    return [cell.strip().strip('"') for cell in first.split(delimiter_of(first))]


def _looks_tabular(text: str) -> bool:
    """A first line of at least two columns, one of them a drug column and another that is known too."""
    header = _header(re.sub(r"^\s*sep=.\r?\n", "", text))
    columns = columns_of(header)
    return len(header) > 1 and "drug" in columns and len(columns) > 1


__all__ = ["parse_patient", "read_patient", "read_people"]
