"""What the knowledge base says of a combination that somebody else found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from polypharmacy.knowledge import Knowledge
from polypharmacy.review.lookup import interactions_between


@dataclass(frozen=True)
class Known:
    """status: `known` (an interaction among the drugs is on record), `new` (all drugs are, none of their interactions)
    or `unresolved` (a drug is not known by that name). severity: of the most severe; None unless known.
    """

    status: Literal["known", "new", "unresolved"]
    severity: str | None
    message: str

    def __str__(self) -> str:
        if self.status == "known":
            return f"known: {self.severity}, {self.message}"
        return f"new: {self.message}" if self.status == "new" else self.message


def what_is_known(drugs: Sequence[str], knowledge: Knowledge) -> Known:
    """Of drugs by name."""
    strange = [name for name in drugs if not knowledge.names.resolve(name).ingredients]
    if strange:
        return Known("unresolved", None, f"not in the knowledge base by name: {', '.join(strange)}")
    _, findings = interactions_between(drugs, knowledge)
    if not findings:
        return Known("new", None, f"none found in knowledge base {knowledge.version}, which does not mean safe")
    return Known("known", findings[0].severity.value, findings[0].message)
