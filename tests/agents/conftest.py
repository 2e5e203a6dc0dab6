"""Small banks of each task, and places to stand in an episode."""

import pytest

from polypharmacy.env.bank import Bank, load_bank
from polypharmacy.env.tasks import TASKS

CASES = 8


@pytest.fixture(scope="session")
def banks() -> dict[str, Bank]:
    return {task: load_bank(task, "validation", CASES) for task in TASKS}
