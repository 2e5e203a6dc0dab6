"""A review on the terminal."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from polypharmacy.knowledge.vocabulary import Severity
from polypharmacy.review.finding import Finding
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

SHOWN_SOURCES = 2
_STYLE = {
    Severity.CONTRAINDICATED: "bold white on red",
    Severity.AVOID: "bold red",
    Severity.ADJUST: "yellow",
    Severity.MONITOR: "cyan",
    Severity.AWARE: "dim",
}


def print_review(review: Review, console: Console) -> None:
    """Print what to do first, then why, then the rest, then what is not known."""
    console.print(_head(review))
    if review.allergy_conflicts:
        console.print(_allergies(review))
    if review.plan:
        console.print(_plan(review))
    urgent = review.serious
    if urgent:
        console.print(Text("\nSerious problems", style="bold"))
        for finding in urgent:
            console.print(_detail(finding, review))
    rest = [f for f in review.findings if not f.serious]
    if rest:
        console.print(_rest(rest))
    console.print(_unknown(review))
    console.print(Text(STATEMENT, style="italic"))


def _head(review: Review) -> RenderableType:
    p = review.patient
    lines = [Text(answer(review), style="bold")]
    who = Text(patient_line(review))
    if p.conditions:
        who.append("\nConditions: " + ", ".join(dict.fromkeys(c.text for c in p.conditions)))
    labs = lab_line(review)
    if labs:
        who.append(f"\nMeasured: {labs}")
    if p.allergies:
        who.append("\nAllergies: " + ", ".join(a.text for a in p.allergies))
    lines += [who, Text(coverage_line(review))]
    lines.append(
        Text(
            f"Regimen risk {review.displayed_risk:.2f} of 1 ({review.points} points); "
            f"after the plan {review.displayed_after:.2f} ({review.points_after} points)"
        )
    )
    medicines = Table(show_header=True, box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("medicine as written", "read as", "dose"):
        medicines.add_column(column, overflow="fold")
    for m in p.medications:
        name = review.knowledge.ingredients[m.ingredient].name
        medicines.add_row(Text(m.text), name, dose_line(m))
    for u in p.unresolved:
        nearest = f"NOT KNOWN; did you mean {', '.join(u.nearest)}?" if u.nearest else "NOT KNOWN"
        medicines.add_row(Text(u.text), Text(nearest, style="bold red"), "")
    return Panel(Group(*lines, Text(""), medicines), title="Medication review", title_align="left")


def _allergies(review: Review) -> RenderableType:
    lines = [
        Text(
            f"{review.knowledge.ingredients[c.drug].name} is taken; recorded allergy: {c.allergy}"
            + (f" ({c.reaction})" if c.reaction else "")
        )
        for c in review.allergy_conflicts
    ]
    return Panel(Group(*lines), title="Allergy", title_align="left", border_style="red")


def _plan(review: Review) -> RenderableType:
    table = Table(
        title="What to do, first things first",
        title_justify="left",
        title_style="bold",
        expand=True,
        show_lines=True,
    )
    table.add_column("", justify="right", width=2)
    table.add_column("do", ratio=2)
    table.add_column("because", ratio=5)
    table.add_column("risk", justify="right", width=5)
    for number, step in enumerate(review.plan, start=1):
        why = Text(step.reason)
        if step.how:
            why.append(f"\n{step.how}", style="dim")
        if step.taper:
            why.append(f"\nHow to come off: {step.taper}", style="dim")
        why.append(f"\nCost: {step.cost}", style="dim")
        drop = f"-{step.risk_drop}" if step.risk_drop > 0 else ("+" + str(-step.risk_drop) if step.risk_drop else "")
        table.add_row(str(number), Text(headline(step, review), style="bold"), why, drop)
    return table


def _detail(finding: Finding, review: Review) -> RenderableType:
    text = Text()
    text.append(f" {finding.severity.value.upper()} ", style=_STYLE[finding.severity])
    text.append(f" {finding.message}\n", style="bold")
    text.append(f"Why: {finding.mechanism}\nDo: {finding.management}\n")
    if finding.would_change:
        text.append(f"Would change this: {', '.join(finding.would_change)}\n", style="dim")
    cited = review.knowledge.cite(finding.sources)
    sources = "; ".join(c.rstrip(".") for c in cited[:SHOWN_SOURCES])
    if len(cited) > SHOWN_SOURCES:
        sources += f"; and {len(cited) - SHOWN_SOURCES} more (--json or --html shows all)"
    reader = "" if finding.reviewed else " Not yet read by a second reader."
    text.append(f"Evidence {finding.evidence}. {sources}.{reader}", style="dim")
    return Padding(text, (0, 0, 1, 2))


def _rest(findings: Sequence[Finding]) -> RenderableType:
    table = Table(title="Also found", title_justify="left", title_style="bold", expand=True)
    table.add_column("severity", width=15)
    table.add_column("what and what to do", ratio=1)
    table.add_column("kind", width=11)
    for finding in findings:
        what = Text(finding.message)
        what.append(f"\n{finding.management}", style="dim")
        table.add_row(Text(finding.severity.value, style=_STYLE[finding.severity]), what, finding.kind.value)
    return table


def _unknown(review: Review) -> RenderableType:
    lines: list[RenderableType] = []
    unrecognised = unrecognised_conditions(review)
    if unrecognised:
        names = ", ".join(unrecognised)
        lines.append(Text(f"Conditions not recognised, so no rule about them could fire: {names}", style="yellow"))
    unread = unread_allergies(review)
    if unread:
        lines.append(Text(f"Allergies not recognised, so not compared: {', '.join(unread)}", style="yellow"))
    for note in review.patient.notes:
        lines.append(Text(f"Not read: {note.where}: {note.message}", style="yellow"))
    taken = {s.drug for s in review.slots}
    for layer in review.knowledge.layers:
        for row in layer.labels:
            if row.drug in taken and row.section == "boxed_warning":
                name = review.knowledge.ingredients[row.drug].name
                lines.append(Text(f"Boxed warning of {name} ({layer.source}): {row.text[:300]}"))
    missing = gaps(review)
    if missing:
        text = ", ".join(f"{g.need} ({g.checks})" for g in missing[:8])
        more = f", and {len(missing) - 8} more" if len(missing) > 8 else ""
        lines.append(Text(f"Could not be evaluated without (number of checks): {text}{more}", style="dim"))
    partly = partly_reviewed(review)
    if partly:
        lines.append(
            Text(
                f"Known, but not wholly checked by a second reader: {', '.join(partly)}",
                style="dim",
            )
        )
    return Group(*lines) if lines else Text("")
