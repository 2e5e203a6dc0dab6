"""The journal's two tables, and the triggers that keep their rows from being changed."""

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

metadata = MetaData()

reviews = Table(
    "reviews",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("kind", String(8), nullable=False),  # patient or task
    Column("knowledge_version", String(40), nullable=False),
    Column("knowledge_hash", String(80), nullable=False),
    Column("source", Text, nullable=False),  # JSON: the Patient as it was read, or task_id, split and index
    Column("digest", String(64), nullable=False),  # of the state before any action
)

actions = Table(
    "actions",
    metadata,
    Column("review_id", String(36), ForeignKey("reviews.id", ondelete="CASCADE"), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),  # 1, 2, ... without a gap
    Column("at", DateTime(timezone=True), nullable=False),
    Column("kind", String(8), nullable=False),  # act or undo
    Column("body", Text, nullable=False),  # JSON: the action, or the sequence that is taken back
    Column("key", String(80), nullable=True),  # the client's own name of it, so that a retry is told from a repeat
    Column("digest", String(64), nullable=False),  # of the state after it
    UniqueConstraint("review_id", "key"),
)

_KEPT = {
    "sqlite": (
        "CREATE TRIGGER %(table)s_are_kept BEFORE UPDATE ON %(table)s "
        "BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION journal_is_kept() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RAISE EXCEPTION ''the journal is only appended to''; END'",
        "CREATE TRIGGER %(table)s_are_kept BEFORE UPDATE ON %(table)s FOR EACH ROW EXECUTE FUNCTION journal_is_kept()",
    ),
}

for _table in (reviews, actions):
    for _dialect, _statements in _KEPT.items():
        for _statement in _statements:
            _ddl = DDL(_statement)  # type: ignore[no-untyped-call]
            event.listen(_table, "after_create", _ddl.execute_if(dialect=_dialect))
