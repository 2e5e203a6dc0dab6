"""A class of ingredients: what it treats and what its absence costs."""

from pydantic import Field

from polypharmacy.knowledge.model import Row
from polypharmacy.knowledge.vocabulary import NeedLevel


class DrugClass(Row):
    """One row of classes.csv.

    `treats` are condition ids the class is effective for; `need` is charged for a member whose
    indication is not known; `critical` members are not stopped without a replacement or a taper;
    two members of a `duplicate` class are a therapeutic duplication.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str = Field(min_length=1)
    parents: tuple[str, ...] = ()
    treats: tuple[str, ...] = ()
    need: NeedLevel = "low"
    critical: bool = False
    duplicate: bool = False
    sources: tuple[str, ...] = Field(min_length=1)
