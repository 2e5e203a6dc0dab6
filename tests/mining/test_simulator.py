"""The simulated pools: the paper's rules, the same for a seed, and what a file may hold."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.errors import ClaimsError
from polypharmacy.mining.pool import read_pool
from polypharmacy.mining.simulator import simulate


def parts(seed: int, background: str, similarity: float = 0.0) -> tuple[np.ndarray, ...]:
    """Of each row: risk, shared with its nearest pattern, that pattern's risk, distance / total."""
    pool = simulate(seed, background, combinations=20_000, drugs=100, similarity=similarity)
    assert pool.patterns is not None
    assert pool.pattern_relative_risk is not None
    table, hidden = pool.combinations.dense(), pool.patterns.dense()
    distance = np.abs(table[:, None, :] - hidden).sum(axis=2)
    nearest = len(hidden) - 1 - distance[:, ::-1].argmin(axis=1)
    rows = np.arange(len(table))
    shared = (table @ hidden.T)[rows, nearest]
    total = table.sum(axis=1) + hidden.sum(axis=1)[nearest]
    return pool.relative_risk, shared, pool.pattern_relative_risk[nearest], distance[rows, nearest] / total, nearest


@pytest.mark.parametrize(("background", "mean", "sd"), [("neutral", 1.0, 0.05), ("protective", 0.15, 0.1)])
def test_rows_that_share_nothing_are_background(background: str, mean: float, sd: float) -> None:
    risk, shared, *_ = parts(3, background)
    away = risk[shared == 0]
    assert np.median(away) == pytest.approx(mean, abs=0.01)
    assert np.std(away) == pytest.approx(sd, rel=0.1)


def test_rows_that_share_a_drug_stand_about_their_pattern_s_risk() -> None:
    risk, shared, pattern, share, nearest = parts(4, "neutral")
    for one in np.unique(nearest[shared > 0]):
        rows = (shared > 0) & (nearest == one)
        assert np.ptp(pattern[rows]) == 0
        if rows.sum() > 50:
            assert np.std(risk[rows]) == pytest.approx(0.1, rel=0.3)
            assert np.median(risk[rows]) == pytest.approx(pattern[rows][0] - share[one], abs=0.04)
    risk, shared, pattern, share, _ = parts(4, "neutral", similarity=0.5)
    rows = (shared > 0) & (share > 0)
    assert np.mean((risk - pattern + 0.5 * share)[rows]) == pytest.approx(0, abs=0.02)


def test_sizes_and_patterns() -> None:
    pool = simulate(8)
    assert pool.combinations.sizes.mean() == pytest.approx(8.7, abs=0.1)
    assert pool.combinations.sizes.min() >= 1
    assert len(np.unique(pool.combinations.keys())) == len(pool) == 100_000
    assert pool.pattern_relative_risk is not None
    assert 2 <= pool.pattern_relative_risk.min() <= pool.pattern_relative_risk.max() <= 3


def test_the_same_seed_is_the_same_pool_and_survives_a_file(tmp_path: Path) -> None:
    one, other = (simulate(9, combinations=500, drugs=60) for _ in range(2))
    one.write(tmp_path / "pool.npz")
    read = read_pool(tmp_path / "pool.npz")
    for pool in (other, read):
        np.testing.assert_array_equal(pool.relative_risk, one.relative_risk)
        np.testing.assert_array_equal(pool.combinations.dense(), one.combinations.dense())
        assert pool.patterns is not None
        assert one.patterns is not None
        np.testing.assert_array_equal(pool.patterns.dense(), one.patterns.dense())
    assert [p.name for p in tmp_path.iterdir()] == ["pool.npz"]


@given(st.lists(st.sets(st.integers(0, 29), min_size=1, max_size=9), min_size=1, max_size=30), st.data())
@settings(max_examples=50, deadline=None)
def test_combinations_are_their_table(rows: list[set[int]], data: st.DataObject) -> None:
    held = Combinations.of([sorted(row) for row in rows], 30)
    table = held.dense()
    np.testing.assert_array_equal(Combinations.from_dense(table).members, held.members)
    some = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=20))
    np.testing.assert_array_equal(held.take(some).dense(), table[some])
    np.testing.assert_array_equal(held.join(held.take(some)).dense(), np.concatenate([table, table[some]]))
    keys = held.keys()
    same = np.array([[a == b for b in rows] for a in rows])
    np.testing.assert_array_equal(keys[:, None] == keys, same)


def broken() -> dict[str, dict[str, np.ndarray]]:
    pool = simulate(1, combinations=20, drugs=30)
    rows = pool.combinations
    good = {
        "offsets": rows.offsets,
        "members": rows.members,
        "names": np.array(pool.names),
        "relative_risk": pool.relative_risk,
    }
    return {
        "no array relative_risk": {k: v for k, v in good.items() if k != "relative_risk"},
        "relative_risk has shape": good | {"relative_risk": pool.relative_risk[1:]},
        "relative_risk of row 0 is not 0 or more": good | {"relative_risk": -pool.relative_risk - 1},
        "offsets do not fit members": good | {"offsets": rows.offsets[::-1].copy()},
        "a member is outside 0 to 29": good | {"members": rows.members + 30},
        "members of a row are not ascending": good | {"members": rows.members[::-1].copy()},
        "names are not 30 different names": good | {"names": np.array(["a"] * 30)},
        "neither an array combinations": {"relative_risk": pool.relative_risk},
        "not a table of zeros and ones": {"relative_risk": pool.relative_risk, "combinations": np.full((20, 3), 2)},
    }


@pytest.mark.parametrize("said", broken())
def test_files_that_make_no_sense(tmp_path: Path, said: str) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, allow_pickle=False, **broken()[said])
    with pytest.raises(ClaimsError) as caught:
        read_pool(path)
    assert said in str(caught.value)
    assert "bad.npz" in str(caught.value)


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_refused_or_read(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "pool.npz"
    path.write_bytes(content)
    with pytest.raises(ClaimsError):
        read_pool(path)
