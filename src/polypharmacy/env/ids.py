"""What the medicines of an episode are called on the wire."""

from polypharmacy.env.layout import SLOTS
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge


def candidate_ids(view: View, knowledge: Knowledge) -> list[str]:
    """Of each of the 30 candidates its id, "" where there is none: the ingredient's (`warfarin`), with its slot behind
    it (`timolol#7`) where an earlier candidate is of the same ingredient. They stay the same through an episode.
    """
    drugs = list(knowledge.ingredients)
    ids: list[str] = []
    for candidate, drug in enumerate(view.drug):
        name = drugs[drug] if drug >= 0 else ""
        ids.append(f"{name}#{candidate % SLOTS}" if name and name in ids else name)
    return ids


def slot_ids(view: View, knowledge: Knowledge) -> list[str]:
    """Of each slot in use the id of what it holds now (its last medicine, once stopped)."""
    ids = candidate_ids(view, knowledge)
    return [ids[view.candidate(slot)] for slot in range(view.drugs)]
