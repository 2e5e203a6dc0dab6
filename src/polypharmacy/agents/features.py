"""What a network is shown: the view as numbers of comparable size, with what pharmacology and experience say of it.

Everything follows from what is seen (`env.view`), the knowledge base and the prior of the training cases. Points are
told as shares of the points expected at the start, which is what the grade counts in.
"""

import hashlib
from typing import NamedTuple

import numpy as np

from polypharmacy.agents.prior import Prior
from polypharmacy.env.actions import PAIR_SLOTS
from polypharmacy.env.bank import Bank
from polypharmacy.env.case import code_tables
from polypharmacy.env.layout import (
    ALTERNATIVES,
    CANDIDATES,
    CASE,
    CRITICAL,
    DRUGS,
    EVIDENCE,
    FINISH,
    FIRST_INTERVENTION,
    FLAGS,
    FOUND,
    INTERVENTIONS,
    INTERVENTIONS_LEFT,
    MONITORED,
    QUERIES_LEFT,
    REDUCED,
    STEPS_LEFT,
    STOPPED,
    SWITCHED,
    TARGETED,
    UNTARGETED,
)
from polypharmacy.env.tasks import Task
from polypharmacy.env.vector import Buffers
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge
from polypharmacy.knowledge.ingredient import FLAGS as PROPERTIES

FRONT = (DRUGS, ALTERNATIVES, CRITICAL, FLAGS)
DONE_SO_FAR = (
    STOPPED, SWITCHED, REDUCED, MONITORED, EVIDENCE, QUERIES_LEFT, INTERVENTIONS_LEFT, STEPS_LEFT, TARGETED,
    UNTARGETED, FOUND,
)  # fmt: skip
"""Columns of `facts` and of `state` that a network may be shown something of."""
SLOT_FEATURES = (
    "held", "stopped", "switched", "reduced", "monitored", "critical", "alternative", "reason", "evidence",
    "beers_flag", "renal_flag", "hepatic_flag", "new_beers_flag", "new_renal_flag", "new_hepatic_flag",
    "alone", "alone_off_by_reducing", "alone_off_by_monitoring", "new_alone",
    "pairs", "pairs_off_by_reducing", "pairs_off_by_monitoring", "new_pairs",
    "burden_off_by_stopping", "burden_off_by_switching", "need_unmet", "need_partly",
    "off_by_stopping", "off_by_reducing", "off_by_switching", "off_by_monitoring",
    "worst_pair", "worst_unasked_pair", "severe_expected", "severe_likeliest", "severe_found", "moderate_found",
    "new_severe_likeliest", "share_of_severe", "dose",
)  # fmt: skip
PAIR_FEATURES = (
    "open", "held", "none_found", "minor_found", "moderate_found", "severe_found",
    "none", "minor", "moderate", "severe", "points", "spread", "share_of_severe", "without_reason", "untouched",
    "value", "switched", "odds",
)  # fmt: skip
WHOLE_FEATURES = (
    "easy", "budgeted", "complex", "queries_left", "no_query_left", "interventions_left", "no_intervention_left",
    "steps_left", "drugs", "targeted", "untargeted", "severe_found", "asked", "replaced", "critical_stops",
    "points_at_start", "points_now", "severe_expected", "best_off", "best_off_with_reason", "best_value",
    "female", "age", "kidney_1", "kidney_2", "kidney_3", "kidney_4", "liver_a", "liver_b", "liver_c",
)  # fmt: skip
"""Of each slot, each pair of slots, and the whole; then burdens (load over threshold) and conditions."""


class Observation(NamedTuple):
    """Of E environments and the first S slots: slot float32 [E, S, 40]; drug int64 [E, S, 2], what the slot holds
    and its alternative, as places in the knowledge base (one past the end: none); pair float32 [E, S (S - 1) / 2, 18];
    whole float32 [E, W]; mask bool [E, A] of the actions `actions_of(S)`.
    """

    slot: np.ndarray
    drug: np.ndarray
    pair: np.ndarray
    whole: np.ndarray
    mask: np.ndarray


class Front(NamedTuple):
    """What is seen of C cases before anything is done, [C, ...]: fact int32 [C, 4] of FRONT, the rest as in bank.Seen;
    row int32 [C, 30, 30] of the prior, alone float32 [C, 30, 3] expected points, dose float32 [C, 30].
    """

    fact: np.ndarray
    drug: np.ndarray
    flag: np.ndarray
    person: np.ndarray
    weight: np.ndarray
    need: np.ndarray
    need_start: np.ndarray
    burden: np.ndarray
    row: np.ndarray
    alone: np.ndarray
    dose: np.ndarray


def actions_of(slots: int) -> np.ndarray:
    """The actions, 0 to 165, that the first `slots` slots have: pairs, interventions, finish."""
    pairs = [number for number, (_, j) in enumerate(PAIR_SLOTS) if j < slots]
    acts = range(FIRST_INTERVENTION, FIRST_INTERVENTION + slots * INTERVENTIONS)
    return np.array([*pairs, *acts, FINISH], dtype=np.int64)


def drug_table(knowledge: Knowledge) -> np.ndarray:
    """Properties and classes of each ingredient, float32 [D + 1, K]; the last row is no ingredient."""
    kinds = list(knowledge.classes)
    proteins = sorted({role.protein for i in knowledge.ingredients.values() for role in i.pk})
    rows = []
    for id_, row in knowledge.ingredients.items():
        strength = {"strong": 1.0, "sensitive": 1.0, "moderate": 0.7, "weak": 0.3, "": 0.5}
        pk = np.zeros((len(proteins), 3))
        for role in row.pk:
            at = proteins.index(role.protein), ("substrate", "inhibitor", "inducer").index(role.action)
            pk[at] = max(pk[at], strength[role.strength])
        held = knowledge.classes_of(id_)
        single = [row.acb / 3, *(float(row.qt == q) for q in ("known", "possible", "conditional"))]
        single += [float(getattr(row, name)) for name in PROPERTIES]
        single += [float(row.fe is not None), row.fe or 0.0, float(knowledge.is_critical(id_))]
        rows.append([*single, *pk.reshape(-1), *(float(c in held) for c in kinds)])
    return np.array([*rows, [0.0] * len(rows[0])], dtype=np.float32)


class Features:
    """Makes observations; `prior` and `usual` (float32 [D], mg a day) as `prior.Counts` has them of training cases.

    `backend` "numba" compiles for seconds where nothing is cached, then takes microseconds an observation; "python"
    takes milliseconds at once.
    """

    def __init__(self, prior: Prior, usual: np.ndarray, backend: str = "numba") -> None:
        self.backend = backend
        self.prior = prior
        self.usual = usual

    def front(self, bank: Bank) -> Front:
        """What is seen of a bank's cases at the start, with what the prior expects of them."""
        seen, tables = bank.seen, bank.tables
        fact = np.ascontiguousarray(tables.facts[:, FRONT])
        return self._front(fact, seen.drug, seen.flag, seen.person, seen.daily_mg, bank.compiled.weight,
                           seen.seen_need, seen.seen_need_start, tables.burden)  # fmt: skip

    def _front(  # type: ignore[no-untyped-def]
        self, fact, drug, flag, person, daily_mg, weight, need, need_start, burden
    ) -> Front:
        known = np.maximum(drug, 0).astype(np.int64)
        usual = self.usual[known]
        ratio = np.log2(np.maximum(daily_mg, 1e-6) / np.maximum(usual, 1e-6))
        return Front(
            fact=fact,
            drug=drug,
            flag=flag,
            person=person,
            weight=weight.reshape(len(drug), CANDIDATES, -1),
            need=need,
            need_start=need_start,
            burden=burden,
            row=self.prior.pair[known[:, :, None], known[:, None, :]],
            alone=self.prior.hazard[known, flag],
            dose=np.where((daily_mg > 0) & (usual > 0), np.clip(ratio, -2, 2), 0).astype(np.float32),
        )

    def observe(self, front: Front, b: Buffers, task: Task, slots: int, out: Observation | None = None) -> Observation:
        """What environments playing the cases of `front` show, in arrays of `out` where given."""
        state = b.state
        cases = state[:, CASE].astype(np.int64)
        return self._observe(front, cases, state[:, DONE_SO_FAR], b.known, b.load, b.mask, task, slots, out)

    def of_view(self, view: View, slots: int) -> Observation:
        """The same of one environment, from its view."""
        fact = np.array([[view.drugs, view.alternatives, view.critical, view.flagged]], dtype=np.int32)
        starts = np.array([0, len(view.needs)], dtype=np.int32)
        front = self._front(fact, view.drug[None], view.flag[None], view.person[None], view.daily_mg[None],
                            view.weight[None], view.needs, starts, view.burden)  # fmt: skip
        done = [
            view.stopped, view.switched, view.reduced, view.monitored, view.evidence, view.queries_left,
            view.interventions_left, view.steps_left, view.targeted, view.untargeted, view.found,
        ]  # fmt: skip
        at = np.array([done], dtype=np.int32)
        zero = np.zeros(1, dtype=np.int64)
        return self._observe(
            front, zero, at, view.known[None], view.load[None], view.mask[None], view.task, slots, None
        )

    def _observe(  # type: ignore[no-untyped-def]
        self, front: Front, cases, done, known, load, mask, task: Task, slots: int, out: Observation | None
    ) -> Observation:
        from polypharmacy.agents.observe import observe

        if out is None:
            out = blank(len(cases), slots, whole_width(front))
        limits = np.array([task.number, task.queries, task.interventions, task.steps], dtype=np.int64)
        fill = observe if self.backend == "numba" else observe.py_func
        fill(*front, self.prior.rows, cases, done, known, load, mask, limits, slots, len(self.usual),
                actions_of(slots), *out)  # fmt: skip
        return out


def whole_width(front: Front) -> int:
    """Entries of `Observation.whole`."""
    return len(WHOLE_FEATURES) + len(front.burden) + int(front.person.shape[1]) - 4


def blank(count: int, slots: int, width: int) -> Observation:
    """Arrays for the observations of `count` environments."""
    pairs = slots * (slots - 1) // 2
    return Observation(
        slot=np.zeros((count, slots, len(SLOT_FEATURES)), dtype=np.float32),
        drug=np.zeros((count, slots, 2), dtype=np.int64),
        pair=np.zeros((count, pairs, len(PAIR_FEATURES)), dtype=np.float32),
        whole=np.zeros((count, width), dtype=np.float32),
        mask=np.zeros((count, pairs + slots * INTERVENTIONS + 1), dtype=np.bool_),
    )


def inputs_hash(knowledge: Knowledge) -> str:
    """Of what a network's inputs mean: features, drugs in order with properties and classes, conditions, burdens,
    points of a finding. Rules are not among it: changed ones make a policy's experience old, not unreadable.
    """
    left, word = code_tables(knowledge.risk)
    burdens = [(b.id, b.at_least) for b in knowledge.tables.burdens]
    named = [
        SLOT_FEATURES,
        PAIR_FEATURES,
        WHOLE_FEATURES,
        list(knowledge.ingredients),
        list(knowledge.conditions),
        burdens,
    ]
    digest = hashlib.sha256(repr(named).encode())
    for table in (drug_table(knowledge), left, word):
        digest.update(table.tobytes())
    return digest.hexdigest()[:16]
