"""A server on 127.0.0.1 that speaks the OpenAI protocol and answers as a test tells it: the far end of the wire."""

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from polypharmacy.agents.chat import Remote

LONGEST_HANG = 20.0
"""Seconds after which even a server that never answers lets go."""


class Reply(NamedTuple):
    """An answer: `hang` sends nothing more after `body` until the server closes; `cut` says it is longer than it is."""

    body: bytes
    status: int = 200
    hang: bool = False
    cut: bool = False


Script = Callable[[dict[str, Any]], Reply]


class ScriptedModel:
    """A context manager; `requests` are the bodies it was sent, in order."""

    def __init__(self, script: Script) -> None:
        self.requests: list[dict[str, Any]] = []
        self._closing = threading.Event()
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                model.requests.append(asked)
                reply = script(asked)
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/json")
                more = 1 if reply.hang or reply.cut else 0
                self.send_header("Content-Length", str(len(reply.body) + more))
                self.end_headers()
                try:
                    self.wfile.write(reply.body)
                    self.wfile.flush()
                except OSError:  # who asked has gone
                    self.close_connection = True
                if reply.hang:
                    model._closing.wait(LONGEST_HANG)
                if more:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.remote = Remote(f"http://127.0.0.1:{self._server.server_address[1]}/v1", "scripted", "secret-key-7")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def call(name: str, arguments: object, finish_reason: str = "tool_calls") -> Reply:
    """A tool call as the protocol has it; arguments that are text are sent as they are."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    tool = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": text}}
    message = {"role": "assistant", "content": None, "tool_calls": [tool]}
    return completion(message, finish_reason)


def completion(message: object, finish_reason: str = "tool_calls") -> Reply:
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": "scripted", "choices": [choice]}
    return Reply(json.dumps(body).encode())


def obedient(asked: dict[str, Any]) -> Reply:
    """The first thing that the prompt says is open: queries, then monitoring, then the end."""
    told = asked["messages"][-1]["content"]
    query = re.search(r"query_ddi is open for:\n  (\S+) with ([^\s,]+)", told)
    if query:
        return call("query_ddi", {"rationale": "may interact", "drug_id_1": query[1], "drug_id_2": query[2]})
    target = re.search(r"propose_intervention is open for:\n  (\S+):", told)
    if target:
        wanted = {"rationale": "watch", "target_drug_id": target[1], "intervention_type": "add_monitoring"}
        return call("propose_intervention", wanted)
    return call("finish_review", {"rationale": "done"})
