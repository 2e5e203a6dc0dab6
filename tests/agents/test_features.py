"""What a network is shown: the same by either way, nothing hidden, and no order among the medicines."""

import dataclasses

import numpy as np
import pytest

from polypharmacy.agents.belief import Belief
from polypharmacy.agents.features import Features, Observation
from polypharmacy.agents.prior import CHANCES, WHOLE, count, prior_of
from polypharmacy.env.bank import Bank, load_bank
from polypharmacy.env.layout import (
    CANDIDATES,
    CODE,
    FINISH,
    FIRST_INTERVENTION,
    INTERVENTIONS,
    POINTS,
    RESOLVED,
    SEVERE_PAIR,
    SEVERE_PAIRS,
    SLOTS,
    START_POINTS,
    pair_number,
)
from polypharmacy.env.tasks import TASKS
from polypharmacy.env.vector import VectorEnv
from polypharmacy.env.view import View, view
from polypharmacy.knowledge import Knowledge

CASES = 48


HIDDEN = ("answer", "alone", "link", "need", "need_start", "term")
"""Tables that an observation may not read."""


@pytest.fixture(scope="module", params=list(TASKS))
def bank(request: pytest.FixtureRequest) -> Bank:
    return load_bank(request.param, "test", CASES)


@pytest.fixture(scope="module")
def features(bank: Bank, shipped: Knowledge) -> Features:
    """Counted from the cases it is then asked about: what the prior is worth is not the question here."""
    counts = count([bank], len(shipped.ingredients))
    return Features(prior_of(counts, shipped, bank.tables.left, bank.tables.word), counts.usual)


def wandered(bank: Bank, seed: int = 0) -> VectorEnv:
    """Environments some random open actions into their episodes."""
    env = VectorEnv(bank, CASES)
    draw = np.random.default_rng(seed)
    for _ in range(5):
        chance = draw.random(env.buffers.mask.shape) * env.buffers.mask
        chance[:, FINISH] *= 0.1
        env.step(chance.argmax(axis=1).astype(np.int32))
    return env


def test_one_view_shows_what_the_arrays_show(bank: Bank, features: Features) -> None:
    env = wandered(bank)
    slots = bank.task.most_drugs
    together = features.observe(features.front(bank), env.buffers, bank.task, slots)
    for e in range(CASES):
        for whole, single in zip(together, features.of_view(view(env, e), slots), strict=True):
            np.testing.assert_array_equal(whole[e], single[0])
    assert all(np.isfinite(a).all() for a in together if a.dtype == np.float32)
    assert np.abs(together.slot).max() <= 4
    assert np.abs(together.pair).max() <= 5


def test_what_is_hidden_changes_nothing(bank: Bank, features: Features) -> None:
    env = wandered(bank)
    slots = bank.task.most_drugs
    before = features.observe(features.front(bank), env.buffers, bank.task, slots)
    draw = np.random.default_rng(1)
    facts = bank.tables.facts.copy()
    facts[:, [START_POINTS, SEVERE_PAIRS, SEVERE_PAIR]] = draw.integers(0, 99, (CASES, 3))
    hidden = {name: draw.permutation(getattr(bank.tables, name)) for name in HIDDEN}
    other = dataclasses.replace(bank, tables=bank.tables._replace(facts=facts, **hidden))
    env.buffers.state[:, [POINTS, RESOLVED]] = draw.integers(0, 99, (CASES, 2))
    after = features.observe(features.front(other), env.buffers, bank.task, slots)
    for one, two in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, two)


def moved(shown: View, order: np.ndarray) -> View:
    """The same chart with what was in slot order[k] now in slot k."""
    back = np.argsort(order)
    both = np.concatenate([order, SLOTS + order])
    known, mask = np.zeros_like(shown.known), shown.mask.copy()
    for i in range(SLOTS):
        for j in range(i + 1, SLOTS):
            to = pair_number(*sorted((int(back[i]), int(back[j]))))
            known[to], mask[to] = shown.known[pair_number(i, j)], shown.mask[pair_number(i, j)]
    acts = shown.mask[FIRST_INTERVENTION:FINISH].reshape(SLOTS, INTERVENTIONS)
    mask[FIRST_INTERVENTION:FINISH] = acts[order].reshape(-1)

    def bits(held: int, size: int = SLOTS) -> int:
        place = back if size == SLOTS else np.concatenate([back, SLOTS + back])
        return sum(1 << int(place[i]) for i in range(size) if held >> i & 1)

    needs = shown.needs.copy()
    needs[:, 0] = [bits(int(held)) for held in needs[:, 0]]
    return dataclasses.replace(
        shown, drug=shown.drug[both], daily_mg=shown.daily_mg[both], flag=shown.flag[both], weight=shown.weight[both],
        needs=needs, known=known, mask=mask, flagged=bits(shown.flagged, CANDIDATES), evidence=bits(shown.evidence),
        alternatives=bits(shown.alternatives), critical=bits(shown.critical), stopped=bits(shown.stopped),
        switched=bits(shown.switched), reduced=bits(shown.reduced), monitored=bits(shown.monitored),
    )  # fmt: skip


def permuted(o: Observation, order: np.ndarray) -> Observation:
    """An observation of S slots as it should be once what was in slot order[k] is in slot k."""
    pairs, places = pair_order(order)
    return Observation(o.slot[:, order], o.drug[:, order], o.pair[:, pairs], o.whole, o.mask[:, places])


def pair_order(order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each pair, and each compact action, of the moved slots stood before."""
    slots = len(order)
    number = {pair: k for k, pair in enumerate(zip(*np.triu_indices(slots, 1), strict=True))}
    pairs = np.array([number[tuple(sorted((order[i], order[j])))] for i, j in number])
    acts = len(pairs) + (order[:, None] * INTERVENTIONS + np.arange(INTERVENTIONS)).reshape(-1)
    return pairs, np.concatenate([pairs, acts, [len(pairs) + slots * INTERVENTIONS]])


def test_moving_medicines_moves_what_is_shown_of_them(bank: Bank, features: Features) -> None:
    env = wandered(bank)
    draw = np.random.default_rng(2)
    for e in range(CASES):
        shown = view(env, e)
        order = np.arange(SLOTS)
        order[: shown.drugs] = draw.permutation(shown.drugs)
        expected = permuted(features.of_view(shown, SLOTS), order)
        for one, two in zip(expected, features.of_view(moved(shown, order), SLOTS), strict=True):
            np.testing.assert_allclose(one, two, atol=1e-5)


def test_the_prior_agrees_with_belief(bank: Bank, shipped: Knowledge) -> None:
    counts = count([bank], len(shipped.ingredients))
    prior = prior_of(counts, shipped, bank.tables.left, bank.tables.word)
    belief = Belief(bank, shipped)
    points = bank.tables.left[::4]
    words = bank.tables.word[::2]
    checked = 0
    for case in range(CASES):
        held = [int(d) for d in bank.seen.drug[case] if d >= 0]
        for a in held:
            for b in held:
                if a == b:
                    continue
                cells, chances = belief.cells(a, b)
                row = prior.rows[prior.pair[a, b]]
                assert row[WHOLE] == pytest.approx((points[cells & CODE] * chances).sum(), rel=1e-3, abs=1e-3)
                of_word = np.bincount(words[cells & CODE], chances, 4)
                np.testing.assert_allclose(row[CHANCES:], of_word, atol=1e-5)
                checked += 1
    assert checked > 100
