"""What an agent sees of one environment: nothing that it has not asked for."""

from dataclasses import dataclass, replace

import numpy as np

from polypharmacy.env.layout import (
    ALTERNATIVES,
    CANDIDATES,
    CASE,
    CRITICAL,
    DRUGS,
    EVIDENCE,
    FLAGS,
    FOUND,
    INTERVENTIONS_LEFT,
    MONITORED,
    QUERIES_LEFT,
    REDUCED,
    SLOTS,
    STEPS_LEFT,
    STOPPED,
    SWITCHED,
    TARGETED,
    UNTARGETED,
)
from polypharmacy.env.tasks import Task
from polypharmacy.env.vector import VectorEnv


@dataclass(frozen=True, slots=True)
class View:
    """The chart's front page and what was done. Arrays are those of the environment and change with it.

    person int16 [4 + conditions], drug int16 [30], daily_mg float32 [30] and flag uint8 [30] as in `case.Case`; weight
    int16 [30, B] what a candidate adds to each burden, burden int32 [B, 2] points a unit and threshold, load int32 [B];
    needs int32 [N, 3] slot bits, points unmet, points where only reduced medicines are left; known uint8 [105] and mask
    uint8 [166] as in `dynamics.step`. The rest are bits of slots, or counts.
    """

    task: Task
    drugs: int
    alternatives: int
    critical: int
    flagged: int
    person: np.ndarray
    drug: np.ndarray
    daily_mg: np.ndarray
    flag: np.ndarray
    weight: np.ndarray
    burden: np.ndarray
    needs: np.ndarray
    load: np.ndarray
    known: np.ndarray
    mask: np.ndarray
    stopped: int
    switched: int
    reduced: int
    monitored: int
    evidence: int
    queries_left: int
    interventions_left: int
    steps_left: int
    targeted: int
    untargeted: int
    found: int

    @property
    def touched(self) -> int:
        """Bits of slots that have had their intervention."""
        return self.stopped | self.switched | self.reduced | self.monitored

    def still(self) -> "View":
        """The same with arrays of its own: it stays as it is when the environment goes on."""
        return replace(self, load=self.load.copy(), known=self.known.copy(), mask=self.mask.copy())

    def candidate(self, slot: int) -> int:
        """The candidate that a slot holds (its last one, once stopped)."""
        return slot + SLOTS * (self.switched >> slot & 1)


def view(env: VectorEnv, e: int) -> View:
    """What environment number `e` shows."""
    bank, b = env.bank, env.buffers
    state = b.state[e]
    case = int(state[CASE])
    tables, seen = bank.tables, bank.seen
    fact = tables.facts[case]
    return View(
        task=bank.task,
        drugs=int(fact[DRUGS]),
        alternatives=int(fact[ALTERNATIVES]),
        critical=int(fact[CRITICAL]),
        flagged=int(fact[FLAGS]),
        person=seen.person[case],
        drug=seen.drug[case],
        daily_mg=seen.daily_mg[case],
        flag=seen.flag[case],
        weight=bank.compiled.weight[case].reshape(CANDIDATES, -1),
        burden=tables.burden,
        needs=seen.seen_need[seen.seen_need_start[case] : seen.seen_need_start[case + 1]],
        load=b.load[e],
        known=b.known[e],
        mask=b.mask[e],
        stopped=int(state[STOPPED]),
        switched=int(state[SWITCHED]),
        reduced=int(state[REDUCED]),
        monitored=int(state[MONITORED]),
        evidence=int(state[EVIDENCE]),
        queries_left=int(state[QUERIES_LEFT]),
        interventions_left=int(state[INTERVENTIONS_LEFT]),
        steps_left=int(state[STEPS_LEFT]),
        targeted=int(state[TARGETED]),
        untargeted=int(state[UNTARGETED]),
        found=int(state[FOUND]),
    )
