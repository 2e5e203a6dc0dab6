"""The strict, frozen base of every table row."""

from pydantic import BaseModel, ConfigDict


class Row(BaseModel):
    """A row of a knowledge table: immutable, and a column nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
