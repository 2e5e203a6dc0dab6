"""Episodes over plain HTTP, as a curl user plays them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.server.conftest import Server, Serving

FINISH = {"action_type": "finish_review"}
FIRST = {"split": "test", "task_id": "easy_screening", "index": 0}


@pytest.fixture
def http(serve: Serving) -> Iterator[httpx.Client]:
    """A client of a server where nobody else plays."""
    with httpx.Client(base_url=serve().url, timeout=60) as client:
        yield client


def reset(http: httpx.Client, **options: Any) -> dict[str, Any]:
    answer = http.post("/reset", json={**FIRST, **options})
    assert answer.status_code == 200, answer.text
    seen: dict[str, Any] = answer.json()
    return seen


def test_a_curl_user_plays_an_episode_to_its_end(http: httpx.Client) -> None:
    seen = reset(http)
    id_ = seen["observation"]["episode_id"]
    first, partners = next(iter(seen["observation"]["legal_actions"]["query_ddi"].items()))
    action = {"action_type": "query_ddi", "drug_id_1": first, "drug_id_2": partners[0]}
    answer = http.post("/step", json={"action": action}).json()
    assert answer["observation"]["interaction_queries"][0]["drug_id_1"] == first
    assert answer["observation"]["remaining_steps"] == 9
    answer = http.post("/step", json={"action": FINISH, "episode_id": id_}).json()
    assert answer["done"]
    assert answer["metadata"]["grade"] == answer["observation"]["metadata"]["grade"]
    state = http.get("/state", params={"episode_id": id_}).json()
    assert (state["step_count"], state["done"], state["grade"]) == (2, True, answer["metadata"]["grade"])
    assert http.get("/state").json() == state
    late = http.post("/step", json={"action": FINISH})
    assert (late.status_code, late.json()["detail"]) == (409, "the episode has ended: call reset for another")
    assert not reset(http)["done"]
    assert http.post("/step", json={"action": FINISH}).status_code == 200  # the one that has not ended


def test_it_says_what_to_do(http: httpx.Client) -> None:
    for answer in (http.post("/step", json={"action": FINISH}), http.get("/state")):
        assert (answer.status_code, answer.json()["detail"]) == (409, "no episode is open: call /reset")
    one, other = (reset(http, index=i)["observation"]["episode_id"] for i in range(2))
    answer = http.post("/step", json={"action": FINISH})
    assert answer.status_code == 409
    assert "send the episode_id" in answer.json()["detail"]
    assert http.get("/state", params={"episode_id": "nobody's"}).status_code == 409
    assert http.post("/step", json={"action": FINISH, "episode_id": one}).json()["done"]
    assert http.get("/state", params={"episode_id": other}).json()["step_count"] == 0


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/step", {"action": {"action_type": "prescribe"}}, "body.action.action_type: Input should be 'query_ddi'"),
        ("/step", {"action": {"action_type": "query_ddi"}}, "query_ddi needs drug_id_1 and drug_id_2"),
        ("/step", {"action": {**FINISH, "drug_id_1": "x"}}, "finish_review takes no drug_id_1"),
        ("/step", {}, "body.action: Field required"),
        ("/reset", {"seed": -1}, "body.seed: Input should be greater than or equal to 0"),
        ("/reset", {"split": "test", "index": 9999}, "test has tasks 0 to 3071"),
        ("/reset", {"patient": "zorbanexil"}, "none of the medicines is known"),
        ("/reset", [], "body: Input should be"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(path: str, body: Any, says: str, http: httpx.Client) -> None:
    answer = http.post(path, json=body)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_the_same_id_begins_anew(http: httpx.Client) -> None:
    reset(http, episode_id="mine")
    http.post("/step", json={"action": {"action_type": "query_ddi", "drug_id_1": "a", "drug_id_2": "b"}})
    assert http.get("/state", params={"episode_id": "mine"}).json()["step_count"] == 1
    reset(http, episode_id="mine", index=1)
    assert http.get("/state").json()["step_count"] == 0


def test_a_patient_can_be_given(http: httpx.Client) -> None:
    answer = http.post("/reset", json={"patient": "warfarin 5 mg\nibuprofen 400 mg"}).json()
    assert [m["drug_id"] for m in answer["observation"]["current_medications"]] == ["warfarin", "ibuprofen"]
    assert http.get("/state").json()["split"] == "given"


def test_places_are_limited_and_given_back(serve: Serving) -> None:
    server = serve(max_sessions=2, session_idle=0.4)
    with httpx.Client(base_url=server.url, timeout=60) as http:
        reset(http, episode_id="a")
        reset(http, episode_id="b")
        full = http.post("/reset", json={**FIRST, "episode_id": "c"})
        assert full.status_code == 503
        assert "all 2 sessions are in use" in full.json()["detail"]
        reset(http, episode_id="b")  # no further place is needed
        http.post("/step", json={"action": FINISH, "episode_id": "a"})
        reset(http, episode_id="c")  # in the place of the one that has ended
        assert http.get("/state", params={"episode_id": "a"}).status_code == 409
        _until(lambda: len(server.app.state.sessions) == 0)
        assert http.get("/state", params={"episode_id": "c"}).status_code == 409
        reset(http, episode_id="d")


def test_openenvs_own_routes(server: Server) -> None:
    with httpx.Client(base_url=server.url, timeout=60) as http:
        assert http.get("/health").json() == {"status": "healthy"}
        assert http.get("/metadata").json()["name"] == "polypharmacy_env"
        assert set(http.get("/schema").json()) == {"action", "observation", "reset_observation", "state"}
        assert http.get("/list_environments").json() == ["polypharmacy_env"]
        assert len(http.get("/polypharmacy_env/splits").json()) == 4
        assert http.post("/polypharmacy_env/num_tasks", json={"split": "test"}).json() == {"num_tasks": 3072}
        task = http.post("/polypharmacy_env/task", json={"split": "test", "index": 1024}).json()["task"]
        assert task["task_id"] == "budgeted_screening"
        assert len(http.post("/polypharmacy_env/tasks", json={"split": "test"}).json()["tasks"]) == 3072
        cut = {"split": "test", "start": 5, "stop": 7}
        assert len(http.post("/polypharmacy_env/task_range", json=cut).json()["tasks"]) == 2
        assert http.post("/polypharmacy_env/task", json={"split": "test", "index": 3072}).status_code == 400
        assert http.post("/polypharmacy_env/tasks", json={"split": "exam"}).status_code == 404
        assert http.get("/other_env/splits").status_code == 404
        assert "text/html" in http.get("/").headers["content-type"]
        assert http.get("/docs").status_code == 200
        assert http.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).json()["result"] == {
            "tools": []
        }
        assert http.post("/mcp", content=b"{").json()["error"]["code"] == -32700


def _until(condition: Any, seconds: float = 10.0) -> None:
    import time

    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
