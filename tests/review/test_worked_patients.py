"""The contract, on three patients whose severity, interrupting, points and plan are worked by hand.

Points (risk.yaml): interaction contraindicated 60, avoid 30, adjust 12, aware 1; beers avoid 14; renal adjust
10; burden avoid 8 a unit. Need: low 3, moderate 8, high 20, vital 45; reduced 20 percent of it.
"""

from polypharmacy.knowledge import Knowledge
from polypharmacy.patients.readers import parse_patient
from polypharmacy.review import Review, review

ANNA = """
age: 82
sex: female
conditions: atrial fibrillation, osteoarthritis
warfarin 3 mg daily
ibuprofen 400 mg three times a day
"""
BELA = """
age: 70
sex: male
conditions: hypertension, high cholesterol
simvastatin {dose} mg at night
amlodipine 5 mg daily
"""
CORA = """
age: 88
sex: female
eGFR: 45
conditions: insomnia, history of falls, osteoarthritis, hypertension
zolpidem 5 mg at bedtime
oxycodone 5 mg twice daily
ramipril 10 mg daily
"""


def reviewed(text: str, knowledge: Knowledge) -> Review:
    return review(parse_patient(text, knowledge), knowledge)


def severities(result: Review) -> dict[str, str]:
    return {f.id: f.severity.value for f in result.findings}


def test_anna_bleeds_on_warfarin_and_ibuprofen(small: Knowledge) -> None:
    result = reviewed(ANNA, small)
    assert severities(result) == {"nsaid-warfarin": "avoid"}
    assert [f.id for f in result.interrupting] == ["nsaid-warfarin"]
    assert result.components == {"interaction": 30}
    assert result.displayed_risk == 1.0  # 30 / (15 x 2 drugs)
    # Stopping warfarin would leave atrial fibrillation (vital, 45); stopping ibuprofen osteoarthritis (8);
    # a switch to paracetamol leaves neither, so it drops all 30.
    (step,) = result.plan
    assert (step.action.value, step.drug, step.replacement, step.risk_drop) == (
        "switch",
        "ibuprofen",
        "paracetamol",
        30,
    )
    assert result.points_after == 0


def test_anna_with_an_ulcer_is_contraindicated(small: Knowledge) -> None:
    result = reviewed(ANNA.replace("osteoarthritis", "osteoarthritis, stomach ulcer"), small)
    assert severities(result) == {"nsaid-warfarin": "contraindicated"}
    assert result.components == {"interaction": 60}


def test_bela_at_40_mg_is_adjusted_and_does_not_interrupt(small: Knowledge) -> None:
    result = reviewed(BELA.format(dose=40), small)
    assert severities(result) == {"simvastatin-amlodipine": "adjust"}
    assert result.interrupting == ()
    assert result.components == {"interaction": 12}
    # Reducing leaves 35 percent of 12, rounded down: 4; and 20 percent of need 8: 1. Drop 12 - 5 = 7.
    (step,) = result.plan
    assert (step.action.value, step.drug, step.risk_drop) == ("reduce", "simvastatin", 7)
    assert result.components_after == {"interaction": 4, "need": 1}


def test_bela_at_10_mg_needs_nothing(small: Knowledge) -> None:
    result = reviewed(BELA.format(dose=10), small)
    assert severities(result) == {"simvastatin-amlodipine": "aware"}
    assert result.components == {"interaction": 1}
    assert result.plan == ()


def test_bela_with_no_dose_keeps_the_rule_and_says_what_would_change_it(small: Knowledge) -> None:
    result = reviewed("simvastatin\namlodipine", small)
    assert severities(result) == {"simvastatin-amlodipine": "adjust"}
    assert result.findings[0].would_change == ("daily dose of simvastatin",)


def test_cora_has_a_known_fall_so_the_high_harm_criterion_interrupts(small: Knowledge) -> None:
    result = reviewed(CORA, small)
    assert severities(result) == {
        "opioid-hypnotic": "avoid",
        "beers-hypnotic-falls": "avoid",
        "beers-hypnotic": "avoid",
        "sedatives-two": "avoid",
        "ramipril-renal": "adjust",
    }
    # The interaction interrupts; the fall criterion is met and high-harm; the plain Table 2 row and the
    # burden never do, whatever their severity.
    assert [f.id for f in result.interrupting] == ["opioid-hypnotic", "beers-hypnotic-falls"]
    assert result.components == {"interaction": 30, "beers": 28, "burden": 8, "renal": 10}
    # Stopping zolpidem takes 30 + 28 + 8 and leaves insomnia (3); reducing ramipril takes 10 to 3 and
    # costs 20 percent of 8, rounded down.
    assert [(s.action.value, s.drug, s.risk_drop) for s in result.plan] == [
        ("stop", "zolpidem", 63),
        ("reduce", "ramipril", 6),
    ]
    assert result.plan[0].taper == "Lower the dose by a quarter every two weeks. Watch sleep and withdrawal."
    assert result.points_after == 76 - 63 - 6


def test_cora_without_a_problem_list_is_asked_for_it(small: Knowledge) -> None:
    result = reviewed("age: 88\nzolpidem 5 mg at bedtime", small)
    assert severities(result) == {"beers-hypnotic": "avoid"}
    assert result.interrupting == ()
    assert [(n.id, n.needs) for n in result.not_evaluated] == [
        ("beers-hypnotic-falls", ("problem list (falls)",)),
        ("start-anticoagulant-af", ("problem list (atrial fibrillation)",)),
    ]


def test_an_omission_is_a_start_finding_and_no_risk(small: Knowledge) -> None:
    result = reviewed("age: 80\nconditions: atrial fibrillation\namlodipine 5 mg daily", small)
    assert [(f.kind.value, f.id) for f in result.findings] == [("start", "start-anticoagulant-af")]
    assert result.points == 0
    assert [(s.action.value, s.drug, s.risk_drop) for s in result.plan] == [("start", "warfarin", 0)]


def test_criteria_for_older_people_are_silent_below_65(small: Knowledge) -> None:
    assert reviewed("age: 50\nzolpidem 5 mg at bedtime", small).findings == ()
