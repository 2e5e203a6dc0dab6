"""The environment once more, with Python objects: slow, and meant to be obviously right.

Nothing is kept that can be counted anew: risk is `Regimen.points` of the whole plan after every step.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from polypharmacy.env.actions import FinishReview, QueryDdi, decode
from polypharmacy.env.case import WORDS, Compiled
from polypharmacy.env.layout import ACTIONS, MODERATE, NONE, SEVERE
from polypharmacy.env.tasks import Task
from polypharmacy.knowledge.risk import RiskTable
from polypharmacy.knowledge.vocabulary import Action
from polypharmacy.review.finding import Finding
from polypharmacy.review.regimen import Intervention

KIND = {
    "stop": Action.STOP,
    "dose_reduce": Action.REDUCE,
    "substitute": Action.SWITCH,
    "add_monitoring": Action.MONITOR,
}
MILLION = 1_000_000


@dataclass
class ObjectEnv:
    """One episode over one compiled case."""

    compiled: Compiled
    task: Task
    risk: RiskTable
    flagged: set[int]
    critical: set[int]
    plan: dict[int, Intervention] = field(default_factory=dict)
    learned: dict[tuple[int, int], int] = field(default_factory=dict)
    evidence: set[int] = field(default_factory=set)
    queries: int = 0
    steps: int = 0
    targeted: int = 0
    found: int = 0
    resolved: bool = False
    ended: bool = False

    @property
    def drugs(self) -> int:
        return len(self.compiled.slots)

    @property
    def points(self) -> int:
        return self.compiled.regimen.points(self.plan)

    @property
    def start(self) -> int:
        return self.compiled.regimen.points()

    def holds(self, slot: int) -> int | None:
        """The candidate, in the regimen's numbering, that a slot holds now."""
        done = self.plan.get(slot)
        if done is None or done.action in (Action.REDUCE, Action.MONITOR):
            return slot
        return done.replacement if done.action is Action.SWITCH else None

    def finding(self, a: int, b: int) -> Finding | None:
        mask = 1 << a | 1 << b
        return next((f for f in self.compiled.regimen.findings if f.mask == mask), None)

    def word(self, i: int, j: int, *, charted: bool = False) -> int:
        """The severity of what two slots hold; `charted` leaves dose reductions aside."""
        a, b = self.holds(i), self.holds(j)
        if a is None or b is None:
            return NONE
        found = self.finding(a, b)
        if found is None:
            return NONE
        severity = found.severity
        if not charted:
            for slot, candidate in ((i, a), (j, b)):
                done = self.plan.get(slot)
                if done is not None and done.action is Action.REDUCE and found.dose_matters >> candidate & 1:
                    return WORDS[self.risk.effects[Action.REDUCE].severity.get(severity, severity)]
        return WORDS[severity]

    def severe_at_start(self) -> list[tuple[int, int]]:
        pairs = [(i, j) for i in range(self.drugs) for j in range(i + 1, self.drugs)]
        found = [(p, self.finding(*p)) for p in pairs]
        return [p for p, f in found if f is not None and WORDS[f.severity] == SEVERE]

    def open(self, number: int) -> bool:
        """Whether an action is offered."""
        if self.ended or not 0 <= number < ACTIONS:
            return False
        action = decode(number)
        if isinstance(action, FinishReview):
            return True
        if isinstance(action, QueryDdi):
            i, j = action.first, action.second
            return (
                j < self.drugs
                and self.queries < self.task.queries
                and (i, j) not in self.learned
                and self.holds(i) is not None
                and self.holds(j) is not None
            )
        slot = action.slot
        return (
            slot < self.drugs
            and slot not in self.plan
            and len(self.plan) < self.task.interventions
            and (action.kind != "substitute" or self.compiled.alternatives[slot] is not None)
        )

    def step(self, number: int) -> tuple[int, bool]:
        """Reward in millionths, and whether the episode has ended."""
        reward = self._act(number)
        self.steps += 1
        if not self.ended and self.steps == self.task.steps:
            self.ended = True
            reward -= 100_000
        return reward, self.ended

    def _act(self, number: int) -> int:
        if not self.open(number):
            return -50_000
        action = decode(number)
        if isinstance(action, FinishReview):
            self.ended = True
            return self.grade()
        if isinstance(action, QueryDdi):
            i, j = action.first, action.second
            word = self.learned[i, j] = self.word(i, j, charted=True)
            self.queries += 1
            if word >= MODERATE:
                self.evidence |= {i, j}
            reward = -5_000
            if self.holds(i) == i and self.holds(j) == j:
                reward += {SEVERE: 40_000, MODERATE: 10_000}.get(word, 0)
                self.found += word == SEVERE
            return reward
        slot, before = action.slot, self.points
        targeted = slot in self.evidence or slot in self.flagged
        severe = self.severe_at_start()
        watched = severe[0] if len(severe) == 1 else None
        was_severe = watched is not None and self.word(*watched) == SEVERE
        alternative = self.compiled.alternatives[slot]
        replacement = alternative.index if alternative is not None and action.kind == "substitute" else None
        self.plan[slot] = Intervention(KIND[action.kind], replacement)
        self.targeted += targeted
        if action.kind == "substitute":
            self.learned = {pair: w for pair, w in self.learned.items() if slot not in pair}
        if watched is not None:
            is_severe = self.word(*watched) == SEVERE
            if was_severe and not is_severe:
                self.resolved = targeted
            elif is_severe and not was_severe:
                self.resolved = False
        share = Fraction((before - self.points) * MILLION, self.risk.scale * self.drugs)
        return share.__floor__() - 10_000

    def grade(self) -> int:
        """Millionths; every part rounded down, as the formulas say."""
        done = list(self.plan.items())
        reduction = max(0, self.start - self.points) * MILLION // self.start
        severe = len(self.severe_at_start())
        if self.task.name == "easy_screening":
            grade = (reduction + MILLION * self.resolved) // 2
        elif self.task.name == "budgeted_screening":
            precision = efficiency = 0
            if done:
                precision = self.targeted * MILLION // max(len(done), min(self.task.interventions, severe))
            if self.queries:
                efficiency = self.found * MILLION // max(self.queries, min(self.task.queries, severe))
            grade = (5 * reduction + 3 * precision + 2 * efficiency) // 10
        else:
            replaced = sum(i.action in (Action.STOP, Action.SWITCH) for _, i in done)
            lost = sum(i.action is Action.STOP and slot in self.critical for slot, i in done)
            grade = reduction - 100_000 * max(0, replaced - 3) - 100_000 * (len(done) - self.targeted) - 300_000 * lost
        return min(max(grade, 1_000), 999_000)
