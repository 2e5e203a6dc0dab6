"""A review as one self-contained HTML page, to read, print and file."""

from datetime import date

from jinja2 import Environment, PackageLoader, StrictUndefined

from polypharmacy.review.report_decided import Decided
from polypharmacy.review.report_json import STATEMENT, answer
from polypharmacy.review.report_view import (
    coverage_line,
    dose_line,
    gaps,
    headline,
    lab_line,
    partly_reviewed,
    patient_line,
    unread_allergies,
    unrecognised_conditions,
)
from polypharmacy.review.review import Review


def html_report(review: Review, today: date, decided: Decided | None = None) -> str:
    """The page as text, with what was decided if anything was. Everything from the patient's record is escaped; nothing
    is loaded from elsewhere.
    """
    numbers = {s: n for n, s in enumerate(dict.fromkeys(s for f in review.findings for s in f.sources), start=1)}
    environment = Environment(
        loader=PackageLoader("polypharmacy.review", "."), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("report.html.j2").render(
        review=review,
        patient=review.patient,
        decided=decided,
        today=today.isoformat(),
        answer=answer(review),
        who=patient_line(review),
        labs=lab_line(review),
        coverage=coverage_line(review),
        steps=[(step, headline(step, review)) for step in review.plan],
        rest=[f for f in review.findings if not f.serious],
        gaps=gaps(review),
        partly=partly_reviewed(review),
        unread=unread_allergies(review),
        unrecognised=unrecognised_conditions(review),
        name=lambda drug: review.knowledge.ingredients[drug].name,
        dose=dose_line,
        marks=lambda finding: f"[{', '.join(str(numbers[s]) for s in finding.sources)}]",
        references=review.knowledge.cite(tuple(numbers)),
        statement=STATEMENT,
    )
