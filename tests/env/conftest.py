"""Compiled cases of every task, drawn as the banks draw them, with the objects they came from."""

import pytest

from polypharmacy.env.bank import Bank, bank_of
from polypharmacy.env.case import Compiled, compile_case, severe_pairs
from polypharmacy.env.tasks import TASKS
from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import Medication
from polypharmacy.patients.synthetic import Elders


def admitted(task: str, count: int, knowledge: Knowledge, seed: int = 5) -> list[Compiled]:
    """The first cases of a seed with the task's number of drugs and severe pairs."""
    rules = TASKS[task]
    elders = Elders(knowledge, seed)

    def wanted(medications: tuple[Medication, ...]) -> bool:
        return rules.fewest_drugs <= len(medications) <= rules.most_drugs

    found: list[Compiled] = []
    index = 0
    while len(found) < count:
        patient = elders.patient_if(index, wanted)
        index += 1
        if patient is not None and rules.admits(severe_pairs(patient, knowledge), True, True):
            found.append(compile_case(patient, knowledge))
    return found


Cases = dict[str, tuple[list[Compiled], Bank]]


@pytest.fixture(scope="session")
def cases(shipped: Knowledge) -> Cases:
    """By task: forty compiled cases, and the bank of them."""
    out: Cases = {}
    for task in TASKS:
        compiled = admitted(task, 40, shipped)
        out[task] = compiled, bank_of([c.case for c in compiled], task, shipped)
    return out
