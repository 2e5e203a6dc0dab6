"""A rule between drugs, classes or properties, from which pairs follow."""

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from polypharmacy.knowledge.model import Row
from polypharmacy.knowledge.predicate import Predicate
from polypharmacy.knowledge.selector import Selector
from polypharmacy.knowledge.vocabulary import Evidence, ReviewStatus, Role, Severity

Harm = Literal[
    "bleeding",
    "thrombosis",
    "falls",
    "sedation",
    "delirium",
    "anticholinergic",
    "respiratory_depression",
    "serotonin_syndrome",
    "qt_prolongation",
    "bradycardia",
    "hypotension",
    "hypertension",
    "heart_failure",
    "hyperkalaemia",
    "hypokalaemia",
    "hyponatraemia",
    "hypercalcaemia",
    "kidney_injury",
    "hypoglycaemia",
    "hyperglycaemia",
    "myopathy",
    "myelosuppression",
    "hepatotoxicity",
    "seizure",
    "toxicity",
    "loss_of_effect",
    "gi_ulcer",
    "urinary_retention",
    "incontinence",
    "extrapyramidal",
    "fracture",
    "infection",
    "lactic_acidosis",
    "ketoacidosis",
    "gout",
    "mortality",
    "other",
]

ACTION = re.compile(r"^(stop|reduce|switch|monitor) (subject|object)$")


class Modifier(Row):
    """When `when` is known to hold, the severity is this one. The first that holds decides."""

    when: Predicate
    severity: Severity
    why: str = Field(min_length=1)


class InteractionRule(Row):
    """One rule of interactions.yaml, between `subject`, `object` and each of `others`.

    `severity` holds until a modifier is known to hold. `actions` are what a reviewer would do, in
    order of preference, as "stop subject"; `dose_matters` names the drugs whose reduction helps. `cascade` marks a
    prescribing cascade: the object may be treating what the subject has caused. `read_against` names the sources whose
    text a second reader had open; with none the row was read from knowledge of its sources only.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    subject: Selector
    object: Selector
    others: tuple[Selector, ...] = ()
    cascade: bool = False
    when: Predicate | None = None
    severity: Severity
    nature: Literal["PK", "PD"]
    harm: Harm
    mechanism: str = Field(min_length=1)
    effect: str = Field(min_length=1)
    management: str = Field(min_length=1)
    modifiers: tuple[Modifier, ...] = ()
    dose_matters: tuple[Role, ...] = ()
    actions: tuple[str, ...] = Field(min_length=1)
    alternatives: tuple[str, ...] = ()
    evidence: Evidence
    sources: tuple[str, ...] = Field(min_length=1)
    review_status: ReviewStatus = "unreviewed"
    read_against: tuple[str, ...] = ()

    @field_validator("actions")
    @classmethod
    def _actions(cls, actions: tuple[str, ...]) -> tuple[str, ...]:
        for action in actions:
            if not ACTION.match(action):
                raise ValueError(f"{action!r} is not '<stop|reduce|switch|monitor> <subject|object>'")
        return actions

    @model_validator(mode="after")
    def _reduce_needs_dose_matters(self) -> Self:
        for action in self.actions:
            verb, role = action.split()
            if verb == "reduce" and role not in self.dose_matters:
                raise ValueError(f"{action!r} needs {role} in dose_matters")
        return self
