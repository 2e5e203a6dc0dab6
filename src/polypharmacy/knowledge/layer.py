"""What a user has imported under their own licence, kept apart from the curated tables.

A layer is one JSON file in the user's data folder. It is switched on per review, it never interrupts, it counts
no risk, and beside a curated rule it is shown under that rule and never in its place.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from polypharmacy.knowledge.model import Row
from polypharmacy.knowledge.names import Names
from polypharmacy.knowledge.source import Source
from polypharmacy.knowledge.vocabulary import Severity

LayerSource = Literal["ddinter", "drugbank", "openfda-label", "faers"]
TITLES: dict[LayerSource, str] = {
    "ddinter": "DDInter drug-drug interaction list",
    "drugbank": "DrugBank",
    "openfda-label": "openFDA drug labels",
    "faers": "openFDA adverse event reports (FAERS)",
}


class LayerPair(Row):
    """What a source says of two ingredients, ids in order. `severity` is ours where its levels can be mapped."""

    a: str
    b: str
    level: str
    text: str = ""
    severity: Severity = Severity.MONITOR
    reports: int = 0


class LayerLabel(Row):
    """A section of a product label of one ingredient."""

    drug: str
    section: str
    text: str


class Layer(Row):
    """An import and its provenance. `skipped` counts rows whose drugs the knowledge base does not know."""

    source: LayerSource
    file: str
    sha256: str
    imported: date
    rows: int
    skipped: int
    pairs: tuple[LayerPair, ...] = ()
    labels: tuple[LayerLabel, ...] = ()

    @property
    def citation(self) -> Source:
        """The layer as a source that findings cite."""
        text = f"{TITLES[self.source]}, imported from {self.file} on {self.imported} (SHA-256 {self.sha256[:12]})."
        return Source(id=f"layer-{self.source}", kind="list", citation=text)


class ImportProblem(ValueError):
    """A file that cannot be imported; the message names the line or record and the mend."""


def layer_folder() -> Path:
    """Where layers are kept."""
    root = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(root) / "polypharmacy" / "layers"


def import_layer(source: LayerSource, path: Path, names: Names, today: date) -> Layer:
    """Read a file whole and keep it as the layer of its source, in place of an earlier import.

    Raises ImportProblem, and then keeps nothing of it.
    """
    from polypharmacy.knowledge.importers import READERS, Resolver

    try:
        digest = _sha256(path)
        content = READERS[source](path, Resolver(names))
    except OSError as error:
        raise ImportProblem(f"{path.name}: {error.strerror or 'cannot be read'}") from None
    layer = Layer(source=source, file=path.name, sha256=digest, imported=today, **content)
    target = layer_folder() / f"{source}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}")
    partial.write_text(layer.model_dump_json(exclude_defaults=True), encoding="utf-8")
    partial.replace(target)
    return layer


def load_layer(source: str) -> Layer:
    """The layer imported from a source. Raises ImportProblem when there is none or it is damaged."""
    if source not in TITLES:
        raise ImportProblem(f"no layer is called {source!r}; there can be {', '.join(TITLES)}")
    path = layer_folder() / f"{source}.json"
    try:
        return Layer.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ImportProblem(f"{source} is not imported; run `polypharmacy knowledge import {source} FILE`") from None
    except (OSError, ValidationError):
        raise ImportProblem(f"the layer {source} is damaged; import it again") from None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        chunks: Iterator[bytes] = iter(_reader(file.read), b"")
        for chunk in chunks:
            digest.update(chunk)
    return digest.hexdigest()


def _reader(read: Callable[[int], bytes]) -> Callable[[], bytes]:
    return lambda: read(1 << 20)
