"""Cross-references between tables: every id a row names must stand in a table, once."""

from collections import Counter
from collections.abc import Iterable, Iterator

from polypharmacy.knowledge.ingredient import Ingredient
from polypharmacy.knowledge.predicate import Predicate
from polypharmacy.knowledge.selector import Selector
from polypharmacy.knowledge.tables import Tables


def dangling(tables: Tables) -> list[str]:
    """Every id that is named and not held, or held twice, one line each, sorted."""
    return sorted({*_duplicates(tables), *_named(tables)})


def _duplicates(tables: Tables) -> Iterator[str]:
    held: dict[str, list[str]] = {
        "source": [r.id for r in tables.sources],
        "class": [r.id for r in tables.classes],
        "condition": [r.id for r in tables.conditions],
        "ingredient": [r.id for r in tables.ingredients],
        "product": [r.id for r in tables.products],
        "substitute": [r.id for r in tables.substitutes],
        "deprescribing": [r.id for r in tables.deprescribing],
    }
    held["rule"] = [r.id for r in tables.interactions] + [r.id for r in tables.burdens]
    held["rule"] += [r.id for r in tables.criteria] + [r.id for r in tables.organ_limits]
    held["rule"] += [r.id for r in tables.gene_limits]
    for what, ids in held.items():
        for id_, n in Counter(ids).items():
            if n > 1:
                yield f"{what} {id_!r} stands {n} times"


def _named(tables: Tables) -> Iterator[str]:
    known = {
        "source": {s.id for s in tables.sources},
        "class": {c.id for c in tables.classes},
        "condition": {c.id for c in tables.conditions},
        "drug": {i.id for i in tables.ingredients},
        "prop": set(Ingredient.model_fields) - {"id", "name", "pk", "sources"},
    }

    def missing(where: str, what: str, ids: Iterable[str]) -> Iterator[str]:
        for id_ in ids:
            if id_ not in known[what]:
                yield f"{where}: no {what} {id_!r}"

    def token(where: str, text: str) -> Iterator[str]:
        prefix, _, rest = text.partition(":")
        if prefix != "pk":
            name = rest.partition(">=")[0].partition("=")[0]
            yield from missing(where, prefix, [name])

    def selector(where: str, row: Selector | None) -> Iterator[str]:
        for text in (*row.any_of, *row.none_of) if row else ():
            yield from token(where, text)

    def predicate(where: str, row: Predicate | None) -> Iterator[str]:
        if row is None:
            return
        for part in (*(row.all_of or ()), *(row.any_of or ())):
            yield from predicate(where, part)
        yield from predicate(where, row.negated)
        yield from missing(where, "condition", row.condition or ())
        if row.indication:
            yield from missing(where, "condition", row.indication.one_of)
        yield from selector(where, row.drug)

    for id_, sources in tables.sources_by_row():
        yield from missing(id_, "source", sources)
    for c in tables.classes:
        yield from missing(c.id, "class", c.parents)
        yield from missing(c.id, "condition", c.treats)
    for i in tables.ingredients:
        yield from missing(i.id, "class", i.classes)
    for product in tables.products:
        yield from missing(product.id, "drug", product.ingredients)
    for rule in tables.interactions:
        for part in (rule.subject, rule.object, *rule.others):
            yield from selector(rule.id, part)
        yield from predicate(rule.id, rule.when)
        for modifier in rule.modifiers:
            yield from predicate(rule.id, modifier.when)
        for alternative in rule.alternatives:
            yield from missing(rule.id, "drug", [alternative])
    for burden in tables.burdens:
        yield from selector(burden.id, burden.count)
    for criterion in tables.criteria:
        yield from selector(criterion.id, criterion.drugs)
        yield from selector(criterion.id, criterion.missing)
        yield from predicate(criterion.id, criterion.when)
        yield from predicate(criterion.id, criterion.unless)
        yield from missing(criterion.id, "drug", [criterion.start] if criterion.start else [])
    for limit in tables.organ_limits:
        yield from missing(limit.id, "drug", [limit.drug])
    for gene in tables.gene_limits:
        yield from missing(gene.id, "drug", [gene.drug])
    for substitute in tables.substitutes:
        yield from token(substitute.id, substitute.instead_of)
        yield from missing(substitute.id, "drug", [substitute.replacement])
        yield from missing(substitute.id, "condition", substitute.not_with)
        if substitute.indication:
            yield from missing(substitute.id, "condition", [substitute.indication])
    for row in tables.deprescribing:
        yield from token(row.id, row.drugs)
