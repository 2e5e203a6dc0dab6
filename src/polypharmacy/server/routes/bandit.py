"""/bandit: what a search of claims learned, from the folder that `mine search --out` wrote."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from polypharmacy.knowledge import Severity, load
from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.errors import ClaimsError
from polypharmacy.mining.predictor import Ensemble, read_ensemble
from polypharmacy.review.known import what_is_known
from polypharmacy.server.problem import Problem
from polypharmacy.server.settings import Settings

log = logging.getLogger("polypharmacy.server")

NOT_GIVEN = (
    "This server was given no search of claims: run polypharmacy mine search POOL --out FOLDER, and start it with "
    "POLYPHARMACY_MINED=FOLDER."
)
NOT_READ = (
    "POLYPHARMACY_MINED names a folder that holds no whole result of polypharmacy mine search --out; the server's log "
    "says what is wrong."
)
MOST_DRUGS, MOST_COMBINATIONS = 100, 10_000
Drugs = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=MOST_DRUGS)]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class KnownOf(BaseModel):
    """What the knowledge base says of a combination."""

    status: Literal["known", "new", "unresolved"]
    severity: Severity | None
    message: str


class Prediction(BaseModel):
    """mean and sigma of the relative risk by the member of the ensemble with the highest mean - sigmas x sigma; flagged
    when that exceeds the threshold.
    """

    drugs: list[str]
    mean: float
    sigma: float
    flagged: bool


class PredictionKnown(Prediction):
    known: KnownOf


class Asked(Model):
    """One combination, its drugs named as the claims name them."""

    drugs: Drugs


class AskedMany(Model):
    combinations: Annotated[list[Drugs], Field(min_length=1, max_length=MOST_COMBINATIONS)]


class Screened(BaseModel):
    """One prediction a combination, in the order asked."""

    threshold: float
    flagged: int
    predictions: list[Prediction]


class Point(BaseModel):
    """What would have been flagged after so many queries; hits: those of the queries above the threshold."""

    queries: int
    hits: int
    flagged: int
    recall: float
    precision: float


class Reliability(BaseModel):
    """Of combinations of like chance: the chance said, the share that was dangerous, and how many they are."""

    said: float
    right: float
    count: int


class Finding(BaseModel):
    drugs: list[str]
    relative_risk: float | None = Field(description="as answered; null where it was not asked")
    score: float = Field(
        description="pool_search: the chance that the risk is above the threshold; optim_neural_ts: its lower bound"
    )
    known: KnownOf


class Result(BaseModel):
    method: str
    budget: int
    seed: int
    flagged: int
    recall: float
    precision: float
    recall_unqueried: float
    recall_at_p99: float
    patterns_found: float | None
    seconds: float
    ms_per_query: float


class Report(BaseModel):
    """A search as result.json holds it. Recall and precision are measured against all risks of the pool."""

    data: str = Field(description="file of the pool")
    combinations: int = Field(description="in the pool")
    dangerous: int = Field(description="of them, with a relative risk above the threshold")
    threshold: float
    result: Result
    queries: int
    precision_promised: float | None = Field(description="of all flagged; null where the method promises none")
    precision_unqueried: float
    curve: list[Point]
    calibration: list[Reliability]
    findings: list[Finding]
    knowledge: str


class Metrics(Report):
    drugs: int | None = Field(description="drugs that the ensemble knows; null where the search exported none")
    members: int | None
    sigmas: float | None = Field(description="the ensemble flags where mean - sigmas x sigma exceeds the threshold")


class Mined:
    """A folder that a search wrote: its report, and its ensemble if the method exports one."""

    def __init__(self, folder: Path) -> None:
        """Raises ClaimsError when the folder does not hold a search that has ended."""
        path = folder / "result.json"
        try:
            self.report = Report.model_validate(json.loads(path.read_text()))
        except (OSError, ValueError, ValidationError) as error:
            raise ClaimsError(f"{path}: not the result of mine search --out ({type(error).__name__})") from None
        exported = folder / "ensemble.npz"
        self.ensemble: Ensemble | None = read_ensemble(exported) if exported.exists() else None
        names = self.ensemble.names if self.ensemble is not None else ()
        self._number = {name.casefold(): place for place, name in enumerate(names)}

    def predict(self, combinations: list[list[str]]) -> list[Prediction]:
        """Raises HTTPException 404 without an ensemble, 422 for a drug that it does not know."""
        if self.ensemble is None:
            raise HTTPException(404, "This search exported no ensemble: run it with --method optim_neural_ts.")
        rows = []
        for place, drugs in enumerate(combinations):
            numbers = [self._number.get(name.strip().casefold()) for name in drugs]
            if None in numbers:
                raise HTTPException(
                    422,
                    (f"combination {place + 1}: " if len(combinations) > 1 else "")
                    + f"drug {numbers.index(None) + 1} is not among the {len(self._number)} that the claims name",
                )
            rows.append([number for number in numbers if number is not None])
        names = self.ensemble.names
        held = Combinations.of(rows, len(names))
        found = self.ensemble.predict(held)
        return [
            Prediction(drugs=[names[int(d)] for d in held[row]], mean=float(m), sigma=float(s), flagged=bool(f))
            for row, (m, s, f) in enumerate(zip(found["mean"], found["sigma"], found["flagged"], strict=True))
        ]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    app.state.mined = NOT_GIVEN
    if settings.mined is not None:
        try:
            app.state.mined = await asyncio.to_thread(Mined, settings.mined)
        except ClaimsError as error:
            app.state.mined = NOT_READ
            log.warning("/bandit answers 404: %s", error)
    yield


_PROBLEMS: dict[int | str, dict[str, Any]] = {
    422: {"model": Problem, "description": "a drug that the claims do not name, or too much at once"},
    404: {"model": Problem, "description": "this server was given no search of claims, or one without an ensemble"},
}
router = APIRouter(prefix="/bandit", tags=["bandit"], lifespan=_lifespan, responses=_PROBLEMS)


@router.post("/predict")
async def predict(request: Request, asked: Asked) -> PredictionKnown:
    """The relative risk of one combination, and whether the knowledge base knows of it."""
    mined = _mined(request)
    (found,) = await asyncio.to_thread(mined.predict, [asked.drugs])
    known = await asyncio.to_thread(what_is_known, found.drugs, load())
    said = KnownOf.model_validate(asdict(known))
    return PredictionKnown(**found.model_dump(), known=said)


@router.post("/screen")
async def screen(request: Request, asked: AskedMany) -> Screened:
    """Many combinations at once."""
    mined = _mined(request)
    found = await asyncio.to_thread(mined.predict, asked.combinations)
    assert mined.ensemble is not None
    return Screened(threshold=mined.ensemble.threshold, flagged=sum(one.flagged for one in found), predictions=found)


@router.get("/metrics")
async def metrics(request: Request) -> Metrics:
    """How the search went, how it is calibrated, and its top findings."""
    mined = _mined(request)
    held = mined.ensemble
    return Metrics(
        **mined.report.model_dump(),
        drugs=None if held is None else len(held.names),
        members=None if held is None else len(held.members),
        sigmas=None if held is None else held.sigmas,
    )


def _mined(request: Request) -> Mined:
    mined: Mined | str = request.app.state.mined
    if isinstance(mined, str):
        raise HTTPException(404, mined)
    return mined
