"""Whatever is sent: a clear refusal, nobody else's session, and a server that goes on."""

import asyncio
import json
import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from polypharmacy.server.middleware import RequestLog
from tests.server.conftest import Server, Serving

FINISH = {"action_type": "finish_review"}
FIRST = {"split": "test", "task_id": "easy_screening", "index": 0}
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.fixture
def ws(server: Server) -> Iterator[ClientConnection]:
    with connect(server.ws, proxy=None, max_size=None) as connection:
        yield connection
        alive(server)


def alive(server: Server) -> None:
    """Another player's whole episode, over both ways in."""
    with connect(server.ws, proxy=None) as other:
        assert ask(other, {"type": "reset", "data": FIRST})["data"]["done"] is False
        assert ask(other, {"type": "step", "data": FINISH})["data"]["done"] is True
    assert httpx.get(f"{server.url}/health", timeout=30).json() == {"status": "healthy"}


def ask(connection: ClientConnection, message: Any) -> dict[str, Any]:
    connection.send(message if isinstance(message, (str, bytes)) else json.dumps(message))
    answer: dict[str, Any] = json.loads(connection.recv(timeout=60))
    return answer


@pytest.mark.parametrize(
    ("frame", "code", "says"),
    [
        ("", "INVALID_JSON", "not JSON"),
        ("{", "INVALID_JSON", "not JSON"),
        (b"\xff\xfe", "INVALID_JSON", "not JSON"),
        ('{"type": "step", "data": {"action_type": NaN}}', "INVALID_JSON", "not JSON"),
        (DEEP, "INVALID_JSON", "not JSON"),
        ('{"type": "reset", "data": ' + DEEP + "}", "INVALID_JSON", "not JSON"),
        ("null", "VALIDATION_ERROR", "a frame is an object"),
        ("[1]", "VALIDATION_ERROR", "a frame is an object"),
        ("{}", "UNKNOWN_TYPE", "type is one of"),
        ('{"type": ["step"]}', "UNKNOWN_TYPE", "type is one of"),
        ('{"type": "fly", "data": {}}', "UNKNOWN_TYPE", "type is one of"),
        ('{"type": "step"}', "VALIDATION_ERROR", "step needs data"),
        ('{"type": "step", "data": 3}', "VALIDATION_ERROR", "step needs data"),
        ('{"type": "step", "data": {}}', "VALIDATION_ERROR", "action_type: Field required"),
        ('{"type": "step", "data": {"action_type": "query_ddi"}}', "VALIDATION_ERROR", "needs drug_id_1 and drug_id_2"),
        ('{"type": "step", "data": {"action_type": "finish_review", "\\ud800": 1}}', "INVALID_JSON", "not JSON"),
        ('{"type": "step", "data": {"action_type": "finish_review", "x": 1}}', "VALIDATION_ERROR", "x: Extra inputs"),
        ('{"type": "step", "data": {"action_type": "finish_review"}}', "EXECUTION_ERROR", "call reset"),
        ('{"type": "reset", "data": []}', "VALIDATION_ERROR", "reset needs data"),
        ('{"type": "reset", "data": {"seed": -1}}', "VALIDATION_ERROR", "seed: Input should be greater"),
        ('{"type": "reset", "data": {"index": 1e400}}', "INVALID_JSON", "not JSON"),
        ('{"type": "reset", "data": {"index": 99999999999999999999999}}', "VALIDATION_ERROR", "index"),
        ('{"type": "reset", "data": {"split": "test", "index": 99999}}', "EXECUTION_ERROR", "tasks 0 to 3071"),
        ('{"type": "reset", "data": {"patient": "\\u0000\\u0001"}}', "EXECUTION_ERROR", "patient"),
        ('{"type": "reset", "data": {"patient": {}}}', "EXECUTION_ERROR", "patient"),
        ('{"type": "mcp", "data": "x"}', "VALIDATION_ERROR", "mcp needs data"),
    ],
)
def test_a_bad_frame_is_answered_and_the_session_goes_on(
    frame: str | bytes, code: str, says: str, ws: ClientConnection
) -> None:
    answer = ask(ws, frame)
    assert answer["type"] == "error", answer
    assert (answer["data"]["code"], says in answer["data"]["message"]) == (code, True), answer
    assert ask(ws, {"type": "state"})["data"]["step_count"] == 0
    assert ask(ws, {"type": "reset", "data": FIRST})["type"] == "observation"


def test_after_the_end_it_says_call_reset(ws: ClientConnection) -> None:
    ask(ws, {"type": "reset", "data": FIRST})
    assert ask(ws, {"type": "step", "data": FINISH})["data"]["done"]
    answer = ask(ws, {"type": "step", "data": FINISH})
    assert "call reset" in answer["data"]["message"]
    state = ask(ws, {"type": "state"})["data"]
    assert (state["step_count"], state["done"]) == (1, True)


def test_a_frame_that_is_too_large_closes_only_its_own_connection(server: Server, ws: ClientConnection) -> None:
    with connect(server.ws, proxy=None) as other:
        ask(other, {"type": "reset", "data": FIRST})
        with pytest.raises(ConnectionClosed) as closed:
            ask(ws, '{"type": "reset", "data": {"patient": "' + "x" * 10_000_000 + '"}}')
        # A client that is still sending when the server closes may be cut off before it reads the reason.
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1009
        assert ask(other, {"type": "step", "data": FINISH})["data"]["done"]
    alive(server)


def test_sessions_do_not_see_one_another(server: Server, ws: ClientConnection) -> None:
    ask(ws, {"type": "reset", "data": {**FIRST, "episode_id": "mine"}})
    with connect(server.ws, proxy=None) as other:
        assert ask(other, {"type": "state"})["data"]["episode_id"] is None
        assert "call reset" in ask(other, {"type": "step", "data": FINISH})["data"]["message"]
        ask(other, {"type": "reset", "data": {**FIRST, "index": 1, "episode_id": "mine"}})
        ask(other, {"type": "step", "data": FINISH})
    answer = httpx.post(f"{server.url}/step", json={"action": FINISH, "episode_id": "mine"}, timeout=30)
    assert answer.status_code == 409
    state = ask(ws, {"type": "state"})["data"]
    assert (state["step_count"], state["done"], state["index"]) == (0, False, 0)


def test_two_clients_on_one_http_episode_take_turns(server: Server) -> None:
    action = {"action_type": "query_ddi", "drug_id_1": "a", "drug_id_2": "b"}
    with httpx.Client(base_url=server.url, timeout=60) as http:
        http.post("/reset", json={**FIRST, "episode_id": "shared"})

        def play(_: int) -> int:
            return http.post("/step", json={"action": action, "episode_id": "shared"}).status_code

        with ThreadPoolExecutor(8) as pool:
            codes = list(pool.map(play, range(40)))
        assert codes.count(200) == 10  # the task's steps; each was played once
        assert codes.count(409) == 30
        assert http.get("/state", params={"episode_id": "shared"}).json()["step_count"] == 10


@pytest.mark.parametrize("path", ["/reset", "/step", "/mcp", "/polypharmacy_env/tasks"])
def test_bad_bodies(path: str, server: Server) -> None:
    with httpx.Client(base_url=server.url, timeout=60) as http:
        kind = {"content-type": "application/json"}

        def chunks() -> Iterator[bytes]:
            for _ in range(100):
                yield b"x" * 100_000

        assert http.post(path, content=b'"' + b"x" * 10_000_000 + b'"', headers=kind).status_code == 413
        assert http.post(path, content=chunks(), headers=kind).status_code == 413
        for body in (
            b"{",
            b"\xff",
            b"NaN",
            b'{"seed": NaN}',
            b"[1e400]",
            DEEP.encode(),
            b'{"\\ud800": 1}',
            b'"\\ud800"',
        ):
            answer = http.post(path, content=body, headers=kind)
            assert answer.status_code in (200, 400, 422), answer.text
            assert path == "/mcp" or (path == "/reset" and b"d800" in body) or isinstance(answer.json()["detail"], str)
    alive(server)


def test_slow_readers_do_not_hold_anybody_up(serve: Serving) -> None:
    """Forty clients that ask and never read; another one plays; their places are given back."""
    server = serve(session_idle=3.0)
    frame = json.dumps({"type": "reset", "data": {**FIRST, "task_id": "complex_tradeoff"}}).encode()
    masked = bytes((0x81, 0x80 | len(frame))) + bytes(4) + frame
    assert len(frame) < 126
    hello = (
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    slow = []
    for _ in range(40):
        reader = socket.create_connection(("127.0.0.1", server.port))
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.sendall(hello.encode())
        reader.setblocking(False)
        slow.append(reader)
    for _ in range(200):
        for reader in slow:
            with suppress(BlockingIOError):
                reader.send(masked)
    began = time.monotonic()
    alive(server)
    assert time.monotonic() - began < 20
    until = time.monotonic() + 30
    while len(server.app.state.sessions):
        assert time.monotonic() < until
        time.sleep(0.05)
    for reader in slow:
        reader.close()


def test_idle_sockets_are_told_and_closed(serve: Serving) -> None:
    server = serve(session_idle=0.3, max_sessions=1)
    with connect(server.ws, proxy=None) as idle:
        assert ask(idle, {"type": "reset", "data": FIRST})["type"] == "observation"
        with connect(server.ws, proxy=None) as late:
            answer = json.loads(late.recv(timeout=10))
            assert answer["data"]["code"] == "CAPACITY_REACHED"
            with pytest.raises(ConnectionClosed):
                late.recv(timeout=10)
        assert "idle for too long" in json.loads(idle.recv(timeout=10))["data"]["message"]
        with pytest.raises(ConnectionClosed):
            idle.recv(timeout=10)
    alive(server)


def test_a_key_is_asked_of_every_call(serve: Serving) -> None:
    server = serve(api_key="open sesame")
    with httpx.Client(base_url=server.url, timeout=60) as http:
        assert {http.get(path).status_code for path in ("/health", "/")} == {200}  # the page asks for the key
        for key in (None, "Bearer open", "Bearer open sesame!", "open sesame"):
            answer = http.post("/reset", json=FIRST, headers={} if key is None else {"authorization": key})
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert {http.get(path).status_code for path in ("/docs", "/agents", "/reviews")} == {401}
        assert http.post("/reset", json=FIRST, headers={"authorization": "Bearer open sesame"}).status_code == 200
    with pytest.raises(InvalidStatus) as refused:
        connect(server.ws, proxy=None)
    assert refused.value.response.status_code == 401
    with connect(server.ws, proxy=None, additional_headers={"authorization": "Bearer open sesame"}) as ws:
        assert ask(ws, {"type": "reset", "data": FIRST})["type"] == "observation"


def test_pages_of_other_sites_are_kept_out(serve: Serving) -> None:
    server, open_server = serve(), serve(cors_origins=["https://friend.example"])
    evil, friend = {"origin": "https://evil.example"}, {"origin": "https://friend.example"}
    answer = httpx.post(f"{server.url}/reset", json=FIRST, headers=evil, timeout=60)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in httpx.get(f"{server.url}/health", headers=evil).headers
    with pytest.raises(InvalidStatus):
        connect(server.ws, proxy=None, additional_headers=evil)
    assert httpx.post(f"{server.url}/reset", json=FIRST, headers={"origin": server.url}, timeout=60).status_code == 200
    allowed = httpx.post(f"{open_server.url}/reset", json=FIRST, headers=friend, timeout=60)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://friend.example")
    assert httpx.post(f"{open_server.url}/reset", json=FIRST, headers=evil, timeout=60).status_code == 403


def test_nothing_of_a_patient_is_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with httpx.Client(base_url=server.url, timeout=60) as http:
        patient = "Mrs Iphigenia Quill\nwarfarin 5 mg\nibuprofen 400 mg"
        id_ = http.post("/reset", json={"patient": patient, "episode_id": "iphigenia"}).json()["observation"][
            "episode_id"
        ]
        http.post("/step", json={"action": {**FINISH, "rationale": "quill"}, "episode_id": id_})
        http.get("/state", params={"episode_id": id_})
        http.post("/reset", json={"patient": {"resourceType": "Patient", "name": "quill"}})
        http.post("/reset", json={"patient": 3, "iphigenia": "quill"})
    said = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith(("http", "websockets"))).lower()
    assert "post /reset 200" in said
    assert "get /state 200" in said
    assert not any(word in said for word in ("iphigenia", "quill", "warfarin", "ibuprofen"))


def test_what_nobody_expected_is_logged_without_what_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise KeyError("warfarin of Mrs Quill")

    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(RequestLog(broken))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            return await http.get("/")

    answer = asyncio.run(call())
    assert answer.status_code == 500
    assert "Quill" not in answer.text + caplog.text
    assert "unexpected KeyError at" in caplog.text
