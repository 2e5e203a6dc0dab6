"""What imported layers say of a patient's pairs, beside the curated findings and never in their place."""

from itertools import combinations

from polypharmacy.knowledge.layer import TITLES, Layer, LayerPair
from polypharmacy.knowledge.vocabulary import Kind
from polypharmacy.review.facts import Facts
from polypharmacy.review.finding import Finding
from polypharmacy.review.slot import Slot


def with_layers(findings: list[Finding], facts: Facts, slots: tuple[Slot, ...]) -> list[Finding]:
    """Curated findings, each naming the layers that list its pair too, and then pairs that only a layer lists.

    A layer's finding never interrupts and counts no risk: nobody here has read its rows.
    """
    out = list(findings)
    for layer in facts.knowledge.layers:
        listed = {(p.a, p.b): p for p in layer.pairs}
        curated = {f.mask: i for i, f in enumerate(out) if f.kind is Kind.INTERACTION}
        for a, b in combinations([s for s in slots if s.systemic], 2):
            pair = listed.get((a.drug, b.drug) if a.drug < b.drug else (b.drug, a.drug))
            if pair is None:
                continue
            position = curated.get(a.bit | b.bit)
            if position is None:
                out.append(_finding(layer, pair, a, b, facts))
                continue
            held = out[position]
            out[position] = held._replace(
                also=(*held.also, f"{layer.source}: {pair.level}"), sources=(*held.sources, layer.citation.id)
            )
    return out


def _finding(layer: Layer, pair: LayerPair, a: Slot, b: Slot, facts: Facts) -> Finding:
    names = [s.name for s in (a, b)]
    title = TITLES[layer.source]
    return Finding(
        id=f"{layer.source}-{pair.a}-{pair.b}",
        kind=Kind.INTERACTION,
        severity=pair.severity,
        drugs=(a.drug, b.drug),
        message=f"{names[0]} + {names[1]}: {title} says {pair.level.lower()}; not in the curated knowledge base",
        mechanism=pair.text or "The imported list gives no mechanism.",
        management=f"Check it in {title} and a label; nobody here has read this row.",
        evidence="low",
        sources=(layer.citation.id,),
        interrupts=False,
        harm="other",
        mask=a.bit | b.bit,
    )
