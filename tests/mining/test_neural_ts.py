"""OptimNeuralTS, part by part, against what the papers define."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.errors import ClaimsError
from polypharmacy.mining.evolution import differential_evolution
from polypharmacy.mining.neural_ts import NeuralTS
from polypharmacy.mining.optim_neural_ts import Nearest, Settings, optim_neural_ts
from polypharmacy.mining.predictor import read_ensemble
from polypharmacy.mining.queries import Queries
from polypharmacy.mining.reward_network import RewardNetwork, Rows, Training
from polypharmacy.mining.simulator import simulate
from tests.mining.original_optim_neural_ts import Original


def in_torch(network: RewardNetwork) -> torch.nn.Sequential:
    """The same network as torch knows it."""
    parts: list[torch.nn.Module] = []
    for weights, biases in network.by_layer():
        layer = torch.nn.Linear(*weights.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weights.T.copy()))
            layer.bias.copy_(torch.from_numpy(biases.copy()))
        parts += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*parts[:-1])


def gradients(network: RewardNetwork, x: np.ndarray) -> np.ndarray:
    """Each row's gradient by every parameter, by torch's own differentiation, [rows, parameters]."""
    same, out = in_torch(network), []
    for row in torch.from_numpy(x):
        same.zero_grad()
        same(row[None]).sum().backward()
        parts = [p.grad.numpy().T.ravel() for p in same.parameters() if p.grad is not None]  # weights, biases, ...
        out.append(np.concatenate(parts))
    return np.stack(out)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_sigma_is_the_closed_form(layers: int) -> None:
    draw = np.random.default_rng(0)
    agent = NeuralTS(7, seed=layers, width=5, layers=layers, ridge=0.7, exploration=1.0)
    seen, x = (draw.random((count, 7)).astype(np.float32) for count in (20, 6))
    x[0, 3:] = 0
    agent.observe(Rows.of(seen))
    u = 0.7 + (gradients(agent.network, seen) ** 2).sum(axis=0)
    mean, sigma = agent.predict(Rows.of(x))
    np.testing.assert_allclose(sigma, np.sqrt(0.7 * (gradients(agent.network, x) ** 2 / u).sum(axis=1)), rtol=1e-4)
    with torch.no_grad():
        np.testing.assert_allclose(
            mean, in_torch(agent.network)(torch.from_numpy(x))[:, 0].numpy(), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("layers", [1, 2])
def test_training_takes_the_steps_that_torch_takes(layers: int) -> None:
    """Weight decay, the plateau and which weights are kept included."""
    draw = np.random.default_rng(4)
    x, y = (draw.random((40, 9)) * (draw.random((40, 9)) < 0.5)).astype(np.float32), draw.random(40).astype(np.float32)
    network = RewardNetwork.start(9, 6, layers, np.random.default_rng(1))
    same = in_torch(network)
    optimizer = torch.optim.Adam(same.parameters(), lr=0.01, weight_decay=0.05)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
    order, table, wanted, least = np.random.default_rng(2), torch.from_numpy(x), np.zeros(40), np.inf
    for _ in range(30):
        for rows in torch.from_numpy(order.permutation(40)).split(16):  # type: ignore[no-untyped-call]
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(same(table[rows])[:, 0], torch.from_numpy(y)[rows])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        with torch.no_grad():
            found = same(table)[:, 0].numpy()
        error = float(((found - y) ** 2).mean())
        plateau.step(error)
        if error < least:
            least, wanted = error, found
    assert optimizer.param_groups[0]["lr"] < 0.01
    how = Training(epochs=30, batch=16, patience=3)
    assert network.train(Rows.of(x), y, how, np.random.default_rng(2), 0.05) == pytest.approx(least, abs=1e-4)
    np.testing.assert_allclose(network.predict(Rows.of(x)), wanted, atol=1e-3)


def test_samples_spread_by_the_exploration() -> None:
    agent = NeuralTS(4, seed=1, width=6, layers=1, ridge=1.0, exploration=2.0)
    mean, sigma = agent.predict(Rows.of(np.ones((1, 4))))
    samples = agent.sample(Rows.of(np.ones((20_000, 4))))
    assert samples.mean() == pytest.approx(float(mean[0]), abs=0.05 * float(sigma[0]))
    assert samples.std() == pytest.approx(2 * float(sigma[0]), rel=0.03)


def test_training_fits_and_u_lasts() -> None:
    draw = np.random.default_rng(2)
    x = (draw.random((300, 12)) < 0.4).astype(np.float32)
    y = 1 + x[:, 0] * x[:, 1] + 0.5 * x[:, 2]
    agent = NeuralTS(12, seed=0, width=32, layers=1, ridge=1.0, exploration=1.0)
    rows = Rows.of(x)
    agent.observe(rows)
    before = agent.seen.copy()
    assert agent.fit(rows, y, Training(epochs=60)) < 0.02
    np.testing.assert_array_equal(agent.seen, before)
    assert np.abs(agent.predict(rows)[0] - y).mean() < 0.15


@pytest.mark.parametrize(
    ("name", "low", "high", "at"),
    [("sphere", -5.0, 5.0, 0.0), ("rosenbrock", -2.0, 2.0, 1.0), ("rastrigin", -5.12, 5.12, 0.0)],
)
def test_evolution_finds_the_minima_of_test_functions(name: str, low: float, high: float, at: float) -> None:
    def value(x: np.ndarray) -> Any:
        if name == "sphere":
            return (x**2).sum(axis=1)
        if name == "rosenbrock":
            return (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(axis=1)
        return (x**2 - 10 * np.cos(2 * np.pi * x) + 10).sum(axis=1)

    best = np.inf
    for seed in range(5):  # as SciPy's, it may end in a local minimum of rastrigin; of five runs the best
        draw = np.random.default_rng(seed)
        start = draw.uniform(low, high, (45, 3))
        member, found = differential_evolution(lambda x: -value(x), start, 400, draw, 0.7, 0.7, low, high)
        assert found == pytest.approx(-value(member[None])[0])
        if -found < best:
            best, where = -found, member
    assert best < 1e-8
    np.testing.assert_allclose(where, at, atol=1e-3)


def test_evolution_of_zeros_and_ones_stays_there() -> None:
    draw = np.random.default_rng(0)
    start = (draw.random((32, 40)) < 0.2).astype(float)
    member, value = differential_evolution(lambda x: x.sum(axis=1), start, 16, draw)
    assert set(np.unique(member)) <= {0.0, 1.0}
    assert value > start.sum(axis=1).max()


def test_nearest_is_that_of_a_full_scan() -> None:
    draw = np.random.default_rng(1)
    table = draw.random((500, 40)) < 0.15
    nearest = Nearest(Combinations.from_dense(table))
    for _ in range(50):
        vector = (draw.random(40) < 0.2) * draw.choice([1.0, 0.5], 40)
        distance = np.abs(table - vector).sum(axis=1)
        assert distance[nearest.of(vector)] == pytest.approx(distance.min())


def test_a_run_flags_and_its_export_says_the_same(tmp_path: Path) -> None:
    pool = simulate(25, "protective", combinations=3000, drugs=60)
    settings = Settings(width=32, warmup=300, population=8, steps=4, sigmas=0.3, training=Training(epochs=30))
    queries = Queries(pool, seed=0)
    mined = optim_neural_ts(queries, 340, 0, settings=settings)
    assert len(queries.rows) == 340
    again = optim_neural_ts(Queries(pool, seed=0), 340, 0, settings=settings)
    np.testing.assert_array_equal(mined.flagged, again.flagged)
    assert mined.flagged.any()
    mined.ensemble.write(tmp_path / "ensemble.npz")
    held = read_ensemble(tmp_path / "ensemble.npz")
    flagged = held.predict(pool.combinations)["flagged"]
    np.testing.assert_array_equal(flagged, mined.flagged)
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    with pytest.raises(ClaimsError, match=r"bad\.npz: not an exported ensemble"):
        read_ensemble(tmp_path / "bad.npz")


def test_evolution_finds_what_the_original_finds() -> None:
    """The same network and U: the sampled reward of the best member, and how many drugs it has."""
    pool = simulate(25, "protective", combinations=2000, drugs=60)
    table, draw = pool.combinations.dense(), np.random.default_rng(0)
    agent = NeuralTS(60, seed=3, width=16, layers=1, ridge=1.0, exploration=1.0)
    seen = Rows.of(table[:300])
    agent.fit(seen, pool.relative_risk[:300], Training(epochs=40), 1 / 300)
    agent.observe(seen)
    original = Original(table, pool.relative_risk, seed=5)
    original.network = in_torch(agent.network)
    original.u = torch.ones(len(agent.seen))
    original.u += (original.gradients(original.table[:300])[1] ** 2).sum(dim=0)

    def ours() -> tuple[float, float]:
        best, value = differential_evolution(
            lambda x: agent.sample(Rows.of(x)), table[draw.integers(0, 2000, 32)], 16, draw
        )
        return value, best.sum()

    def theirs() -> tuple[float, float]:
        best, value = original.evolve()[:2]
        return value, float(best.sum())

    mine, others = np.array([ours() for _ in range(200)]), np.array([theirs() for _ in range(12)])
    error = np.sqrt(mine.var(axis=0) / len(mine) + others.var(axis=0, ddof=1) / len(others))
    assert (np.abs(mine.mean(axis=0) - others.mean(axis=0)) < 3 * error).all()


def test_plays_hit_as_often_as_the_original_s() -> None:
    pool = simulate(25, "protective", combinations=2000, drugs=60)
    table, truth, hits = pool.combinations.dense(), pool.relative_risk > 1.1, np.empty((2, 4))
    how = Settings(width=16, warmup=200, population=8, steps=4, training=Training(epochs=30, patience=100))
    for seed in range(4):
        queries = Queries(pool, seed)
        optim_neural_ts(queries, 250, seed, settings=how)
        original = Original(table, pool.relative_risk, seed, width=16, epochs=30, population=8, steps=4)
        hits[:, seed] = truth[queries.rows[200:]].mean(), truth[original.play(200, 50, noise=0.0)].mean()
    ours, theirs = hits.mean(axis=1)
    share = hits.mean()
    assert abs(ours - theirs) < 3 * np.sqrt(2 * share * (1 - share) / 200)
    assert min(ours, theirs) > truth.mean()
