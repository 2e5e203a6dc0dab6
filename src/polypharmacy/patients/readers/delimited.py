"""A table of medicines, comma-, semicolon- or tab-separated, one row a medicine."""

import csv
import io
import re
from datetime import date

from polypharmacy.knowledge import Knowledge, Route
from polypharmacy.knowledge.names import fold
from polypharmacy.patients.errors import InputError
from polypharmacy.patients.patient import Patient
from polypharmacy.patients.readers.builder import MAX_MENTIONS, Builder, Details
from polypharmacy.patients.readers.line import read_line
from polypharmacy.patients.sig import parse_frequency, parse_sig

_COLUMNS: dict[str, tuple[str, ...]] = {
    "drug": ("drug", "drugs", "drug name", "medicine", "medicine name", "medication", "medication name", "name",
             "generic name", "product", "drug_name", "medication_name", "medicament"),
    "dose": ("dose", "dosage", "strength", "amount", "dose_mg", "dose (mg)", "dose mg",
             "dose (mcg)", "dose mcg", "dose (g)"),
    "unit": ("unit", "units", "dose unit", "dose_unit"),
    "frequency": ("frequency", "freq", "sig", "directions", "schedule", "how often", "instructions"),
    "indication": ("indication", "reason", "for", "diagnosis", "condition"),
    "route": ("route", "form", "formulation"),
    "since": ("since", "start", "start date", "started", "start_date"),
    "status": ("status",),
}  # fmt: skip
_INACTIVE = re.compile(
    r"stop|inactiv|discontin|d/?c\b|complet|cancel|hold|ended|ceased|not taking|^(?:no|n|false|0)$", re.IGNORECASE
)
TITLE_ROWS = 5
"""Rows above the header that a spreadsheet export may carry."""


def columns_of(header: list[str]) -> dict[str, int]:
    """Which column holds what, by its heading."""
    names = [fold(h).strip(" \ufeff") for h in header]
    return {
        role: names.index(alias)
        for role, aliases in _COLUMNS.items()
        for alias in [next((a for a in aliases if a in names), None)]
        if alias is not None
    }


def delimiter_of(text: str) -> str:
    """The separator that the first lines use most."""
    first = "\n".join(text.lstrip("\ufeff\r\n").split("\n")[:TITLE_ROWS])
    return max("\t;,|", key=first.count)


def read_delimited(text: str, knowledge: Knowledge, source: str) -> Patient:
    """Read a table of medicines. Raises InputError without a drug column or without a row."""
    text = re.sub(r"^\s*sep=.\r?\n", "", text)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text)))
    except csv.Error as error:
        raise InputError(f"{source}: not a readable table ({error})") from None
    rows = [r for r in rows if any(cell.strip() for cell in r)]
    skipped = next((n for n, r in enumerate(rows[:TITLE_ROWS]) if "drug" in columns_of(r)), 0)
    rows = rows[skipped:]
    header = rows[0] if rows else []
    columns = columns_of(header)
    if "drug" not in columns:
        found = ", ".join(h.strip() for h in header[:12]) or "none"
        raise InputError(f"{source}: no drug column; name one 'drug' (columns found: {found[:200]})")
    if len(rows) == 1:
        raise InputError(f"{source}: no medicines under the header")
    if len(rows) > MAX_MENTIONS + 1:
        raise InputError(f"{source}: more than {MAX_MENTIONS} medicines; is this one patient's list?")
    builder = Builder(knowledge)
    unit = re.search(r"\b(mg|mcg|g)\b", fold(header[columns["dose"]]).replace("_", " ")) if "dose" in columns else None
    for number, row in enumerate(rows[1:], start=2 + skipped):
        surplus = [cell.strip() for cell in row[len(header) :] if cell.strip()]
        if surplus:
            builder.note(f"row {number}", f"more cells than the header has; not read: {', '.join(surplus)}")
        cells = {role: row[i].strip() if i < len(row) else "" for role, i in columns.items()}
        _row(builder, f"row {number}", cells, unit[1] if unit else "")
    if builder.mentions == 0 and not builder.notes:
        raise InputError(f"{source}: no medicines under the header")
    return builder.build()


def _row(builder: Builder, where: str, cells: dict[str, str], unit: str) -> None:
    drug, dose, frequency = cells["drug"], cells.get("dose", ""), cells.get("frequency", "")
    if not drug:
        builder.note(where, "no medicine named in this row")
        return
    status = next((c for c in (cells.get("status", ""), frequency, dose) if c and _INACTIVE.search(c)), "")
    if status:
        builder.note(where, f"{drug!r} is {status.lower()!r}, so it was not reviewed")
        return
    unit = cells.get("unit") or unit
    if dose and unit and re.fullmatch(r"\d+(?:[.,]\d+)?", dose):
        dose += f" {unit}"
    sig = None
    if dose or frequency:
        sig = parse_sig(f"{dose} {frequency}" if dose else f"{drug} {frequency}")
        if dose and sig.dose is None:
            if re.fullmatch(r"[0-9]+(?:[.,][0-9]+)?", dose) and float(dose.replace(",", ".")) > 0:
                builder.note(where, f"dose {dose!r} of {drug!r} has no unit; read as mg")
                sig = parse_sig(f"{dose} mg {frequency}")
            else:
                builder.note(where, f"could not read dose {dose!r} of {drug!r}; reviewed without it")
        if frequency and parse_frequency(frequency) is None and not sig.as_needed:
            builder.note(where, f"could not read frequency {frequency!r} of {drug!r}; reviewed without it")
    reason = cells.get("indication") or None
    details = Details(
        sig=sig,
        route=_route(builder, where, cells.get("route", "")),
        indication=builder.indication(reason) if reason else (),
        indication_text=reason,
        since=_since(builder, where, cells.get("since", "")),
    )
    read_line(builder, where, drug, details)


def _route(builder: Builder, where: str, text: str) -> Route | None:
    if not text:
        return None
    route = builder.knowledge.names.route(text)
    if route is None:
        builder.note(where, f"could not read route {text!r}; the usual route was assumed")
    return route


def _since(builder: Builder, where: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        builder.note(where, f"could not read start date {text!r}; write it as YYYY-MM-DD")
        return None
