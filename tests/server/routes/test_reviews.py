"""/reviews over a real socket: what a client sends, what it gets, and what it is told when that does not fit."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polypharmacy.knowledge import Knowledge
from tests.server.conftest import Server, Serving

EXAMPLES = Path(__file__).parents[3] / "examples"
FHIR = json.loads((EXAMPLES / "nine_medicines.json").read_text())
MARK = "<script>alert('Quillfeather')</script>"


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client


def opened(client: httpx.Client, body: dict[str, Any]) -> Any:
    response = client.post("/reviews", json=body)
    assert response.status_code == 201, response.text
    assert response.headers["Location"] == f"/reviews/{response.json()['id']}"
    return response.json()


def intervene(drug: str, kind: str, new: str | None = None, why: str | None = None) -> dict[str, Any]:
    return {
        "action_type": "propose_intervention",
        "target_drug_id": drug,
        "intervention_type": kind,
        "proposed_new_drug_id": new,
        "rationale": why,
    }


def act(client: httpx.Client, id_: str, action: dict[str, Any], **params: Any) -> Any:
    response = client.post(f"/reviews/{id_}/actions", json=action, params=params)
    assert response.status_code == 200, response.text
    return response.json()


def test_a_patient_is_reviewed_decided_on_and_reported(client: httpx.Client) -> None:
    view = opened(client, {"patient": FHIR})
    id_ = view["id"]
    assert view["kind"] == "patient"
    assert view["answer"].startswith("2 serious problems")
    first, second = view["medicines"][:2]
    assert [m["priority"] for m in (first, second)] == ["urgent", "urgent"]
    assert {first["drug_id"], second["drug_id"]} == {"clarithromycin", "naproxen"}
    assert any(
        p["drug_ids"] == ["warfarin", "naproxen"] and p["word"] == "severe" and p["mechanism"] and p["management"]
        for p in view["pairs"]
    )
    assert "not the same as safe" in view["other_pairs"]
    assert {b["id"] for b in view["burdens"]} >= {"anticholinergic-total", "qt-three", "bleeding-three"}
    assert all(b["total"] == b["total_before"] for b in view["burdens"])
    assert view["risk"]["before"] == view["risk"]["after"]

    after = act(client, id_, intervene("naproxen", "stop", why=MARK))
    assert after["risk"]["after"]["total"] < after["risk"]["before"]["total"] == view["risk"]["before"]["total"]
    assert any("naproxen" in f["drugs"] for f in after["resolved"])
    assert not any("naproxen" in f["drugs"] for f in after["findings"])
    assert [m["drug_id"] for m in after["medicines"]] == [m["drug_id"] for m in view["medicines"]]
    after = act(client, id_, intervene("warfarin", "substitute", "Eliquis"), expected_sequence=1)
    switched = next(m for m in after["medicines"] if m["was"] == "warfarin")
    assert (switched["drug_id"], switched["status"], switched["decision"]["unserved"]) == (
        "apixaban", "substituted", [],
    )  # fmt: skip

    report = client.get(f"/reviews/{id_}/report").json()
    assert report["decided"]["risk"] == after["risk"]
    assert report["report"]["risk"]["total"] == after["risk"]["before"]["total"]
    page = client.get(f"/reviews/{id_}/report", params={"format": "html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "Switch warfarin to apixaban" in page.text
    assert "<script" not in page.text
    assert "&lt;script&gt;alert(&#39;Quillfeather" in page.text

    before = client.post(f"/reviews/{id_}/undo").json()
    assert before["digest"] == after["timeline"][0]["digest"]
    assert client.get(f"/reviews/{id_}").json() == before


@pytest.mark.parametrize(
    "patient",
    [
        (EXAMPLES / "pasted_list.txt").read_text(),
        (EXAMPLES / "list.csv").read_text(),
        {
            "text": "warfarin 5 mg daily\nibuprofen 400 mg TID\nUnknownine 3 mg",
            "age": 82,
            "sex": "female",
            "egfr": 28,
            "child_pugh": "A",
            "conditions": ["atrial fibrillation", "no such illness"],
            "allergies": ["penicillin"],
            "labs": {"potassium": 5.1},
            "phenotypes": {"CYP2C9": "poor metaboliser"},
        },
    ],
)
def test_a_patient_may_be_a_text_a_table_or_a_text_with_facts(client: httpx.Client, patient: Any) -> None:
    view = opened(client, {"patient": patient})
    assert view["coverage"]["resolved"] >= 2
    if isinstance(patient, dict):
        assert (view["patient"]["age"], view["patient"]["egfr"], view["patient"]["child_pugh"]) == (82, 28, "A")
        assert view["coverage"]["unresolved"][0]["text"] == "Unknownine 3 mg"
        assert view["coverage"]["conditions_not_recognised"] == ["no such illness"]
        assert view["patient"]["phenotypes"] == {"CYP2C9": "poor metabolizer"}


def test_an_episode_shows_only_what_was_asked(client: httpx.Client) -> None:
    view = opened(client, {"task_id": "easy_screening", "split": "test", "index": 2})
    id_ = view["id"]
    assert (view["kind"], view["task_id"], view["split"], view["index"]) == ("task", "easy_screening", "test", 2)
    assert set(view) == {
        "id", "opened_at", "kind", "knowledge", "sequence", "digest", "timeline", "can_undo", "finished", "task_id",
        "split", "index", "query_budget", "intervention_budget", "step_budget", "observation", "raw_return", "grade",
        "undone",
    }  # fmt: skip
    first, others = next((a, b) for a, b in view["observation"]["legal_actions"]["query_ddi"].items() if b)
    after = act(client, id_, {"action_type": "query_ddi", "drug_id_1": first, "drug_id_2": others[0]})
    assert after["observation"]["remaining_query_budget"] == view["query_budget"] - 1
    assert [q["severity"] for q in after["observation"]["interaction_queries"]] == [after["timeline"][0]["found"]]
    invalid = act(client, id_, intervene("nothing of the kind", "stop"))
    assert invalid["timeline"][1]["reward"] == -0.05
    assert "none of the medicines" in invalid["timeline"][1]["error"]
    assert client.post(f"/reviews/{id_}/undo").json()["undone"] == 1
    done = act(client, id_, {"action_type": "finish_review"})
    assert done["finished"]
    assert 0.001 <= done["grade"] <= 0.999
    assert done["can_undo"] == []
    assert client.post(f"/reviews/{id_}/undo").status_code == 409
    assert client.get(f"/reviews/{id_}/report").json() == done
    assert "1 action taken back" in client.get(f"/reviews/{id_}/report", params={"format": "html"}).text
    drawn = opened(client, {"task_id": "easy_screening", "split": "test", "index": 0})
    assert drawn["index"] == 0


def test_what_does_not_fit_is_told(client: httpx.Client) -> None:
    id_ = opened(client, {"patient": FHIR})["id"]
    act(client, id_, intervene("naproxen", "stop"))
    for action, words in (
        (intervene("naproxen", "stop"), "was stopped already: undo that first"),
        (intervene("aspirin", "stop"), "is not on the list"),
        (intervene("warfarin", "substitute", "no such drug"), "is not known to knowledge base"),
        (intervene("warfarin", "substitute", "metformin"), "is on the list already"),
        (intervene("warfarin", "substitute", "warfarin"), "is what it would replace"),
        (intervene("metoprolol", "substitute"), "no replacement of metoprolol is listed"),
        ({"action_type": "query_ddi", "drug_id_1": "warfarin", "drug_id_2": "naproxen"}, "shows every pair"),
    ):
        response = client.post(f"/reviews/{id_}/actions", json=action)
        assert response.status_code == 409, response.text
        assert words in response.json()["detail"]
    stale = client.post(f"/reviews/{id_}/actions", json=intervene("warfarin", "stop"), params={"expected_sequence": 0})
    assert stale.status_code == 409
    assert "stands at action 1, not 0" in stale.json()["detail"]
    assert client.get(f"/reviews/{id_}").json()["sequence"] == 1
    for body, words in (
        ({}, "patient"),
        ({"patient": "x", "task_id": "easy_screening"}, "either"),
        ({"patient": ""}, "empty"),
        ({"patient": {"age": 3}}, "text"),
        ({"patient": {"resourceType": "Patient"}}, "Medication"),
        ({"patient": 7}, "patient is a text"),
        ({"patient": {"text": "warfarin", "labs": {"potassium": 99}}}, "lies between"),
        ({"patient": {"text": "warfarin", "phenotypes": {"CYP9Z9": "x"}}}, "CYP9Z9"),
        ({"task_id": "easy_screening", "split": "test", "index": 1024}, "0 to 1023"),
        ({"task_id": "no_task"}, "task_id"),
    ):
        response = client.post("/reviews", json=body)
        assert response.status_code == 422, (body, response.text)
        assert words in response.json()["detail"], body
    unknown = "/reviews/00000000-0000-4000-8000-000000000000"
    for call in (
        client.get(unknown),
        client.delete(unknown),
        client.post(f"{unknown}/undo"),
        client.get(f"{unknown}/report"),
        client.post(f"{unknown}/actions", json={"action_type": "finish_review"}),
    ):
        assert call.status_code == 404
        assert "GET /reviews" in call.json()["detail"]


def test_the_list_is_paged_and_a_deleted_review_is_gone(serve: Serving) -> None:
    server = serve()
    with httpx.Client(base_url=server.url, timeout=30) as client:
        ids = [opened(client, {"patient": f"warfarin {n} mg daily"})["id"] for n in (1, 2, 3)]
        page = client.get("/reviews", params={"limit": 2}).json()
        assert [r["id"] for r in page["reviews"]] == ids[:0:-1]
        rest = client.get("/reviews", params={"limit": 2, "before": page["next"]}).json()
        assert ([r["id"] for r in rest["reviews"]], rest["next"]) == (ids[:1], None)
        assert rest["reviews"][0]["medicines"] == 1
        assert client.delete(f"/reviews/{ids[1]}").status_code == 204
        assert client.get(f"/reviews/{ids[1]}").status_code == 404
        assert [r["id"] for r in client.get("/reviews").json()["reviews"]] == [ids[2], ids[0]]


def test_clients_at_once_lose_and_repeat_nothing(client: httpx.Client, server: Server) -> None:
    """Eight clients act on one episode, each action sent twice under its key, as after a lost answer."""
    id_ = opened(client, {"task_id": "complex_tradeoff", "split": "test", "index": 5})["id"]
    drugs = [m["drug_id"] for m in client.get(f"/reviews/{id_}").json()["observation"]["current_medications"]]

    def send(number: int) -> list[int]:
        action = {"action_type": "query_ddi", "drug_id_1": drugs[number % 9], "drug_id_2": drugs[number % 9 + 1]}
        headers = {"Idempotency-Key": f"client-{number}"}
        sequences = []
        with httpx.Client(base_url=server.url, timeout=30) as own:
            for _ in range(2):
                response = own.post(f"/reviews/{id_}/actions", json=action, headers=headers)
                assert response.status_code == 200
                sequences.append(response.json()["sequence"])
        return sequences

    with ThreadPoolExecutor(8) as pool:
        told = [s for first, _ in pool.map(send, range(24)) for s in [first]]
    assert sorted(told) == list(range(1, 25))
    assert client.get(f"/reviews/{id_}").json()["sequence"] == 24


def test_patient_data_is_in_no_log(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    secret = "Quillfeatherol"
    id_ = opened(client, {"patient": f"{secret} 5 mg daily\nwarfarin 3 mg daily"})["id"]
    act(client, id_, intervene("warfarin", "stop", why=secret))
    client.post(f"/reviews/{id_}/actions", json=intervene(secret, "stop"))
    client.post("/reviews", json={"patient": secret, "index": 1})
    client.get(f"/reviews/{id_}/report", params={"format": "html"})
    client.delete(f"/reviews/{id_}")
    server_lines = [r.getMessage() for r in caplog.records if not r.name.startswith(("httpx", "httpcore"))]
    assert not any(secret in line or "warfarin" in line for line in server_lines)


def test_the_openapi_names_the_three_ways_a_review_is_shown(client: httpx.Client) -> None:
    spec = client.get("/openapi.json").json()
    shown = spec["paths"]["/reviews/{review_id}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert shown["discriminator"]["propertyName"] == "kind"
    assert set(shown["discriminator"]["mapping"]) == {"patient", "task", "closed"}
    schemas = spec["components"]["schemas"]
    for name in ("PatientReviewView", "TaskReviewView", "MedicineView", "PairView", "FindingView", "TimelineRow"):
        assert schemas[name]["properties"], name
        assert all(
            "$ref" in p or "type" in p or "anyOf" in p or "const" in p for p in schemas[name]["properties"].values()
        )


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
LINES = st.sampled_from(
    [
        "warfarin 5 mg",
        "Age: 80",
        "aspirin",
        "drug,dose",
        "\x00",
        "\ud800",
        "a" * 5000,
        "K: 1e999",
        MARK,
        "sex: f",
        "-",
        "7",
    ]
)
FHIR_LIKE = st.builds(
    lambda kind, rest, entries: {"resourceType": kind, **rest, "entry": entries},
    st.sampled_from(["Bundle", "Patient", "MedicationRequest", "x"]),
    st.dictionaries(
        st.sampled_from(["status", "id", "birthDate", "gender", "subject", "dosage"]), ANYTHING, max_size=3
    ),
    ANYTHING | st.lists(st.sampled_from(FHIR["entry"]), max_size=12),
)
PATIENT = (
    ANYTHING
    | st.lists(LINES, max_size=6).map("\n".join)
    | FHIR_LIKE
    | st.dictionaries(
        st.sampled_from(["text", "age", "sex", "egfr", "labs", "conditions", "allergies", "phenotypes", "weight"]),
        ANYTHING | LINES,
        max_size=5,
    )
)


def post_raw(client: httpx.Client, path: str, body: Any) -> httpx.Response:
    """A body as a hostile client would write it: NaN, lone surrogates and all."""
    content = json.dumps(body).encode("utf-8", "surrogatepass")
    return client.post(path, content=content, headers={"Content-Type": "application/json"})


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=st.fixed_dictionaries({"patient": PATIENT}) | st.dictionaries(st.sampled_from(["task_id", "index"]), ANYTHING)
)
def test_no_body_makes_the_server_fail(body: Any, client: httpx.Client) -> None:
    response = post_raw(client, "/reviews", body)
    assert response.status_code in (201, 422, 400), (body, response.text)
    if response.status_code == 201:
        id_ = response.json()["id"]
        for path in (f"/reviews/{id_}", f"/reviews/{id_}/report", f"/reviews/{id_}/report?format=html", "/reviews"):
            assert client.get(path).status_code == 200


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(action=st.fixed_dictionaries(
    {"action_type": st.sampled_from(["query_ddi", "propose_intervention", "finish_review"]) | ANYTHING},
    optional={
        "target_drug_id": st.sampled_from(["warfarin", "naproxen"]) | ANYTHING,
        "intervention_type": st.sampled_from(["stop", "dose_reduce", "substitute", "add_monitoring"]),
        "proposed_new_drug_id": st.sampled_from(["apixaban", "Eliquis", "warfarin aspirin"]) | st.text(max_size=20),
        "rationale": st.text(max_size=20) | LINES,
        "metadata": ANYTHING,
    },
), key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=90))  # fmt: skip
def test_no_action_makes_the_server_fail(action: Any, key: str, client: httpx.Client, fuzzed: str) -> None:
    content = json.dumps(action).encode("utf-8", "surrogatepass")
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    response = client.post(f"/reviews/{fuzzed}/actions", content=content, headers=headers)
    assert response.status_code in (200, 409, 422, 400), (action, response.text)
    if response.status_code == 200:
        assert client.post(f"/reviews/{fuzzed}/undo").status_code == 200
    assert client.get(f"/reviews/{fuzzed}/report?format=html").status_code == 200


@pytest.fixture(scope="module")
def fuzzed(client: httpx.Client) -> str:
    return str(opened(client, {"patient": FHIR})["id"])


def test_a_hundred_medicines_are_reviewed_and_more_refused(client: httpx.Client, shipped: Knowledge) -> None:
    lines = [f"{drug.name} 5 mg daily" for drug in list(shipped.ingredients.values())[:101]]
    view = opened(client, {"patient": "\n".join(lines[:100])})
    assert len(view["medicines"]) == 100
    assert client.get(f"/reviews/{view['id']}").status_code == 200
    refused = client.post("/reviews", json={"patient": "\n".join(lines)})
    assert refused.status_code == 422
    assert "101 medicines; a review holds at most 100" in refused.json()["detail"]
