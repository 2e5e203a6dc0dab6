"""The networks: a set encoder whose shape is the problem's, and a plain perceptron over sixteen numbers."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from polypharmacy.agents.features import PAIR_FEATURES, SLOT_FEATURES, WHOLE_FEATURES
from polypharmacy.env.layout import INTERVENTIONS
from polypharmacy.training.config import HIDDEN_DIM

CLOSED = -1e9
"""The logit of an action that is not open."""
FIRST_GUESS = 16.0
"""How much a set policy prefers, before it has learned, what promises a drop in risk, or a severe answer."""
SIXTEEN, WIDE = 16, 128
"""Numbers that the classical baseline sees, and the width of its layers."""


class Policy(nn.Module):
    """An actor and critic. `forward` takes the arrays of `features.Observation` as tensors; it gives logits [E, A] of
    `features.actions_of(S)`, CLOSED where the mask is, and the value [E].
    """

    def forward(self, slot: Tensor, drug: Tensor, pair: Tensor, whole: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError

    def at_rest(self) -> AbstractContextManager[None]:
        """While open no weight changes, so what does not depend on the observation is worked out once."""
        return nullcontext()


class SetPolicy(Policy):
    """Medicines as a set with pairs between them; any number of slots. Moving medicines to other slots moves the
    logits with them and leaves the value alone, because every slot and every pair goes through the same weights.

    `drugs` float32 [D + 1, K] is `features.drug_table`; `width` the entries of `whole`.
    """

    def __init__(self, drugs: np.ndarray, width: int, hidden: int = HIDDEN_DIM) -> None:
        super().__init__()
        thin = hidden // 4
        self.drugs: Tensor
        self.known: Tensor | None
        self.register_buffer("drugs", torch.from_numpy(drugs), persistent=False)
        self.register_buffer("known", None, persistent=False)
        self.pharmacology = nn.Linear(drugs.shape[1], thin)
        self.patient = nn.Linear(width, hidden)
        self.slot_in, self.drug_in = nn.Linear(len(SLOT_FEATURES), hidden), nn.Linear(2 * thin, hidden, bias=False)
        self.trunk = nn.Linear(2 * hidden, hidden)
        self.act_in, self.act_trunk = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden, bias=False)
        self.act, self.act_skip = nn.Linear(hidden, INTERVENTIONS), nn.Linear(len(SLOT_FEATURES), INTERVENTIONS)
        self.ask_in = nn.Linear(len(PAIR_FEATURES), thin)
        self.ask_ends, self.ask_trunk = nn.Linear(hidden, thin, bias=False), nn.Linear(hidden, thin, bias=False)
        self.ask, self.ask_skip = nn.Linear(thin, 1), nn.Linear(len(PAIR_FEATURES), 1)
        self.finish, self.value_in, self.value = nn.Linear(hidden, 1), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)
        for head in (self.act, self.act_skip, self.ask, self.ask_skip, self.finish):
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)
        with torch.no_grad():
            for kind, name in enumerate(("stopping", "reducing", "switching", "monitoring")):
                self.act_skip.weight[kind, SLOT_FEATURES.index(f"off_by_{name}")] = FIRST_GUESS
            self.ask_skip.weight[0, PAIR_FEATURES.index("severe")] = FIRST_GUESS
            self.ask_skip.weight[0, PAIR_FEATURES.index("value")] = FIRST_GUESS

    def forward(self, slot: Tensor, drug: Tensor, pair: Tensor, whole: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        known = functional.embedding(drug, self._known() if self.known is None else self.known).flatten(2)
        patient = torch.relu(self.patient(whole))
        h = functional.relu(self.slot_in(slot) + self.drug_in(known), inplace=True)
        there = (slot[:, :, :1] + slot[:, :, 1:2]).clamp(max=1)  # held or stopped
        mean = (h * there).sum(1) / there.sum(1).clamp(min=1)
        trunk = torch.relu(self.trunk(torch.cat([mean, patient], 1)))

        acts = functional.relu(self.act_in(h) + self.act_trunk(trunk)[:, None], inplace=True)
        acts = self.act(acts) + self.act_skip(slot)
        ends = self.ask_ends(h) + self.ask_trunk(trunk)[:, None] / 2
        # A product instead of two look-ups: their gradients would be scattered, which costs more than the sums.
        of_pairs = _incidence(slot.shape[1], slot).expand(slot.shape[0], -1, -1)
        asks = functional.relu(torch.baddbmm(self.ask_in(pair), of_pairs, ends), inplace=True)
        asks = self.ask(asks) + self.ask_skip(pair)
        logits = torch.cat([asks.flatten(1), acts.flatten(1), self.finish(trunk)], 1)
        value = self.value(torch.relu(self.value_in(trunk)))[:, 0]
        return torch.where(mask, logits, CLOSED), value

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        self.known = self._known()
        try:
            yield
        finally:
            self.known = None

    def _known(self) -> Tensor:
        """What is made of each drug, [D + 1, hidden / 4]."""
        return torch.relu(self.pharmacology(self.drugs))


class ClassicalPolicy(Policy):
    """A perceptron, 128-128, over sixteen numbers of the whole episode. It never sees which medicines it looks at, so
    it can learn an order of slots and no pharmacology: the baseline that the other is compared with. One task.
    """

    COUNTS = (
        "queries_left", "interventions_left", "steps_left", "drugs", "targeted", "untargeted", "severe_found", "asked",
        "replaced", "critical_stops", "age",
    )  # fmt: skip
    SHARES = ("held", "critical", "alternative", "evidence", "beers_flag")

    def __init__(self, slots: int) -> None:
        super().__init__()
        self.counts = [WHOLE_FEATURES.index(name) for name in self.COUNTS]
        self.shares = [SLOT_FEATURES.index(name) for name in self.SHARES]
        actions = slots * (slots - 1) // 2 + slots * INTERVENTIONS + 1
        self.body = nn.Sequential(nn.Linear(SIXTEEN, WIDE), nn.ReLU(), nn.Linear(WIDE, WIDE), nn.ReLU())
        self.act, self.value = nn.Linear(WIDE, actions), nn.Linear(WIDE, 1)

    def forward(self, slot: Tensor, drug: Tensor, pair: Tensor, whole: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        seen = torch.cat([whole[:, self.counts], slot[:, :, self.shares].mean(1)], 1)
        hidden = self.body(seen)
        logits = self.act(hidden)
        return torch.where(mask, logits, CLOSED), self.value(hidden)[:, 0]


def _incidence(slots: int, like: Tensor) -> Tensor:
    """1 where a slot is an end of a pair, [pairs, slots]."""
    place = torch.arange(slots, device=like.device)
    ends = torch.triu_indices(slots, slots, 1, device=like.device)
    return (ends[:, :, None] == place).any(0).to(like.dtype)
