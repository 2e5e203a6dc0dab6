"""The unit of a review: one ingredient on one kind of route."""

from typing import NamedTuple

from polypharmacy.knowledge import Knowledge, Route
from polypharmacy.knowledge.vocabulary import SYSTEMIC
from polypharmacy.patients import Medication, Patient


class Slot(NamedTuple):
    """Entries of one ingredient, taken together.

    `index` is the slot's bit in finding masks, `daily_mg` the summed daily dose (None when any part is not
    known), `days` the longest stated duration, `indication` the condition ids it is taken for as far as known.
    """

    index: int  # type: ignore[assignment]  # the field hides tuple.index, which nobody calls on a slot
    drug: str
    route: Route
    entries: tuple[Medication, ...]
    daily_mg: float | None
    days: float | None
    indication: tuple[str, ...]
    name: str

    @property
    def bit(self) -> int:
        return 1 << self.index

    @property
    def systemic(self) -> bool:
        return self.route in SYSTEMIC


def slots_of(patient: Patient, knowledge: Knowledge) -> tuple[Slot, ...]:
    """Group a patient's medicines into slots, in order of first appearance.

    A medicine's indication is what its entries state, else the patient's conditions that its classes treat.
    """
    groups: dict[tuple[str, str], list[Medication]] = {}
    for medication in patient.medications:
        route = "systemic" if medication.route in SYSTEMIC else medication.route.value
        groups.setdefault((medication.ingredient, route), []).append(medication)
    conditions = patient.condition_ids
    slots = []
    for index, ((drug, _), entries) in enumerate(groups.items()):
        # The same line twice is one therapy written twice: its dose is not added to itself.
        doses = [dose for _, dose in {(m.text, m.daily_mg) for m in entries}]
        known = [d for d in doses if d is not None]
        days = [m.days for m in entries if m.days is not None]
        stated = dict.fromkeys(c for m in entries for c in m.indication)
        slots.append(
            Slot(
                index=index,
                drug=drug,
                route=entries[0].route,
                entries=tuple(entries),
                daily_mg=sum(known) if len(known) == len(doses) else None,
                days=max(days) if days else None,
                indication=tuple(stated) or tuple(sorted(knowledge.treats(drug) & conditions)),
                name=knowledge.ingredients[drug].name,
            )
        )
    return tuple(slots)
