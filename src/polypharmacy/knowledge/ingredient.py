"""An active ingredient: its names, its classes and the properties that rules are written on."""

from typing import Literal

from pydantic import Field

from polypharmacy.knowledge.model import Row
from polypharmacy.knowledge.vocabulary import ReviewStatus, Route

Protein = Literal["cyp1a2", "cyp2b6", "cyp2c8", "cyp2c9", "cyp2c19", "cyp2d6", "cyp3a4", "pgp", "oatp1b1", "bcrp"]
PkAction = Literal["substrate", "inhibitor", "inducer"]
PkStrength = Literal["strong", "moderate", "weak", "sensitive", ""]

FLAGS = (
    "sedative",
    "serotonergic",
    "bleeding",
    "hyperkalaemic",
    "hyponatraemic",
    "hypoglycaemic",
    "hypotensive",
    "nephrotoxic",
    "fall_risk",
    "narrow_ti",
    "needs_taper",
)


class PkRole(Row):
    """What an ingredient does to, or suffers from, an enzyme or transporter.

    `strength` follows the FDA: inhibitors and inducers strong, moderate or weak; substrates
    sensitive or moderate (moderately sensitive); empty when the source gives none.
    """

    protein: Protein
    action: PkAction
    strength: PkStrength = ""


class Ingredient(Row):
    """One row of ingredients.csv. `fe` is the fraction excreted unchanged in urine, 0 to 1."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str = Field(min_length=1)
    rxcui: tuple[str, ...] = ()
    atc: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    classes: tuple[str, ...] = Field(min_length=1)
    route: Route = Route.ORAL
    acb: int = Field(default=0, ge=0, le=3)
    qt: Literal["known", "possible", "conditional", ""] = ""
    sedative: bool = False
    serotonergic: bool = False
    bleeding: bool = False
    hyperkalaemic: bool = False
    hyponatraemic: bool = False
    hypoglycaemic: bool = False
    hypotensive: bool = False
    nephrotoxic: bool = False
    fall_risk: bool = False
    narrow_ti: bool = False
    fe: float | None = Field(default=None, ge=0, le=1)
    pk: tuple[PkRole, ...] = ()
    needs_taper: bool = False
    review_status: ReviewStatus
    sources: tuple[str, ...] = Field(min_length=1)
