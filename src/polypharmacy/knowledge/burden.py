"""A load that many drugs add up to."""

from typing import Literal, Self

from pydantic import Field, model_validator

from polypharmacy.knowledge.interaction import Harm
from polypharmacy.knowledge.model import Row
from polypharmacy.knowledge.selector import Selector
from polypharmacy.knowledge.vocabulary import Evidence, ReviewStatus, Severity


class BurdenRule(Row):
    """Fires when `count` matches at least `at_least` ingredients, or the `total` property sums to it.

    Each unit at or over the threshold is charged once.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    count: Selector | None = None
    total: Literal["acb"] | None = None
    at_least: int = Field(ge=2)
    severity: Severity
    harm: Harm
    message: str = Field(min_length=1)
    mechanism: str = Field(min_length=1)
    management: str = Field(min_length=1)
    evidence: Evidence
    sources: tuple[str, ...] = Field(min_length=1)
    review_status: ReviewStatus = "unreviewed"

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.count is None) == (self.total is None):
            raise ValueError("a burden counts a selector or sums a property")
        return self
