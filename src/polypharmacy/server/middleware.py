"""What every request goes through: a log line without what was sent, key and origin."""

import hmac
import logging
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from polypharmacy.server.problem import log_failure, problem
from polypharmacy.server.routes.page import is_page

log = logging.getLogger("polypharmacy.server")
OPEN_PATHS = ("/health",)
"""Answered without a key, so that whoever runs the server can see that it is up."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class RequestLog:
    """One line a request: method, the route's pattern (no ids), status and time. The outermost: it also answers what
    nobody expected, and says where it came from without what was sent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            try:
                await self.app(scope, receive, send)
            except Exception as error:
                if scope["type"] != "websocket":
                    raise
                log_failure(error)
            return
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            log_failure(error)
            if status == 0:
                status = 500
                await problem(500, "the server failed; what happened is in its log")(scope, receive, send)
        route = scope.get("route")
        path = getattr(route, "path", "(no route)")
        log.info("%s %s %d %.1f ms", scope["method"], path, status, 1000 * (time.perf_counter() - began))


class Guard:
    """Refuses what has no key (401) or comes from another site's page (403).

    A browser sends a page's origin with a WebSocket and with every request that changes something; CORS alone would not
    keep another site's page from those.
    """

    def __init__(self, app: ASGIApp, key: str | None, origins: tuple[str, ...]) -> None:
        self.app = app
        self._key = None if key is None else f"Bearer {key}".encode()
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refused(scope, headers)
        if refused is not None:
            response = problem(*refused)
            if refused[0] == 401:
                response.headers["WWW-Authenticate"] = "Bearer"
            await response(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _refused(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        preflight = scope["type"] == "http" and scope["method"] == "OPTIONS"
        if self._key is not None and scope["path"] not in OPEN_PATHS and not preflight and not is_page(scope["path"]):
            given = headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, self._key):
                return 401, "a key is needed: send Authorization: Bearer KEY"
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if origin is None or not changes or origin in self._origins or "*" in self._origins:
            return None
        if urlsplit(origin).netloc == headers.get("host"):
            return None
        return 403, "pages of other sites may not use this server: add theirs to POLYPHARMACY_CORS_ORIGINS"
