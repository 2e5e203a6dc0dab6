"""Is the page light, quick and accessible?

    python benchmarks/ui.py [--quick] [--json]

A real server and a real Chromium. `first_view_ms` is from the navigation's start to the heading of the first view, with
an empty cache. `action_ms` is from the press of a decision, with 15 medicines, to the frame in which the new risk
stands: every medicine is stopped (or put under monitoring) and kept again. axe looks at every view, light and dark, at
1440 and at 390 pixels (with --quick, at three views).
"""

import argparse
import gzip
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser import open_browser  # noqa: E402

ASSETS = ROOT / "src" / "polypharmacy" / "ui" / "assets"
LOOKS: tuple[tuple[Literal["light", "dark"], int, int], ...] = (
    ("light", 1440, 900),
    ("light", 390, 844),
    ("dark", 1440, 900),
    ("dark", 390, 844),
)
WATCH_HEADING = """
new MutationObserver((_, watching) => {
    if (document.querySelector("h1")) { window.firstView = performance.now(); watching.disconnect(); }
}).observe(document, { childList: true, subtree: true });
"""
PRESS = """
(button) => new Promise((done) => {
    const risk = document.querySelector("[data-testid=risk-after]");
    const list = document.querySelector(".medicines");
    const began = performance.now();
    const watching = new MutationObserver(() => {
        if (button.getAttribute("aria-pressed") !== "true") return;
        watching.disconnect();
        requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
    });
    watching.observe(list, { subtree: true, attributes: true, attributeFilter: ["aria-pressed"] });
    watching.observe(risk, { subtree: true, characterData: true, childList: true });
    button.click();
})
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), args.quick) as url, open_browser() as browser:
        first = sorted(first_view(browser, url) for _ in range(3 if args.quick else 9))
        page = browser.new_page(base_url=url, viewport={"width": 1440, "height": 900})
        page.set_default_timeout(60_000)
        actions = sorted(action_times(page, 5 if args.quick else 15))
        views, violations = accessibility(page, args.quick)
    figures = {
        "js_gzip_kb": gzipped("*.js"),
        "js_at_first_gzip_kb": gzipped("index-*.js"),
        "css_gzip_kb": gzipped("*.css"),
        "first_view_ms_median": round(statistics.median(first)),
        "first_view_ms_worst": round(first[-1]),
        "action_ms_median": round(statistics.median(actions), 1),
        "action_ms_p95": round(actions[int(0.95 * (len(actions) - 1))], 1),
        "actions": len(actions),
        "axe_pages": views,
        "axe_violations": violations,
    }
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, Chromium {browser.version}"
    )
    ratios = {
        "js_of_320_kb": round(figures["js_gzip_kb"] / 320, 3),
        "first_view_of_1500_ms": round(figures["first_view_ms_median"] / 1500, 3),
        "action_of_100_ms": round(figures["action_ms_median"] / 100, 3),
    }
    if args.json:
        print(json.dumps({"name": "ui", "machine": machine, "figures": figures, "ratios": ratios}))
    else:
        print(machine)
        for name, value in {**figures, **ratios}.items():
            print(f"{name:>24} {value}")


@contextmanager
def serving(folder: Path, quick: bool) -> Iterator[str]:
    """A server of its own, with a database that goes away and, unless quick, a small search of claims."""
    program = str(Path(sys.executable).parent / "polypharmacy")
    pool, mined = str(folder / "pool.npz"), str(folder / "found")
    for work in (
        ["simulate", pool, "--background", "protective", "--seed", "3", "--combinations", "1500", "--drugs", "40"],
        ["search", pool, "--budget", "500", "--out", mined],
    ):
        if not quick:
            subprocess.run([program, "mine", *work], check=True, stdout=subprocess.DEVNULL)
    command = [program, "serve", "--port", "0", "--json"]
    command += ["--database", f"sqlite:///{folder / 'reviews.sqlite'}"]
    env = os.environ | {"POLYPHARMACY_WARM": "false", "POLYPHARMACY_MINED": mined}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"].replace("localhost", "127.0.0.1")
        try:
            yield url
        finally:
            process.terminate()


def first_view(browser: Browser, url: str) -> float:
    """Milliseconds to the first view, nothing cached."""
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(WATCH_HEADING)
    page.goto(url, timeout=120_000)
    page.get_by_role("heading", level=1).wait_for()
    shown: float = page.evaluate("() => window.firstView")
    context.close()
    return shown


def action_times(page: Page, medicines: int) -> list[float]:
    """Milliseconds of each decision and its taking back, in the example of 15 medicines."""
    page.goto("/")
    page.get_by_role("button", name="Fifteen medicines").click()
    rows = page.locator(".medicine")
    rows.nth(14).wait_for()
    out: list[float] = []
    for number in range(medicines):
        group = rows.nth(number).get_by_role("group")
        for word in ("Monitor" if number % 3 == 2 else "Stop", "Keep"):
            button = group.get_by_role("button", name=word, exact=True).element_handle()
            out.append(page.evaluate(PRESS, button))
            time.sleep(0.05)
    return out


def accessibility(page: Page, quick: bool) -> tuple[int, int]:
    """How many pages were looked at (views by looks), and what axe found in all of them together."""
    axe = Axe()
    pages = violations = 0
    for _ in views(page, quick):
        for scheme, width, height in LOOKS:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size({"width": width, "height": height})
            page.locator(f"html[data-mantine-color-scheme={scheme}]").wait_for()
            pages += 1
            violations += axe.run(page, options={"resultTypes": ["violations"]}).violations_count
        page.set_viewport_size({"width": 1440, "height": 900})
    return pages, violations


def views(page: Page, quick: bool) -> Iterator[str]:
    """Every view, one after the other, as it is when it is in use."""

    def ready() -> None:
        page.get_by_role("heading", name="Medicines", exact=True).wait_for()

    page.goto("/")
    page.get_by_role("heading", name="Go on with a review").wait_for()
    yield "open"
    page.get_by_role("button", name="Nine medicines").click()
    ready()
    review = page.url
    page.keyboard.press("s")
    page.get_by_role("heading", name="1 serious problem").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("e")
    page.get_by_role("button", name="Warfarin + Naproxen: severe").click()
    page.get_by_role("button", name="Suggest the next step").click()
    page.get_by_role("button", name="Accept").wait_for()
    yield "review"
    page.goto(f"{review}/patient")
    page.get_by_role("article").wait_for()
    yield "patient page"
    if quick:
        return
    for tab in ("loads", "organs", "criteria"):
        page.goto(f"{review}?tab={tab}")
        page.get_by_role("tabpanel").wait_for()
        yield tab
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    yield "keys"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("w")
    page.get_by_role("form").wait_for()
    yield "switch"
    page.goto("/")
    page.get_by_label("Index").fill("2")
    page.get_by_role("button", name="Play", exact=True).click()
    ready()
    page.goto(f"{page.url}?mode=research")
    page.locator(".square").first.click()
    page.locator(".timeline li").wait_for()
    yield "episode with research"
    page.keyboard.press("f")
    page.get_by_role("dialog").get_by_role("button", name="Finish").click()
    page.get_by_test_id("oracle").wait_for()
    yield "episode at its end"
    page.goto("/run?task=easy_screening&split=test&index=0&agent=heuristic&against=random&step=3")
    page.get_by_role("region", name="random").locator(".timeline li").nth(2).wait_for()
    yield "two agents"
    page.goto("/mined")
    page.get_by_role("heading", name="Top findings").wait_for()
    for closed in page.locator("summary").all():
        closed.click()
    yield "mined claims"


def gzipped(names: str) -> float:
    """Kilobytes of the built files of such names, compressed as a server would."""
    files: list[Any] = list(ASSETS.glob(names))
    return round(sum(len(gzip.compress(f.read_bytes(), 9)) for f in files) / 1000, 1)


if __name__ == "__main__":
    main()
