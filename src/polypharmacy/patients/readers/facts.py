"""Facts about a patient written as "key: value"."""

import re
from collections.abc import Callable

from polypharmacy.knowledge.predicate import LabName
from polypharmacy.patients.measurements import POSSIBLE
from polypharmacy.patients.patient import Lab
from polypharmacy.patients.readers.builder import Builder

_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
MICROMOL_PER_MG_DL = 88.42


def set_fact(builder: Builder, where: str, key: str, value: str) -> bool:
    """Set a patient's fact if `key` names one; a value that cannot be read is noted. Returns whether it did."""
    if key not in _SETTERS or re.search(r"\d\s*(?:mg|mcg|meq)\b(?!\s*/)", value, re.IGNORECASE):
        return False
    if not _SETTERS[key](builder, value.strip()):
        builder.note(where, f"could not read {key} from {value.strip()!r}")
    return True


def _number(value: str, low: float, high: float) -> float | None:
    found = _NUMBER.search(value)
    number = float(found[0].replace(",", ".")) if found else None
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


def _crcl(builder: Builder, value: str) -> bool:
    number = _number(value, 1, 250)
    if number is not None:
        builder.fields["measured_crcl"] = number
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


def _lab(name: LabName) -> Callable[[Builder, str], bool]:
    def set_lab(builder: Builder, value: str) -> bool:
        number = _number(value, *POSSIBLE[name])
        if number is not None:
            labs = builder.fields.setdefault("labs", {})
            labs[name] = Lab(value=number)
        return number is not None

    return set_lab


_SETTERS: dict[str, Callable[[Builder, str], bool]] = {
    "age": _age,
    "sex": _sex,
    "gender": _sex,
    "egfr": _egfr,
    "gfr": _egfr,
    "crcl": _crcl,
    "creatinine clearance": _crcl,
    "weight": _weight,
    "wt": _weight,
    "creatinine": _creatinine,
    "cr": _creatinine,
    "scr": _creatinine,
    "potassium": _lab("potassium"),
    "k": _lab("potassium"),
    "k+": _lab("potassium"),
    "sodium": _lab("sodium"),
    "na": _lab("sodium"),
    "na+": _lab("sodium"),
    "qtc": _lab("qtc"),
    "inr": _lab("inr"),
    "hba1c": _lab("hba1c"),
    "hr": _lab("heart_rate"),
    "heart rate": _lab("heart_rate"),
    "pulse": _lab("heart_rate"),
    "bp": _lab("systolic_bp"),
    "blood pressure": _lab("systolic_bp"),
}
_SHORTHAND = re.compile(
    rf"(?<![\w+])({'|'.join(sorted(map(re.escape, set(_SETTERS) - {'sex', 'gender'}), key=len, reverse=True))})"
    r"\s*(?:[:=]|is|of)?\s*(\d+(?:\.\d+)?(?:/\d+)?\s*(?:[a-z%]+(?:/[a-z0-9.]+)*)?)",
    re.IGNORECASE,
)
_AGE_SEX = re.compile(
    r"\b(\d{2,3})\s*-?\s*(?:(?:y/?o|yrs?|years?)(?:[\s-]*old)?\s*)?,?\s*(female|male|woman|man|lady|gentleman|f|m)\b",
    re.IGNORECASE,
)
_SEXES = {"lady": "female", "gentleman": "male"}


def is_fact(key: str) -> bool:
    """Whether a label names a fact about the patient."""
    return key.strip().lower() in _SETTERS


def read_shorthand(builder: Builder, line: str) -> bool:
    """Facts in a line such as "84F, eGFR 28, K+ 5.6": set them and say whether the line held nothing else."""
    rest = line
    person = _AGE_SEX.search(rest)
    if person and 18 <= int(person[1]) <= 120:
        builder.fields["age"] = int(person[1])
        builder.fields["sex"] = parse_sex(_SEXES.get(person[2].lower(), person[2]))
        rest = rest.replace(person[0], " ")
    for found in _SHORTHAND.finditer(rest):
        if _SETTERS[found[1].lower()](builder, found[2]):
            rest = rest.replace(found[0], " ")
    left = re.findall(r"[A-Za-z]{3,}", rest)
    return rest != line and all(w.lower() in _PLAIN for w in left)


_PLAIN = frozenset(
    {"patient", "aged", "age", "old", "year", "years", "yrs", "and", "with", "has", "the", "lives", "home", "min",
     "mmol", "kg", "mls", "bloods", "labs", "obs", "today"}
)  # fmt: skip
