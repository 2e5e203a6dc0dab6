"""Agents at work in a stored episode and over whole ones."""

from typing import Any

import httpx
import pytest

from polypharmacy.server.routes import watch
from tests.server.conftest import Server, Serving, learning_elsewhere

EPISODE = {"task_id": "budgeted_screening", "split": "test", "index": 3}
LEARNERS = {"belief_greedy", "neural_bandit", "planner", "planner_unasked"}


def opened(server: Server, **episode: Any) -> dict[str, Any]:
    answer = httpx.post(f"{server.url}/reviews", json={**EPISODE, **episode}, timeout=60)
    assert answer.status_code == 201
    review: dict[str, Any] = answer.json()
    return review


def step(server: Server, review: str, agent: str, seed: int = 0, **query: int) -> httpx.Response:
    body = {"agent": agent, "seed": seed}
    return httpx.post(f"{server.url}/reviews/{review}/agent", json=body, params=query, timeout=120)


def run(server: Server, agent: str, seed: int = 0, **episode: Any) -> dict[str, Any]:
    body = {**EPISODE, **episode, "agent": agent, "seed": seed}
    for _ in range(20):  # an agent that learns asks for patience
        answer = httpx.post(f"{server.url}/runs", json=body, timeout=120)
        if answer.status_code != 503:
            break
    assert answer.status_code == 200
    played: dict[str, Any] = answer.json()
    return played


def test_who_knows_the_chart_is_not_among_those_who_can_be_watched(server: Server) -> None:
    names = {row["name"] for row in httpx.get(f"{server.url}/agents").json()}
    assert {"random", "heuristic", "belief_greedy"} <= names
    assert not names & {"oracle", "full_knowledge"}
    review = opened(server)["id"]
    for name in ("oracle", "full_knowledge", "nobody"):
        answer = step(server, review, name)
        assert answer.status_code == 422
        assert "is not one of" in answer.json()["detail"]
    assert httpx.get(f"{server.url}/reviews/{review}").json()["sequence"] == 0


@pytest.mark.parametrize("agent", ["heuristic", "random"])
def test_an_agent_stepped_through_a_stored_episode_plays_as_it_does_in_one_go(server: Server, agent: str) -> None:
    whole = run(server, agent, 5)
    review = opened(server)["id"]
    for played in whole["steps"]:
        shown = step(server, review, agent, 5).json()
        row = shown["timeline"][-1]
        assert {k: v for k, v in row["action"].items() if k != "rationale"} == {
            k: v for k, v in played["action"].items() if k != "rationale"
        }
        assert (row["reward"], row["found"]) == (played["reward"], played["found"])
        assert row["action"]["rationale"].startswith(f"{agent}: ")
    assert shown["finished"]
    assert shown["grade"] == whole["score"]["grade"]
    assert step(server, review, agent).status_code == 409


def test_everybody_who_can_be_watched_plays_an_episode_to_its_grade(server: Server) -> None:
    easy = {"task_id": "easy_screening", "index": 1}
    agents = httpx.get(f"{server.url}/agents").json()
    assert {row["name"] for row in agents if row["learns"]} == LEARNERS
    for row in agents:
        played = run(server, row["name"], 2, **easy)
        assert played["agent"] == row["name"]
        assert played["steps"][-1]["observation"]["done"]
        assert played["score"]["do_nothing"] <= played["score"]["grade"] <= played["score"]["oracle"]
        assert played == run(server, row["name"], 2, **easy)
    review = opened(server, **easy)["id"]
    shown = step(server, review, "belief_greedy").json()
    assert shown["timeline"][0]["action"]["rationale"].startswith("belief_greedy: ")


def test_an_agent_that_is_learning_says_so_and_plays_once_it_has_learned(
    serve: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LEARNING_TIMEOUT", 0.0)
    server = serve()
    body = {**EPISODE, "task_id": "easy_screening", "agent": "belief_greedy"}
    with learning_elsewhere(server):
        answer = httpx.post(f"{server.url}/runs", json=body, timeout=60)
        assert answer.status_code == 503
        assert "belief_greedy learns from the training cases of easy_screening first" in answer.json()["detail"]
    monkeypatch.setattr(watch, "LEARNING_TIMEOUT", 60.0)
    assert httpx.post(f"{server.url}/runs", json=body, timeout=120).json()["score"]["grade"] > 0


def test_a_run_is_the_same_again_and_another_with_another_seed(server: Server) -> None:
    one = run(server, "random", 1)
    assert one == run(server, "random", 1)
    assert one["steps"] != run(server, "random", 2)["steps"]


def test_parts_sum_to_the_reward_and_rewards_to_the_return(server: Server) -> None:
    for seed in range(4):
        played = run(server, "random", seed)
        for row in played["steps"]:
            assert sum(row["parts"].values()) == pytest.approx(row["reward"], abs=1e-9)
        assert sum(row["reward"] for row in played["steps"]) == pytest.approx(played["raw_return"], abs=1e-6)


def test_what_a_run_shows_at_a_step_is_what_was_asked_up_to_it(server: Server) -> None:
    played = run(server, "heuristic")
    assert played["start"]["interaction_queries"] == []
    asked = 0
    for row in played["steps"]:
        asked += row["action"]["action_type"] == "query_ddi" and row["error"] is None
        assert len(row["observation"]["interaction_queries"]) == asked


def test_a_step_that_somebody_was_quicker_with_is_refused(server: Server) -> None:
    review = opened(server)["id"]
    assert step(server, review, "heuristic", expected_sequence=0).status_code == 200
    assert step(server, review, "heuristic", expected_sequence=0).status_code == 409
    assert httpx.get(f"{server.url}/reviews/{review}").json()["sequence"] == 1


def test_the_score_is_told_after_the_end_alone(server: Server) -> None:
    review = opened(server)["id"]
    assert httpx.get(f"{server.url}/reviews/{review}/score").status_code == 409
    done = httpx.post(f"{server.url}/reviews/{review}/actions", json={"action_type": "finish_review"}).json()
    score = httpx.get(f"{server.url}/reviews/{review}/score", timeout=120).json()
    assert score["grade"] == done["grade"]
    assert score["do_nothing"] <= score["grade"] <= score["oracle"] <= 0.999
    assert score["oracle"] == run(server, "heuristic")["score"]["oracle"]


def test_a_patients_review_is_played_by_nobody(server: Server) -> None:
    review = httpx.post(f"{server.url}/reviews", json={"patient": "warfarin 5 mg\naspirin 75 mg"}).json()["id"]
    assert step(server, review, "heuristic").status_code == 409
    assert httpx.get(f"{server.url}/reviews/{review}/score").status_code == 409
