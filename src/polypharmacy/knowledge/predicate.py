"""A question about a patient that a rule depends on, written as data.

Each predicate has exactly one key. It is answered true, false or *unknown, needs X*; the
answering lives in `review.facts`, because only there is a patient.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from polypharmacy.knowledge.model import Row
from polypharmacy.knowledge.selector import Selector
from polypharmacy.knowledge.vocabulary import Role

LabName = Literal[
    "potassium", "sodium", "qtc", "inr", "hba1c", "heart_rate", "systolic_bp", "weight", "height",
    "egfr", "creatinine",
]  # fmt: skip
"""Units: potassium and sodium mmol/L, qtc ms, inr a ratio, hba1c %, heart_rate /min, systolic_bp mmHg, weight kg,
height cm, egfr mL/min/1.73 m2, creatinine mg/dL."""


class Bound(Row):
    """An interval; every stated end must hold."""

    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if all(v is None for v in (self.above, self.at_least, self.below, self.at_most)):
            raise ValueError("a bound needs above, at_least, below or at_most")
        return self

    def holds(self, x: float) -> bool:
        return (
            (self.above is None or x > self.above)
            and (self.at_least is None or x >= self.at_least)
            and (self.below is None or x < self.below)
            and (self.at_most is None or x <= self.at_most)
        )


class LabBound(Bound):
    name: LabName


class OfBound(Bound):
    """A bound on one of the rule's own drugs: `dose` in mg a day, `duration` in days."""

    of: Role = "subject"


class Phenotype(Row):
    gene: str
    one_of: tuple[str, ...] = Field(alias="in", min_length=1)


class Indication(Row):
    of: Role = "subject"
    one_of: tuple[str, ...] = Field(alias="in", min_length=1)


class Predicate(Row):
    """One question. `condition` is any of these condition ids; `drug` another medicine than the rule's own."""

    all_of: tuple["Predicate", ...] | None = Field(alias="all", default=None)
    any_of: tuple["Predicate", ...] | None = Field(alias="any", default=None)
    negated: "Predicate | None" = Field(alias="not", default=None)
    age: Bound | None = None
    sex: Literal["female", "male"] | None = None
    condition: tuple[str, ...] | None = None
    egfr: Bound | None = None
    crcl: Bound | None = None
    liver: tuple[Literal["A", "B", "C"], ...] | None = None
    lab: LabBound | None = None
    drug: Selector | None = None
    dose: OfBound | None = None
    duration: OfBound | None = None
    phenotype: Phenotype | None = None
    indication: Indication | None = None

    def required_conditions(self) -> frozenset[str] | None:
        """Conditions of which at least one must be there for this to hold; None when it can hold without any."""
        if self.condition is not None:
            return frozenset(self.condition)
        if self.all_of is not None:
            return next((r for r in (part.required_conditions() for part in self.all_of) if r is not None), None)
        if self.any_of is not None:
            parts = [part.required_conditions() for part in self.any_of]
            return None if None in parts else frozenset(c for part in parts if part for c in part)
        return None

    def other_drugs(self) -> tuple[Selector, ...]:
        """What it asks for among the other medicines, leaving out what it asks not to be there."""
        parts = (*(self.all_of or ()), *(self.any_of or ()))
        own = () if self.drug is None else (self.drug,)
        return (*own, *(selector for part in parts for selector in part.other_drugs()))

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"a predicate has exactly one key, this has {sorted(self.model_fields_set)}")
        return self
