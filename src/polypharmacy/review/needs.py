"""What each medicine is needed for, and which of them can stand in for one another."""

from collections.abc import Sequence

from polypharmacy.knowledge import Knowledge
from polypharmacy.review.regimen import Need
from polypharmacy.review.slot import Slot


def needs_of(slots: Sequence[Slot], knowledge: Knowledge) -> tuple[Need, ...]:
    """Needs held per indication and way of treating it.

    Two medicines cover one need when they are taken for the same condition in the same broadest class that treats
    it: two antihypertensives do, an anticoagulant and a rate-controlling drug for atrial fibrillation do not. A
    need costs the lesser of what the condition and the class say; a medicine with no known indication carries its
    class's default.
    """
    level = knowledge.risk.need
    shared: dict[tuple[str, str], tuple[int, int]] = {}
    needs: list[Need] = []
    for slot in slots:
        if not slot.indication:
            needs.append(Need(None, slot.bit, knowledge.default_need(slot.drug)))
        for condition in slot.indication:
            treating = knowledge.treating_class(slot.drug, condition)
            of_class = level[knowledge.classes[treating].need] if treating else knowledge.default_need(slot.drug)
            key = (condition, treating or "")
            mask, _ = shared.get(key, (0, 0))
            shared[key] = (mask | slot.bit, min(level[knowledge.conditions[condition].need], of_class))
    needs += [Need(condition, mask, points) for (condition, _), (mask, points) in shared.items()]
    return tuple(needs)
