"""A patient's review with what was decided: what is left, what a replacement brings, and the risk before and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from polypharmacy.knowledge import Knowledge, Route
from polypharmacy.knowledge.vocabulary import SYSTEMIC, Action, Kind, Severity
from polypharmacy.patients import Medication, Patient
from polypharmacy.review.burdens import burdens_of, find_burdens
from polypharmacy.review.facts import Facts
from polypharmacy.review.finding import Finding
from polypharmacy.review.regimen import Intervention, Need, Regimen, State
from polypharmacy.review.replacements import brought_by, merged, options_for
from polypharmacy.review.review import Review, review
from polypharmacy.review.slot import Slot

_DONE = {
    Action.STOP: "stopped",
    Action.REDUCE: "reduced",
    Action.SWITCH: "switched",
    Action.MONITOR: "put under monitoring",
}


class Refused(ValueError):
    """A decision that is not open: one sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for one slot; a switch names the ingredient and route that take its place."""

    slot: int
    action: Action
    replacement: str | None = None
    route: Route | None = None


@dataclass(frozen=True)
class Standing:
    """Where a review stands after its decisions.

    `everyone` holds the slots and then the replacements; masks of all findings are over these. `findings` are left of
    what was found at the start, `brought` come with the replacements, `resolved` are gone. `unserved` are, by slot, the
    conditions that a replacement is not known to treat: their need counts as unmet.
    """

    decisions: tuple[Decision, ...]
    everyone: tuple[Slot, ...]
    replacement: dict[int, int]
    unserved: dict[int, tuple[str, ...]]
    regimen: Regimen
    state: State
    findings: tuple[Finding, ...]
    brought: tuple[Finding, ...]
    resolved: tuple[Finding, ...]
    components: dict[str, int]

    @property
    def points(self) -> int:
        return sum(self.components.values())

    def holder(self, index: int) -> Slot:
        """What slot `index` holds: its medicine, or what has taken its place."""
        return self.everyone[self.replacement.get(index, index)]

    @cached_property
    def active(self) -> tuple[Slot, ...]:
        """The medicines taken, replacements among them."""
        return tuple(s for s in self.everyone if self.state.active & s.bit)

    def severity_of(self, finding: Finding) -> Severity:
        """A finding's severity now: where a reduction that helps was decided, what the reduction leaves."""
        reduced = any(
            d.action is Action.REDUCE and self.regimen.lowers(finding, d.slot, d.action) for d in self.decisions
        )
        effect = self.regimen.risk.effects[Action.REDUCE]
        return effect.severity.get(finding.severity, finding.severity) if reduced else finding.severity

    def is_eased(self, finding: Finding) -> bool:
        """Whether a reduction or monitoring that was decided takes points off a finding."""
        partial = (Action.REDUCE, Action.MONITOR)
        return any(d.action in partial and self.regimen.lowers(finding, d.slot, d.action) for d in self.decisions)


class ReviewSession:
    """The review of one patient, and what follows from decisions. Pure: equal decisions give an equal standing,
    in whatever order they were taken.

    Any known drug may take a medicine's place. Rules that ask for another medicine are answered on the list as it was
    read, as the review's plan answers them; `arising` is what a fresh review of the new list would add.
    """

    def __init__(self, patient: Patient, knowledge: Knowledge) -> None:
        self.patient = patient
        self.knowledge = knowledge
        self.review: Review = review(patient, knowledge)
        self.slots = self.review.slots
        self.facts = Facts(patient, self.slots, knowledge)
        own = self.review.regimen
        self._counted = tuple(f for f in own.findings if not f.mask >> len(self.slots))
        self._needs = own.needs

    # -- decisions --------------------------------------------------------------------------

    def ids(self, decisions: Sequence[Decision] = ()) -> list[str]:
        """What each slot is called: the ingredient it holds; a second slot of one ingredient has its number behind it
        (`timolol#7`).
        """
        replaced = {d.slot: d.replacement for d in decisions if d.replacement}
        used: set[str] = set()
        out = []
        for slot in self.slots:
            drug = replaced.get(slot.index) or slot.drug
            out.append(f"{drug}#{slot.index}" if drug in used else drug)
            used.add(drug)
        return out

    def decide(
        self, decisions: Sequence[Decision], target: str, action: Action, proposed: str | None = None
    ) -> Decision:
        """The decision that an intervention on the medicine called `target` means. Raises Refused."""
        ids = self.ids(decisions)
        if target not in ids:
            raise Refused(f"{target[:60]!r} is not on the list; on it are {', '.join(ids) or 'no known medicines'}")
        slot = self.slots[ids.index(target)]
        held = next((d for d in decisions if d.slot == slot.index), None)
        if held is not None:
            raise Refused(f"{slot.name} was {_DONE[held.action]} already: undo that first")
        if action is not Action.SWITCH:
            return Decision(slot.index, action)
        drug, route = self._proposed(slot, proposed)
        now = self.after(decisions)
        for other in now.active:
            if other.drug == drug and (other.route == route or (other.systemic and route in SYSTEMIC)):
                where = "is what it would replace" if other.index == slot.index else "is on the list already"
                raise Refused(f"{other.name} {where}: name another replacement, or stop {slot.name.lower()}")
        return Decision(slot.index, action, drug, route)

    def _proposed(self, slot: Slot, proposed: str | None) -> tuple[str, Route]:
        """The ingredient and route of a replacement: the one named, else the first listed that suits."""
        if proposed is None:
            option = next(options_for(self.facts, self.slots, slot, ()), None)
            if option is None:
                raise Refused(f"no replacement of {slot.name.lower()} is listed that suits: name one")
            return option.drug, option.route
        listed = next((r for r in self.knowledge.substitutes_for(slot.drug) if r.replacement == proposed), None)
        if listed is not None:
            return proposed, listed.route
        if proposed in self.knowledge.ingredients:
            return proposed, self.knowledge.ingredients[proposed].route
        found = self.knowledge.names.resolve(proposed)
        if len(found.ingredients) == 1 and not found.unread:
            (drug,) = found.ingredients
            return drug, found.route or self.knowledge.ingredients[drug].route
        if found.ingredients:
            raise Refused(f"{proposed[:60]!r} is more than one ingredient: name one")
        near = f"; did you mean {', '.join(found.nearest)}?" if found.nearest else ""
        raise Refused(f"{proposed[:60]!r} is not known to knowledge base {self.knowledge.version}{near}")

    # -- what follows -----------------------------------------------------------------------

    def after(self, decisions: Sequence[Decision]) -> Standing:
        """Where the review stands after `decisions`, at most one a slot."""
        size = len(self.slots)
        accepted: list[Slot] = []
        found: list[Finding] = []
        plan: dict[int, Intervention] = {}
        replacement: dict[int, int] = {}
        for decision in sorted(decisions, key=lambda d: d.slot):
            plan[decision.slot] = Intervention(decision.action)
            if decision.replacement is None or decision.route is None:
                continue
            slot = self.slots[decision.slot]
            name = self.knowledge.ingredients[decision.replacement].name
            candidate = Slot(
                size + len(accepted), decision.replacement, decision.route, (), None, None, slot.indication, name
            )
            others = [*(s for s in self.slots if s.index != slot.index), *accepted]
            found += merged(brought_by(candidate, others, self.facts))
            accepted.append(candidate)
            replacement[slot.index] = candidate.index
            plan[slot.index] = Intervention(decision.action, candidate.index)
        everyone = (*self.slots, *accepted)
        needs, unserved = self._needs_with(replacement, everyone)
        regimen = Regimen(
            risk=self.knowledge.risk,
            size=size,
            findings=(*self._counted, *found),
            burdens=burdens_of(self.facts, everyone),
            needs=needs,
        )
        state = regimen.state(plan)
        burdens = find_burdens(regimen.burdens, everyone, state.active, self.facts)
        reached = {f.id for f in burdens}
        left: list[Finding] = []
        resolved: list[Finding] = []
        for finding in self.review.findings:
            if finding.kind is Kind.BURDEN:
                if finding.id not in reached:
                    resolved.append(finding)
            else:
                (resolved if finding.mask & ~state.active else left).append(finding)
        had = {f.id for f in self.review.findings if f.kind is Kind.BURDEN}
        brought = [f for f in found if not f.mask & ~state.active]
        return Standing(
            decisions=tuple(decisions),
            everyone=everyone,
            replacement=replacement,
            unserved=unserved,
            regimen=regimen,
            state=state,
            findings=tuple(left + [f for f in burdens if f.id in had]),
            brought=tuple(sorted(brought + [f for f in burdens if f.id not in had], key=lambda f: -f.severity.rank)),
            resolved=tuple(resolved),
            components=regimen.components(plan),
        )

    def _needs_with(
        self, replacement: dict[int, int], everyone: Sequence[Slot]
    ) -> tuple[tuple[Need, ...], dict[int, tuple[str, ...]]]:
        """Needs without the slots whose replacement is not known to meet them, and those conditions by slot."""
        needs = list(self._needs)
        unserved: dict[int, tuple[str, ...]] = {}
        for index, candidate in replacement.items():
            lost: list[str] = []
            for i, need in enumerate(needs):
                if need.mask >> index & 1 and not self._serves(
                    self.slots[index], everyone[candidate].drug, need.condition
                ):
                    needs[i] = need._replace(mask=need.mask & ~(1 << index))
                    lost.append(need.condition or "")
            if lost:
                unserved[index] = tuple(dict.fromkeys(lost))
        return tuple(needs), unserved

    def _serves(self, slot: Slot, drug: str, condition: str | None) -> bool:
        """Whether a drug is known to do what a slot's medicine is taken for. For an unknown reason a drug listed in its
        place, of its class, or with a use in common is taken to.
        """
        knowledge = self.knowledge
        listed = {r.indication for r in knowledge.substitutes_for(slot.drug) if r.replacement == drug}
        old, new = knowledge.treats(slot.drug), knowledge.treats(drug) | listed
        if condition is None:
            shared = knowledge.classes_of(slot.drug) & knowledge.classes_of(drug)
            return bool(listed or shared or old & new)
        return condition in new or bool(listed and condition not in old)

    def arising(self, standing: Standing) -> tuple[Finding, ...]:
        """Findings of a fresh review of the list as it now stands that `standing` does not hold or holds as less
        severe: what only shows once a medicine that guarded, or treated, is gone. They are not in the risk.
        """
        if all(d.action in (Action.REDUCE, Action.MONITOR) for d in standing.decisions):
            return ()
        known: dict[tuple[str, frozenset[str]], int] = {}
        for finding in (*standing.findings, *standing.brought):
            for id_ in (finding.id, *finding.also):
                known[id_, frozenset(finding.drugs)] = finding.severity.rank
        fresh = review(self.patient.model_copy(update={"medications": self.medications(standing)}), self.knowledge)
        return tuple(
            f for f in fresh.findings
            if f.kind is not Kind.BURDEN and f.severity.rank > known.get((f.id, frozenset(f.drugs)), -1)
        )  # fmt: skip

    def medications(self, standing: Standing) -> tuple[Medication, ...]:
        """The list after the decisions; a replacement's dose is not known, and a reduced one stands as it was."""
        out: list[Medication] = []
        for slot in self.slots:
            holder = standing.holder(slot.index)
            if not standing.state.active & holder.bit:
                continue
            new = Medication(text=holder.name, ingredient=holder.drug, route=holder.route, indication=slot.indication)
            out += slot.entries if holder is slot else (new,)
        return tuple(out)
