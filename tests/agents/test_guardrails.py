"""No suggestion passes that is not open, or stops a critical medicine that has neither substitute nor taper."""

import numpy as np
import pytest

from polypharmacy.agents.guardrails import Illegal, guard, held_back, taper_of
from polypharmacy.env.bank import Bank
from polypharmacy.env.episode import Episode
from polypharmacy.env.layout import (
    ACTIONS,
    FINISH,
    FIRST_INTERVENTION,
    INTERVENTIONS,
    MONITOR,
    STOP,
    SUBSTITUTE,
)
from polypharmacy.knowledge import Knowledge

Banks = dict[str, Bank]


def test_every_open_action_in_every_state_of_random_play(banks: Banks, shipped: Knowledge) -> None:
    draw = np.random.default_rng(3)
    drugs = list(shipped.ingredients)
    changed = kept = 0
    for bank in banks.values():
        for index in range(3):
            episode = Episode(bank, index)
            while not episode.done:
                seen = episode.view
                for number in np.flatnonzero(seen.mask):
                    guarded = guard(seen, int(number), shipped)
                    assert seen.mask[guarded.number]
                    names = [g.name for g in guarded.guardrails]
                    assert names[:2] == ["known_drugs", "legal_actions"]
                    slot, kind = divmod(guarded.number - FIRST_INTERVENTION, INTERVENTIONS)
                    if FIRST_INTERVENTION <= guarded.number < FINISH and kind == STOP:
                        drug = drugs[int(seen.drug[seen.candidate(slot)])]
                        assert not shipped.is_critical(drug) or taper_of(drug, shipped)
                        assert ("taper" in names) == (taper_of(drug, shipped) is not None)
                    if guarded.number != number:
                        changed += 1
                        assert any(g.changed and g.name == "critical_medicines" for g in guarded.guardrails)
                        assert kind in (SUBSTITUTE, MONITOR)
                        first = FIRST_INTERVENTION + slot * INTERVENTIONS
                        assert (kind == SUBSTITUTE) == bool(seen.mask[first + SUBSTITUTE])
                    else:
                        kept += 1
                episode.step(int(draw.choice(np.flatnonzero(seen.mask))))
    assert changed > 20
    assert kept > 500


def test_what_is_not_open_passes_nowhere(banks: Banks, shipped: Knowledge) -> None:
    episode = Episode(banks["easy_screening"], 0)
    closed = [n for n in range(ACTIONS) if not episode.view.mask[n]]
    assert closed
    for number in (*closed, -1, ACTIONS, 10_000):
        with pytest.raises(Illegal):
            guard(episode.view, number, shipped)


def test_a_critical_medicine_is_held_back_exactly_where_no_taper_is_known(shipped: Knowledge) -> None:
    critical = [d for d in shipped.ingredients if shipped.is_critical(d)]
    assert {d for d in shipped.ingredients if held_back(d, shipped)} == {
        d for d in critical if not taper_of(d, shipped)
    }
    for drug in ("warfarin", "apixaban", "clopidogrel", "digoxin", "insulin_glargine", "levothyroxine"):
        assert held_back(drug, shipped), drug
    for drug in ("lorazepam", "sertraline", "oxycodone", "metoprolol"):
        assert shipped.is_critical(drug), drug
        assert held_back(drug, shipped) is None, drug
    assert held_back("simvastatin", shipped) is None


def test_what_counts_as_a_taper_is_one(shipped: Knowledge) -> None:
    """Rows of deprescribing.csv by which a critical medicine may be stopped say how, not that none is needed."""
    for drug in shipped.ingredients:
        text = taper_of(drug, shipped)
        if shipped.is_critical(drug) and text is not None:
            assert not text.lower().startswith(("no taper", "stop at once", "stop without", "do not stop")), (
                drug,
                text,
            )
