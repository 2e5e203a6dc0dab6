"""What the knowledge base holds, counted."""

from typing import Any

from polypharmacy.knowledge.knowledge import Knowledge
from polypharmacy.knowledge.vocabulary import Severity


def stats(knowledge: Knowledge) -> dict[str, Any]:
    """Counts by table. Pairs are unordered ingredient pairs that a rule over exactly two drugs speaks of."""
    tables = knowledge.tables
    pairs = serious = 0
    for _, rules in knowledge.all_pairs():
        severities = [rule.severity.rank for rule, _, _ in rules if not rule.others]
        pairs += bool(severities)
        serious += bool(severities) and max(severities) >= Severity.ADJUST.rank
    criteria: dict[str, int] = {"beers_2023": 0, "stopp_v3": 0, "start_v3": 0}
    for row in tables.criteria:
        criteria[row.set] += 1
    status: dict[str, int] = {"reviewed": 0, "partial": 0, "unreviewed": 0}
    for ingredient in tables.ingredients:
        status[ingredient.review_status] += 1
    return {
        "version": knowledge.version,
        "hash": knowledge.hash,
        "ingredients": len(tables.ingredients),
        "ingredients_by_review_status": status,
        "names": len(knowledge.names),
        "classes": len(tables.classes),
        "conditions": len(tables.conditions),
        "rules": len(tables.interactions),
        "rules_second_reader": sum(r.review_status == "reviewed" for r in tables.interactions),
        "pairs": pairs,
        "pairs_adjust_or_above": serious,
        "multi_drug_rules": len(tables.burdens) + sum(bool(r.others) or r.cascade for r in tables.interactions),
        "criteria": {**criteria, "executable": sum(not r.needs for r in tables.criteria)},
        "renal_drugs": len({r.drug for r in tables.organ_limits if r.organ == "renal"}),
        "hepatic_drugs": len({r.drug for r in tables.organ_limits if r.organ == "hepatic"}),
        "pgx_drugs": len({r.drug for r in tables.gene_limits}),
        "substitutes": len(tables.substitutes),
        "deprescribing": len(tables.deprescribing),
        "sources": len(tables.sources),
    }
