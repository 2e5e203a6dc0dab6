"""Explicit criteria on hand-written patients: one who triggers each criterion, one who just misses it.

The patients in `cases/` were written from the publications by someone who did not write the rows.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import Patient
from polypharmacy.patients.patient import Lab
from polypharmacy.patients.readers.builder import Builder
from polypharmacy.review import review

FOLDER = Path(__file__).parent / "cases"
CASES: list[dict[str, Any]] = [
    case | {"file": path.stem, "n": n}
    for path in sorted(FOLDER.glob("*.yaml"))
    for n, case in enumerate(yaml.safe_load(path.read_text()))
]


def patient_of(described: dict[str, Any], knowledge: Knowledge) -> Patient:
    """A patient from plain words; a word the knowledge base does not know fails the test."""
    builder = Builder(knowledge)
    builder.conditions_complete = True
    for text in described.get("conditions", []):
        builder.condition(text)
        assert builder.conditions[-1].ids, f"condition {text!r} is not known"
    durations = {}
    for entry in described["drugs"]:
        drug = entry if isinstance(entry, dict) else {"drug": entry}
        before = len(builder.medications)
        builder.medicine("case", drug["drug"])
        assert len(builder.medications) > before, f"drug {drug['drug']!r} is not known"
        for index in range(before, len(builder.medications)):
            update: dict[str, Any] = {"days": drug.get("duration_days")}
            if "indication" in drug:
                ids = knowledge.condition_names.by_text(drug["indication"])
                assert ids, f"indication {drug['indication']!r} is not known"
                update["indication"] = ids
            durations[index] = update
    medications = tuple(m.model_copy(update=durations.get(i, {})) for i, m in enumerate(builder.medications))
    return builder.build().model_copy(
        update={
            "medications": medications,
            "age": described.get("age", 80),
            "sex": described.get("sex"),
            "measured_egfr": described.get("egfr", described.get("crcl")),
            "child_pugh": described.get("child_pugh"),
            "labs": {name: Lab(value=value) for name, value in described.get("lab", {}).items()},
        }
    )


def fired(described: dict[str, Any], knowledge: Knowledge) -> set[str]:
    result = review(patient_of(described, knowledge), knowledge)
    return {i for f in result.findings for i in (f.id, *f.also)}


def name(case: dict[str, Any]) -> str:
    return f"{case['file']}-{case['id']}-{case['n']}"


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_criterion_fires_for_whom_it_speaks_of_and_not_for_who_just_misses(
    shipped: Knowledge, case: dict[str, Any]
) -> None:
    assert case["id"] in fired(case["triggers"], shipped)
    assert case["id"] not in fired(case["misses"], shipped)


def test_there_are_cases_and_each_is_of_a_criterion(shipped: Knowledge) -> None:
    known = {row.id for row in shipped.tables.criteria}
    assert len({c["id"] for c in CASES}) >= 75
    assert {c["id"] for c in CASES} <= known
