"""Every table of the knowledge base, read from a folder and validated row by row."""

import csv
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from polypharmacy.knowledge.burden import BurdenRule
from polypharmacy.knowledge.condition import Condition
from polypharmacy.knowledge.criterion import Criterion
from polypharmacy.knowledge.drug_class import DrugClass
from polypharmacy.knowledge.ingredient import FLAGS, Ingredient
from polypharmacy.knowledge.interaction import InteractionRule
from polypharmacy.knowledge.limit import GeneLimit, OrganLimit, Phenoconversion
from polypharmacy.knowledge.model import Row
from polypharmacy.knowledge.risk import RiskTable
from polypharmacy.knowledge.source import NameWords, Product, Source
from polypharmacy.knowledge.substitute import Deprescribing, Substitute

DATA = Path(__file__).parent / "data"


class KnowledgeError(ValueError):
    """A table that cannot be read; the message names the file, the row, the field and the mend."""


class Tables(Row):
    """The validated rows of one version. `hash` is the SHA-256 of every data file, first 16 hex digits."""

    version: str
    hash: str
    sources: tuple[Source, ...]
    classes: tuple[DrugClass, ...]
    conditions: tuple[Condition, ...]
    ingredients: tuple[Ingredient, ...]
    products: tuple[Product, ...]
    interactions: tuple[InteractionRule, ...]
    burdens: tuple[BurdenRule, ...]
    criteria: tuple[Criterion, ...]
    organ_limits: tuple[OrganLimit, ...]
    gene_limits: tuple[GeneLimit, ...]
    phenoconversions: tuple[Phenoconversion, ...]
    substitutes: tuple[Substitute, ...]
    deprescribing: tuple[Deprescribing, ...]
    words: NameWords
    risk: RiskTable

    def sources_by_row(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each row's id and the sources it cites."""
        for name in FILES:
            if name != "sources":
                for row in getattr(self, name):
                    yield row.id, row.sources


FILES: dict[str, tuple[str, type[Row]]] = {
    "sources": ("sources.yaml", Source),
    "classes": ("classes.csv", DrugClass),
    "conditions": ("conditions.csv", Condition),
    "ingredients": ("ingredients.csv", Ingredient),
    "products": ("products.csv", Product),
    "interactions": ("interactions*.yaml", InteractionRule),
    "burdens": ("burdens.yaml", BurdenRule),
    "criteria": ("beers_2023.yaml stopp_v3.yaml start_v3.yaml", Criterion),
    "organ_limits": ("renal_hepatic.csv", OrganLimit),
    "gene_limits": ("pharmacogenomics.csv", GeneLimit),
    "phenoconversions": ("phenoconversion.csv", Phenoconversion),
    "substitutes": ("substitutes.csv", Substitute),
    "deprescribing": ("deprescribing.csv", Deprescribing),
}


def read_tables(folder: Path = DATA, *, cache: bool = True) -> Tables:
    """Read and validate the tables in `folder`, from the cache when the files are unchanged.

    Raises KnowledgeError naming the file, row and field of every row that does not fit.
    """
    digest = content_hash(folder)
    cached = cache_folder() / f"tables-{digest}.json"
    if cache:
        try:
            return Tables.model_validate_json(cached.read_bytes())
        except (OSError, ValidationError):
            pass
    tables = _parse(folder, digest)
    if cache:
        _store(cached, tables)
    return tables


def content_hash(folder: Path) -> str:
    """SHA-256 of the data files, first 16 hex digits.

    Raises KnowledgeError when the folder has no data.
    """
    files = sorted(p for p in folder.iterdir() if p.is_file()) if folder.is_dir() else []
    if not files:
        raise KnowledgeError(f"{folder}: no knowledge tables there")
    digest = hashlib.sha256()
    for path in files:
        data = path.read_bytes()
        digest.update(f"{path.name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Where parsed tables are kept; a folder that cannot be written costs time, nothing else."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    return Path(root) / "polypharmacy" / code.hexdigest()[:12]


def _store(path: Path, tables: Tables) -> None:
    text = tables.model_dump_json(by_alias=True, exclude_defaults=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError:
        pass


def _parse(folder: Path, digest: str) -> Tables:
    problems: list[str] = []
    rows: dict[str, Any] = {}
    for table, (patterns, model) in FILES.items():
        rows[table] = []
        for pattern in patterns.split():
            for path in sorted(folder.glob(pattern)):
                for where, raw in _raw_rows(path, model):
                    try:
                        rows[table].append(model.model_validate(raw))
                    except ValidationError as error:
                        problems += _explain(f"{path.name}, {where}", error)
    if problems:
        raise KnowledgeError("\n".join(problems))
    try:
        return Tables(
            version=(folder / "VERSION").read_text(encoding="utf-8").strip(),
            hash=digest,
            words=NameWords.model_validate(_yaml(folder / "words.yaml")),
            risk=RiskTable.model_validate(_yaml(folder / "risk.yaml")),
            **rows,
        )
    except ValidationError as error:
        raise KnowledgeError("\n".join(_explain("words.yaml or risk.yaml", error))) from None
    except OSError as error:
        raise KnowledgeError(f"{error.filename}: {error.strerror}") from None


def _raw_rows(path: Path, model: type[Row]) -> Iterator[tuple[str, Any]]:
    if path.suffix == ".csv":
        text = path.read_text(encoding="utf-8")
        for number, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
            yield f"line {number} ({row.get('id')})", _typed(row, model)
        return
    document = _yaml(path)
    if not isinstance(document, list):
        raise KnowledgeError(f"{path.name}: must be a list of rows")
    for number, row in enumerate(document, start=1):
        name = row.get("id") if isinstance(row, dict) else None
        yield f"row {number} ({name})", row


def _yaml(path: Path) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except yaml.YAMLError as error:
        raise KnowledgeError(f"{path.name}: {' '.join(str(error).split())}") from None


def _typed(row: dict[str | None, Any], model: type[Row]) -> dict[str, Any]:
    """CSV text to what the model validates: empty cells are left out, lists are split on '|'."""
    out: dict[str, Any] = {}
    for column, cell in row.items():
        if column is None or cell is None:
            out["a row with too many or too few cells"] = cell
            continue
        cell = cell.strip()
        if cell == "":
            continue
        field = model.model_fields.get(column)
        if column == "pk":
            out[column] = [_pk(token) for token in cell.split("|")]
        elif field is not None and "tuple" in str(field.annotation):
            out[column] = [part.strip() for part in cell.split("|") if part.strip()]
        elif column in FLAGS or (field is not None and field.annotation is bool):
            out[column] = cell == "1" if cell in ("0", "1") else cell
        else:
            out[column] = cell
    return out


def _pk(token: str) -> dict[str, str]:
    protein, _, rest = token.strip().partition(":")
    action, _, strength = rest.partition(":")
    return {"protein": protein, "action": action, "strength": strength}


def _explain(where: str, error: ValidationError) -> list[str]:
    return [f"{where}, field {'.'.join(map(str, e['loc'])) or 'row'}: {e['msg']}" for e in error.errors()]
