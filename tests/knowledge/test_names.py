"""Name resolution on the small knowledge base, and that no text breaks it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polypharmacy.knowledge import Knowledge, Route, load
from polypharmacy.knowledge.names import fold
from tests.conftest import SMALL


@pytest.mark.parametrize(
    ("text", "ingredients"),
    [
        ("warfarin", ("warfarin",)),
        ("  WARFARIN Sodium 5 MG tablet ", ("warfarin",)),
        ("Coumadin", ("warfarin",)),
        ("Coumadin (warfarin) 3 mg", ("warfarin",)),
        ("24 HR amlodipine besylate 5 MG Extended Release Oral Tablet [Norvasc]", ("amlodipine",)),
        ("ramipril/amlodipine 5 mg/5 mg", ("ramipril", "amlodipine")),
        ("AMLODIPINE; RAMIPRIL", ("amlodipine", "ramipril")),
        ("amlodipine-ramipril", ("amlodipine", "ramipril")),
        ("Percocet 5/325", ("oxycodone", "paracetamol")),
        ("Acetaminophen 325 MG / Oxycodone Hydrochloride 5 MG Oral Tablet [Percocet]", ("paracetamol", "oxycodone")),
        ("take one ibuprofen three times a day with food", ("ibuprofen",)),
        ("simvastatin\u00a040\u2009mg \u2013 at night", ("simvastatin",)),
    ],
)
def test_known_names(small: Knowledge, text: str, ingredients: tuple[str, ...]) -> None:
    assert small.names.resolve(text).ingredients == ingredients


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "5 mg",
        "foozolam 3 mg",
        "warfarin iodide",  # an unknown word in the name changes which drug it is
        "isowarfarin",
        "ramipril/foozol 5 mg",  # every part of a combination must be known
        "ramipril 5 mg/foozol 10 mg",
        "ANTIHYPERTENSIVE AGENTS - UNSPECIFIED",
    ],
)
def test_unknown_names_resolve_to_nothing(small: Knowledge, text: str) -> None:
    assert small.names.resolve(text).ingredients == ()


def test_a_near_name_is_shown_and_never_assumed(small: Knowledge) -> None:
    found = small.names.resolve("warfrin 5 mg")
    assert found.ingredients == ()
    assert found.nearest[0] == "warfarin"


def test_a_drug_mentioned_in_a_remark_is_not_taken(small: Knowledge) -> None:
    found = small.names.resolve("amlodipine 5 mg daily instead of ramipril")
    assert found.ingredients == ("amlodipine",)
    assert found.also_named == ("ramipril",)


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("ibuprofen 5% gel", Route.TOPICAL),
        ("IBUPROFEN TOPICAL", Route.TOPICAL),
        ("ibuprofen 400 mg PO", Route.ORAL),
        ("ibuprofen", None),
    ],
)
def test_the_route_is_read_from_the_name(small: Knowledge, text: str, route: Route | None) -> None:
    assert small.names.resolve(text).route == route


def test_codes(small: Knowledge) -> None:
    assert small.names.rxcui["11289"] == ("warfarin",)
    assert small.names.atc["B01AA03"] == ("warfarin",)


@given(st.text(max_size=700))
def test_no_text_raises_and_folding_settles(text: str) -> None:
    found = load(SMALL).names.resolve(text)
    assert found.text == text
    assert fold(fold(text)) == fold(text)


@given(st.sampled_from(["warfarin", "ibuprofen", "simvastatin"]), st.sampled_from(["", " sodium", " 5 mg", " tablets"]),
       st.booleans())  # fmt: skip
def test_case_and_form_do_not_matter(name: str, tail: str, upper: bool) -> None:
    text = f"{name}{tail}"
    assert load(SMALL).names.resolve(text.upper() if upper else text).ingredients == (name,)
