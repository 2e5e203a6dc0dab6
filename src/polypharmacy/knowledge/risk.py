"""The one table of regimen risk, in integer points."""

from typing import Self

from pydantic import Field, model_validator

from polypharmacy.knowledge.model import Row
from polypharmacy.knowledge.vocabulary import Action, Kind, NeedLevel, Severity

BySeverity = dict[Severity, int]


class Effect(Row):
    """What an intervention on one of a finding's drugs does to the finding.

    `leaves` is the percentage of its points left (0 to 100), `severity` what it becomes (unlisted:
    unchanged). With `needs_dose_matters` this holds only where the rule says the dose matters.
    """

    leaves: BySeverity
    severity: dict[Severity, Severity] = Field(default_factory=dict)
    needs_dose_matters: bool = False


class RiskTable(Row):
    """risk.yaml. Points are integers, never clipped; the displayed number is min(1, points / (scale x drugs))."""

    points: dict[Kind, BySeverity]
    effects: dict[Action, Effect]
    need: dict[NeedLevel, int]
    need_reduced_percent: int = Field(ge=0, le=100)
    scale: int = Field(gt=0)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for kind in Kind:
            row = self.points.get(kind, {})
            values = [row.get(s, -1) for s in Severity]
            if min(values) < 0 or values != sorted(values):
                raise ValueError(f"points of {kind.value} must cover every severity and not fall with it")
        for action in (Action.STOP, Action.SWITCH, Action.REDUCE, Action.MONITOR):
            effect = self.effects.get(action)
            if effect is None or any(not 0 <= effect.leaves.get(s, -1) <= 100 for s in Severity):
                raise ValueError(f"effects of {action.value} must leave 0 to 100 percent of every severity")
        if set(self.need) != {"low", "moderate", "high", "vital"} or min(self.need.values()) <= 0:
            raise ValueError("need must give low, moderate, high and vital more than 0 points")
        return self

    def displayed(self, points: int, drugs: int) -> float:
        """The number shown, 0 to 1, for `points` in a regimen that began with `drugs` medicines."""
        return 0.0 if drugs == 0 else min(1.0, points / (self.scale * drugs))
