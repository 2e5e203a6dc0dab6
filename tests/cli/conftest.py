"""Running the command line as a user does."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from polypharmacy.cli.main import run


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def polypharmacy(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    def call(*arguments: object) -> Result:
        code = run([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return call
