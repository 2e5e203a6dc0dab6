"""Reading tables: adding knowledge is adding a row, and a wrong row is named."""

import shutil
from pathlib import Path

import pytest

from polypharmacy.knowledge import Knowledge, KnowledgeError
from polypharmacy.knowledge.tables import cache_folder, read_tables
from tests.conftest import SMALL


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL, tmp_path / "knowledge"))


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_a_drug_is_one_row_and_joins_its_classes_rules(folder: Path) -> None:
    row = "naproxen,Naproxen,7258,M01AE02,aleve,nsaid,oral" + "," * 15 + ",unreviewed,test_list\n"
    append(folder / "ingredients.csv", row)
    knowledge = Knowledge(read_tables(folder, cache=False))
    assert knowledge.names.resolve("Aleve 220 mg").ingredients == ("naproxen",)
    assert [rule.id for rule, _, _ in knowledge.pair_rules("naproxen", "warfarin")] == ["nsaid-warfarin"]


def test_a_rule_is_one_row(folder: Path) -> None:
    append(
        folder / "interactions.yaml",
        """
- id: nsaid-ace
  subject: class:nsaid
  object: class:ace_inhibitor
  severity: monitor
  nature: PD
  harm: kidney_injury
  mechanism: Afferent constriction with efferent dilatation lowers filtration.
  effect: Kidney injury
  management: Check creatinine and potassium.
  actions: [monitor subject]
  evidence: moderate
  sources: [test_list]
""",
    )
    knowledge = Knowledge(read_tables(folder, cache=False))
    assert [rule.id for rule, _, _ in knowledge.pair_rules("ramipril", "ibuprofen")] == ["nsaid-ace"]


@pytest.mark.parametrize(
    ("file", "row", "told"),
    [
        ("ingredients.csv", "naproxen,Naproxen,,,,nsaid,oral,7" + "," * 14 + ",unreviewed,test_list\n", "acb"),
        ("ingredients.csv", "naproxen,Naproxen\n", "naproxen"),
        (
            "ingredients.csv",
            "naproxen,Naproxen,,,,nsaids,oral" + "," * 15 + ",unreviewed,test_list\n",
            "no class 'nsaids'",
        ),
        ("ingredients.csv", "warfarin,Warfarin,,,,nsaid,oral" + "," * 15 + ",unreviewed,test_list\n", "stands 2 times"),
        ("interactions.yaml", "- id: x\n  subject: class:nsaid\n", "object"),
        ("interactions.yaml", "- {id: broken\n", "interactions.yaml"),
        ("renal_hepatic.csv", "x,warfarin,renal,crcl,30,20,,,avoid,bleeding,m,m,high,test_list,\n", "at_least < below"),
        (
            "renal_hepatic.csv",
            "x,nowarfarin,renal,crcl,,20,,,avoid,bleeding,m,m,high,test_list,\n",
            "no drug 'nowarfarin'",
        ),
        ("risk.yaml", "need_reduced_percent: 400\n", "need_reduced_percent"),
    ],
)
def test_a_wrong_row_is_named(folder: Path, file: str, row: str, told: str) -> None:
    append(folder / file, row)
    with pytest.raises(KnowledgeError, match=told):
        Knowledge(read_tables(folder, cache=False))


def test_a_selector_token_outside_the_grammar_is_refused(folder: Path) -> None:
    path = folder / "interactions.yaml"
    path.write_text(path.read_text().replace("class:hypnotic", "klass:hypnotic"))
    with pytest.raises(KnowledgeError, match="klass:hypnotic"):
        read_tables(folder, cache=False)


def test_the_hash_follows_the_content_and_the_cache_follows_the_hash(folder: Path) -> None:
    first = read_tables(folder)
    assert (cache_folder() / f"tables-{first.hash}.json").exists()
    assert read_tables(folder) == first == read_tables(folder, cache=False)
    append(folder / "VERSION", "\n")
    assert read_tables(folder).hash != first.hash


def test_a_damaged_cache_is_read_past(folder: Path) -> None:
    tables = read_tables(folder)
    (cache_folder() / f"tables-{tables.hash}.json").write_text('{"version": ')
    assert read_tables(folder) == tables


def test_no_tables_there(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="no knowledge tables"):
        read_tables(tmp_path)
