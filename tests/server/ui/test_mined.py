"""What a search of claims found, shown from a real search: all of it, none of it, and the ensemble asked."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from polypharmacy.env.openenv.banks import Banks
from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.predictor import read_ensemble
from tests.server.conftest import Server, Serving, serving
from tests.server.ui.conftest import open_file


@pytest.fixture(scope="module")
def pool_search(tmp_path_factory: pytest.TempPathFactory, searched: Path, _banks: Banks) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("pool_search")) as start:
        yield start(mined=searched / "pool_search")


@pytest.fixture(scope="module")
def neural(tmp_path_factory: pytest.TempPathFactory, searched: Path, _banks: Banks) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("neural")) as start:
        yield start(mined=searched / "neural")


def result(folder: Path) -> Any:
    return json.loads((folder / "result.json").read_text())


def cells(rows: Locator) -> list[list[str]]:
    """Texts of a table's body, row by row."""
    return [row.locator("th, td").all_inner_texts() for row in rows.all()]


def figures(page: Page, plot: str) -> list[list[str]]:
    """The table under a plot, opened."""
    region = page.get_by_role("region", name=plot, exact=True)
    region.get_by_text("Figures").click()
    return cells(region.locator("tbody tr"))


def test_the_view_tells_the_search_its_curves_and_its_calibration(
    page: Page, pool_search: Server, searched: Path
) -> None:
    held = result(searched / "pool_search")
    page.goto(f"{pool_search.url}/mined")
    expect(page.get_by_test_id("recall")).to_have_text(f"{held['result']['recall']:.3f}")
    expect(page.get_by_test_id("precision")).to_have_text(f"{held['result']['precision']:.3f}")
    search = page.get_by_role("region", name="The search")
    for said in (
        "pool.npz, 1,500 combinations",
        f"relative risk over 1.1: {held['dangerous']} of them",
        "Method: pool_search",
        "500 of a budget of 500",
        "Seed: 0",
        "none exported",
        f"knowledge base {held['knowledge']}",
    ):
        expect(search).to_contain_text(re.compile(said.replace(": ", ":? ?")))

    curve, groups = held["curve"], held["calibration"]
    assert figures(page, "Recall and precision") == [
        [str(p["queries"]), str(p["flagged"]), f"{p['recall']:.3f}", f"{p['precision']:.3f}"] for p in curve
    ]
    assert figures(page, "Hits") == [
        [str(p["queries"]), str(p["hits"]), f"{p['queries'] * held['dangerous'] / 1500:.1f}"] for p in curve
    ]
    assert figures(page, "Calibration") == [[f"{g['said']:.3f}", f"{g['right']:.3f}", str(g["count"])] for g in groups]
    points = page.get_by_role("img", name=re.compile("^Calibration")).locator("circle")
    expect(points).to_have_count(len(groups))
    expect(page.get_by_role("img", name=re.compile("^Hits"))).to_have_attribute(
        "aria-label", re.compile(f"{curve[-1]['hits']} of 500 queries hit")
    )
    expect(page.get_by_role("region", name="Calibration", exact=True)).to_contain_text("Promised: 99.0%")


def test_findings_stand_beside_what_the_knowledge_base_says_and_open_its_evidence(
    page: Page, pool_search: Server, searched: Path
) -> None:
    held = result(searched / "pool_search")
    page.goto(f"{pool_search.url}/mined")
    rows = page.get_by_role("region", name="Top findings by row").locator("tbody tr")
    expect(rows).to_have_count(15)
    page.get_by_role("button", name="All 50").click()
    expect(rows).to_have_count(50)
    told = cells(rows)
    assert {f["known"]["status"] for f in held["findings"]} == {"known", "new", "unresolved"}
    for finding, (drugs, risk, score, known) in zip(held["findings"], told, strict=True):
        assert drugs.startswith(" + ".join(finding["drugs"]))
        asked = finding["relative_risk"]
        assert risk == ("not asked" if asked is None else f"{asked:.2f}")
        assert score == f"{finding['score']:.3f}"
        message = finding["known"]["message"]
        severity = {"aware": "be aware"}.get(finding["known"]["severity"], finding["known"]["severity"])
        if finding["known"]["status"] == "known":
            assert known.lower().startswith(severity)
            assert message in known
        else:
            assert known == ("New" if finding["known"]["status"] == "new" else f"N{message[1:]}.")
    first = next(f for f in held["findings"] if f["known"]["status"] == "known")
    page.get_by_role("button", name=f"Evidence of {' + '.join(first['drugs'])}", exact=True).click()
    expect(page.get_by_role("heading", name="Medicines", exact=True)).to_be_visible()
    expect(page.locator(".medicine")).to_have_count(len(first["drugs"]))
    page.go_back()
    expect(rows).to_have_count(15)


def test_it_is_reached_from_every_place_of_research_and_by_its_address_again(page: Page, pool_search: Server) -> None:
    page.goto(pool_search.url)
    page.get_by_role("link", name="Mined claims").click()
    expect(page.get_by_role("heading", name="Top findings")).to_be_visible()
    assert page.url == f"{pool_search.url}/mined"
    page.reload()
    expect(page.get_by_role("heading", name="Top findings")).to_be_visible()
    views = page.get_by_role("navigation", name="Research views")
    expect(views.get_by_role("link", name="Mined claims")).to_have_attribute("aria-current", "page")
    views.get_by_role("link", name="Agents at play").click()
    expect(page.get_by_role("heading", name="Watch agents play")).to_be_visible()
    expect(page.get_by_text("Step 0 of")).to_be_visible(timeout=90_000)  # nothing is left behind that still counts
    page.get_by_role("link", name="Mined claims").click()
    expect(page.get_by_role("heading", name="Top findings")).to_be_visible()


def test_research_of_a_review_leads_there_and_a_server_without_a_search_says_how_to_give_it(page: Page) -> None:
    open_file(page, "nine_medicines.json")
    page.goto(f"{page.url}?mode=research")
    page.get_by_role("region", name="Research").get_by_role("link", name="Mined claims").click()
    none = page.get_by_role("region", name="Nothing was mined")
    expect(none).to_contain_text("polypharmacy mine search POOL --out FOLDER")
    expect(none).to_contain_text("POLYPHARMACY_MINED=FOLDER")
    expect(page.get_by_role("textbox")).to_have_count(0)


def test_a_folder_that_holds_no_result_is_told_from_none(page: Page, serve: Serving, tmp_path: Path) -> None:
    page.goto(f"{serve(mined=tmp_path).url}/mined")
    expect(page.get_by_role("region", name="Nothing was mined")).to_contain_text("the server's log says what is wrong")


def test_without_an_ensemble_the_reason_stands_where_it_would_be_asked(page: Page, pool_search: Server) -> None:
    page.goto(f"{pool_search.url}/mined")
    ask = page.get_by_role("region", name="What does the ensemble say")
    expect(ask).to_contain_text("pool_search exports none, mine search --method optim_neural_ts does")
    expect(ask.get_by_role("textbox")).to_have_count(0)


def test_the_ensemble_is_asked_by_keyboard_and_a_name_it_does_not_know_is_refused(
    page: Page, neural: Server, searched: Path
) -> None:
    page.goto(f"{neural.url}/mined")
    expect(page.get_by_role("region", name="Calibration")).to_contain_text("optim_neural_ts says no chances")
    ask = page.get_by_role("region", name="What does the ensemble say")
    expect(ask.get_by_role("button", name="Ask")).to_be_disabled()
    page.get_by_label("Drugs, one a line").focus()
    page.keyboard.type("warfarin\nqwertyuiop")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(ask.get_by_role("alert")).to_contain_text("Drug 2 is not among the 40 that the claims name.")
    expect(page.get_by_test_id("mean")).to_have_count(0)

    page.get_by_label("Drugs, one a line").fill("Ibuprofen\n\n warfarin ")
    ask.get_by_role("button", name="Ask").click()
    ensemble = read_ensemble(searched / "neural" / "ensemble.npz")
    wanted = ensemble.predict(Combinations.of([[0, 1]], len(ensemble.names)))
    assert ensemble.names[:2] == ("warfarin", "ibuprofen")
    expect(page.get_by_test_id("mean")).to_have_text(f"{wanted['mean'][0]:.2f}")
    answer = ask.get_by_role("status")
    expect(answer).to_contain_text("warfarin + ibuprofen")
    expect(answer).to_contain_text(f"sigma {wanted['sigma'][0]:.2f}")
    expect(answer).to_contain_text("Flagged" if wanted["flagged"][0] else "Not flagged")
    expect(answer).to_contain_text("Avoid Ibuprofen + Warfarin")
    expect(ask.get_by_role("alert")).to_have_count(0)


def test_a_narrow_screen_holds_all_of_it_and_it_prints(page: Page, pool_search: Server, searched: Path) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{pool_search.url}/mined")
    first = result(searched / "pool_search")["findings"][0]
    row = page.get_by_role("region", name="Top findings by row").locator("tbody tr").first
    expect(row).to_contain_text(f"chance of danger {first['score']:.3f}")
    expect(row.get_by_role("cell")).to_have_count(1)  # the numbers stand under the drugs
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    table = page.get_by_role("region", name="Top findings by row")
    assert table.evaluate("e => e.scrollWidth <= e.clientWidth")
    assert page.pdf().startswith(b"%PDF")
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.get_by_role("region", name="What does the ensemble say")).to_have_count(0)
    assert (
        page.evaluate("() => getComputedStyle(document.querySelector('.card')).backgroundColor") == "rgb(255, 255, 255)"
    )
