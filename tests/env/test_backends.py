"""Compiled backends: how fast the CPU's is beside objects, and that the source is a CUDA kernel too."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from polypharmacy.env.backends import step_function
from polypharmacy.env.layout import ACTIONS
from polypharmacy.env.vector import VectorEnv
from polypharmacy.knowledge import Knowledge
from tests.env.conftest import Cases
from tests.env.test_dynamics import object_env

RATIO = 100
"""A gate that noise cannot shut; benchmarks/env_throughput.py shows the real ratio."""

PTX = """
from numba import cuda, int16, int32, uint8
from polypharmacy.env import dynamics
i1, i2, u1, u2, h1, h2 = int32[::1], int32[:, ::1], uint8[::1], uint8[:, ::1], int16[::1], int16[:, ::1]
tables = (i1, i2, u2, h2, i1, h1, i2, i1, i2, i1, i2, i1, u1, u2, i2, i2, i2, u2)
buffers = (i2, u2, u2, i2, i1, i1, u1, i1)
ptx, _ = cuda.compile_ptx(dynamics.step, (*tables, *buffers, int32, int32, int32), device=True, cc=(9, 0))
print(".target sm_90" in ptx, ".func" in ptx, len(ptx))
"""

SIMULATED = """
import sys
import numpy as np
from polypharmacy.env.cuda_kernel import step_kernel
from polypharmacy.env.bank import load_bank
from polypharmacy.env.vector import VectorEnv
bank = load_bank("easy_screening", "train", 12, workers=1)
ours, theirs = VectorEnv(bank, 12), VectorEnv(bank, 12)
draw = np.random.default_rng(0)
for step in range(25):
    actions = np.array([draw.choice(np.flatnonzero(m)) for m in ours.buffers.mask], dtype=np.int32)
    ours.step(actions)
    theirs.buffers.actions[:] = actions
    step_kernel[1, 4](*bank.tables, *theirs.buffers, 12)
    for name, a, b in zip(ours.buffers._fields, ours.buffers, theirs.buffers):
        assert a.tobytes() == b.tobytes(), (step, name)
print("same bytes")
"""


def run(script: str, **environment: str) -> str:
    pytest.importorskip("numba.cuda", reason="numba-cuda has wheels for Linux only")
    root = Path(__file__).parents[2] / "src"
    env = {**os.environ, "PYTHONPATH": str(root), **environment}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_same_source_compiles_to_ptx() -> None:
    target, function, length = run(PTX).split()
    assert (target, function) == ("True", "True")
    assert int(length) > 50_000


def test_the_kernel_gives_the_same_bytes_in_the_simulator() -> None:
    assert run(SIMULATED, NUMBA_ENABLE_CUDASIM="1").strip() == "same bytes"


def test_an_unknown_backend_is_an_error() -> None:
    with pytest.raises(ValueError, match="rust"):
        step_function("rust")


def test_numba_is_far_faster_than_objects(cases: Cases, shipped: Knowledge) -> None:
    compiled, bank = cases["budgeted_screening"]
    env = VectorEnv(bank, 1024)
    draw = np.random.default_rng(0)
    recorded = []
    for _ in range(60):
        weights = env.buffers.mask * draw.random((1024, ACTIONS))
        recorded.append(weights.argmax(axis=1).astype(np.int32))
        env.step(recorded[-1])
    best = min(_replay(env, recorded) for _ in range(5))
    fast = 60 * 1024 / best

    steps, spent = 0, 0.0
    for e, case in enumerate(compiled[:20]):
        other = object_env(case, "budgeted_screening", shipped)
        begun = time.process_time()
        for actions in recorded:
            if other.ended:
                break
            other.step(int(actions[e]))
            steps += 1
        spent += time.process_time() - begun
    assert fast / (steps / spent) > RATIO


def _replay(env: VectorEnv, recorded: list[np.ndarray]) -> float:
    env.reset()
    begun = time.process_time()
    for actions in recorded:
        env.step(actions)
    return time.process_time() - begun
