"""Banks: the same cases however they are built, and only such as the task asks for."""

import hashlib
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import polypharmacy
from polypharmacy.env.bank import SPLITS, Bank, held_out, load_bank, seed_of
from polypharmacy.env.layout import CANDIDATES, CODE, CRITICAL, DRUGS, NONE, SEVERE, SEVERE_PAIRS, SLOTS, START_POINTS
from polypharmacy.env.tables import Tables
from polypharmacy.env.tasks import TASKS
from polypharmacy.knowledge import Kind, Knowledge, Severity
from polypharmacy.patients import Patient
from polypharmacy.patients.synthetic import Elders
from polypharmacy.review import review
from polypharmacy.review.review import Review


def arrays(bank: Bank) -> dict[str, bytes]:
    return {name: a.tobytes() for part in (bank.tables, bank.seen) for name, a in part._asdict().items()}


def digest(bank: Bank) -> str:
    return hashlib.sha256(b"".join(arrays(bank).values())).hexdigest()


def case_of(tables: Tables, case: int) -> dict[str, list[int]]:
    """The rows of one case, wherever they stand in the tables."""
    n, t = tables.need_start, tables.term_start
    first, last = tables.link_start[CANDIDATES * case], tables.link_start[CANDIDATES * (case + 1)]
    return {name: getattr(tables, name)[case].tolist() for name in ("facts", "answer", "alone", "first_load")} | {
        "link": tables.link[first:last].tolist(),
        "need": [tables.need[n[s] : n[s + 1]].tolist() for s in range(case * SLOTS, (case + 1) * SLOTS)],
        "term": tables.term[t[case] : t[case + 1]].tolist(),
    }


@pytest.mark.parametrize("split", ["train", "unseen_drugs"])
def test_a_small_bank_begins_a_larger_one(split: str) -> None:
    small, large = (load_bank("easy_screening", split, size) for size in (8, 24))
    assert (small.size, large.size) == (8, 24)
    for case in range(8):
        assert case_of(small.tables, case) == case_of(large.tables, case)
    for name in ("person", "drug", "daily_mg", "flag"):
        assert getattr(small.seen, name).tobytes() == getattr(large.seen, name)[:8].tobytes()
    needs = small.seen.seen_need
    assert needs.tolist() == large.seen.seen_need[: len(needs)].tolist()
    for bank in (small, large):
        assert len(bank.tables.need_start) == SLOTS * bank.size + 1
        assert len(bank.tables.term_start) == len(bank.seen.seen_need_start) == bank.size + 1


def test_one_worker_and_two_build_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    for workers in (1, 2):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / str(workers)))
        built.append(load_bank("budgeted_screening", "validation", 20, workers=workers))
    assert arrays(built[0]) == arrays(built[1])


def test_another_process_builds_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "from polypharmacy.env.bank import load_bank; from tests.env.test_bank import digest;"
        "print(digest(load_bank('complex_tradeoff', 'test', 2)))"
    )
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(Path(polypharmacy.__file__).parents[1]), str(root)])
    env = os.environ | {"PYTHONHASHSEED": "1", "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(load_bank("complex_tradeoff", "test", 2))


def test_the_second_load_comes_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    told: list[int] = []
    first = load_bank("easy_screening", "test", 6, progress=told.append)
    assert told[-1] == 6
    files = list(tmp_path.rglob("*.npz"))
    assert [f.name for f in files] == ["easy_screening-test-6.npz"]
    told.clear()
    second = load_bank("easy_screening", "test", 6, progress=told.append)
    assert told == []
    assert arrays(first) == arrays(second)


def test_a_full_bank_in_the_cache_serves_a_smaller_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(SPLITS, "test", 12)
    load_bank("easy_screening", "test")
    told: list[int] = []
    part = load_bank("easy_screening", "test", 5, progress=told.append)
    assert (part.size, told) == (5, [])


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert load_bank("easy_screening", "test", 2).size == 2


def ingredients(bank: Bank, knowledge: Knowledge) -> list[set[str]]:
    """Of each case the ingredients among its medicines and their alternatives."""
    ids = list(knowledge.ingredients)
    return [{ids[d] for d in row if d >= 0} for row in bank.seen.drug]


@pytest.mark.parametrize("task", TASKS)
def test_held_out_ingredients_are_in_every_unseen_case_and_in_no_other(task: str, shipped: Knowledge) -> None:
    unseen = held_out(shipped)
    assert 0.15 < len(unseen) / len(shipped.ingredients) < 0.3
    ids = list(shipped.ingredients)
    for split in SPLITS:
        bank = load_bank(task, split, 8)
        if split == "unseen_drugs":
            taken = [{ids[d] for d in row[:SLOTS] if d >= 0} for row in bank.seen.drug]
            assert not any(unseen.isdisjoint(drugs) for drugs in taken)
        else:
            assert all(unseen.isdisjoint(drugs) for drugs in ingredients(bank, shipped))


def admitted(task: str, split: str, knowledge: Knowledge) -> list[tuple[Patient, Review]]:
    """The first people of a bank's seed whom the task's condition, as the design words it, admits."""
    elders = Elders(knowledge, seed_of(task, split))
    unseen = held_out(knowledge)
    rules = TASKS[task]

    def fits(reviewed: Review) -> bool:
        drugs = {s.drug for s in reviewed.slots}
        severe = sum(
            f.mask.bit_count() == 2 and f.severity in (Severity.AVOID, Severity.CONTRAINDICATED)
            for f in reviewed.findings
            if f.kind in (Kind.INTERACTION, Kind.DUPLICATE)
        )
        beers = any(f.kind is Kind.BEERS or any(i.startswith("beers") for i in f.also) for f in reviewed.findings)
        if not rules.fewest_drugs <= len(reviewed.slots) <= rules.most_drugs or reviewed.points == 0:
            return False
        if unseen.isdisjoint(drugs) == (split == "unseen_drugs"):
            return False
        if task == "easy_screening":
            return severe == 1
        return severe >= 2 and (beers if task == "budgeted_screening" else any(map(knowledge.is_critical, drugs)))

    people = (elders.patient(index) for index in range(5000))
    reviewed = ((p, review(p, knowledge)) for p in people)
    return list(islice(((p, r) for p, r in reviewed if fits(r)), 4))


@pytest.mark.parametrize("split", ["train", "unseen_drugs"])
@pytest.mark.parametrize("task", TASKS)
def test_cases_are_the_first_people_whom_the_task_admits(task: str, split: str, shipped: Knowledge) -> None:
    bank = load_bank(task, split, 8)
    ids = list(shipped.ingredients)
    people = admitted(task, split, shipped)
    assert len(people) == 4
    for case, (patient, reviewed) in enumerate(people):
        fact = bank.tables.facts[case]
        assert fact[START_POINTS] == reviewed.points > 0
        assert [ids[d] for d in bank.seen.drug[case, : fact[DRUGS]]] == [s.drug for s in reviewed.slots]
        assert bank.seen.person[case, 1] == patient.age


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("split", SPLITS)
def test_every_case_meets_the_condition_of_its_task(task: str, split: str) -> None:
    bank = load_bank(task, split, 8)
    for fact, flat in zip(bank.tables.facts, bank.compiled.pair, strict=True):
        assert TASKS[task].fewest_drugs <= fact[DRUGS] <= TASKS[task].most_drugs
        assert fact[START_POINTS] > 0
        codes = flat.reshape(CANDIDATES, CANDIDATES)[: fact[DRUGS], : fact[DRUGS]] & CODE
        severe = int(np.triu(bank.tables.word[codes.astype(int) * 2] == SEVERE - NONE).sum())
        assert fact[SEVERE_PAIRS] == severe
        assert severe == 1 if task == "easy_screening" else severe >= 2
        assert fact[CRITICAL] or task != "complex_tradeoff"


def test_no_two_banks_share_a_person() -> None:
    seeds = [seed_of(task, split) for task in TASKS for split in SPLITS]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize(
    ("task", "split", "size", "says"),
    [
        ("hard_screening", "train", 1, "task 'hard_screening' is not one of easy_screening, budgeted_screening"),
        ("easy_screening", "dev", 1, "split 'dev' is not one of train, validation, test, unseen_drugs"),
        ("easy_screening", "test", 0, "test has 1 to 1024 cases, not 0"),
        ("easy_screening", "test", 1025, "test has 1 to 1024 cases, not 1025"),
    ],
)
def test_an_unknown_bank_is_refused(task: str, split: str, size: int, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        load_bank(task, split, size)
