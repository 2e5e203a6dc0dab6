"""OpenEnv's /mcp: JSON-RPC. This environment is played through its actions and has no tools, and says so."""

from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send

router = APIRouter(tags=["MCP"])
PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602


@router.post("/mcp", response_model=dict[str, Any])
async def mcp(request: Request) -> Response:
    """Answer one JSON-RPC request: tools/list (there are none) or tools/call."""
    return Response(_answer_text(await request.body()), media_type="application/json")


class McpSocket:
    """The ASGI app of the WebSocket at /mcp: a request a frame."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send

    def __await__(self) -> Any:
        return self._serve().__await__()

    async def _serve(self) -> None:
        await self._receive()  # websocket.connect
        await self._send({"type": "websocket.accept"})
        while (message := await self._receive())["type"] == "websocket.receive":
            answered = _answer_text(message.get("text") or message.get("bytes") or "")
            await self._send({"type": "websocket.send", "text": answered.decode()})


def answer(request: object) -> bytes:
    """A JSON-RPC response as JSON."""
    if not isinstance(request, dict):
        return _error(None, INVALID_REQUEST, "a request is an object")
    id_ = request.get("id")
    if not isinstance(id_, str | int | None) or isinstance(id_, bool):
        return _error(None, INVALID_REQUEST, "id is a string or a whole number")
    if request.get("jsonrpc") != "2.0" or not isinstance(request.get("method"), str):
        return _error(id_, INVALID_REQUEST, 'a request has "jsonrpc": "2.0" and a method')
    if request["method"] == "tools/list":
        return orjson.dumps({"jsonrpc": "2.0", "id": id_, "result": {"tools": []}})
    if request["method"] == "tools/call":
        return _error(id_, INVALID_PARAMS, "there are no tools: play by reset and step, as /schema has them")
    return _error(id_, METHOD_NOT_FOUND, "method is one of tools/list and tools/call")


def _answer_text(text: str | bytes) -> bytes:
    try:
        request = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _error(None, PARSE_ERROR, "not JSON")
    return answer(request)


def _error(id_: str | int | None, code: int, message: str) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": message}})


routes = [WebSocketRoute("/mcp", McpSocket)]
