"""The language model as an agent, against a real server that answers well, badly, late or not at all."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polypharmacy.agents.chat import MOST_BYTES, Remote, ToolCall, Unusable
from polypharmacy.agents.heuristic import Heuristic
from polypharmacy.agents.llm import LanguageModel, play_model, prompt, remote_of
from polypharmacy.agents.tools import LONGEST_REASON, one_line, open_now, read, tools_of
from polypharmacy.env.actions import ProposeIntervention, QueryDdi, decode, encode
from polypharmacy.env.bank import Bank
from polypharmacy.env.episode import Episode
from polypharmacy.env.ids import slot_ids
from polypharmacy.env.tasks import TASKS
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import InputError
from tests.agents.scripted_model import Reply, Script, ScriptedModel, call, completion, obedient

Banks = dict[str, Bank]
NOTHING_WRONG = {"repairs": 0, "fallbacks": 0, "timeouts": 0, "errors": 0}


def decide(script: Script, episode: Episode, knowledge: Knowledge, timeout: float = 10.0) -> tuple[Any, Any, Any]:
    """One decision: what it is, the counts, and what the server was asked."""
    with (
        ScriptedModel(script) as server,
        LanguageModel(server.remote, knowledge, timeout=timeout, retries=0) as agent,
    ):
        agent.begin(episode.view, 0)
        return agent.decide(episode.view), agent.counts.as_dict(), server.requests


def replies(*answers: Reply) -> Script:
    """Each in turn."""
    left: Iterator[Reply] = iter(answers)
    return lambda asked: next(left)


@pytest.fixture
def episode(banks: Banks) -> Episode:
    return Episode(banks["budgeted_screening"], 1)


@pytest.mark.parametrize("task", list(TASKS))
def test_an_obedient_model_plays_every_episode_to_its_end(task: str, banks: Banks, shipped: Knowledge) -> None:
    with ScriptedModel(obedient) as server:
        played, counts = play_model(banks[task], 4, remote=server.remote)
    steps = int(played.steps.sum())
    assert counts.as_dict() == {"decisions": steps, "calls": steps, **NOTHING_WRONG}
    assert len(server.requests) == steps
    # It did as it was told: every query, every intervention, the end.
    assert (played.steps >= TASKS[task].interventions + 2).all()
    assert ((played.grade >= 0.001) & (played.grade <= 0.999)).all()


def test_the_tools_are_strict_and_offer_what_is_open_alone(banks: Banks, shipped: Knowledge) -> None:
    with ScriptedModel(obedient) as server:
        play_model(banks["complex_tradeoff"], 2, remote=server.remote)
        requests = server.requests
    offered = [sorted(t["function"]["name"] for t in asked["tools"]) for asked in requests]
    assert ["finish_review"] in offered  # no budget left: no tool for it
    assert ["finish_review", "propose_intervention", "query_ddi"] in offered
    for asked in requests:
        assert asked["tool_choice"] == "required"
        for tool in asked["tools"]:
            assert tool["function"]["strict"] is True
            schema = tool["function"]["parameters"]
            assert schema["additionalProperties"] is False
            assert schema["required"] == list(schema["properties"])
            for name, field in schema["properties"].items():
                assert ("enum" in field) == (name != "rationale")
                assert field.get("enum") != []


def test_what_is_offered_is_what_is_open(banks: Banks, shipped: Knowledge) -> None:
    """Every open action is in the schemas, and a schema names no medicine with which nothing is open."""
    for task, bank in banks.items():
        for index in range(4):
            episode = Episode(bank, index)
            while not episode.done:
                seen = episode.view
                ids = slot_ids(seen, shipped)
                fields = {
                    t["function"]["name"]: {
                        k: f.get("enum") for k, f in t["function"]["parameters"]["properties"].items()
                    }
                    for t in tools_of(open_now(seen, ids))
                }
                queried, touched = set(), set()
                for number in seen.mask.nonzero()[0]:
                    action = decode(int(number))
                    if isinstance(action, QueryDdi):
                        queried |= {ids[action.first], ids[action.second]}
                    elif isinstance(action, ProposeIntervention):
                        touched.add(ids[action.slot])
                        assert action.kind in fields["propose_intervention"]["intervention_type"]
                assert set(fields.get("query_ddi", {"drug_id_1": []})["drug_id_1"]) == queried, task
                assert set(fields.get("propose_intervention", {"target_drug_id": []})["target_drug_id"]) == touched
                episode.step(Heuristic(shipped).act(seen))


def first_pair(episode: Episode, knowledge: Knowledge) -> dict[str, str]:
    ids = slot_ids(episode.view, knowledge)
    return {"rationale": "why\nnot\u202e", "drug_id_1": ids[1], "drug_id_2": ids[0]}


BAD = {
    "no tool": (
        completion({"role": "assistant", "content": "I would stop the warfarin."}, "stop"),
        "no tool was called",
    ),
    "no choice": (Reply(b'{"choices": []}'), "no tool was called"),
    "another tool": (call("prescribe", {"drug": "morphine"}), "there is no tool 'prescribe'"),
    "not JSON": (call("query_ddi", "{drug_id_1: warfarin"), "are not JSON"),
    "cut off": (call("query_ddi", '{"rationale": "the two', finish_reason="length"), "are not JSON"),
    "deep": (call("query_ddi", "[" * 100_000), "are not JSON"),
    "a list": (call("query_ddi", ["warfarin", "aspirin"]), "are not a JSON object"),
    "a field missing": (call("query_ddi", {"drug_id_1": "warfarin"}), "needs drug_id_2"),
    "numbers": (call("query_ddi", {"drug_id_1": 1, "drug_id_2": 2}), "needs drug_id_1 and drug_id_2"),
    "unknown medicine": (
        call("query_ddi", {"drug_id_1": "potassium cyanide", "drug_id_2": "x"}),
        "'potassium cyanide' is not the id of a medicine on this list",
    ),
    "unknown intervention": (
        call("propose_intervention", {"target_drug_id": "TARGET", "intervention_type": "double_dose"}),
        "intervention 'double_dose' is not one of",
    ),
    "more than asked": (
        call("propose_intervention", {"target_drug_id": "T", "intervention_type": "substitute", "by": "morphine"}),
        "takes no 'by'",
    ),
    "huge": (call("finish_review", {"rationale": "a" * (MOST_BYTES + 1)}), "far too long"),
}


@pytest.mark.parametrize("bad", list(BAD))
def test_an_answer_that_cannot_be_used_is_repaired_once(bad: str, episode: Episode, shipped: Knowledge) -> None:
    reply, says = BAD[bad]
    target = slot_ids(episode.view, shipped)[0].encode()
    reply = reply._replace(body=reply.body.replace(b"TARGET", target))
    good = call("query_ddi", first_pair(episode, shipped))
    decision, counts, requests = decide(replies(reply, good), episode, shipped)
    assert decision == (encode(QueryDdi(0, 1)), "why not", None)
    assert counts == {"decisions": 1, "calls": 2, **NOTHING_WRONG, "repairs": 1}
    told = [asked["messages"][-1]["content"] for asked in requests]
    assert told[1].startswith(told[0])
    assert says in told[1].removeprefix(told[0])


@pytest.mark.parametrize("bad", list(BAD))
def test_then_the_heuristic_decides(bad: str, episode: Episode, shipped: Knowledge) -> None:
    reply, says = BAD[bad]
    target = slot_ids(episode.view, shipped)[0].encode()
    reply = reply._replace(body=reply.body.replace(b"TARGET", target))
    decision, counts, requests = decide(replies(reply, reply), episode, shipped)
    assert decision.number == Heuristic(shipped).act(episode.view)
    assert says in str(decision.problem)
    assert counts == {"decisions": 1, "calls": 2, **NOTHING_WRONG, "repairs": 1, "fallbacks": 1}
    assert len(requests) == 2


def test_an_action_that_is_not_open_says_why(episode: Episode, shipped: Knowledge) -> None:
    pair = first_pair(episode, shipped)
    episode.step(encode(QueryDdi(0, 1)))
    decision, counts, requests = decide(lambda asked: call("query_ddi", pair), episode, shipped)
    assert decision.number == Heuristic(shipped).act(episode.view)
    assert "not open: this pair was asked already" in requests[1]["messages"][-1]["content"]
    assert counts["fallbacks"] == 1


NO_ANSWER = {
    "error 500": (Reply(b"secret-key-7 of patient Jane Doe: boom", status=500), "HTTP 500"),
    "error 401": (Reply(b"{}", status=401), "HTTP 401"),
    "no JSON": (Reply(b"<html>Bad gateway</html>"), "no chat completion"),
    "nothing": (Reply(b""), "no chat completion"),
    "deep": (Reply(b"[" * 100_000), "no chat completion"),
    "cut off": (Reply(b'{"choices": [{"mess', cut=True), "cannot be reached or read"),
}


@pytest.mark.parametrize("kind", list(NO_ANSWER))
def test_no_answer_is_no_repair(kind: str, episode: Episode, shipped: Knowledge) -> None:
    reply, says = NO_ANSWER[kind]
    decision, counts, _ = decide(replies(reply), episode, shipped)
    assert decision.number == Heuristic(shipped).act(episode.view)
    assert says in str(decision.problem)
    assert "Jane" not in str(decision.problem)
    assert counts == {"decisions": 1, "calls": 1, **NOTHING_WRONG, "fallbacks": 1, "errors": 1}


@pytest.mark.parametrize("body", [b"", b'{"choices": [{"mess'])
def test_a_slow_model_is_left(body: bytes, episode: Episode, shipped: Knowledge) -> None:
    """Also one that sends a little and then stalls."""
    started = time.monotonic()
    decision, counts, _ = decide(replies(Reply(body, hang=True)), episode, shipped, timeout=0.5)
    assert time.monotonic() - started < 3
    assert decision.number == Heuristic(shipped).act(episode.view)
    assert decision.problem == "the model did not answer within 0.5 s"
    assert counts == {"decisions": 1, "calls": 1, **NOTHING_WRONG, "fallbacks": 1, "timeouts": 1}


def test_a_server_that_is_not_there(episode: Episode, shipped: Knowledge) -> None:
    with ScriptedModel(obedient) as server:
        gone = server.remote
    with LanguageModel(gone, shipped, retries=0) as agent:
        agent.begin(episode.view, 0)
        assert "cannot be reached" in str(agent.decide(episode.view).problem)


@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp://127.0.0.1/", "http://127.0.0.1:99999/v1"])
def test_an_address_where_nobody_is(url: str, episode: Episode, shipped: Knowledge) -> None:
    with LanguageModel(Remote(url, "m", "k"), shipped, retries=0) as agent:
        agent.begin(episode.view, 0)
        assert agent.decide(episode.view).problem is not None


def test_an_address_that_is_none(shipped: Knowledge) -> None:
    with pytest.raises(InputError, match="API_BASE_URL is no address of a server"):
        LanguageModel(Remote("http://[::1", "m", "k"), shipped)


def test_a_model_that_never_answers_is_no_score(banks: Banks, shipped: Knowledge) -> None:
    with (
        ScriptedModel(lambda asked: Reply(b"", status=404)) as server,
        pytest.raises(ConnectionError, match=r"127\.0\.0\.1.*HTTP 404"),
    ):
        play_model(banks["easy_screening"], 8, remote=server.remote)
    assert len(server.requests) < 20


def test_a_model_that_fails_now_and_then_is_counted(banks: Banks, shipped: Knowledge) -> None:
    turns = iter(range(10_000))

    def flaky(asked: dict[str, Any]) -> Reply:
        return Reply(b"", status=400) if next(turns) % 5 == 4 else obedient(asked)

    with ScriptedModel(flaky) as server:
        played, counts = play_model(banks["easy_screening"], 6, remote=server.remote)
    held = counts.as_dict()
    assert held["decisions"] == held["calls"] == int(played.steps.sum())
    assert held["fallbacks"] == held["errors"] == held["calls"] // 5


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from(["warfarin", "stop", "query_ddi"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.dictionaries(
    st.sampled_from(["drug_id_1", "drug_id_2", "target_drug_id", "intervention_type", "rationale", "x"]), JSON
)


@given(
    name=st.sampled_from(["query_ddi", "propose_intervention", "finish_review"]) | st.text(max_size=20),
    arguments=st.one_of(st.text(), JSON.map(json.dumps), FIELDS.map(json.dumps), FIELDS),
)
@settings(max_examples=200, deadline=None)
def test_any_call_is_an_open_action_or_refused(name: str, arguments: Any, listed: tuple[View, list[str]]) -> None:
    seen, ids = listed
    try:
        choice = read(ToolCall(name, arguments), seen, ids)
    except Unusable as error:
        assert len(str(error)) < 400
        return
    assert seen.mask[choice.number]


@pytest.fixture(scope="module")
def listed(banks: Banks, shipped: Knowledge) -> tuple[View, list[str]]:
    seen = Episode(banks["easy_screening"], 0).view
    return seen, slot_ids(seen, shipped)


@given(st.text())
def test_a_rationale_is_one_printable_line(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= LONGEST_REASON
    assert line == " ".join(line.split())


@given(body=st.one_of(st.binary(max_size=200), JSON.map(lambda v: json.dumps({"choices": v}).encode())))
@settings(max_examples=40, deadline=None)
def test_any_answer_leads_to_an_open_action(
    body: bytes, fuzzed: Callable[[bytes], tuple[Any, Episode]], shipped: Knowledge
) -> None:
    decision, episode = fuzzed(body)
    assert decision.number == Heuristic(shipped).act(episode.view)
    assert decision.problem


@pytest.fixture(scope="module")
def fuzzed(banks: Banks, shipped: Knowledge) -> Iterator[Callable[[bytes], tuple[Any, Episode]]]:
    """What is decided when a server answers with given bytes."""
    body = b""
    episode = Episode(banks["easy_screening"], 0)
    with (
        ScriptedModel(lambda asked: Reply(body)) as server,
        LanguageModel(server.remote, shipped, retries=0) as agent,
    ):

        def ask(answer: bytes) -> tuple[Any, Episode]:
            nonlocal body
            body = answer
            return agent.decide(episode.view), episode

        yield ask


def test_what_is_not_set_is_named() -> None:
    with pytest.raises(InputError, match="API_BASE_URL and HF_TOKEN are not set"):
        remote_of({"MODEL_NAME": "m", "HF_TOKEN": ""})
    with pytest.raises(InputError, match="MODEL_NAME is not set"):
        remote_of({"API_BASE_URL": "u", "HF_TOKEN": "k"})
    remote = remote_of({"API_BASE_URL": "u", "MODEL_NAME": "m", "HF_TOKEN": "k9k9"})
    assert "k9k9" not in repr(remote)


def test_the_prompt_tells_what_is_seen_and_open(episode: Episode, shipped: Knowledge) -> None:
    system, user = prompt(episode.view, shipped)
    assert "0.3 is the share" in system
    for id_ in slot_ids(episode.view, shipped):
        assert id_ in user
    assert "finish_review is open." in user
    assert "severe" not in user
