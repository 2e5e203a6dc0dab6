"""A stored review as a page to read, print and file."""

from datetime import date

from polypharmacy.env.openenv.models import PolypharmacyAction
from polypharmacy.review.report_json import STATEMENT
from polypharmacy.server.journal.live import Live, ReadOnly
from polypharmacy.server.journal.plays import PatientPlay, TaskPlay
from polypharmacy.server.review_models import TaskReviewView
from polypharmacy.server.review_views import decisions_of, review_view


def html_page(live: Live, today: date) -> str:
    """The review's page; everything that a client wrote is escaped. Raises ReadOnly for one that cannot be rebuilt."""
    if isinstance(live.play, PatientPlay):
        from polypharmacy.review.report_decided import decided
        from polypharmacy.review.report_html import html_report

        play = live.play
        made = decisions_of(live, play)
        reasons = {s: e.action.rationale for s, e in made.items() if e.action and e.action.rationale}
        told = decided(play.session, play.standing, reasons) if made else None
        return html_report(play.session.review, today, told)
    if isinstance(live.play, TaskPlay):
        view = review_view(live)
        assert isinstance(view, TaskReviewView)
        return _episode_page(view)
    raise ReadOnly(str(live.problem))


def _episode_page(view: TaskReviewView) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("polypharmacy.server", "."), autoescape=True, undefined=StrictUndefined
    )
    template = environment.get_template("episode_report.html.j2")
    return template.render(view=view, words=_words, statement=STATEMENT)


def _words(action: PolypharmacyAction) -> str:
    if action.action_type == "query_ddi":
        return f"asked {action.drug_id_1} + {action.drug_id_2}"
    if action.action_type == "finish_review":
        return "finished"
    new = f" by {action.proposed_new_drug_id}" if action.proposed_new_drug_id else ""
    return f"{action.intervention_type} {action.target_drug_id}{new}"
