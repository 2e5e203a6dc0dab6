"""A real browser on a real server. Whatever a page asks of another host, or says on its console, fails its test."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from polypharmacy.server.journal.journal import Journal
from tests.browser import NoBrowser, open_browser
from tests.server.conftest import Server

EXAMPLES = Path(__file__).parents[3] / "examples"
PATIENCE = 20_000
"""Milliseconds: machines that test are busy."""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    try:
        with open_browser() as opened:
            yield opened
    except NoBrowser as none:
        pytest.fail(str(none))


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A new page with its own storage; addresses are of the server."""
    context = browser.new_context(base_url=server.url, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE)
    shown = context.new_page()
    wrong: list[str] = []

    def asked(request: Request) -> None:
        if urlsplit(request.url).scheme in ("http", "https") and urlsplit(request.url).hostname != "127.0.0.1":
            wrong.append(f"asked {request.url}")

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            wrong.append(message.text)

    shown.on("request", asked)
    shown.on("console", said)
    shown.on("pageerror", lambda error: wrong.append(str(error)))
    yield shown
    context.close()
    assert wrong == []


def open_file(page: Page, name: str) -> None:
    """Open the review of an example, through the page's own file chooser."""
    page.goto("/")
    page.locator("input[type=file]").set_input_files(EXAMPLES / name)
    expect(page.get_by_role("heading", name="Medicines", exact=True)).to_be_visible()


def open_episode(page: Page, task: str, index: int) -> None:
    """Open an episode of the test split, through the page's own form."""
    page.goto("/")
    page.get_by_label("Task").select_option(task)
    page.get_by_label("Index").fill(str(index))
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("heading", name="Medicines", exact=True)).to_be_visible(timeout=60_000)


def of_another_knowledge_base(server: Server, url: str) -> str:
    """The id of a copy of the review at `url`, as a server with another knowledge base would have stored it."""
    journal: Journal = server.app.state.reviews.journal
    held = journal.review(url.rsplit("/", 1)[1])
    old = replace(held, id=str(uuid4()), knowledge_version="1999.1", knowledge_hash="other")
    journal.open(old)
    for action in journal.actions(held.id):
        journal.append(old.id, action)
    return old.id


def risk(page: Page) -> int:
    """The points shown as standing now."""
    return int(page.get_by_test_id("risk-after").inner_text())
