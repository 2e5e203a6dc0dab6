"""One episode on its own: what the OpenEnv face, a stored review and a language model all play."""

from typing import NamedTuple

from polypharmacy.env.actions import FinishReview, QueryDdi, decode, encode
from polypharmacy.env.bank import Bank
from polypharmacy.env.dynamics import INTERVENTION_COST, QUERY_COST, TIME_OUT
from polypharmacy.env.layout import ACTIONS, FINISH, FIRST_INTERVENTION, MICRO, QUERIES_LEFT, STEPS_LEFT
from polypharmacy.env.text import say
from polypharmacy.env.vector import VectorEnv
from polypharmacy.env.view import View, view


class Played(NamedTuple):
    """What one action brought: `reward` raw (millionths / 10^6), `found` what a query found (layout.NONE ...; None: no
    query was made), `problem` why the action was not open (None: it was), `grade` once the episode has ended.
    """

    action: int
    reward: float
    done: bool
    found: int | None
    problem: str | None
    grade: float | None


class Episode:
    """Episode `index` of a bank, stepped by action numbers; it stays ended."""

    def __init__(self, bank: Bank, index: int, backend: str = "numba") -> None:
        self.bank = bank
        self.index = index
        self._env = VectorEnv(bank, 1, first_episode=index, autoreset=False, backend=backend)
        self._state, self._mask = self._env.buffers.state[0], self._env.buffers.mask[0]
        self.done = False
        self.steps = 0

    @property
    def view(self) -> View:
        """What is seen now; its arrays change with the next step."""
        return view(self._env, 0)

    @property
    def left(self) -> tuple[int, int, int]:
        """Queries, interventions and steps that are left."""
        queries, interventions, steps = self._state[QUERIES_LEFT : STEPS_LEFT + 1].tolist()
        return queries, interventions, steps

    def mask(self) -> bytes:
        """166 bytes, 1 where an action is open."""
        return bytes(self._mask)

    def digest_bytes(self) -> bytes:
        """The whole mutable state, hidden columns too: equal for equal cases and actions on every machine."""
        return b"".join(a.tobytes() for a in self._env.buffers)

    def step(self, number: int) -> Played:
        """Play one action, open or not. Raises ValueError once the episode has ended."""
        if self.done:
            raise ValueError("the episode has ended: reset")
        is_open = 0 <= number < ACTIONS and bool(self._mask[number])
        problem = None if is_open else why_closed(self.view, number)
        buffers = self._env.step_only(number)
        self.steps += 1
        self.done = bool(buffers.dones[0])
        return Played(
            action=number,
            reward=int(buffers.rewards[0]) / MICRO,
            done=self.done,
            found=int(buffers.known[0, number]) if is_open and number < FIRST_INTERVENTION else None,
            problem=problem,
            grade=int(buffers.grades[0]) / MICRO if self.done else None,
        )


def why_closed(seen: View, number: int) -> str:
    """Why an action that the mask closes is not open, in words."""
    try:
        action = decode(number)
    except ValueError as error:
        return str(error)
    if isinstance(action, FinishReview):
        return "the episode has ended"
    if isinstance(action, QueryDdi):
        if max(action.first, action.second) >= seen.drugs:
            return f"there is no medicine in slot {max(action.first, action.second)}"
        if seen.queries_left == 0:
            return "no query is left"
        if seen.known[encode(action)]:
            return "this pair was asked already"
        return "a medicine of this pair was stopped"
    if action.slot >= seen.drugs:
        return f"there is no medicine in slot {action.slot}"
    if seen.interventions_left == 0:
        return "no intervention is left"
    if seen.touched >> action.slot & 1:
        return "this medicine had its intervention already"
    return f"there is no alternative for this medicine, so it cannot be switched: {say(number)!r} is not open"


def reward_parts(played: Played) -> tuple[int, dict[str, float]]:
    """The raw reward in millionths, and its parts, which sum to it."""
    raw = round(played.reward * MICRO)
    parts: dict[str, int] = {}
    rest = raw
    if played.done and not (played.action == FINISH and played.problem is None):
        parts["time_out"] = -TIME_OUT
        rest += TIME_OUT
    if played.problem is not None:
        parts["invalid"] = rest
    elif played.action == FINISH:
        parts["grade"] = rest
    elif played.action < FIRST_INTERVENTION:
        parts["query"] = -QUERY_COST
        if rest != -QUERY_COST:
            parts["found"] = rest + QUERY_COST
    else:
        parts["intervention"] = -INTERVENTION_COST
        parts["risk"] = rest + INTERVENTION_COST
    return raw, {name: value / MICRO for name, value in parts.items()}
