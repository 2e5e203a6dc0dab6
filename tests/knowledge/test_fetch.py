"""Look-ups against a local server that speaks the services' JSON, over a real socket."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlparse

import httpx
import pytest

from polypharmacy.cli.main import run
from polypharmacy.knowledge.fetch import RETRIES, Fetcher, FetchProblem


class Service(BaseHTTPRequestHandler):
    """RxNav and openFDA in small; `failures` answers of 503 come first."""

    failures: ClassVar[int] = 0
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        url = urlparse(self.path)
        query = parse_qs(url.query)
        type(self).seen.append(url.path)
        if type(self).failures > 0:
            type(self).failures -= 1
            self._answer(503, {})
        elif url.path == "/REST/rxcui.json":
            ids = {"warfarin": ["11289"]}.get(query["name"][0])
            self._answer(200, {"idGroup": {"rxnormId": ids} if ids else {}})
        elif url.path == "/REST/rxcui/11289/properties.json":
            self._answer(200, {"properties": {"rxcui": "11289", "name": "warfarin", "tty": "IN"}})
        elif url.path == "/drug/label.json" and "warfarin" in query["search"][0]:
            self._answer(
                200, {"results": [{"set_id": "x", "effective_time": "20240101", "boxed_warning": ["Bleeding."]}]}
            )
        elif url.path == "/drug/label.json" and "html" in query["search"][0]:
            self._answer(200, "<html>")
        else:
            self._answer(404, {"error": {"code": "NOT_FOUND"}})

    def _answer(self, status: int, body: object) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[Service]]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    Service.failures, Service.seen = 0, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{http.server_port}"
        monkeypatch.setenv("POLYPHARMACY_RXNORM_URL", url)
        monkeypatch.setenv("POLYPHARMACY_OPENFDA_URL", url)
        yield Service
        http.shutdown()
        thread.join(timeout=5)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client() as opened:
        yield opened


def test_rxnorm(server: type[Service], client: httpx.Client) -> None:
    fetcher = Fetcher("rxnorm", client)
    assert fetcher.look_up("warfarin") == {
        "name": "warfarin",
        "found": True,
        "rxcui": "11289",
        "rxnorm_name": "warfarin",
        "term_type": "IN",
    }
    assert fetcher.look_up("foozolam") == {"name": "foozolam", "found": False}


def test_openfda(server: type[Service], client: httpx.Client) -> None:
    fetcher = Fetcher("openfda", client)
    assert fetcher.look_up("warfarin")["boxed_warning"] == "Bleeding."
    assert fetcher.look_up('foo"zolam')["found"] is False


def test_answers_come_from_the_disk_the_second_time(server: type[Service], client: httpx.Client) -> None:
    first = Fetcher("rxnorm", client).look_up("warfarin")
    asked = len(server.seen)
    assert Fetcher("rxnorm", client).look_up("warfarin") == first
    assert len(server.seen) == asked


def test_failures_are_retried_and_then_told_and_never_cached(server: type[Service], client: httpx.Client) -> None:
    waits: list[float] = []
    server.failures = RETRIES - 1
    assert Fetcher("rxnorm", client, waits.append).look_up("warfarin")["found"]
    assert max(waits) >= 0.5
    server.failures = RETRIES
    with pytest.raises(FetchProblem, match="answered 503; tried 3 times"):
        Fetcher("openfda", client, waits.append).look_up("warfarin")
    assert Fetcher("openfda", client, waits.append).look_up("warfarin")["found"]


def test_requests_keep_their_distance(server: type[Service], client: httpx.Client) -> None:
    waits: list[float] = []
    fetcher = Fetcher("openfda", client, waits.append)
    fetcher.look_up("warfarin")
    fetcher.look_up("foozolam")
    assert len(waits) == 1
    assert 0 < waits[0] <= 0.25


def test_an_answer_that_is_not_json(server: type[Service], client: httpx.Client) -> None:
    with pytest.raises(FetchProblem, match="not JSON"):
        Fetcher("openfda", client).look_up("html")


def test_the_command_line(server: type[Service], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["knowledge", "fetch", "rxnorm", "warfarin", "foozolam", "--json"]) == 0
    fetched = json.loads(capsys.readouterr().out)["fetched"]
    assert [row["found"] for row in fetched] == [True, False]
    assert run(["knowledge", "fetch", "elsewhere", "warfarin"]) == 2


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, client: httpx.Client) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("POLYPHARMACY_RXNORM_URL", "http://127.0.0.1:9")
    with pytest.raises(FetchProblem, match="did not answer"):
        Fetcher("rxnorm", client, lambda _: None).look_up("warfarin")
