"""Collects what a reader finds, so that every medicine written down is either known or reported."""

import re
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from polypharmacy.knowledge import Knowledge, Route
from polypharmacy.knowledge.names import Resolution, fold
from polypharmacy.patients.medication import Medication
from polypharmacy.patients.patient import Allergy, Note, Patient, RecordedCondition, Unresolved
from polypharmacy.patients.sig import UNITS, Sig, parse_sig

MAX_MENTIONS = 500
_STRENGTHS = re.compile(r"^[\s(]*(\d+(?:\.\d+)?)\s*(mg|mcg|g)?\s*[-/]\s*(\d+(?:\.\d+)?)\s*(mg|mcg|g)\b")


@dataclass(frozen=True, slots=True)
class Details:
    """What a record says of one medicine besides its name."""

    sig: Sig | None = None
    route: Route | None = None
    indication: tuple[str, ...] = ()
    indication_text: str | None = None
    since: date | None = None
    days: float | None = None


@dataclass
class Builder:
    """Gathers one patient. `build` makes the Patient."""

    knowledge: Knowledge
    fields: dict[str, Any] = field(default_factory=dict)
    conditions: list[RecordedCondition] = field(default_factory=list)
    conditions_complete: bool = False
    allergies: list[Allergy] = field(default_factory=list)
    medications: list[Medication] = field(default_factory=list)
    unresolved: list[Unresolved] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    mentions: int = 0
    today: date = field(default_factory=date.today)

    def note(self, where: str, message: str) -> None:
        self.notes.append(Note(where=where, message=message))

    def medicine(self, where: str, text: str, details: Details | None = None, name: Resolution | None = None) -> None:
        """Add a medicine as written; `name` when a code has already said what it is."""
        details = details or Details()
        self.mentions += 1
        found = name or self.knowledge.names.resolve(text)
        if not found.ingredients:
            self.unresolved.append(Unresolved(text=text, nearest=found.nearest))
            return
        if found.also_named:
            names = ", ".join(self.knowledge.ingredients[d].name for d in found.also_named)
            self.note(where, f"{text!r} also mentions {names}, not read as a medicine taken")
        for words in found.unread:
            self.mentions += 1
            self.unresolved.append(Unresolved(text=words, nearest=self.knowledge.names.nearest(words)))
        days = details.days
        if days is None and details.since is not None and details.since <= self.today:
            days = float((self.today - details.since).days)
        for drug in found.ingredients:
            sig = details.sig or self._sig_of(found, drug)
            if details.sig is not None and len(found.ingredients) > 1:
                own = self._sig_of(found, drug)  # one stated dose cannot belong to several ingredients
                sig = replace(details.sig, dose=own.dose, unit=own.unit)
            route = details.route or found.route or self.knowledge.ingredients[drug].route
            self.medications.append(
                Medication(
                    text=text,
                    ingredient=drug,
                    route=route,
                    dose=sig.dose,
                    unit=sig.unit,
                    per_day=sig.per_day,
                    as_needed=sig.as_needed,
                    indication=details.indication,
                    indication_text=details.indication_text,
                    since=details.since,
                    days=days,
                )
            )

    def _sig_of(self, found: Resolution, drug: str) -> Sig:
        """The direction that follows a name, up to the next name; frequency may stand once for all."""
        whole = parse_sig(found.folded)
        if len(found.ingredients) == 1:
            return whole
        if any(len(match.ingredients) > 1 for match in found.matches):
            return replace(whole, dose=None, unit=None)
        together = _STRENGTHS.search(found.folded[found.matches[-1].end :])
        if together and len(found.matches) == 2:  # "hydrocodone-acetaminophen 10-325 mg"
            value = together[1] if drug in found.matches[0].ingredients else together[3]
            unit = together[2] or together[4]
            return replace(whole, dose=float(value) * whole.count, unit=UNITS[unit])
        starts = [m.start for m in found.matches] + [len(found.folded)]
        for i, match in enumerate(found.matches):
            if drug in match.ingredients:
                own = parse_sig(found.folded[match.end : starts[i + 1]])
                return replace(own, per_day=own.per_day or whole.per_day, as_needed=whole.as_needed)
        return whole

    def condition(self, text: str, ids: tuple[str, ...] = ()) -> None:
        ids = ids or self.knowledge.condition_names.by_text(text)
        self.conditions.append(RecordedCondition(text=text, ids=ids))

    def allergy(self, text: str, reaction: str | None = None) -> None:
        """Add an allergy: a group ("penicillin", "sulfa"), a drug with its group, or a class; else unrecognised."""
        named = _ALLERGY_WORDS.sub(" ", fold(text)).strip(" -:,.")
        knowledge = self.knowledge
        group = knowledge.tables.words.allergy_groups.get(named.removesuffix("s")) or ()
        found = {drug for token in group for drug in knowledge.select(token)}
        found = found or set(knowledge.names.resolve(named).ingredients) or set(self._class_named(named))
        self.allergies.append(Allergy(text=text, ingredients=tuple(sorted(found)), reaction=reaction))

    def _class_named(self, text: str) -> tuple[str, ...]:
        """Members of a class that an allergy names: "statins", "NSAIDs"."""
        wanted = _stem(text)
        for row in self.knowledge.classes.values():
            if wanted and wanted in (_stem(row.name), _stem(row.id.replace("_", " "))):
                return tuple(sorted(self.knowledge.select(f"class:{row.id}")))
        return ()

    def indication(self, text: str) -> tuple[str, ...]:
        return self.knowledge.condition_names.by_text(text)

    def build(self) -> Patient:
        return Patient(
            **self.fields,
            conditions=tuple(self.conditions),
            conditions_complete=self.conditions_complete,
            allergies=tuple(self.allergies),
            medications=tuple(self.medications),
            unresolved=tuple(self.unresolved),
            notes=tuple(self.notes),
            mentions=self.mentions,
        )


_ALLERGY_WORDS = re.compile(r"\(.*?\)|\ballerg(?:y|ic|ies)\b(?:\s+to\b)?|\bintoleran(?:ce|t)\b(?:\s+to\b)?")


def _stem(text: str) -> str:
    return re.sub(r"(?:es|s)$", "", fold(text).removesuffix(" class").removesuffix(" antibiotics"))
