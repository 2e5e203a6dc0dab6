"""OpenEnv's own tools against this server: its validator, its clients, its stock app."""

import asyncio
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from openenv.cli._validation import validate_running_environment
from openenv.core.env_server.http_server import create_app
from openenv.core.generic_client import GenericEnvClient
from openenv.validation import Level, run_validation
from openenv.validation.types import CheckStatus, ProviderCapability
from starlette.testclient import TestClient

from polypharmacy.env.openenv.client import InProcessEnv, PolypharmacyEnv
from polypharmacy.env.openenv.environment import PolypharmacyEnvironment
from polypharmacy.env.openenv.models import PolypharmacyAction, PolypharmacyObservation, PolypharmacyState
from tests.server.conftest import Server

ROOT = Path(__file__).parents[2]
TASKS = ("easy_screening", "budgeted_screening", "complex_tradeoff")


@dataclass
class Running:
    """The root's shim, `python -m server.app`, in its own process."""

    base_url: str
    process: subprocess.Popen[bytes]

    def inspect(self) -> dict[str, Any]:
        return {"pid": self.process.pid}

    def logs(self, max_bytes: int = 65536) -> str:
        return ""

    def exec(self, argv: list[str], timeout_s: float) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


class Uvicorn:
    """A provider that starts the package's own server where Docker would start its image."""

    name = "uvicorn"
    capabilities = frozenset({ProviderCapability.IMAGE_BUILD})
    supported_network_modes = frozenset({"public"})

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def build(self, root: Path, execution: Any) -> str:
        return "sha256:" + "0" * 64

    def start(self, spec: Any) -> Running:
        import socket

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        given = {
            "POLYPHARMACY_PORT": str(port),
            "POLYPHARMACY_WARM": "false",
            "POLYPHARMACY_DATABASE_URL": f"sqlite:///{self.folder / 'validated.sqlite'}",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "server.app"],
            cwd=ROOT,
            env={**os.environ, **given},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 180
        while True:
            try:
                assert httpx.get(f"{url}/health", timeout=5).status_code == 200
                return Running(url, process)
            except httpx.HTTPError:
                assert process.poll() is None, "the server stopped"
                assert time.monotonic() < until, "the server did not start"
                time.sleep(0.1)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What OpenEnv looks at of the package: a copy, since a test run writes beside the original."""
    folder = tmp_path_factory.mktemp("package")
    for name in ("openenv.yaml", "openenv-probe.json", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "server", folder / "server", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of OpenEnv's own use of websockets
def test_openenv_validate_passes_static_and_runtime(package: Path, tmp_path: Path, server: Server) -> None:
    report = run_validation(package, max_level=Level.RUNTIME, provider=Uvicorn(tmp_path))
    found = {result.check_id: (result.status, result.evidence) for result in report.results}
    # Only a provider that can cut a container off the net can judge this one; others OpenEnv has not written yet.
    assert found.pop("runtime.network_policy")[0] is CheckStatus.SKIP
    judged = {check: row for check, row in found.items() if row[1] != ["grader not implemented in this build"]}
    assert [(check, *row) for check, row in judged.items() if row[0] is not CheckStatus.PASS] == []
    assert len(judged) == 5


def test_openenvs_probe_of_a_running_server_passes(server: Server) -> None:
    report = validate_running_environment(server.url, timeout_s=30)
    assert report["passed"], report
    assert report["summary"]["failed_criteria"] == []


def _any_open(offered: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    actions: list[dict[str, Any]] = [
        {"action_type": "query_ddi", "drug_id_1": a, "drug_id_2": b}
        for a, partners in offered["query_ddi"].items()
        for b in partners
    ]
    actions += [
        {"action_type": "propose_intervention", "target_drug_id": a, "intervention_type": kind}
        for a, kinds in offered["propose_intervention"].items()
        for kind in kinds
    ]
    return draw.choice(actions) if actions else {"action_type": "finish_review"}


@pytest.mark.parametrize("task", TASKS)
def test_openenvs_generic_client_plays_to_the_end(task: str, server: Server) -> None:
    draw = random.Random(task)
    with GenericEnvClient(base_url=server.url).sync() as env:
        for index in range(3):
            result = env.reset(task_id=task, split="test", index=index, episode_id=f"{task}-{index}")
            assert result.observation["task_id"] == task
            assert result.reward is None
            steps = 0
            while not result.done:
                result = env.step(_any_open(result.observation["legal_actions"], draw))
                steps += 1
                assert result.metadata is not None
                assert result.reward is not None
                assert result.metadata["error"] is None
                assert 0.001 <= result.reward <= 0.999
            state = env.state()
            assert (state["episode_id"], state["step_count"], state["done"]) == (f"{task}-{index}", steps, True)
            assert result.metadata is not None
            assert state["grade"] == result.metadata["grade"]


def test_typed_clients_and_the_one_in_process_agree(server: Server, tmp_path: Path) -> None:
    options: dict[str, Any] = {"task_id": "budgeted_screening", "split": "test", "index": 5, "episode_id": "same"}
    finish = PolypharmacyAction(action_type="finish_review", rationale="enough seen")

    async def over_a_socket() -> list[Any]:
        async with PolypharmacyEnv(base_url=server.url) as env:
            return [await env.reset(**options), await env.step(_first_query(options)), await env.step(finish)]

    with PolypharmacyEnv(base_url=server.url).sync() as env:
        one = [env.reset(**options), env.step(_first_query(options)), env.step(finish)]
        assert isinstance(env.state(), PolypharmacyState)
        assert env.state().grade == (one[-1].metadata or {})["grade"]
    with InProcessEnv() as here:
        other = [here.reset(**options), here.step(_first_query(options)), here.step(finish)]
    assert one == other == asyncio.run(over_a_socket())
    assert isinstance(one[0].observation, PolypharmacyObservation)
    assert one[1].observation.interaction_queries


def _first_query(options: dict[str, Any]) -> PolypharmacyAction:
    with InProcessEnv() as env:
        offered = env.reset(**options).observation.legal_actions.query_ddi
    first = next(iter(offered))
    return PolypharmacyAction(action_type="query_ddi", drug_id_1=first, drug_id_2=offered[first][0])


def test_it_runs_behind_openenvs_stock_app(server: Server) -> None:
    app = create_app(
        PolypharmacyEnvironment,
        PolypharmacyAction,
        PolypharmacyObservation,
        env_name="polypharmacy_env",
        max_concurrent_envs=4,
        state_cls=PolypharmacyState,
    )
    with TestClient(app) as stock, stock.websocket_connect("/ws") as ws:
        ws.send_json({"type": "step", "data": {"action_type": "finish_review"}})
        assert "call reset" in ws.receive_json()["data"]["message"]
        options = {"task_id": "easy_screening", "split": "test", "index": 1, "episode_id": "same"}
        ws.send_json({"type": "reset", "data": options})
        seen = ws.receive_json()["data"]
        ws.send_json({"type": "step", "data": {"action_type": "finish_review"}})
        assert ws.receive_json()["data"]["metadata"]["grade"] == 0.001
        assert stock.post("/polypharmacy_env/num_tasks", json={"split": "test"}).json() == {"num_tasks": 3072}
    ours = httpx.post(f"{server.url}/reset", json=options, timeout=60).json()
    assert seen == ours
