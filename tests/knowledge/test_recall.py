"""What published lists bar, found in the shipped knowledge base; the lists lie beside a checkout, not in it."""

from pathlib import Path

import pytest

from polypharmacy.knowledge import Knowledge, Severity
from polypharmacy.knowledge.recall import ListRecall, Standing, problems, reasons, recall, standing, written_reasons
from polypharmacy.patients.readers import read_people
from polypharmacy.review.summary import summarise

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference"
SURVEY = REFERENCE / "nhanes_2013_14" / "nhanes_2013_14_elders65_medications.csv"
beside = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference folder lies beside a checkout, not in it")


@pytest.fixture(scope="module")
def lists(shipped: Knowledge) -> tuple[ListRecall, ListRecall]:
    return recall(shipped, REFERENCE)


@beside
def test_ansm_pairs_stand_at_adjust_or_above(lists: tuple[ListRecall, ListRecall]) -> None:
    _, ansm = lists
    assert len(ansm.pairs) > 2000
    assert ansm.share >= 0.95


@beside
def test_every_pair_that_stands_lower_has_its_reason(lists: tuple[ListRecall, ListRecall]) -> None:
    written = written_reasons()
    for held in lists:
        assert [pair for pair in held.short if pair not in written] == []
    assert list(problems(lists, written)) == []


@beside
def test_every_reason_is_of_a_pair_that_stands_lower(lists: tuple[ListRecall, ListRecall]) -> None:
    onc, ansm = lists
    assert written_reasons() - set(onc.short) - set(ansm.short) == set()


@beside
def test_the_survey_is_covered_and_seldom_interrupted(shipped: Knowledge) -> None:
    summary = summarise(read_people(str(SURVEY), shipped), shipped).as_dict()
    coverage = summary["coverage"]
    assert summary["people"] == 1038
    assert coverage["resolved"] >= 0.99 * coverage["mentions"]
    assert coverage["people_fully_resolved"] >= 0.95 * coverage["people_with_medicines"]
    assert summary["interrupting_per_elder_on_5_plus"] <= 0.5


def test_a_reason_covers_each_drug_before_the_plus_with_each_after_it() -> None:
    text = """# Title
- a + z: outside the section.
## Pairs of other lists that stand lower here
- d, b + c, a: because.
- e + f:
## Next
- g + h: outside again.
"""
    assert reasons(text) == {("c", "d"), ("a", "d"), ("b", "c"), ("a", "b")}


def test_a_list_falls_short_pair_by_pair_and_as_a_whole() -> None:
    pairs = {("a", "b"): Standing(own=3, usual=3, highest=4), ("a", "c"): Standing(own=1, usual=-1, highest=3)}
    held = ListRecall("onc", Severity.AVOID, pairs)
    assert (set(held.short), held.share) == ({("a", "c")}, 0.5)
    assert [p.what for p in problems([held], set())] == ["lower without a reason", "recall"]
    assert [p.what for p in problems([held], {("a", "c")})] == ["recall"]


def test_modifiers_and_conditions_do_not_count_as_known(shipped: Knowledge) -> None:
    """NSAIDs with methotrexate are to be avoided only when its dose is known to be high."""
    held = standing(shipped, ("ibuprofen", "methotrexate"))
    assert (held.own, held.highest) == (Severity.ADJUST.rank, Severity.AVOID.rank)
