"""Facts stated beside a patient's record, which go before what the record says."""

from collections.abc import Mapping, Sequence
from typing import Any

from polypharmacy.knowledge import Knowledge
from polypharmacy.patients.errors import InputError
from polypharmacy.patients.measurements import POSSIBLE
from polypharmacy.patients.patient import Lab, Patient, RecordedCondition
from polypharmacy.patients.readers.builder import Builder


def with_stated(
    patient: Patient,
    knowledge: Knowledge,
    *,
    age: int | None = None,
    sex: str | None = None,
    egfr: float | None = None,
    creatinine: float | None = None,
    weight: float | None = None,
    child_pugh: str | None = None,
    conditions: Sequence[str] | None = None,
    allergies: Sequence[str] = (),
    labs: Mapping[str, float] | None = None,
    phenotypes: Mapping[str, str] | None = None,
) -> Patient:
    """The patient with what is stated; conditions (an empty list: there are none) make the problem list complete.

    Units are those of `Patient`. A condition that nobody knows is kept as not recognised. Raises InputError for a lab
    outside what is possible and a gene or phenotype that no limit names.
    """
    update: dict[str, Any] = {}
    for field, value in (
        ("age", age), ("sex", sex), ("measured_egfr", egfr), ("creatinine", creatinine), ("weight", weight),
        ("child_pugh", child_pugh),
    ):  # fmt: skip
        if value is not None:
            update[field] = value
    if creatinine is not None and egfr is None:
        update["measured_egfr"] = None
    if conditions is not None:
        rows = [RecordedCondition(text=text, ids=knowledge.condition_names.by_text(text)) for text in conditions]
        update["conditions"] = (*patient.conditions, *rows)
        update["conditions_complete"] = True
    if labs:
        update["labs"] = {**patient.labs, **{name: Lab(value=_possible(name, v)) for name, v in labs.items()}}
    if phenotypes:
        read = dict(_phenotype(gene, phenotype, knowledge) for gene, phenotype in phenotypes.items())
        update["phenotypes"] = {**patient.phenotypes, **read}
    if allergies:
        builder = Builder(knowledge)
        for text in allergies:
            builder.allergy(text)
        update["allergies"] = (*patient.allergies, *builder.allergies)
    return patient.model_copy(update=update)


def _possible(name: str, value: float) -> float:
    if name in ("egfr", "creatinine", "weight"):
        raise InputError(f"lab {name}: it has a field of its own, {name}")
    if name not in POSSIBLE:
        raise InputError(f"lab {name[:40]!r} is not read; known: {', '.join(POSSIBLE)}")
    low, high = POSSIBLE[name]
    if not low <= value <= high:
        raise InputError(f"lab {name}: it lies between {low} and {high}, not at {value}")
    return value


def _phenotype(gene: str, phenotype: str, knowledge: Knowledge) -> tuple[str, str]:
    """A gene and a phenotype that the tables know, in CPIC's spelling."""
    known: dict[str, set[str]] = {}
    for row in knowledge.tables.gene_limits:
        known.setdefault(row.gene, {"normal metabolizer", "normal function", "negative"}).update(row.phenotypes)
    gene = next((g for g in known if g.lower() == gene.lower()), gene)
    if gene not in known:
        raise InputError(f"phenotype: no limit is known for gene {gene[:40]!r}; known: {', '.join(sorted(known))}")
    phenotype = phenotype.lower().replace("metaboliser", "metabolizer")
    if phenotype not in known[gene] | {r.from_phenotype for r in knowledge.tables.phenoconversions}:
        raise InputError(f"phenotype of {gene}: {phenotype[:60]!r} is none of {', '.join(sorted(known[gene]))}")
    return gene, phenotype
