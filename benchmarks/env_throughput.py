"""How fast is the environment? Side by side in one run, in CPU seconds of one core.

Steps of 1,024 environments under numba with the full rules, over 256 cases and over 1,000 (a recording of uniformly
random open actions, replayed; and uniformly random numbers), the environment made of Python objects, a Gymnasium
SyncVectorEnv of CartPole, two threads against one (wall time), the oracle, and the compilation of cases.
    python benchmarks/env_throughput.py [--json] [--quick]
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from polypharmacy.env.backends import step_function
from polypharmacy.env.bank import Bank, load_bank, seed_of
from polypharmacy.env.case import Compiled, compile_case, severe_pairs
from polypharmacy.env.layout import ACTIONS
from polypharmacy.env.oracle import best_plan
from polypharmacy.env.tasks import TASKS
from polypharmacy.env.vector import Buffers, VectorEnv
from polypharmacy.knowledge import load
from polypharmacy.patients.synthetic import Elders

sys.path.insert(0, str(Path(__file__).parents[1]))
COUNT = 1024
COUNTED = 200_000_000
MANY = 16_384
"""Environments that two threads share; in a tenth of a second of them, waking a thread does not count."""


def cpu(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def record(env: VectorEnv, steps: int, *, open_only: bool, seed: int = 0) -> list[np.ndarray]:
    """Actions of a roll-out: uniformly random among those open, or among all numbers."""
    draw = np.random.default_rng(seed)
    out = []
    for _ in range(steps):
        weights = draw.random((env.count, ACTIONS)) * (env.buffers.mask if open_only else 1)
        out.append(weights.argmax(axis=1).astype(np.int32))
        env.step(out[-1])
    return out


def rates(env: VectorEnv, recorded: list[np.ndarray], repeats: int) -> list[float]:
    """Million steps a CPU second of each repeat."""

    def replay() -> None:
        for actions in recorded:
            env.step(actions)

    found = []
    for _ in range(repeats):
        env.reset()
        found.append(len(recorded) * env.count / cpu(replay) / 1e6)
    return found


def objects(task: str, compiled: list[Compiled], recorded: list[np.ndarray]) -> float:
    """Million steps a CPU second of the environment made of objects."""
    from tests.env.test_dynamics import object_env

    knowledge = load()
    steps, spent = 0, 0.0
    for e, case in enumerate(compiled):
        env = object_env(case, task, knowledge)
        begun = time.process_time()
        for actions in recorded:
            if env.ended:
                break
            env.step(int(actions[e]))
            steps += 1
        spent += time.process_time() - begun
    return steps / spent / 1e6


def cartpole(steps: int) -> float:
    """Million steps a CPU second of a SyncVectorEnv of 64 CartPoles."""
    import gymnasium

    env = gymnasium.make_vec("CartPole-v1", num_envs=64, vectorization_mode="sync")
    env.reset(seed=0)
    actions = [env.action_space.sample() for _ in range(steps)]

    def play() -> None:
        for action in actions:
            env.step(action)

    return steps * 64 / cpu(play) / 1e6


def threads(bank: Bank, steps: int, repeats: int) -> dict[str, float]:
    """Wall time of one thread over that of two: each steps its half of MANY environments, or counts its half in
    registers, which is what two threads can gain at most on this machine now. And CPU seconds of two over those of one.
    """
    import numba

    env = VectorEnv(bank, MANY)
    recorded = record(env, steps, open_only=True)
    step, tables = step_function("numba"), bank.tables

    def part(first: int, last: int) -> float:
        begun = time.thread_time()
        own = Buffers(*(a[first:last] for a in env.buffers))
        for actions in recorded:
            step(*tables, *own._replace(actions=actions[first:last]), env.advance, 0, 1)
        return time.thread_time() - begun

    @numba.njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
    def count(first: int, last: int) -> int:
        x = 1
        for _ in range(first, last):
            x = (x * 1103515245 + 12345) % 2147483648
        return x

    count(0, 1)
    gains, spent, most = [], [], []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(repeats):
            env.reset()
            begun = time.perf_counter()
            alone = part(0, MANY)
            middle = time.perf_counter()
            env.reset()
            again = time.perf_counter()
            both = sum(pool.map(part, (0, MANY // 2), (MANY // 2, MANY)))
            gains.append((middle - begun) / (time.perf_counter() - again))
            spent.append(both / alone)
            begun = time.perf_counter()
            count(0, 2 * COUNTED)
            middle = time.perf_counter()
            list(pool.map(count, (0, 0), (COUNTED, COUNTED)))
            most.append((middle - begun) / (time.perf_counter() - middle))
    return {
        "two_threads_to_one_wall_median": statistics.median(gains),
        "two_threads_to_one_wall_best": max(gains),
        "two_threads_to_one_cpu_median": statistics.median(spent),
        "two_threads_to_one_wall_of_a_loop_in_registers_median": statistics.median(most),
    }


def cases(count: int) -> tuple[list[Compiled], float, float]:
    """Hard cases: compiled a CPU second, and found and compiled a CPU second."""
    knowledge, task = load(), TASKS["complex_tradeoff"]
    elders = Elders(knowledge, seed_of("complex_tradeoff", "validation"))
    compiled: list[Compiled] = []
    compiling = 0.0
    begun = time.process_time()
    index = 0
    while len(compiled) < count:
        patient = elders.patient_if(index, lambda m: task.fewest_drugs <= len(m) <= task.most_drugs)
        index += 1
        if patient is None or severe_pairs(patient, knowledge) < 2:
            continue
        start = time.process_time()
        compiled.append(compile_case(patient, knowledge))
        compiling += time.process_time() - start
    return compiled, count / compiling, count / (time.process_time() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="fewer cases and repeats, within 45 s")
    options = parser.parse_args()
    size, repeats, length = (48, 5, 60) if options.quick else (256, 25, 120)
    figures: dict[str, float] = {}
    ratios: dict[str, float] = {}
    for task in TASKS:
        env = VectorEnv(load_bank(task, "test", size), COUNT)
        recorded = record(env, length, open_only=True)
        found = rates(env, recorded, repeats)
        figures[f"{task}_million_steps_per_cpu_s_median"] = statistics.median(found)
        figures[f"{task}_million_steps_per_cpu_s_best"] = max(found)
        if not options.quick:
            large = VectorEnv(load_bank(task, "test", 1000), COUNT)
            found = rates(large, record(large, length, open_only=True), repeats)
            figures[f"{task}_of_1000_cases_million_steps_per_cpu_s_median"] = statistics.median(found)
            figures[f"{task}_of_1000_cases_million_steps_per_cpu_s_best"] = max(found)
        env.reset()
        anything = rates(env, record(env, length, open_only=False), repeats)
        figures[f"{task}_any_number_million_steps_per_cpu_s_median"] = statistics.median(anything)
        if task == "budgeted_screening":
            ratios |= threads(env.bank, 100 if options.quick else 300, 9)
        if task == "complex_tradeoff":
            figures["state_bytes_per_environment"] = sum(a.nbytes for a in env.buffers) / COUNT
            best_plan(env.bank.tables, 0)
            spent = [cpu(lambda case=case, env=env: best_plan(env.bank.tables, case)) for case in range(min(size, 300))]  # type: ignore[misc]
            figures["oracle_complex_ms_median"] = 1e3 * statistics.median(spent)
            compiled, alone, found_too = cases(12 if options.quick else 60)
            figures["complex_cases_compiled_per_cpu_s"] = alone
            figures["complex_cases_found_and_compiled_per_cpu_s"] = found_too
            figures["objects_complex_million_steps_per_cpu_s"] = objects(task, compiled, recorded)
            figures["cartpole_sync_million_steps_per_cpu_s"] = cartpole(300 if options.quick else 2000)
            median = figures[f"{task}_million_steps_per_cpu_s_median"]
            ratios["numba_to_objects"] = median / figures["objects_complex_million_steps_per_cpu_s"]
            ratios["numba_to_cartpole_sync"] = median / figures["cartpole_sync_million_steps_per_cpu_s"]
    if options.json:
        machine = f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}"
        print(json.dumps({"name": "env_throughput", "machine": machine, "figures": figures, "ratios": ratios}))
        return
    for name, value in {**figures, **ratios}.items():
        print(f"{name}: {value:.4g}")


if __name__ == "__main__":
    main()
