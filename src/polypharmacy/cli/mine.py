"""`polypharmacy mine`: simulate, associate, screen, search, metrics."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from polypharmacy.mining.cohort import Cohort
    from polypharmacy.mining.optim_neural_ts import Mined
    from polypharmacy.mining.queries import Queries

app = typer.Typer(help="Find dangerous combinations in claims data.", no_args_is_help=True)

METHODS = ("pool_search", "optim_neural_ts")
GRADES = ("flagged", "recall", "precision", "recall_unqueried", "recall_at_p99", "patterns_found")
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
People = Annotated[Path | None, typer.Option(help="patient, outcome, stratum, covariates")]
Covariate = Annotated[list[str] | None, typer.Option(help="a wide table's column that is no drug")]
Since = Annotated[str | None, typer.Option(help="first day, 2024-01-01")]
Until = Annotated[str | None, typer.Option(help="last day")]
OverlapDays = Annotated[int | None, typer.Option(help="fewest days on end that drugs were taken together [1]", min=1)]
GapDays = Annotated[
    int | None, typer.Option(help="permissible gap between dispensings of a drug that counts as taken [0]", min=0)
]
Claims = Annotated[Path, typer.Argument(help="dispensings (with --people) or a wide table; CSV or Parquet")]
Seed = Annotated[int, typer.Option(help="of all chance", min=0)]


@contextmanager
def _bad_input() -> Iterator[None]:
    """Claims that make no sense are bad input like any other."""
    from polypharmacy.mining.errors import ClaimsError
    from polypharmacy.patients import InputError

    try:
        yield
    except ClaimsError as error:
        raise InputError(str(error)) from None


@app.command("simulate")
def simulate_command(
    out: Annotated[Path, typer.Argument(help="the .npz file to write")],
    seed: Seed = 0,
    background: Annotated[str, typer.Option(help="neutral or protective")] = "neutral",
    combinations: Annotated[int, typer.Option(min=1)] = 100_000,
    drugs: Annotated[int, typer.Option(min=2, max=32_767)] = 500,
    json_: Json = False,
) -> None:
    """Write a pool of combinations with hidden dangerous patterns."""
    from polypharmacy.mining.simulator import BACKGROUNDS, simulate
    from polypharmacy.patients import InputError

    if background not in BACKGROUNDS:
        raise InputError(f"--background {background!r} is not one of {', '.join(BACKGROUNDS)}")
    if not out.parent.is_dir():
        raise InputError(f"{out.parent}: no such folder")
    try:
        pool = simulate(seed, background, combinations, drugs, mean_drugs=min(8.7, drugs / 2))
    except ValueError as error:
        raise InputError(str(error)) from None
    pool.write(out)
    above = int((pool.relative_risk > 1.1).sum())
    _say({"file": str(out), "seed": seed, "combinations": len(pool), "drugs": drugs, "above_1_1": above}, json_)


@app.command("search")
def search_command(
    data: Annotated[Path, typer.Argument(help="a pool, .npz")],
    method: Annotated[str, typer.Option(help="pool_search or optim_neural_ts")] = "pool_search",
    budget: Annotated[int, typer.Option(help="most queries, warm-up included", min=1)] = 1000,
    warmup: Annotated[int | None, typer.Option(help="queries at random first", min=1)] = None,
    seed: Seed = 0,
    threshold: Annotated[float, typer.Option(help="a relative risk above it is a find", min=0)] = 1.1,
    noise: Annotated[float, typer.Option(help="spread added to every answer", min=0)] = 0.0,
    exploration: Annotated[float, typer.Option(help="nu of optim_neural_ts", min=0)] = 1.0,
    sigmas: Annotated[float, typer.Option(help="flag where mean - sigmas x sigma > threshold", min=0)] = 3.0,
    ridge: Annotated[float, typer.Option(help="lambda", min=1e-9)] = 1.0,
    width: Annotated[int, typer.Option(min=1)] = 128,
    layers: Annotated[int, typer.Option(min=1)] = 1,
    epochs: Annotated[int, typer.Option(min=1)] = 100,
    batch: Annotated[int, typer.Option(min=1)] = 64,
    learning_rate: Annotated[float, typer.Option(min=1e-9)] = 0.01,
    train_every: Annotated[int, typer.Option(min=1)] = 10,
    de_population: Annotated[int, typer.Option(min=3)] = 32,
    de_steps: Annotated[int, typer.Option(min=0)] = 16,
    de_weight: Annotated[float, typer.Option(help="F")] = 1.0,
    de_crossover: Annotated[float, typer.Option(min=0, max=1)] = 0.9,
    out: Annotated[Path | None, typer.Option(help="folder for results; a search stopped goes on from it")] = None,
    json_: Json = False,
) -> None:
    """Query combinations and flag those at risk. Options from exploration on are of optim_neural_ts."""
    import time

    import numpy as np

    from polypharmacy.mining.metrics import grade
    from polypharmacy.mining.pool import read_pool
    from polypharmacy.mining.queries import Queries
    from polypharmacy.patients import InputError

    if method not in METHODS:
        raise InputError(f"--method {method!r} is not one of {', '.join(METHODS)}")
    with _bad_input():
        pool = read_pool(data)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            _same_search(out, {"method": method, "seed": seed, "noise": noise, "data": data.name})
        queries = Queries(pool, seed, noise, None if out is None else out / "queries.npz")
    from polypharmacy.cli.mine_report import Curve, reliability, write_results

    begun, cpu = time.perf_counter(), time.process_time()
    curve, calibration, promised = Curve(queries, threshold), [], None
    with _bar(f"{method}, queries", budget) as advance:
        if method == "pool_search":
            from polypharmacy.mining.pool_search import FALSE_RATE, FIRST_BATCH, pool_search

            found = pool_search(queries, budget, seed, threshold, warmup or FIRST_BATCH, advance, curve)
            flagged, score, ensemble, promised = found.flagged, found.score, None, 1 - FALSE_RATE
            unasked = np.setdiff1d(np.arange(len(pool)), queries.rows)
            right = pool.relative_risk[unasked] > threshold
            calibration = reliability(found.calibration.chance(score[unasked]), right)
        else:
            mined = _paper(
                queries, budget, seed, threshold, advance, curve,
                width=width, layers=layers, ridge=ridge, exploration=exploration, sigmas=sigmas,
                warmup=warmup or 1000, train_every=train_every, population=de_population, steps=de_steps,
                weight=de_weight, crossover=de_crossover, training=(epochs, batch, learning_rate),
            )  # fmt: skip
            flagged, score, ensemble = mined.flagged, mined.score, mined.ensemble
    spent = time.process_time() - cpu
    graded = grade(pool, flagged, queries.rows, score, threshold)
    result = {"method": method, "budget": budget, "seed": seed} | {name: graded[name] for name in GRADES}
    result |= {
        "seconds": round(time.perf_counter() - begun, 3),
        "ms_per_query": 1e3 * spent / len(queries.rows),
    }
    if out is not None:
        more = {
            "queries": len(queries.rows), "threshold": threshold, "dangerous": curve.dangerous,
            "precision_promised": promised, "precision_unqueried": graded["precision_unqueried"],
            "curve": curve.points, "calibration": calibration,
        }  # fmt: skip
        answered = {int(row): float(answer) for row, answer in zip(queries.rows, queries.answers, strict=True)}
        if ensemble is not None:
            ensemble.write(out / "ensemble.npz")
        write_results(out, data.name, pool, result, more, flagged, score, answered)
    _say(result, json_)


def _paper(
    queries: "Queries",
    budget: int,
    seed: int,
    threshold: float,
    advance: "Callable[[int], None]",
    watch: "Callable[[np.ndarray, int], None]",
    **how: Any,
) -> "Mined":
    from polypharmacy.mining.optim_neural_ts import Settings, optim_neural_ts
    from polypharmacy.mining.reward_network import Training

    epochs, batch, rate = how["training"]
    training = Training(epochs, batch, rate, Settings().training.patience)
    settings = Settings(**{**how, "training": training})
    return optim_neural_ts(queries, budget, seed, threshold, settings, advance, watch)


@app.command("screen")
def screen_command(
    claims: Claims,
    people: People = None,
    what: Annotated[str, typer.Option(help="pairs, triples or observed")] = "pairs",
    support: Annotated[int, typer.Option(help="fewest patients that took a combination", min=1)] = 20,
    rate: Annotated[float, typer.Option(help="false-discovery rate", min=0, max=1)] = 0.05,
    dependent: Annotated[bool, typer.Option(help="Benjamini-Yekutieli")] = False,
    adjust: Annotated[bool, typer.Option(help="judge against single drugs and covariates too")] = True,
    covariate: Covariate = None,
    since: Since = None,
    until: Until = None,
    overlap_days: OverlapDays = None,
    gap_days: GapDays = None,
    json_: Json = False,
) -> None:
    """Count and test all pairs, triples or regimens; print those called at the false-discovery rate."""
    from polypharmacy.mining.screening import screen

    with _bad_input():
        cohort = _cohort(claims, people, covariate, since, until, overlap_days, gap_days)
        result = screen(cohort, what, support, adjust, dependent)
    rows = result.found(rate)
    findings = [_finding(cohort, result, int(row)) for row in rows]
    answer = {
        "what": what, "patients": len(cohort), "tested": len(result.combinations), "rate": rate, "adjusted": adjust,
        **_times(people, overlap_days, gap_days), "findings": findings,
    }  # fmt: skip
    if json_:
        typer.echo(json.dumps(answer, indent=2))
        return
    typer.echo(f"{len(findings)} of {len(result.combinations)} {what} called at a false-discovery rate of {rate:g}")
    for one in findings:
        typer.echo(
            f"{' + '.join(one['drugs'])}: {one['cases']} cases of {one['exposed']}, {one['expected']:.1f} expected, "
            f"q {one['q']:.2g}; {one['known']}"
        )


@app.command("associate")
def associate_command(
    claims: Claims,
    drugs: Annotated[list[str], typer.Argument(help="drugs of one combination, as the claims name them")],
    people: People = None,
    covariate: Covariate = None,
    since: Since = None,
    until: Until = None,
    overlap_days: OverlapDays = None,
    gap_days: GapDays = None,
    json_: Json = False,
) -> None:
    """Relative risk and odds ratio of one combination: crude, over strata, shrunk, adjusted."""
    import numpy as np

    from polypharmacy.mining.adjustment import adjusted_odds, patient_risk
    from polypharmacy.mining.association import mantel_haenszel, odds_ratio, relative_risk, shrunk, stratified_expected
    from polypharmacy.mining.combinations import Combinations
    from polypharmacy.mining.counts import count
    from polypharmacy.patients import InputError

    with _bad_input():
        cohort = _cohort(claims, people, covariate, since, until, overlap_days, gap_days)
    number = {name: place for place, name in enumerate(cohort.names)}
    for drug in drugs:
        if drug not in number:
            raise InputError(f"{claims}: no patient takes {drug!r}; name drugs as the claims do")
    wanted = [number[drug] for drug in drugs]
    counts = count(cohort, Combinations.of([wanted], len(cohort.names)))
    observed, due = counts.cases.sum(axis=0), stratified_expected(counts)
    answer: dict[str, Any] = {
        "drugs": list(drugs), "exposed": int(counts.exposed.sum()), "cases": int(observed[0]), "patients": len(cohort),
        **_times(people, overlap_days, gap_days),
    }  # fmt: skip
    for name, estimate in (
        ("relative_risk", relative_risk(counts)),
        ("odds_ratio", odds_ratio(counts)),
        ("mantel_haenszel", mantel_haenszel(counts)),
        ("observed_to_expected_shrunk", shrunk(observed, due)),
    ):
        answer[name] = _number(estimate.value[0], estimate.low[0], estimate.high[0])
    answer["adjusted_odds_ratio"] = _number(*adjusted_odds(cohort, np.array(wanted), patient_risk(cohort)))
    _say(answer, json_)


@app.command("metrics")
def metrics_command(
    out: Annotated[Path, typer.Argument(help="the folder a search wrote")], json_: Json = False
) -> None:
    """The figures of a search that has ended."""
    from polypharmacy.patients import InputError

    path = out / "result.json"
    if not path.is_file():
        raise InputError(f"{path}: no such file; mine search --out {out} writes it")
    try:
        held = json.loads(path.read_text())
    except ValueError:
        raise InputError(f"{path}: not JSON; run the search again") from None
    _say(held["result"], json_)


def _cohort(
    claims: Path,
    people: Path | None,
    covariates: list[str] | None,
    since: str | None,
    until: str | None,
    overlap_days: int | None,
    gap_days: int | None,
) -> "Cohort":
    from polypharmacy.mining.readers import read_long, read_wide
    from polypharmacy.patients import InputError

    days = []
    for name, text in (("--since", since), ("--until", until)):
        try:
            days.append(None if text is None else date.fromisoformat(text))
        except ValueError:
            raise InputError(f"{name} {text!r} is no date; write 2024-12-31") from None
    if people is not None:
        return read_long(claims, people, days[0], days[1], **_times(people, overlap_days, gap_days))
    if since or until or overlap_days is not None or gap_days is not None:
        raise InputError("--since, --until, --overlap-days and --gap-days need dispensings; give --people too")
    return read_wide(claims, covariates or ())


def _times(people: Path | None, overlap_days: int | None, gap_days: int | None) -> dict[str, Any]:
    """How drugs were taken together; None for a wide table, which does not say when they were."""
    if people is None:
        return {"overlap_days": None, "gap_days": None}
    return {"overlap_days": overlap_days or 1, "gap_days": gap_days or 0}


def _finding(cohort: "Cohort", result: Any, row: int) -> dict[str, Any]:
    from polypharmacy.knowledge import load
    from polypharmacy.review.known import what_is_known

    names = [cohort.names[int(d)] for d in result.combinations[row]]
    return {
        "drugs": names,
        "exposed": int(result.counts.exposed[:, row].sum()),
        "cases": int(result.counts.cases[:, row].sum()),
        "expected": float(result.expected[row]),
        "relative_risk": _number(result.crude.value[row], result.crude.low[row], result.crude.high[row]),
        "shrunk": _number(result.shrunk.value[row], result.shrunk.low[row], result.shrunk.high[row]),
        "p": float(result.p[row]),
        "q": float(result.q[row]),
        "known": str(what_is_known(names, load())),
    }


def _number(value: float, low: float, high: float) -> dict[str, float | None]:
    import math

    return {k: (float(v) if math.isfinite(v) else None) for k, v in (("value", value), ("low", low), ("high", high))}


def _same_search(out: Path, search: dict[str, Any]) -> None:
    """The folder is this search's, or new."""
    from polypharmacy.mining.errors import ClaimsError

    path = out / "search.json"
    if path.exists():
        try:
            held = json.loads(path.read_text())
        except ValueError:
            held = None
        if held != search:
            raise ClaimsError(f"{out}: holds another search; choose another --out")
        return
    path.write_text(json.dumps(search))


@contextmanager
def _bar(what: str, total: int) -> "Iterator[Callable[[int], None]]":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    errors = Console(stderr=True)
    with Progress(*columns, console=errors, transient=True, disable=not sys.stderr.isatty()) as progress:
        job = progress.add_task(what, total=total)
        yield lambda done: progress.update(job, completed=done)


def _say(answer: dict[str, Any], json_: bool) -> None:
    if json_:
        typer.echo(json.dumps(answer, indent=2))
        return
    for name, value in answer.items():
        if isinstance(value, dict):
            value = "{value} ({low} to {high})".format(**{k: _short(v) for k, v in value.items()})
        typer.echo(f"{name}: {_short(value)}")


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
