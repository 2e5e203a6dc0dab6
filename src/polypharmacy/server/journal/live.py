"""Reviews in memory, rebuilt from the journal by replay and never ahead of it."""

import json
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from polypharmacy.env.bank import Bank
from polypharmacy.env.openenv.models import PolypharmacyAction
from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import Patient
from polypharmacy.review.session import Refused
from polypharmacy.server.journal.journal import Journal, NoReview, SequenceTaken, StoredAction, StoredReview, now
from polypharmacy.server.journal.plays import Outcome, Play, TaskPlay, patient_play, patient_source

KEPT = 256
"""Reviews kept in memory; the others are replayed when they are asked for."""
TRIES = 20
"""How often an action is tried again when another process was quicker."""

BankFor = Callable[[str, str, int, float], Bank]
"""A bank of a task and split that has case `index`; what is not there after some seconds raises BankNotReady."""
BANK_TIMEOUT = 20.0


class Conflict(RuntimeError):
    """What was asked does not fit where the review stands: one sentence that says why and what to do."""


class ReadOnly(Conflict):
    """The review can be read, not continued: it cannot be rebuilt exactly as it was."""


@dataclass
class Entry:
    """One line of a review's timeline: an action with what it brought, or the taking back of action `undoes`."""

    stored: StoredAction
    action: PolypharmacyAction | None
    undoes: int | None
    outcome: Outcome
    taken_back: bool = False


@dataclass
class Live:
    """A review as its journal says. `problem`: why it can be read only; `play` is then None."""

    stored: StoredReview
    play: Play | None
    problem: str | None = None
    entries: list[Entry] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    dropped: bool = False
    """Whether it may be ahead of the journal: whoever waited for it must take it anew."""

    @property
    def sequence(self) -> int:
        return len(self.entries)

    @property
    def digest(self) -> str:
        return self.entries[-1].stored.digest if self.entries else self.stored.digest

    @property
    def standing(self) -> list[Entry]:
        """Actions that were not taken back."""
        return [e for e in self.entries if e.action is not None and not e.taken_back]

    @property
    def undone(self) -> int:
        return sum(e.undoes is not None for e in self.entries)

    def add(self, entry: Entry) -> None:
        """One line more."""
        self.entries.append(entry)
        if entry.undoes is not None:
            self.entries[entry.undoes - 1].taken_back = True

    def can_undo(self) -> list[int]:
        """The sequences of actions that can be taken back now, newest first."""
        if self.play is None:
            return []
        if self.play.may_undo_any:
            return [e.stored.sequence for e in reversed(self.standing)]
        return [self.standing[-1].stored.sequence] if self.standing and not self.play.done else []


class Reviews:
    """The reviews of a journal. Every method may be called from any thread; an action is acknowledged (its method
    returns) only once it is committed. Raises NoReview, Refused, Conflict, ReadOnly, and DatabaseProblem.
    """

    def __init__(self, journal: Journal, knowledge: Knowledge, bank_for: BankFor, backend: str = "python") -> None:
        self.journal = journal
        self.knowledge = knowledge
        self._bank_for = bank_for
        self._backend = backend
        self._live: OrderedDict[str, Live] = OrderedDict()
        self._lock = threading.Lock()

    def open_patient(self, patient: Patient) -> str:
        """Open a patient's review; its id."""
        source = patient_source(patient)
        return self._open("patient", source)

    def open_task(self, task: str, split: str, index: int) -> str:
        """Open the review of an episode; its id. Raises ValueError for what is no task, split or index."""
        return self._open("task", json.dumps({"task_id": task, "split": split, "index": index}))

    @contextmanager
    def reading(self, review_id: str) -> Iterator[Live]:
        """The review as the journal has it now, held still for as long as it is used."""
        while True:
            live = self._held(review_id)
            with live.lock:
                if not live.dropped:
                    self._catch_up(live)
                    yield live
                    return

    def acting(
        self, review_id: str, action: PolypharmacyAction, *, expected: int | None = None, key: str | None = None
    ) -> AbstractContextManager[Live]:
        """Play one action and record it; the review with it, held still. `expected` is the sequence that the client
        last saw; with `key`, an action that was recorded under it already is not played again.
        """
        content = action.model_dump(exclude_none=True, exclude={"metadata"})
        body = json.dumps(content, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace").decode()
        return self._appending(review_id, "act", body, expected, key)

    def undoing(
        self, review_id: str, target: int | None = None, *, expected: int | None = None, key: str | None = None
    ) -> AbstractContextManager[Live]:
        """Take back action `target` (None: the last that stands) and record that; the review after it, held still."""
        return self._appending(review_id, "undo", json.dumps({"undo": target}), expected, key)

    def delete(self, review_id: str) -> None:
        """Delete a review for good."""
        self.journal.delete(review_id)
        with self._lock:
            self._live.pop(review_id, None)

    # -- writing ----------------------------------------------------------------------------

    def _open(self, kind: str, source: str) -> str:
        id_ = str(uuid.uuid4())
        play = self._play(kind, source, id_)
        stored = StoredReview(
            id=id_,
            opened_at=now(),
            kind="patient" if kind == "patient" else "task",
            knowledge_version=self.knowledge.version,
            knowledge_hash=self.knowledge.hash,
            source=source,
            digest=play.digest(),
        )
        self.journal.open(stored)
        self._keep(Live(stored, play))
        return id_

    @contextmanager
    def _appending(self, review_id: str, kind: str, body: str, expected: int | None, key: str | None) -> Iterator[Live]:
        for _ in range(TRIES):
            with self.reading(review_id) as live:
                held = next((e for e in live.entries if e.stored.key == key), None) if key is not None else None
                if held is not None:
                    _check_again(held, body)
                elif not self._append(live, kind, body, expected, key):
                    continue
                yield live
                return
        raise Conflict("other clients act on this review without a pause: read it again, then try again")

    def _append(self, live: Live, kind: str, body: str, expected: int | None, key: str | None) -> bool:
        """Play and record a row; False where another process was quicker."""
        if live.play is None:
            raise ReadOnly(str(live.problem))
        if expected is not None and expected != live.sequence:
            raise Conflict(
                f"the review stands at action {live.sequence}, not {expected}: read it again, then decide anew"
            )
        try:
            entry = self._apply(live, live.sequence + 1, now(), kind, body, key)
            self.journal.append(live.stored.id, entry.stored)
        except Refused:
            raise  # nothing has changed
        except SequenceTaken:
            self._drop(live)
            return False
        except BaseException:
            self._drop(live)  # what is in memory must not be ahead of the journal
            raise
        live.add(entry)
        return True

    def _apply(self, live: Live, sequence: int, at: datetime, kind: str, body: str, key: str | None) -> Entry:
        """Play one row. On Refused nothing has changed; on anything else `live` must be dropped."""
        assert live.play is not None
        content = json.loads(body)
        if kind == "act":
            action = PolypharmacyAction.model_validate(content)
            outcome = live.play.act(action)
            stored = StoredAction(sequence, at, "act", body, key, live.play.digest())
            return Entry(stored, action, None, outcome)
        target = content["undo"]
        possible = live.can_undo()
        if not possible:
            graded = live.play.done and not live.play.may_undo_any
            raise Refused("the episode was graded: open another review" if graded else "there is nothing to undo")
        if target is None:
            target = possible[0]
        elif target not in possible:
            raise Refused(f"action {target} cannot be undone; {', '.join(map(str, possible))} can")
        play = live.play.fresh()
        for entry in live.standing:
            if entry.stored.sequence != target and entry.action is not None:
                try:
                    play.act(entry.action)
                except Refused as error:
                    raise Refused(f"action {entry.stored.sequence} would not stand without it ({error})") from None
        live.play = play
        stored = StoredAction(sequence, at, "undo", json.dumps({"undo": target}), key, play.digest())
        return Entry(stored, None, target, Outcome())

    # -- replay -----------------------------------------------------------------------------

    def _play(self, kind: str, source: str, review_id: str) -> Play:
        if kind == "patient":
            return patient_play(source, self.knowledge)
        case: dict[str, Any] = json.loads(source)
        bank = self._bank_for(case["task_id"], case["split"], case["index"], BANK_TIMEOUT)
        return TaskPlay(bank, case["split"], case["index"], review_id, self.knowledge, self._backend)

    def _rebuilt(self, stored: StoredReview) -> Live:
        """A review before any action, or why it cannot be rebuilt."""
        if stored.knowledge_hash != self.knowledge.hash:
            return Live(
                stored,
                None,
                f"This review was made with knowledge base {stored.knowledge_version} ({stored.knowledge_hash}); this "
                f"server has {self.knowledge.version} ({self.knowledge.hash}). It can be read, not continued: open a "
                "new review of the patient.",
            )
        play = self._play(stored.kind, stored.source, stored.id)
        if play.digest() != stored.digest:
            return Live(stored, None, _differs(0))
        return Live(stored, play)

    def _catch_up(self, live: Live) -> None:
        """Play the rows that the journal has beyond what is in memory, and check each digest."""
        try:
            rows = self.journal.actions(live.stored.id, live.sequence)
        except NoReview:
            self._drop(live)
            raise
        for row in rows:
            content = json.loads(row.body)
            if live.play is None:
                action = PolypharmacyAction.model_validate(content) if row.kind == "act" else None
                entry = Entry(row, action, content.get("undo"), Outcome())
            else:
                try:
                    entry = self._apply(live, row.sequence, row.at, row.kind, row.body, row.key)
                except Refused:
                    entry = Entry(row, None, None, Outcome())
                if entry.stored.digest != row.digest:
                    live.play, live.problem = None, _differs(row.sequence)
                    action = PolypharmacyAction.model_validate(content) if row.kind == "act" else None
                    entry = Entry(row, action, content.get("undo"), Outcome())
                entry.stored = row
            live.add(entry)

    def _held(self, review_id: str) -> Live:
        """The review in memory, or rebuilt without its actions."""
        with self._lock:
            live = self._live.get(review_id)
            if live is not None:
                self._live.move_to_end(review_id)
                return live
        return self._keep(self._rebuilt(self.journal.review(review_id)))

    def _keep(self, live: Live) -> Live:
        with self._lock:
            held = self._live.setdefault(live.stored.id, live)
            while len(self._live) > KEPT:
                self._live.popitem(last=False)
            return held

    def _drop(self, live: Live) -> None:
        live.dropped = True
        with self._lock:
            if self._live.get(live.stored.id) is live:
                del self._live[live.stored.id]


def _check_again(held: Entry, body: str) -> None:
    """That a retry asks for what is recorded under its key."""
    asked, recorded = json.loads(body), json.loads(held.stored.body)
    if asked != recorded and not ("undo" in asked and "undo" in recorded and asked["undo"] is None):
        raise Conflict(f"this Idempotency-Key stands for action {held.stored.sequence}, another one: use a new key")


def _differs(sequence: int) -> str:
    where = "its beginning" if sequence == 0 else f"action {sequence}"
    return (
        f"The state rebuilt from the journal differs from the one recorded at {where}: this program counts otherwise "
        "than the one that made the review, or the journal was changed. It can be read, not continued: open a new "
        "review."
    )


__all__ = ["Conflict", "Entry", "Live", "NoReview", "ReadOnly", "Refused", "Reviews"]
