"""What a stored review's actions are played on: a patient's review, or an episode of a task."""

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import orjson

from polypharmacy.env.bank import Bank
from polypharmacy.env.episode import Episode, reward_parts
from polypharmacy.env.layout import MINOR, MODERATE, NONE, SEVERE
from polypharmacy.env.openenv.models import InterventionType, PolypharmacyAction, SeverityWord
from polypharmacy.env.openenv.observer import Observer
from polypharmacy.knowledge import Knowledge
from polypharmacy.knowledge.vocabulary import Action
from polypharmacy.patients import Patient
from polypharmacy.review.session import Decision, Refused, ReviewSession, Standing

KINDS: dict[InterventionType, Action] = {
    "stop": Action.STOP,
    "dose_reduce": Action.REDUCE,
    "substitute": Action.SWITCH,
    "add_monitoring": Action.MONITOR,
}
"""The environment's word for each action of a review."""


_WORDS: dict[int, SeverityWord] = {NONE: "none", MINOR: "minor", MODERATE: "moderate", SEVERE: "severe"}


class Outcome(NamedTuple):
    """What an action brought. In a patient's review `points_off` (of regimen risk); in a task the raw reward, what a
    query found, why the action counted as invalid, the grade at the end, and the parts that sum to the reward.
    """

    points_off: int | None = None
    reward: float | None = None
    found: SeverityWord | None = None
    problem: str | None = None
    grade: float | None = None
    parts: Mapping[str, float] = MappingProxyType({})


class Play(Protocol):
    """A review that actions are played on."""

    may_undo_any: bool
    """Whether any action may be taken back, or the last one alone."""

    @property
    def done(self) -> bool:
        """Whether the review is finished."""

    def fresh(self) -> "Play":
        """The same review before any action."""

    def act(self, action: PolypharmacyAction) -> Outcome:
        """Play an action. Raises Refused for one that is not open."""

    def digest(self) -> str:
        """SHA-256 of the whole state, in hex: equal for equal sources and actions on every machine."""


class PatientPlay:
    """A patient's review: everything is shown, every medicine may have an intervention."""

    may_undo_any = True

    def __init__(self, session: ReviewSession) -> None:
        self.session = session
        self.decisions: tuple[Decision, ...] = ()
        self.standing: Standing = session.after(())
        self.done = False

    def fresh(self) -> "PatientPlay":
        return PatientPlay(self.session)

    def act(self, action: PolypharmacyAction) -> Outcome:
        if self.done:
            raise Refused("the review is finished: undo its last action to go on")
        if action.action_type == "finish_review":
            self.done = True
            return Outcome()
        if action.target_drug_id is None or action.intervention_type is None:
            raise Refused("nothing needs to be asked: a patient's review shows every pair")
        kind = KINDS[action.intervention_type]
        decision = self.session.decide(self.decisions, action.target_drug_id, kind, action.proposed_new_drug_id)
        before = self.standing.points
        self.decisions = (*self.decisions, decision)
        self.standing = self.session.after(self.decisions)
        return Outcome(points_off=before - self.standing.points)

    def digest(self) -> str:
        standing = self.standing
        found = sorted((f.id, f.severity.value, f.mask) for f in (*standing.findings, *standing.brought))
        decisions = [[d.slot, d.action.value, d.replacement, d.route and d.route.value] for d in self.decisions]
        return _sha(
            {
                "knowledge": self.session.knowledge.hash,
                "drugs": [[s.drug, s.route.value, s.daily_mg, s.days, list(s.indication)] for s in standing.everyone],
                "decisions": decisions,
                "done": self.done,
                "components": standing.components,
                "findings": found,
                "plan": [[s.action.value, s.drug, s.replacement, s.risk_drop] for s in self.session.review.plan],
            }
        )


class TaskPlay:
    """An episode of a task under its budgets: only what was asked is shown. The last action alone can be taken back,
    and none once the episode was graded.
    """

    may_undo_any = False

    def __init__(
        self, bank: Bank, split: str, index: int, review_id: str, knowledge: Knowledge, backend: str = "python"
    ) -> None:
        self._made_of = (bank, split, index, review_id, knowledge, backend)
        self.task, self.split, self.index = bank.task, split, index
        self.episode = Episode(bank, index, backend)
        self.observer = Observer(self.episode, review_id, knowledge)
        self.total = 0.0
        self.grade: float | None = None
        self.last = Outcome()

    @property
    def done(self) -> bool:
        return self.episode.done

    def fresh(self) -> "TaskPlay":
        return TaskPlay(*self._made_of)

    def act(self, action: PolypharmacyAction) -> Outcome:
        if self.done:
            raise Refused("the episode has ended and was graded: open another review")
        number, unknown = self.observer.number(action)
        played = self.episode.step(number)
        self.observer.played(number, played)
        self.total += played.reward
        self.grade = played.grade
        found = _WORDS[played.found] if played.found is not None else None
        _, parts = reward_parts(played)
        self.last = Outcome(None, played.reward, found, unknown or played.problem, played.grade, parts)
        return self.last

    def digest(self) -> str:
        return hashlib.sha256(self.episode.digest_bytes()).hexdigest()

    def observation(self) -> dict[str, Any]:
        """The observation as OpenEnv's face gives it."""
        held: dict[str, Any] = orjson.loads(self.observer.payload(b"{}", b"null"))["observation"]
        return held


def patient_play(source: str, knowledge: Knowledge) -> PatientPlay:
    """The review of a stored patient."""
    return PatientPlay(ReviewSession(Patient.model_validate_json(source), knowledge))


def patient_source(patient: Patient) -> str:
    """A patient as it is stored."""
    return patient.model_dump_json()


def _sha(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
