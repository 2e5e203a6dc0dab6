"""The engine behind a database URL, set so that what was committed is on the disk."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

BUSY = 30.0
"""Seconds that a writer waits for another process before the database counts as not to be reached."""


class DatabaseProblem(RuntimeError):
    """The journal's database cannot be used: one sentence that says why and what to do."""


def open_engine(url: str) -> Engine:
    """An engine for sqlite:///PATH or postgresql://... (psycopg). Raises DatabaseProblem for what is neither.

    SQLite is opened in WAL mode with synchronous=FULL: each commit is flushed to the disk before it is acknowledged, so
    it outlives kill -9 and a power cut. (NORMAL would outlive kill -9 alone.) What is deleted is overwritten.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseProblem("the database URL is not one; write sqlite:///PATH or postgresql://...") from None
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise DatabaseProblem("the journal needs a file: sqlite:///PATH")
        try:
            Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseProblem(f"{parsed.database}: its folder cannot be made ({error.strerror})") from None
        engine = create_engine(parsed, connect_args={"timeout": BUSY}, hide_parameters=True)
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    if parsed.get_backend_name() in ("postgresql", "postgres"):
        try:
            return create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                pool_size=16,
                max_overflow=32,
                connect_args={"connect_timeout": 10},
                hide_parameters=True,
            )
        except ModuleNotFoundError:
            raise DatabaseProblem("PostgreSQL needs psycopg: pip install 'polypharmacy-env[postgres]'") from None
    raise DatabaseProblem(f"{parsed.get_backend_name()} is not supported; write sqlite:///PATH or postgresql://...")


def _prepare_sqlite(connection: Any, _: object) -> None:
    assert isinstance(connection, sqlite3.Connection)
    for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {setting}")
