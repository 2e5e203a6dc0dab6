"""An explicit criterion of a published set (AGS Beers, STOPP, START) over one medicine."""

from typing import Literal, Self

from pydantic import Field, model_validator

from polypharmacy.knowledge.interaction import Harm
from polypharmacy.knowledge.model import Row
from polypharmacy.knowledge.predicate import Predicate
from polypharmacy.knowledge.selector import Selector
from polypharmacy.knowledge.vocabulary import Action, Evidence, Kind, ReviewStatus, Severity

CriterionSet = Literal["beers_2023", "stopp_v3", "start_v3"]
KIND: dict[CriterionSet, Kind] = {
    "beers_2023": Kind.BEERS,
    "stopp_v3": Kind.STOPP,
    "start_v3": Kind.START,
}


class Criterion(Row):
    """Fires for each medicine in `drugs` when `when` holds and `unless` does not.

    A START criterion instead names in `missing` what should be there and in `start` what to begin.
    `high_harm` marks a row that may interrupt once its condition, dose or duration is known and met.
    `needs` says what a criterion that no record can answer would need; it is never evaluated.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    set: CriterionSet
    section: str = Field(min_length=1)
    drugs: Selector | None = None
    missing: Selector | None = None
    start: str | None = None
    when: Predicate | None = None
    unless: Predicate | None = None
    needs: tuple[str, ...] = ()
    severity: Severity
    high_harm: bool = False
    harm: Harm
    message: str = Field(min_length=1)
    mechanism: str = Field(min_length=1)
    management: str = Field(min_length=1)
    dose_matters: bool = False
    actions: tuple[Action, ...] = Field(min_length=1)
    evidence: Evidence
    strength: Literal["strong", "weak", ""] = ""
    sources: tuple[str, ...] = Field(min_length=1)
    review_status: ReviewStatus = "unreviewed"

    @property
    def kind(self) -> Kind:
        return KIND[self.set]

    @model_validator(mode="after")
    def _shape(self) -> Self:
        if self.needs:
            return self
        if self.set == "start_v3":
            if self.missing is None or self.start is None or self.when is None:
                raise ValueError("a START criterion needs missing, start and when")
        elif self.drugs is None:
            raise ValueError("a criterion needs drugs")
        if Action.REDUCE in self.actions and not self.dose_matters:
            raise ValueError("action reduce needs dose_matters")
        return self
