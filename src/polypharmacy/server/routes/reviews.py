"""/reviews: a patient's or an episode's review, every action of it kept."""

import random
from datetime import date
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Header, Query, Request, Response, status
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, StringConstraints

from polypharmacy.env.openenv.banks import DRAWN
from polypharmacy.env.openenv.models import PolypharmacyAction
from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import InputError, Patient
from polypharmacy.patients.readers import parse_patient
from polypharmacy.patients.stated import with_stated
from polypharmacy.server.journal.live import ReadOnly, Reviews
from polypharmacy.server.journal.plays import PatientPlay
from polypharmacy.server.problem import Problem
from polypharmacy.server.review_models import (
    FhirResource,
    OpenReview,
    PatientReport,
    PatientReviewView,
    PatientText,
    ReviewList,
    ReviewView,
    TaskReviewView,
    UndoRequest,
)
from polypharmacy.server.review_report import html_page
from polypharmacy.server.review_views import review_row, review_view

PAGE = 50
MAX_MEDICINES = 100
"""Far above any person's list: a review's cost grows with the square."""


_PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "there is no such review"},
    409: {"model": Problem, "description": "it does not fit where the review stands; nothing was recorded"},
    503: {"model": Problem, "description": "the database, or an episode's cases, are not there yet; try again"},
}

router = APIRouter(prefix="/reviews", tags=["reviews"], responses=_PROBLEMS)

ReviewId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
Expected = Annotated[
    int | None,
    Query(ge=0, le=10**9, description="the sequence last seen: 409 if another client has acted since"),
]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=80,
        pattern=r"^[\x21-\x7e]+$",
        description="your own name of this action: sent again after a lost answer, it is not played twice",
    ),
]


@router.post("", status_code=status.HTTP_201_CREATED, response_model=ReviewView)
def open_review(request: Request, body: OpenReview) -> Response:
    """Open the review of a patient (a text, a text with facts, or FHIR R4), or of an episode of a task."""
    reviews = _reviews(request)
    if body.task_id is not None:
        index = body.index if body.index is not None else random.randrange(DRAWN)
        try:
            opened = reviews.open_task(body.task_id, body.split or "train", index)
        except ValueError as error:
            raise InputError(str(error)) from None
    else:
        patient = _read(body.patient, reviews.knowledge)
        if len(patient.medications) > MAX_MEDICINES:
            raise InputError(
                f"patient: {len(patient.medications)} medicines; a review holds at most {MAX_MEDICINES}: is this one "
                "patient's list?"
            )
        opened = reviews.open_patient(patient)
    with reviews.reading(opened) as live:
        return _json(review_view(live), status.HTTP_201_CREATED, {"Location": f"/reviews/{opened}"})


@router.get("")
def list_reviews(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE,
    before: Annotated[int | None, Query(ge=1, le=2**53, description="next of the page before")] = None,
) -> ReviewList:
    """The reviews, newest first."""
    reviews = _reviews(request)
    rows = reviews.journal.list(limit, before)
    return ReviewList(
        reviews=[review_row(stored, sequence, reviews.knowledge.hash) for stored, sequence in rows],
        next=rows[-1][0].number if len(rows) == limit else None,
    )


@router.get("/{review_id}", response_model=ReviewView)
def read_review(request: Request, review_id: ReviewId) -> Response:
    """Everything about a review as the journal has it now."""
    with _reviews(request).reading(review_id) as live:
        return _json(review_view(live))


@router.post("/{review_id}/actions", response_model=ReviewView)
def act(
    request: Request,
    review_id: ReviewId,
    action: PolypharmacyAction,
    expected_sequence: Expected = None,
    key: Key = None,
) -> Response:
    """Play one action; the answer comes after it was committed.

    In a patient's review an action that is not open is refused (409) and leaves no trace. In a task it counts as an
    invalid action, as everywhere: a step and -0.05.
    """
    with _reviews(request).acting(review_id, action, expected=expected_sequence, key=key) as live:
        return _json(review_view(live))


@router.post("/{review_id}/undo", response_model=ReviewView)
def undo(
    request: Request,
    review_id: ReviewId,
    body: UndoRequest | None = None,
    expected_sequence: Expected = None,
    key: Key = None,
) -> Response:
    """Take back the last action, or in a patient's review any; the taking back is a row of the journal itself."""
    target = body.sequence if body is not None else None
    with _reviews(request).undoing(review_id, target, expected=expected_sequence, key=key) as live:
        return _json(review_view(live))


@router.delete("/{review_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_review(request: Request, review_id: ReviewId) -> None:
    """Delete a review with everything that was recorded of it, for good."""
    _reviews(request).delete(review_id)


@router.get(
    "/{review_id}/report",
    response_model=PatientReport | TaskReviewView,
    responses={200: {"content": {"text/html": {}}, "description": "the report, as JSON or as a page to print"}},
)
def report(request: Request, review_id: ReviewId, format: Literal["json", "html"] = "json") -> Response:
    """The report with what was decided."""
    from polypharmacy.review.report_json import review_dict

    with _reviews(request).reading(review_id) as live:
        if format == "html":
            return HTMLResponse(html_page(live, date.today()), headers=_PAGE_HEADERS)
        view = review_view(live)
        if isinstance(view, PatientReviewView) and isinstance(live.play, PatientPlay):
            return _json(PatientReport(report=review_dict(live.play.session.review), decided=view))
        if isinstance(view, TaskReviewView):
            return _json(view)
        raise ReadOnly(str(live.problem))


_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


def _json(shown: BaseModel, code: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Written here, in a worker thread: the event loop has others to serve."""
    return Response(shown.model_dump_json(), code, headers, media_type="application/json")


def _reviews(request: Request) -> Reviews:
    reviews: Reviews = request.app.state.reviews
    return reviews


def _read(given: str | PatientText | FhirResource | None, knowledge: Knowledge) -> Patient:
    """The patient that a body describes. Raises InputError."""
    if isinstance(given, FhirResource):
        try:
            return parse_patient(orjson.dumps(given.model_dump()).decode(), knowledge, source="patient")
        except (orjson.JSONEncodeError, RecursionError):
            raise InputError("patient: nested too deeply, or with text or numbers that are none") from None
    if isinstance(given, PatientText):
        facts = given.model_dump(exclude={"text"})
        return with_stated(parse_patient(given.text, knowledge, source="patient"), knowledge, **facts)
    return parse_patient(given or "", knowledge, source="patient")
