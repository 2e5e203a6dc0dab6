"""Asking for relative risks, one combination at a time, and remembering every answer."""

from pathlib import Path

import numpy as np

from polypharmacy.mining.errors import ClaimsError
from polypharmacy.mining.pool import Pool


class Queries:
    """Answers to queries of a pool's rows, in the order asked; a row asked again is answered from memory.

    noise: spread of what is added to an answer, the same for a row and seed however often it is asked.
    journal: a file that holds all answers, so that a search stopped half-way goes on without asking twice.
    """

    def __init__(self, pool: Pool, seed: int, noise: float = 0.0, journal: Path | None = None) -> None:
        self.pool, self.noise, self.journal = pool, noise, journal
        self.rows = np.empty(0, np.int64)
        self.answers = np.empty(0, np.float32)
        draw = np.random.default_rng([seed, 1])
        self._added = draw.normal(0, noise, len(pool)).astype(np.float32) if noise else None
        self._answer = np.full(len(pool), np.nan, np.float32)
        self.remembered = 0
        if journal is not None and journal.exists():
            self._read(journal)

    def ask(self, rows: np.ndarray) -> np.ndarray:
        """Answers to rows not asked before in this run, float32 [rows]."""
        fresh = rows[np.isnan(self._answer[rows])]
        answers = self.pool.relative_risk[fresh]
        self._answer[fresh] = answers if self._added is None else answers + self._added[fresh]
        self.rows = np.concatenate([self.rows, rows])
        self.answers = np.concatenate([self.answers, self._answer[rows]])
        if self.journal is not None and len(fresh):
            self._write(self.journal)
        return self.answers[len(self.answers) - len(rows) :]

    def _write(self, path: Path) -> None:
        known = np.flatnonzero(~np.isnan(self._answer))
        partial = path.with_name(f".{path.name}.part")
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, rows=known, answers=self._answer[known], size=len(self.pool))
        partial.replace(path)

    def _read(self, path: Path) -> None:
        try:
            with np.load(path, allow_pickle=False) as held:
                rows, answers, size = held["rows"], held["answers"], int(held["size"])
            if size != len(self.pool) or rows.shape != answers.shape or not ((rows >= 0) & (rows < size)).all():
                raise ValueError("it is of another pool")
        except Exception as error:
            raise ClaimsError(f"{path}: not the queries of this search; remove it or choose another --out") from error
        self._answer[rows] = answers
        self.remembered = len(rows)
