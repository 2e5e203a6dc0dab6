"""What is seen of one episode, as JSON: what an action leaves alone keeps the bytes it had."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import compress
from typing import NamedTuple

import orjson

from polypharmacy.env.actions import INTERVENTION_NAMES, PAIR_SLOTS
from polypharmacy.env.bank import SPLITS
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
from polypharmacy.knowledge.ingredient import Ingredient

KIDNEY = ("G1-G2 or not known", "G3a", "G3b", "G4", "G5")
LIVER = ("not known", "Child-Pugh A", "Child-Pugh B", "Child-Pugh C")
SEVERITIES = ("", "none", "minor", "moderate", "severe")
STATUSES = ("stopped", "dose_reduced", "substituted", "monitored")
"""Of a slot that had its intervention, in the order of layout.STOP ..."""
NOT_OPEN = -1
"""An action number that is never open: a step that counts as invalid."""

_PAIRS_OF = [slice(pair_number(i, i + 1), pair_number(i, SLOTS - 1) + 1) for i in range(SLOTS - 1)] + [slice(0, 0)]
_KINDS_OF = [slice(k, k + INTERVENTIONS) for k in range(FIRST_INTERVENTION, FINISH, INTERVENTIONS)]
_UNLIKE = b"\xff" * ACTIONS
"""Unlike every mask."""


@lru_cache(maxsize=2)
def _drugs(knowledge: Knowledge) -> list[Ingredient]:
    """The knowledge base's ingredients in its order."""
    return list(knowledge.ingredients.values())


class _Opening(NamedTuple):
    """What the observation of a case begins with, whoever plays it: see `Observer`."""

    now: tuple[Ingredient, ...]
    alternatives: tuple[Ingredient | None, ...]
    flags: tuple[int, ...]
    doses: tuple[float, ...]
    critical: tuple[bool, ...]
    ids: tuple[str, ...]
    quoted: tuple[bytes, ...]
    front: bytes
    lines_before: bytes
    medicines: tuple[bytes, ...]
    lines: tuple[bytes, ...]


_OPENINGS: dict[tuple[str, str, str, int], _Opening] = {}
"""Of synthetic cases played lately, by knowledge hash, task, split and case; never of a given patient."""
_MOST_OPENINGS = 2048


def _opening(episode: Episode, knowledge: Knowledge) -> _Opening:
    bank = episode.bank
    if bank.split not in SPLITS:
        return _open(episode.view, knowledge)
    key = (bank.knowledge_hash, bank.task.name, bank.split, episode.index % bank.size)
    found = _OPENINGS.get(key)
    if found is None:
        if len(_OPENINGS) >= _MOST_OPENINGS:
            _OPENINGS.clear()
        found = _OPENINGS[key] = _open(episode.view, knowledge)
    return found


def _open(seen: View, knowledge: Knowledge) -> _Opening:
    drugs, size = _drugs(knowledge), seen.drugs
    held = [drugs[k] if k >= 0 else None for k in seen.drug.tolist()]
    now = [drug for drug in held[:size] if drug is not None]
    alternatives, flags, doses = held[SLOTS : SLOTS + size], seen.flag.tolist(), seen.daily_mg.tolist()
    critical = [bool(seen.critical >> slot & 1) for slot in range(size)]
    ids: list[str] = []
    for slot, drug in enumerate(now):
        ids.append(f"{drug.id}#{slot}" if drug.id in ids else drug.id)
    quoted = [b'"%b"' % id_.encode() for id_ in ids]
    person = seen.person.tolist()
    female, age, kidney, liver = person[: len(PERSON)]
    conditions = conditions_seen(person, knowledge)
    front = {
        "task_id": seen.task.name,
        "age": age or None,
        "sex": ("male", "female", None)[female],
        "conditions": conditions,
        "eGFR_category": KIDNEY[kidney],
        "liver_function_category": LIVER[liver],
    }
    shown = [
        _shown(slot, quoted[slot], drug.name, doses[slot], flags[slot], critical[slot], *_named(other), None)
        for slot, (drug, other) in enumerate(zip(now, alternatives, strict=True))
    ]
    return _Opening(
        now=tuple(now),
        alternatives=tuple(alternatives),
        flags=tuple(flags),
        doses=tuple(doses),
        critical=tuple(critical),
        ids=tuple(ids),
        quoted=tuple(quoted),
        front=orjson.dumps(front)[1:-1],
        lines_before=b"\\n" + _escaped("\n".join([*person_lines(person, conditions), ""])),
        medicines=tuple(medicine for medicine, _ in shown),
        lines=tuple(line for _, line in shown),
    )


def _named(drug: Ingredient | None) -> tuple[str, str] | tuple[None, None]:
    return (None, None) if drug is None else (drug.id, drug.name)


class Observer:
    """The observation of an episode as it stands, and the action numbers that drug ids mean.

    `notes` are lines that stand below the medicines: what of a given list is not known.
    """

    def __init__(self, episode: Episode, episode_id: str, knowledge: Knowledge, notes: Sequence[str] = ()) -> None:
        self.episode = episode
        start = _opening(episode, knowledge)
        self._now, self._alternatives = list(start.now), list(start.alternatives)
        self._flags, self._doses, self._critical = list(start.flags), list(start.doses), start.critical
        self._done: list[int | None] = [None] * len(start.now)
        self.ids, self._quoted = list(start.ids), list(start.quoted)
        self._front = b'{"episode_id":%b,%b' % (orjson.dumps(episode_id), start.front)
        self._task = episode.bank.task.name
        self._lines_before = start.lines_before
        self._lines_after = b"\\n" + _escaped("".join(f"{line}\n" for line in notes))
        self._medicines, self._lines = list(start.medicines), list(start.lines)
        self._queries: list[bytes] = []
        self._interventions: list[bytes] = []
        self._asked: dict[int, bytes] = {}
        self._pair_rows = [b""] * len(start.now)
        self._kind_rows = [b""] * len(start.now)
        self._mask = _UNLIKE
        self._read_mask()

    def number(self, action: PolypharmacyAction) -> tuple[int, str | None]:
        """The action number that an action means now, or NOT_OPEN and why there is none."""
        ids = self.ids
        if action.action_type == "finish_review":
            return FINISH, None
        if action.action_type == "query_ddi":
            first, second = action.drug_id_1, action.drug_id_2
            if first not in ids or second not in ids:
                return NOT_OPEN, self._unknown(first if first not in ids else second)
            i, j = ids.index(first), ids.index(second)
            return pair_number(i, j) if i < j else pair_number(j, i), None
        if action.target_drug_id not in ids:
            return NOT_OPEN, self._unknown(action.target_drug_id)
        slot = ids.index(action.target_drug_id)
        other, wanted = self._alternatives[slot], action.proposed_new_drug_id
        if wanted is not None and other is not None and wanted != other.id:
            return NOT_OPEN, f"in a scored episode {action.target_drug_id} can be switched to {other.id} only"
        kind = INTERVENTION_NAMES.index(str(action.intervention_type))
        return FIRST_INTERVENTION + slot * INTERVENTIONS + kind, None

    def played(self, number: int, played: Played) -> None:
        """Take in what an action brought."""
        if played.problem is not None:
            return
        if number < FIRST_INTERVENTION:
            i, j = PAIR_SLOTS[number]
            found = played.found or 0
            self._queries.append(
                b'{"drug_id_1":%b,"drug_id_2":%b,"severity":"%b"}'
                % (self._quoted[i], self._quoted[j], SEVERITIES[found].encode())
            )
            self._asked[number] = _escaped(asked_line(i, self._now[i].name, j, self._now[j].name, found))
            self._read_mask(i)
        elif number < FINISH:
            self._intervened(*divmod(number - FIRST_INTERVENTION, INTERVENTIONS))
            self._read_mask()

    def payload(self, metadata: bytes, reward: bytes) -> bytes:
        """{"observation", "reward", "done", "metadata"} as OpenEnv sends it; `metadata` and `reward` are JSON."""
        done = self.episode.done
        queries, interventions, steps = self.episode.left
        asked = self._asked
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
                *(_CLOSED if done else (_PAIRS_OPEN, self._pairs, _KINDS_OPEN, self._kinds, _FINISH_OPEN)),
                b',"text":"',
                heading(self._task, queries, interventions, steps).encode(),
                self._lines_before,
                b"\\n".join(self._lines),
                self._lines_after,
                b"Asked:\\n" + b"\\n".join([asked[p] for p in sorted(asked)]) if asked else _NOTHING,
                b'","metadata":',
                metadata,
                b'},"reward":',
                reward,
                b',"done":true' if done else b',"done":false',
                b"}" if metadata == b"{}" else b',"metadata":%b}' % metadata,
            )
        )

    def _intervened(self, slot: int, kind: int) -> None:
        before, new = self._quoted[slot], b"null"
        self._done[slot] = kind
        if kind == SUBSTITUTE:
            drug = self._alternatives[slot]
            assert drug is not None
            self._now[slot], self._alternatives[slot] = drug, None
            self._flags[slot], self._doses[slot] = self._flags[SLOTS + slot], self._doses[SLOTS + slot]
            self.ids[slot] = f"{drug.id}#{slot}" if drug.id in self.ids else drug.id
            new = self._quoted[slot] = b'"%b"' % self.ids[slot].encode()
            for other in range(len(self.ids)):
                if other != slot:
                    self._asked.pop(pair_number(min(slot, other), max(slot, other)), None)
            self._mask = _UNLIKE  # every row may name it
        name = INTERVENTION_NAMES[kind].encode()
        self._interventions.append(
            b'{"target_drug_id":%b,"intervention_type":"%b","new_drug_id":%b}' % (before, name, new)
        )
        self._show(slot)

    def _read_mask(self, asked: int | None = None) -> None:
        """Write the rows of legal_actions anew where the mask has changed. With a query of slot `asked` and a later one
        that is its row alone, while queries are left.
        """
        old, mask = self._mask, self.episode.mask()
        self._mask = mask
        quoted = self._quoted
        if asked is not None and any(mask[:FIRST_INTERVENTION]):
            self._write_partners(asked, mask)
            self._pairs = b",".join(filter(None, self._pair_rows))
            return
        if mask[:FIRST_INTERVENTION] != old[:FIRST_INTERVENTION]:
            for slot in range(len(quoted)):
                if mask[_PAIRS_OF[slot]] != old[_PAIRS_OF[slot]]:
                    self._write_partners(slot, mask)
            self._pairs = b",".join(filter(None, self._pair_rows))
        if mask[FIRST_INTERVENTION:] != old[FIRST_INTERVENTION:]:
            for slot, id_ in enumerate(quoted):
                kinds = _KIND_LISTS[mask[_KINDS_OF[slot]]]
                self._kind_rows[slot] = b"%b:%b" % (id_, kinds) if kinds else b""
            self._kinds = b",".join(filter(None, self._kind_rows))

    def _write_partners(self, slot: int, mask: bytes) -> None:
        quoted = self._quoted
        partners = b",".join(compress(quoted[slot + 1 :], mask[_PAIRS_OF[slot]]))
        self._pair_rows[slot] = b"%b:[%b]" % (quoted[slot], partners) if partners else b""

    def _show(self, slot: int) -> None:
        """Write a medicine anew, as JSON and as a line."""
        drug, other = self._now[slot], self._alternatives[slot]
        self._medicines[slot], self._lines[slot] = _shown(
            slot,
            self._quoted[slot],
            drug.name,
            self._doses[slot],
            self._flags[slot],
            self._critical[slot],
            *_named(other),
            self._done[slot],
        )

    def _unknown(self, name: str | None) -> str:
        return f"{str(name)[:60]!r} is none of the medicines: {', '.join(self.ids)}"


@lru_cache(maxsize=8192)
def _shown(
    slot: int,
    quoted: bytes,
    name: str,
    dose: float,
    flags: int,
    critical: bool,
    other: str | None,
    other_name: str | None,
    done: int | None,
) -> tuple[bytes, bytes]:
    """A medicine as JSON and as a line; the same ones come again in case after case."""
    shown = (
        b'{"drug_id":%b,"name":%b,"slot":%d,"daily_mg":%b,"flags":%b,"critical":%b,"alternative":%b,"status":"%b"}'
        % (
            quoted,
            orjson.dumps(name),
            slot,
            orjson.dumps(round(dose, 4)) if dose else b"null",
            _FLAG_LISTS[flags],
            b"true" if critical else b"false",
            orjson.dumps(other),
            b"taken" if done is None else STATUSES[done].encode(),
        )
    )
    return shown, _escaped(medicine_line(slot, name, dose, flags, critical, other_name, done))


def _escaped(text: str) -> bytes:
    """Text as it stands inside a JSON string."""
    return orjson.dumps(text)[1:-1]


_NOTHING = _escaped(NOTHING)
_PAIRS_OPEN, _KINDS_OPEN = b',"legal_actions":{"query_ddi":{', b'},"propose_intervention":{'
_FINISH_OPEN = b'},"finish_review":true}'
_CLOSED = (_PAIRS_OPEN, _KINDS_OPEN, b'},"finish_review":false}')
_KIND_LISTS = {
    bytes(kinds >> bit & 1 for bit in range(INTERVENTIONS)): orjson.dumps(
        [name for bit, name in enumerate(INTERVENTION_NAMES) if kinds >> bit & 1]
    )
    for kinds in range(1, 1 << INTERVENTIONS)
} | {bytes(INTERVENTIONS): b""}
_FLAG_LISTS = [
    orjson.dumps([kind.value for bit, kind in enumerate(FLAG_KINDS) if flags >> bit & 1])
    for flags in range(1 << len(FLAG_KINDS))
]
