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

    def admits(self, route: Route) -> bool:
        """Whether a medicine on this route is spoken of."""
        if self.route == "systemic":
            return route in SYSTEMIC
        return self.route == "any" or route in self.route

    def apart_from(self, other: "Selector") -> bool:
        """Whether no route is spoken of by both."""
        return not any(self.admits(r) and other.admits(r) for r in Route)
