"""`polypharmacy knowledge stats | resolve | interactions | check`"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from polypharmacy.knowledge import Knowledge
    from polypharmacy.knowledge.check import Problem

app = typer.Typer(help="Ask the knowledge base.", no_args_is_help=True)
SURVEY = "nhanes*medications.csv"
MOST_INTERRUPTING = 0.5
"""Interrupting findings per elder on five or more medicines: the aim."""
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command("stats")
def stats_command(json_: Json = False) -> None:
    """Count what the knowledge base holds."""
    from polypharmacy.knowledge import load
    from polypharmacy.knowledge.stats import stats

    counted = stats(load())
    if json_:
        _print(counted)
        return
    for key, value in counted.items():
        shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        typer.echo(f"{key.replace('_', ' ')}: {shown}")


@app.command("resolve")
def resolve_command(
    names: Annotated[list[str], typer.Argument(help="names, brands, RxCUIs or ATC codes")],
    json_: Json = False,
) -> None:
    """Say which ingredients names mean."""
    from polypharmacy.knowledge import load

    knowledge = load()
    rows = []
    for text in names:
        found = _resolve(text, knowledge)
        rows.append({"text": text, "ingredients": list(found[0]), "nearest": list(found[1])})
    if json_:
        _print({"resolved": rows})
        return
    for row in rows:
        known = ", ".join(row["ingredients"])
        nearest = f" (nearest: {', '.join(row['nearest'])})" if row["nearest"] else ""
        typer.echo(f"{row['text']}: {known or 'not known' + nearest}")


@app.command("interactions")
def interactions_command(
    drugs: Annotated[list[str], typer.Argument(help="two or more drugs, with a dose if it matters")],
    json_: Json = False,
) -> None:
    """Show the interactions between drugs, as they stand for a patient of whom nothing else is known."""
    from polypharmacy.knowledge import load
    from polypharmacy.patients import InputError
    from polypharmacy.review.lookup import interactions_between
    from polypharmacy.review.report_json import finding_dict

    knowledge = load()
    names = []
    for text in drugs:
        ingredients, _ = _resolve(text, knowledge)
        known = knowledge.names.resolve(text).ingredients or not ingredients
        names.append(text if known else knowledge.ingredients[ingredients[0]].name)
    result, found = interactions_between(names, knowledge)
    patient = result.patient
    if len({m.ingredient for m in patient.medications}) + len(patient.unresolved) < 2:
        raise InputError("interactions: name at least two drugs")
    unknown = [u.text for u in patient.unresolved]
    reviewed = not unknown and all(knowledge.ingredients[s.drug].review_status == "reviewed" for s in result.slots)
    if json_:
        _print(
            {
                "interactions": [finding_dict(f, result) for f in found],
                "reviewed": reviewed,
                "unresolved": [{"text": u.text, "nearest": list(u.nearest)} for u in patient.unresolved],
                "knowledge": {"version": knowledge.version, "hash": knowledge.hash},
            }
        )
        return
    for finding in found:
        typer.echo(f"{finding.severity.value.upper()}  {finding.message}")
        typer.echo(f"  why: {finding.mechanism}\n  do: {finding.management}")
        if finding.would_change:
            typer.echo(f"  would change this: {', '.join(finding.would_change)}")
        typer.echo(f"  sources: {'; '.join(knowledge.cite(finding.sources))}")
    for u in patient.unresolved:
        nearest = f"; nearest: {', '.join(u.nearest)}" if u.nearest else ""
        typer.echo(f"{u.text}: not known, not reviewed{nearest}")
    if not found and len(result.slots) > 1:
        typer.echo(f"None found in knowledge base {knowledge.version}. That is not the same as safe.")
    if not reviewed and not unknown:
        typer.echo("Not every row of these drugs has been checked by a second reader.")


@app.command("check")
def check_command(
    reference: Annotated[
        Path | None, typer.Option(help="a folder of published lists, whose pairs are looked for too")
    ] = None,
    json_: Json = False,
) -> None:
    """Check the tables: schemas, references, rules that cannot fire, contradictions, sources. Exit 1 on a problem."""
    from polypharmacy.knowledge import load
    from polypharmacy.knowledge.check import check
    from polypharmacy.knowledge.recall import problems as shortfalls
    from polypharmacy.knowledge.recall import recall, written_reasons
    from polypharmacy.patients import InputError

    knowledge = load()
    problems = check(knowledge)
    figures: dict[str, Any] = {}
    if reference is not None:
        if not reference.is_dir():
            raise InputError(f"{reference}: there is no folder of lists")
        lists = recall(knowledge, reference)
        problems += shortfalls(lists, written_reasons())
        figures = {name: count for held in lists for name, count in held.figures().items()}
        survey = next(iter(sorted(reference.rglob(SURVEY))), None)
        if survey is not None:
            found, more = _coverage(survey, knowledge)
            problems += found
            figures |= more
    if json_:
        _print(
            {
                "version": knowledge.version,
                "hash": knowledge.hash,
                "problems": [{"what": p.what, "where": p.where, "detail": p.detail} for p in problems],
                **({"recall": figures} if figures else {}),
            }
        )
    else:
        for problem in problems:
            typer.echo(f"{problem.what}: {problem.where}: {problem.detail}")
        for name, count in figures.items():
            typer.echo(f"{name.replace('_', ' ')}: {count}")
        typer.echo(f"knowledge base {knowledge.version} ({knowledge.hash}): {len(problems)} problems")
    if problems:
        raise typer.Exit(1)


def _coverage(survey: Path, knowledge: "Knowledge") -> "tuple[list[Problem], dict[str, Any]]":
    """What of a survey's people is known, and how often its elders on five or more medicines would be interrupted."""
    from polypharmacy.knowledge.check import Problem
    from polypharmacy.patients.readers import read_people
    from polypharmacy.review.summary import summarise

    counted = summarise(read_people(str(survey), knowledge), knowledge).as_dict()
    coverage = counted["coverage"]
    problems = [
        Problem("coverage", survey.name, f"{coverage[part]} of {coverage[whole]} {words}")
        for part, whole, least, words in (
            ("resolved", "mentions", 0.99, "mentions resolved"),
            ("people_fully_resolved", "people_with_medicines", 0.95, "people with every medicine known"),
        )
        if coverage[part] < least * coverage[whole]
    ]
    if counted["interrupting_per_elder_on_5_plus"] > MOST_INTERRUPTING:
        problems.append(
            Problem(
                "restraint", survey.name, f"{counted['interrupting_per_elder_on_5_plus']} interrupting findings each"
            )
        )
    kept = ("interrupting_per_elder_on_5_plus", "interrupting_distribution", "interrupting_rules")
    return problems, {**coverage, **{key: counted[key] for key in kept if key in counted}}


@app.command("import")
def import_command(
    source: Annotated[str, typer.Argument(help="ddinter, drugbank, openfda-label or faers")],
    path: Annotated[Path, typer.Argument(help="the file you hold under your own licence")],
    json_: Json = False,
) -> None:
    """Import a list into a layer of its own; switch it on with `review --layer SOURCE`."""
    from datetime import date

    from polypharmacy.knowledge import load
    from polypharmacy.knowledge.layer import TITLES, ImportProblem, import_layer
    from polypharmacy.patients import InputError

    if source not in TITLES:
        raise InputError(f"no source is called {source!r}; there are {', '.join(TITLES)}")
    try:
        layer = import_layer(source, path, load().names, date.today())
    except ImportProblem as error:
        raise InputError(str(error)) from None
    counted = {
        "source": layer.source,
        "file": layer.file,
        "sha256": layer.sha256,
        "rows": layer.rows,
        "skipped": layer.skipped,
        "pairs": len(layer.pairs),
        "labels": len(layer.labels),
    }
    if json_:
        _print(counted)
        return
    kept = f"{len(layer.pairs)} pairs and {len(layer.labels)} label sections kept"
    typer.echo(f"{layer.file}: {layer.rows} rows, {kept}, {layer.skipped} skipped (drugs not known here)")
    typer.echo(f"Switch it on with: polypharmacy review FILE --layer {source}")


@app.command("fetch")
def fetch_command(
    service: Annotated[str, typer.Argument(help="rxnorm or openfda")],
    names: Annotated[list[str], typer.Argument(help="drug names")],
    json_: Json = False,
) -> None:
    """Look names up in RxNav or openFDA (cached on disk). Shows what they say; the tables stay as they are."""
    from polypharmacy.knowledge.fetch import BASE_URLS, Fetcher, FetchProblem
    from polypharmacy.patients import InputError

    if service not in BASE_URLS:
        raise InputError(f"no service is called {service!r}; there are {', '.join(BASE_URLS)}")
    try:
        import httpx
    except ImportError:
        raise InputError("fetching needs httpx: pip install 'polypharmacy-env[fetch]'") from None
    with httpx.Client(follow_redirects=True) as client:
        fetcher = Fetcher(service, client)
        try:
            found = [fetcher.look_up(name) for name in names]
        except FetchProblem as error:
            raise OSError(str(error)) from None
    if json_:
        _print({"fetched": found})
        return
    for row in found:
        facts = ", ".join(f"{k} {str(v)[:120]}" for k, v in row.items() if k not in ("name", "found") and v)
        typer.echo(f"{row['name']}: {facts or 'not found'}")


def _resolve(text: str, knowledge: "Knowledge") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ingredients by name, else by RxCUI or ATC code; and the nearest names when there are none."""
    found = knowledge.names.resolve(text)
    code = text.strip()
    ingredients = found.ingredients or knowledge.names.rxcui.get(code, ()) or knowledge.names.atc.get(code.upper(), ())
    return ingredients, () if ingredients else found.nearest


def _print(data: dict[str, Any]) -> None:
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
