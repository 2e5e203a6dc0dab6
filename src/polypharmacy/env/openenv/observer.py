"""What is seen of one episode, as JSON: what an action leaves alone keeps the bytes it had."""

from collections.abc import Sequence

import orjson

from polypharmacy.env.actions import INTERVENTION_NAMES, PAIR_SLOTS
from polypharmacy.env.case import FLAG_KINDS, PERSON
from polypharmacy.env.episode import Episode, Played
from polypharmacy.env.layout import (
    ACTIONS,
    FINISH,
    FIRST_INTERVENTION,
    INTERVENTIONS,
    SLOTS,
    SUBSTITUTE,
    pair_number,
)
from polypharmacy.env.openenv.models import PolypharmacyAction
from polypharmacy.env.text import NOTHING, asked_line, conditions_seen, heading, medicine_line, person_lines
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge

KIDNEY = ("G1-G2 or not known", "G3a", "G3b", "G4", "G5")
LIVER = ("not known", "Child-Pugh A", "Child-Pugh B", "Child-Pugh C")
SEVERITIES = ("", "none", "minor", "moderate", "severe")
STATUSES = ("stopped", "dose_reduced", "substituted", "monitored")
"""Of a slot that had its intervention, in the order of layout.STOP ..."""
NOT_OPEN = -1
"""An action number that is never open: a step that counts as invalid."""

_UNLIKE = b"\xff" * ACTIONS
"""Unlike every mask."""
_PAIRS_OF = [slice(pair_number(i, i + 1), pair_number(i, SLOTS - 1) + 1) for i in range(SLOTS - 1)]
_PAIRS_OF.append(slice(0, 0))
_KINDS_OF = [slice(k, k + INTERVENTIONS) for k in range(FIRST_INTERVENTION, FINISH, INTERVENTIONS)]
_KIND_LISTS = [
    orjson.dumps([name for bit, name in enumerate(INTERVENTION_NAMES) if kinds >> bit & 1])
    for kinds in range(1 << INTERVENTIONS)
]


class Observer:
    """The observation of an episode as it stands, and the action numbers that drug ids mean.

    `notes` are lines that stand below the medicines: what of a given list is not known.
    """

    def __init__(self, episode: Episode, episode_id: str, knowledge: Knowledge, notes: Sequence[str] = ()) -> None:
        self.episode = episode
        self._drugs = list(knowledge.ingredients.values())
        seen = episode.view
        self.ids = [""] * seen.drugs
        for slot in range(seen.drugs):
            self._name(seen, slot)
        female, age, kidney, liver = (int(x) for x in seen.person[: len(PERSON)])
        front = {
            "episode_id": episode_id,
            "task_id": seen.task.name,
            "age": age or None,
            "sex": ("male", "female", None)[female],
            "conditions": conditions_seen(seen, knowledge),
            "eGFR_category": KIDNEY[kidney],
            "liver_function_category": LIVER[liver],
        }
        self._front = orjson.dumps(front)[:-1]
        self._task = seen.task
        self._lines_before = b"".join(_escaped(line) + b"\\n" for line in person_lines(seen, knowledge))
        self._lines_after = b"".join(_escaped(line) + b"\\n" for line in notes)
        self._medicines = [self._medicine(seen, slot) for slot in range(seen.drugs)]
        self._lines = [_escaped(medicine_line(seen, slot, self._drugs)) for slot in range(seen.drugs)]
        self._queries: list[bytes] = []
        self._interventions: list[bytes] = []
        self._asked: dict[int, bytes] = {}
        self._pair_rows = [b""] * seen.drugs
        self._kind_rows = [b""] * seen.drugs
        self._mask = _UNLIKE
        self._read_mask()

    def number(self, action: PolypharmacyAction) -> tuple[int, str | None]:
        """The action number that an action means now, or NOT_OPEN and why there is none."""
        if action.action_type == "finish_review":
            return FINISH, None
        if action.action_type == "query_ddi":
            slots = []
            for name in (action.drug_id_1, action.drug_id_2):
                if name not in self.ids:
                    return NOT_OPEN, self._unknown(name)
                slots.append(self.ids.index(name))
            return pair_number(min(slots), max(slots)), None
        if action.target_drug_id not in self.ids:
            return NOT_OPEN, self._unknown(action.target_drug_id)
        slot = self.ids.index(action.target_drug_id)
        kind = INTERVENTION_NAMES.index(str(action.intervention_type))
        wanted = action.proposed_new_drug_id
        if wanted is not None:
            seen = self.episode.view
            own = self._drugs[int(seen.drug[SLOTS + slot])].id if seen.alternatives >> slot & 1 else None
            if own is not None and wanted != own:
                return NOT_OPEN, f"in a scored episode {action.target_drug_id} can be switched to {own} only"
        return FIRST_INTERVENTION + slot * INTERVENTIONS + kind, None

    def played(self, number: int, played: Played) -> None:
        """Take in what an action brought."""
        if played.problem is not None:
            return
        if number < FIRST_INTERVENTION:
            i, j = PAIR_SLOTS[number]
            severity = SEVERITIES[played.found or 0]
            self._queries.append(
                orjson.dumps({"drug_id_1": self.ids[i], "drug_id_2": self.ids[j], "severity": severity})
            )
            self._asked[number] = _escaped(asked_line(self.episode.view, number, self._drugs))
            self._read_mask()
        elif number < FINISH:
            slot, kind = divmod(number - FIRST_INTERVENTION, INTERVENTIONS)
            self._intervened(slot, kind)

    def payload(self, metadata: bytes, reward: bytes) -> bytes:
        """{"observation", "reward", "done", "metadata"} as OpenEnv sends it; `metadata` and `reward` are JSON."""
        done = self.episode.done
        queries, interventions, steps = self.episode.left
        asked = (
            (b"Asked:\\n%b" % b"\\n".join([self._asked[p] for p in sorted(self._asked)])) if self._asked else _NOTHING
        )
        return b"".join(
            (
                b'{"observation":',
                self._front,
                b',"current_medications":[',
                b",".join(self._medicines),
                b'],"interaction_queries":[',
                b",".join(self._queries),
                b'],"interventions":[',
                b",".join(self._interventions),
                b'],"remaining_query_budget":%d,"remaining_intervention_budget":%d,"remaining_steps":%d,"shaped_reward":%b'
                % (queries, interventions, steps, reward),
                _CLOSED if done else self._legal,
                b',"text":"',
                heading(self._task, queries, interventions, steps).encode(),
                b"\\n",
                self._lines_before,
                b"\\n".join(self._lines),
                b"\\n",
                self._lines_after,
                asked,
                b'","metadata":',
                metadata,
                b'},"reward":',
                reward,
                b',"done":true' if done else b',"done":false',
                b',"metadata":%b}' % metadata if metadata != b"{}" else b"}",
            )
        )

    def _intervened(self, slot: int, kind: int) -> None:
        seen = self.episode.view
        before = self.ids[slot]
        if kind == SUBSTITUTE:
            self._name(seen, slot)
            for other in range(seen.drugs):
                if other != slot:
                    self._asked.pop(pair_number(min(slot, other), max(slot, other)), None)
            self._mask = _UNLIKE  # every row may name it
        new = self.ids[slot] if kind == SUBSTITUTE else None
        self._interventions.append(
            orjson.dumps({"target_drug_id": before, "intervention_type": INTERVENTION_NAMES[kind], "new_drug_id": new})
        )
        self._medicines[slot] = self._medicine(seen, slot)
        self._lines[slot] = _escaped(medicine_line(seen, slot, self._drugs))
        self._read_mask()

    def _read_mask(self) -> None:
        """Write the rows of legal_actions anew where the mask has changed."""
        old, mask = self._mask, self.episode.mask()
        self._mask = mask
        ids = self.ids
        for slot, id_ in enumerate(ids):
            pairs, kinds = _PAIRS_OF[slot], _KINDS_OF[slot]
            if (now := mask[pairs]) != old[pairs]:
                partners = [other for other, is_open in zip(ids[slot + 1 :], now, strict=False) if is_open]
                self._pair_rows[slot] = orjson.dumps({id_: partners})[1:-1] if partners else b""
            if (now := mask[kinds]) != old[kinds]:
                bits = now[0] | now[1] << 1 | now[2] << 2 | now[3] << 3
                self._kind_rows[slot] = orjson.dumps(id_) + b":" + _KIND_LISTS[bits] if bits else b""
        self._legal = b',"legal_actions":{"query_ddi":{%b},"propose_intervention":{%b},"finish_review":true}' % (
            b",".join(filter(None, self._pair_rows)),
            b",".join(filter(None, self._kind_rows)),
        )

    def _name(self, seen: View, slot: int) -> None:
        """Give a slot the id of what it holds now."""
        id_ = self._drugs[int(seen.drug[seen.candidate(slot)])].id
        others = self.ids[:slot] + self.ids[slot + 1 :]
        self.ids[slot] = f"{id_}#{slot}" if id_ in others else id_

    def _medicine(self, seen: View, slot: int) -> bytes:
        now = seen.candidate(slot)
        dose = float(seen.daily_mg[now])
        alternative = seen.alternatives >> slot & 1 and not seen.switched >> slot & 1
        bits = (seen.stopped, seen.reduced, seen.switched, seen.monitored)
        return orjson.dumps(
            {
                "drug_id": self.ids[slot],
                "name": self._drugs[int(seen.drug[now])].name,
                "slot": slot,
                "daily_mg": round(dose, 4) if dose else None,
                "flags": [kind.value for bit, kind in enumerate(FLAG_KINDS) if seen.flag[now] >> bit & 1],
                "critical": bool(seen.critical >> slot & 1),
                "alternative": self._drugs[int(seen.drug[SLOTS + slot])].id if alternative else None,
                "status": next((s for s, b in zip(STATUSES, bits, strict=True) if b >> slot & 1), "taken"),
            }
        )

    def _unknown(self, name: str | None) -> str:
        return f"{str(name)[:60]!r} is none of the medicines: {', '.join(self.ids)}"


def _escaped(line: str) -> bytes:
    """A line as it stands inside a JSON string."""
    return orjson.dumps(line)[1:-1]


_NOTHING = _escaped(NOTHING)
_CLOSED = b',"legal_actions":{"query_ddi":{},"propose_intervention":{},"finish_review":false}'
