"""The 166 actions, as numbers and as what they mean."""

from dataclasses import dataclass

from polypharmacy.env.layout import (
    ACTIONS,
    FINISH,
    FIRST_INTERVENTION,
    INTERVENTIONS,
    SLOTS,
    pair_number,
)

PAIR_SLOTS = [(i, j) for i in range(SLOTS) for j in range(i + 1, SLOTS)]
"""The slots of each pair, by its number."""
INTERVENTION_NAMES = ("stop", "dose_reduce", "substitute", "add_monitoring")


@dataclass(frozen=True, slots=True)
class QueryDdi:
    """Look into the chart for the interaction of two slots."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class ProposeIntervention:
    """One of INTERVENTION_NAMES on a slot."""

    slot: int
    kind: str


@dataclass(frozen=True, slots=True)
class FinishReview:
    """End the review and be graded."""


Action = QueryDdi | ProposeIntervention | FinishReview


def encode(action: Action) -> int:
    """The number of an action, 0 to 165. Raises ValueError for slots outside 0 to 14 or an unknown intervention."""
    if isinstance(action, FinishReview):
        return FINISH
    if isinstance(action, QueryDdi):
        i, j = sorted((action.first, action.second))
        if i == j or i < 0 or j >= SLOTS:
            raise ValueError(
                f"a query names two different slots of 0 to {SLOTS - 1}, not {action.first} and {action.second}"
            )
        return pair_number(i, j)
    if not 0 <= action.slot < SLOTS:
        raise ValueError(f"slot {action.slot} is not one of 0 to {SLOTS - 1}")
    if action.kind not in INTERVENTION_NAMES:
        raise ValueError(f"intervention {action.kind!r} is not one of {', '.join(INTERVENTION_NAMES)}")
    return FIRST_INTERVENTION + action.slot * INTERVENTIONS + INTERVENTION_NAMES.index(action.kind)


def decode(number: int) -> Action:
    """What an action number means. Raises ValueError outside 0 to 165."""
    if not 0 <= number < ACTIONS:
        raise ValueError(f"action {number} is not one of 0 to {ACTIONS - 1}")
    if number == FINISH:
        return FinishReview()
    if number < FIRST_INTERVENTION:
        return QueryDdi(*PAIR_SLOTS[number])
    slot, kind = divmod(number - FIRST_INTERVENTION, INTERVENTIONS)
    return ProposeIntervention(slot, INTERVENTION_NAMES[kind])
