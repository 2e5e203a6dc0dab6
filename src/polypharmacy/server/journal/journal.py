"""The journal: reviews and their actions, written once and read back in order."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Row, delete, func, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from polypharmacy.server.journal.database import DatabaseProblem, open_engine
from polypharmacy.server.journal.tables import actions, metadata, reviews

log = logging.getLogger("polypharmacy.server")


class SequenceTaken(RuntimeError):
    """Another client's action stands where this one was to stand, or has its key."""


class NoReview(LookupError):
    """There is no such review (any more)."""


@dataclass(frozen=True, slots=True)
class StoredReview:
    """What was reviewed. `source` is JSON, `digest` that of the state before any action."""

    id: str
    opened_at: datetime
    kind: Literal["patient", "task"]
    knowledge_version: str
    knowledge_hash: str
    source: str
    digest: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class StoredAction:
    """Action `sequence` (1, 2, ...) of a review. `body` is JSON, `digest` that of the state after it."""

    sequence: int
    at: datetime
    kind: Literal["act", "undo"]
    body: str
    key: str | None
    digest: str


class Journal:
    """Reviews and actions in a database. A method that returns has committed; every method may be called from any
    thread, and raises DatabaseProblem when the database cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        # SQLite has one writer; in one process they wait here, in turn, instead of polling for the file's lock.
        self._turn = threading.Lock() if self.engine.dialect.name == "sqlite" else nullcontext()
        try:
            metadata.create_all(self.engine)
        except SQLAlchemyError:
            try:  # another process may just have made them
                metadata.create_all(self.engine)
            except SQLAlchemyError as error:
                raise DatabaseProblem(f"the journal's database cannot be used: {_reason(error)}") from error

    def close(self) -> None:
        self.engine.dispose()

    def open(self, review: StoredReview) -> None:
        """Record a new review."""
        with self._problems(), self._turn, self.engine.begin() as connection:
            connection.execute(
                insert(reviews).values(
                    id=review.id,
                    opened_at=review.opened_at,
                    kind=review.kind,
                    knowledge_version=review.knowledge_version,
                    knowledge_hash=review.knowledge_hash,
                    source=review.source,
                    digest=review.digest,
                )
            )

    def append(self, review_id: str, action: StoredAction) -> None:
        """Record an action. Raises SequenceTaken where its sequence or key is there already, NoReview where the review
        was deleted.
        """
        try:
            with self._problems(), self._turn, self.engine.begin() as connection:
                connection.execute(
                    insert(actions).values(
                        review_id=review_id,
                        sequence=action.sequence,
                        at=action.at,
                        kind=action.kind,
                        body=action.body,
                        key=action.key,
                        digest=action.digest,
                    )
                )
        except IntegrityError:
            self.review(review_id)
            raise SequenceTaken(f"action {action.sequence} is there already") from None

    def review(self, review_id: str) -> StoredReview:
        """What was reviewed. Raises NoReview."""
        with self._problems(), self.engine.connect() as connection:
            row = connection.execute(select(reviews).where(reviews.c.id == review_id)).first()
        if row is None:
            raise NoReview(_NONE)
        return _review(row)

    def actions(self, review_id: str, after: int = 0) -> list[StoredAction]:
        """Actions with a sequence above `after`, in order. Raises NoReview."""
        wanted = (
            select(actions)
            .select_from(
                reviews.outerjoin(actions, (actions.c.review_id == reviews.c.id) & (actions.c.sequence > after))
            )
            .where(reviews.c.id == review_id)
            .order_by(actions.c.sequence)
        )
        with self._problems(), self.engine.connect() as connection:
            rows = connection.execute(wanted).all()
        if not rows:
            raise NoReview(_NONE)
        return [
            StoredAction(row.sequence, _utc(row.at), row.kind, row.body, row.key, row.digest)
            for row in rows
            if row.sequence is not None
        ]

    def list(self, limit: int, before: int | None = None) -> list[tuple[StoredReview, int]]:
        """The newest `limit` reviews, numbered below `before`, each with its last sequence (0: none)."""
        last = (
            select(func.coalesce(func.max(actions.c.sequence), 0))
            .where(actions.c.review_id == reviews.c.id)
            .scalar_subquery()
        )
        wanted = select(reviews, last.label("last")).order_by(reviews.c.number.desc()).limit(limit)
        if before is not None:
            wanted = wanted.where(reviews.c.number < before)
        with self._problems(), self.engine.connect() as connection:
            return [(_review(row), row.last) for row in connection.execute(wanted)]

    def delete(self, review_id: str) -> None:
        """Delete a review and its actions for good; on SQLite their bytes are overwritten, in the write-ahead log too.
        Raises NoReview.
        """
        with self._problems(), self._turn:
            with self.engine.begin() as connection:
                gone = connection.execute(delete(reviews).where(reviews.c.id == review_id)).rowcount
            if gone and self.engine.dialect.name == "sqlite":
                with self.engine.connect() as connection:
                    connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        if not gone:
            raise NoReview(_NONE)

    @contextmanager
    def _problems(self) -> Iterator[None]:
        """Clients are told that the database cannot be used, the log why (never with what was to be written)."""
        try:
            yield
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            connecting = isinstance(error, OperationalError)  # anything else might quote what was to be written
            log.error("the journal's database: %s", _reason(error) if connecting else type(error).__name__)
            raise DatabaseProblem(
                "the journal's database cannot be used just now: try again, with the same Idempotency-Key"
            ) from error


def _reason(error: SQLAlchemyError) -> str:
    """The database's own first line."""
    return str(getattr(error, "orig", error)).strip().split("\n", 1)[0]


_NONE = "there is no such review; GET /reviews lists those there are"


def now() -> datetime:
    return datetime.now(UTC)


def _review(row: Row[tuple[object, ...]]) -> StoredReview:
    return StoredReview(
        id=row.id,
        opened_at=_utc(row.opened_at),
        kind=row.kind,
        knowledge_version=row.knowledge_version,
        knowledge_hash=row.knowledge_hash,
        source=row.source,
        digest=row.digest,
        number=row.number,
    )


def _utc(at: datetime) -> datetime:
    """SQLite keeps no zone: everything written is in UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
