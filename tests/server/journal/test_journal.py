"""The journal on both databases: order, one writer a sequence, nothing changed, what is deleted is gone."""

import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from polypharmacy.server.journal.database import DatabaseProblem
from polypharmacy.server.journal.journal import Journal, NoReview, SequenceTaken, StoredAction, StoredReview, now
from tests.server.journal.conftest import JournalAt


def a_review(source: str = '{"age": 80}') -> StoredReview:
    return StoredReview(str(uuid4()), now(), "patient", "1", "hash", source, "0" * 64)


def an_action(sequence: int, key: str | None = None) -> StoredAction:
    return StoredAction(sequence, now(), "act", f'{{"n": {sequence}}}', key, f"{sequence:064}")


def test_what_is_written_is_read_back_in_order(database: str, journal_at: JournalAt) -> None:
    journal, review = journal_at(database), a_review('{"text": "\u0153dema \\u0000"}')
    journal.open(review)
    rows = [an_action(n, f"key{n}") for n in (1, 2, 3)]
    for row in rows:
        journal.append(review.id, row)
    again = journal_at(database)  # its tables are there already
    held = again.review(review.id)
    assert (held.id, held.opened_at, held.source, held.digest) == (
        review.id, review.opened_at, review.source, review.digest,
    )  # fmt: skip
    assert again.actions(review.id) == rows
    assert again.actions(review.id, after=2) == rows[2:]
    assert again.actions(review.id, after=3) == []


def test_of_many_who_write_the_same_sequence_one_does(database: str, journal_at: JournalAt) -> None:
    journals, review = [journal_at(database), journal_at(database)], a_review()
    journals[0].open(review)
    wins: list[int] = []
    losses: list[int] = []

    def write(worker: int) -> None:
        for sequence in range(1, 11):
            try:
                journals[worker % 2].append(review.id, an_action(sequence, f"{worker}-{sequence}"))
                wins.append(sequence)
            except SequenceTaken:
                losses.append(sequence)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wins) == list(range(1, 11))
    assert len(losses) == 110
    assert [a.sequence for a in journals[1].actions(review.id)] == list(range(1, 11))


def test_a_key_is_used_once_in_a_review(database: str, journal_at: JournalAt) -> None:
    journal, one, two = journal_at(database), a_review(), a_review()
    for review in (one, two):
        journal.open(review)
        journal.append(review.id, an_action(1, "mine"))
        journal.append(review.id, an_action(2, None))
        journal.append(review.id, an_action(3, None))
    with pytest.raises(SequenceTaken):
        journal.append(one.id, an_action(4, "mine"))


def test_the_database_itself_refuses_to_change_a_row(database: str, journal_at: JournalAt) -> None:
    journal, review = journal_at(database), a_review()
    journal.open(review)
    journal.append(review.id, an_action(1))
    for statement in ("update actions set digest = 'x'", "update reviews set source = 'x'"):
        with pytest.raises(DBAPIError, match="only appended to"), journal.engine.begin() as connection:
            connection.execute(text(statement))
    assert journal.actions(review.id)[0].digest == f"{1:064}"


def test_what_is_deleted_is_gone(database: str, journal_at: JournalAt) -> None:
    journal, review, other = journal_at(database), a_review('{"text": "Margarethe-Wolff"}'), a_review()
    for r in (review, other):
        journal.open(r)
        journal.append(r.id, an_action(1))
    journal.delete(review.id)
    for call in (journal.review, journal.actions, journal.delete):
        with pytest.raises(NoReview):
            call(review.id)
    with pytest.raises(NoReview):
        journal.append(review.id, an_action(2))
    with journal.engine.connect() as connection:
        assert connection.execute(text("select count(*) from actions")).scalar() == 1
    assert len(journal.actions(other.id)) == 1
    if database.startswith("sqlite"):
        files = list(Path(database.removeprefix("sqlite:///")).parent.iterdir())
        assert not any(b"Margarethe" in file.read_bytes() for file in files)


def test_the_list_is_paged_newest_first(database: str, journal_at: JournalAt) -> None:
    journal = journal_at(database)
    opened = [a_review() for _ in range(5)]
    for n, review in enumerate(opened):
        journal.open(review)
        for sequence in range(1, n + 1):
            journal.append(review.id, an_action(sequence))
    first = journal.list(3)
    assert [(r.id, last) for r, last in first] == [(opened[n].id, n) for n in (4, 3, 2)]
    rest = journal.list(3, before=first[-1][0].number)
    assert [(r.id, last) for r, last in rest] == [(opened[n].id, n) for n in (1, 0)]


def test_sqlite_flushes_each_commit_to_the_disk(tmp_path: Path, journal_at: JournalAt) -> None:
    journal = journal_at(f"sqlite:///{tmp_path / 'new' / 'reviews.sqlite'}")
    with journal.engine.connect() as connection:
        settings = {
            name: connection.execute(text(f"pragma {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_a_database_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "other.sqlite").write_text("not a database" * 100)
    for url, words in (
        ("nonsense", "not one"),
        ("mysql://localhost/x", "mysql is not supported"),
        ("sqlite://", "needs a file"),
        (f"sqlite:///{tmp_path}/file/reviews.sqlite", "folder"),
        (f"sqlite:///{tmp_path}/other.sqlite", "not a database"),
        (f"postgresql://nobody@/none?host={tmp_path}", "cannot be used"),
    ):
        with pytest.raises(DatabaseProblem, match=words):
            Journal(url)


def test_an_outage_is_told_and_outlived(postgres: Any, journal_at: JournalAt) -> None:
    """Every connection of the server is cut; the next call finds a new one."""
    name = f"reviews_{uuid4().hex[:12]}"
    postgres.psql(f"create database {name};")
    journal, review = journal_at(postgres.get_uri(database=name)), a_review()
    journal.open(review)
    engine = create_engine(postgres.get_uri().replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        cut = text("select pg_terminate_backend(pid) from pg_stat_activity where datname = :name")
        assert connection.execute(cut, {"name": name}).all()
    journal.append(review.id, an_action(1))
    assert len(journal.actions(review.id)) == 1
    engine.dispose()
