"""Facts about a patient written as "key: value"."""

import re
from collections.abc import Callable

from polypharmacy.patients.readers.builder import Builder

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
MICROMOL_PER_MG_DL = 88.42


def set_fact(builder: Builder, where: str, key: str, value: str) -> bool:
    """Set a patient's fact if `key` names one; a value that cannot be read is noted. Returns whether it did."""
    setter = _SETTERS.get(key)
    if setter is None:
        return False
    if not setter(builder, value.strip()):
        builder.note(where, f"could not read {key} from {value.strip()!r}")
    return True


def _number(value: str, low: float, high: float) -> float | None:
    found = _NUMBER.search(value)
    number = float(found[0]) if found else None
    return number if number is not None and low <= number <= high else None


def _age(builder: Builder, value: str) -> bool:
    number = _number(value, 0, 130)
    if number is not None:
        builder.fields["age"] = int(number)
    return number is not None


def _sex(builder: Builder, value: str) -> bool:
    sex = parse_sex(value)
    if sex:
        builder.fields["sex"] = sex
    return sex is not None


def parse_sex(value: str) -> str | None:
    """female or male from what people write; None for anything else."""
    word = value.strip().lower()
    if word in ("f", "female", "woman", "w", "2"):
        return "female"
    return "male" if word in ("m", "male", "man", "1") else None


def _egfr(builder: Builder, value: str) -> bool:
    number = _number(value, 1, 250)
    if number is not None:
        builder.fields["measured_egfr"] = number
    return number is not None


def _weight(builder: Builder, value: str) -> bool:
    number = _number(value, 1, 1100)
    if number is not None and re.search(r"lb|pound", value.lower()):
        number *= 0.45359237
    if number is None or number > 500:
        return False
    builder.fields["weight"] = number
    return True


def _creatinine(builder: Builder, value: str) -> bool:
    number = _number(value, 0.1, 3000)
    if number is None:
        return False
    micromol = "mol" in value.lower() or (number > 25 and "mg" not in value.lower())
    number = number / MICROMOL_PER_MG_DL if micromol else number
    if not 0.1 <= number <= 40:
        return False
    builder.fields["creatinine"] = number
    return True


_SETTERS: dict[str, Callable[[Builder, str], bool]] = {
    "age": _age,
    "sex": _sex,
    "gender": _sex,
    "egfr": _egfr,
    "gfr": _egfr,
    "weight": _weight,
    "creatinine": _creatinine,
}
