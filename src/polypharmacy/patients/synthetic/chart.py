"""What a chart holds besides the medicines: conditions, organ function, labs, phenotypes, prescribers."""

import csv
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import yaml
from pydantic import Field

from polypharmacy.knowledge.model import Row
from polypharmacy.knowledge.predicate import LabName

FOLDER = Path(__file__).parent / "data"


class ChartCondition(Row):
    """A condition in the chart of a `share` of people (0 to 1), times `with` where one of those is treated."""

    id: str
    share: float = Field(gt=0, lt=1)
    hidden: bool = False
    sex: Literal["female", "male"] | None = None
    raised_by: dict[str, float] = Field(alias="with", default_factory=dict)
    source: str


class KidneyFunction(Row):
    """eGFR in mL/min/1.73 m2: `mean_at_65` falling `per_year`, moved by a recorded chronic kidney disease."""

    mean_at_65: float
    per_year: float
    sd: float
    chronic_kidney_disease: float
    low: float
    high: float
    source: str


class LabDistribution(Row):
    """Normal between `low` and `high`, measured in a `share` of people, moved by medicines and conditions."""

    mean: float
    sd: float
    low: float
    high: float
    share: float = Field(ge=0, le=1)
    drugs: dict[str, float]
    conditions: dict[str, float] = Field(default_factory=dict)


class Normal(Row):
    mean: float
    sd: float


class Weight(Row):
    """kg."""

    female: Normal
    male: Normal
    low: float
    high: float
    source: str


class Chart(Row):
    """chart.yaml."""

    conditions: tuple[ChartCondition, ...]
    egfr: KidneyFunction
    labs: dict[LabName, LabDistribution]
    weight: Weight
    child_pugh: dict[Literal["A", "B", "C"], float]
    phenotypes: dict[str, dict[str, float]]
    phenotype_known: float = Field(ge=0, le=1)
    prescribers: dict[str, tuple[str, ...]]
    dose_shares: tuple[float, float, float]
    duplicates_kept: float = Field(ge=0, le=1)
    interactions_kept: float = Field(ge=0, le=1)

    @property
    def hidden_conditions(self) -> frozenset[str]:
        return frozenset(c.id for c in self.conditions if c.hidden)


class Doses(NamedTuple):
    """A low, a usual and a high maintenance dose of an older adult, mg a day, in `per_day` takings."""

    low: float
    usual: float
    high: float
    per_day: float


@lru_cache(maxsize=1)
def load_chart() -> Chart:
    return Chart.model_validate(yaml.safe_load((FOLDER / "chart.yaml").read_text(encoding="utf-8")))


@lru_cache(maxsize=1)
def load_doses() -> dict[str, Doses]:
    """doses.csv by ingredient."""
    with (FOLDER / "doses.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["drug"]: Doses(float(row["low"]), float(row["usual"]), float(row["high"]), float(row["per_day"]))
            for row in csv.DictReader(file)
        }
