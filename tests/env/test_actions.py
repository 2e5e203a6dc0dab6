"""The action codec."""

import pytest

from polypharmacy.env.actions import (
    INTERVENTION_NAMES,
    PAIR_SLOTS,
    Action,
    FinishReview,
    ProposeIntervention,
    QueryDdi,
    decode,
    encode,
)
from polypharmacy.env.layout import ACTIONS, FINISH, FIRST_INTERVENTION, PAIRS, SLOTS, pair_number


def test_every_number_means_an_action_and_back() -> None:
    meanings = [decode(number) for number in range(ACTIONS)]
    assert [encode(action) for action in meanings] == list(range(ACTIONS))
    assert len(set(meanings)) == ACTIONS == 166


def test_the_numbers_are_those_of_the_design() -> None:
    assert [type(decode(n)) for n in (0, 104, 105, 164, 165)] == [
        QueryDdi,
        QueryDdi,
        ProposeIntervention,
        ProposeIntervention,
        FinishReview,
    ]
    assert (decode(0), decode(104)) == (QueryDdi(0, 1), QueryDdi(13, 14))
    assert [decode(105 + k) for k in range(4)] == [ProposeIntervention(0, kind) for kind in INTERVENTION_NAMES]
    assert decode(164) == ProposeIntervention(14, "add_monitoring")
    assert (PAIRS, FIRST_INTERVENTION, FINISH) == (105, 105, 165)


def test_pairs_are_numbered_in_order() -> None:
    assert [pair_number(i, j) for i, j in PAIR_SLOTS] == list(range(PAIRS))
    assert sorted(PAIR_SLOTS) == PAIR_SLOTS


def test_the_order_of_a_query_does_not_matter() -> None:
    assert encode(QueryDdi(7, 3)) == encode(QueryDdi(3, 7))


@pytest.mark.parametrize("number", [-1, ACTIONS, 1000])
def test_other_numbers_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="is not one of 0 to 165"):
        decode(number)


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (QueryDdi(2, 2), "two different slots"),
        (QueryDdi(-1, 2), "two different slots"),
        (QueryDdi(2, SLOTS), "two different slots"),
        (ProposeIntervention(-1, "stop"), "slot -1"),
        (ProposeIntervention(SLOTS, "stop"), "slot 15"),
        (ProposeIntervention(0, "double_dose"), "'double_dose' is not one of stop, dose_reduce"),
    ],
)
def test_actions_outside_are_refused(action: Action, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        encode(action)
