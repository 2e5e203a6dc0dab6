"""A published source, and a product name that means several ingredients or another route."""

from typing import Literal

from pydantic import Field

from polypharmacy.knowledge.model import Row
from polypharmacy.knowledge.vocabulary import ReviewStatus, Route


class Source(Row):
    """One entry of sources.yaml. `kind` label is a product's prescribing information."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    citation: str = Field(min_length=10)
    kind: Literal["guideline", "label", "paper", "list", "regulator"]


class Product(Row):
    """One row of products.csv: names that stand for several ingredients, or for one on another route than its usual."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    names: tuple[str, ...] = Field(min_length=1)
    ingredients: tuple[str, ...] = Field(min_length=1)
    route: Route | None = None
    review_status: ReviewStatus = "unreviewed"
    sources: tuple[str, ...] = Field(min_length=1)


class NameWords(Row):
    """words.yaml: what may stand around a drug's name without changing which drug it is.

    `lead` words come before the name, `tail` words after it; both end the name without naming it.
    """

    salts: tuple[str, ...]
    forms: tuple[str, ...]
    lead: tuple[str, ...]
    tail: tuple[str, ...]
    routes: dict[Route, tuple[str, ...]]
    allergy_groups: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """What an allergy's name stands for beyond one drug, as selector tokens."""
