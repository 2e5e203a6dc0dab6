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
MAX_DOSE = 1e6
_NUMBER = r"(?:[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?|\.\d+)"
_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_AMOUNT = re.compile(
    rf"(?<![\w/.,])(?P<low>{_NUMBER})(?:\s*(?:-|to)\s*(?P<high>{_NUMBER}))?\s*-?(?P<unit>{_UNIT})(?![a-z])"
)
_CONCENTRATION = re.compile(rf"(?P<n>{_NUMBER})\s*(?P<unit>{_UNIT})\s*/\s*(?P<per>{_NUMBER})?\s*ml\b")
_PART_OF_DAY = r"(?:mornings?|evenings?|nights?|noon|midday|bedtime|lunch(?:time)?|mane|nocte|am|pm)\b"
_TIME = rf"(?:(?:in the|at|every|each)\s+)?{_PART_OF_DAY}"
_AMOUNT_AT = re.compile(rf"(?P<n>{_NUMBER})\s*(?P<unit>{_UNIT})\s*{_TIME}")
_FORM = r"(?:tab(?:let)?s?|cap(?:sule|let)?s?|pills?|puffs?|sprays?)\b"
_COUNT = re.compile(
    rf"(?<![\w/.,-])(?P<n>\d+(?:\.\d+)?)(?:\s*(?:-|to)\s*(?P<m>\d+(?:\.\d+)?))?\s*(?:a\s+|of\s+a\s+)?{_FORM}"
)
_COUNT_BEFORE = re.compile(
    r"(?<![\w/.,-])(?P<n>\d(?:\.\d+)?)\s+(?=(?:bd|bid|tds|tid|qds|qid|od|om|on|mane|nocte|daily|once|twice|prn"
    r"|at night|at bedtime|in the|every|each|by mouth)\b)"
)
_COUNT_AT = re.compile(rf"(?<![\w/.,-])(?P<n>\d(?:\.\d+)?)\s*(?:{_FORM}\s*)?{_TIME}")
_SCHEME = re.compile(r"(?<![\d/.-])(\d(?:\.5)?)-(\d(?:\.5)?)-(\d(?:\.5)?)(?:-(\d(?:\.5)?))?(?![\d/.-])")
_EVERY = re.compile(r"\b(?:q|every)\s*(\d{1,3})\s*(?:-\s*\d+\s*)?(h|hrs?|hourly|hours?|d|days?|weeks?|months?)\b")
_PERIOD_WORD = r"(days?|daily|weeks?|weekly|months?|monthly|nights?|nightly)\b"
_TIMES = re.compile(rf"\b(\d)\s*(?:x|times?)\s*(?:/|per|an?|each|every|in an?)?\s*-?{_PERIOD_WORD}")
_TIMES_WORD = re.compile(rf"\b(once|twice|thrice)\s*(?:/|per|an?|each|every)?\s*-?{_PERIOD_WORD}")
_TIMES_PER = re.compile(rf"\b(?:x\s*)?(\d)\s*(?:/|per|an?)\s*{_PERIOD_WORD}")
_DAYS_A_WEEK = re.compile(r"\b(\d)\s*days?\s*(?:a|per|each|/)\s*week\b")
_WEEKDAY = re.compile(r"\b(mon|tue|wed|thu|fri|sat|sun)(?:s|sday|nesday|rsday|urday|day)?s?\b")
_ONCE_WORDS = {"once": 1, "twice": 2, "thrice": 3}
_PERIOD = {"d": 1.0, "w": 1 / 7, "m": 1 / 30, "n": 1.0}
_OTHER_DAY = re.compile(r"\b(?:every other day|alternate days?|qod|every 2nd day|every second day|eod)\b")
_WORDS: tuple[tuple[str, float], ...] = (
    (r"bid|bd|q12h|mornings? and (?:evenings?|nights?)|am and pm|am & pm", 2.0),
    (r"tid|tds|q8h", 3.0),
    (r"qid|qds|q6h", 4.0),
    (r"q4h", 6.0),
    (r"q24h|qd|od|daily|q day|every day|each day|qam|qpm|qhs|hs|nocte|mane|om|nightly|every night|bedtime"
     r"|at night|(?:in the|every|each) (?:morning|evening)|am|pm|(?:/|per|a)\s*day|/d", 1.0),
    (r"weekly|every week|(?:a|each|per|/)\s*week", 1 / 7),
    (r"monthly|every month|(?:a|each|per|/)\s*month", 1 / 30),
)  # fmt: skip
_FREQUENCIES = tuple((re.compile(rf"(?<![\w.])(?:{p})(?![\w])"), n) for p, n in _WORDS)
_PER = re.compile(r"(?:/|\bper)\s*(day|d|week|wk|month)\b")
_AT_NIGHT = re.compile(r"(?<!\w)on\s*(?:$|[,;.)])")
"""The British "on" (omne nocte), which only ends a direction; elsewhere it is a preposition."""
_AS_NEEDED = re.compile(r"\b(?:prn|as needed|as required|when needed|when required|if needed|if required|sos)\b")
_NUMBER_WORDS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "eight": "8",
                 "twelve": "12", "half": "0.5", "quarter": "0.25"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sig:
    """What a direction says; None where it does not.

    `dose` is per administration, in `unit`; `count` is how many tablets (or puffs) are taken at once.
    """

    dose: float | None = None
    unit: str | None = None
    per_day: float | None = None
    as_needed: bool = False
    count: float = 1.0


def plain(text: str) -> str:
    """A direction with its fractions, number words and dotted abbreviations written one way."""
    text = text.casefold()
    for sign, value in (("\u00bd", " 1/2"), ("\u00bc", " 1/4"), ("\u00be", " 3/4"), ("\u2044", "/")):
        text = text.replace(sign, value)
    text = re.sub(r"(\d)\s*\((?:one|two|three|four|five|six)\)", r"\1", text)
    text = re.sub(r"\b([a-z])\.([a-z])\.(?:([a-z])\.?)?", lambda m: "".join(g for g in m.groups() if g), text)
    text = re.sub(rf"\b({'|'.join(_NUMBER_WORDS)})\b", lambda m: _NUMBER_WORDS[m[1]], text)
    text = re.sub(r"\b(\d)\s+(?:and\s+(?:a\s+)?)?(?:1/2|0\.5)\b", r"\1.5", text)
    return re.sub(r"(?<![\d/.])(1/2|1/4|3/4)(?![\d/])", lambda m: str(int(m[1][0]) / int(m[1][2])), text)


def parse_sig(text: str) -> Sig:
    """Read a direction. Of a range the larger dose is taken, because risk follows it."""
    text = plain(text)
    as_needed = bool(_AS_NEEDED.search(text))
    at = [(_float(m["n"]), UNITS[m["unit"]]) for m in _AMOUNT_AT.finditer(text)]
    if len(at) > 1 and len({unit for _, unit in at}) == 1:
        return Sig(sum(n for n, _ in at), at[0][1], 1.0, as_needed)
    concentration = _CONCENTRATION.search(text)
    rest = _CONCENTRATION.sub(" ", text)
    amounts = [(_float(m["high"] or m["low"]), UNITS[m["unit"]]) for m in _AMOUNT.finditer(rest)]
    dose, unit = _given(concentration, amounts)
    counts = [float(m["n"]) for m in _COUNT_AT.finditer(_AMOUNT.sub(" ", rest))]
    if len(counts) > 1:
        return Sig(dose, unit, sum(counts) or None, as_needed)
    count = _count(_AMOUNT.sub(" ", rest))
    if dose is not None:
        dose *= count
        if not 0 < dose <= MAX_DOSE:
            dose = unit = None
    return Sig(dose, unit, parse_frequency(text), as_needed, count)


def _given(concentration: re.Match[str] | None, amounts: list[tuple[float, str]]) -> tuple[float | None, str | None]:
    """The amount given at once: of a liquid, what its volume holds."""
    masses = [a for a in amounts if a[1] != "ml"]
    if concentration is None:
        chosen = (masses or amounts)[:1]
        return chosen[0] if chosen else (None, None)
    unit = UNITS[concentration["unit"]]
    same = [a for a in masses if a[1] == unit]
    if same:
        return same[0]
    volumes = [n for n, u in amounts if u == "ml"]
    if not volumes:
        return None, None
    return _float(concentration["n"]) * volumes[0] / (_float(concentration["per"] or "1") or 1.0), unit


def parse_frequency(text: str) -> float | None:
    """Administrations a day, or None when the text does not say."""
    text = plain(text)
    scheme = _SCHEME.search(text)
    if scheme:
        return sum(float(part) for part in scheme.groups() if part) or None
    days = _DAYS_A_WEEK.search(text)
    weekdays = {m[1] for m in _WEEKDAY.finditer(text)}
    if days or weekdays:
        return (int(days[1]) if days else len(weekdays)) / 7 or None
    every = _EVERY.search(text)
    if every and int(every[1]) > 0:
        n, unit = int(every[1]), every[2][0]
        return 24 / n if unit == "h" else _PERIOD[unit] / n
    if _OTHER_DAY.search(text):
        return 0.5
    for pattern in (_TIMES, _TIMES_WORD, _TIMES_PER):
        times = pattern.search(text)
        if times:
            count = _ONCE_WORDS.get(times[1]) or int(times[1])
            return count * _PERIOD[times[2][0]] or None
    per = _PER.search(text)
    if per:
        return _PERIOD[per[1][0]]
    if _AT_NIGHT.search(text):
        return 1.0
    return next((rate for pattern, rate in _FREQUENCIES if pattern.search(text)), None)


def _count(text: str) -> float:
    """How many tablets (or puffs) are taken at once; 1 when the text does not say."""
    found = _COUNT.search(text)
    if found:
        return float(found["m"] or found["n"]) or 1.0
    before = _COUNT_BEFORE.search(text)
    number = float(before["n"]) if before else 1.0
    return number if 0 < number <= 4 else 1.0


def _float(text: str) -> float:
    if re.fullmatch(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?", text):
        return float(text.replace(",", ""))
    return float(text.replace(",", "."))
