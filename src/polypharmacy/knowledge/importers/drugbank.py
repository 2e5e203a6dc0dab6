"""DrugBank's full database XML, read as a stream: the real file is over 1 GB."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from polypharmacy.knowledge.importers.resolver import Resolver
from polypharmacy.knowledge.layer import ImportProblem, LayerPair

NAMESPACE = "{http://www.drugbank.ca}"


def read_drugbank(path: Path, resolver: Resolver) -> dict[str, Any]:
    """Pairs with DrugBank's description. It states no severity, so each is shown to be watched, no more."""
    pairs: dict[tuple[str, str], LayerPair] = {}
    rows = skipped = depth = drugs = 0
    root: ElementTree.Element | None = None
    try:
        for event, element in ElementTree.iterparse(path, events=("start", "end")):
            if event == "start":
                if root is None:
                    root = element
                    if element.tag != f"{NAMESPACE}drugbank":
                        raise ImportProblem(f"{path.name}: its root is {element.tag!r}, not a DrugBank export")
                depth += 1
                continue
            depth -= 1
            # Drugs also stand deep inside pathways; only those right under the root are entries.
            if depth != 1 or element.tag != f"{NAMESPACE}drug":
                continue
            drugs += 1
            name = element.findtext(f"{NAMESPACE}name")
            if not name:
                raise ImportProblem(f"{path.name}: drug entry {drugs} has no name")
            for interaction in element.iterfind(f"{NAMESPACE}drug-interactions/{NAMESPACE}drug-interaction"):
                rows += 1
                other = interaction.findtext(f"{NAMESPACE}name") or ""
                key = resolver.pair(name, other)
                if key is None:
                    skipped += 1
                    continue
                text = " ".join((interaction.findtext(f"{NAMESPACE}description") or "").split())
                pairs.setdefault(key, LayerPair(a=key[0], b=key[1], level="listed", text=text))
            element.clear()
            if root is not None:
                root.clear()
    except ElementTree.ParseError as error:
        raise ImportProblem(f"{path.name}, line {error.position[0]}: not well-formed XML ({error.msg})") from None
    if drugs == 0:
        raise ImportProblem(f"{path.name}: no drug entries in it")
    return {"rows": rows, "skipped": skipped, "pairs": tuple(pairs[k] for k in sorted(pairs))}
