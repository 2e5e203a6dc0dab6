"""The page as it is served, without a browser: its addresses, its files, and that it is what the sources give."""

import gzip
import re
import runpy
from pathlib import Path

import httpx
import pytest

from polypharmacy.server.routes.page import UI
from tests.server.conftest import Server, Serving

ROOT = Path(__file__).parents[3]


def test_the_built_page_is_that_of_the_sources() -> None:
    sources = runpy.run_path(str(ROOT / "frontend" / "sources.py"))
    stored = (UI / "sources.sha256").read_text().strip()
    assert stored == sources["digest"](), (
        "the page's sources have changed: run `make ui` (needs Node) and commit src/polypharmacy/ui"
    )


@pytest.mark.parametrize(
    "address", ["/", "/run?task=easy_screening", "/mined", "/review/anything", "/review/anything/patient"]
)
def test_every_address_of_the_page_is_answered_with_it_and_may_load_from_here_alone(
    server: Server, address: str
) -> None:
    answer = httpx.get(server.url + address)
    assert answer.status_code == 200
    assert answer.text == (UI / "index.html").read_text()
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert answer.headers["cache-control"] == "no-cache"
    assert httpx.head(server.url + address).status_code == 200


def test_its_files_are_there_and_may_be_kept(server: Server) -> None:
    names = re.findall(r'(?:src|href)="(/assets/[^"]+)"', (UI / "index.html").read_text())
    assert {name.rsplit(".", 1)[1] for name in names} == {"js", "css", "svg"}
    for name in names:
        answer = httpx.get(server.url + name)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert "javascript" in httpx.get(server.url + next(n for n in names if n.endswith("js"))).headers["content-type"]


def test_its_program_weighs_at_most_320_kb_compressed() -> None:
    assert sum(len(gzip.compress(file.read_bytes(), 9)) for file in (UI / "assets").glob("*.js")) <= 320_000


@pytest.mark.parametrize(
    "name", ["nothing.js", "..%2findex.html", "..%2f..%2fserver%2fapp.py", "%2fetc%2fpasswd", "%00"]
)
def test_nothing_else_is_handed_out(server: Server, name: str) -> None:
    assert httpx.get(f"{server.url}/assets/{name}").status_code == 404


def test_the_page_is_shown_without_a_key_and_nothing_of_anybody_is(serve: Serving) -> None:
    server = serve(api_key="secret")
    assert httpx.get(server.url).status_code == 200
    for path in ("/reviews", "/agents", "/review/../reviews"):
        assert httpx.get(server.url + path).status_code == 401, path
    assert (
        httpx.post(f"{server.url}/runs", json={"task_id": "easy_screening", "index": 0, "agent": "random"}).status_code
        == 401
    )


def test_another_folder_can_be_shown(serve: Serving, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("another")
    assert httpx.get(serve(ui=tmp_path).url).text == "another"
