"""What of a person is seen without looking into the chart."""

from polypharmacy.patients.patient import Patient
from polypharmacy.patients.synthetic.chart import load_chart

KIDNEY_CATEGORIES = ((60.0, 75.0), (45.0, 52.0), (30.0, 37.0), (15.0, 22.0), (0.0, 10.0))
"""KDIGO 2012 eGFR categories in mL/min/1.73 m2: the lower end of each (60 and over taken together) and the value that
stands for it."""


def kidney_category(egfr: float | None) -> int:
    """0 (eGFR 60 and over, or not known), 1 (45-59), 2 (30-44), 3 (15-29), 4 (below 15)."""
    if egfr is None:
        return 0
    return next(i for i, (low, _) in enumerate(KIDNEY_CATEGORIES) if egfr >= low)


def visible_patient(patient: Patient) -> Patient:
    """The person with everything an agent does not see taken out, and eGFR replaced by the middle of its category.

    Left: age, sex, conditions that are not bleeding history and the like, Child-Pugh class, medicines with dose, route
    and indication. Gone: exact organ function, weight, labs, phenotypes, durations.
    """
    hidden = load_chart().hidden_conditions
    egfr = patient.egfr if patient.egfr is not None else patient.crcl
    middle = None if egfr is None else KIDNEY_CATEGORIES[kidney_category(egfr)][1]
    return Patient.model_construct(
        age=patient.age,
        sex=patient.sex,
        conditions=tuple(c for c in patient.conditions if hidden.isdisjoint(c.ids)),
        conditions_complete=False,
        measured_egfr=middle,
        child_pugh=patient.child_pugh,
        allergies=patient.allergies,
        medications=tuple(m.model_copy(update={"days": None, "since": None}) for m in patient.medications),
        mentions=patient.mentions,
    )
