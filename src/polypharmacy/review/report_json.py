"""A review as JSON."""

from typing import Any

from polypharmacy.patients import Patient
from polypharmacy.review.finding import Finding
from polypharmacy.review.plan import PlanStep
from polypharmacy.review.report_view import unread_allergies, unrecognised_conditions
from polypharmacy.review.review import Review

STATEMENT = "For research and decision support. A clinician decides."


def review_dict(review: Review) -> dict[str, Any]:
    """The review as JSON-ready data. `risk.total`, components and drops are integer points; displayed is 0 to 1."""
    knowledge, patient = review.knowledge, review.patient
    return {
        "knowledge": {"version": knowledge.version, "hash": knowledge.hash},
        "patient": patient_dict(review.patient),
        "coverage": {
            "mentions": patient.mentions,
            "resolved": patient.mentions - len(patient.unresolved),
            "unresolved": [{"text": u.text, "nearest": list(u.nearest)} for u in patient.unresolved],
            "allergies_not_recognised": unread_allergies(review),
            "conditions_not_recognised": unrecognised_conditions(review),
            "not_fully_reviewed": [
                s.drug for s in review.slots if knowledge.ingredients[s.drug].review_status != "reviewed"
            ],
        },
        "risk": {
            "total": review.points,
            "components": review.components,
            "displayed": round(review.displayed_risk, 3),
            "after_plan": {
                "total": review.points_after,
                "components": review.components_after,
                "displayed": round(review.displayed_after, 3),
            },
        },
        "allergy_conflicts": [
            {"allergy": c.allergy, "drug": c.drug, "reaction": c.reaction} for c in review.allergy_conflicts
        ],
        "findings": [finding_dict(f, review) for f in review.findings],
        "plan": [_step(s) for s in review.plan],
        "not_evaluated": [{"id": n.id, "needs": list(n.needs)} for n in review.not_evaluated],
        "labels": [
            {"drug": row.drug, "section": row.section, "text": row.text, "source": layer.citation.citation}
            for layer in knowledge.layers
            for row in layer.labels
            if row.drug in {s.drug for s in review.slots}
        ],
        "notes": [{"where": n.where, "message": n.message} for n in patient.notes],
        "answer": answer(review),
        "statement": STATEMENT,
    }


def answer(review: Review) -> str:
    """The one-line answer. Silence is never safety, so an empty one names the knowledge base's version."""
    version = review.knowledge.version
    if not review.slots:
        return f"No medicine on this list is known to knowledge base {version}: not reviewed."
    parts = []
    unknown = [u.text for u in review.patient.unresolved]
    if unknown:
        medicines = "1 medicine is" if len(unknown) == 1 else f"{len(unknown)} medicines are"
        parts.append(f"{medicines} NOT KNOWN and not reviewed.")
    serious = len(review.serious)
    if serious:
        problems = "1 serious problem" if serious == 1 else f"{serious} serious problems"
        parts.append(f"{problems} to act on first; {len(review.findings)} findings in all.")
    elif review.findings:
        parts.append(f"No serious problem found in knowledge base {version}; {len(review.findings)} findings to weigh.")
    else:
        parts.append(f"None found in knowledge base {version}. That is not the same as safe.")
    kidney = review.patient.egfr or review.patient.crcl
    unchecked = [name for name, value in (("age", review.patient.age), ("kidney function", kidney)) if value is None]
    if unchecked:
        parts.append(f"Not checked, because not stated: {' and '.join(unchecked)}.")
    return " ".join(parts)


def finding_dict(finding: Finding, review: Review) -> dict[str, Any]:
    """One finding as JSON-ready data, its sources as citations."""
    return {
        "id": finding.id,
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "drugs": list(finding.drugs),
        "message": finding.message,
        "mechanism": finding.mechanism,
        "management": finding.management,
        "evidence": finding.evidence,
        "sources": list(review.knowledge.cite(finding.sources)),
        "interrupts": finding.interrupts,
        "also": list(finding.also),
        "alternatives": list(finding.alternatives),
        "would_change": list(finding.would_change),
        "second_reader": finding.reviewed,
    }


def patient_dict(patient: Patient) -> dict[str, Any]:
    """Who was reviewed, as it was understood."""
    return {
        "id": patient.id,
        "age": patient.age,
        "sex": patient.sex,
        "conditions": [{"text": c.text, "ids": list(c.ids)} for c in patient.conditions],
        "egfr": None if patient.egfr is None else round(patient.egfr),
        "creatinine_clearance": None if patient.crcl is None else round(patient.crcl),
        "child_pugh": patient.child_pugh,
        "weight": patient.weight,
        "labs": {
            name: {"value": lab.value, "date": lab.date.isoformat() if lab.date else None}
            for name, lab in patient.labs.items()
        },
        "allergies": [{"text": a.text, "reaction": a.reaction} for a in patient.allergies],
        "phenotypes": patient.phenotypes,
        "medications": [
            {
                "text": m.text,
                "ingredient": m.ingredient,
                "dose": m.dose,
                "unit": m.unit,
                "per_day": m.per_day,
                "daily_mg": m.daily_mg,
                "route": m.route.value,
                "as_needed": m.as_needed,
                "indication": list(m.indication),
            }
            for m in patient.medications
        ],
    }


def _step(step: PlanStep) -> dict[str, Any]:
    return {
        "action": step.action.value,
        "drug": step.drug,
        "replacement": step.replacement,
        "replacement_route": step.replacement_route,
        "risk_drop": step.risk_drop,
        "reason": step.reason,
        "how": step.how,
        "cost": step.cost,
        "taper": step.taper,
        "findings": list(step.findings),
    }
