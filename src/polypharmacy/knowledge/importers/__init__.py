"""Readers of what others publish, each returning the content of a Layer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from polypharmacy.knowledge.importers.ddinter import read_ddinter
from polypharmacy.knowledge.importers.drugbank import read_drugbank
from polypharmacy.knowledge.importers.openfda import read_faers, read_labels
from polypharmacy.knowledge.importers.resolver import Resolver
from polypharmacy.knowledge.layer import LayerSource

READERS: dict[LayerSource, Callable[[Path, Resolver], dict[str, Any]]] = {
    "ddinter": read_ddinter,
    "drugbank": read_drugbank,
    "openfda-label": read_labels,
    "faers": read_faers,
}

__all__ = ["READERS", "Resolver"]
