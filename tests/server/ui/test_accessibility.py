"""axe finds nothing on any view, light at a desk and dark on a phone; `benchmarks/ui.py` looks at all four."""

import re
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.server.conftest import Server, Serving
from tests.server.ui.conftest import of_another_knowledge_base, open_episode, open_file

LOOKS: tuple[tuple[Literal["light", "dark"], int, int], ...] = (("light", 1440, 900), ("dark", 390, 844))


@pytest.fixture(scope="module")
def axe() -> Axe:
    return Axe()


def check(page: Page, axe: Axe) -> None:
    """That axe finds nothing on the page as it is, in every look, and that nothing sticks out sideways."""
    for scheme, width, height in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": height})
        expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
        found = axe.run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{scheme}, {width}: {found.generate_report()}"
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_opening(page: Page, axe: Axe) -> None:
    open_file(page, "list.csv")  # so that there is a review to go on with
    page.goto("/")
    expect(page.get_by_role("heading", name="Go on with a review")).to_be_visible()
    check(page, axe)


def test_review_with_evidence_suggestion_and_a_pair(page: Page, axe: Axe) -> None:
    open_file(page, "nine_medicines.json")
    page.keyboard.press("s")
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("Stop")
    page.keyboard.press("j")
    page.keyboard.press("e")
    page.get_by_role("button", name="Warfarin + Naproxen: severe").click()
    page.get_by_role("button", name="Suggest the next step").click()
    check(page, axe)


@pytest.mark.parametrize("tab", ["loads", "organs", "criteria"])
def test_tabs(page: Page, axe: Axe, tab: str) -> None:
    open_file(page, "fifteen_medicines.txt" if tab == "loads" else "pasted_list.txt")
    page.goto(f"{page.url}?tab={tab}")
    expect(page.get_by_role("tabpanel")).to_be_visible()
    check(page, axe)


def test_switching_and_dialogs(page: Page, axe: Axe) -> None:
    open_file(page, "nine_medicines.json")
    page.keyboard.press("w")
    expect(page.get_by_role("form", name="Switch")).to_be_visible()
    check(page, axe)
    page.keyboard.press("Escape")
    expect(page.get_by_role("form", name="Switch")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page, axe)


def test_episode_with_research(page: Page, axe: Axe) -> None:
    open_episode(page, "easy_screening", 2)
    page.goto(f"{page.url}?mode=research")
    page.locator(".square").first.click()
    expect(page.get_by_role("region", name="Rewards by step").get_by_role("row")).to_have_count(2)
    check(page, axe)
    page.keyboard.press("f")
    page.get_by_role("dialog").get_by_role("button", name="Finish").click()
    expect(page.get_by_test_id("grade-belief_greedy")).to_have_text(re.compile("^0"), timeout=90_000)
    check(page, axe)


def test_run(page: Page, axe: Axe) -> None:
    page.goto("/run?task=easy_screening&split=test&index=0&agent=heuristic&against=random&step=3")
    expect(page.get_by_role("region", name="random").locator(".timeline li")).to_have_count(3)
    check(page, axe)

    for closed in page.locator("summary").all():
        closed.click()
    expect(page.get_by_role("region", name="Legal actions, random")).to_be_visible()
    check(page, axe)


def test_mined_with_its_figures_and_an_answer(page: Page, axe: Axe, serve: Serving, searched: Path) -> None:
    page.goto(f"{serve(mined=searched / 'neural').url}/mined")
    page.get_by_label("Drugs, one a line").fill("warfarin\nibuprofen")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_test_id("mean")).to_be_visible()
    page.get_by_label("Drugs, one a line").fill("qwertyuiop")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check(page, axe)
    page.goto(f"{serve(mined=searched / 'pool_search').url}/mined")
    for closed in page.locator("summary").all():
        closed.click()
    page.get_by_role("button", name="All 50").click()
    check(page, axe)


def test_nothing_mined(page: Page, axe: Axe) -> None:
    page.goto("/mined")
    expect(page.get_by_role("heading", name="Nothing was mined")).to_be_visible()
    check(page, axe)


def test_read_only(page: Page, server: Server, axe: Axe) -> None:
    open_file(page, "nine_medicines.json")
    page.keyboard.press("s")
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("Stop")
    page.goto(f"/review/{of_another_knowledge_base(server, page.url)}")
    expect(page.get_by_role("heading", name="Read only")).to_be_visible()
    check(page, axe)


def test_print(page: Page, axe: Axe) -> None:
    open_file(page, "nine_medicines.json")
    page.goto(f"{page.url}/patient")
    expect(page.get_by_role("article")).to_be_visible()
    check(page, axe)
