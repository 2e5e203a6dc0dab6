"""Compiled cases of one task and split, built in parallel and kept in the cache."""

import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from polypharmacy.env.case import Case, beers_issue, compile_case, severe_pairs
from polypharmacy.env.layout import CRITICAL, SEVERE_PAIRS, SLOTS, START_POINTS
from polypharmacy.env.tables import Compiled, Tables, tables_of
from polypharmacy.env.tasks import TASKS, Task
from polypharmacy.env.workers import process_pool
from polypharmacy.knowledge import Knowledge, load
from polypharmacy.knowledge.tables import cache_folder
from polypharmacy.patients import Medication
from polypharmacy.patients.synthetic import Elders
from polypharmacy.patients.synthetic.drug_use import load_drug_use

Split = Literal["train", "validation", "test", "unseen_drugs"]
SPLITS: dict[str, int] = {"train": 8192, "validation": 1024, "test": 1024, "unseen_drugs": 1024}
"""Cases of each split. Episode `index` plays case `index` modulo this number."""
SEED = 2026
"""The first seed of every bank: elders of (SEED, task, split) are drawn in order, kept where the task admits them."""
BLOCK = 200
COMMON = 30
"""The commonest medicines, never held out for unseen_drugs: without them no regimen would be left."""


class Seen(NamedTuple):
    """What of the cases is seen, [C, ...]: see `case.Case`. Case c has rows seen_need_start[c] on of `seen_need`."""

    person: np.ndarray
    drug: np.ndarray
    daily_mg: np.ndarray
    flag: np.ndarray
    seen_need: np.ndarray
    seen_need_start: np.ndarray


@dataclass(frozen=True, slots=True)
class Bank:
    """Cases 0 to `size` - 1 of a task and split."""

    task: Task
    split: str
    tables: Tables
    compiled: Compiled
    seen: Seen
    knowledge_version: str
    knowledge_hash: str

    @property
    def size(self) -> int:
        return int(self.tables.facts.shape[0])


@lru_cache(maxsize=2)
def held_out(knowledge: Knowledge) -> frozenset[str]:
    """Ingredients that train, validation and test never show, also not as alternatives: a fixed quarter of those that
    are not among the commonest.
    """
    counts: dict[str, int] = {}
    for treatment in load_drug_use().conditions.values():
        for key, n in treatment.drugs.items():
            drug = key.partition("@")[0]
            counts[drug] = counts.get(drug, 0) + n
    common = sorted(counts, key=lambda d: (-counts[d], d))[:COMMON]
    return frozenset(d for d in knowledge.ingredients if d not in common and zlib.crc32(d.encode()) % 4 == 0)


def load_bank(
    task: str,
    split: str,
    size: int | None = None,
    *,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Bank:
    """The first `size` cases of a task and split (all of them: None), from the cache or built and cached.

    `progress` is told how many cases more are ready. Raises ValueError for an unknown task or split, or a size the
    split does not have.
    """
    if task not in TASKS:
        raise ValueError(f"task {task!r} is not one of {', '.join(TASKS)}")
    if split not in SPLITS:
        raise ValueError(f"split {split!r} is not one of {', '.join(SPLITS)}")
    size = SPLITS[split] if size is None else size
    if not 1 <= size <= SPLITS[split]:
        raise ValueError(f"{split} has 1 to {SPLITS[split]} cases, not {size}")
    knowledge = load()
    folder = cache_folder().parent / f"bank-{_content_hash(knowledge)}"
    for larger in sorted({size, *SPLITS.values()}):
        path = folder / f"{task}-{split}-{larger}.npz"
        if larger >= size and path.is_file():
            with np.load(path) as held:
                cases = {name: held[name] for name in held.files}
            return _bank(TASKS[task], split, size, cases, knowledge)
    cases = stack(_build(task, split, size, workers or os.cpu_count() or 1, progress))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{task}-{split}-{size}.{os.getpid()}.npz"
        np.savez(partial, **cases)  # type: ignore[arg-type]
        partial.replace(folder / f"{task}-{split}-{size}.npz")
    except OSError:
        pass
    return _bank(TASKS[task], split, size, cases, knowledge)


def bank_of(cases: list[Case], task: str, knowledge: Knowledge) -> Bank:
    """A bank of given cases, whatever a task asks of its own (a real patient's list)."""
    return _bank(TASKS[task], "given", len(cases), stack(iter(cases)), knowledge)


def stack(cases: Iterator[Case]) -> dict[str, np.ndarray]:
    """Arrays by field, [C, ...]; `term` end to end with where each case's begin, `need` with where each slot's do."""
    rows = list(cases)
    out = {
        name: np.ascontiguousarray(np.stack([getattr(c, name) for c in rows]))
        for name in Case._fields
        if name not in ("need", "term", "seen_need")
    }
    none = np.zeros((0, 3), dtype=np.int32)
    of_slot = [c.need[c.need[:, 0] >> slot & 1 == 1] for c in rows for slot in range(SLOTS)]
    for name, parts in (
        ("need", of_slot),
        ("term", [c.term for c in rows]),
        ("seen_need", [c.seen_need for c in rows]),
    ):
        out[name] = np.concatenate([none, *parts])
        out[f"{name}_start"] = np.cumsum([0, *map(len, parts)]).astype(np.int32)
    return out


def _bank(task: Task, split: str, size: int, cases: dict[str, np.ndarray], knowledge: Knowledge) -> Bank:
    compiled = Compiled(**{name: cases[name][:size] for name in Compiled._fields})
    starts = cases["need_start"][: SLOTS * size + 1], cases["term_start"][: size + 1]
    tables = tables_of(
        task.rules(knowledge.risk.scale),
        cases["facts"][:size],
        compiled,
        (starts[0], cases["need"]),
        (starts[1], cases["term"]),
        knowledge,
    )
    by_case = {name: cases[name][:size] for name in ("person", "drug", "daily_mg", "flag")}
    seen = Seen(**by_case, seen_need=cases["seen_need"], seen_need_start=cases["seen_need_start"][: size + 1])
    return Bank(task, split, tables, compiled, seen, knowledge.version, knowledge.hash)


def _build(task: str, split: str, size: int, workers: int, progress: Callable[[int], None] | None) -> Iterator[Case]:
    """The first `size` cases in the order of their elders, whatever the number of workers."""
    if workers == 1 or size <= 16:
        blocks: Iterator[list[Case]] = (_block(task, split, b, BLOCK) for b in _forever())
        yield from _first(blocks, size, progress)
        return
    with process_pool(workers) as pool:
        waiting = [pool.submit(_block, task, split, b, BLOCK) for b in range(2 * workers)]
        following = len(waiting)

        def done() -> Iterator[list[Case]]:
            nonlocal following
            while True:
                block = waiting.pop(0).result()
                waiting.append(pool.submit(_block, task, split, following, BLOCK))
                following += 1
                yield block

        yield from _first(done(), size, progress)
        for future in waiting:
            future.cancel()


def _first(blocks: Iterator[list[Case]], size: int, progress: Callable[[int], None] | None) -> Iterator[Case]:
    left = size
    for block in blocks:
        yield from block[:left]
        left -= min(left, len(block))
        if progress is not None:
            progress(size - left)
        if left == 0:
            return


def _forever() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


def _block(task: str, split: str, block: int, people: int) -> list[Case]:
    """The cases among one block of elders."""
    knowledge = load()
    rules = TASKS[task]
    elders = Elders(knowledge, seed_of(task, split))
    unseen = held_out(knowledge)

    def wanted(medications: tuple[Medication, ...]) -> bool:
        drugs = {(m.ingredient, m.route) for m in medications}
        if not rules.fewest_drugs <= len(drugs) <= rules.most_drugs:
            return False
        return unseen.isdisjoint(d for d, _ in drugs) == (split != "unseen_drugs")

    cases = []
    for index in range(block * people, (block + 1) * people):
        patient = elders.patient_if(index, wanted)
        if patient is None or not rules.admits(severe_pairs(patient, knowledge), True, True):
            continue
        compiled = compile_case(patient, knowledge, () if split == "unseen_drugs" else unseen)
        fact = compiled.case.facts
        beers = beers_issue(f for f in compiled.regimen.findings if f.mask < 1 << len(compiled.slots))
        if fact[START_POINTS] > 0 and rules.admits(int(fact[SEVERE_PAIRS]), beers, bool(fact[CRITICAL])):
            cases.append(compiled.case)
    return cases


def seed_of(task: str, split: str) -> int:
    """The seed of a bank's elders: no two banks share a person."""
    return SEED * 100 + TASKS[task].number * 10 + list(SPLITS).index(split)


def _content_hash(knowledge: Knowledge) -> str:
    """Of everything a bank follows from: the knowledge, and the code and data that draw and compile cases."""
    digest = hashlib.sha256(knowledge.hash.encode())
    here, root = Path(__file__).parent, Path(__file__).parents[1]
    used = [here / name for name in ("actions.py", "bank.py", "case.py", "layout.py", "tasks.py")]
    for folder in (root / "patients", root / "review", root / "knowledge"):
        used += (p for p in folder.rglob("*.py") if p.parent.name not in ("readers", "importers"))
    used += (root / "patients" / "synthetic" / "data").iterdir()
    for path in sorted(used):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
