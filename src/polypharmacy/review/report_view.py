"""What the terminal and the page both show, said once."""

from dataclasses import dataclass

from polypharmacy.knowledge.vocabulary import SYSTEMIC, Action
from polypharmacy.patients import Medication
from polypharmacy.review.plan import PlanStep
from polypharmacy.review.review import Review

ACTION_WORDS = {
    Action.STOP: "Stop",
    Action.REDUCE: "Reduce",
    Action.SWITCH: "Switch",
    Action.MONITOR: "Monitor",
    Action.START: "Consider starting",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """One piece of missing information and how many checks wait for it."""

    need: str
    checks: int


def headline(step: PlanStep, review: Review) -> str:
    """ "Switch ibuprofen to paracetamol"."""
    names = review.knowledge.ingredients
    words = f"{ACTION_WORDS[step.action]} {names[step.drug].name.lower()}" if step.drug else step.reason
    if not step.replacement:
        return f"{words} to an alternative" if step.action is Action.SWITCH else words
    local = step.replacement_route is not None and step.replacement_route not in SYSTEMIC
    route = f"{step.replacement_route} " if local else ""
    return f"{words} to {route}{names[step.replacement].name.lower()}"


def patient_line(review: Review) -> str:
    """Age, sex, kidney and liver function in one line; what is not known is said."""
    p = review.patient
    parts = [
        f"{p.age} years" if p.age is not None else "age not known",
        p.sex or "sex not known",
        f"eGFR {p.egfr:.0f}" if p.egfr is not None else "eGFR not known",
    ]
    if p.crcl is not None:
        parts.append(f"creatinine clearance {p.crcl:.0f} mL/min")
    if p.weight is not None:
        parts.append(f"{p.weight:.0f} kg")
    if p.child_pugh:
        parts.append(f"Child-Pugh {p.child_pugh}")
    parts += [f"{gene} {phenotype}" for gene, phenotype in p.phenotypes.items()]
    return ", ".join(parts)


def lab_line(review: Review) -> str:
    """Measurements that rules read, besides kidney function and size."""
    units = {
        "potassium": "mmol/L",
        "sodium": "mmol/L",
        "qtc": "ms",
        "hba1c": "%",
        "systolic_bp": "mmHg",
        "heart_rate": "/min",
    }
    names = {
        "qtc": "QTc",
        "inr": "INR",
        "hba1c": "HbA1c",
        "systolic_bp": "systolic BP",
        "heart_rate": "heart rate",
    }
    return ", ".join(
        f"{names.get(name, name)} {lab.value:g} {units.get(name, '')}".strip() + (f" ({lab.date})" if lab.date else "")
        for name, lab in review.patient.labs.items()
        if name not in ("egfr", "creatinine", "weight", "height")
    )


def coverage_line(review: Review) -> str:
    p = review.patient
    known = p.mentions - len(p.unresolved)
    base = f"{review.knowledge.version} ({review.knowledge.hash})"
    return f"{known} of {p.mentions} medicines known to knowledge base {base}"


def dose_line(medication: Medication) -> str:
    """ "50 mg twice a day" as it was understood; empty where nothing was read."""
    parts = []
    if medication.dose is not None:
        parts.append(f"{medication.dose:g} {medication.unit}")
    if medication.per_day is not None:
        rates = {
            1.0: "once a day",
            2.0: "twice a day",
            3.0: "3 times a day",
            4.0: "4 times a day",
            0.5: "every other day",
        }
        weekly = medication.per_day * 7
        parts.append(
            rates.get(medication.per_day)
            or (
                f"{weekly:.0f} time{'s' if weekly > 1.5 else ''} a week"
                if 0.9 < weekly < 7
                else f"{medication.per_day:.3g} a day"
            )
        )
    if medication.as_needed:
        parts.append("as needed")
    return " ".join(parts)


def gaps(review: Review) -> list[Gap]:
    """What is missing, by how many checks wait for it, most first."""
    counts: dict[str, int] = {}
    for row in review.not_evaluated:
        for need in row.needs:
            need = "problem list" if need.startswith("problem list") else need
            counts[need] = counts.get(need, 0) + 1
    return [Gap(need, n) for need, n in sorted(counts.items(), key=lambda x: (-x[1], x[0]))]


def partly_reviewed(review: Review) -> list[str]:
    """Names of medicines whose row no second reader has wholly checked."""
    rows = review.knowledge.ingredients
    return [rows[s.drug].name for s in review.slots if rows[s.drug].review_status != "reviewed"]


def unrecognised_conditions(review: Review) -> list[str]:
    """Recorded problems that mean nothing to the knowledge base."""
    return list(dict.fromkeys(c.text for c in review.patient.conditions if not c.ids))


def unread_allergies(review: Review) -> list[str]:
    """Recorded allergies that name no medicine the knowledge base knows."""
    return list(dict.fromkeys(a.text for a in review.patient.allergies if not a.ingredients))
