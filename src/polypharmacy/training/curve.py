"""The metrics of a run as a picture."""

import json
from pathlib import Path

from polypharmacy.training.run import CURVE, METRICS


def draw_curve(folder: Path) -> bool:
    """Grades over training as PNG; False where matplotlib is not installed or there is nothing to draw."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    rows = [json.loads(line) for line in (folder / METRICS).read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if "validation_grade" in row]
    if not rows:
        return False
    unit = "steps" if "steps" in rows[0] else "episodes"
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot(xlabel=unit, ylabel="validation grade (greedy)", ylim=(0, 1))
    for key in rows[0]:
        if key.endswith("/validation_grade"):
            axes.plot([row[unit] for row in rows], [row[key] for row in rows], label=key.split("/")[0])
    axes.legend(frameon=False)
    figure.savefig(folder / CURVE, dpi=120)
    return True
