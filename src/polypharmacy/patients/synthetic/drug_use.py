"""Which medicines older people take for what: survey counts that the generator draws from."""

from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import Field

from polypharmacy.knowledge.model import Row

PATH = Path(__file__).parent / "data" / "drug_use.yaml"
AGE_BANDS = ("65", "75")
"""First year of each band: 65 to 74, and 75 and over (the survey codes 80 and over as 80)."""
UNSTATED = "unstated"
"""The key of medicines that no reason is stated for and no condition explains."""


class Treatment(Row):
    """How one condition is treated.

    `treated` is the share of people treated for it by group (0 to 1), `number` how many of them took one, two, ...
    medicines for it, `drugs` how many took each (`ingredient` or `ingredient@route`), `others` how often a drug was
    taken that is not listed.
    """

    treated: dict[str, float]
    number: tuple[int, ...] = Field(min_length=1)
    drugs: dict[str, int] = Field(min_length=1)
    others: int = Field(ge=0)


class DrugUse(Row):
    """drug_use.yaml. `groups` are shares of people by sex and age band, `ages` counts by year within a band, `days`
    equally spaced quantiles of how long a medicine had been taken, `comorbidity` the standard deviation of what
    disposes a person to all conditions alike (probit scale).
    """

    source: str
    people: int
    groups: dict[str, float]
    ages: dict[str, dict[int, int]]
    days: tuple[float, ...]
    conditions: dict[str, Treatment]
    comorbidity: float = Field(ge=0)


def band(age: int | None) -> str:
    return AGE_BANDS[1] if age is not None and age >= int(AGE_BANDS[1]) else AGE_BANDS[0]


def group(sex: str | None, age: int | None) -> str:
    """The key of a person's sex and age band, as "female_65"."""
    return f"{sex}_{band(age)}"


@lru_cache(maxsize=1)
def load_drug_use() -> DrugUse:
    return DrugUse.model_validate(yaml.safe_load(PATH.read_text(encoding="utf-8")))
