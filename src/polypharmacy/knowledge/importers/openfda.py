"""openFDA downloads: drug labels, and adverse event reports (FAERS)."""

import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

from polypharmacy.knowledge.importers.resolver import Resolver
from polypharmacy.knowledge.layer import ImportProblem, LayerLabel, LayerPair

SECTIONS = ("boxed_warning", "contraindications", "drug_interactions", "geriatric_use")
MIN_REPORTS = 3
"""Reports that must name a pair before it is kept: fewer say nothing."""


def read_labels(path: Path, resolver: Resolver) -> dict[str, Any]:
    """The sections of each single-ingredient label that bear on a review; the newest label of an ingredient."""
    newest: dict[str, tuple[str, list[LayerLabel]]] = {}
    rows = skipped = 0
    for number, record in enumerate(_results(path), start=1):
        rows += 1
        names = record.get("openfda", {}).get("generic_name", []) if isinstance(record.get("openfda"), dict) else []
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise ImportProblem(f"{path.name}, record {number}: openfda.generic_name must be a list of names")
        drugs = {resolver.one(n) for n in names}
        drug = drugs.pop() if len(drugs) == 1 else None
        if drug is None:
            skipped += 1
            continue
        sections = [
            LayerLabel(drug=drug, section=s, text=" ".join(" ".join(map(str, record[s])).split()))
            for s in SECTIONS
            if isinstance(record.get(s), list) and record[s]
        ]
        effective = str(record.get("effective_time", ""))
        if sections and (drug not in newest or effective > newest[drug][0]):
            newest[drug] = (effective, sections)
    labels = tuple(label for drug in sorted(newest) for label in newest[drug][1])
    return {"rows": rows, "skipped": skipped, "labels": labels}


def read_faers(path: Path, resolver: Resolver) -> dict[str, Any]:
    """Pairs of suspect or interacting drugs by how many reports name both, with the commonest reaction."""
    reports: Counter[tuple[str, str]] = Counter()
    reactions: dict[tuple[str, str], Counter[str]] = {}
    rows = skipped = 0
    for number, record in enumerate(_results(path), start=1):
        rows += 1
        patient = record.get("patient")
        if not isinstance(patient, dict) or not isinstance(patient.get("drug"), list):
            raise ImportProblem(f"{path.name}, record {number}: patient.drug must be a list")
        suspects = {
            resolver.one(str(d.get("medicinalproduct", "")))
            for d in patient["drug"]
            if isinstance(d, dict) and str(d.get("drugcharacterization")) in ("1", "3")
        } - {None}
        terms = [
            str(r["reactionmeddrapt"]).lower()
            for r in patient.get("reaction") or []
            if isinstance(r, dict) and r.get("reactionmeddrapt")
        ]
        skipped += len(suspects) < 2
        for pair in combinations(sorted(s for s in suspects if s), 2):
            reports[pair] += 1
            reactions.setdefault(pair, Counter()).update(set(terms))
    pairs = []
    for (a, b), count in sorted(reports.items()):
        if count >= MIN_REPORTS:
            common = ", ".join(t for t, _ in reactions[a, b].most_common(3))
            text = f"{count} reports; most often {common}"
            pairs.append(LayerPair(a=a, b=b, level="reported", reports=count, text=text))
    return {"rows": rows, "skipped": skipped, "pairs": tuple(pairs)}


def _results(path: Path) -> list[dict[str, Any]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ImportProblem(f"{path.name}, line {error.lineno}: not valid JSON ({error.msg})") from None
    except (UnicodeDecodeError, RecursionError, ValueError):
        raise ImportProblem(f"{path.name}: not a readable JSON file") from None
    results = document.get("results") if isinstance(document, dict) else None
    if not isinstance(results, list) or not results:
        raise ImportProblem(f"{path.name}: no 'results' list; an openFDA download or answer is expected")
    for number, record in enumerate(results, start=1):
        if not isinstance(record, dict):
            raise ImportProblem(f"{path.name}, record {number}: not a JSON object")
    return results
