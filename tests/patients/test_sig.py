"""Directions as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polypharmacy.patients.sig import parse_frequency, parse_sig


@pytest.mark.parametrize(
    ("text", "dose", "unit", "per_day"),
    [
        ("50 mg BID", 50, "mg", 2),
        ("50mg twice daily", 50, "mg", 2),
        ("1,000 mg daily", 1000, "mg", 1),
        ("2,5 mg od", 2.5, "mg", 1),
        ("0.125 mg every other day", 0.125, "mg", 0.5),
        ("75 mcg every morning", 75, "mcg", 1),
        ("75 \u00b5g mane", 75, "mcg", 1),
        ("2 tablets of 500 mg three times a day", 1000, "mg", 3),
        ("half a tablet 25 mg daily", 12.5, "mg", 1),
        ("5-10 mg q6h", 10, "mg", 4),
        ("500 mg every 8 hours", 500, "mg", 3),
        ("70 mg once weekly", 70, "mg", 1 / 7),
        ("15 mg 1x/week", 15, "mg", 1 / 7),
        ("20 units at bedtime", 20, "units", 1),
        ("10 mg 1-0-1", 10, "mg", 2),
        ("10 mg 1-0-0-1", 10, "mg", 2),
        ("4 times a day 5 mg", 5, "mg", 4),
        ("ten daily", None, None, 1),
        ("as directed", None, None, None),
        ("", None, None, None),
    ],
)
def test_dose_and_frequency(text: str, dose: float | None, unit: str | None, per_day: float | None) -> None:
    sig = parse_sig(text)
    assert (sig.dose, sig.unit) == (dose, unit)
    assert sig.per_day == (pytest.approx(per_day) if per_day else None)


@pytest.mark.parametrize(("text", "expected"), [("PRN", True), ("as needed for pain", True), ("daily", False)])
def test_as_needed(text: str, expected: bool) -> None:
    assert parse_sig(f"5 mg {text}").as_needed is expected


@given(st.text(max_size=200))
def test_no_text_raises_and_numbers_are_positive(text: str) -> None:
    sig = parse_sig(text)
    assert sig.dose is None or sig.dose > 0
    assert sig.per_day is None or sig.per_day > 0


@given(st.integers(1, 24))
def test_every_n_hours_is_24_over_n_a_day(hours: int) -> None:
    assert parse_frequency(f"every {hours} hours") == pytest.approx(24 / hours)


@pytest.mark.parametrize(
    ("text", "dose", "unit", "per_day"),
    [
        ("take 1,000 mg by mouth 2 (two) times daily", 1000, "mg", 2),
        ("0,125 mg daily", 0.125, "mg", 1),
        ("10 mg on Mondays", 10, "mg", 1 / 7),
        ("20 mg Mon, Wed and Fri", 20, "mg", 3 / 7),
        ("10 mg one day a week", 10, "mg", 1 / 7),
        ("40 mg on", 40, "mg", 1),
        ("100 mg \u00bd tablet daily", 50, "mg", 1),
        ("80 mg 1\u00bd tablets daily", 120, "mg", 1),
        ("100 mg 1 and 1/2 tablets daily", 150, "mg", 1),
        ("20 mg 2 nocte", 40, "mg", 1),
        ("500 mg two bd", 1000, "mg", 2),
        ("25 mg 1 in the morning 2 at night", 25, "mg", 3),
        ("100 units/ml 15 units hs", 15, "units", 1),
        ("10 mg/5 ml 2.5 ml bd", 5, "mg", 2),
        ("20 mg AM and 40 mg PM", 60, "mg", 1),
        ("10 mg/day", 10, "mg", 1),
        ("5 mg q.d.", 5, "mg", 1),
        ("5 mg b.d.", 5, "mg", 2),
        ("5 mg every six hours", 5, "mg", 4),
        (".125 mg q day", 0.125, "mg", 1),
        ("5 daily", None, None, 1),
    ],
)
def test_directions_that_once_misled(text: str, dose: float | None, unit: str | None, per_day: float) -> None:
    sig = parse_sig(text)
    assert (sig.dose, sig.unit) == (pytest.approx(dose) if dose else None, unit)
    assert sig.per_day == pytest.approx(per_day)
