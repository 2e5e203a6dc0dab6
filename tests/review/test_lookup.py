"""Looking up drugs that nobody takes: every route a name may mean."""

from polypharmacy.knowledge import Knowledge, Severity
from polypharmacy.review.lookup import interactions_between


def test_a_route_that_is_not_stated_may_be_another_than_the_usual(shipped: Knowledge) -> None:
    _, (finding,) = interactions_between(["timolol", "verapamil"], shipped)
    assert finding.severity is Severity.AVOID
    assert "timolol by mouth" in finding.message


def test_a_stated_route_is_kept(shipped: Knowledge) -> None:
    _, found = interactions_between(["topical diclofenac", "warfarin"], shipped)
    assert found == []


def test_the_usual_route_is_told_once(shipped: Knowledge) -> None:
    _, (finding,) = interactions_between(["warfarin", "ibuprofen"], shipped)
    assert "by mouth" not in finding.message
    assert "injected" not in finding.message


def test_a_name_that_is_not_known_is_no_error(shipped: Knowledge) -> None:
    result, found = interactions_between(["warfarin", "foozolam"], shipped)
    assert found == []
    assert [u.text for u in result.patient.unresolved] == ["foozolam"]
