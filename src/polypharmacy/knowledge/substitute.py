"""What to use instead, and how to come off."""

from pydantic import Field

from polypharmacy.knowledge.model import Row
from polypharmacy.knowledge.vocabulary import ReviewStatus, Route


class Substitute(Row):
    """One row of substitutes.csv: for `indication` (blank: any), instead of `instead_of` (a selector token)."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    instead_of: str
    indication: str = ""
    replacement: str
    not_with: tuple[str, ...] = ()
    """Conditions in which the replacement is no answer."""
    route: Route = Route.ORAL
    why: str = Field(min_length=1)
    sources: tuple[str, ...] = Field(min_length=1)
    review_status: ReviewStatus = "unreviewed"


class Deprescribing(Row):
    """One row of deprescribing.csv: how to stop what `drugs` (a selector token) selects."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    drugs: str
    taper: str = Field(min_length=1)
    monitoring: str = Field(min_length=1)
    restart: str = Field(min_length=1)
    sources: tuple[str, ...] = Field(min_length=1)
    review_status: ReviewStatus = "unreviewed"
