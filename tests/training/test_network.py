"""The set network: equivariant by construction, blind to slots that are not there."""

import numpy as np
import pytest
import torch

from polypharmacy.agents.features import Observation, blank
from polypharmacy.training.network import CLOSED, ClassicalPolicy, SetPolicy
from polypharmacy.training.ppo import tensors
from tests.agents.test_features import pair_order, permuted

DRUGS, WIDTH = 40, 50


def network(seed: int = 0) -> SetPolicy:
    torch.manual_seed(seed)
    policy = SetPolicy(np.random.default_rng(seed).random((DRUGS + 1, 20), dtype=np.float32), WIDTH, 24)
    for weights in policy.parameters():  # heads begin near nought; what is tested should not be
        torch.nn.init.normal_(weights, std=0.3)
    return policy


def drawn(count: int, slots: int, drugs: int, seed: int) -> Observation:
    """Any numbers in the first `drugs` slots and the pairs between them, nothing in the rest."""
    draw = np.random.default_rng(seed)
    out = blank(count, slots, WIDTH)
    there = np.arange(slots) < drugs
    first, second = np.triu_indices(slots, 1)
    out.slot[:] = draw.normal(size=out.slot.shape) * there[:, None]
    out.slot[:, :, 0], out.slot[:, :, 1] = there, 0
    out.drug[:] = np.where(there[:, None], draw.integers(0, DRUGS, out.drug.shape), DRUGS)
    out.pair[:] = draw.normal(size=out.pair.shape) * (there[first] & there[second])[:, None]
    out.whole[:] = draw.normal(size=out.whole.shape)
    out.mask[:] = draw.random(out.mask.shape) < 0.8
    return out


@pytest.mark.parametrize("slots", [5, 10, 15])
def test_moving_slots_moves_logits_and_leaves_the_value(slots: int) -> None:
    policy = network()
    observation = drawn(32, slots, slots, slots)
    with torch.no_grad():
        logits, value = policy(*tensors(observation, "cpu"))
        for seed in range(5):
            order = np.random.default_rng(seed).permutation(slots)
            moved, same = policy(*tensors(permuted(observation, order), "cpu"))
            torch.testing.assert_close(moved, logits[:, pair_order(order)[1]], atol=1e-4, rtol=1e-4)
            torch.testing.assert_close(same, value, atol=1e-4, rtol=1e-4)
    assert logits[observation.mask].std() > 0.1


def test_at_rest_it_says_the_same_and_then_learns_on() -> None:
    policy, batch = network(), tensors(drawn(8, 10, 8, 0), "cpu")
    with torch.no_grad():
        before, _ = policy(*batch)
        with policy.at_rest():
            resting, _ = policy(*batch)
        torch.testing.assert_close(resting, before, rtol=0, atol=0)
        policy.pharmacology.weight.add_(0.5)
        after, _ = policy(*batch)
    assert (after - before).abs().max() > 1e-3


def test_empty_slots_change_nothing() -> None:
    policy = network()
    few, many = drawn(32, 5, 4, 1), blank(32, 15, WIDTH)
    where = [k for k, (_, j) in enumerate(zip(*np.triu_indices(15, 1), strict=True)) if j < 5]
    many.slot[:, :5], many.drug[:], many.drug[:, :5] = few.slot, DRUGS, few.drug
    many.pair[:, where], many.whole[:] = few.pair, few.whole
    places = [*where, *range(105, 105 + 20), 165]
    many.mask[:, places] = few.mask
    with torch.no_grad():
        logits, value = policy(*tensors(few, "cpu"))
        wide, same = policy(*tensors(many, "cpu"))
    torch.testing.assert_close(wide[:, places], logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(same, value, atol=1e-4, rtol=1e-4)


def test_what_is_not_open_is_closed() -> None:
    observation = drawn(8, 10, 7, 3)
    for policy in (network(), ClassicalPolicy(10)):
        with torch.no_grad():
            logits, _ = policy(*tensors(observation, "cpu"))
        assert ((logits == CLOSED).numpy() == ~observation.mask).all()


def test_the_classical_network_sees_no_medicine() -> None:
    policy = ClassicalPolicy(10)
    observation = drawn(8, 10, 7, 3)
    with torch.no_grad():
        before, _ = policy(*tensors(observation, "cpu"))
        observation.drug[:] = 1
        observation.pair[:] = 5
        after, _ = policy(*tensors(observation, "cpu"))
    torch.testing.assert_close(before, after)
