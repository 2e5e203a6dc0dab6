"""The two knowledge bases tests use: a small one whose every number can be worked by hand, and the shipped one."""

from pathlib import Path

import pytest

from polypharmacy.knowledge import Knowledge, load

SMALL = Path(__file__).parent / "small_knowledge"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the parsed tables of test runs out of the user's cache."""
    import os

    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def small(_own_cache: None) -> Knowledge:
    return load(SMALL)


@pytest.fixture(scope="session")
def shipped(_own_cache: None) -> Knowledge:
    return load()
