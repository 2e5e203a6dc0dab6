"""What this environment is: health, schemas, metadata, the task list, and a page that says where to look."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
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


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
async def home() -> str:
    """Where to look."""
    return _HOME


def _check(env_name: str) -> None:
    if env_name.lower() != NAME:
        raise HTTPException(404, f"the environment here is {NAME}")


_HOME = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>PolypharmacyEnv</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}}
code{{background:#8882;padding:.1em .3em;border-radius:.2em}}</style>
<h1>PolypharmacyEnv</h1>
<p>Reviews the medicines of older people, and teaches agents to. For research and decision support; a clinician
decides.</p>
<ul>
<li><a href="docs">Every call, to try out</a> (<a href="openapi.json">OpenAPI</a>)</li>
<li><a href="schema">Schemas</a> of action, observation and state</li>
<li><a href="{NAME}/splits">Splits</a> of its tasks</li>
<li><a href="metadata">Metadata</a> and <a href="health">health</a></li>
</ul>
<p>Agents: OpenEnv's clients connect to this address. By hand:
<code>POST /reset {{"task_id": "easy_screening"}}</code>, then
<code>POST /step {{"action": {{"action_type": "finish_review"}}}}</code>.</p>
</html>
"""
