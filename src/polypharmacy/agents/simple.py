"""Policies that know no drug and heed no answer: the floor, and the exploits that must not pay."""

from collections.abc import Callable

import numpy as np

from polypharmacy.agents.agent import Agent, episode_random
from polypharmacy.env.actions import PAIR_SLOTS
from polypharmacy.env.layout import (
    FINISH,
    FIRST_INTERVENTION,
    INTERVENTIONS,
    MODERATE,
    MONITOR,
    PAIRS,
    REDUCE,
    SLOTS,
    STOP,
    SUBSTITUTE,
)
from polypharmacy.env.view import View

MANY = PAIRS
"""As many queries as the budget allows."""


class Stateless:
    """Decides by what it sees alone."""

    def begin(self, view: View, episode: int) -> None:
        pass


class DoNothing(Stateless):
    """Finishes at once."""

    def act(self, view: View) -> int:
        return FINISH


class Random:
    """Any open action, all alike."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def begin(self, view: View, episode: int) -> None:
        self._draw = episode_random(self.seed, episode)

    def act(self, view: View) -> int:
        return int(self._draw.choice(np.flatnonzero(view.mask)))


class Same(Stateless):
    """The first of `kinds` that is open on every slot in turn, or on every flagged one, while the budget lasts.

    Before that as many queries as `ask` allows, of pairs with such a slot, their answers not heeded.
    """

    def __init__(self, *kinds: int, flagged: bool = False, ask: int = 0) -> None:
        self.kinds = kinds
        self.flagged = flagged
        self.ask = ask

    def act(self, view: View) -> int:
        wanted = view.flagged if self.flagged else (1 << SLOTS) - 1
        if view.task.queries - view.queries_left < self.ask and not view.touched:
            for number in np.flatnonzero(view.mask[:PAIRS]):
                i, j = PAIR_SLOTS[number]
                if (wanted >> i | wanted >> j) & 1:
                    return int(number)
        for slot in range(view.drugs):
            for kind in self.kinds:
                action = FIRST_INTERVENTION + slot * INTERVENTIONS + kind
                if wanted >> slot & 1 and view.mask[action]:
                    return action
        return FINISH


class StopMostFlagged(Stateless):
    """Stops the one medicine that shows most flags."""

    def act(self, view: View) -> int:
        flags = np.bitwise_count(view.flag[: view.drugs])
        if view.touched or not flags.any():
            return FINISH
        return FIRST_INTERVENTION + int(flags.argmax()) * INTERVENTIONS + STOP


class HarmThenRepair(Stateless):
    """Switches what it can, asks what the alternatives bring, and stops the partner of any harm found."""

    def act(self, view: View) -> int:
        for number, pair in enumerate(PAIR_SLOTS):
            if not any(view.switched >> slot & 1 for slot in pair):
                continue
            if view.mask[number]:
                return number
            for slot in pair:
                action = FIRST_INTERVENTION + slot * INTERVENTIONS + STOP
                if view.known[number] >= MODERATE and view.mask[action]:
                    return action
        for slot in range(view.drugs):
            action = FIRST_INTERVENTION + slot * INTERVENTIONS + SUBSTITUTE
            if view.mask[action]:
                return action
        return FINISH


class Stall(Stateless):
    """Asks about the first pair again and again until time is out."""

    def act(self, view: View) -> int:
        return 0


GAMES: dict[str, Callable[[int], Agent]] = {
    "do_nothing": lambda seed: DoNothing(),
    "random": Random,
    "stall": lambda seed: Stall(),
    "stop_everything": lambda seed: Same(STOP),
    "reduce_everything": lambda seed: Same(REDUCE),
    "substitute_everything": lambda seed: Same(SUBSTITUTE),
    "monitor_everything": lambda seed: Same(MONITOR),
    "substitute_or_stop_everything": lambda seed: Same(SUBSTITUTE, STOP),
    "query_everything": lambda seed: Same(ask=MANY),
    "query_then_stop": lambda seed: Same(STOP, ask=MANY),
    "query_one_pair": lambda seed: Same(ask=1),
    "query_one_pair_then_stop": lambda seed: Same(STOP, ask=1),
    "query_flagged": lambda seed: Same(flagged=True, ask=MANY),
    "stop_flagged": lambda seed: Same(STOP, flagged=True),
    "reduce_flagged": lambda seed: Same(REDUCE, flagged=True),
    "substitute_flagged": lambda seed: Same(SUBSTITUTE, flagged=True),
    "monitor_flagged": lambda seed: Same(MONITOR, flagged=True),
    "substitute_or_stop_flagged": lambda seed: Same(SUBSTITUTE, STOP, flagged=True),
    "query_then_substitute_or_stop_flagged": lambda seed: Same(SUBSTITUTE, STOP, flagged=True, ask=MANY),
    "stop_most_flagged": lambda seed: StopMostFlagged(),
    "harm_then_repair": lambda seed: HarmThenRepair(),
}
"""By name, a policy for a seed. None of them may come near `heuristic`."""
