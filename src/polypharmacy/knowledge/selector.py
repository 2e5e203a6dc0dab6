"""Which ingredients a rule speaks of.

A selector is written as one token or a list of tokens (any of them), or as a mapping
`{any: [...], not: [...], route: ...}`. Tokens:

    drug:warfarin                      one ingredient
    class:nsaid                        every member of a class, through its subclasses
    prop:qt=known,possible             a property with one of these values
    prop:acb>=2                        a graded property
    prop:sedative                      a flag
    pk:cyp3a4:inhibitor=strong         an enzyme or transporter role, any strength if none is named
"""

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from polypharmacy.knowledge.model import Row
from polypharmacy.knowledge.vocabulary import SYSTEMIC, Route

TOKEN = re.compile(
    r"^(drug:[a-z0-9_]+|class:[a-z0-9_]+|prop:[a-z_0-9]+((=[a-z,]+)|(>=[0-9]))?"
    r"|pk:[a-z0-9]+:(substrate|inhibitor|inducer)(=[a-z,]+)?)$"
)


class Selector(Row):
    """A set of ingredients and the routes on which the rule holds."""

    any_of: tuple[str, ...] = Field(alias="any", min_length=1)
    none_of: tuple[str, ...] = Field(alias="not", default=())
    route: Literal["systemic", "any"] | tuple[Route, ...] = "systemic"

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"any": [value]}
        if isinstance(value, list):
            return {"any": value}
        return value

    @field_validator("any_of", "none_of")
    @classmethod
    def _grammar(cls, tokens: tuple[str, ...]) -> tuple[str, ...]:
        for token in tokens:
            if not TOKEN.match(token):
                raise ValueError(f"{token!r} is not a selector token")
        return tokens

    def routes(self) -> frozenset[Route]:
        """The routes on which this selector matches."""
        if self.route == "systemic":
            return SYSTEMIC
        if self.route == "any":
            return frozenset(Route)
        return frozenset(Route(r) for r in self.route)
