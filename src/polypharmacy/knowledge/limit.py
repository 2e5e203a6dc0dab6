"""A limit on a drug set by kidney or liver function, and an action set by a genotype's phenotype."""

from typing import Literal, Self

from pydantic import Field, model_validator

from polypharmacy.knowledge.interaction import Harm
from polypharmacy.knowledge.model import Row
from polypharmacy.knowledge.vocabulary import Evidence, ReviewStatus, Severity


class OrganLimit(Row):
    """One row of renal_hepatic.csv.

    Renal rows hold for `at_least` <= measure < `below` (mL/min for crcl, mL/min/1.73 m2 for egfr);
    hepatic rows for the Child-Pugh classes listed. With `max_daily_mg` a known daily dose within it
    is no finding.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    drug: str
    organ: Literal["renal", "hepatic"]
    measure: Literal["crcl", "egfr", "child_pugh"]
    at_least: float = Field(default=0, ge=0)
    below: float | None = Field(default=None, gt=0)
    child_pugh: tuple[Literal["A", "B", "C"], ...] = ()
    max_daily_mg: float | None = Field(default=None, gt=0)
    severity: Severity
    harm: Harm
    message: str = Field(min_length=1)
    management: str = Field(min_length=1)
    evidence: Evidence
    sources: tuple[str, ...] = Field(min_length=1)
    review_status: ReviewStatus = "unreviewed"
    read_against: tuple[str, ...] = ()
    """Sources whose text a second reader had open; none: read from knowledge of them only."""

    @model_validator(mode="after")
    def _measure(self) -> Self:
        if self.organ == "renal":
            if self.measure == "child_pugh" or self.below is None or self.below <= self.at_least:
                raise ValueError("a renal limit needs crcl or egfr and at_least < below")
        elif self.measure != "child_pugh" or not self.child_pugh:
            raise ValueError("a hepatic limit needs Child-Pugh classes")
        return self


class GeneLimit(Row):
    """One row of pharmacogenomics.csv: a CPIC phenotype and what it means for a drug."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    gene: str = Field(min_length=1)
    phenotypes: tuple[str, ...] = Field(min_length=1)
    drug: str
    severity: Severity
    harm: Harm
    message: str = Field(min_length=1)
    management: str = Field(min_length=1)
    evidence: Evidence
    sources: tuple[str, ...] = Field(min_length=1)
    review_status: ReviewStatus = "unreviewed"


class Phenoconversion(Row):
    """One row of phenoconversion.csv: an inhibitor makes a metaboliser behave as another phenotype."""

    gene: str = Field(min_length=1)
    inhibitor_strength: Literal["strong", "moderate"]
    from_phenotype: str
    to_phenotype: str
    sources: tuple[str, ...] = Field(min_length=1)

    @property
    def id(self) -> str:
        return f"{self.gene}-{self.inhibitor_strength}-{self.from_phenotype}"

    @property
    def inhibitors(self) -> str:
        """The selector token of the drugs that do it."""
        return f"pk:{self.gene.lower()}:inhibitor={self.inhibitor_strength}"
