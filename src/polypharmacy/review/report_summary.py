"""A summary of many reviews on the terminal."""

from rich.console import Console
from rich.table import Table

from polypharmacy.review.summary import Summary


def print_summary(summary: Summary, console: Console) -> None:
    """Coverage, alerts per elder, and the rules behind most of them."""
    data = summary.as_dict()
    coverage = data["coverage"]
    share = 100 * coverage["resolved"] / max(1, coverage["mentions"])
    console.print(f"{data['people']} people, {coverage['people_with_medicines']} of them on named medicines")
    console.print(f"Coverage: {coverage['resolved']} of {coverage['mentions']} mentions resolved ({share:.1f}%), "
                  f"{coverage['people_fully_resolved']} people with every medicine known")  # fmt: skip
    if coverage["unresolved"]:
        console.print(
            "Not known: " + ", ".join(f"{t} ({n})" for t, n in coverage["unresolved"].items()),
            markup=False,
        )
    mean = data["interrupting_per_elder_on_5_plus"]
    console.print(f"Interrupting findings per elder on 5 or more medicines: {'none on 5' if mean is None else mean} "
                  f"({data['elders_on_5_plus']} people; distribution {data['interrupting_distribution']})",
                  markup=False)  # fmt: skip
    table = Table(title="Rules behind the interrupting findings of those on 5 or more", title_justify="left")
    table.add_column("rule")
    table.add_column("findings", justify="right")
    for rule, n in data["top_interrupting_rules"].items():
        table.add_row(rule, str(n))
    console.print(table)
    console.print("Findings by kind: " + ", ".join(f"{k} {n}" for k, n in data["findings_by_kind"].items()))
    console.print(f"Knowledge base {data['knowledge']['version']} ({data['knowledge']['hash']})")
