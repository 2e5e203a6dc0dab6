"""`polypharmacy train`"""

import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polypharmacy.training.config import HIDDEN_DIM, PpoConfig, ReinforceConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from polypharmacy.training.run import Run, Setup

PPO, REINFORCE = PpoConfig(), ReinforceConfig()
"""Their defaults are the options'."""

app = typer.Typer(
    help='Train policies on the environment, and export them. Needs the extra "train" of polypharmacy-env.'
)

Task = Annotated[str, typer.Option(help="a task, or all: one policy for the three")]
Gamma = Annotated[float, typer.Option(help="discount", min=0.0, max=1.0)]
Hidden = Annotated[int, typer.Option(help="width of the set network, a multiple of 3", min=12, max=768)]
Network = Annotated[str, typer.Option(help="set, or classical: 16 numbers, 128-128, one task")]
Reward = Annotated[str, typer.Option(help="grade: the grade alone; raw: the environment's own")]
Shaping = Annotated[
    bool, typer.Option(help="pay each step for what it adds to the grade; leaves the best policy the best")
]
Cases = Annotated[
    int, typer.Option(help="training cases a task: half to play, half to count the prior", min=16, max=8192)
]
Validation = Annotated[int, typer.Option(help="validation cases a task", min=8, max=1024)]
Seed = Annotated[int, typer.Option(help="of weights, episodes and chance", min=0)]
Every = Annotated[int, typer.Option(help="iterations between validations", min=1)]
Out = Annotated[Path, typer.Option(help="folder for checkpoints, metrics and the curve")]
Resume = Annotated[
    bool, typer.Option("--resume", help="go on with the run in --out, with the options it was begun with")
]
Device = Annotated[str, typer.Option(help="cpu or cuda")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command("ppo")
def ppo_command(
    task: Task = "all",
    steps: Annotated[int, typer.Option(help="steps over all tasks", min=1)] = PPO.steps,
    lr: Annotated[float, typer.Option(help="learning rate, falling to 0", min=0.0)] = PPO.lr,
    gamma: Gamma = PPO.gamma,
    entropy_coeff: Annotated[float, typer.Option(help="entropy bonus, falling to 0", min=0.0)] = PPO.entropy_coeff,
    hidden_dim: Hidden = HIDDEN_DIM,
    batch_size: Annotated[int, typer.Option(help="steps an update", min=16)] = PPO.batch_size,
    epochs: Annotated[int, typer.Option(help="passes over what was played", min=1)] = PPO.epochs,
    horizon: Annotated[int, typer.Option(help="steps of each environment between updates", min=1)] = PPO.horizon,
    network: Network = "set",
    reward: Reward = "grade",
    shaping: Shaping = True,
    cases: Cases = 4096,
    validation: Validation = 512,
    seed: Seed = 0,
    print_every: Every = 8,
    out: Out = Path("runs/ppo"),
    resume: Resume = False,
    device: Device = "cpu",
    json_: Json = False,
) -> None:
    """Proximal policy optimisation over vector environments."""
    config = {"steps": steps, "lr": lr, "gamma": gamma, "entropy_coeff": entropy_coeff, "batch_size": batch_size,
              "epochs": epochs, "horizon": horizon}  # fmt: skip
    setup = _setup("ppo", task, network, hidden_dim, reward, shaping, cases, validation, seed, config)
    _train(setup, out, resume, device, print_every, json_)


@app.command("reinforce")
def reinforce_command(
    task: Task = "easy_screening",
    episodes: Annotated[int, typer.Option(help="episodes of each task", min=1)] = REINFORCE.episodes,
    lr: Annotated[float, typer.Option(help="learning rate", min=0.0)] = REINFORCE.lr,
    gamma: Gamma = REINFORCE.gamma,
    entropy_coeff: Annotated[float, typer.Option(help="entropy bonus", min=0.0)] = REINFORCE.entropy_coeff,
    hidden_dim: Hidden = HIDDEN_DIM,
    batch_size: Annotated[int, typer.Option(help="episodes an update", min=2)] = REINFORCE.batch_size,
    network: Network = "set",
    reward: Reward = "grade",
    shaping: Shaping = True,
    cases: Cases = 4096,
    validation: Validation = 512,
    seed: Seed = 0,
    print_every: Every = 25,
    out: Out = Path("runs/reinforce"),
    resume: Resume = False,
    device: Device = "cpu",
    json_: Json = False,
) -> None:
    """REINFORCE with a learned baseline."""
    config = {"episodes": episodes, "lr": lr, "gamma": gamma, "entropy_coeff": entropy_coeff, "batch_size": batch_size}
    setup = _setup("reinforce", task, network, hidden_dim, reward, shaping, cases, validation, seed, config)
    _train(setup, out, resume, device, print_every, json_)


@app.command("export")
def export_command(
    run: Annotated[Path, typer.Argument(help="folder of a training run")],
    checkpoint: Annotated[str, typer.Option(help="best, final or last")] = "best",
    out: Annotated[Path | None, typer.Option(help="where to write; else RUN/export")] = None,
    ship: Annotated[bool, typer.Option("--ship", help="make it this installation's `trained` agent")] = False,
    json_: Json = False,
) -> None:
    """Write a run's policy as ONNX, as `evaluate --agent trained` and the server play it."""
    from polypharmacy.agents.trained import SHIPPED
    from polypharmacy.patients import InputError

    if checkpoint not in ("best", "final", "last"):
        raise InputError(f"--checkpoint {checkpoint!r} is not one of best, final, last")
    _need_torch()
    from polypharmacy.training.export import export

    folder = SHIPPED if ship else out or run / "export"
    export(run, folder, checkpoint)
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    if json_:
        import json

        typer.echo(json.dumps({"folder": str(folder), "bytes": size, "checkpoint": checkpoint}))
    else:
        typer.echo(f"{folder}: {size / 1e6:.2f} MB")


def _setup(
    algorithm: str, task: str, network: str, hidden_dim: int, reward: str, shaping: bool, cases: int, validation: int,
    seed: int, config: dict[str, Any],
) -> "Setup":  # fmt: skip
    from polypharmacy.env.tasks import TASKS
    from polypharmacy.patients import InputError

    for name, value, known in (
        ("--task", task, (*TASKS, "all")),
        ("--network", network, ("set", "classical")),
        ("--reward", reward, ("raw", "grade")),
    ):
        if value not in known:
            raise InputError(f"{name} {value!r} is not one of {', '.join(known)}")
    if network == "classical" and task == "all":
        raise InputError("--network classical plays one task; name it with --task")
    _need_torch()
    from polypharmacy.training.run import Setup

    return Setup(
        algorithm=algorithm,  # type: ignore[arg-type]  # checked above
        tasks=tuple(TASKS) if task == "all" else (task,),
        seed=seed,
        network=network,  # type: ignore[arg-type]
        hidden_dim=hidden_dim,
        cases=cases,
        validation=validation,
        reward=reward,  # type: ignore[arg-type]
        shaping=shaping,
        config=config,
    )


def _need_torch() -> None:
    from importlib.util import find_spec

    from polypharmacy.patients import InputError

    missing = [name for name in ("torch", "safetensors") if find_spec(name) is None]
    if missing:
        raise InputError(f"training needs {' and '.join(missing)}: install polypharmacy-env[train]")


def _train(setup: "Setup", out: Path, resume: bool, device: str, every: int, as_json: bool) -> None:
    import torch
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from polypharmacy.knowledge import load
    from polypharmacy.patients import InputError
    from polypharmacy.training.checkpoint import LAST, read_card
    from polypharmacy.training.run import Run
    from polypharmacy.training.run import Setup as TrainingSetup

    if device not in ("cpu", "cuda"):
        raise InputError(f"--device {device!r} is not cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: torch finds none here")
    if resume:
        setup = TrainingSetup.of_card(read_card(out, LAST, load()))
    elif (out / f"{LAST}.json").exists():
        raise InputError(f"{out} holds a run already: --resume goes on with it, another --out begins one")
    errors = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"), TimeRemainingColumn()
    with Progress(*columns, console=errors, transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("cases", total=setup.cases, told="")

        def compiled(task: str, cases: int) -> None:
            progress.update(bar, description=f"{task}: cases", completed=cases)

        run = Run(setup, out, resume=resume, device=device, compiled=compiled)
        learner = run.learner
        progress.update(bar, description=setup.algorithm, total=learner.goal, completed=learner.done)

        def report(told: dict[str, Any]) -> None:
            grade = told.get("validation_grade")
            progress.update(bar, completed=learner.done)
            if grade is not None:
                progress.update(bar, told=f"validation {grade:.3f}")
                if not as_json:
                    errors.print(_line(learner.unit, told), highlight=False)

        with _interruptible() as stop:
            try:
                finished = run.train(every=every, stop=stop, report=report)
            except FloatingPointError as error:
                typer.echo(f"polypharmacy: {error}; {out} holds what stood before", err=True)
                raise typer.Exit(1) from None
    _tell(run, finished, as_json)


def _tell(run: "Run", finished: bool, as_json: bool) -> None:
    from polypharmacy.training.curve import draw_curve

    curve = draw_curve(run.folder)
    learner = run.learner
    if as_json:
        import json

        typer.echo(
            json.dumps({
                "folder": str(run.folder), "finished": finished, learner.unit: learner.done, "best": run.best,
                "curve": curve,
            })
        )  # fmt: skip
    if not finished:
        again = f"polypharmacy train {run.setup.algorithm} --out {run.folder} --resume"
        typer.echo(f"interrupted after {learner.done} {learner.unit}; saved. Go on with: {again}", err=True)
        raise typer.Exit(1)
    if not as_json:
        typer.echo(f"{run.folder}: {learner.done} {learner.unit}, best validation grade {run.best:.3f}")


def _line(unit: str, told: dict[str, Any]) -> str:
    grades = [f"{key.split('_')[0]} {told[key]:.3f}" for key in told if key.endswith("/validation_grade")]
    return f"{told[unit]} {unit}, {told['cpu_seconds']:.0f} CPU s: validation {', '.join(grades)}"


@contextmanager
def _interruptible() -> "Iterator[Callable[[], bool]]":
    """While open, Ctrl-C is remembered instead of raised; the second one raises."""
    asked = False

    def remember(number: int, frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
