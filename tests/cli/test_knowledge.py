"""`polypharmacy knowledge`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Result

Run = Callable[..., Result]


def test_stats(polypharmacy: Run) -> None:
    counted = json.loads(polypharmacy("knowledge", "stats", "--json").out)
    assert counted["ingredients"] >= 150
    assert counted["rules"] >= 60
    assert counted["criteria"]["beers_2023"] > 0
    assert "ingredients" in polypharmacy("knowledge", "stats").out


def test_resolve(polypharmacy: Run) -> None:
    result = polypharmacy(
        "knowledge", "resolve", "Metoprolol Succinate ER 50 mg", "lisinopril/HCTZ", "warfrin", "--json"
    )
    known, combination, unknown = json.loads(result.out)["resolved"]
    assert known == {"text": "Metoprolol Succinate ER 50 mg", "ingredients": ["metoprolol"], "nearest": []}
    assert combination["ingredients"] == ["lisinopril", "hydrochlorothiazide"]
    assert (unknown["ingredients"], unknown["nearest"][0]) == ([], "warfarin")


def test_interactions(polypharmacy: Run) -> None:
    answer = json.loads(polypharmacy("knowledge", "interactions", "coumadin", "Advil", "--json").out)
    (finding,) = answer["interactions"]
    assert set(finding["drugs"]) == {"warfarin", "ibuprofen"}
    assert isinstance(answer["reviewed"], bool)


def test_a_pair_with_an_unknown_drug_is_not_reviewed(polypharmacy: Run) -> None:
    answer = json.loads(polypharmacy("knowledge", "interactions", "warfarin", "foozolam", "--json").out)
    assert (answer["interactions"], answer["reviewed"]) == ([], False)
    assert "not reviewed" in polypharmacy("knowledge", "interactions", "warfarin", "foozolam").out


def test_a_pair_with_nothing_found_names_the_version(polypharmacy: Run) -> None:
    out = polypharmacy("knowledge", "interactions", "metformin", "atorvastatin").out
    assert "None found in knowledge base" in out


def test_check_finds_nothing_to_mend(polypharmacy: Run) -> None:
    result = polypharmacy("knowledge", "check", "--json")
    assert json.loads(result.out)["problems"] == []
    assert result.code == 0


def test_check_looks_for_the_pairs_of_published_lists(polypharmacy: Run, tmp_path: Path) -> None:
    onc, ansm = tmp_path / "onc_lists", tmp_path / "ansm_worldvista_en_2016"
    onc.mkdir()
    ansm.mkdir()
    (onc / "ONC_High_Priority_Mapped.csv").write_text("Warfarin$1$Ibuprofen$2$\nMetformin$3$Atorvastatin$4$\n")
    (ansm / "eng_groups2016_xml-v2.tsv").write_text("Class Name\tDrug Name\nNSAIDS\tibuprofen\n")
    (ansm / "eng_tables2016-xml-v2.tsv").write_text(
        "Drug 1 Name\tDrug 1 Class Name\tDrug 2 Name\tDrug 2 Class Name\tSeverity\n"
        "warfarin\t\t\tNSAIDS\tNot recommended\nwarfarin\t\tmetformin\t\tTake care\n"
    )
    result = polypharmacy("knowledge", "check", "--reference", str(tmp_path), "--json")
    answer = json.loads(result.out)
    assert [p["where"] for p in answer["problems"]] == ["atorvastatin + metformin", "ONC"]
    assert (answer["recall"]["onc_at_avoid_or_above"], answer["recall"]["ansm_at_adjust_or_above"]) == (1, 1)
    assert result.code == 1
    assert "ansm pairs: 1" in polypharmacy("knowledge", "check", "--reference", str(tmp_path)).out
    assert polypharmacy("knowledge", "check", "--reference", str(tmp_path / "none")).code == 2

    medicines = ["warfarin", "ibuprofen", "simvastatin", "clarithromycin", "metformin", "foozolam"]
    rows = "".join(f"1,{name},80,2\n" for name in medicines)
    (tmp_path / "nhanes_medications.csv").write_text(f"SEQN,RXDDRUG,RIDAGEYR,RIAGENDR\n{rows}")
    answer = json.loads(polypharmacy("knowledge", "check", "--reference", str(tmp_path), "--json").out)
    assert [p["what"] for p in answer["problems"]][2:] == ["coverage", "coverage", "restraint"]
    assert (answer["recall"]["mentions"], answer["recall"]["resolved"]) == (6, 5)


@pytest.mark.parametrize("arguments", [("interactions", "warfarin"), ("resolve",), ("nonsense",)])
def test_a_wrong_call_is_one_line_and_exit_2(polypharmacy: Run, arguments: tuple[str, ...]) -> None:
    result = polypharmacy("knowledge", *arguments)
    assert (result.code, result.err.count("\n")) == (2, 1)
