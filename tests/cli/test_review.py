"""`polypharmacy review`, from files to exit codes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polypharmacy.knowledge.vocabulary import Kind, Severity
from tests.cli.conftest import Result

Run = Callable[..., Result]
EXAMPLE = Path(__file__).parents[2] / "examples" / "nine_medicines.json"


def test_the_example_puts_both_serious_problems_first(polypharmacy: Run) -> None:
    result = polypharmacy("review", EXAMPLE, "--json")
    assert result.code == 0
    review = json.loads(result.out)
    first, second = review["findings"][:2]
    assert {frozenset(first["drugs"]), frozenset(second["drugs"])} == {
        frozenset({"simvastatin", "clarithromycin"}),
        frozenset({"naproxen", "warfarin"}),
    }
    for finding in (first, second):
        assert finding["interrupts"]
        assert finding["severity"] in ("avoid", "contraindicated")
        assert finding["management"]
        assert len(finding["sources"]) >= 2
    assert not any(f["interrupts"] for f in review["findings"][2:])


def test_the_shape_of_the_json(polypharmacy: Run) -> None:
    review = json.loads(polypharmacy("review", EXAMPLE, "--json").out)
    assert set(review["knowledge"]) == {"version", "hash"}
    assert review["coverage"]["mentions"] == review["coverage"]["resolved"] == 9
    assert review["risk"]["total"] == sum(review["risk"]["components"].values()) > 0
    assert 0 < review["risk"]["displayed"] <= 1
    for finding in review["findings"]:
        assert finding["kind"] in set(Kind)
        assert finding["severity"] in set(Severity)
    for step in review["plan"]:
        assert {"action", "drug", "replacement", "risk_drop", "reason"} <= set(step)
        assert step["action"] in ("stop", "reduce", "switch", "monitor", "start")
    assert all(set(n) == {"id", "needs"} and n["needs"] for n in review["not_evaluated"])
    drops = sum(step["risk_drop"] for step in review["plan"])
    assert review["risk"]["after_plan"]["total"] == review["risk"]["total"] - drops


def test_the_terminal_report_says_what_to_do_and_who_decides(polypharmacy: Run) -> None:
    out = polypharmacy("review", EXAMPLE).out
    assert "CONTRAINDICATED" in out
    assert "What to do, first things first" in out
    assert "A clinician decides." in out
    assert out.index("CONTRAINDICATED") < out.index("Also found")


def test_the_page_is_one_file_and_escapes_what_it_shows(polypharmacy: Run, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("<script>alert(1)</script> 5 mg\nwarfarin 5 mg\nConditions: <b>AF</b>, af\n")
    page = tmp_path / "page.html"
    assert polypharmacy("review", listed, "--html", page).code == 0
    html = page.read_text()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<b>AF" not in html
    assert "http" not in html.split("<style>")[0]
    assert 'src="' not in html


def test_options_go_before_what_the_file_says(polypharmacy: Run, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("age: 50\nwarfarin 5 mg daily\nspironolactone 25 mg daily\nlisinopril 10 mg daily\n")
    result = polypharmacy(
        "review", listed, "--json", "--age", 84, "--sex", "F", "--egfr", 25, "--condition", "heart failure",
        "--condition", "I48.91", "--lab", "potassium=5.6", "--phenotype", "CYP2C9=poor metabolizer", "--liver", "b",
        "--allergy", "aspirin",
    )  # fmt: skip
    assert result.code == 0, result.err
    patient = json.loads(result.out)["patient"]
    assert (patient["age"], patient["sex"], patient["egfr"], patient["child_pugh"]) == (84, "female", 25, "B")
    assert [c["ids"] for c in patient["conditions"]] == [["heart_failure"], ["atrial_fibrillation"]]
    assert patient["labs"]["potassium"]["value"] == 5.6
    assert patient["phenotypes"] == {"CYP2C9": "poor metabolizer"}
    assert patient["allergies"][0]["text"] == "aspirin"


def test_an_allergy_to_a_medicine_taken_is_shown(polypharmacy: Run, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("Allergies: penicillins\namoxicillin 500 mg TID\n")
    conflicts = json.loads(polypharmacy("review", listed, "--json").out)["allergy_conflicts"]
    assert [(c["allergy"], c["drug"]) for c in conflicts] == [("penicillins", "amoxicillin")]


@pytest.mark.parametrize(
    ("allergy", "drug"),
    [("sulfa", "sulfamethoxazole"), ("Allergy to penicillin (finding)", "amoxicillin"), ("PCN", "amoxicillin")],
)
def test_allergies_by_group(polypharmacy: Run, tmp_path: Path, allergy: str, drug: str) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(f"Allergies: {allergy}, zzzz\namoxicillin 500 mg\nco-trimoxazole 960 mg\n")
    review = json.loads(polypharmacy("review", listed, "--json").out)
    assert [c["drug"] for c in review["allergy_conflicts"]] == [drug]
    assert review["coverage"]["allergies_not_recognised"] == ["zzzz"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("truncated.json", '{"resourceType": "Bundle", "entry": [{"resource"', "not valid JSON"),
        (
            "r5.json",
            json.dumps({"resourceType": "MedicationRequest", "medication": {"concept": {"text": "x"}}}),
            "FHIR R5",
        ),
        ("other.json", '{"hello": 1}', "no resourceType"),
        ("no_drug.csv", "code,dose\n1,5 mg\n", "no drug column"),
        ("empty.txt", "", "empty"),
        ("empty.csv", "drug,dose\n", "no medicines"),
        ("page.html", "<html></html>", "XML or HTML"),
        ("many.csv", "SEQN,RXDDRUG\n1,WARFARIN\n2,WARFARIN\n", "--summary"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_2(
    polypharmacy: Run, tmp_path: Path, name: str, content: str, told: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    result = polypharmacy("review", path)
    assert result.code == 2
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert name in result.err
    assert told in result.err


def test_a_binary_file_is_refused(polypharmacy: Run, tmp_path: Path) -> None:
    for content in (bytes(range(256)), b"%PDF-1.4\n%\xe2\xe3", b"PK\x03\x04abc"):
        path = tmp_path / "scan.pdf"
        path.write_bytes(content)
        result = polypharmacy("review", path)
        assert (result.code, result.err.count("\n")) == (2, 1)
        assert "binary file" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("review",),
        ("review", "no_such_file.txt"),
        ("review", EXAMPLE, "--age", "old"),
        ("review", EXAMPLE, "--age", "300"),
        ("review", EXAMPLE, "--sex", "maybe"),
        ("review", EXAMPLE, "--condition", "wobbliness"),
        ("review", EXAMPLE, "--lab", "potassium"),
        ("review", EXAMPLE, "--lab", "potassium=high"),
        ("review", EXAMPLE, "--lab", "plutonium=1"),
        ("review", EXAMPLE, "--lab", "potassium=nan"),
        ("review", EXAMPLE, "--lab", "egfr=20"),
        ("review", EXAMPLE, "--phenotype", "CYP2C19=banana"),
        ("review", EXAMPLE, "--phenotype", "CYP9Z9=poor metabolizer"),
        ("review", EXAMPLE, "--layer", "ddinter"),
        ("review", EXAMPLE, "--summary"),
        ("no-such-verb",),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_2(polypharmacy: Run, arguments: tuple[object, ...]) -> None:
    result = polypharmacy(*arguments)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)


def test_a_page_that_cannot_be_written_is_exit_1(polypharmacy: Run, tmp_path: Path) -> None:
    result = polypharmacy("review", EXAMPLE, "--html", tmp_path / "none" / "page.html")
    assert (result.code, result.err.count("\n")) == (1, 1)


def test_a_list_of_unknown_drugs_gets_a_report_that_says_so(polypharmacy: Run, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("foozolam 5 mg\nbarxaban 2 mg\n")
    result = polypharmacy("review", listed, "--json")
    review = json.loads(result.out)
    assert result.code == 0
    assert [u["text"] for u in review["coverage"]["unresolved"]] == ["foozolam 5 mg", "barxaban 2 mg"]
    assert "not reviewed" in review["answer"]
    assert "not known" in polypharmacy("review", listed).out


def test_nothing_found_is_never_called_safe(polypharmacy: Run, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("age: 70\negfr: 80\nparacetamol 500 mg daily\n")
    review = json.loads(polypharmacy("review", listed, "--json").out)
    assert review["findings"] == []
    assert review["answer"].startswith("None found in knowledge base ")
    assert review["answer"].endswith("not the same as safe.")


def test_standard_input_and_a_survey_summary(tmp_path: Path) -> None:
    table = "SEQN,RXDDRUG,RIDAGEYR,RIAGENDR\n1,WARFARIN,80,1\n1,IBUPROFEN,80,1\n2,FOOZOLAM,70,2\n3,,66,1\n"
    done = subprocess.run(
        [sys.executable, "-c", "from polypharmacy.cli.main import main; main()", "review", "-", "--summary", "--json"],
        input=table, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no progress bar in a pipe
    summary = json.loads(done.stdout)
    assert summary["people"] == 3
    assert {k: summary["coverage"][k] for k in ("mentions", "resolved", "people_fully_resolved")} == {
        "mentions": 3,
        "resolved": 2,
        "people_fully_resolved": 1,
    }
    assert summary["interrupting_per_elder_on_5_plus"] is None


def test_help_answers_quickly() -> None:
    command = [sys.executable, "-c", "from polypharmacy.cli.main import main; main(['--help'])"]
    times = []
    for _ in range(5):
        before = os.times()
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert "review" in done.stdout
    heavy = subprocess.run(
        [sys.executable, "-X", "importtime", *command[1:]], capture_output=True, text=True, timeout=30, check=False
    ).stderr
    assert "fhir.resources" not in heavy
    assert "pydantic" not in heavy
    assert min(times) < 0.8  # CPU seconds; aim 0.5, the bound leaves room for a busy machine
