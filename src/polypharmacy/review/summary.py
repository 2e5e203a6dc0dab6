"""Many reviews counted together."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import Patient
from polypharmacy.review.review import Review, review

POLYPHARMACY = 5
"""Medicines from which a regimen counts as polypharmacy."""
TOP_RULES = 20


@dataclass
class Summary:
    """Counts over reviewed people. An elder is on 5 or more when 5 or more medicines are listed."""

    knowledge: Knowledge
    people: int = 0
    people_with_medicines: int = 0
    people_fully_resolved: int = 0
    mentions: int = 0
    resolved: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    unresolved: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    on_5_plus: list[int] = field(default_factory=list)

    def add(self, result: Review) -> None:
        patient = result.patient
        self.people += 1
        self.mentions += patient.mentions
        self.resolved += patient.mentions - len(patient.unresolved)
        self.unresolved.update(u.text for u in patient.unresolved)
        if patient.mentions:
            self.people_with_medicines += 1
            self.people_fully_resolved += not patient.unresolved and not patient.notes
        self.by_kind.update(f.kind.value for f in result.findings)
        interrupting = result.interrupting
        if patient.mentions >= POLYPHARMACY:
            self.on_5_plus.append(len(interrupting))
            self.rules.update(f.id for f in interrupting)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; the mean is null when nobody takes 5 or more."""
        return {
            "knowledge": {"version": self.knowledge.version, "hash": self.knowledge.hash},
            "people": self.people,
            "coverage": {
                "mentions": self.mentions,
                "resolved": self.resolved,
                "people_fully_resolved": self.people_fully_resolved,
                "people_with_medicines": self.people_with_medicines,
                "unresolved": dict(self.unresolved.most_common(TOP_RULES)),
            },
            "elders_on_5_plus": len(self.on_5_plus),
            "interrupting_per_elder_on_5_plus": round(mean(self.on_5_plus), 3) if self.on_5_plus else None,
            "interrupting_distribution": dict(sorted(Counter(self.on_5_plus).items())),
            "top_interrupting_rules": dict(self.rules.most_common(TOP_RULES)),
            "findings_by_kind": dict(self.by_kind.most_common()),
        }


def summarise(people: Iterable[Patient], knowledge: Knowledge) -> Summary:
    """Review everyone and count."""
    summary = Summary(knowledge)
    for patient in people:
        summary.add(review(patient, knowledge))
    return summary
