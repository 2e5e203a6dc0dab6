"""`polypharmacy review FILE`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    from polypharmacy.patients.readers.facts import parse_sex
    from polypharmacy.patients.stated import with_stated

    if sex is not None and parse_sex(sex) is None:
        raise typer.BadParameter(f"--sex must be female or male, not {sex!r}")
    if liver is not None and liver.upper() not in ("A", "B", "C"):
        raise typer.BadParameter(f"--liver must be a Child-Pugh class A, B or C, not {liver!r}")
    for text in conditions or ():
        if not knowledge.condition_names.by_text(text):
            raise typer.BadParameter(f"--condition {text!r} is not known; try a common name or an ICD-10 code")
    return with_stated(
        patient,
        knowledge,
        age=age,
        sex=sex and parse_sex(sex),
        egfr=egfr,
        creatinine=creatinine,
        weight=weight,
        child_pugh=liver and liver.upper(),
        conditions=conditions or None,
        allergies=allergies or (),
        labs=dict(map(_lab, labs or ())),
        phenotypes=dict(_pair("--phenotype", text) for text in phenotypes or ()),
    )


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise typer.BadParameter(f"{option} is NAME=VALUE, not {text!r}")
    return name.strip(), value.strip()


def _lab(text: str) -> tuple[str, float]:
    name, number = _pair("--lab", text)
    try:
        return name.lower(), float(number)
    except ValueError:
        raise typer.BadParameter(f"--lab {text!r}: the value is not a number") from None


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
