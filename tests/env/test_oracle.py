"""The oracle against every sequence of actions there is, and against everybody who plays."""

import random
from dataclasses import replace

import numpy as np
import pytest

from polypharmacy.agents.agent import Agent
from polypharmacy.agents.belief import Belief
from polypharmacy.agents.belief_greedy import BeliefGreedy
from polypharmacy.agents.evaluate import play as play_agent
from polypharmacy.agents.heuristic import Heuristic
from polypharmacy.agents.planner import Planner
from polypharmacy.agents.privileged import FullKnowledge, Oracle
from polypharmacy.agents.simple import GAMES
from polypharmacy.env.bank import bank_of
from polypharmacy.env.case import Case, compile_case, severe_pairs
from polypharmacy.env.layout import (
    CANDIDATES,
    DRUGS,
    FIRST_INTERVENTION,
    FLAGS,
    INTERVENTIONS,
    MAX_INTERVENTIONS,
    MICRO,
    SEVERE_PAIR,
    SEVERE_PAIRS,
    START_POINTS,
)
from polypharmacy.env.oracle import _reasons, best_plan, best_plan_unasked, play, search, start_of
from polypharmacy.env.tables import Tables
from polypharmacy.env.tasks import TASKS
from polypharmacy.knowledge import Knowledge
from polypharmacy.patients.synthetic import Elders
from tests.env.conftest import Cases
from tests.env.exhaustive import exhaustive
from tests.env.scrambled import scrambled

BUDGETS = [(3, 2, 2), (3, 3, 3), (4, 2, 2), (4, 3, 2), (4, 3, 3), (5, 2, 2)]
"""Drugs, queries, interventions."""


def budgeted(cases: list[Case], task: str, queries: int, interventions: int, knowledge: Knowledge) -> Tables:
    """Tables of cases under a task with other budgets, and steps enough to use them up."""
    rules = replace(TASKS[task], queries=queries, interventions=interventions, steps=queries + interventions + 1)
    return bank_of(cases, task, knowledge).tables._replace(rules=rules.rules(knowledge.risk.scale))


def small_cases(knowledge: Knowledge, drugs: int, count: int) -> list[Case]:
    """The first elders of a seed with that many medicines, and risk, and a severe pair."""
    elders = Elders(knowledge, 11)
    found: list[Case] = []
    index = 0
    while len(found) < count:
        patient = elders.patient_if(index, lambda m: len(m) == drugs)
        index += 1
        if patient is not None and severe_pairs(patient, knowledge) > 0:
            case = compile_case(patient, knowledge).case
            if case.facts[DRUGS] == drugs and case.facts[START_POINTS] > 0:
                found.append(case)
    return found


@pytest.fixture(scope="module")
def by_drugs(shipped: Knowledge) -> dict[int, list[Case]]:
    return {drugs: small_cases(shipped, drugs, 24) for drugs in (3, 4, 5)}


def agrees(tables: Tables, case: int) -> tuple[int, ...]:
    """The oracle's actions, once its grade is the exhaustive one and its actions reach it."""
    plan = best_plan(tables, case)
    assert plan.grade == exhaustive(tables, case)
    assert play(tables, case, plan.actions) == plan.grade
    return plan.actions


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(("drugs", "queries", "interventions"), BUDGETS)
def test_no_sequence_of_actions_beats_the_oracle_on_real_lists(
    task: str, drugs: int, queries: int, interventions: int, by_drugs: dict[int, list[Case]], shipped: Knowledge
) -> None:
    tables = budgeted(by_drugs[drugs], task, queries, interventions, shipped)
    for case in range(len(by_drugs[drugs])):
        agrees(tables, case)


@pytest.mark.parametrize("task", TASKS)
def test_no_sequence_of_actions_beats_the_oracle_on_random_tables(
    task: str, by_drugs: dict[int, list[Case]], shipped: Knowledge
) -> None:
    draw = random.Random(task)
    any_tables = bank_of(by_drugs[3], task, shipped).tables
    roundabout = shared = 0
    for _ in range(200):
        drugs, queries, interventions = draw.choice(BUDGETS)
        case = scrambled(by_drugs[drugs][0], any_tables, draw)
        tables = budgeted([case], task, queries, interventions, shipped)
        actions = agrees(tables, 0)
        acted = [a for a in actions if a >= FIRST_INTERVENTION]
        roundabout += any(a < FIRST_INTERVENTION for a in actions[actions.index(acted[0]) :])
        shared += one_for_two(tables, actions)
    if task == "budgeted_screening":
        assert shared >= 2  # one query of a moderate pair gave a reason for two slots
    if task != "easy_screening":
        assert roundabout >= 2  # a reason came from what another slot had been switched to


def one_for_two(tables: Tables, actions: tuple[int, ...]) -> bool:
    """Whether two slots without a flag or a severe pair were both touched after one query of their moderate pair."""
    reasons = _reasons(tables, 0)
    touched = sum(1 << (a - FIRST_INTERVENTION) // INTERVENTIONS for a in actions[:-1] if a >= FIRST_INTERVENTION)
    needing = touched & ~reasons.free
    slots = [tuple(int(s) for s in tables.pair_slots[a]) for a in actions if a < FIRST_INTERVENTION]
    return any(needing >> i & 1 and needing >> j & 1 and int(reasons.together[i]) >> j & 1 for i, j in slots)


@pytest.mark.parametrize("task", TASKS)
def test_the_bound_cuts_nothing_off(task: str, cases: Cases) -> None:
    compiled, bank = cases[task]
    tables = bank.tables
    whole = np.full(int(tables.rules[MAX_INTERVENTIONS]), -1, dtype=np.int32)
    for case in [c for c, one in enumerate(compiled) if len(one.slots) <= 10]:
        begin, load = start_of(tables, case), tables.first_load[case]
        never = -10 * MICRO  # a slack so far below 0 that no branch is cut
        assert best_plan(tables, case).grade == search(tables, begin, load, _reasons(tables, case), True, whole, never)


def test_every_slot_gets_its_reason_where_severe_pairs_outnumber_queries(
    by_drugs: dict[int, list[Case]], shipped: Knowledge
) -> None:
    """Four severe pairs, three of them with slot 0: two queries must still say something of slots 0 and 4."""
    severe = 5
    pair = np.zeros((CANDIDATES, CANDIDATES), dtype=np.uint8)
    for i, j in ((0, 1), (0, 2), (0, 3), (3, 4)):
        pair[i, j] = pair[j, i] = severe
    hazard = np.zeros((CANDIDATES, 3), dtype=np.int16)
    hazard[4, 0] = 5000
    case = by_drugs[5][0]
    fact = case.facts.copy()
    none = np.zeros((0, 3), dtype=np.int32)
    tables = bank_of([case], "budgeted_screening", shipped).tables
    fact[[FLAGS, SEVERE_PAIRS, SEVERE_PAIR, START_POINTS]] = 0, 4, -1, 4 * int(tables.left[severe * 4]) + 5000
    built = case._replace(
        facts=fact,
        pair=pair.reshape(-1),
        hazard=hazard.reshape(-1),
        weight=np.zeros_like(case.weight),
        need=none,
        term=none,
    )
    agrees(budgeted([built], "budgeted_screening", 2, 2, shipped), 0)


@pytest.mark.parametrize("task", TASKS)
def test_nobody_beats_the_oracle(task: str, cases: Cases, shipped: Knowledge) -> None:
    _, bank = cases[task]
    belief = Belief(bank, shipped)
    episodes = range(bank.size)
    oracle = play_agent(Oracle(bank), bank, episodes).grade
    assert millionths(oracle) == [best_plan(bank.tables, c).grade for c in episodes]
    players: dict[str, Agent] = {name: make(0) for name, make in GAMES.items()}
    players |= {"heuristic": Heuristic(shipped), "belief_greedy": BeliefGreedy(belief)}
    for name, player in players.items():
        grades = play_agent(player, bank, episodes).grade
        assert (grades <= oracle).all(), name
        assert grades.mean() < oracle.mean(), name
    planner = Planner(belief, bank.tables, 0, ask=True)
    assert (play_agent(planner, bank, episodes[:4]).grade <= oracle[:4]).all()
    knowing = play_agent(FullKnowledge(bank), bank, episodes).grade
    assert (knowing <= oracle).all()
    assert millionths(knowing) == [best_plan_unasked(bank.tables, c).grade for c in episodes]


def millionths(grades: np.ndarray) -> list[int]:
    return [round(float(g) * MICRO) for g in grades]
