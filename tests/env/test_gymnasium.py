"""The Gymnasium environments: what the checker asks, what the views show, and nothing that is hidden."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import RecordEpisodeStatistics
from gymnasium.wrappers.vector import RecordEpisodeStatistics as RecordVectorStatistics

from polypharmacy.env.bank import Bank, load_bank
from polypharmacy.env.gymnasium import Observation, PolypharmacyEnv, PolypharmacyVectorEnv
from polypharmacy.env.layout import (
    ACTIONS,
    FINISH,
    FIRST_INTERVENTION,
    PAIRS,
    SEVERE_PAIR,
    SEVERE_PAIRS,
    SLOTS,
    START_POINTS,
)
from polypharmacy.env.tables import with_cases
from polypharmacy.env.tasks import TASKS
from polypharmacy.env.vector import VectorEnv, as_number
from polypharmacy.env.view import View, view
from tests.env.conftest import Cases

IDS = {
    "easy_screening": "polypharmacy/EasyScreening-v0",
    "budgeted_screening": "polypharmacy/BudgetedScreening-v0",
    "complex_tradeoff": "polypharmacy/ComplexTradeoff-v0",
}


def same(one: Any, two: Any) -> bool:
    """The same keys, types, shapes and bytes, however nested."""
    if isinstance(one, dict):
        return isinstance(two, dict) and one.keys() == two.keys() and all(same(one[k], two[k]) for k in one)
    if isinstance(one, np.ndarray) and one.dtype != object:
        return (one.dtype, one.shape, one.tobytes()) == (two.dtype, two.shape, two.tobytes())
    if isinstance(one, np.ndarray | tuple | list):
        return len(one) == len(two) and all(same(a, b) for a, b in zip(one, two, strict=True))
    return type(one) is type(two) and bool(one == two)


def choose(draw: np.random.Generator, mask: np.ndarray) -> int:
    """Mostly what is open, sometimes anything, seldom the end."""
    if draw.random() < 0.15:
        return int(draw.integers(ACTIONS))
    offered = np.flatnonzero(mask[:FINISH])
    return FINISH if not len(offered) or draw.random() < 0.05 else int(draw.choice(offered))


@pytest.mark.parametrize("task", TASKS)
def test_the_checker_has_nothing_to_say(task: str, cases: Cases) -> None:
    env = gymnasium.make(IDS[task], bank=cases[task][1])
    assert isinstance(env.unwrapped, PolypharmacyEnv)
    check_env(env.unwrapped)


def test_the_registered_environments_play_the_bank_of_their_split() -> None:
    env = gymnasium.make(IDS["easy_screening"], split="validation", cases=4)
    bank = load_bank("easy_screening", "validation", 4)
    for episode in range(4):
        observation, info = env.reset(options={"episode": episode})
        assert observation["drug"].tolist() == bank.seen.drug[episode].tolist()
        assert info["episode_index"] == episode


@pytest.mark.parametrize("task", TASKS)
def test_observations_are_the_view_and_inside_their_space(task: str, cases: Cases) -> None:
    bank = cases[task][1]
    env = PolypharmacyEnv(task, bank=bank)
    plain = VectorEnv(bank, 1, autoreset=False)
    draw = np.random.default_rng(1)
    how: set[tuple[bool, bool]] = set()
    for episode in range(bank.size):
        observation, info = env.reset(options={"episode": episode})
        plain.reset(episode)
        ended = False
        while True:
            assert env.observation_space.contains(observation)
            shown = view(plain, 0)
            assert same(observation, as_observed(shown))
            assert info.keys() == {"action_mask", "episode_index"} | ({"grade"} if ended else set())
            assert info["episode_index"] == episode
            assert same(info["action_mask"], shown.mask)
            if ended:
                break
            action = choose(draw, shown.mask)
            observation, reward, terminated, truncated, info = env.step(action)
            buffers = plain.step(np.array([action], dtype=np.int32))
            assert reward == as_number(buffers.rewards)[0]
            ended = terminated or truncated
            assert ended == bool(buffers.dones[0])
            if ended:
                how.add((terminated, truncated))
                assert terminated == (action == FINISH)
                assert info["grade"] == as_number(buffers.grades)[0]
    assert (True, False) in how


def as_observed(shown: View) -> Observation:
    """An observation written down slot by slot from a View."""
    done = {1: shown.stopped, 2: shown.reduced, 3: shown.switched, 4: shown.monitored}
    slots = range(SLOTS)
    return {
        **{n: getattr(shown, n) for n in ("person", "drug", "daily_mg", "flag", "weight", "load")},
        "critical": np.array([shown.critical >> s & 1 for s in slots], dtype=np.uint8),
        "evidence": np.array([shown.evidence >> s & 1 for s in slots], dtype=np.uint8),
        "status": np.array([sum(k for k, bits in done.items() if bits >> s & 1) for s in slots], dtype=np.uint8),
        "known": shown.known,
        "budget": np.array([shown.queries_left, shown.interventions_left, shown.steps_left], dtype=np.int16),
        "action_mask": shown.mask,
    }


def test_the_time_out_truncates(cases: Cases) -> None:
    env = PolypharmacyEnv("easy_screening", bank=cases["easy_screening"][1])
    env.reset(seed=0)
    ends = [env.step(PAIRS - 1)[1:4] for _ in range(TASKS["easy_screening"].steps)]  # no list of 5 has that pair
    assert ends == [(-0.05, False, False)] * 9 + [(-0.15, False, True)]
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(FINISH)


def test_what_was_returned_does_not_change(cases: Cases) -> None:
    bank = cases["budgeted_screening"][1]
    env = PolypharmacyEnv("budgeted_screening", bank=bank)
    first, info = env.reset(options={"episode": 3})
    for values in (*first.values(), info["action_mask"]):
        assert values.base is None
        values[:] = 1
    again, _ = env.reset(options={"episode": 3})
    assert not any(same(first[name], again[name]) for name in first)
    assert again["drug"].tolist() == bank.seen.drug[3].tolist()


def test_the_text_is_drawn(cases: Cases) -> None:
    bank = cases["easy_screening"][1]
    env = PolypharmacyEnv("easy_screening", bank=bank, render_mode="ansi")
    env.reset(seed=0)
    text = env.render()
    assert text is not None
    assert text.startswith("easy_screening: 4 queries")
    assert PolypharmacyEnv("easy_screening", bank=bank).render() is None


def test_bad_arguments_are_refused(cases: Cases) -> None:
    bank = cases["easy_screening"][1]
    env = PolypharmacyEnv("easy_screening", bank=bank)
    with pytest.raises(ValueError, match="episode 40 is not one of 0 to 39"):
        env.reset(options={"episode": 40})
    env.reset(seed=0)
    with pytest.raises(TypeError):
        env.step(1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="render_mode 'human'"):
        PolypharmacyEnv("easy_screening", bank=bank, render_mode="human")
    with pytest.raises(ValueError, match="the bank holds easy_screening"):
        PolypharmacyEnv("complex_tradeoff", bank=bank)
    with pytest.raises(ValueError, match="compiled from knowledge"):
        PolypharmacyEnv("easy_screening", bank=replace(bank, knowledge_hash="other"))
    vector = PolypharmacyVectorEnv("easy_screening", 2, bank=bank)
    with pytest.raises(TypeError):
        vector.step(np.array([0.5, 1.0]))


@pytest.mark.parametrize("task", TASKS)
def test_the_vector_environment_is_many_single_ones(task: str, cases: Cases) -> None:
    bank, count, first = cases[task][1], 7, 35  # runs past the last case
    vector = gymnasium.make_vec(IDS[task], num_envs=count, bank=bank)
    assert isinstance(vector, PolypharmacyVectorEnv)
    assert vector.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    singles = [PolypharmacyEnv(task, bank=bank) for _ in range(count)]
    episodes = [(first + e) % bank.size for e in range(count)]
    now = [env.reset(options={"episode": k}) for env, k in zip(singles, episodes, strict=True)]
    batch, infos = vector.reset(options={"episode": first})
    draw = np.random.default_rng(2)
    ended = np.zeros(count, dtype=bool)
    ends = 0
    for _ in range(120):
        assert vector.observation_space.contains(batch)
        assert infos["_action_mask"].all()
        assert infos["_episode_index"].all()
        for e, (observation, info) in enumerate(now):
            assert same({name: values[e] for name, values in batch.items()}, observation)
            assert same(infos["action_mask"][e], info["action_mask"])
            assert infos["episode_index"][e] == info["episode_index"]
        actions = np.array([choose(draw, info["action_mask"]) for _, info in now])
        batch, rewards, terminated, truncated, infos = vector.step(actions)
        steps = [env.step(int(a)) for env, a in zip(singles, actions, strict=True)]
        assert rewards.tolist() == [s[1] for s in steps]
        assert terminated.tolist() == [s[2] for s in steps]
        assert truncated.tolist() == [s[3] for s in steps]
        ended = terminated | truncated
        ends += int(ended.sum())
        assert ("final_obs" in infos) == ("final_info" in infos) == ended.any()
        now = [(s[0], s[4]) for s in steps]
        for e in np.flatnonzero(ended).tolist():
            assert same(infos["final_obs"][e], steps[e][0])
            assert {key for key in infos["final_info"] if key[0] != "_"} == steps[e][4].keys()
            for key, value in steps[e][4].items():
                assert np.array_equal(infos["final_info"][key][e], value)
            episodes[e] = (episodes[e] + count) % bank.size
            now[e] = singles[e].reset(options={"episode": episodes[e]})
        if ended.any():
            assert infos["_final_obs"].tolist() == infos["_final_info"].tolist() == ended.tolist()
            assert infos["final_info"]["_grade"].tolist() == ended.tolist()
    assert ends > 20


def test_the_statistics_wrappers_find_their_key_free(cases: Cases) -> None:
    bank = cases["easy_screening"][1]
    env = RecordEpisodeStatistics(gymnasium.make(IDS["easy_screening"], bank=bank))
    env.reset(seed=0)
    *_, info = env.step(np.int64(FINISH))
    assert info["episode"]["l"] == 1
    vector = RecordVectorStatistics(PolypharmacyVectorEnv("easy_screening", 3, bank=bank))
    vector.reset(seed=0)
    *_, infos = vector.step(np.full(3, FINISH))
    assert infos["episode"]["l"].tolist() == [1, 1, 1]


def test_the_same_seed_gives_the_same_bytes(cases: Cases) -> None:
    bank = cases["complex_tradeoff"][1]

    def single(seed: int) -> list[Any]:
        env = PolypharmacyEnv("complex_tradeoff", bank=bank)
        env.action_space.seed(seed)
        out: list[Any] = [env.reset(seed=seed)]
        for _ in range(150):
            out.append(env.step(env.action_space.sample()))
            if out[-1][2] or out[-1][3]:
                out.append(env.reset())
        return out

    def vector(seed: int) -> list[Any]:
        env = PolypharmacyVectorEnv("complex_tradeoff", 5, bank=bank)
        env.action_space.seed(seed)
        return [env.reset(seed=seed), *(env.step(env.action_space.sample()) for _ in range(60))]

    for play in (single, vector):
        assert same(play(1), play(1))
        assert not same(play(1), play(2))


def test_every_episode_can_be_drawn(cases: Cases) -> None:
    bank = cases["easy_screening"][1]
    env = PolypharmacyEnv("easy_screening", bank=bank)
    drawn = {env.reset(seed=0)[1]["episode_index"]} | {env.reset()[1]["episode_index"] for _ in range(400)}
    assert drawn == set(range(bank.size))


@pytest.mark.parametrize("task", TASKS)
def test_what_is_hidden_changes_nothing_that_is_seen(task: str, cases: Cases) -> None:
    """At the start, and for as long as nothing is asked and the episode goes on."""
    bank = cases[task][1]
    other = hidden_changed(bank)
    rewards_differ = False
    for episode in range(bank.size):
        envs = [PolypharmacyEnv(task, bank=b) for b in (bank, other)]
        one, two = (env.reset(options={"episode": episode}) for env in envs)
        assert same(one, two)
        draw = np.random.default_rng(episode)
        while one[1]["action_mask"][FIRST_INTERVENTION:FINISH].any():
            offered = np.flatnonzero(one[1]["action_mask"][FIRST_INTERVENTION:FINISH])
            action = FIRST_INTERVENTION + int(draw.choice(offered))
            (seen, reward, *_, info), (also_seen, other_reward, *_, also_info) = (env.step(action) for env in envs)
            one, two = (seen, info), (also_seen, also_info)
            assert same(one, two)
            rewards_differ |= reward != other_reward
    vectors = [PolypharmacyVectorEnv(task, bank.size, bank=b).reset(options={"episode": 0}) for b in (bank, other)]
    assert same(*vectors)
    assert rewards_differ


def hidden_changed(bank: Bank) -> Bank:
    """The same lists with another chart behind them."""
    tables = bank.tables
    facts = tables.facts.copy()
    facts[:, START_POINTS] += 7
    facts[:, SEVERE_PAIRS] += 1
    facts[:, SEVERE_PAIR] = 0
    compiled = bank.compiled._replace(
        pair=np.full_like(bank.compiled.pair, 5), hazard=bank.compiled.hazard + np.arange(90, dtype=np.int16)
    )
    need = tables.need * np.array([1, 2, 2], dtype=np.int32)
    return replace(bank, tables=with_cases(tables, facts, compiled)._replace(need=need), compiled=compiled)


def test_the_environment_itself_does_without_gymnasium() -> None:
    code = "import sys, polypharmacy.env.text, polypharmacy.env.oracle; sys.exit('gymnasium' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
