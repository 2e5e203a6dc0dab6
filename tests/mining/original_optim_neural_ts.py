"""OptimNeuralTS as its authors ran it, written with torch: what ours is compared with.

Larouche, Durand, Khoury and Sirois, "Neural Bandits for Data Mining: Searching for Dangerous Polypharmacy" (2023);
where the paper leaves a step open it is that of the authors' published program and its last run script. Nothing here
is shared with the package: dense vectors, torch's gradients, Adam and plateau, a full scan for the nearest combination.
"""

from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch.nn.functional import mse_loss

BATCH, RATE, PATIENCE, TRAIN_EVERY = 64, 0.01, 100, 10
WEIGHT, CROSSOVER, RIDGE, EXPLORATION = 1.0, 0.9, 1.0, 1.0


class Original:
    """combinations: [rows, drugs] of 0 and 1; risks: [rows]. `play` makes the warm-up and the plays after it."""

    def __init__(
        self,
        combinations: np.ndarray,
        risks: np.ndarray,
        seed: int,
        width: int = 128,
        epochs: int = 100,
        population: int = 32,
        steps: int = 16,
    ) -> None:
        self.epochs, self.population, self.steps = epochs, population, steps
        self.draw = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.table, self.risks = torch.tensor(combinations, dtype=torch.float32), torch.tensor(risks).float()
        drugs = self.table.shape[1]
        self.network = torch.nn.Sequential(torch.nn.Linear(drugs, width), torch.nn.ReLU(), torch.nn.Linear(width, 1))
        self.u = RIDGE * torch.ones(sum(p.numel() for p in self.network.parameters()))

    def play(self, warmup: int, plays: int, noise: float = 0.1) -> np.ndarray:
        """Row numbers played after the warm-up, [plays]. noise: spread of what is added to a play's reward; none is to
        the warm-up's.
        """
        rows = torch.randint(len(self.table), (warmup,), generator=self.draw)
        vectors, rewards = list(self.table[rows]), list(self.risks[rows])
        for part in self.table[rows].split(50):  # type: ignore[no-untyped-call]
            self.u += (self.gradients(part)[1] ** 2).sum(dim=0)
        self.train(torch.stack(vectors), torch.stack(rewards))
        played: list[int] = []
        while len(played) < plays:
            best, _, gradient = self.evolve()
            self.u += gradient**2
            row = int(torch.cdist(best[None], self.table, p=1).argmin())
            played.append(row)
            vectors.append(self.table[row])
            rewards.append(self.risks[row] + noise * torch.randn((), generator=self.draw))
            if len(played) % TRAIN_EVERY == 0:
                self.train(torch.stack(vectors), torch.stack(rewards))
        return np.array(played)

    def gradients(self, vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The rewards predicted, [vectors], and their gradients by every parameter, [vectors, parameters]."""

        def reward(parameters: dict[str, torch.Tensor], vector: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = torch.func.functional_call(self.network, parameters, (vector,)).sum()
            return found

        parameters = {name: p.detach() for name, p in self.network.named_parameters()}
        by, rewards = torch.func.vmap(torch.func.grad_and_value(reward), (None, 0))(parameters, vectors)
        return rewards, torch.cat([by[name].flatten(1) for name in parameters], dim=1)

    def sample(self, vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        means, gradients = self.gradients(vectors)
        sigma = EXPLORATION * (RIDGE * (gradients**2 / self.u).sum(dim=1)).sqrt()
        return means + sigma * torch.randn(len(means), generator=self.draw), gradients

    def evolve(self) -> tuple[torch.Tensor, float, torch.Tensor]:
        """best/1/bin; donors are drawn with replacement, a value stands as first sampled. The best member, its value
        and gradient.
        """
        members = self.table[torch.randint(len(self.table), (self.population,), generator=self.draw)]
        values, gradients = self.sample(members)
        for _ in range(self.steps):
            best, trials = members[values.argmax()], []
            for member in members:
                one, another = torch.randint(self.population, (2,), generator=self.draw).tolist()
                mutant = best + WEIGHT * (members[one] - members[another])
                crossed = torch.rand(len(member), generator=self.draw) <= CROSSOVER
                trials.append(torch.where(crossed, mutant, member).clip(0, 1))
            fresh, by = self.sample(torch.stack(trials))
            for number in torch.where(fresh >= values)[0].tolist():
                members[number], values[number], gradients[number] = trials[number], fresh[number], by[number]
        number = int(values.argmax())
        return members[number], float(values[number]), gradients[number]

    def train(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """Squared error and ridge / (2 rows) of the squared weights, by Adam, from the weights as they are; those of
        the epoch after which the error over all rows was least are kept.
        """
        parameters = self.network.parameters()
        optimizer = torch.optim.Adam(parameters, lr=RATE, weight_decay=RIDGE / len(y), fused=True)
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=PATIENCE // 2)
        least, waited = np.inf, 0
        kept: dict[str, Any] = {}
        for _ in range(self.epochs):
            for rows in torch.randperm(len(y), generator=self.draw).split(BATCH):  # type: ignore[no-untyped-call]
                optimizer.zero_grad()
                mse_loss(self.network(x[rows])[:, 0], y[rows]).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            with torch.no_grad():
                loss = float(mse_loss(self.network(x)[:, 0], y))
            waited = 0 if loss < least else waited + 1
            if loss < least:
                least, kept = loss, deepcopy(self.network.state_dict())
            plateau.step(loss)
            if waited >= PATIENCE:
                break
        self.network.load_state_dict(kept)
