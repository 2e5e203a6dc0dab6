"""Serving the app: one process, one event loop."""

import gc
import logging
import socket

import uvicorn
from fastapi import FastAPI

from polypharmacy.server.app import build_app
from polypharmacy.server.protocol import ShortCutProtocol
from polypharmacy.server.settings import Settings


def serve(settings: Settings | None = None, listener: socket.socket | None = None) -> None:
    """Serve until interrupted, on `listener` or where the settings say. Raises OSError where nobody can listen."""
    settings = settings or Settings()
    listener = listener or listen(settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    _Server(configure(build_app(settings), settings)).run(sockets=[listener])


class _Server(uvicorn.Server):
    """What was loaded at the start stays: the garbage collector need not go through it again and again, and looks less
    often at the little that a request leaves.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 50)


def listen(settings: Settings) -> socket.socket:
    """A socket on the settings' host and port (0: any free one)."""
    return socket.create_server((settings.host, settings.port), backlog=2048, reuse_port=False)


def configure(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """uvicorn as this app wants it: uvloop, no compression of frames (they are small and near), its own log lines off
    (they show addresses and query strings; `middleware.RequestLog` does not).
    """
    return uvicorn.Config(
        app,
        ws=ShortCutProtocol,
        ws_per_message_deflate=False,
        ws_max_size=settings.max_body,
        limit_concurrency=2 * settings.max_sessions + 100,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
