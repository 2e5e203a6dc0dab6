"""OpenEnv over a WebSocket: a connection is a session. Frames as OpenEnv's clients send and expect them."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import orjson
from openenv.core.env_server.types import WSErrorCode
from pydantic import ValidationError
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send

from polypharmacy.env.openenv.banks import BankNotReady
from polypharmacy.env.openenv.environment import CallReset, PolypharmacyEnvironment, problem_of
from polypharmacy.env.openenv.models import PolypharmacyAction, ResetOptions
from polypharmacy.server.problem import log_failure
from polypharmacy.server.protocol import SHORT_CUT
from polypharmacy.server.routes.mcp import answer
from polypharmacy.server.sessions import Full, Session, Sessions

_action = PolypharmacyAction.__pydantic_validator__.validate_python
_options = ResetOptions.__pydantic_validator__.validate_python
GOING_AWAY, TRY_LATER = 1001, 1013


class Socket:
    """The ASGI app of /ws. Reads a frame, answers it, reads the next: no task, thread or queue in between."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._state = scope["app"].state
        self._receive, self._send = receive, send
        self._short_cut = scope.get("extensions", {}).get(SHORT_CUT, {}).get("take")
        self._busy = False

    def __await__(self) -> Any:
        return self._serve().__await__()

    async def _serve(self) -> None:
        await self._receive()  # websocket.connect
        await self._send({"type": "websocket.accept"})
        sessions: Sessions = self._state.sessions
        environment = PolypharmacyEnvironment(self._state.banks, self._state.settings.reset_wait)
        task = asyncio.current_task()
        assert task is not None
        session = Session(environment, task.cancel)
        id_ = f"ws:{uuid4()}"
        try:
            sessions.add(id_, session)
        except Full as error:
            await self._end(_error(WSErrorCode.CAPACITY_REACHED, str(error)), TRY_LATER)
            return
        if self._short_cut is not None:
            self._short_cut(partial(self._at_once, session))
        try:
            await self._play(session)
        except asyncio.CancelledError:
            if sessions.get(id_) is session:
                raise  # the server stops
            await self._end(_error(WSErrorCode.SESSION_ERROR, "idle for too long: connect again"), GOING_AWAY)
        finally:
            sessions.drop(id_, session)

    async def _play(self, session: Session) -> None:
        receive, send = self._receive, self._send
        while True:
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            session.touch()
            self._busy = True
            try:
                frame = await self._answer(session.environment, message.get("text") or message.get("bytes") or "")
            except Exception as error:
                frame = _failed(error)
            if frame is None:
                await send({"type": "websocket.close", "code": 1000})
                return
            await send({"type": "websocket.send", "text": frame.decode()})
            session.touch()
            self._busy = False

    def _at_once(self, session: Session, text: bytes) -> bytes | None:
        """The answer to a step of an open episode, and to a reset that waits for nothing; None where it is anything
        else, or an earlier frame is being answered.
        """
        if self._busy:
            return None
        session.touch()
        try:
            message = orjson.loads(text)
            if message["type"] == "step":
                work: Callable[[Any], bytes | None] = session.environment.step_payload
                given: Any = _action(message["data"])
            elif message["type"] == "reset":
                work, given = session.environment.reset_at_once, _options(message["data"])
            else:
                return None
        except (orjson.JSONDecodeError, KeyError, TypeError, ValidationError):
            return None  # the usual way says what is wrong
        try:
            payload = work(given)
        except Exception as error:
            return _failed(error)
        return None if payload is None else b'{"type":"observation","data":%b}' % payload

    async def _answer(self, environment: PolypharmacyEnvironment, text: str | bytes) -> bytes | None:
        """The frame that answers one; None closes."""
        message = orjson.loads(text)
        if not isinstance(message, dict):
            return _error(WSErrorCode.VALIDATION_ERROR, "a frame is an object with a type")
        kind = message.get("type")
        if kind == "close":
            return None
        if kind == "state":
            return b'{"type":"state","data":%b}' % environment.state.model_dump_json().encode()
        if kind not in ("step", "reset", "mcp"):
            return _error(WSErrorCode.UNKNOWN_TYPE, "type is one of reset, step, state, mcp and close")
        data = message.get("data", {} if kind == "reset" else None)
        if not isinstance(data, dict):
            return _error(WSErrorCode.VALIDATION_ERROR, f"{kind} needs data: an object")
        if kind == "step":
            return b'{"type":"observation","data":%b}' % environment.step_payload(_action(data))
        if kind == "reset":
            options = ResetOptions.model_validate(data)
            return b'{"type":"observation","data":%b}' % await environment.reset_payload_async(options)
        return b'{"type":"mcp","data":%b}' % answer(data)

    async def _end(self, frame: bytes, code: int) -> None:
        await self._send({"type": "websocket.send", "text": frame.decode()})
        await self._send({"type": "websocket.close", "code": code})


def _error(code: WSErrorCode, message: str) -> bytes:
    data = {"message": message.encode("utf-8", "replace").decode(), "code": code.value}
    return orjson.dumps({"type": "error", "data": data})


def _failed(error: Exception) -> bytes:
    if isinstance(error, orjson.JSONDecodeError):
        return _error(WSErrorCode.INVALID_JSON, f"not JSON: {error.msg} at character {error.pos}")
    if isinstance(error, ValidationError):
        return _error(WSErrorCode.VALIDATION_ERROR, problem_of(error.errors()))
    if isinstance(error, (CallReset, BankNotReady, ValueError)):
        return _error(WSErrorCode.EXECUTION_ERROR, str(error))
    if isinstance(error, OSError):
        raise error  # the client is gone
    log_failure(error)
    return _error(WSErrorCode.EXECUTION_ERROR, "the server failed; what happened is in its log")


routes = [WebSocketRoute("/ws", Socket)]
