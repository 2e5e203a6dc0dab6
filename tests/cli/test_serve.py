"""`polypharmacy serve`, as a user starts it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.cli.conftest import Result

COMMAND = Path(sys.executable).parent / "polypharmacy"


def test_it_says_where_it_is_and_stops_when_interrupted(tmp_path: Path) -> None:
    given = {**os.environ, "POLYPHARMACY_WARM": "false"}
    command = [str(COMMAND), "serve", "--port", "0", "--json", "--database", f"sqlite:///{tmp_path / 'r.sqlite'}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=given, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert said["host"] == "127.0.0.1"
        until = time.monotonic() + 120
        while True:
            try:
                assert httpx.get(f"{said['url']}/health", timeout=5).status_code == 200
                break
            except httpx.HTTPError:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert "Traceback" not in errors
    assert "GET /health 200" in errors


def test_a_port_that_is_taken_is_one_line(polypharmacy: Callable[..., Result], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = polypharmacy("serve", "--port", taken.getsockname()[1], "--database", f"sqlite:///{tmp_path}/r.sqlite")
    assert (answer.code, len(answer.err.strip().splitlines())) == (1, 1)
    assert "nobody can listen on 127.0.0.1" in answer.err


def test_a_bad_option_is_bad_input(polypharmacy: Callable[..., Result]) -> None:
    assert polypharmacy("serve", "--port", "99999").code == 2
    answer = polypharmacy("serve", "--port", "0", "--database", "sqlite://")
    assert (answer.code, len(answer.err.strip().splitlines())) == (2, 1)
    assert "POLYPHARMACY_DATABASE_URL" in answer.err
