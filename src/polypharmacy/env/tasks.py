"""The three tasks: budgets, and which elders they are played on."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from polypharmacy.env.layout import BUDGETED_SCREENING, COMPLEX_TRADEOFF, EASY_SCREENING

TaskName = Literal["easy_screening", "budgeted_screening", "complex_tradeoff"]


@dataclass(frozen=True, slots=True)
class Task:
    """Budgets and the condition that its cases meet."""

    name: TaskName
    number: int
    fewest_drugs: int
    most_drugs: int
    queries: int
    interventions: int
    steps: int

    def rules(self, scale: int) -> np.ndarray:
        """int32 [5], the entries of layout.TASK, MAX_QUERIES, MAX_INTERVENTIONS, MAX_STEPS, SCALE."""
        return np.array([self.number, self.queries, self.interventions, self.steps, scale], dtype=np.int32)

    def admits(self, severe_pairs: int, beers: bool, critical: bool) -> bool:
        """Whether a case with a right number of drugs is one of this task's."""
        if self.number == EASY_SCREENING:
            return severe_pairs == 1
        return severe_pairs >= 2 and (beers if self.number == BUDGETED_SCREENING else critical)


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task("easy_screening", EASY_SCREENING, 3, 5, queries=4, interventions=2, steps=10),
        Task("budgeted_screening", BUDGETED_SCREENING, 6, 10, queries=8, interventions=3, steps=20),
        Task("complex_tradeoff", COMPLEX_TRADEOFF, 10, 15, queries=12, interventions=5, steps=30),
    )
}
