"""The FastAPI app, put together from its routers."""

from fastapi import FastAPI

from polypharmacy.server.settings import Settings


def build_app(settings: Settings | None = None) -> FastAPI:
    """The whole app for one process."""
    settings = settings or Settings()
    app = FastAPI(title="PolypharmacyEnv")
    app.state.settings = settings
    return app
