"""Imports of other lists: what is kept, what is refused, and that nothing is half-imported."""

import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polypharmacy.knowledge import Knowledge, Severity, load
from polypharmacy.knowledge.layer import ImportProblem, LayerSource, import_layer, layer_folder, load_layer
from polypharmacy.patients.readers import parse_patient
from polypharmacy.review import review
from tests.conftest import SMALL

FIXTURES = Path(__file__).parent / "fixtures"
TODAY = date(2026, 11, 22)
FILES: list[tuple[LayerSource, str]] = [
    ("ddinter", "ddinter.csv"),
    ("drugbank", "drugbank.xml"),
    ("openfda-label", "labels.json"),
    ("faers", "faers.json"),
]


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_ddinter(small: Knowledge) -> None:
    layer = import_layer("ddinter", FIXTURES / "ddinter.csv", small.names, TODAY)
    assert (layer.rows, layer.skipped) == (4, 1)
    assert [(p.a, p.b, p.level, p.severity) for p in layer.pairs] == [
        ("ibuprofen", "warfarin", "Major", Severity.AVOID),
        ("paracetamol", "warfarin", "Moderate", Severity.ADJUST),  # listed twice: the higher stands
    ]
    assert load_layer("ddinter") == layer
    assert "SHA-256" in layer.citation.citation


def test_drugbank_reads_entries_and_not_the_drugs_of_pathways(small: Knowledge) -> None:
    layer = import_layer("drugbank", FIXTURES / "drugbank.xml", small.names, TODAY)
    assert (layer.rows, layer.skipped) == (2, 1)
    assert [(p.a, p.b, p.text) for p in layer.pairs] == [
        ("paracetamol", "warfarin", "A made-up sentence about the pair.")
    ]


def test_labels_keep_the_newest_of_a_single_ingredient(small: Knowledge) -> None:
    layer = import_layer("openfda-label", FIXTURES / "labels.json", small.names, TODAY)
    assert (layer.rows, layer.skipped) == (4, 2)
    assert [(row.section, row.text) for row in layer.labels] == [
        ("boxed_warning", "New words."),
        ("drug_interactions", "Many."),
    ]


def test_reports_count_suspect_pairs(small: Knowledge) -> None:
    layer = import_layer("faers", FIXTURES / "faers.json", small.names, TODAY)
    ((a, b, reports, text),) = [(p.a, p.b, p.reports, p.text) for p in layer.pairs]
    assert (a, b, reports) == ("ibuprofen", "warfarin", 3)
    assert text == "3 reports; most often melaena, anaemia"


def test_a_layer_stands_beside_the_curated_rows(small: Knowledge) -> None:
    layer = import_layer("ddinter", FIXTURES / "ddinter.csv", small.names, TODAY)
    patient = parse_patient("warfarin 5 mg\nibuprofen 400 mg\nparacetamol 1 g", small)
    without, switched_on = review(patient, small), review(patient, small.with_layers([layer]))
    assert len(switched_on.findings) == len(without.findings) + 1
    curated = next(f for f in switched_on.findings if f.id == "nsaid-warfarin")
    assert curated.severity is Severity.AVOID
    assert "ddinter: Major" in curated.also
    extra = next(f for f in switched_on.findings if f.id == "ddinter-paracetamol-warfarin")
    assert (extra.severity, extra.interrupts) == (Severity.ADJUST, False)
    assert switched_on.knowledge.cite(extra.sources)[0].startswith("DDInter")
    assert switched_on.points == without.points
    assert small.layers == ()


@pytest.mark.parametrize(
    ("source", "content", "told"),
    [
        ("ddinter", "a,b\n1,2\n", "line 1"),
        ("ddinter", "DDInterID_A,Drug_A,DDInterID_B,Drug_B,Level\n1,Warfarin,2,Ibuprofen,Awful\n", "line 2"),
        ("ddinter", "DDInterID_A,Drug_A,DDInterID_B,Drug_B,Level\n1,Warfarin,2\n", "line 2"),
        ("ddinter", "DDInterID_A,Drug_A,DDInterID_B,Drug_B,Level\n", "no rows"),
        ("drugbank", "<drugbank><drug>", "not a DrugBank export"),
        ("drugbank", '<drugbank xmlns="http://www.drugbank.ca">\n<drug>\n</drugbank>', "line 3"),
        ("drugbank", '<drugbank xmlns="http://www.drugbank.ca"><drug></drug></drugbank>', "no name"),
        ("drugbank", "", "line 1"),
        ("openfda-label", '{"results": [\n{"a": 1,}]}', "line 2"),
        ("openfda-label", '{"hits": []}', "no 'results'"),
        ("openfda-label", '{"results": [{"openfda": {"generic_name": "x"}}]}', "record 1"),
        ("faers", '{"results": [{"patient": {}}]}', "record 1"),
        ("faers", '{"results": [5]}', "record 1"),
    ],
)
def test_a_malformed_file_is_refused_with_its_place_and_keeps_the_former_import(
    small: Knowledge, tmp_path: Path, source: LayerSource, content: str, told: str
) -> None:
    good = dict(FILES)[source]
    before = import_layer(source, FIXTURES / good, small.names, TODAY)
    path = tmp_path / good
    path.write_text(content)
    with pytest.raises(ImportProblem, match=told):
        import_layer(source, path, small.names, TODAY)
    assert load_layer(source) == before
    assert [p.name for p in layer_folder().iterdir()] == [f"{source}.json"]


@pytest.mark.parametrize(("source", "file"), FILES)
def test_a_file_cut_anywhere_is_refused_or_whole(
    small: Knowledge, tmp_path: Path, source: LayerSource, file: str
) -> None:
    data = (FIXTURES / file).read_bytes()
    path = tmp_path / file
    for cut in range(0, len(data), 37):
        path.write_bytes(data[:cut])
        try:
            import_layer(source, path, small.names, TODAY)
        except ImportProblem as error:
            assert "\n" not in str(error)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), which=st.sampled_from(FILES))
def test_no_bytes_raise_anything_else(tmp_path: Path, content: bytes, which: tuple[LayerSource, str]) -> None:
    path = tmp_path / which[1]
    path.write_bytes(content)
    try:
        import_layer(which[0], path, load(SMALL).names, TODAY)
    except ImportProblem as error:
        assert "\n" not in str(error)


def test_a_layer_that_is_not_there_or_damaged(small: Knowledge, tmp_path: Path) -> None:
    with pytest.raises(ImportProblem, match="is not imported"):
        load_layer("ddinter")
    with pytest.raises(ImportProblem, match="no layer is called"):
        load_layer("elsewhere")
    import_layer("ddinter", FIXTURES / "ddinter.csv", small.names, TODAY)
    (layer_folder() / "ddinter.json").write_text('{"source": "ddinter"')
    with pytest.raises(ImportProblem, match="damaged"):
        load_layer("ddinter")


def test_a_large_export_is_streamed(small: Knowledge, tmp_path: Path) -> None:
    """Memory stays small however many entries there are: 20 MB of XML within 30 MB of new objects."""
    import tracemalloc

    entry = (FIXTURES / "drugbank.xml").read_text().split("<drug ", 2)[1]
    path = tmp_path / "drugbank.xml"
    with path.open("w") as file:
        file.write('<drugbank xmlns="http://www.drugbank.ca">\n')
        for _ in range(20 * 1024 * 1024 // len(entry)):
            file.write("<drug " + entry)
        file.write("</drugbank>\n")
    tracemalloc.start()
    layer = import_layer("drugbank", path, small.names, TODAY)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert layer.rows > 10_000
    assert peak < 30 * 1024 * 1024
    shutil.rmtree(layer_folder())
