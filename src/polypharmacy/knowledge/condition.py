"""A condition a patient may have, with the codes and words that mean it."""

from pydantic import Field

from polypharmacy.knowledge.model import Row
from polypharmacy.knowledge.vocabulary import NeedLevel


class Condition(Row):
    """One row of conditions.csv. `icd10` are code prefixes; `need` is what leaving it untreated costs."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str = Field(min_length=1)
    icd10: tuple[str, ...] = ()
    snomed: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    need: NeedLevel = "low"
    sources: tuple[str, ...] = Field(min_length=1)
