"""What `dynamics.step` reads, laid out so that a step touches few places of memory."""

from typing import NamedTuple

import numpy as np

from polypharmacy.env.actions import PAIR_SLOTS
from polypharmacy.env.case import code_tables
from polypharmacy.env.layout import (
    ACTIONS,
    ALTERNATIVES,
    CANDIDATES,
    CODE,
    DRUGS,
    FINISH,
    FIRST_INTERVENTION,
    INTERVENTIONS,
    LINK_CODE,
    PAIRS,
    SLOTS,
    SUBSTITUTE,
)
from polypharmacy.knowledge import Knowledge
from polypharmacy.knowledge.vocabulary import Kind

Rows = tuple[np.ndarray, np.ndarray]
"""Where each owner's rows begin, and the rows."""


class Compiled(NamedTuple):
    """Of the cases, [C, ...], as `case.Case` has them."""

    pair: np.ndarray
    hazard: np.ndarray
    weight: np.ndarray


class Tables(NamedTuple):
    """What `dynamics.step` reads, in the order of its parameters."""

    rules: np.ndarray
    facts: np.ndarray
    answer: np.ndarray
    alone: np.ndarray
    link_start: np.ndarray
    link: np.ndarray
    burden: np.ndarray
    need_start: np.ndarray
    need: np.ndarray
    term_start: np.ndarray
    term: np.ndarray
    left: np.ndarray
    word: np.ndarray
    open_at_start: np.ndarray
    first_load: np.ndarray
    pair_slots: np.ndarray
    pair_number: np.ndarray
    without: np.ndarray


def tables_of(
    rules: np.ndarray, facts: np.ndarray, compiled: Compiled, need: Rows, term: Rows, knowledge: Knowledge
) -> Tables:
    """The tables of cases: `rules` of their task, their `facts`, needs by slot and terms by case as in `step`."""
    left, word = code_tables(knowledge.risk)
    points = knowledge.risk.points[Kind.BURDEN]
    burden = np.array([(points[b.severity], b.at_least) for b in knowledge.tables.burdens], dtype=np.int32)
    numbers = np.zeros((SLOTS, SLOTS), dtype=np.int32)
    for number, (i, j) in enumerate(PAIR_SLOTS):
        numbers[i, j] = numbers[j, i] = number
    blank = Tables(
        rules=rules,
        facts=facts,
        answer=np.zeros((0, PAIRS), dtype=np.uint8),
        alone=np.zeros((0, 0), dtype=np.int16),
        link_start=np.zeros(1, dtype=np.int32),
        link=np.zeros(0, dtype=np.int16),
        burden=burden,
        need_start=need[0],
        need=need[1],
        term_start=term[0],
        term=term[1],
        left=left,
        word=word,
        open_at_start=_open_at_start(),
        first_load=np.zeros((0, len(burden)), dtype=np.int32),
        pair_slots=np.array(PAIR_SLOTS, dtype=np.int32),
        pair_number=numbers,
        without=np.array([[255 * (slot not in pair) for pair in PAIR_SLOTS] for slot in range(SLOTS)], dtype=np.uint8),
    )
    return with_cases(blank, facts, compiled)


def with_cases(tables: Tables, facts: np.ndarray, compiled: Compiled) -> Tables:
    """The tables with other cases' facts, pairs, hazards and weights; needs and terms are left as they are."""
    cases = len(facts)
    pair = compiled.pair.reshape(cases, CANDIDATES, CANDIDATES)
    word = tables.word[::2]
    i, j = tables.pair_slots.T
    answer = np.zeros((cases, PAIRS), dtype=np.uint8)
    for which in range(4):
        cells = pair[:, i + SLOTS * (which & 1), j + SLOTS * (which >> 1)]
        answer |= word[cells & CODE] << np.uint8(2 * which)
    flat = pair.reshape(-1, CANDIDATES)
    row, partner = np.nonzero(flat)
    weight = compiled.weight.reshape(cases, CANDIDATES, -1)
    alone = np.concatenate([compiled.hazard.reshape(cases, CANDIDATES, 3), weight], axis=2)
    taken = np.arange(SLOTS) < facts[:, DRUGS, None]
    return tables._replace(
        facts=facts,
        answer=answer,
        alone=np.ascontiguousarray(alone.reshape(cases, -1), dtype=np.int16),
        link_start=np.searchsorted(row, np.arange(len(flat) + 1)).astype(np.int32),
        link=(partner | flat[row, partner].astype(np.int64) << LINK_CODE).astype(np.int16),
        first_load=np.ascontiguousarray((weight[:, :SLOTS] * taken[:, :, None]).sum(axis=1, dtype=np.int32)),
    )


def first_mask(tables: Tables, cases: np.ndarray) -> np.ndarray:
    """uint8 [len(cases), 166]: the actions open when an episode of each case begins."""
    facts = tables.facts[cases]
    mask: np.ndarray = tables.open_at_start[facts[:, DRUGS]]
    mask[:, FIRST_INTERVENTION + SUBSTITUTE : FINISH : INTERVENTIONS] = (
        facts[:, ALTERNATIVES, None] >> np.arange(SLOTS) & 1
    )
    return mask


def _open_at_start() -> np.ndarray:
    """uint8 [16, 166]: the actions open with n medicines that each have an alternative."""
    mask = np.zeros((SLOTS + 1, ACTIONS), dtype=np.uint8)
    for drugs in range(SLOTS + 1):
        mask[drugs, :PAIRS] = [j < drugs for _, j in PAIR_SLOTS]
        mask[drugs, FIRST_INTERVENTION : FIRST_INTERVENTION + drugs * INTERVENTIONS] = 1
    mask[:, FINISH] = 1
    return mask
