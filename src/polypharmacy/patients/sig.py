"""Dose, frequency and route from what people write: "50 mg BID", "one tablet every morning", "1-0-1"."""

import re
from dataclasses import dataclass

UNITS = {
    "mg": "mg",
    "milligram": "mg",
    "milligrams": "mg",
    "mgs": "mg",
    "mcg": "mcg",
    "ug": "mcg",
    "\u00b5g": "mcg",
    "\u03bcg": "mcg",
    "microgram": "mcg",
    "micrograms": "mcg",
    "g": "g",
    "gm": "g",
    "gram": "g",
    "grams": "g",
    "unit": "units",
    "units": "units",
    "iu": "units",
    "u": "units",
    "ml": "ml",
    "meq": "meq",
    "mmol": "mmol",
    "%": "%",
}
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?"
_AMOUNT = re.compile(
    rf"(?<![\w/.])(?P<low>{_NUMBER})(?:\s*(?:-|to)\s*(?P<high>{_NUMBER}))?\s*-?"
    rf"(?P<unit>{'|'.join(sorted(map(re.escape, UNITS), key=len, reverse=True))})(?![a-z])"
)
_COUNT_WORDS = {"one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "half": 0.5, "a half": 0.5}
_COUNT = re.compile(
    r"(?<![\w/.])(?P<n>\d+(?:\.\d+)?|1/2|one|two|three|four|half)(?:\s*(?:-|to)\s*(?P<m>\d+|two|three))?"
    r"\s*(?:a\s+)?(?:tab(?:let)?s?|cap(?:sule|let)?s?|pills?|puffs?|sprays?)\b"
)
_SCHEME = re.compile(r"(?<![\d/.-])(\d(?:\.5)?)-(\d(?:\.5)?)-(\d(?:\.5)?)(?:-(\d(?:\.5)?))?(?![\d/.-])")
_EVERY = re.compile(r"\b(?:q|every)\s*(\d{1,3})\s*(?:-\s*\d+\s*)?(h|hrs?|hourly|hours?|d|days?|weeks?|months?)\b")
_TIMES = re.compile(
    r"\b(\d|once|twice|thrice|one|two|three|four|five)\s*(?:x|times?)?\s*(?:/|per|an?|each|every)?\s*-?"
    r"(day|daily|week|weekly|month|monthly|night|nightly)\b"
)
_TIMES_WORDS = {
    "once": 1,
    "one": 1,
    "twice": 2,
    "two": 2,
    "thrice": 3,
    "three": 3,
    "four": 4,
    "five": 5,
}
_PERIOD = {"d": 1.0, "w": 1 / 7, "m": 1 / 30, "n": 1.0}
_WORDS: tuple[tuple[str, float], ...] = (
    (r"every other day|alternate days?|qod|every 2nd day|eod", 0.5),
    (r"bid|bd|b\.i\.d\.?|twice daily|twice a day|q12h|morning and (?:evening|night)", 2.0),
    (r"tid|tds|t\.i\.d\.?|q8h", 3.0),
    (r"qid|qds|q\.i\.d\.?|q6h", 4.0),
    (r"q4h", 6.0),
    (r"q24h|qd|od|o\.d\.|daily|every day|each day|qam|qpm|qhs|hs|nocte|mane|om|on|nightly"
     r"|at night|every night|at bedtime|bedtime|(?:in the|every|each) (?:morning|evening)", 1.0),
    (r"weekly|every week|once a week|each week", 1 / 7),
    (r"monthly|every month|once a month", 1 / 30),
)  # fmt: skip
_FREQUENCIES = tuple((re.compile(rf"(?<![\w.])(?:{p})(?![\w])"), n) for p, n in _WORDS)
_AS_NEEDED = re.compile(r"\b(?:prn|p\.r\.n\.?|as needed|as required|when needed|when required|if needed|sos)\b")


@dataclass(frozen=True, slots=True)
class Sig:
    """What a direction says; None where it does not. `dose` is per administration, in `unit`."""

    dose: float | None = None
    unit: str | None = None
    per_day: float | None = None
    as_needed: bool = False


def parse_sig(text: str) -> Sig:
    """Read a direction. Of a range the larger dose is taken, because risk follows it."""
    text = text.casefold()
    amount = _AMOUNT.search(text)
    dose = unit = None
    if amount:
        dose = _float(amount["high"] or amount["low"])
        unit = UNITS[amount["unit"]]
        dose = dose * _count(text[: amount.start()] + " " + text[amount.end() :])
    return Sig(dose or None, unit if dose else None, parse_frequency(text), bool(_AS_NEEDED.search(text)))


def parse_frequency(text: str) -> float | None:
    """Administrations a day, or None when the text does not say."""
    text = text.casefold()
    scheme = _SCHEME.search(text)
    if scheme:
        total = sum(float(part) for part in scheme.groups() if part)
        return total or None
    every = _EVERY.search(text)
    if every and int(every[1]) > 0:
        n, unit = int(every[1]), every[2][0]
        return 24 / n if unit == "h" else _PERIOD[unit] / n
    if _FREQUENCIES[0][0].search(text):  # "every other day" before the "day" in it is read
        return _FREQUENCIES[0][1]
    times = _TIMES.search(text)
    if times:
        count = _TIMES_WORDS.get(times[1]) or int(times[1])
        return count * _PERIOD[times[2][0]] if count else None
    return next((rate for pattern, rate in _FREQUENCIES[1:] if pattern.search(text)), None)


def _count(text: str) -> float:
    """How many tablets (or puffs) are taken at once; 1 when the text does not say."""
    found = _COUNT.search(text)
    if not found:
        return 1.0
    word = found["m"] or found["n"]
    if word == "1/2":
        return 0.5
    return _COUNT_WORDS.get(word) or float(word) or 1.0


def _float(text: str) -> float:
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", text):
        return float(text.replace(",", ""))
    return float(text.replace(",", "."))
