"""`polypharmacy play`"""

from typing import Annotated

import typer


def play_command(
    task: Annotated[
        str, typer.Option(help="easy_screening, budgeted_screening or complex_tradeoff")
    ] = "easy_screening",
    split: Annotated[str, typer.Option(help="train, validation, test or unseen_drugs")] = "train",
    episode: Annotated[int, typer.Option(help="which one", min=0)] = 0,
) -> None:
    """Step through one episode yourself. Ends with the grade, and the best that was possible."""
    import numpy as np

    from polypharmacy.agents.evaluate import oracle_grades
    from polypharmacy.env.actions import encode
    from polypharmacy.env.bank import SPLITS, load_bank
    from polypharmacy.env.tasks import TASKS
    from polypharmacy.env.text import COMMANDS, parse, render
    from polypharmacy.env.vector import VectorEnv, as_number
    from polypharmacy.env.view import view
    from polypharmacy.knowledge import load
    from polypharmacy.patients import InputError

    for name, value, known in (("--task", task, TASKS), ("--split", split, SPLITS)):
        if value not in known:
            raise InputError(f"{name} {value!r} is not one of {', '.join(known)}")
    if episode >= SPLITS[split]:
        raise InputError(f"--episode: {split} has episodes 0 to {SPLITS[split] - 1}")
    bank = load_bank(task, split, episode + 1)
    env = VectorEnv(bank, 1, first_episode=episode, autoreset=False)
    knowledge = load()
    typer.echo(f"{render(view(env, 0), knowledge)}\nSay: {COMMANDS}")
    total = 0.0
    while not env.buffers.dones[0]:
        try:
            line = input("> ")
        except EOFError:
            typer.echo("\nleft unfinished")
            return
        if not line.strip():
            continue
        try:
            number = encode(parse(line))
        except ValueError as error:
            typer.echo(str(error))
            continue
        if not env.buffers.mask[0, number]:
            typer.echo("not open now (asked already, no budget left, or no such slot or alternative)")
            continue
        env.step(np.array([number], dtype=np.int32))
        reward = float(as_number(env.buffers.rewards)[0])
        total += reward
        typer.echo(f"reward {reward:+.3f}")
        if not env.buffers.dones[0]:
            typer.echo(render(view(env, 0), knowledge))
    best = oracle_grades(bank, episode + 1)[episode]
    typer.echo(f"grade {float(as_number(env.buffers.grades)[0]):.3f} (best possible {best:.3f}), return {total:.3f}")
