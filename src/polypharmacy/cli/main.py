"""The `polypharmacy` command. Exit codes: 0 done, 1 the work failed, 2 bad input."""

import io
import sys

import typer

from polypharmacy.cli import evaluate, knowledge, mine, play, review, serve, train

# Typer's usage errors share this base, whichever click it is built on.
_UsageProblem = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")

app = typer.Typer(
    help="Reviews the medicines of older people. For research and decision support; a clinician decides.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("review")(review.review_command)
app.command("evaluate")(evaluate.evaluate_command)
app.command("play")(play.play_command)
app.add_typer(train.app, name="train")
app.command("serve")(serve.serve_command)
app.add_typer(knowledge.app, name="knowledge")
app.add_typer(mine.app, name="mine")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a problem is one line on standard error."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a sign shows "?"
    try:
        code = app(args=arguments, prog_name="polypharmacy", standalone_mode=False)
    except typer.Abort:
        return _fail("interrupted", 1)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:
        from polypharmacy.knowledge import KnowledgeError
        from polypharmacy.patients import InputError

        if isinstance(error, _UsageProblem):
            return _fail(error.format_message(), 2)  # type: ignore[attr-defined]
        if isinstance(error, InputError):
            return _fail(str(error), 2)
        if isinstance(error, (KnowledgeError, OSError)):
            return _fail(str(error), 1)
        raise
    return int(code or 0)


def _fail(message: str, code: int) -> int:
    typer.echo(f"polypharmacy: {' '.join(message.split())}", err=True)
    return code
