"""The FastAPI app, put together from its routers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

import polypharmacy
from polypharmacy.env.backends import step_function
from polypharmacy.env.openenv.banks import DRAWN, Banks
from polypharmacy.env.oracle import best_plan
from polypharmacy.env.tasks import TASKS
from polypharmacy.knowledge import load
from polypharmacy.server.journal.journal import Journal
from polypharmacy.server.journal.live import Reviews
from polypharmacy.server.middleware import Guard, RequestLog
from polypharmacy.server.problem import REFUSALS, add_handlers
from polypharmacy.server.routes import about, agent, bandit, episodes, mcp, page, reviews, watch, websocket
from polypharmacy.server.sessions import Sessions
from polypharmacy.server.settings import Settings
from polypharmacy.server.watched import Agents


def build_app(settings: Settings | None = None) -> FastAPI:
    """The whole app for one process. What its routers need hangs on `app.state`: settings, sessions, and, once it has
    started, knowledge, banks and reviews.
    """
    settings = settings or Settings()
    app = FastAPI(
        title="PolypharmacyEnv",
        version=polypharmacy.__version__,
        lifespan=_lifespan,
        max_body_size=settings.max_body,
    )
    app.state.settings = settings
    app.state.sessions = Sessions(settings.max_sessions, settings.session_idle)
    add_handlers(app)
    for module in (page, episodes, reviews, watch, agent, bandit, mcp, about):
        app.include_router(module.router, responses=REFUSALS)
    app.router.routes[:0] = [*websocket.routes, *mcp.routes]
    key = None if settings.api_key is None else settings.api_key.get_secret_value()
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(settings.cors_origins), allow_methods=["*"], allow_headers=["*"]
        )
    app.add_middleware(Guard, key=key, origins=settings.cors_origins)
    app.add_middleware(RequestLog)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.knowledge = load()
    app.state.banks = Banks()
    journal = Journal(app.state.settings.database_url)
    app.state.reviews = Reviews(journal, app.state.knowledge, app.state.banks.load)
    app.state.agents = Agents(
        app.state.knowledge, agent.remote_of(app.state.settings), app.state.settings.model_timeout
    )
    step_function("numba")
    tasks = [asyncio.create_task(app.state.sessions.reap_for_ever())]
    if app.state.settings.warm:
        tasks.append(asyncio.create_task(_warm(app.state.banks)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        app.state.agents.close()
        app.state.banks.close()
        journal.close()


async def _warm(banks: Banks) -> None:
    """Have the cases that are drawn without an index ready before they are asked for, and the oracle compiled."""
    for task in TASKS:
        bank = await banks.load_async(task, "train", DRAWN - 1)
        await asyncio.to_thread(best_plan, bank.tables, 0)
