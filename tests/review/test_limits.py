"""Limits set by kidney, liver and genotype."""

import pytest

from polypharmacy.knowledge import Knowledge
from polypharmacy.patients.readers import parse_patient
from polypharmacy.review import Review, review


def reviewed(knowledge: Knowledge, *lines: str, **fields: object) -> Review:
    patient = parse_patient("\n".join(lines), knowledge, suffix=".txt")
    return review(patient.model_copy(update=fields), knowledge)


@pytest.mark.parametrize(("egfr", "found"), [(59.9, ["ramipril-renal"]), (60.0, []), (10.0, ["ramipril-renal"])])
def test_a_renal_limit_holds_below_its_bound(small: Knowledge, egfr: float, found: list[str]) -> None:
    assert [f.id for f in reviewed(small, "ramipril 10 mg daily", measured_egfr=egfr).findings] == found


def test_a_known_dose_within_the_cap_is_no_finding(small: Knowledge) -> None:
    assert reviewed(small, "ramipril 5 mg daily", measured_egfr=40.0).findings == ()
    unknown = reviewed(small, "ramipril", measured_egfr=40.0)
    assert unknown.findings[0].would_change == ("daily dose of ramipril",)


def test_without_kidney_function_the_limit_is_not_evaluated(small: Knowledge) -> None:
    result = reviewed(small, "ramipril 10 mg daily")
    assert ("ramipril-renal", ("creatinine clearance or eGFR",)) in [tuple(n) for n in result.not_evaluated]


def test_a_topical_medicine_has_no_renal_limit(small: Knowledge) -> None:
    assert reviewed(small, "ibuprofen gel", measured_egfr=20.0).findings == ()


@pytest.mark.parametrize(
    ("phenotype", "other", "message"),
    [
        ("poor metabolizer", None, "Warfarin, CYP2C9 poor metabolizer: a lower dose is needed"),
        ("Normal Metabolizer", None, None),
        # An inhibitor makes a normal metaboliser behave as an intermediate one, and leaves a poor one poor.
        ("normal metabolizer", "fluconazole",
         "Warfarin, CYP2C9 intermediate metabolizer because of fluconazole: a lower dose is needed"),
        ("poor metabolizer", "fluconazole", "Warfarin, CYP2C9 poor metabolizer: a lower dose is needed"),
    ],
)  # fmt: skip
def test_phenotypes_and_phenoconversion(
    small: Knowledge, phenotype: str, other: str | None, message: str | None
) -> None:
    lines = ["warfarin 5 mg", *([other] if other else [])]
    found = reviewed(small, *lines, phenotypes={"CYP2C9": phenotype}).findings
    assert [f.message for f in found] == ([message] if message else [])


def test_an_unknown_phenotype_is_asked_for(small: Knowledge) -> None:
    result = reviewed(small, "warfarin 5 mg", "fluconazole")
    assert ("warfarin-2c9", ("CYP2C9 phenotype",)) in [tuple(n) for n in result.not_evaluated]
