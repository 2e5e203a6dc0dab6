"""An episode played by hand and watched: nothing is shown that was not asked."""

import json
import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from polypharmacy.env.actions import ProposeIntervention, QueryDdi, encode
from polypharmacy.server.routes import watch
from tests.server.conftest import Serving, learning_elsewhere
from tests.server.ui.conftest import open_episode

WORDS = re.compile(r"severe|moderate|minor|none found", re.I)


def squares(page: Page) -> list[str]:
    """What every pair of the matrix is called."""
    return [str(s.get_attribute("aria-label")) for s in page.locator(".square").all()]


def test_an_easy_episode_is_played_to_its_end_by_keyboard_alone(page: Page) -> None:
    page.goto("/")
    page.get_by_role("heading", name="Open a patient").wait_for()
    keys = page.keyboard
    for _ in range(40):
        keys.press("Tab")
        if page.evaluate("() => document.activeElement?.labels?.[0]?.textContent") == "Index":
            break
    keys.type("0")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Medicines", exact=True)).to_be_visible(timeout=60_000)
    timeline = page.get_by_role("region", name="Timeline").get_by_role("listitem")
    keys.press("q")
    keys.press("j")
    keys.press("q")
    expect(timeline).to_have_count(1)
    keys.press("u")
    expect(timeline).to_have_count(2)
    keys.press("s")
    expect(timeline).to_have_count(3)
    keys.press("k")
    keys.press("r")
    expect(timeline).to_have_count(4)
    keys.press("f")
    expect(page.get_by_role("dialog")).to_be_visible()
    keys.press("Enter")
    expect(page.get_by_test_id("grade")).to_have_text(re.compile(r"^0\.\d{3}$"))
    expect(page.get_by_test_id("oracle")).to_have_text(re.compile(r"^0\.\d{3}$"), timeout=90_000)  # it compiles first
    assert float(page.get_by_test_id("grade").inner_text()) <= float(page.get_by_test_id("oracle").inner_text())


def test_no_pair_is_known_until_it_was_asked_in_the_page_or_in_what_it_is_sent(page: Page) -> None:
    sent: list[str] = []
    page.on("response", lambda r: sent.append(r.text()) if "/reviews/" in r.url and r.ok else None)
    open_episode(page, "budgeted_screening", 3)
    names = squares(page)
    assert len(names) >= 15
    assert all(name.endswith("not asked: ask") for name in names)
    assert not WORDS.search(page.locator(".medicines").inner_text())
    assert "risk" not in page.locator("main").inner_text().lower()
    assert json.loads(sent[-1])["observation"]["interaction_queries"] == []
    assert not WORDS.search(sent[-1].replace('"liver_function_category":"not known"', ""))

    page.locator(".square").first.click()
    expect(page.get_by_role("region", name="Timeline").get_by_role("listitem")).to_have_count(1)
    after = squares(page)
    assert WORDS.search(after[0])
    assert all(name.endswith("not asked: ask") for name in after[1:])


def test_a_suggestion_is_asked_for_only_when_it_is_pressed(page: Page) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("/agent/suggest"):
            asked.append(request.url)

    page.on("request", note)
    open_episode(page, "easy_screening", 1)
    box = page.get_by_role("region", name="Suggestion")
    expect(box.get_by_role("button")).to_have_count(1)
    assert asked == []
    box.get_by_role("button", name="Suggest").click()
    expect(box.get_by_role("button", name="Accept")).to_be_visible()
    assert len(asked) == 1
    box.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("region", name="Timeline").get_by_role("listitem")).to_have_count(1)


def test_an_agent_plays_a_step_and_then_to_the_end(page: Page) -> None:
    open_episode(page, "complex_tradeoff", 2)
    page.goto(f"{page.url}?mode=research")
    drawer = page.get_by_role("region", name="Research")
    drawer.get_by_label("Speed").select_option("At once")
    rewards = drawer.get_by_role("region", name="Rewards by step").get_by_role("row")
    drawer.get_by_role("button", name="Next step").click()
    expect(rewards).to_have_count(2)
    drawer.get_by_role("button", name="To the end").click()
    expect(page.get_by_test_id("oracle")).to_be_visible(timeout=90_000)
    expect(rewards.last).to_contain_text("grade +")
    expect(drawer).to_contain_text("Open of 166 actions: 0 queries, 0 interventions, no finish.")


def test_the_mask_is_a_grid_of_the_very_actions_that_are_open(page: Page) -> None:
    open_episode(page, "budgeted_screening", 3)
    page.goto(f"{page.url}?mode=research")
    page.get_by_role("button", name=re.compile("not asked: ask")).first.click()
    page.get_by_role("listitem").get_by_role("button", name="Stop").nth(1).click()
    expect(page.get_by_role("region", name="Timeline").get_by_role("listitem")).to_have_count(2)
    seen = page.request.get(f"/reviews/{urlsplit(page.url).path.rsplit('/', 1)[1]}").json()["observation"]
    slot = {m["drug_id"]: m["slot"] for m in seen["current_medications"]}
    legal = seen["legal_actions"]
    wanted = {encode(QueryDdi(slot[a], slot[b])) for a, others in legal["query_ddi"].items() for b in others}
    wanted |= {
        encode(ProposeIntervention(slot[drug], kind))
        for drug, kinds in legal["propose_intervention"].items()
        for kind in kinds
    }
    grid = page.get_by_role("region", name="Legal actions")
    assert {int(number) for number in grid.locator(".legal-now").all_inner_texts()} == wanted
    drugs = len(slot)
    assert grid.locator(".bit").count() == drugs * (drugs - 1) // 2 + 4 * drugs


def test_after_the_end_the_grade_stands_beside_the_oracles_and_that_of_an_agent_that_has_to_learn_first(
    page: Page, serve: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LEARNING_TIMEOUT", 0.0)
    server = serve()
    page.goto(server.url)
    page.get_by_label("Index").fill("5")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("heading", name="Medicines", exact=True)).to_be_visible(timeout=60_000)
    page.goto(f"{page.url}?mode=research")
    drawer = page.get_by_role("region", name="Research")
    expect(drawer).to_contain_text("Told after the end")
    with learning_elsewhere(server):
        page.keyboard.press("f")
        page.keyboard.press("Enter")
        expect(drawer.get_by_role("status")).to_contain_text(
            "belief_greedy learns from the training cases of easy_screening"
        )
        expect(drawer.get_by_test_id("grade-oracle")).to_have_text(re.compile(r"^0\.\d{3}$"))
        with page.expect_request("**/runs"):
            drawer.get_by_role("button", name="Ask again").click()
    expect(drawer.get_by_test_id("grade-belief_greedy")).to_have_text(re.compile(r"^0\.\d{3}$"), timeout=90_000)
    grade = {who: float(drawer.get_by_test_id(f"grade-{who}").inner_text()) for who in ("mine", "oracle", "nothing")}
    greedy = float(drawer.get_by_test_id("grade-belief_greedy").inner_text())
    assert grade["mine"] == grade["nothing"] == 0.001
    assert 0.001 <= greedy <= grade["oracle"]
    episode = {"task_id": "easy_screening", "split": "test", "index": 5, "agent": "belief_greedy"}
    played = page.request.post(f"{server.url}/runs", data=episode).json()
    assert greedy == round(played["score"]["grade"], 3)


def test_two_agents_side_by_side_and_the_address_shows_the_same_step_again(page: Page) -> None:
    page.goto("/run?task=easy_screening&split=test&index=4&agent=heuristic&against=random&seed=7&step=2")
    for name in ("heuristic", "random"):
        run = page.get_by_role("region", name=name)
        expect(run.locator(".timeline li")).to_have_count(2)
        expect(run.get_by_test_id("run-grade")).to_have_count(0)
    before = page.get_by_role("region", name="random").locator(".timeline").inner_text()
    page.get_by_role("button", name="To the end").click()
    expect(page.get_by_test_id("run-grade")).to_have_count(2)
    page.goto("/run?task=easy_screening&split=test&index=4&agent=heuristic&against=random&seed=7&step=2")
    expect(page.get_by_role("region", name="random").locator(".timeline li")).to_have_count(2)
    assert page.get_by_role("region", name="random").locator(".timeline").inner_text() == before
