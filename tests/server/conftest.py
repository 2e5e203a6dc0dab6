"""A real server: uvicorn on a free port of 127.0.0.1, as `polypharmacy serve` runs it, in a thread of the test."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from pydantic import SecretStr

from polypharmacy.agents import registry
from polypharmacy.cli.main import run
from polypharmacy.env.openenv.banks import Banks
from polypharmacy.mining.pool import Pool
from polypharmacy.mining.simulator import simulate
from polypharmacy.server.app import build_app
from polypharmacy.server.run import configure, listen
from polypharmacy.server.settings import Settings

CLAIMED = (
    "warfarin", "ibuprofen", "metoprolol", "lisinopril", "simvastatin", "metformin", "furosemide", "omeprazole",
    "amlodipine", "levothyroxine", "atorvastatin", "aspirin", "paracetamol", "sertraline", "tramadol", "digoxin",
    "spironolactone", "allopurinol", "prednisolone", "clopidogrel", "gabapentin", "diazepam", "citalopram", "ramipril",
    "bisoprolol", "naproxen", "clarithromycin", "amiodarone", "donepezil", "tamsulosin", "quetiapine", "zopiclone",
)  # fmt: skip
"""Drugs of the pool that is searched, as the knowledge base calls them; eight more it does not know."""
PAPER = (
    "--method", "optim_neural_ts", "--warmup", "250", "--budget", "260", "--epochs", "10", "--width", "16",
    "--de-population", "6", "--de-steps", "2", "--sigmas", "0.3",
)  # fmt: skip


class Server:
    """A running server and its app."""

    def __init__(self, settings: Settings) -> None:
        self.app = build_app(settings)
        listener = listen(settings)
        self.port: int = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws = f"ws://127.0.0.1:{self.port}/ws"
        self._uvicorn = uvicorn.Server(configure(self.app, settings))
        self._thread = threading.Thread(target=self._uvicorn.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        until = time.monotonic() + 60
        while not self._uvicorn.started:
            assert self._thread.is_alive(), "the server stopped while it was starting"
            assert time.monotonic() < until, "the server did not start within a minute"
            time.sleep(0.01)

    def stop(self) -> None:
        self._uvicorn.should_exit = True
        self._thread.join(timeout=30)
        assert not self._thread.is_alive(), "the server did not stop"


@contextmanager
def learning_elsewhere(server: Server) -> Iterator[None]:
    """While it lasts, agents of the server that have to learn wait: one learns at a time, and another does."""
    learned = threading.Event()
    server.app.state.agents._thread.submit(learned.wait)
    try:
        yield
    finally:
        learned.set()


Serving = Callable[..., Server]


@contextmanager
def serving(folder: Path) -> Iterator[Serving]:
    """A function that starts servers; they are stopped at the end."""
    started: list[Server] = []

    def start(api_key: str | None = None, **settings: object) -> Server:
        given = {
            "port": 0,
            "warm": False,
            "database_url": f"sqlite:///{folder / f'reviews{len(started)}.sqlite'}",
            "api_key": None if api_key is None else SecretStr(api_key),
            **settings,
        }
        started.append(Server(Settings.model_validate(given)))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="package", autouse=True)
def _few_training_cases() -> Iterator[None]:
    """Agents that learn do so from 48 cases instead of 2,048: what is served does not depend on how well they play."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "TRAINING_CASES", 48)
        registry._belief.cache_clear()
        yield
    registry._belief.cache_clear()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, _banks: Banks) -> Iterator[Server]:
    """One server with the usual settings, for every test that needs no other."""
    with serving(tmp_path_factory.mktemp("server")) as start:
        yield start()


@pytest.fixture
def serve(tmp_path: Path, _banks: Banks) -> Iterator[Serving]:
    """Start a server with other settings."""
    with serving(tmp_path) as start:
        yield start


@pytest.fixture(scope="session")
def _banks(_own_cache: None) -> Banks:
    """The first 16 cases of every task, compiled once into the cache of this test run."""
    banks = Banks(workers=1)
    for task in ("easy_screening", "budgeted_screening", "complex_tradeoff"):
        banks.load(task, "test", 0)
    return banks


@pytest.fixture(scope="session")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pool.npz, and what two searches of it left: pool_search/ and, with an ensemble, neural/."""
    folder = tmp_path_factory.mktemp("mined")
    made = simulate(3, "protective", combinations=1500, drugs=40, mean_drugs=3)
    pool = folder / "pool.npz"
    Pool(made.combinations, (*CLAIMED, *made.names[len(CLAIMED) :]), made.relative_risk).write(pool)
    for name, how in (("pool_search", ("--budget", "500")), ("neural", PAPER)):
        assert run(["mine", "search", str(pool), *how, "--out", str(folder / name), "--json"]) == 0
    return folder
