"""Laws of regimen risk."""

from hypothesis import given
from hypothesis import strategies as st

from polypharmacy.knowledge.risk import RiskTable
from polypharmacy.knowledge.tables import DATA, read_tables
from polypharmacy.knowledge.vocabulary import Action, Kind, Severity
from polypharmacy.review.finding import Finding
from polypharmacy.review.regimen import Intervention, Need, Regimen

RISK: RiskTable = read_tables(DATA, cache=False).risk
SIZE = 5
MASKS = st.integers(min_value=1, max_value=(1 << SIZE) - 1)


def finding(kind: Kind, severity: Severity, mask: int, dose_matters: int) -> Finding:
    return Finding("f", kind, severity, (), "", "", "", "high", (), False, "other", mask, (), dose_matters & mask)


FINDINGS = st.lists(
    st.builds(finding, st.sampled_from(list(Kind)), st.sampled_from(list(Severity)), MASKS, MASKS), max_size=12
)
NEEDS = st.lists(st.builds(Need, st.just("need"), MASKS, st.integers(1, 45)), max_size=6)
ACTIONS = st.sampled_from([Action.STOP, Action.REDUCE, Action.MONITOR])
PLANS = st.dictionaries(st.integers(0, SIZE - 1), ACTIONS.map(Intervention), max_size=SIZE)


def regimen(findings: list[Finding], needs: list[Need]) -> Regimen:
    return Regimen(RISK, SIZE, tuple(findings), (), tuple(needs))


@given(FINDINGS, NEEDS, PLANS)
def test_points_are_whole_never_negative_and_displayed_within_one(
    findings: list[Finding], needs: list[Need], plan: dict[int, Intervention]
) -> None:
    points = regimen(findings, needs).points(plan)
    assert isinstance(points, int)
    assert points >= 0
    assert 0 <= RISK.displayed(points, SIZE) <= 1


@given(FINDINGS, PLANS)
def test_without_needs_no_intervention_raises_risk(findings: list[Finding], plan: dict[int, Intervention]) -> None:
    whole = regimen(findings, [])
    assert whole.points(plan) <= whole.points()


@given(FINDINGS, NEEDS, PLANS)
def test_the_order_of_interventions_does_not_matter(
    findings: list[Finding], needs: list[Need], plan: dict[int, Intervention]
) -> None:
    whole = regimen(findings, needs)
    assert whole.components(plan) == whole.components(dict(reversed(plan.items())))


@given(FINDINGS, NEEDS)
def test_stopping_everything_leaves_only_need(findings: list[Finding], needs: list[Need]) -> None:
    plan = {i: Intervention(Action.STOP) for i in range(SIZE)}
    assert regimen(findings, needs).points(plan) == sum(n.points for n in needs)


@given(MASKS, st.sampled_from([Severity.CONTRAINDICATED, Severity.AVOID]), st.integers(0, SIZE - 1))
def test_monitoring_leaves_all_of_contraindicated_and_avoid(mask: int, severity: Severity, index: int) -> None:
    whole = regimen([finding(Kind.INTERACTION, severity, mask, 0)], [])
    assert whole.points({index: Intervention(Action.MONITOR)}) == whole.points()


@given(MASKS, st.sampled_from(list(Severity)), st.integers(0, SIZE - 1))
def test_a_reduction_helps_only_where_the_dose_matters(mask: int, severity: Severity, index: int) -> None:
    plan = {index: Intervention(Action.REDUCE)}
    indifferent = regimen([finding(Kind.INTERACTION, severity, mask, 0)], [])
    assert indifferent.points(plan) == indifferent.points()


def test_need_is_charged_when_the_last_drug_for_it_goes() -> None:
    shared = regimen([], [Need("hypertension", 0b11, 8)])
    assert shared.points({0: Intervention(Action.STOP)}) == 0
    assert shared.points({0: Intervention(Action.STOP), 1: Intervention(Action.REDUCE)}) == 8 * 20 // 100
    assert shared.points({0: Intervention(Action.STOP), 1: Intervention(Action.STOP)}) == 8


def test_a_switch_keeps_the_need_met_and_brings_the_replacements_findings() -> None:
    new = finding(Kind.INTERACTION, Severity.AVOID, 0b100001, 0)  # slot 0 with candidate slot 5
    whole = regimen([new], [Need("pain", 0b10, 8)])
    assert whole.points() == 0
    assert whole.points({1: Intervention(Action.SWITCH, 5)}) == 30
