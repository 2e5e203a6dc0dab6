"""A person who looks the same from outside."""

import random

from polypharmacy.patients import Patient
from polypharmacy.patients.patient import Lab, RecordedCondition
from polypharmacy.patients.synthetic.chart import load_chart
from polypharmacy.patients.synthetic.visible import kidney_category

KIDNEY = ((60, 120), (45, 59), (30, 44), (15, 29), (5, 14))
"""Whole eGFR values of each KDIGO category as the environment counts them."""


def twin(patient: Patient, draw: random.Random) -> Patient:
    """The patient with everything hidden drawn anew, whatever is likely: labs, eGFR within its category, weight,
    durations, phenotypes and hidden conditions.
    """
    chart = load_chart()
    conditions = [c for c in patient.conditions if chart.hidden_conditions.isdisjoint(c.ids)]
    for hidden in sorted(chart.hidden_conditions):
        if draw.random() < 0.5:
            place = draw.randint(0, len(conditions))
            conditions.insert(place, RecordedCondition(text=hidden, ids=(hidden,)))
    labs = {name: Lab(value=draw.uniform(row.low, row.high)) for name, row in chart.labs.items() if draw.random() < 0.9}
    return patient.model_copy(
        update={
            "conditions": tuple(conditions),
            "labs": labs,
            "measured_egfr": float(draw.randint(*KIDNEY[kidney_category(patient.egfr)])),
            "weight": draw.uniform(chart.weight.low, chart.weight.high),
            "phenotypes": {gene: draw.choice(list(kinds)) for gene, kinds in chart.phenotypes.items()},
            "medications": tuple(
                m.model_copy(update={"days": draw.choice([None, 3.0, 40.0, 100.0, 4000.0])})
                for m in patient.medications
            ),
        }
    )
