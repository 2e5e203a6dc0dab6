"""What goes over the wire of /reviews: what opens one, and how one is shown."""

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from polypharmacy.env.openenv.models import (
    DrugId,
    InterventionType,
    LegalActions,
    PolypharmacyAction,
    PolypharmacyObservation,
    SeverityWord,
    SplitName,
    TaskId,
)
from polypharmacy.env.tasks import TASKS
from polypharmacy.knowledge.predicate import LabName
from polypharmacy.knowledge.vocabulary import Action, Kind, Route, Severity
from polypharmacy.patients.patient import ChildPugh, Sex

Text = Annotated[str, Field(min_length=1, max_length=200)]
Points = Annotated[int, Field(description="regimen risk, in integer points")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


# -- what opens a review ------------------------------------------------------------------------


class PatientText(_Model):
    """A list of medicines, as text or CSV, and facts that go before what the text itself says."""

    text: str = Field(min_length=1, description="one medicine a line, or a table with a column 'drug'")
    age: int | None = Field(default=None, ge=0, le=130, description="years")
    sex: Sex | None = None
    egfr: float | None = Field(default=None, ge=1, le=250, description="mL/min/1.73 m2")
    creatinine: float | None = Field(default=None, ge=0.1, le=40, description="mg/dL")
    weight: float | None = Field(default=None, ge=20, le=400, description="kg")
    child_pugh: ChildPugh | None = None
    conditions: list[Text] | None = Field(default=None, max_length=200, description="the problem list; []: none")
    allergies: list[Text] = Field(default=[], max_length=100)
    labs: dict[LabName, float] = Field(default={}, description="potassium, sodium (mmol/L), qtc (ms), ...")
    phenotypes: dict[Text, Text] = Field(default={}, description="gene to phenotype, in CPIC's words", max_length=50)


class FhirResource(BaseModel):
    """A FHIR R4 Bundle, or one resource."""

    model_config = ConfigDict(extra="allow")

    resourceType: str = Field(max_length=64)  # FHIR's own name


def _sort_of_patient(value: Any) -> str | None:
    if isinstance(value, str):
        return "list"
    if isinstance(value, FhirResource) or (isinstance(value, dict) and "resourceType" in value):
        return "fhir"
    return "facts" if isinstance(value, dict | PatientText) else None


PatientInput = Annotated[
    Annotated[str, Tag("list")] | Annotated[PatientText, Tag("facts")] | Annotated[FhirResource, Tag("fhir")],
    Discriminator(
        _sort_of_patient,
        custom_error_type="patient",
        custom_error_message="patient is a text, an object with 'text', or FHIR R4 (an object with 'resourceType')",
    ),
]


class OpenReview(_Model):
    """What is to be reviewed: a patient, or an episode of a task (an index is drawn where none is given)."""

    @model_validator(mode="before")
    @classmethod
    def _readable(cls, value: Any) -> Any:
        """Half a character, which JSON lets through, becomes a question mark: it could not be stored."""
        try:
            return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
        except RecursionError:
            raise ValueError("nested too deeply") from None

    patient: PatientInput | None = None
    task_id: TaskId | None = None
    split: SplitName | None = None
    index: int | None = Field(default=None, ge=0, le=1_000_000)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.patient is None) == (self.task_id is None):
            raise ValueError(f"give either patient or task_id (one of {', '.join(TASKS)})")
        if self.patient is not None and (self.split is not None or self.index is not None):
            raise ValueError("split and index go with task_id")
        return self


class UndoRequest(_Model):
    """Which action to take back; none: the last that stands."""

    sequence: int | None = Field(default=None, ge=1, le=1_000_000)


# -- how a review is shown ----------------------------------------------------------------------


class KnowledgeView(_Model):
    version: str
    hash: str


class TimelineRow(_Model):
    """One row of the journal: an action (`action`), or the taking back of action `undoes`.

    `points_off` is what a decision took off a patient's regimen risk; a task gives `reward`, what a query `found`, and
    in `error` why an action counted as invalid.
    """

    sequence: int
    at: datetime
    action: PolypharmacyAction | None = None
    undoes: int | None = None
    taken_back: bool = False
    points_off: Points | None = None
    reward: float | None = None
    parts: dict[str, float] = Field(default={}, description="of the reward: they sum to it")
    found: SeverityWord | None = None
    error: str | None = None
    digest: str = Field(description="SHA-256 of the state after it")


class _Review(_Model):
    id: str
    opened_at: datetime
    knowledge: KnowledgeView
    sequence: int = Field(ge=0, description="of the last action; send it as expected_sequence with the next one")
    digest: str = Field(description="SHA-256 of the state now")
    timeline: list[TimelineRow]
    can_undo: list[int] = Field(description="sequences that can be taken back now, newest first")


class FindingView(_Model):
    """One finding. `severity_now` is what decisions leave of `severity`; `eased`: a reduction or monitoring counts."""

    id: str
    kind: Kind
    severity: Severity
    severity_now: Severity
    eased: bool
    serious: bool
    drugs: list[str]
    slots: list[int] = Field(description="of the medicines it is about")
    message: str
    mechanism: str
    management: str
    evidence: str
    sources: list[str]
    interrupts: bool
    also: list[str]
    alternatives: list[str]
    would_change: list[str]
    second_reader: bool


class AlternativeView(_Model):
    """What the knowledge base lists instead of a medicine; any other known drug may be proposed too."""

    drug: str
    name: str
    route: Route
    why: str
    suits: bool = Field(
        description="serves all that the medicine is taken for in this patient, and no allergy names it"
    )


class DecisionView(_Model):
    sequence: int = Field(description="of its action")
    intervention_type: InterventionType
    new_drug_id: str | None = None
    rationale: str | None = None
    unserved: list[str] = Field(default=[], description="what the replacement is not known to treat: counted as unmet")


class MedicineView(_Model):
    """A medicine, in the order in which to deal with them. `priority`: urgent (a change for a serious finding), change,
    monitor, keep. `drug_id`, `name`, `acb` and the like are those of what the slot holds now; `written` is the list's.
    """

    drug_id: DrugId
    name: str
    slot: int
    was: str | None = Field(default=None, description="the ingredient that a replacement took the place of")
    written: list[str]
    dose: str = Field(description="as it was understood; empty: not stated")
    daily_mg: float | None
    route: Route
    taken_for: list[str]
    status: Literal["taken", "stopped", "dose_reduced", "substituted", "monitored"]
    decision: DecisionView | None
    priority: Literal["urgent", "change", "monitor", "keep"]
    why: str
    worst: Severity | None = Field(description="of the findings about it now; null: none found")
    proposed: InterventionType | None = Field(description="what the plan does with it")
    proposed_drug: str | None
    critical: bool
    taper: str | None
    monitoring: str | None
    restart: str | None
    burdens: dict[str, int] = Field(description="what it adds to each burden")
    alternatives: list[AlternativeView]
    fully_reviewed: bool


class PairView(_Model):
    """A pair with something found: its findings' lead. `word` is the environment's."""

    slots: tuple[int, int]
    drug_ids: tuple[str, str]
    severity: Severity
    severity_now: Severity
    word: SeverityWord
    kind: Kind
    id: str
    effect: str
    mechanism: str
    management: str
    second_reader: bool


class BurdenView(_Model):
    id: str
    message: str
    total_before: int
    total: int
    threshold: int
    reached: bool
    by_slot: dict[int, int]
    management: str


class PlanStepView(_Model):
    """A step of the plan that the review proposes for the list as it was read."""

    action: Action
    drug: str
    drug_id: DrugId | None
    slot: int | None
    replacement: str | None
    replacement_route: Route | None
    risk_drop: Points
    reason: str
    how: str
    cost: str
    taper: str | None
    findings: list[str]
    decided: bool = Field(description="whether its medicine has had a decision")


class RiskAt(_Model):
    total: Points
    components: dict[str, int] = Field(description="points by kind of finding, and of unmet need")
    displayed: float = Field(
        ge=0, le=1, description="min(1, total / (scale x drugs)): this project's scale, no probability"
    )


class RiskView(_Model):
    before: RiskAt
    after: RiskAt
    after_plan: RiskAt


class LabView(_Model):
    value: float
    date: date | None


class ConditionView(_Model):
    text: str
    ids: list[str]


class AllergyView(_Model):
    text: str
    reaction: str | None


class MedicationRead(_Model):
    text: str
    ingredient: str
    dose: float | None
    unit: str | None
    per_day: float | None
    daily_mg: float | None
    route: Route
    as_needed: bool
    indication: list[str]


class PatientView(_Model):
    """Who is reviewed, as it was understood."""

    id: str | None
    age: int | None
    sex: Sex | None
    conditions: list[ConditionView]
    egfr: float | None
    creatinine_clearance: float | None
    child_pugh: ChildPugh | None
    weight: float | None
    labs: dict[str, LabView]
    allergies: list[AllergyView]
    phenotypes: dict[str, str]
    medications: list[MedicationRead]


class UnresolvedView(_Model):
    text: str
    nearest: list[str]


class CoverageView(_Model):
    mentions: int
    resolved: int
    unresolved: list[UnresolvedView]
    allergies_not_recognised: list[str]
    conditions_not_recognised: list[str]
    not_fully_reviewed: list[str]


class AllergyConflictView(_Model):
    allergy: str
    drug: str
    reaction: str | None


class NotEvaluatedView(_Model):
    id: str
    needs: list[str]


class NoteView(_Model):
    where: str
    message: str


class PatientReviewView(_Review):
    """A patient's review: everything is shown.

    `findings` are left of what was found on the list as it was read, `brought` come with replacements, `resolved` are
    gone by what was decided; `arising` are what a fresh review of the new list adds, which the risk does not count.
    A pair that `pairs` does not hold: see `other_pairs`.
    """

    kind: Literal["patient"] = "patient"
    finished: bool
    patient: PatientView
    coverage: CoverageView
    answer: str
    statement: str
    medicines: list[MedicineView]
    pairs: list[PairView]
    other_pairs: str
    burdens: list[BurdenView]
    findings: list[FindingView]
    brought: list[FindingView]
    resolved: list[FindingView]
    arising: list[FindingView]
    plan: list[PlanStepView]
    risk: RiskView
    allergy_conflicts: list[AllergyConflictView]
    not_evaluated: list[NotEvaluatedView]
    notes: list[NoteView]
    legal_actions: LegalActions


class TaskReviewView(_Review):
    """The review of an episode: only what was asked. `undone` counts what was taken back: a grade with any is not one
    of the task's own.
    """

    kind: Literal["task"] = "task"
    finished: bool
    task_id: TaskId
    split: SplitName
    index: int
    query_budget: int
    intervention_budget: int
    step_budget: int
    observation: PolypharmacyObservation
    raw_return: float
    grade: float | None
    undone: int


class ClosedReviewView(_Review):
    """A review that can be read, not continued: `problem` says why."""

    kind: Literal["closed"] = "closed"
    problem: str
    patient: PatientView | None
    task_id: TaskId | None
    split: SplitName | None
    index: int | None


ReviewView = Annotated[PatientReviewView | TaskReviewView | ClosedReviewView, Field(discriminator="kind")]


class ReviewRow(_Model):
    """A review in the list."""

    id: str
    opened_at: datetime
    kind: Literal["patient", "task"]
    sequence: int
    knowledge: KnowledgeView
    continues: bool = Field(description="false: made with another knowledge base; it can be read only")
    age: int | None = None
    sex: Sex | None = None
    medicines: int | None = None
    task_id: TaskId | None = None
    split: SplitName | None = None
    index: int | None = None


class ReviewList(_Model):
    """The newest first; ask again with before=next for more (null: these are the last)."""

    reviews: list[ReviewRow]
    next: int | None


class PatientReport(_Model):
    """The report of `polypharmacy review --json`, and what was decided."""

    report: dict[str, Any]
    decided: PatientReviewView
