"""Who is reviewed."""

import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from polypharmacy.knowledge.predicate import LabName
from polypharmacy.patients.medication import Medication
from polypharmacy.patients.renal_function import ckd_epi_2021, cockcroft_gault

Sex = Literal["female", "male"]
ChildPugh = Literal["A", "B", "C"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class RecordedCondition(_Part):
    """A problem as it stands in the record, and the condition ids it means (none: not recognised)."""

    text: str
    ids: tuple[str, ...] = ()


class Lab(_Part):
    """A measurement in the unit of its `LabName`."""

    value: float
    date: datetime.date | None = None


class Allergy(_Part):
    """A recorded allergy or intolerance and the ingredients it names (none: not recognised)."""

    text: str
    ingredients: tuple[str, ...] = ()
    reaction: str | None = None


class Unresolved(_Part):
    """A medicine that was written and is not known; `nearest` are known names that look like it."""

    text: str
    nearest: tuple[str, ...] = ()


class Note(_Part):
    """Something that was read otherwise than it stood, or set aside, and where."""

    where: str
    message: str


class Patient(_Part):
    """A person, their medicines, and what could not be read.

    age in years, egfr in mL/min/1.73 m2, creatinine in mg/dL, weight in kg, height in cm. `conditions_complete` says
    that a problem list was given: a condition it lacks is then absent, otherwise, and while any problem on it is not
    recognised, unknown. `mentions` counts the medicines written down; every one is in `medications` or `unresolved`.
    """

    id: str | None = None
    age: int | None = Field(default=None, ge=0, le=130)
    sex: Sex | None = None
    conditions: tuple[RecordedCondition, ...] = ()
    conditions_complete: bool = False
    measured_egfr: float | None = Field(default=None, gt=0, le=250)
    measured_crcl: float | None = Field(default=None, gt=0, le=250)
    creatinine: float | None = Field(default=None, gt=0, le=40)
    weight: float | None = Field(default=None, gt=0, le=500)
    height: float | None = Field(default=None, gt=0, le=280)
    child_pugh: ChildPugh | None = None
    labs: dict[LabName, Lab] = {}
    allergies: tuple[Allergy, ...] = ()
    phenotypes: dict[str, str] = {}
    medications: tuple[Medication, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    mentions: int = Field(default=0, ge=0)
    notes: tuple[Note, ...] = ()

    @property
    def condition_ids(self) -> frozenset[str]:
        """Condition ids of the problem list and of the reasons stated for medicines."""
        recorded = {c for row in self.conditions for c in row.ids}
        return frozenset(recorded.union(*(m.indication for m in self.medications)))

    @property
    def egfr(self) -> float | None:
        """The reported eGFR, else CKD-EPI 2021 from creatinine, age and sex, in mL/min/1.73 m2."""
        if self.measured_egfr is not None:
            return self.measured_egfr
        if self.creatinine is None or self.age is None or self.sex is None or self.age < 18:
            return None
        return ckd_epi_2021(self.creatinine, self.age, self.sex)

    @property
    def crcl(self) -> float | None:
        """The stated creatinine clearance, else Cockcroft-Gault from creatinine, age, sex and weight, in mL/min."""
        if self.measured_crcl is not None:
            return self.measured_crcl
        if self.creatinine is None or self.age is None or self.sex is None or self.weight is None:
            return None
        return cockcroft_gault(self.creatinine, self.age, self.sex, self.weight)
