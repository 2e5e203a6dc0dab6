"""What a search leaves in its folder: result.json for programs, flagged.csv for tables, report.html for people."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from polypharmacy.knowledge import load
from polypharmacy.mining.pool import Pool
from polypharmacy.mining.queries import Queries
from polypharmacy.review.known import what_is_known

SHOWN = 50
"""Findings that are compared with the knowledge base."""
LEFT, RIGHT, TOP, BOTTOM = 50, 630, 10, 250
RED, BLUE, GREY = "#c0392b", "#2471a3", "#888"


class Curve:
    """Recall and precision of what would be flagged, and the queries that hit, as the queries go on."""

    def __init__(self, queries: Queries, threshold: float) -> None:
        self._queries = queries
        self._truth = queries.pool.relative_risk > threshold
        self.dangerous = int(self._truth.sum())
        self.points: list[dict[str, float]] = []

    def __call__(self, flagged: np.ndarray, queries: int) -> None:
        right, count = int((flagged & self._truth).sum()), int(flagged.sum())
        point = {"queries": queries, "hits": int(self._truth[self._queries.rows[:queries]].sum()), "flagged": count}
        ratios = {"recall": right / max(self.dangerous, 1), "precision": right / count if count else 1.0}
        self.points.append(point | ratios)


def reliability(chance: np.ndarray, right: np.ndarray) -> list[dict[str, float]]:
    """Chances said and shares that came true, in ten groups of equal width; empty groups are left out."""
    group = np.minimum((chance * 10).astype(int), 9)
    return [
        {"said": float(chance[group == g].mean()), "right": float(right[group == g].mean()), "count": int(n)}
        for g, n in enumerate(np.bincount(group, minlength=10))
        if n
    ]


def write_results(
    out: Path,
    data: str,
    pool: Pool,
    result: dict[str, Any],
    more: dict[str, Any],
    flagged: np.ndarray,
    score: np.ndarray,
    answered: dict[int, float],
) -> None:
    """Each file is written beside and moved into place.

    result, more: figures, as the command prints them and beyond. answered: relative risks by row asked.
    """
    order = np.flatnonzero(flagged)
    order = order[np.argsort(-score[order], kind="stable")]
    rows = [
        (row, answered.get(row), float(score[row]), [pool.names[int(d)] for d in pool.combinations[row]])
        for row in order.tolist()
    ]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["row", "relative_risk_found", "score", "drugs"])
    for row, found, scored, names in rows:
        table.writerow([row, "" if found is None else f"{found:.4g}", f"{scored:.4g}", " + ".join(names)])
    knowledge = load()
    findings = [
        {"drugs": names, "relative_risk": found, "score": scored, "known": asdict(what_is_known(names, knowledge))}
        for _, found, scored, names in rows[:SHOWN]
    ]
    held = {"data": data, "combinations": len(pool), "result": result, **more}
    held |= {"findings": findings, "knowledge": knowledge.version}
    for name, content in (
        ("flagged.csv", text.getvalue()),
        ("report.html", _html(held)),
        ("result.json", json.dumps(held, indent=2) + "\n"),
    ):
        partial = out / f".{name}.part"
        partial.write_text(content)
        partial.replace(out / name)


def _html(held: dict[str, Any]) -> str:
    from jinja2 import Environment, PackageLoader

    curve, calibration = held["curve"], held["calibration"]
    most = max(point["queries"] for point in curve)
    plots = [
        _plot(
            "Recall and precision against queries",
            "queries",
            most,
            [
                _line([(p["queries"] / most, p["recall"]) for p in curve], RED, "recall", -8),
                _line([(p["queries"] / most, p["precision"]) for p in curve], BLUE, "precision", 16),
            ],
            f"recall ends at {curve[-1]['recall']:.3f}, precision at {curve[-1]['precision']:.4f}",
        )
    ]
    if calibration:
        plots.append(
            _plot(
                "Calibration of combinations not asked",
                "chance of danger said; the line is the share that was dangerous",
                1.0,
                [_line([(0, 0), (1, 1)], GREY), _line([(c["said"], c["right"]) for c in calibration], RED)],
                ", ".join(f"said {c['said']:.2f}, was {c['right']:.2f}" for c in calibration),
            )
        )
    pages = Environment(loader=PackageLoader("polypharmacy", "cli"), autoescape=True)
    return pages.get_template("mine_report.html.j2").render(plots=plots, **held)


def _line(points: Sequence[tuple[float, float]], colour: str, name: str = "", shift: int = 0) -> dict[str, Any]:
    """A line through points of 0 to 1."""
    drawn = [(LEFT + x * (RIGHT - LEFT), BOTTOM - y * (BOTTOM - TOP)) for x, y in points]
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
    how = {"dashed": colour == GREY, "marked": not name and colour != GREY}
    return {"points": text, "drawn": drawn, "colour": colour, "name": name, "end": drawn[-1], "shift": shift, **how}


def _plot(title: str, x_label: str, most: float, lines: list[dict[str, Any]], said: str) -> dict[str, Any]:
    parts = (0, 0.25, 0.5, 0.75, 1)
    return {
        "title": title,
        "said": said,
        "x_label": x_label,
        "lines": lines,
        "x_ticks": [(LEFT + p * (RIGHT - LEFT), f"{p * most:g}") for p in parts],
        "y_ticks": [(BOTTOM - p * (BOTTOM - TOP), f"{p:g}") for p in parts],
    }
