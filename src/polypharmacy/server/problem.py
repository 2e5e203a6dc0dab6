"""What goes wrong, said in one sentence with a 4xx or 503: never a traceback, never what was sent."""

import logging
import traceback
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from polypharmacy.env.openenv.banks import BankNotReady
from polypharmacy.env.openenv.environment import CallReset, problem_of
from polypharmacy.env.openenv.task_provider import UnknownSplit
from polypharmacy.patients import InputError
from polypharmacy.review.session import Refused
from polypharmacy.server.journal.database import DatabaseProblem
from polypharmacy.server.journal.journal import NoReview
from polypharmacy.server.journal.live import Conflict
from polypharmacy.server.sessions import Full

log = logging.getLogger("polypharmacy.server")


class Problem(BaseModel):
    """What happened and what to do next."""

    detail: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem} for code in (400, 401, 403, 404, 409, 413, 422, 503)
}
"""What any call may answer instead, for the OpenAPI document."""
STATUS: dict[type[Exception], int] = {
    UnknownSplit: 404,
    NoReview: 404,
    CallReset: 409,
    Conflict: 409,
    Refused: 409,
    InputError: 422,
    BankNotReady: 503,
    DatabaseProblem: 503,
    Full: 503,
}


def problem(status: int, detail: str) -> JSONResponse:
    """A response; text that is no text is made readable."""
    headers = {"Retry-After": "5"} if status == 503 else None
    clean = detail.encode("utf-8", "replace").decode()
    return JSONResponse({"detail": clean}, status_code=status, headers=headers)


def add_handlers(app: FastAPI) -> None:
    """Answer every known failure as a Problem."""

    async def known(request: Request, error: Exception) -> JSONResponse:
        return problem(next(code for kind, code in STATUS.items() if isinstance(error, kind)), str(error))

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        response = problem(error.status_code, str(error.detail))
        response.headers.update(error.headers or {})
        return response

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return problem(422, problem_of(error.errors()))

    for kind in STATUS:
        app.add_exception_handler(kind, known)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)


def log_failure(error: BaseException) -> None:
    """Where an error nobody expected came from. Not its text: that may hold what was sent."""
    frames = [f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)[-4:]]
    log.error("unexpected %s at %s", type(error).__name__, " < ".join(reversed(frames)))
