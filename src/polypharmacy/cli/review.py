"""`polypharmacy review FILE`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from polypharmacy.knowledge import Knowledge
    from polypharmacy.patients import Patient


def review_command(
    file: Annotated[
        str,
        typer.Argument(help="FHIR R4 JSON, CSV/TSV, or a list in plain text; - for standard input"),
    ],
    age: Annotated[int | None, typer.Option(help="years", min=0, max=130)] = None,
    sex: Annotated[str | None, typer.Option(help="female or male")] = None,
    egfr: Annotated[float | None, typer.Option(help="mL/min/1.73 m2", min=1, max=250)] = None,
    creatinine: Annotated[float | None, typer.Option(help="mg/dL", min=0.1, max=40)] = None,
    weight: Annotated[float | None, typer.Option(help="kg", min=20, max=400)] = None,
    liver: Annotated[str | None, typer.Option(help="Child-Pugh class: A, B or C")] = None,
    condition: Annotated[list[str] | None, typer.Option(help="a condition or ICD-10 code; repeat for more")] = None,
    lab: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, as potassium=5.4 (mmol/L) or qtc=470 (ms)")] = None,
    phenotype: Annotated[list[str] | None, typer.Option(help='GENE=PHENOTYPE, as "CYP2C19=poor metabolizer"')] = None,
    allergy: Annotated[list[str] | None, typer.Option(help="a drug or class; repeat for more")] = None,
    layer: Annotated[list[str] | None, typer.Option(help="switch on an imported layer; repeat for more")] = None,
    json_: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    html: Annotated[Path | None, typer.Option(help="write a page to print and file")] = None,
    summary: Annotated[bool, typer.Option("--summary", help="review everyone in a survey table and count")] = False,
) -> None:
    """Review a patient's medicines: what is dangerous, why, and what to do first."""
    from polypharmacy.knowledge import load

    knowledge = load()
    if summary:
        _summarise(file, knowledge, json_)
        return
    from polypharmacy.patients.readers import read_patient
    from polypharmacy.review import review

    patient = read_patient(file, knowledge)
    patient = _with_options(
        patient,
        knowledge,
        age,
        sex,
        egfr,
        creatinine,
        weight,
        liver,
        condition,
        lab,
        phenotype,
        allergy,
    )
    if layer:
        from polypharmacy.knowledge.layer import ImportProblem, load_layer
        from polypharmacy.patients import InputError

        try:
            knowledge = knowledge.with_layers([load_layer(name) for name in layer])
        except ImportProblem as error:
            raise InputError(f"--layer: {error}") from None
    result = review(patient, knowledge)
    if html is not None:
        from datetime import date

        from polypharmacy.review.report_html import html_report

        html.write_text(html_report(result, date.today()), encoding="utf-8")
    if json_:
        import json

        from polypharmacy.review.report_json import review_dict

        typer.echo(json.dumps(review_dict(result), indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    from polypharmacy.review.report_terminal import print_review

    print_review(result, Console(highlight=False))
    if html is not None:
        typer.echo(f"Page written to {html}")


def _with_options(
    patient: "Patient",
    knowledge: "Knowledge",
    age: int | None,
    sex: str | None,
    egfr: float | None,
    creatinine: float | None,
    weight: float | None,
    liver: str | None,
    conditions: list[str] | None,
    labs: list[str] | None,
    phenotypes: list[str] | None,
    allergies: list[str] | None,
) -> "Patient":
    """The patient with what the command line states, which goes before what the file says."""
    from polypharmacy.patients.patient import Lab, RecordedCondition
    from polypharmacy.patients.readers.builder import Builder
    from polypharmacy.patients.readers.facts import parse_sex

    update: dict[str, Any] = {}
    for field, value in (
        ("age", age),
        ("measured_egfr", egfr),
        ("creatinine", creatinine),
        ("weight", weight),
    ):
        if value is not None:
            update[field] = value
    if creatinine is not None and egfr is None:
        update["measured_egfr"] = None
    if sex is not None:
        update["sex"] = parse_sex(sex)
        if update["sex"] is None:
            raise typer.BadParameter(f"--sex must be female or male, not {sex!r}")
    if liver is not None:
        if liver.upper() not in ("A", "B", "C"):
            raise typer.BadParameter(f"--liver must be a Child-Pugh class A, B or C, not {liver!r}")
        update["child_pugh"] = liver.upper()
    if conditions:
        rows = []
        for text in conditions:
            ids = knowledge.condition_names.by_text(text)
            if not ids:
                raise typer.BadParameter(f"--condition {text!r} is not known; try a common name or an ICD-10 code")
            rows.append(RecordedCondition(text=text, ids=ids))
        update["conditions"] = (*patient.conditions, *rows)
        update["conditions_complete"] = True
    if labs:
        measured = {name: Lab(value=value) for name, value in map(_lab, labs)}
        update["labs"] = {**patient.labs, **measured}
    if phenotypes:
        update["phenotypes"] = {**patient.phenotypes, **dict(_phenotype(t, knowledge) for t in phenotypes)}
    if allergies:
        builder = Builder(knowledge)
        for text in allergies:
            builder.allergy(text)
        update["allergies"] = (*patient.allergies, *builder.allergies)
    return patient.model_copy(update=update)


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise typer.BadParameter(f"{option} is NAME=VALUE, not {text!r}")
    return name.strip(), value.strip()


def _lab(text: str) -> tuple[str, float]:
    from polypharmacy.patients.measurements import POSSIBLE

    name, number = _pair("--lab", text)
    name = name.lower()
    if name in ("egfr", "creatinine", "weight"):
        raise typer.BadParameter(f"--lab {name}: use --{name}")
    if name not in POSSIBLE:
        raise typer.BadParameter(f"--lab {name!r} is not read; known: {', '.join(POSSIBLE)}")
    low, high = POSSIBLE[name]
    try:
        value = float(number)
    except ValueError:
        raise typer.BadParameter(f"--lab {text!r}: the value is not a number") from None
    if not low <= value <= high:
        raise typer.BadParameter(f"--lab {text!r}: {name} lies between {low} and {high}")
    return name, value


def _phenotype(text: str, knowledge: "Knowledge") -> tuple[str, str]:
    """A gene and a phenotype that the tables know, in CPIC's spelling."""
    gene, phenotype = _pair("--phenotype", text)
    known: dict[str, set[str]] = {}
    for row in knowledge.tables.gene_limits:
        known.setdefault(row.gene, {"normal metabolizer", "normal function", "negative"}).update(row.phenotypes)
    gene = next((g for g in known if g.lower() == gene.lower()), gene)
    if gene not in known:
        raise typer.BadParameter(f"--phenotype {gene!r}: no limit is known for it; known: {', '.join(sorted(known))}")
    phenotype = phenotype.lower().replace("metaboliser", "metabolizer")
    if phenotype not in known[gene] | {r.from_phenotype for r in knowledge.tables.phenoconversions}:
        raise typer.BadParameter(f"--phenotype {gene}: {phenotype!r} is none of {', '.join(sorted(known[gene]))}")
    return gene, phenotype


def _summarise(file: str, knowledge: "Knowledge", as_json: bool) -> None:
    import json

    from rich.console import Console
    from rich.progress import track

    from polypharmacy.patients.readers import read_people
    from polypharmacy.review.summary import summarise

    people = list(read_people(file, knowledge))
    screen = Console(stderr=True)
    summary = summarise(track(people, "Reviewing", console=screen, disable=not screen.is_terminal), knowledge)
    if as_json:
        typer.echo(json.dumps(summary.as_dict(), indent=2, ensure_ascii=False))
        return
    from polypharmacy.review.report_summary import print_summary

    print_summary(summary, Console(highlight=False))
