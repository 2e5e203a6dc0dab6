"""The environment for Gymnasium, one or many. Importing this module registers polypharmacy/EasyScreening-v0,
polypharmacy/BudgetedScreening-v0 and polypharmacy/ComplexTradeoff-v0. Needs `polypharmacy-env[gym]`.
"""

import operator
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from polypharmacy.env.bank import Bank, load_bank
from polypharmacy.env.case import FLAG_KINDS, PERSON
from polypharmacy.env.layout import (
    ACTIONS,
    CANDIDATES,
    CASE,
    CRITICAL,
    DONE,
    EVIDENCE,
    INTERVENTIONS_LEFT,
    MONITORED,
    PAIRS,
    QUERIES_LEFT,
    REDUCED,
    SEVERE,
    SLOTS,
    STEPS_LEFT,
    STOPPED,
    SWITCHED,
)
from polypharmacy.env.tasks import TASKS, Task
from polypharmacy.env.text import render
from polypharmacy.env.vector import VectorEnv, as_number
from polypharmacy.env.view import view
from polypharmacy.knowledge import Knowledge, load

Observation = dict[str, np.ndarray]
STATUS = (STOPPED, REDUCED, SWITCHED, MONITORED)
"""What 1 to 4 mean in `status`."""
MOST_MG = 1e6
"""A dose above a kilogram a day is shown as one."""


class PolypharmacyEnv(gymnasium.Env[Observation, int]):
    """One episode at a time of a task and split (`cases` and errors as in `load_bank`), or of a `bank` of the task.

    An observation is what `view.View` shows, save needs and the counts of targeted and found, copied. As there: person
    int16 [4 + conditions], drug int16 [30] (-1: none), daily_mg float32 [30], flag uint8 [30], weight int16 [30, B],
    load int32 [B], known uint8 [105], action_mask uint8 [166]. By slot, uint8 [15]: critical and evidence 0 or 1;
    status 0 untouched, 1 stopped, 2 reduced, 3 substituted, 4 monitored. budget int16 [3]: queries, interventions and
    steps left.

    Actions are 0 to 165; one that is not open costs 0.05. Rewards are raw. An episode terminates on finish, truncates
    when out of steps. `info` holds action_mask, episode_index, and grade once ended.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 1}  # noqa: RUF012  # Gymnasium's own way

    def __init__(
        self,
        task: str,
        split: str = "train",
        *,
        cases: int | None = None,
        bank: Bank | None = None,
        backend: str = "numba",
        render_mode: str | None = None,
    ) -> None:
        if render_mode not in (None, "ansi"):
            raise ValueError(f"render_mode {render_mode!r} is not None or 'ansi'")
        self.render_mode = render_mode
        self._bank, self._knowledge = _bank(task, split, cases, bank)
        self._env = VectorEnv(self._bank, 1, autoreset=False, backend=backend)
        self.observation_space = _space(self._bank.task, self._knowledge)  # type: ignore[assignment]
        self.action_space = spaces.Discrete(ACTIONS)  # type: ignore[assignment]  # any integer will do

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin episode options["episode"], else one drawn from `np_random`. Raises ValueError beyond the bank."""
        super().reset(seed=seed)
        self._env.reset(_episode(options, self._bank, self.np_random))
        return self._observed()

    def step(self, action: int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Raises gymnasium.error.ResetNeeded once the episode has ended."""
        if self._env.buffers.dones[0]:
            raise gymnasium.error.ResetNeeded("the episode has ended: call reset()")
        buffers = self._env.step(np.array([operator.index(action)], dtype=np.int32))
        how = int(buffers.state[0, DONE])
        observation, info = self._observed()
        if how:
            info["grade"] = float(as_number(buffers.grades)[0])
        return observation, float(as_number(buffers.rewards)[0]), how == 1, how == 2, info

    def render(self) -> str | None:
        """The episode in words, or None without a render_mode."""
        return render(view(self._env, 0), self._knowledge) if self.render_mode else None

    def _observed(self) -> tuple[Observation, dict[str, Any]]:
        return _row(_observe(self._env, np.zeros(1, dtype=np.intp)), 0), _info(self._env, 0)


class PolypharmacyVectorEnv(gymnasium.vector.VectorEnv[Observation, np.ndarray, np.ndarray]):
    """`num_envs` PolypharmacyEnv stepped together, with batched observations.

    An ended episode is followed in the same step by that `num_envs` later; its last observation and info are
    `final_obs` and `final_info`.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012

    def __init__(
        self,
        task: str,
        num_envs: int,
        split: str = "train",
        *,
        cases: int | None = None,
        bank: Bank | None = None,
        backend: str = "numba",
    ) -> None:
        self.num_envs = num_envs
        self._bank, knowledge = _bank(task, split, cases, bank)
        # The step function could reset by itself, but then nobody would see the last observation.
        self._env = VectorEnv(self._bank, num_envs, autoreset=False, backend=backend)
        self._next = VectorEnv(self._bank, 1, autoreset=False, backend=backend)
        self._all = np.arange(num_envs)
        self.single_observation_space = _space(self._bank.task, knowledge)
        self.single_action_space = spaces.Discrete(ACTIONS)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin episodes k, k + 1, ... (modulo the cases) with k = options["episode"], by default drawn from
        `np_random`. Raises ValueError beyond the bank.
        """
        super().reset(seed=seed)
        self._env.reset(_episode(options, self._bank, self.np_random))
        return _observe(self._env, self._all), self._infos({})

    def step(self, actions: np.ndarray) -> tuple[Observation, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One action for each. Raises TypeError for actions that are not integers, ValueError for another number."""
        buffers = self._env.step(np.asarray(actions).astype(np.int32, casting="same_kind"))
        rewards = as_number(buffers.rewards)
        how = buffers.state[:, DONE].copy()
        observations = _observe(self._env, self._all)
        infos: dict[str, Any] = {}
        ended = np.flatnonzero(how)
        for e in ended.tolist():
            final = _info(self._env, e) | {"grade": float(as_number(buffers.grades)[e])}
            infos = self._add_info(infos, {"final_obs": _row(observations, e), "final_info": final}, e)
            self._follow(e)
        for name, fresh in _observe(self._env, ended).items():
            observations[name][ended] = fresh
        return observations, rewards, how == 1, how == 2, self._infos(infos)

    def _follow(self, e: int) -> None:
        """Begin the episode after that of environment `e`."""
        buffers = self._env.buffers
        episode = (int(buffers.state[e, CASE]) + self.num_envs) % self._bank.size
        first = self._next.reset(episode)
        for mine, its in zip(buffers[:4], first[:4], strict=True):  # state, known, mask, load
            mine[e] = its[0]
        buffers.dones[e] = 0

    def _infos(self, infos: dict[str, Any]) -> dict[str, Any]:
        buffers = self._env.buffers
        for name, values in (
            ("action_mask", buffers.mask.copy()),
            ("episode_index", buffers.state[:, CASE].astype(np.int64)),
        ):
            infos[name], infos[f"_{name}"] = values, np.ones(self.num_envs, dtype=np.bool_)
        return infos


def _bank(task: str, split: str, cases: int | None, bank: Bank | None) -> tuple[Bank, Knowledge]:
    bank = load_bank(task, split, cases) if bank is None else bank
    knowledge = load()
    if bank.task.name != task:
        raise ValueError(f"the bank holds {bank.task.name}, not {task}")
    if bank.knowledge_hash != knowledge.hash:
        raise ValueError(f"the bank was compiled from knowledge {bank.knowledge_hash}, this one is {knowledge.hash}")
    return bank, knowledge


def _episode(options: dict[str, Any] | None, bank: Bank, random: np.random.Generator) -> int:
    """Every index below the bank's size means the same episode in a bank of any other size."""
    if options is None or "episode" not in options:
        return int(random.integers(bank.size))
    episode = operator.index(options["episode"])
    if not 0 <= episode < bank.size:
        raise ValueError(f"episode {episode} is not one of 0 to {bank.size - 1}")
    return episode


def _space(task: Task, knowledge: Knowledge) -> spaces.Dict:
    """Holds for every case of the task, so that splits share it."""

    def box(high: Any, dtype: type, *shape: int, low: float = 0) -> spaces.Box:
        return spaces.Box(np.full(shape, low, dtype), np.broadcast_to(high, shape).astype(dtype), dtype=dtype)

    most = np.array([3 if rule.total else 1 for rule in knowledge.tables.burdens])  # acb 0 to 3, or a count
    people = [1, 130, 4, 3] + [1] * len(knowledge.conditions)
    return spaces.Dict(
        {
            "person": box(people, np.int16, len(PERSON) + len(knowledge.conditions)),
            "drug": box(len(knowledge.ingredients) - 1, np.int16, CANDIDATES, low=-1),
            "daily_mg": box(MOST_MG, np.float32, CANDIDATES),
            "flag": box((1 << len(FLAG_KINDS)) - 1, np.uint8, CANDIDATES),
            "weight": box(most, np.int16, CANDIDATES, len(most)),
            "load": box(SLOTS * most, np.int32, len(most)),
            "critical": box(1, np.uint8, SLOTS),
            "evidence": box(1, np.uint8, SLOTS),
            "status": box(len(STATUS), np.uint8, SLOTS),
            "known": box(SEVERE, np.uint8, PAIRS),
            "budget": box([task.queries, task.interventions, task.steps], np.int16, 3),
            "action_mask": box(1, np.uint8, ACTIONS),
        }
    )


def _observe(env: VectorEnv, rows: np.ndarray) -> Observation:
    """What `view.view` shows of each of these environments, copied."""
    tables, seen, b = env.bank.tables, env.bank.seen, env.buffers
    state = b.state[rows]
    case = state[:, CASE]

    def bits(masks: np.ndarray) -> np.ndarray:
        return (masks[:, None] >> np.arange(SLOTS) & 1).astype(np.uint8)

    status = np.zeros((len(rows), SLOTS), dtype=np.uint8)
    for number, column in enumerate(STATUS, start=1):
        status += number * bits(state[:, column])
    return {
        "person": seen.person[case],
        "drug": seen.drug[case],
        "daily_mg": np.minimum(seen.daily_mg[case], np.float32(MOST_MG)),
        "flag": seen.flag[case],
        "weight": env.bank.compiled.weight[case].reshape(len(rows), CANDIDATES, b.load.shape[1]),
        "load": b.load[rows],
        "critical": bits(tables.facts[case, CRITICAL]),
        "evidence": bits(state[:, EVIDENCE]),
        "status": status,
        "known": b.known[rows],
        "budget": state[:, [QUERIES_LEFT, INTERVENTIONS_LEFT, STEPS_LEFT]].astype(np.int16),
        "action_mask": b.mask[rows],
    }


def _row(observations: Observation, e: int) -> Observation:
    return {name: values[e].copy() for name, values in observations.items()}


def _info(env: VectorEnv, e: int) -> dict[str, Any]:
    """Not "episode" for the index: that key is where Gymnasium's RecordEpisodeStatistics writes."""
    return {"action_mask": env.buffers.mask[e].copy(), "episode_index": int(env.buffers.state[e, CASE])}


for _task in TASKS:
    gymnasium.register(
        id=f"polypharmacy/{_task.title().replace('_', '')}-v0",
        entry_point=f"{__name__}:PolypharmacyEnv",
        vector_entry_point=f"{__name__}:PolypharmacyVectorEnv",
        kwargs={"task": _task},
    )
