"""Commands and the rendering of an episode."""

import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polypharmacy.env.actions import PAIR_SLOTS, Action, FinishReview, ProposeIntervention, QueryDdi, decode, encode
from polypharmacy.env.bank import bank_of
from polypharmacy.env.case import compile_case
from polypharmacy.env.layout import ACTIONS, CANDIDATES, CODE, FINISH, FIRST_INTERVENTION, PAIRS
from polypharmacy.env.text import WORDS, parse, render, say
from polypharmacy.env.vector import VectorEnv
from polypharmacy.env.view import view
from polypharmacy.knowledge import Knowledge
from polypharmacy.patients.synthetic import Elders
from tests.env.conftest import Cases
from tests.patients.synthetic.twin import twin


def test_what_is_said_is_understood() -> None:
    assert [encode(parse(say(number))) for number in range(ACTIONS)] == list(range(ACTIONS))


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("query 1 2", QueryDdi(1, 2)),
        ("  QUERY_DDI (2, 1)\n", QueryDdi(2, 1)),
        ("reduce 3", ProposeIntervention(3, "dose_reduce")),
        ("monitor(14)", ProposeIntervention(14, "add_monitoring")),
        ("add_monitoring 0", ProposeIntervention(0, "add_monitoring")),
        ("Finish_Review", FinishReview()),
        ("finish()", FinishReview()),
    ],
)
def test_other_ways_to_say_it(text: str, action: Action) -> None:
    assert parse(text) == action


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not understood: ''; say one of: query I J"),
        ("stop the aspirin", "not understood"),
        ("please stop 3", "not understood"),
        ("query 1", "query takes 2 slot numbers, not 1"),
        ("stop 1 2", "stop takes 1 slot number, not 2"),
        ("finish 3", "finish takes 0 slot numbers, not 1"),
    ],
)
def test_a_refusal_says_what_is_understood(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        parse(text)


COMMAND_LIKE = st.from_regex(
    r"\s*(query(_ddi)?|stop|dose_reduce|reduce|substitute|add_monitoring|monitor|finish(_review)?)[\s,()\w.-]*"
)


@given(st.one_of(st.text(), COMMAND_LIKE))
def test_any_text_is_an_action_or_a_value_error(text: str) -> None:
    try:
        number = encode(parse(text))
    except ValueError:
        return
    assert encode(parse(say(number))) == number


@pytest.mark.parametrize("task", ["easy_screening", "budgeted_screening", "complex_tradeoff"])
def test_a_severity_is_shown_only_once_asked(task: str, cases: Cases, shipped: Knowledge) -> None:
    _, bank = cases[task]
    env = VectorEnv(bank, bank.size, autoreset=False)
    draw = random.Random(task)
    shown_before = [render(view(env, e), shipped) for e in range(env.count)]
    for shown in shown_before:
        assert shown.endswith("Nothing asked yet.")
        assert not any(word in shown for word in WORDS)
    for _ in range(8):
        offered = [[int(a) for a in np.flatnonzero(mask[:FINISH])] or [FINISH] for mask in env.buffers.mask]
        numbers = np.array([draw.choice(actions) for actions in offered], dtype=np.int32)
        buffers = env.step(numbers)
        for e in range(env.count):
            asked = render(view(env, e), shipped).partition("Asked:\n")[2].splitlines()
            told = sum(any(line.endswith(f": {word}") for word in WORDS[1:]) for line in asked)
            assert told == len(asked) == np.count_nonzero(buffers.known[e])
            front = render(view(env, e), shipped).partition("Asked:")[0]
            assert not any(word in front for word in WORDS[1:])


def test_people_who_look_the_same_are_rendered_the_same_until_the_answers_differ(shipped: Knowledge) -> None:
    """The same actions in the charts of two people who differ only in what is hidden."""
    elders, draw = Elders(shipped, 9), random.Random(9)
    drawn = (elders.patient_if(index, lambda m: 6 <= len(m) <= 10) for index in range(120))
    people = [p for p in drawn if p is not None][:25]
    banks = [
        bank_of([compile_case(p, shipped).case for p in group], "budgeted_screening", shipped)
        for group in (people, [twin(p, draw) for p in people])
    ]
    one, other = (VectorEnv(bank, len(people), autoreset=False) for bank in banks)
    answers = [bank.tables.word[(bank.compiled.pair & CODE).astype(int) * 2] for bank in banks]
    first, second = np.array(PAIR_SLOTS).T
    telling = (answers[0] != answers[1])[:, first * CANDIDATES + second]  # queries that two charts answer unlike
    answered_otherwise = 0
    for step in range(10):
        open_now = one.buffers.mask.astype(bool)
        if step % 2:
            open_now[:, :FIRST_INTERVENTION] &= telling
        offered = [[int(a) for a in np.flatnonzero(mask[:FINISH])] or [FINISH] for mask in open_now]
        numbers = np.array([draw.choice(actions) for actions in offered], dtype=np.int32)
        one.step(numbers)
        other.step(numbers)
        for e, number in enumerate(numbers):
            mine, theirs = (render(view(env, e), shipped).splitlines() for env in (one, other))
            assert len(mine) == len(theirs)
            unlike = [line for line, same in zip(mine, theirs, strict=True) if line != same]
            known = one.buffers.known[e] != other.buffers.known[e]
            assert len(unlike) == np.count_nonzero(known)
            assert all(line.startswith("  ") and " + " in line for line in unlike)
            if number < FIRST_INTERVENTION:
                answered_otherwise += bool(known[number])
    assert answered_otherwise > 5


def test_the_rendering_names_medicines_alternatives_flags_and_what_was_done(cases: Cases, shipped: Knowledge) -> None:
    compiled, bank = cases["complex_tradeoff"]
    env = VectorEnv(bank, 1, autoreset=False)
    lines = render(view(env, 0), shipped).splitlines()
    medicines = lines[lines.index("Medicines:") + 1 : -1]
    for slot, alternative, line in zip(compiled[0].slots, compiled[0].alternatives, medicines, strict=True):
        assert line.split(None, 1)[1].startswith(slot.name)
        assert ("alternative: " + alternative.name in line) if alternative else ("alternative" not in line)
        assert ("critical" in line) == shipped.is_critical(slot.drug)
    switched = next(i for i, a in enumerate(compiled[0].alternatives) if a is not None)
    stopped = (switched + 1) % len(medicines)
    for command in (f"substitute {switched}", f"stop {stopped}", f"query {switched} {(stopped + 1) % len(medicines)}"):
        env.step(np.array([encode(parse(command))], dtype=np.int32))
    lines = render(view(env, 0), shipped).splitlines()
    new = compiled[0].alternatives[switched]
    assert new is not None
    assert new.name in lines[lines.index("Medicines:") + 1 + switched]
    assert lines[lines.index("Medicines:") + 1 + switched].endswith("[substituted]")
    assert lines[lines.index("Medicines:") + 1 + stopped].endswith("[stopped]")
    assert lines[-2] == "Asked:"
    assert new.name in lines[-1]


def test_every_query_is_said_with_its_slots() -> None:
    for number in range(PAIRS):
        action = decode(number)
        assert isinstance(action, QueryDdi)
        assert say(number) == f"query {action.first} {action.second}"
