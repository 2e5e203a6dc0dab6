"""Episodes as OpenEnv sees them, worked by hand and against the environment they are played on."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from polypharmacy.env.openenv import observer
from polypharmacy.env.openenv.banks import Banks
from polypharmacy.env.openenv.environment import CallReset, PolypharmacyEnvironment, observation_of, options_of
from polypharmacy.env.openenv.models import PolypharmacyAction, PolypharmacyObservation
from polypharmacy.env.text import render
from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import InputError

TASKS = ("easy_screening", "budgeted_screening", "complex_tradeoff")
LIST = "warfarin 5 mg daily\nibuprofen 400 mg three times daily\nmetformin 500 mg twice daily\nzorbanexil 3 mg daily"


@pytest.fixture(scope="session")
def banks(_own_cache: None) -> Banks:
    return Banks(workers=1)


@pytest.fixture
def env(banks: Banks) -> PolypharmacyEnvironment:
    return PolypharmacyEnvironment(banks)


def query(first: str, second: str) -> PolypharmacyAction:
    return PolypharmacyAction(action_type="query_ddi", drug_id_1=first, drug_id_2=second)


def intervene(target: str, kind: Any, new: str | None = None) -> PolypharmacyAction:
    return PolypharmacyAction(
        action_type="propose_intervention", target_drug_id=target, intervention_type=kind, proposed_new_drug_id=new
    )


FINISH = PolypharmacyAction(action_type="finish_review")


def legal(seen: PolypharmacyObservation) -> list[PolypharmacyAction]:
    """Every action that an observation says is open."""
    offered = seen.legal_actions
    actions = [query(a, b) for a, partners in offered.query_ddi.items() for b in partners]
    actions += [intervene(a, kind) for a, kinds in offered.propose_intervention.items() for kind in kinds]
    return [*actions, *([FINISH] if offered.finish_review else [])]


def test_a_list_of_four_worked_by_hand(env: PolypharmacyEnvironment) -> None:
    """Warfarin with ibuprofen is severe, warfarin with metformin is nothing; stopping ibuprofen takes the risk away."""
    seen = env.reset(patient=LIST, episode_id="mine")
    assert [m.drug_id for m in seen.current_medications] == ["warfarin", "ibuprofen", "metformin"]
    assert (seen.age, seen.sex, seen.task_id, seen.episode_id) == (None, None, "easy_screening", "mine")
    assert "Person of unknown age" in seen.text
    assert [row["text"] for row in seen.metadata["not_read"]] == ["zorbanexil 3 mg daily"]
    assert "Not known, so not looked at: zorbanexil 3 mg daily" in seen.text
    assert (seen.reward, seen.shaped_reward, seen.done) == (None, None, False)
    assert seen.legal_actions.query_ddi == {"warfarin": ["ibuprofen", "metformin"], "ibuprofen": ["metformin"]}
    seen = env.step(query("ibuprofen", "warfarin"))
    assert [q.model_dump() for q in seen.interaction_queries] == [
        {"drug_id_1": "warfarin", "drug_id_2": "ibuprofen", "severity": "severe"}
    ]
    assert seen.reward == seen.shaped_reward == 0.035
    assert seen.metadata["reward_parts"] == {"query": -0.005, "found": 0.04}
    assert (seen.remaining_query_budget, seen.remaining_steps) == (3, 9)
    seen = env.step(query("warfarin", "metformin"))
    assert (seen.reward, seen.metadata["raw_reward"]) == (0.001, -0.005)
    seen = env.step(intervene("ibuprofen", "stop"))
    assert seen.metadata["raw_reward"] > 0.1
    assert [(m.drug_id, m.status) for m in seen.current_medications][1] == ("ibuprofen", "stopped")
    assert seen.legal_actions.query_ddi == {}
    seen = env.step(FINISH)
    assert seen.done
    assert not legal(seen)
    assert seen.metadata["grade"] == env.state.grade == pytest.approx(seen.metadata["raw_reward"])
    assert seen.metadata["grade"] > 0.5  # the one severe pair, by an intervention on what was found
    assert (env.state.step_count, env.state.done, env.state.split) == (4, True, "given")


def test_any_known_drug_may_take_a_place_on_a_given_list(env: PolypharmacyEnvironment, shipped: Knowledge) -> None:
    env.reset(patient=LIST)
    found = env.step(query("warfarin", "ibuprofen")).interaction_queries
    refused = env.step(intervene("ibuprofen", "substitute", "ibuprofun"))
    assert "'ibuprofun' is no known ingredient" in refused.metadata["error"]
    assert "on the list already" in env.step(intervene("ibuprofen", "substitute", "metformin")).metadata["error"]
    seen = env.step(intervene("ibuprofen", "substitute", "paracetamol"))
    assert seen.metadata["error"] is None
    assert seen.interventions[0].new_drug_id == "paracetamol"
    assert seen.interaction_queries == found  # what was asked stays on record
    assert [m.drug_id for m in seen.current_medications] == ["warfarin", "paracetamol", "metformin"]
    again = env.step(intervene("warfarin", "substitute", "apixaban"))
    assert [m.drug_id for m in again.current_medications] == ["apixaban", "paracetamol", "metformin"]
    assert env.state.step_count == 5
    assert env.episode is not None
    assert again.text.startswith(render(env.episode.view, shipped).partition("Nothing asked")[0][:60])


@pytest.mark.parametrize("task", TASKS)
def test_every_episode_shows_what_its_view_shows(task: str, banks: Banks, shipped: Knowledge) -> None:
    """The pieces that are kept from step to step add up to what is rendered anew; the mask is the legal actions."""
    env, draw = PolypharmacyEnvironment(banks), random.Random(task)
    for index in range(8):
        seen = env.reset(task_id=task, split="test", index=index)
        while True:
            episode = env.episode
            assert episode is not None
            assert seen.text == render(episode.view, shipped)
            assert len(legal(seen)) == (0 if episode.done else sum(episode.mask()))
            assert PolypharmacyObservation.model_validate(seen.model_dump()) == seen
            if seen.done:
                break
            before = [legal_one for legal_one in legal(seen) if legal_one is not FINISH] or [FINISH]
            seen = env.step(draw.choice(before))
            assert seen.metadata["error"] is None
            assert sum(seen.metadata["reward_parts"].values()) == pytest.approx(seen.metadata["raw_reward"])
        assert seen.metadata["grade"] == env.state.grade


def test_what_is_not_open_costs_a_step_and_says_why(env: PolypharmacyEnvironment) -> None:
    seen = env.reset(task_id="complex_tradeoff", split="test", index=0)
    medicine = next(m for m in seen.current_medications if m.alternative)
    other = next(m for m in seen.current_medications if m is not medicine)
    wrong = (
        (query(medicine.drug_id, "no_such_drug"), "'no_such_drug' is none of the medicines"),
        (intervene("no_such_drug", "stop"), "none of the medicines"),
        (intervene(medicine.drug_id, "substitute", other.drug_id), f"can be switched to {medicine.alternative} only"),
    )
    for action, says in wrong:
        seen = env.step(action)
        assert says in seen.metadata["error"]
        assert seen.metadata["reward_parts"] == {"invalid": -0.05}
    assert env.step(intervene(medicine.drug_id, "substitute", medicine.alternative)).metadata["error"] is None
    assert "none of the medicines" in env.step(intervene(medicine.drug_id, "stop")).metadata["error"]
    assert medicine.alternative is not None
    assert "had its intervention" in env.step(intervene(medicine.alternative, "stop")).metadata["error"]
    env.step(query(other.drug_id, medicine.alternative))
    assert "asked already" in env.step(query(medicine.alternative, other.drug_id)).metadata["error"]
    assert env.state.step_count == 8


def test_time_runs_out(env: PolypharmacyEnvironment) -> None:
    env.reset(task_id="easy_screening", split="test", index=0)
    for _ in range(9):
        assert not env.step(intervene("nothing", "stop")).done
    last = env.step(intervene("nothing", "stop"))
    assert last.metadata["reward_parts"] == {"time_out": -0.1, "invalid": -0.05}
    assert (last.done, last.metadata["grade"]) == (True, 0.001)


def test_without_an_open_episode_it_says_call_reset(env: PolypharmacyEnvironment) -> None:
    with pytest.raises(CallReset, match="call reset"):
        env.step(FINISH)
    assert env.state.episode_id is None
    env.reset(split="test", index=0)
    env.step(FINISH)
    with pytest.raises(CallReset, match="has ended: call reset"):
        env.step(FINISH)
    assert not env.reset(split="test", index=1).done


def test_the_same_index_is_the_same_episode(env: PolypharmacyEnvironment) -> None:
    one = env.reset(split="test", index=1024 + 3, episode_id="x")
    other = env.reset(split="test", task_id="budgeted_screening", index=3, episode_id="x")
    assert one == other
    assert asyncio.run(env.reset_async(split="test", task_id="budgeted_screening", index=3, episode_id="x")) == one
    assert (env.state.split, env.state.index, env.state.task_id) == ("test", 3, "budgeted_screening")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"split": "exam"}, "split: Input should be 'train', 'validation'"),
        ({"task_id": "hard"}, "task_id: Input should be"),
        ({"split": "test", "index": 3072}, "test has tasks 0 to 3071, not 3072"),
        ({"split": "test", "task_id": "easy_screening", "index": 1024}, "cases 0 to 1023 in test, not 1024"),
        ({"index": -1}, "index: Input should be greater than or equal to 0"),
        ({"seed": "x"}, "seed: Input should be a valid integer"),
        ({"patient": LIST, "index": 3}, "leave out split and index"),
        ({"patient": ""}, "it is empty"),
        ({"patient": "zorbanexil"}, "none of the medicines is known"),
        ({"patient": {"resourceType": "Banana"}}, "patient"),
    ],
)
def test_what_cannot_be_played_is_said(options: dict[str, Any], says: str, env: PolypharmacyEnvironment) -> None:
    with pytest.raises(ValueError, match=says):
        env.reset(**options)


def test_more_than_fifteen_medicines_are_refused(env: PolypharmacyEnvironment, shipped: Knowledge) -> None:
    names = [i.name for i in shipped.ingredients.values()]
    with pytest.raises(InputError, match="16 medicines; the environment holds at most 15"):
        env.reset(patient="\n".join(f"{name} 5 mg daily" for name in names[:16]))
    seen = env.reset(patient="\n".join(f"{name} 5 mg daily" for name in names[:15]))
    assert seen.task_id == "complex_tradeoff"


def test_options_that_are_not_known_are_listed(env: PolypharmacyEnvironment) -> None:
    assert env.reset(split="test", index=0, taks_id="complex_tradeoff").metadata == {"ignored": ["taks_id"]}


def test_a_fhir_patient_can_be_played(env: PolypharmacyEnvironment) -> None:
    import json

    source = Path(__file__).parents[3] / "examples" / "nine_medicines.json"
    bundle = json.loads(source.read_text())
    seen = env.reset(patient=bundle)
    assert seen.task_id == "budgeted_screening"
    assert seen.age is not None
    assert len(seen.current_medications) in (9, 10)


def test_the_task_list(env: PolypharmacyEnvironment) -> None:
    assert [s["name"] for s in env.list_splits()] == ["train", "validation", "test", "unseen_drugs"]
    assert env.num_tasks("train") == 3 * 8192
    task = env.get_task("test", 2048)
    assert (task["task_id"], task["case"]) == ("complex_tradeoff", 0)
    assert [t["index"] for t in env.get_task_range("test", -2)] == [3070, 3071]
    assert len(env.list_tasks("test")) == 3072
    with pytest.raises(IndexError):
        env.get_task("test", 3072)
    with pytest.raises(ValueError, match="'exam' is not one of"):
        env.num_tasks("exam")


def test_a_seed_draws_the_same_case(env: PolypharmacyEnvironment) -> None:
    places = [env._locate(options_of(seed=7, split="test")) for _ in range(2)]
    assert places[0] == places[1]
    assert places[0][2] < 256
    assert len({env._locate(options_of(split="test"))[2] for _ in range(50)}) > 10


def test_what_a_case_begins_with_is_kept_and_stays_as_it_was(env: PolypharmacyEnvironment) -> None:
    """The same case again, after an episode that switched and stopped, says the same byte for byte; a patient's list
    is not kept.
    """
    options = options_of(task_id="complex_tradeoff", split="validation", index=1, episode_id="e")
    before, draw = env.reset_payload(options), random.Random(3)
    for _ in range(10):
        acts = [a for a in legal(observation_of(before)) if a.intervention_type in ("stop", "substitute")]
        for action in draw.sample(acts, 3):
            env.step(action)
        assert env.reset_at_once(options) == before
    kept = dict(observer._OPENINGS)
    env.reset(patient=LIST)
    assert kept == observer._OPENINGS
    assert not any(split == "given" for _, _, split, _ in kept)
