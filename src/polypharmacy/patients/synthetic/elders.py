"""A seeded generator of older people and their medicines."""

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from statistics import NormalDist

from polypharmacy.knowledge import Knowledge, Route, Severity
from polypharmacy.knowledge.predicate import LabName
from polypharmacy.patients.medication import Medication
from polypharmacy.patients.patient import ChildPugh, Lab, Patient, RecordedCondition, Sex
from polypharmacy.patients.synthetic.chart import LabDistribution, load_chart, load_doses
from polypharmacy.patients.synthetic.drug_use import UNSTATED, DrugUse, Treatment, load_drug_use

OLDEST = 99
YEARS_BEYOND_80 = 5.0
"""Mean years past 80 of people whom the survey codes as 80 (80 and over): US life tables, rounded."""
TRIES = 8
"""Draws for one more medicine before a condition is left with what it has."""
GENERAL_PRACTITIONER = "general practitioner"

Draw = Callable[[], float]


class Elders:
    """Person `index` of a seed. The same (seed, index) is the same person on every machine.

    Conditions are drawn by sex and age with one disposition shared by all of a person's conditions; each is then
    treated by its own prescriber, with medicines at survey frequencies, knowing nothing of the others' lists.
    """

    def __init__(self, knowledge: Knowledge, seed: int, use: DrugUse | None = None) -> None:
        self.knowledge = knowledge
        self.seed = seed
        self.use = use or load_drug_use()
        self.chart = load_chart()
        self._thresholds = _thresholds(self.use)
        self._groups = list(self.use.groups)
        self._group_shares = _cumulative(self.use.groups.values())
        self._ages = {band: (list(years), _cumulative(years.values())) for band, years in self.use.ages.items()}
        self._numbers = {c: _cumulative(t.number) for c, t in self.use.conditions.items()}
        self._dose_shares = _cumulative(self.chart.dose_shares)
        self._liver = list(self.chart.child_pugh), _cumulative(self.chart.child_pugh.values())
        self._genes = {g: (list(p), _cumulative(p.values())) for g, p in self.chart.phenotypes.items()}
        self._menus = {c: _Menu(c, t, knowledge) for c, t in self.use.conditions.items()}
        self._prescribers = {c: who for who, conditions in self.chart.prescribers.items() for c in conditions}

    def patient(self, index: int) -> Patient:
        """Everything about one person, what an agent does not see included."""
        person = self.patient_if(index, lambda medications: True)
        assert person is not None
        return person

    def patient_if(self, index: int, wanted: Callable[[tuple[Medication, ...]], bool]) -> Patient | None:
        """`patient(index)` where its medicines are wanted; None, at less cost, where they are not."""
        draw = random.Random(f"{self.seed}/{index}").random  # the same stream on every machine and Python
        who = self._groups[_pick(self._group_shares, draw)]
        sex: Sex = "female" if who.startswith("female") else "male"
        age = self._age(who.partition("_")[2], draw)
        treated = self._treated(who, draw)
        medications = self._medications(treated, draw)
        if not wanted(medications):
            return None
        conditions = self._conditions(treated, sex, draw)
        return self._charted(index, age, sex, conditions, medications, draw)

    def drugs(self, index: int) -> frozenset[str]:
        """The ingredients of `patient(index)`."""
        return frozenset(m.ingredient for m in self.patient(index).medications)

    def _age(self, band: str, draw: Draw) -> int:
        years, shares = self._ages[band]
        age = years[_pick(shares, draw)]
        if age >= 80:
            age = min(OLDEST, 80 + int(-YEARS_BEYOND_80 * math.log(1.0 - draw())))
        return age

    def _treated(self, who: str, draw: Draw) -> list[str]:
        """Conditions a person takes medicines for: a probit model with one shared disposition."""
        disposition = self.use.comorbidity * _normal(draw)
        return [c for c, threshold in self._thresholds[who] if draw() < _phi(threshold + disposition)]

    def _medications(self, treated: Sequence[str], draw: Draw) -> tuple[Medication, ...]:
        taken: dict[str, tuple[Route, list[str]]] = {}
        for condition in treated:
            menu = self._menus[condition]
            for _ in range(1 + _pick(self._numbers[condition], draw)):
                self._prescribe(menu, condition, taken, draw)
        return tuple(self._medication(drug, route, reasons, draw) for drug, (route, reasons) in taken.items())

    def _prescribe(self, menu: "_Menu", condition: str, taken: dict[str, tuple[Route, list[str]]], draw: Draw) -> None:
        """One more medicine for a condition; one already taken for something else serves it too."""
        for _ in range(TRIES):
            chosen = menu.draw(draw)
            if chosen is None:
                return
            drug, route = chosen
            reasons = [] if condition == UNSTATED else [condition]
            if drug not in taken:
                luck = draw()
                if self._same_class(drug, taken):
                    fits = luck < self.chart.duplicates_kept
                else:
                    fits = luck < self.chart.interactions_kept or not self._clashes(drug, condition, taken)
                if fits:
                    taken[drug] = route, reasons
                    return
            elif condition not in taken[drug][1] and reasons:
                taken[drug][1].append(condition)
                return

    def _same_class(self, drug: str, taken: dict[str, tuple[Route, list[str]]]) -> bool:
        classes = self.knowledge.duplicate_classes(drug)
        return any(not classes.isdisjoint(self.knowledge.duplicate_classes(other)) for other in taken)

    def _clashes(self, drug: str, condition: str, taken: dict[str, tuple[Route, list[str]]]) -> bool:
        """Whether a drug interacts at avoid or above with one that the same prescriber has given."""
        who = self._prescriber(condition)
        return any(
            rule.severity.rank >= Severity.AVOID.rank and not rule.others
            for other, (_, reasons) in taken.items()
            if self._prescriber(*reasons) == who
            for rule, _, _ in self.knowledge.pair_rules(drug, other)
        )

    def _prescriber(self, *reasons: str) -> str:
        return self._prescribers.get(reasons[0], GENERAL_PRACTITIONER) if reasons else GENERAL_PRACTITIONER

    def _medication(self, drug: str, route: Route, reasons: list[str], draw: Draw) -> Medication:
        doses = load_doses().get(drug)
        known = doses is not None and route is self.knowledge.ingredients[drug].route
        level = _pick(self._dose_shares, draw)
        per_day = doses.per_day if doses and known else None
        amount = round(doses[level] / doses.per_day, 4) if doses and known else None
        return Medication.model_construct(
            text=self.knowledge.ingredients[drug].name,
            ingredient=drug,
            route=route,
            dose=amount,
            unit="mg" if amount is not None else None,
            per_day=per_day,
            indication=tuple(reasons),
            days=round(_quantile(self.use.days, draw())),
            prescriber=self._prescriber(*reasons),
        )

    def _conditions(self, treated: Sequence[str], sex: Sex, draw: Draw) -> tuple[str, ...]:
        held = dict.fromkeys(c for c in treated if c != UNSTATED)
        for row in self.chart.conditions:
            share = row.share
            for other, factor in row.raised_by.items():
                share *= factor if other in held else 1.0
            if draw() < share and row.sex in (None, sex):
                held[row.id] = None
        return tuple(held)

    def _charted(
        self,
        index: int,
        age: int,
        sex: Sex,
        conditions: tuple[str, ...],
        medications: tuple[Medication, ...],
        draw: Draw,
    ) -> Patient:
        chart, names = self.chart, self.knowledge.conditions
        kidney = chart.egfr
        mean = kidney.mean_at_65 + kidney.per_year * (age - 65)
        if "chronic_kidney_disease" in conditions:
            mean += kidney.chronic_kidney_disease
        egfr = _between(kidney.low, mean + kidney.sd * _normal(draw), kidney.high)
        body = chart.weight.female if sex == "female" else chart.weight.male
        weight = _between(chart.weight.low, body.mean + body.sd * _normal(draw), chart.weight.high)
        liver: ChildPugh | None = None
        if "liver_disease" in conditions:
            liver = self._liver[0][_pick(self._liver[1], draw)]
        labs: dict[LabName, Lab] = {}
        for name, distribution in chart.labs.items():
            measured, value = draw() < distribution.share, self._lab(distribution, conditions, medications, draw)
            if measured:
                labs[name] = Lab.model_construct(value=value)
        genes_known = draw() < chart.phenotype_known
        phenotypes = {gene: kinds[_pick(shares, draw)] for gene, (kinds, shares) in self._genes.items()}
        return Patient.model_construct(
            id=f"{self.seed}-{index}",
            age=age,
            sex=sex,
            conditions=tuple(RecordedCondition.model_construct(text=names[c].name, ids=(c,)) for c in conditions),
            conditions_complete=True,
            measured_egfr=round(egfr, 0),
            weight=round(weight, 0),
            child_pugh=liver,
            labs=labs,
            phenotypes=phenotypes if genes_known else {},
            medications=medications,
            mentions=len(medications),
        )

    def _lab(
        self, row: LabDistribution, conditions: Sequence[str], medications: Sequence[Medication], draw: Draw
    ) -> float:
        mean = row.mean + sum(row.conditions.get(c, 0.0) for c in conditions)
        for medicine in medications:
            mean += next(
                (d for token, d in row.drugs.items() if medicine.ingredient in self.knowledge.select(token)), 0.0
            )
        value = _between(row.low, mean + row.sd * _normal(draw), row.high)
        return round(value, 1 if row.sd < 5 else 0)


class _Menu:
    """What one condition is treated with, and how often."""

    def __init__(self, condition: str, treatment: Treatment, knowledge: Knowledge) -> None:
        self.items: list[tuple[str, Route]] = []
        for key in treatment.drugs:
            drug, _, route = key.partition("@")
            self.items.append((drug, Route(route) if route else knowledge.ingredients[drug].route))
        listed = {drug for drug, _ in self.items}
        self.rare = [
            (row.id, row.route)
            for row in knowledge.ingredients.values()
            if condition in knowledge.treats(row.id) and row.id not in listed and row.review_status != "unreviewed"
        ]
        self.shares = _cumulative([*treatment.drugs.values(), treatment.others])

    def draw(self, draw: Draw) -> tuple[str, Route] | None:
        """A drug and its route; of the drugs the survey is too small to list any that treats the condition."""
        chosen = _pick(self.shares, draw)
        if chosen < len(self.items):
            return self.items[chosen]
        return self.rare[int(draw() * len(self.rare))] if self.rare else None


def _thresholds(use: DrugUse) -> dict[str, list[tuple[str, float]]]:
    """Probit thresholds by group, so that shares stay as they are once the shared disposition is mixed in."""
    normal, scale = NormalDist(), math.sqrt(1.0 + use.comorbidity**2)
    return {
        who: [(c, normal.inv_cdf(min(max(t.treated[who], 1e-6), 1 - 1e-6)) * scale) for c, t in use.conditions.items()]
        for who in use.groups
    }


def _cumulative(weights: Iterable[float]) -> list[float]:
    return list(accumulate(weights))


def _pick(cumulative: list[float], draw: Draw) -> int:
    """An index, by cumulative weights."""
    return min(bisect_right(cumulative, draw() * cumulative[-1]), len(cumulative) - 1)


def _phi(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def _normal(draw: Draw) -> float:
    """Box and Muller; both uniforms are used up, so that every draw has a fixed place in the stream."""
    radius = math.sqrt(-2.0 * math.log(1.0 - draw()))
    return radius * math.cos(2.0 * math.pi * draw())


def _between(low: float, value: float, high: float) -> float:
    return min(max(value, low), high)


def _quantile(quantiles: Sequence[float], share: float) -> float:
    position = share * (len(quantiles) - 1)
    low = min(int(position), len(quantiles) - 2)
    return quantiles[low] + (position - low) * (quantiles[low + 1] - quantiles[low])
