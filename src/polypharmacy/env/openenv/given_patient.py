"""A real person's list as an episode: read, compiled, and compiled anew when another drug is proposed."""

from typing import Any

import orjson

from polypharmacy.env.bank import bank_of
from polypharmacy.env.case import TooManyMedicines, compile_case
from polypharmacy.env.episode import Episode
from polypharmacy.env.layout import FINISH, SLOTS
from polypharmacy.env.tasks import TASKS
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import InputError
from polypharmacy.patients.readers import parse_patient
from polypharmacy.review.slot import slots_of


class GivenPatient:
    """A patient as FHIR R4 (a dict), or a list as text or CSV; budgets of `task`, else of the smallest task that takes
    as many medicines. Raises InputError for what cannot be read, an empty list and more than 15 medicines.
    """

    def __init__(self, source: dict[str, Any] | str, task: str | None, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        text = source if isinstance(source, str) else _json(source)
        self._patient = parse_patient(text, knowledge, source="patient")
        self._drugs = [slot.drug for slot in slots_of(self._patient, knowledge)]
        if not self._drugs:
            raise InputError("patient: none of the medicines is known, so there is nothing to review")
        self._task = task or next((t.name for t in TASKS.values() if len(self._drugs) <= t.most_drugs), "")
        self._chosen: dict[int, str] = {}
        self._compile()

    def episode(self) -> Episode:
        """Its beginning, with the alternatives chosen so far."""
        return Episode(self._bank, 0)

    def choose(self, slot: int, drug: str, seen: View) -> str | None:
        """Make `drug` the alternative of an untouched slot; why not, if it cannot be. Slots that were switched keep
        what they were switched to.
        """
        ingredients = list(self.knowledge.ingredients)
        if drug not in self.knowledge.ingredients:
            near = self.knowledge.names.nearest(drug)
            return f"{drug[:60]!r} is no known ingredient" + (f"; near: {', '.join(near)}" if near else "")
        switched = {
            s: ingredients[int(seen.drug[SLOTS + s])] for s in range(len(self._drugs)) if seen.switched >> s & 1
        }
        if drug in self._drugs or drug in switched.values():
            return f"{drug} is on the list already"
        if ingredients[int(seen.drug[SLOTS + slot])] != drug or not seen.alternatives >> slot & 1:
            self._chosen = {**switched, slot: drug}
            self._compile()
        return None

    def unread(self) -> dict[str, Any]:
        """What of the list is not looked at, for metadata."""
        unread = [row.model_dump(mode="json") for row in self._patient.unresolved]
        notes = [f"{note.where}: {note.message}" for note in self._patient.notes]
        return {"not_read": unread, "notes": notes}

    def lines(self) -> tuple[str, ...]:
        """The same in lines of text."""
        names = [row.text for row in self._patient.unresolved]
        return (f"Not known, so not looked at: {'; '.join(names)}",) if names else ()

    def _compile(self) -> None:
        try:
            compiled = compile_case(self._patient, self.knowledge, chosen_for=self._chosen)
        except TooManyMedicines as error:
            raise InputError(f"patient: {error}") from None
        self._bank = bank_of([compiled.case], self._task, self.knowledge)
        self.episode().step(FINISH)  # the first step in a process compiles: before anybody waits for one


def _json(resource: dict[str, Any]) -> str:
    try:
        return orjson.dumps(resource).decode()
    except (orjson.JSONEncodeError, RecursionError):
        raise InputError("patient: nested too deeply, or text that is no text") from None
