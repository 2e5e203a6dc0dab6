"""Do the synthetic elders take what real elders take? Before any conditioning.

Number of medicines, frequencies of the fifty commonest ingredients and rate of interacting pairs, side by side with the
survey's people (NHANES 2013-14, 65 and over; the file is not part of the project). With --plot writes docs/realism.png.
    python benchmarks/realism.py [--reference DIR] [--people N] [--seed K] [--plot] [--json] [--quick]
"""

import argparse
import json
import platform
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from polypharmacy.knowledge import Knowledge, Severity, load
from polypharmacy.patients.readers import read_people
from polypharmacy.patients.synthetic import Elders

ROOT = Path(__file__).parents[1]
SURVEY = Path("nhanes_2013_14") / "nhanes_2013_14_elders65_medications.csv"
MOST = 16
Regimen = frozenset[str]


def interacting(knowledge: Knowledge, regimen: Regimen, least: Severity) -> int:
    """Pairs with a two-drug rule at `least` or above, modifiers and routes aside."""
    return sum(
        any(not r.others and r.severity.rank >= least.rank for r, _, _ in knowledge.pair_rules(a, b))
        for a, b in combinations(sorted(regimen), 2)
    )


def ranks(values: Sequence[float]) -> np.ndarray:
    """Ranks with ties averaged."""
    array = np.asarray(values, dtype=float)
    return np.array([(array < v).sum() + ((array == v).sum() + 1) / 2 for v in array])


def spearman(a: Sequence[float], b: Sequence[float]) -> float:
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def sizes(regimens: Sequence[Regimen]) -> np.ndarray:
    """Share of people by number of ingredients, 0 to MOST and more."""
    return np.bincount([min(len(r), MOST) for r in regimens], minlength=MOST + 1) / len(regimens)


def plot(real: Sequence[Regimen], drawn: Sequence[Regimen], top: Sequence[str], figures: dict[str, float]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2))
    places = np.arange(MOST + 1)
    left.bar(places - 0.2, sizes(real), 0.4, label=f"survey ({len(real)} people)", color="#4c72b0")
    left.bar(places + 0.2, sizes(drawn), 0.4, label=f"synthetic ({len(drawn)})", color="#dd8452")
    left.set(xlabel="ingredients taken (16: 16 or more)", ylabel="share of people", title="Number of medicines")
    left.legend(frameon=False)
    counts = [Counter(d for r in people for d in r) for people in (real, drawn)]
    x = [100 * counts[0][d] / len(real) for d in top]
    y = [100 * counts[1][d] / len(drawn) for d in top]
    right.loglog(x, y, "o", color="#55a868", markersize=4)
    right.plot([0.8, 40], [0.8, 40], color="#999999", linewidth=0.8)
    right.set(xlabel="survey, % of people", ylabel="synthetic, % of people")
    right.set_title(f"Fifty commonest ingredients, rank correlation {figures['top_50_rank_correlation']:.2f}")
    figure.tight_layout()
    figure.savefig(ROOT / "docs" / "realism.png", dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, default=ROOT.parent / "shared" / "reference")
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--plot", action="store_true", help="write docs/realism.png (needs matplotlib)")
    parser.add_argument("--quick", action="store_true", help="3,000 people")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    survey = options.reference / SURVEY
    if not survey.is_file():
        parser.error(f"{survey} is not there; name the folder of lists with --reference")
    knowledge = load()
    real = [frozenset(m.ingredient for m in p.medications) for p in read_people(str(survey), knowledge)]
    elders = Elders(knowledge, options.seed)
    drawn = [elders.drugs(i) for i in range(3000 if options.quick else options.people)]
    counts = [Counter(d for r in people for d in r) for people in (real, drawn)]
    top = [d for d, _ in sorted(counts[0].items(), key=lambda item: (-item[1], item[0]))[:50]]
    figures: dict[str, float] = {"survey_people": len(real), "synthetic_people": len(drawn), "seed": options.seed}
    ratios: dict[str, float] = {}
    figures["drug_count_kolmogorov_distance"] = float(abs(sizes(real).cumsum() - sizes(drawn).cumsum()).max())
    figures["top_50_rank_correlation"] = spearman([counts[0][d] for d in top], [counts[1][d] for d in top])
    for name, people in (("survey", real), ("synthetic", drawn)):
        figures[f"{name}_mean_drugs"] = float(np.mean([len(r) for r in people]))
        figures[f"{name}_share_on_5_or_more"] = float(np.mean([len(r) >= 5 for r in people]))
        for word, least in (("adjust", Severity.ADJUST), ("avoid", Severity.AVOID)):
            found = [interacting(knowledge, r, least) for r in people]
            pairs = sum(len(r) * (len(r) - 1) // 2 for r in people)
            figures[f"{name}_pairs_at_{word}_or_above_per_100_pairs"] = 100 * sum(found) / pairs
            figures[f"{name}_people_with_a_pair_at_{word}_or_above"] = float(np.mean([f > 0 for f in found]))
    for key in ("mean_drugs", "share_on_5_or_more"):
        ratios[f"synthetic_to_survey_{key}"] = figures[f"synthetic_{key}"] / figures[f"survey_{key}"]
    for word in ("adjust", "avoid"):
        for key in (f"pairs_at_{word}_or_above_per_100_pairs", f"people_with_a_pair_at_{word}_or_above"):
            ratios[f"synthetic_to_survey_{key}"] = figures[f"synthetic_{key}"] / figures[f"survey_{key}"]
    if options.plot:
        plot(real, drawn, top, figures)
    if options.json:
        machine = f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}"
        print(json.dumps({"name": "realism", "machine": machine, "figures": figures, "ratios": ratios}))
        return
    for name, value in {**figures, **ratios}.items():
        print(f"{name}: {value:.3f}" if isinstance(value, float) else f"{name}: {value}")


if __name__ == "__main__":
    main()
