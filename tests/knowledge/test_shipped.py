"""The shipped knowledge base: names people write, and pairs whose answer is settled."""

import pytest

from polypharmacy.knowledge import Knowledge
from polypharmacy.knowledge.check import check
from polypharmacy.knowledge.interaction import Modifier
from polypharmacy.knowledge.predicate import Predicate
from polypharmacy.knowledge.stats import stats
from polypharmacy.knowledge.vocabulary import Severity


@pytest.mark.parametrize(
    ("text", "ingredients"),
    [
        ("Metoprolol Succinate ER 50 mg", "metoprolol"),
        ("lisinopril/HCTZ", "lisinopril hydrochlorothiazide"),
        ("LISINOPRIL; HYDROCHLOROTHIAZIDE", "lisinopril hydrochlorothiazide"),
        ("acetaminophen", "paracetamol"),
        ("albuterol", "salbutamol"),
        ("glyburide", "glibenclamide"),
        ("Tylenol PM", "paracetamol diphenhydramine"),
        ("co-codamol 30/500", "codeine paracetamol"),
        ("Norco 5-325", "hydrocodone paracetamol"),
        ("Acetaminophen 325 MG / Hydrocodone Bitartrate 5 MG Oral Tablet [Norco]", "paracetamol hydrocodone"),
        ("24 HR metoprolol succinate 50 MG Extended Release Oral Tablet", "metoprolol"),
        ("NDA020503 200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler", "salbutamol"),
        ("Insulin Glargine 100 UNT/ML Pen Injector [Lantus]", "insulin_glargine"),
        ("potassium chloride ER 20 mEq", "potassium_chloride"),
        ("losartan-potassium 50 mg", "losartan"),
        ("atorvastatin calcium 20mg", "atorvastatin"),
        ("levothyroxine sodium 75 mcg", "levothyroxine"),
        ("vitamin D3 1000 IU", "colecalciferol"),
        ("Eliquis 5mg", "apixaban"),
        ("Lasix", "furosemide"),
        ("frusemide", "furosemide"),
        ("Jardiance 10 mg", "empagliflozin"),
        ("Ozempic", "semaglutide"),
        ("Advair Diskus 250/50", "fluticasone salmeterol"),
        ("baby aspirin", "aspirin"),
        ("St. John's wort", "st_johns_wort"),
        ("DORZOLAMIDE; TIMOLOL OPHTHALMIC", "dorzolamide timolol"),
    ],
)
def test_names(shipped: Knowledge, text: str, ingredients: str) -> None:
    assert sorted(shipped.names.resolve(text).ingredients) == sorted(ingredients.split())


def test_integrity(shipped: Knowledge) -> None:
    assert check(shipped) == []


def test_breadth(shipped: Knowledge) -> None:
    counted = stats(shipped)
    assert counted["ingredients"] >= 150
    assert counted["rules"] >= 60
    assert counted["renal_drugs"] >= 60


def test_every_rule_at_avoid_or_above_was_read_twice(shipped: Knowledge) -> None:
    unread = [
        rule.id
        for rule in shipped.tables.interactions
        if max(rule.severity.rank, *(m.severity.rank for m in rule.modifiers), 0) >= Severity.AVOID.rank
        and rule.review_status == "unreviewed"
    ]
    assert unread == []
    for rows in (shipped.tables.criteria, shipped.tables.organ_limits, shipped.tables.gene_limits):
        serious = [r for r in rows if r.severity.rank >= Severity.AVOID.rank]
        assert serious
        assert [r.id for r in serious if r.review_status == "unreviewed"] == []


def test_every_rule_at_avoid_or_above_says_what_it_was_read_against(shipped: Knowledge) -> None:
    for rule in shipped.tables.interactions:
        if max(rule.severity.rank, *(m.severity.rank for m in rule.modifiers), 0) >= Severity.AVOID.rank:
            assert rule.read_against, rule.id
            assert set(rule.read_against) <= set(rule.sources), rule.id


@pytest.mark.parametrize(
    ("modifiers", "found"),
    [((), True), ((Severity.AWARE,), True), ((Severity.MONITOR,), False)],
)
def test_a_contradiction_is_told_apart_only_by_a_modifier_that_gives_the_other_severity(
    shipped: Knowledge, modifiers: tuple[Severity, ...], found: bool
) -> None:
    rule = next(r for r in shipped.tables.interactions if r.id == "nsaid-vka").model_copy(update={"modifiers": ()})
    when = Predicate(sex="female")
    first = rule.model_copy(update={"modifiers": tuple(Modifier(when=when, severity=s, why="-") for s in modifiers)})
    second = rule.model_copy(update={"id": "other", "severity": Severity.MONITOR})
    tables = shipped.tables.model_copy(update={"interactions": (first, second)})
    assert any(p.what == "contradiction" for p in check(Knowledge(tables))) is found
