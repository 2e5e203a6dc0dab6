"""The knowledge base compiled for look-up: ids to rows, selectors to members, pairs to rules."""

import copy
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from polypharmacy.knowledge.condition_names import ConditionNames
from polypharmacy.knowledge.criterion import Criterion
from polypharmacy.knowledge.drug_class import DrugClass
from polypharmacy.knowledge.ingredient import Ingredient
from polypharmacy.knowledge.interaction import InteractionRule
from polypharmacy.knowledge.layer import Layer
from polypharmacy.knowledge.limit import GeneLimit, OrganLimit
from polypharmacy.knowledge.names import Names
from polypharmacy.knowledge.references import dangling
from polypharmacy.knowledge.selector import Selector
from polypharmacy.knowledge.substitute import Deprescribing, Substitute
from polypharmacy.knowledge.tables import DATA, KnowledgeError, Tables, read_tables
from polypharmacy.knowledge.vocabulary import Action

PairRule = tuple[InteractionRule, str, str]
"""A rule that speaks of a pair, the ingredient that is its subject and the one that is its object."""


class Knowledge:
    """Tables with every cross-reference resolved. Immutable after construction.

    Raises KnowledgeError listing every id that a row names and no table holds.
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.version = tables.version
        self.hash = tables.hash
        self.risk = tables.risk
        self.sources = {s.id: s for s in tables.sources}
        self.classes: dict[str, DrugClass] = {c.id: c for c in tables.classes}
        self.conditions = {c.id: c for c in tables.conditions}
        self.ingredients: dict[str, Ingredient] = {i.id: i for i in tables.ingredients}
        self.layers: tuple[Layer, ...] = ()
        self._ancestors = {c: self._closure(c, ()) for c in self.classes}
        self._classes_of: dict[str, frozenset[str]] = {}
        self._class_members: dict[str, list[str]] = {}
        self._duplicate_classes: dict[str, frozenset[str]] = {}
        self._tokens: dict[str, frozenset[str]] = {}
        self._selectors: dict[int, tuple[Selector, frozenset[str]]] = {}
        self._treats: dict[str, frozenset[str]] = {}
        self._treating: dict[tuple[str, str], str | None] = {}
        problems = dangling(tables)
        if problems:
            raise KnowledgeError("\n".join(problems))
        for id_, row in self.ingredients.items():
            held = frozenset().union(*(self._ancestors[c] for c in row.classes))
            self._classes_of[id_] = held
            for class_id in held:
                self._class_members.setdefault(class_id, []).append(id_)
            self._duplicate_classes[id_] = frozenset(c for c in held if self.classes[c].duplicate)
        self.names = Names(tables)
        self.condition_names = ConditionNames(tables)
        self._as_subject, self._as_object = self._index_rules()
        self._pairs: dict[tuple[str, str], tuple[PairRule, ...]] = {}
        self.rule_actions: dict[str, tuple[tuple[Action, str], ...]] = {
            rule.id: tuple((Action(verb), role) for verb, role in map(str.split, rule.actions))
            for rule in tables.interactions
        }
        self.required_conditions = {
            row.id: required
            for row in tables.criteria
            if row.when is not None and (required := row.when.required_conditions()) is not None
        }
        self.rule_effects = {rule.id: as_clause(rule.effect) for rule in tables.interactions}
        self.criteria_by_drug = self._by_drug(tables.criteria)
        self.start_criteria = tuple(c for c in tables.criteria if c.missing and not c.needs)
        self.unanswerable = tuple(c for c in tables.criteria if c.needs)
        self.organ_limits: dict[str, list[OrganLimit]] = {}
        self.gene_limits: dict[str, list[GeneLimit]] = {}
        for limit in tables.organ_limits:
            self.organ_limits.setdefault(limit.drug, []).append(limit)
        for gene in tables.gene_limits:
            self.gene_limits.setdefault(gene.drug, []).append(gene)
        self._substitutes: dict[str, tuple[Substitute, ...]] = {}
        self._deprescribing: dict[str, Deprescribing | None] = {}

    def with_layers(self, layers: Iterable[Layer]) -> "Knowledge":
        """This knowledge with imported layers switched on beside it; the tables are shared, not changed."""
        other = copy.copy(self)
        other.layers = tuple(layers)
        other.sources = {**self.sources, **{row.citation.id: row.citation for row in other.layers}}
        return other

    # -- look-ups ---------------------------------------------------------------------------

    def classes_of(self, drug: str) -> frozenset[str]:
        """Every class of an ingredient, through parents."""
        return self._classes_of[drug]

    def duplicate_classes(self, drug: str) -> frozenset[str]:
        """Those of its classes of which one medicine is enough."""
        return self._duplicate_classes[drug]

    def ancestors(self, class_id: str) -> frozenset[str]:
        """A class and every class above it."""
        return self._ancestors[class_id]

    def members(self, selector: Selector) -> frozenset[str]:
        """Ingredient ids a selector speaks of, routes aside."""
        held = self._selectors.get(id(selector))  # by identity: hashing a row costs more than the look-up
        if held is None or held[0] is not selector:
            found = frozenset().union(*(self.select(t) for t in selector.any_of))
            for token in selector.none_of:
                found -= self.select(token)
            held = self._selectors[id(selector)] = (selector, found)
        return held[1]

    def select(self, token: str) -> frozenset[str]:
        """Ingredient ids a selector token speaks of (grammar in `selector`)."""
        if token not in self._tokens:
            self._tokens[token] = frozenset(self._matching(token))
        return self._tokens[token]

    def pair_rules(self, a: str, b: str) -> tuple[PairRule, ...]:
        """Rules whose subject and object are these two ingredients, in either order, in the tables' order.

        Where both drugs fit both ends of a rule, the first by name is its subject.
        """
        key = (a, b) if a < b else (b, a)
        held = self._pairs.get(key)
        if held is None:
            held = self._pairs[key] = self._speaking_of(*key)
        return held

    def all_pairs(self) -> Iterator[tuple[tuple[str, str], tuple[PairRule, ...]]]:
        """Every pair of ingredients that some rule speaks of, with its rules."""
        seen: set[tuple[str, str]] = set()
        for rule in self.tables.interactions:
            objects = self.members(rule.object)
            seen.update((s, o) if s < o else (o, s) for s in self.members(rule.subject) for o in objects if s != o)
        for key in sorted(seen):
            yield key, self.pair_rules(*key)

    def substitutes_for(self, drug: str) -> tuple[Substitute, ...]:
        """Substitutes for an ingredient, those naming it before those naming its classes."""
        if drug not in self._substitutes:
            rows = [s for s in self.tables.substitutes if drug in self.select(s.instead_of) and s.replacement != drug]
            rows.sort(key=lambda s: not s.instead_of.startswith("drug:"))
            self._substitutes[drug] = tuple(rows)
        return self._substitutes[drug]

    def deprescribing_of(self, drug: str) -> Deprescribing | None:
        """How to come off an ingredient; a row naming it goes before one naming its class."""
        if drug not in self._deprescribing:
            rows = [d for d in self.tables.deprescribing if drug in self.select(d.drugs)]
            rows.sort(key=lambda d: not d.drugs.startswith("drug:"))
            self._deprescribing[drug] = rows[0] if rows else None
        return self._deprescribing[drug]

    def treats(self, drug: str) -> frozenset[str]:
        """Condition ids an ingredient's classes are effective for."""
        held = self._treats.get(drug)
        if held is None:
            held = frozenset(t for c in self.classes_of(drug) for t in self.classes[c].treats)
            self._treats[drug] = held
        return held

    def treating_class(self, drug: str, condition: str) -> str | None:
        """The broadest of an ingredient's classes that treats a condition, or None."""
        key = (drug, condition)
        if key not in self._treating:
            treating = [c for c in self.classes_of(drug) if condition in self.classes[c].treats]
            self._treating[key] = min(treating, key=lambda c: (len(self._ancestors[c]), c), default=None)
        return self._treating[key]

    def is_critical(self, drug: str) -> bool:
        """Whether the drug must not be stopped without a replacement or a taper."""
        return any(self.classes[c].critical for c in self.classes_of(drug))

    def default_need(self, drug: str) -> int:
        """Points of need for a drug whose indication is not known; never 0."""
        return max(self.risk.need[self.classes[c].need] for c in self.ingredients[drug].classes)

    def cite(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """The citations behind source ids."""
        return tuple(self.sources[k].citation for k in keys)

    # -- compilation ------------------------------------------------------------------------

    def _closure(self, class_id: str, path: tuple[str, ...]) -> frozenset[str]:
        if class_id in path:
            raise KnowledgeError(f"classes.csv, {class_id}: is its own ancestor")
        row = self.classes.get(class_id)
        if row is None:
            raise KnowledgeError(f"classes.csv, {path[-1]}: no class {class_id!r}")
        return frozenset({class_id}).union(*(self._closure(p, (*path, class_id)) for p in row.parents))

    def _matching(self, token: str) -> Iterator[str]:
        prefix, _, rest = token.partition(":")
        if prefix == "drug":
            yield rest
        elif prefix == "class":
            yield from self._class_members.get(rest, ())
        elif prefix == "prop":
            name, graded, least = rest.partition(">=")
            name, _, values = name.partition("=")
            for drug, row in self.ingredients.items():
                value = getattr(row, name)
                if graded:
                    matches = value >= int(least)
                elif values:
                    matches = value in values.split(",")
                else:
                    matches = bool(value)
                if matches:
                    yield drug
        else:
            protein, _, action = rest.partition(":")
            action, _, strengths = action.partition("=")
            for drug, row in self.ingredients.items():
                if any(
                    p.protein == protein
                    and p.action == action
                    and (not strengths or p.strength in strengths.split(","))
                    for p in row.pk
                ):
                    yield drug

    def _index_rules(self) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
        """Of each ingredient the rules, by position, that it is the subject and the object of."""
        subjects: dict[str, set[int]] = {}
        objects: dict[str, set[int]] = {}
        for position, rule in enumerate(self.tables.interactions):
            for drug in self.members(rule.subject):
                subjects.setdefault(drug, set()).add(position)
            for drug in self.members(rule.object):
                objects.setdefault(drug, set()).add(position)
        return subjects, objects

    def _speaking_of(self, a: str, b: str) -> tuple[PairRule, ...]:
        if a == b:
            return ()
        none: set[int] = set()
        forward = self._as_subject.get(a, none) & self._as_object.get(b, none)
        backward = (self._as_subject.get(b, none) & self._as_object.get(a, none)) - forward
        rules = self.tables.interactions
        return tuple([(rules[i], a, b) if i in forward else (rules[i], b, a) for i in sorted(forward | backward)])

    def _by_drug(self, criteria: tuple[Criterion, ...]) -> dict[str, tuple[Criterion, ...]]:
        table: dict[str, list[Criterion]] = {}
        for row in criteria:
            if row.drugs is not None and not row.needs and row.missing is None:
                for drug in self.members(row.drugs):
                    table.setdefault(drug, []).append(row)
        return {drug: tuple(rows) for drug, rows in table.items()}


def as_clause(sentence: str) -> str:
    """A clause out of a sentence: no full stop, and a small first letter unless the word is an abbreviation."""
    text = sentence.rstrip(".")
    word = text.split(" ", 1)[0]
    return text if len(word) > 1 and word[1:].isupper() else text[:1].lower() + text[1:]


@lru_cache(maxsize=4)
def load(folder: Path = DATA) -> Knowledge:
    """The compiled knowledge base, read once per process. Raises KnowledgeError."""
    return Knowledge(read_tables(folder))
