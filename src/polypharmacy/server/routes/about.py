"""What this environment is: health, schemas, metadata and the task list."""

from typing import Any

from fastapi import APIRouter
from openenv.core.env_server.types import (
    EnvironmentMetadata,
    GetTaskRangeRequest,
    GetTaskRequest,
    HealthResponse,
    ListTasksRequest,
    NumTasksRequest,
    SchemaResponse,
)
from starlette.exceptions import HTTPException

from polypharmacy.env.openenv.environment import NAME, PolypharmacyEnvironment
from polypharmacy.env.openenv.models import PolypharmacyAction, PolypharmacyObservation, PolypharmacyState
from polypharmacy.env.openenv.task_provider import Tasks

router = APIRouter()
_tasks = Tasks()


@router.get("/health", tags=["Health"])
async def health() -> HealthResponse:
    """Whether the server is up."""
    return HealthResponse()


@router.get("/metadata", tags=["Environment Info"])
async def metadata() -> EnvironmentMetadata:
    """Name, description and version."""
    return PolypharmacyEnvironment().get_metadata()


@router.get("/schema", tags=["Schema"])
async def schema() -> SchemaResponse:
    """JSON Schemas of action, observation and state."""
    return SchemaResponse(
        action=PolypharmacyAction.model_json_schema(),
        observation=PolypharmacyObservation.model_json_schema(),
        reset_observation=PolypharmacyObservation.model_json_schema(),
        state=PolypharmacyState.model_json_schema(),
    )


@router.get("/list_environments", tags=["Task API"])
async def list_environments() -> list[str]:
    """The one environment there is."""
    return [NAME]


@router.get("/{env_name}/splits", tags=["Task API"])
async def splits(env_name: str) -> list[dict[str, str]]:
    """The splits, by name and type."""
    _check(env_name)
    return _tasks.list_splits()


@router.post("/{env_name}/tasks", tags=["Task API"])
async def tasks(env_name: str, request: ListTasksRequest) -> dict[str, Any]:
    """Every task of a split."""
    _check(env_name)
    return {"tasks": _tasks.list_tasks(request.split), "env_name": NAME}


@router.post("/{env_name}/num_tasks", tags=["Task API"])
async def num_tasks(env_name: str, request: NumTasksRequest) -> dict[str, int]:
    """How many tasks a split has."""
    _check(env_name)
    return {"num_tasks": _tasks.num_tasks(request.split)}


@router.post("/{env_name}/task", tags=["Task API"])
async def task(env_name: str, request: GetTaskRequest) -> dict[str, Any]:
    """One task."""
    _check(env_name)
    try:
        return {"task": _tasks.get_task(request.split, request.index)}
    except IndexError as error:
        raise HTTPException(400, str(error)) from None


@router.post("/{env_name}/task_range", tags=["Task API"])
async def task_range(env_name: str, request: GetTaskRangeRequest) -> dict[str, Any]:
    """Tasks start to stop - 1, as Python slices."""
    _check(env_name)
    return {"tasks": _tasks.get_task_range(request.split, request.start, request.stop)}


def _check(env_name: str) -> None:
    if env_name.lower() != NAME:
        raise HTTPException(404, f"the environment here is {NAME}")
