"""`polypharmacy evaluate`"""

import sys
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import numpy as np
    from rich.progress import Progress, TaskID


def evaluate_command(
    task: Annotated[
        str, typer.Option(help="easy_screening, budgeted_screening or complex_tradeoff")
    ] = "easy_screening",
    agent: Annotated[
        str, typer.Option(help="an agent's name, all for a table, or llm (API_BASE_URL, MODEL_NAME, HF_TOKEN)")
    ] = "heuristic",
    split: Annotated[str, typer.Option(help="train, validation, test or unseen_drugs")] = "test",
    episodes: Annotated[int, typer.Option(help="episodes 0 to N - 1 of the split", min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="of the agent's own chance and of the intervals", min=0)] = 0,
    json_: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Play episodes of a task and print the grade with its 95% interval."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from polypharmacy.agents.registry import AGENTS, LLM
    from polypharmacy.env.bank import SPLITS
    from polypharmacy.env.tasks import TASKS
    from polypharmacy.patients import InputError

    for name, value, known in (
        ("--task", task, TASKS),
        ("--split", split, SPLITS),
        ("--agent", agent, (*AGENTS, LLM, "all")),
    ):
        if value not in known:
            raise InputError(f"{name} {value!r} is not one of {', '.join(known)}")
    if agent == LLM:
        from polypharmacy.agents.llm import remote_of

        remote_of()  # what is not set is said before cases are compiled
    errors = Console(stderr=True)
    agents = list(AGENTS) if agent == "all" else [agent]
    if agent == "all" and find_spec("onnxruntime") is None:
        agents.remove("trained")
        errors.print("trained is left out: it needs onnxruntime (polypharmacy-env[server])")
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=errors, transient=True, disable=not sys.stderr.isatty()) as progress:
        results = _evaluate(task, agents, split, episodes, seed, progress)
    if json_:
        import json

        typer.echo(json.dumps(results[0] if agent != "all" else results, indent=2))
        return
    _print(results)


def _evaluate(
    task: str, agents: list[str], split: str, episodes: int, seed: int, progress: "Progress"
) -> list[dict[str, Any]]:
    from polypharmacy.agents.evaluate import oracle_grades, play_parallel, prepare, summary
    from polypharmacy.agents.registry import LLM
    from polypharmacy.env.bank import SPLITS

    results = []
    oracle: np.ndarray | None = None
    for name in agents:
        compiling = progress.add_task(f"{task}, {split}: cases", total=min(episodes, SPLITS[split]))
        bank = prepare(task, split, name, episodes, seed, partial(_completed, progress, compiling))
        progress.remove_task(compiling)
        if oracle is None:
            oracle = oracle_grades(bank, episodes)
        playing = progress.add_task(f"{task}, {split}: {name}", total=episodes)
        advance = partial(progress.advance, playing)
        model: dict[str, Any] = {}
        if name == LLM:
            from polypharmacy.agents.llm import play_model, remote_of

            remote = remote_of()
            played, counts = play_model(bank, episodes, advance, remote)
            model = {"model": {"name": remote.model, **counts.as_dict()}}
        else:
            played = play_parallel(task, split, name, episodes, seed, advance)
        progress.remove_task(playing)
        results.append(summary(bank, name, played, oracle, seed) | model)
    return results


def _completed(progress: "Progress", job: "TaskID", count: int) -> None:
    progress.update(job, completed=count)


def _print(results: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    first = results[0]
    title = f"{first['task']}, {first['split']}, {first['episodes']} episodes, seed {first['seed']}"
    table = Table(title=title, title_justify="left")
    for column in ("agent", "grade", "95% interval", "normalised", "95% interval", "return", "steps"):
        table.add_column(column, justify="left" if column == "agent" else "right")
    for row in results:
        grade, normal = row["grade"], row["normalised"]
        table.add_row(
            row["agent"],
            f"{grade['mean']:.3f}",
            "{:.3f} to {:.3f}".format(*grade["ci95"]),
            f"{normal['mean']:.3f}",
            "{:.3f} to {:.3f}".format(*normal["ci95"]),
            f"{row['return']['mean']:.3f}",
            f"{row['steps']['mean']:.1f}",
        )
    console = Console()
    console.print(table)
    for row in results:
        if "model" in row:
            name, *counts = row["model"].items()
            console.print(f"{name[1]}: " + ", ".join(f"{number} {what}" for what, number in counts), markup=False)
    knowledge = first["knowledge"]
    console.print(f"oracle {first['oracle']['mean']:.3f}; knowledge base {knowledge['version']} ({knowledge['hash']})")
