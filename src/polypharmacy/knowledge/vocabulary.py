"""Closed vocabularies shared by every table."""

from enum import StrEnum
from typing import Literal


class _Word(StrEnum):
    """A word of a closed vocabulary. Hashed as the string it is: Enum's own hash runs in Python on every look-up."""

    __hash__ = str.__hash__


class Severity(_Word):
    """What the evidence supports, least to most serious. Ordered by `rank` (0 to 4)."""

    AWARE = "aware"
    MONITOR = "monitor"
    ADJUST = "adjust"
    AVOID = "avoid"
    CONTRAINDICATED = "contraindicated"

    @property
    def rank(self) -> int:
        return _RANK[self]


_RANK = {severity: rank for rank, severity in enumerate(Severity)}


class Kind(_Word):
    """Where a finding comes from."""

    INTERACTION = "interaction"
    BEERS = "beers"
    STOPP = "stopp"
    START = "start"
    RENAL = "renal"
    HEPATIC = "hepatic"
    PGX = "pgx"
    BURDEN = "burden"
    DUPLICATE = "duplicate"


class Action(_Word):
    """What a reviewer may do to one medicine."""

    STOP = "stop"
    REDUCE = "reduce"
    SWITCH = "switch"
    MONITOR = "monitor"
    START = "start"


class Route(_Word):
    """How a medicine is given."""

    ORAL = "oral"
    SUBLINGUAL = "sublingual"
    PARENTERAL = "parenteral"
    TRANSDERMAL = "transdermal"
    RECTAL = "rectal"
    INHALED = "inhaled"
    NASAL = "nasal"
    OPHTHALMIC = "ophthalmic"
    OTIC = "otic"
    TOPICAL = "topical"
    VAGINAL = "vaginal"


SYSTEMIC = frozenset({Route.ORAL, Route.SUBLINGUAL, Route.PARENTERAL, Route.TRANSDERMAL, Route.RECTAL})

NeedLevel = Literal["low", "moderate", "high", "vital"]
ReviewStatus = Literal["reviewed", "partial", "unreviewed"]
"""reviewed: a second reader has checked the row; partial: some of it; unreviewed: its author alone has read it."""
Role = Literal["subject", "object"]
Evidence = Literal["high", "moderate", "low"]
