"""Policies that know the chart: what nobody who has to ask can reach."""

from polypharmacy.env.bank import Bank
from polypharmacy.env.oracle import best_plan, best_plan_unasked
from polypharmacy.env.view import View


class Oracle:
    """Plays the best plan there is, queries included."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank

    def begin(self, view: View, episode: int) -> None:
        self._left = list(best_plan(self.bank.tables, episode % self.bank.size).actions)

    def act(self, view: View) -> int:
        return self._left.pop(0)


class FullKnowledge:
    """Knows the chart and asks nothing."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank

    def begin(self, view: View, episode: int) -> None:
        self._left = list(best_plan_unasked(self.bank.tables, episode % self.bank.size).actions)

    def act(self, view: View) -> int:
        return self._left.pop(0)
