"""LOINC-coded measurements a review reads, brought to one unit each."""

from collections.abc import Callable
from datetime import date
from typing import Any

from polypharmacy.patients.measurements import POSSIBLE
from polypharmacy.patients.patient import Lab
from polypharmacy.patients.readers.facts import MICROMOL_PER_MG_DL

LOINC = "http://loinc.org"
CODES: dict[str, str] = {
    "33914-3": "egfr",
    "48642-3": "egfr",
    "48643-1": "egfr",
    "50044-7": "egfr",
    "62238-1": "egfr",
    "69405-9": "egfr",
    "77147-7": "egfr",
    "88293-6": "egfr",
    "88294-4": "egfr",
    "94677-2": "egfr",
    "98979-8": "egfr",
    "98980-6": "egfr",
    "2160-0": "creatinine",
    "38483-4": "creatinine",
    "14682-9": "creatinine",
    "77140-2": "creatinine",
    "2823-3": "potassium",
    "6298-4": "potassium",
    "2951-2": "sodium",
    "2947-0": "sodium",
    "8636-3": "qtc",
    "76635-2": "qtc",
    "6301-6": "inr",
    "34714-6": "inr",
    "4548-4": "hba1c",
    "8867-4": "heart_rate",
    "8480-6": "systolic_bp",
    "29463-7": "weight",
    "3141-9": "weight",
    "8302-2": "height",
}
_SAME: Callable[[float], float] = float
_TO: dict[str, dict[str, Callable[[float], float]]] = {
    "egfr": dict.fromkeys(
        ("ml/min/{1.73_m2}", "ml/min/1.73m2", "ml/min/1.73 m2", "ml/min/1.73_m2", "ml/min", "ml/min/{1.73m2}",
         "ml/min/1.73m^2", "ml/min/1.73 m^2", "ml/min/1.73m\u00b2"), _SAME),
    "creatinine": {
        "mg/dl": _SAME,
        "umol/l": lambda x: x / MICROMOL_PER_MG_DL,
        "\u00b5mol/l": lambda x: x / MICROMOL_PER_MG_DL,
        "\u03bcmol/l": lambda x: x / MICROMOL_PER_MG_DL,
        "mmol/l": lambda x: 1000 * x / MICROMOL_PER_MG_DL,
    },
    "potassium": {"mmol/l": _SAME, "meq/l": _SAME},
    "sodium": {"mmol/l": _SAME, "meq/l": _SAME},
    "qtc": {"ms": _SAME, "msec": _SAME, "s": lambda x: 1000 * x},
    "inr": {"{inr}": _SAME, "1": _SAME, "{ratio}": _SAME, "": _SAME, "inr": _SAME},
    "hba1c": {"%": _SAME, "mmol/mol": lambda x: x / 10.929 + 2.15},
    "heart_rate": {"/min": _SAME, "{beats}/min": _SAME, "bpm": _SAME, "beats/min": _SAME, "beats/minute": _SAME},
    "systolic_bp": {"mm[hg]": _SAME, "mmhg": _SAME},
    "weight": {"kg": _SAME, "g": lambda x: x / 1000, "[lb_av]": lambda x: x * 0.45359237,
               "lb": lambda x: x * 0.45359237,
               "lbs": lambda x: x * 0.45359237},
    "height": {"cm": _SAME, "m": lambda x: 100 * x, "[in_i]": lambda x: 2.54 * x, "in": lambda x: 2.54 * x},
}  # fmt: skip
_FIELD = {
    "egfr": "measured_egfr",
    "creatinine": "creatinine",
    "weight": "weight",
    "height": "height",
}


def set_observation(
    fields: dict[str, Any], codes: list[tuple[str, str]], quantity: Any, when: date | None
) -> str | None:
    """Keep a measurement if a review reads it and it is the latest; returns what was wrong with it, if anything.

    `fields` holds the patient's fields; dates of those already kept stand under "_dates" until `settle`.
    """
    what = next((CODES[code] for system, code in codes if system in (LOINC, "") and code in CODES), None)
    if what is None:
        return None
    if quantity is None or quantity.value is None:
        return f"{what} has no value; left out"
    if quantity.comparator:
        return f"{what} is given as {quantity.comparator}{quantity.value}, not a number; left out"
    unit = (quantity.code or quantity.unit or "").casefold().replace(" per ", "/")
    convert = _TO[what].get(unit) or _TO[what].get((quantity.unit or "").casefold())
    if convert is None:
        return f"{what} is in {quantity.unit or quantity.code or 'no unit'}, which is not read; left out"
    value = convert(float(quantity.value))
    low, high = POSSIBLE[what]
    if not low <= value <= high:
        return f"{what} of {quantity.value} {quantity.unit or quantity.code or ''} is not possible; left out"
    labs: dict[str, Lab] = fields.setdefault("labs", {})
    held = labs.get(what)
    if held is not None and (held.date or date.min) > (when or date.min):
        return None
    labs[what] = Lab(value=value, date=when)
    if what in _FIELD:
        fields[_FIELD[what]] = value
    return None
