"""Policies that know no drug and heed no answer, and a hill climb for the best of them; `exploits.py` runs it."""

from typing import NamedTuple

import numpy as np

from polypharmacy.env.actions import INTERVENTION_NAMES, PAIR_SLOTS
from polypharmacy.env.bank import Bank
from polypharmacy.env.layout import (
    ALTERNATIVES,
    CRITICAL,
    CRITICAL_STOPS,
    DRUGS,
    FINISH,
    FIRST_INTERVENTION,
    FLAGS,
    INTERVENTIONS,
    PAIRS,
    SLOTS,
    SUBSTITUTE,
)
from polypharmacy.env.tasks import TASKS
from polypharmacy.env.text import say
from polypharmacy.env.vector import VectorEnv, as_number

RESTARTS = 4
FIRST, SECOND = np.array(PAIR_SLOTS).T


class Outcome(NamedTuple):
    """Of each case, float64 [N]: grade, return, critical medicines stopped."""

    grade: np.ndarray
    total: np.ndarray
    critical_stops: np.ndarray


def outcome(env: VectorEnv, plans: np.ndarray) -> Outcome:
    """Play a sequence of actions, int32 [N, T], in each environment; each ends with a finish or out of time."""
    env.reset()
    total = np.zeros(env.count, dtype=np.int64)
    for actions in plans.T:
        buffers = env.step(actions)
        total += buffers.rewards
        if buffers.dones.all():
            break
    return Outcome(as_number(buffers.grades), as_number(total), buffers.state[:, CRITICAL_STOPS].astype(float))


class Templates:
    """A policy: action numbers, 0 to 164, the same for every case; a finish follows."""

    def __init__(self, task: str) -> None:
        self.slots, self.steps = TASKS[task].most_drugs, TASKS[task].steps

    def random(self, draw: np.random.Generator) -> list[int]:
        return [self._action(draw) for _ in range(draw.integers(1, self.steps))]

    def changed(self, policy: list[int], draw: np.random.Generator) -> list[int]:
        out = list(policy)
        for _ in range(draw.integers(1, 3)):
            luck, place = draw.random(), int(draw.integers(len(out) + 1))
            if luck < 0.3 and len(out) < self.steps - 1:
                out.insert(place, self._action(draw))
            elif place < len(out) and luck < 0.6:
                out[place] = self._action(draw)
            elif place < len(out):
                moved = out.pop(place)
                if luck < 0.8:
                    out.insert(int(draw.integers(len(out) + 1)), moved)
        return out

    def _action(self, draw: np.random.Generator) -> int:
        """A query or an intervention, of slots that some case of the task has."""
        if draw.random() < 0.4:
            return int(draw.choice(np.flatnonzero(self.slots > SECOND)))
        return FIRST_INTERVENTION + int(draw.integers(self.slots * INTERVENTIONS))

    def plans(self, policy: list[int], bank: Bank, count: int) -> np.ndarray:
        """int32 [N, T]: the actions it takes on the first cases of a bank."""
        return np.tile(np.array([*policy, FINISH], dtype=np.int32), (count, 1))

    def words(self, policy: list[int]) -> str:
        return ", ".join(say(a) for a in policy)


class Rules:
    """A policy: by class of medicine which intervention (4: none), how soon, how keenly to ask; then the order among
    equals, how many interventions, how many queries. Queries come first: what they find by luck gives a reason to act.
    """

    def __init__(self, task: str, flags: bool) -> None:
        self.task, self.flags = TASKS[task], flags
        self.classes = 8 if flags else 4
        each = [INTERVENTIONS + 1] * self.classes + [8] * self.classes + [4] * self.classes
        self.sizes = np.array([*each, 2, 3, self.task.interventions + 1, self.task.queries + 1])

    def random(self, draw: np.random.Generator) -> list[int]:
        return [int(x) for x in draw.integers(self.sizes)]

    def changed(self, policy: list[int], draw: np.random.Generator) -> list[int]:
        out = list(policy)
        for place in draw.integers(len(out), size=draw.integers(1, 4)):
            out[place] = int(draw.integers(self.sizes[place]))
        return out

    def _parts(self, policy: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[int]]:
        kind, soon, keen = np.array(policy[: 3 * self.classes]).reshape(3, -1)
        return kind, soon, keen, policy[3 * self.classes :]

    def plans(self, policy: list[int], bank: Bank, count: int) -> np.ndarray:
        kind, soon, keen, (backwards, spread, interventions, queries) = self._parts(policy)
        facts = bank.tables.facts[:count]
        here = np.arange(SLOTS)
        drugs = facts[:, DRUGS, None]
        column = {ALTERNATIVES: 1, CRITICAL: 2} | ({FLAGS: 4} if self.flags else {})
        of = sum((facts[:, c, None] >> here & 1) * value for c, value in column.items())
        chosen = kind[of]
        able = (here < drugs) & (chosen < INTERVENTIONS) & ((chosen != SUBSTITUTE) | (of & 1 == 1))
        acts = _best_first(soon[of] * SLOTS + (here if backwards else -here), able, interventions)
        acts = np.where(acts >= 0, FIRST_INTERVENTION + acts * INTERVENTIONS + np.take_along_axis(chosen, acts, 1), -1)
        ties = (-np.arange(PAIRS), np.arange(PAIRS), (FIRST - SECOND) * SLOTS - FIRST)[spread]
        asked = _best_first((keen[of][:, FIRST] + keen[of][:, SECOND]) * 1000 + ties, drugs > SECOND, queries)
        both = np.concatenate([asked, acts, np.full((count, 1), FINISH)], axis=1)
        both = np.take_along_axis(both, np.argsort(both < 0, axis=1, kind="stable"), axis=1)
        return np.where(both < 0, FINISH, both).astype(np.int32)

    def words(self, policy: list[int]) -> str:
        kind, soon, keen, (backwards, spread, interventions, queries) = self._parts(policy)
        parts = [
            f"{INTERVENTION_NAMES[kind[c]]} {self._name(c)}"
            for c in sorted(range(self.classes), key=lambda c: -soon[c])
            if kind[c] < INTERVENTIONS and (kind[c] != SUBSTITUTE or c & 1)
        ]
        keenest = " or ".join(self._name(c) for c in range(self.classes) if keen[c] == keen.max())
        order = "last first" if backwards else "first first"
        pairs = ("in order", "from the last", "neighbours first")[spread]
        return (
            f"{queries} queries ({pairs}; rather {keenest}), then {interventions} interventions ({order}): "
            + ", then ".join(parts)
        )

    def _name(self, of: int) -> str:
        flag = ("flagged " if of & 4 else "unflagged ") if self.flags else ""
        return f"{flag}{'critical' if of & 2 else 'uncritical'} {'with' if of & 1 else 'without'} alternative"


def _best_first(score: np.ndarray, able: np.ndarray, most: int) -> np.ndarray:
    """[N, most]: the columns of the highest scores among those able; -1 where there are no more."""
    order = np.argsort(np.where(able, -score, np.iinfo(np.int64).max), axis=1, kind="stable")[:, :most]
    return np.where(np.take_along_axis(able, order, axis=1), order, -1)


def climb(
    family: Templates | Rules, bank: Bank, count: int, tries: int, aim: int, draw: np.random.Generator
) -> list[int]:
    """The best policy that random local search finds on the first cases of a bank; `aim` 0: by grade, 1: by return."""
    env = VectorEnv(bank, count, autoreset=False)

    def value(policy: list[int]) -> float:
        return float(outcome(env, family.plans(policy, bank, count))[aim].mean())

    found: list[tuple[float, list[int]]] = []
    for _ in range(RESTARTS):
        best = family.random(draw)
        score = value(best)
        for _ in range(tries // RESTARTS):
            other = family.changed(best, draw)
            if (reached := value(other)) >= score:
                best, score = other, reached
        found.append((score, best))
    return max(found)[1]
