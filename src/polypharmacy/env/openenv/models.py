"""What goes over the wire: the action, the observation and the state of OpenEnv."""

from typing import Annotated, Any, Literal, Self

from openenv.core.env_server.types import Action, Observation, State
from pydantic import BaseModel, ConfigDict, Field, model_validator

ActionType = Literal["query_ddi", "propose_intervention", "finish_review"]
InterventionType = Literal["stop", "dose_reduce", "substitute", "add_monitoring"]
TaskId = Literal["easy_screening", "budgeted_screening", "complex_tradeoff"]
SplitName = Literal["train", "validation", "test", "unseen_drugs"]
SeverityWord = Literal["none", "minor", "moderate", "severe"]
DrugId = Annotated[str, Field(min_length=1, max_length=120)]
"""An ingredient's id (`warfarin`); the second medicine of one ingredient on a list has its slot behind it
(`timolol#7`)."""

_NAMES = ("drug_id_1", "drug_id_2", "target_drug_id", "intervention_type", "proposed_new_drug_id")
_FIELDS: dict[str, list[str]] = {
    "query_ddi": ["drug_id_1", "drug_id_2"],
    "propose_intervention": ["target_drug_id", "intervention_type"],
    "finish_review": [],
}


class PolypharmacyAction(Action):
    """One action: which fields it needs follows from `action_type`; a field of another type of action is refused.

    query_ddi: drug_id_1, drug_id_2. propose_intervention: target_drug_id, intervention_type and, for a substitute, if
    wanted, proposed_new_drug_id (in a scored episode it must be the listed alternative). `rationale` is kept, never
    judged.
    """

    action_type: ActionType
    drug_id_1: DrugId | None = None
    drug_id_2: DrugId | None = None
    target_drug_id: DrugId | None = None
    intervention_type: InterventionType | None = None
    proposed_new_drug_id: DrugId | None = None
    rationale: str | None = Field(default=None, max_length=4000)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        given = [name for name in _NAMES if self.__dict__[name] is not None]
        needed = _FIELDS[self.action_type]
        if given != needed:
            missing = [name for name in needed if name not in given]
            if missing:
                raise ValueError(f"{self.action_type} needs {' and '.join(missing)}")
            allowed = [*needed, "proposed_new_drug_id"] if self.intervention_type == "substitute" else needed
            extra = [name for name in given if name not in allowed]
            if extra:
                raise ValueError(f"{self.action_type} takes no {' and no '.join(extra)}")
        if self.action_type == "query_ddi" and self.drug_id_1 == self.drug_id_2:
            raise ValueError("query_ddi names two different medicines")
        return self


class ResetOptions(BaseModel):
    """What reset takes. Without index a case is drawn by seed (at random: None) among the first 256; without task_id,
    index is that of OpenEnv's task list (task index // size, case index % size), else the case within the task. What is
    not known is ignored and listed in the observation's metadata.
    """

    model_config = ConfigDict(extra="allow")

    seed: int | None = Field(default=None, ge=0)
    episode_id: str | None = Field(default=None, min_length=1, max_length=255)
    task_id: TaskId | None = None
    split: SplitName | None = None
    index: int | None = Field(default=None, ge=0)
    patient: dict[str, Any] | str | None = Field(
        default=None, description="a FHIR R4 resource or Bundle, or a medication list as text or CSV"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.patient is not None and (self.split is not None or self.index is not None):
            raise ValueError("a patient is given: leave out split and index")
        return self


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MedicationView(_Part):
    """A medicine as it is seen. `status` is that of its slot; a substituted one shows its replacement."""

    drug_id: str
    name: str
    slot: int = Field(ge=0, le=14)
    daily_mg: float | None = Field(default=None, description="mg a day; null: not known")
    flags: list[Literal["beers", "renal", "hepatic"]] = []
    critical: bool = False
    alternative: str | None = Field(default=None, description="the substitute that would take its place")
    status: Literal["taken", "stopped", "dose_reduced", "substituted", "monitored"] = "taken"


class InteractionQuery(_Part):
    """A pair that was asked, and what the chart said."""

    drug_id_1: str
    drug_id_2: str
    severity: SeverityWord


class InterventionMade(_Part):
    """An intervention that was made."""

    target_drug_id: str
    intervention_type: InterventionType
    new_drug_id: str | None = None


class LegalActions(_Part):
    """What is open now: the partners each medicine can still be asked with (each pair once), the interventions each
    medicine can have, and whether the review can be finished.
    """

    query_ddi: dict[str, list[str]] = {}
    propose_intervention: dict[str, list[InterventionType]] = {}
    finish_review: bool = False


class PolypharmacyObservation(Observation):
    """What is seen of an episode, and what was asked. `shaped_reward` and `reward` lie in [0.001, 0.999] (null after a
    reset); metadata has raw_reward, reward_parts, error (null, or why an action counted as invalid) and, at the end,
    grade; after a reset, `ignored` (options that are not known) and, of a given patient, `not_read` and `notes`.
    """

    episode_id: str
    task_id: TaskId
    age: int | None = Field(description="years; null: not known")
    sex: Literal["female", "male"] | None = Field(description="null: not known")
    conditions: list[str]
    eGFR_category: Literal["G1-G2 or not known", "G3a", "G3b", "G4", "G5"]  # the field's own name
    liver_function_category: Literal["not known", "Child-Pugh A", "Child-Pugh B", "Child-Pugh C"]
    current_medications: list[MedicationView]
    interaction_queries: list[InteractionQuery]
    interventions: list[InterventionMade]
    remaining_query_budget: int = Field(ge=0)
    remaining_intervention_budget: int = Field(ge=0)
    remaining_steps: int = Field(ge=0)
    shaped_reward: float | None = None
    legal_actions: LegalActions
    text: str


class PolypharmacyState(State):
    """Where an episode stands; nothing that was not asked for. `grade` only once it has ended."""

    task_id: TaskId | None = None
    split: SplitName | Literal["given"] | None = None
    index: int | None = None
    done: bool = False
    raw_return: float = 0.0
    grade: float | None = None
    remaining_query_budget: int = 0
    remaining_intervention_budget: int = 0
    remaining_steps: int = 0
    knowledge_version: str = ""
    knowledge_hash: str = ""
