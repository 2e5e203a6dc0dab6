"""The two knowledge bases tests use: a small one whose every number can be worked by hand, and the shipped one."""

from pathlib import Path

import pytest

from polypharmacy.knowledge import Knowledge, load

SMALL = Path(__file__).parent / "small_knowledge"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the parsed tables of test runs out of the user's cache: in a folder that the processes of a run share."""
    import os

    base = tmp_path_factory.getbasetemp()
    run = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    os.environ["XDG_CACHE_HOME"] = str(run / "cache")


@pytest.fixture(scope="session")
def small(_own_cache: None) -> Knowledge:
    return load(SMALL)


@pytest.fixture(scope="session")
def shipped(_own_cache: None) -> Knowledge:
    return load()
