"""Reviews are what their journal says: replay is the live state, an undo is the state before, no client is lost."""

import contextlib
import json
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from polypharmacy.env.openenv.banks import Banks
from polypharmacy.env.openenv.models import PolypharmacyAction
from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import Patient
from polypharmacy.server.journal.journal import NoReview
from polypharmacy.server.journal.live import Conflict, Live, ReadOnly, Refused, Reviews
from polypharmacy.server.review_models import ClosedReviewView, PatientReviewView, ReviewView, TaskReviewView
from polypharmacy.server.review_views import review_view
from tests.server.journal.conftest import JournalAt

ReviewsAt = Callable[..., Reviews]
TASKS = ("easy_screening", "budgeted_screening", "complex_tradeoff")
FINISH = PolypharmacyAction(action_type="finish_review")


@pytest.fixture
def reviews_at(shipped: Knowledge, banks: Banks, journal_at: JournalAt) -> ReviewsAt:
    def open_them(url: str, **options: Any) -> Reviews:
        return Reviews(journal_at(url), shipped, banks.load, **options)

    return open_them


@pytest.fixture
def reviews(tmp_path: Path, reviews_at: ReviewsAt) -> Reviews:
    return reviews_at(f"sqlite:///{tmp_path / 'one.sqlite'}")


def stop(drug: str) -> PolypharmacyAction:
    return PolypharmacyAction(
        action_type="propose_intervention", target_drug_id=drug, intervention_type="stop", rationale=f"no more {drug}"
    )


def act(reviews: Reviews, review_id: str, action: PolypharmacyAction, **options: Any) -> Live:
    with reviews.acting(review_id, action, **options) as live:
        return live


def undo(reviews: Reviews, review_id: str, target: int | None = None, **options: Any) -> Live:
    with reviews.undoing(review_id, target, **options) as live:
        return live


def shown(reviews: Reviews, review_id: str) -> ReviewView:
    with reviews.reading(review_id) as live:
        return review_view(live)


def an_action(live: Live, reviews: Reviews, draw: random.Random) -> PolypharmacyAction:
    """Mostly what is open, sometimes what is not."""
    view = review_view(live)
    if isinstance(view, PatientReviewView):
        drugs = [m.drug_id for m in view.medicines]
        legal = view.legal_actions
    else:
        assert isinstance(view, TaskReviewView)
        drugs = [m.drug_id for m in view.observation.current_medications]
        legal = view.observation.legal_actions
        if draw.random() < 0.5 and legal.query_ddi and draw.random() < 0.8:
            first = draw.choice(sorted(k for k, others in legal.query_ddi.items() if others))
            second = draw.choice(legal.query_ddi[first])
            return PolypharmacyAction(action_type="query_ddi", drug_id_1=first, drug_id_2=second)
    if draw.random() < 0.08:
        return FINISH
    target = draw.choice(sorted(legal.propose_intervention) or drugs) if draw.random() < 0.9 else draw.choice(drugs)
    kind = draw.choice(["stop", "dose_reduce", "substitute", "add_monitoring"])
    wanted = draw.choice([None, draw.choice(sorted(reviews.knowledge.ingredients)), "Eliquis", "no such drug"])
    return PolypharmacyAction(
        action_type="propose_intervention",
        target_drug_id=target,
        intervention_type=kind,
        proposed_new_drug_id=wanted if kind == "substitute" else None,
    )


def play(reviews: Reviews, review_id: str, steps: int, draw: random.Random) -> int:
    """Random actions and undos; returns how many were recorded. After each undo the state is checked to be that of the
    actions that stand.
    """
    recorded = 0
    digests: dict[tuple[int, ...], str] = {}
    for _ in range(steps):
        with reviews.reading(review_id) as live:
            digests[tuple(e.stored.sequence for e in live.standing)] = live.digest
            action = an_action(live, reviews, draw)
            possible = live.can_undo()
        try:
            if possible and draw.random() < 0.3:
                live = undo(reviews, review_id, draw.choice([None, draw.choice(possible)]))
                standing = tuple(e.stored.sequence for e in live.standing)
                assert digests.setdefault(standing, live.digest) == live.digest
            else:
                act(reviews, review_id, action)
        except (Refused, Conflict):
            continue
        recorded += 1
    return recorded


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(["patient", *TASKS]))
def test_replay_is_the_live_state_on_either_backend(
    seed: int, kind: str, reviews: Reviews, elder: Patient, shipped: Knowledge, banks: Banks
) -> None:
    draw = random.Random(seed)
    case = draw.randrange(16)
    id_ = reviews.open_patient(elder) if kind == "patient" else reviews.open_task(kind, "test", case)
    recorded = play(reviews, id_, 16, draw)
    alive = shown(reviews, id_)
    assert alive.sequence == recorded
    for backend in ("python", "numba"):
        rebuilt = shown(Reviews(reviews.journal, shipped, banks.load, backend), id_)
        assert not isinstance(rebuilt, ClosedReviewView)
        assert rebuilt == alive


def test_undo_after_an_action_is_the_state_before(reviews: Reviews, elder: Patient) -> None:
    draw = random.Random(7)
    for id_ in (reviews.open_patient(elder), *(reviews.open_task(task, "test", 3) for task in TASKS)):
        with reviews.reading(id_) as live:
            pass
        for _ in range(6):
            before = shown(reviews, id_)
            try:
                live = act(reviews, id_, an_action(live, reviews, draw))
            except Refused:
                continue
            if not live.can_undo():
                break  # graded
            live = undo(reviews, id_)
            after = shown(reviews, id_)
            same = {"sequence", "timeline", "undone", "can_undo"}
            assert after.model_dump(exclude=same) == before.model_dump(exclude=same)
            assert after.can_undo == before.can_undo
            with contextlib.suppress(Refused):  # and on from there
                live = act(reviews, id_, an_action(live, reviews, draw))


def test_any_decision_of_a_patients_review_can_be_taken_back(reviews: Reviews, elder: Patient) -> None:
    id_ = reviews.open_patient(elder)
    for drug in ("naproxen", "clarithromycin", "omeprazole"):
        live = act(reviews, id_, stop(drug))
    assert live.can_undo() == [3, 2, 1]
    live = undo(reviews, id_, 2)
    assert [e.stored.sequence for e in live.standing] == [1, 3]
    view = review_view(live)
    assert isinstance(view, PatientReviewView)
    assert {m.drug_id for m in view.medicines if m.status == "stopped"} == {"naproxen", "omeprazole"}
    assert [(r.sequence, r.undoes, r.taken_back) for r in view.timeline] == [
        (1, None, False), (2, None, True), (3, None, False), (4, 2, False),
    ]  # fmt: skip
    with pytest.raises(Refused, match="action 2 cannot be undone; 3, 1 can"):
        undo(reviews, id_, 2)


def test_a_decision_that_another_rests_on_is_not_taken_back_alone(reviews: Reviews, elder: Patient) -> None:
    id_ = reviews.open_patient(elder)
    act(reviews, id_, stop("naproxen"))
    swap = {"action_type": "propose_intervention", "target_drug_id": "simvastatin", "intervention_type": "substitute"}
    act(reviews, id_, PolypharmacyAction.model_validate({**swap, "proposed_new_drug_id": "naproxen"}))
    with pytest.raises(Refused, match="action 2 would not stand without it"):
        undo(reviews, id_, 1)
    assert undo(reviews, id_).sequence == 3
    assert undo(reviews, id_, 1).sequence == 4


def test_a_finished_review_takes_no_decision_until_that_is_undone(reviews: Reviews, elder: Patient) -> None:
    id_ = reviews.open_patient(elder)
    act(reviews, id_, FINISH)
    with pytest.raises(Refused, match="finished: undo"):
        act(reviews, id_, stop("naproxen"))
    undo(reviews, id_)
    assert act(reviews, id_, stop("naproxen")).sequence == 3


def test_a_graded_episode_stays_graded(reviews: Reviews) -> None:
    id_ = reviews.open_task("easy_screening", "test", 0)
    act(reviews, id_, FINISH)
    with pytest.raises(Refused, match="open another review"):
        act(reviews, id_, FINISH)
    with pytest.raises(Refused, match="open another review"):
        undo(reviews, id_)


def test_clients_of_two_processes_lose_and_reorder_nothing(
    database: str, reviews_at: ReviewsAt, elder: Patient
) -> None:
    """Many clients act through two caches on one database; every acknowledged action stands where it was said to."""
    both = [reviews_at(database), reviews_at(database)]
    ids = [both[0].open_patient(elder), both[0].open_task("complex_tradeoff", "test", 1)]
    acknowledged: dict[str, list[tuple[int, str, str]]] = {i: [] for i in ids}

    def client(number: int) -> None:
        draw = random.Random(number)
        for n in range(6):
            for id_ in ids:
                reviews, key = both[(number + n) % 2], f"{number}-{n}"
                try:
                    with reviews.reading(id_) as live:
                        action = an_action(live, reviews, draw)
                        seen = live.sequence
                    expected = seen if n % 2 else None
                    with reviews.acting(id_, action, expected=expected, key=key) as live:
                        entry = live.entries[-1].stored
                    assert entry.key == key
                    acknowledged[id_].append((entry.sequence, key, entry.body))
                    if expected is not None:
                        assert entry.sequence == seen + 1
                except (Refused, Conflict):
                    pass

    threads = [threading.Thread(target=client, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for id_, rows in acknowledged.items():
        journal = [(a.sequence, a.key, a.body) for a in both[0].journal.actions(id_)]
        assert rows
        assert sorted(rows) == journal
        assert [sequence for sequence, _, _ in journal] == list(range(1, len(journal) + 1))
        fresh = shown(reviews_at(database), id_)
        assert not isinstance(fresh, ClosedReviewView)
        assert fresh == shown(both[0], id_) == shown(both[1], id_)


def test_a_retry_with_its_key_is_not_played_twice(reviews: Reviews, elder: Patient) -> None:
    id_ = reviews.open_patient(elder)
    first = act(reviews, id_, stop("naproxen"), key="k1", expected=0)
    again = act(reviews, id_, stop("naproxen"), key="k1", expected=0)
    assert (first.sequence, again.sequence) == (1, 1)
    undone = undo(reviews, id_, key="k2")
    assert undo(reviews, id_, key="k2").sequence == undone.sequence == 2
    with pytest.raises(Conflict, match="use a new key"):
        act(reviews, id_, stop("omeprazole"), key="k1")


def test_an_action_expects_what_its_client_saw(reviews: Reviews, elder: Patient) -> None:
    id_ = reviews.open_patient(elder)
    act(reviews, id_, stop("naproxen"), expected=0)
    with pytest.raises(Conflict, match="stands at action 1, not 0"):
        act(reviews, id_, stop("omeprazole"), expected=0)


def test_a_state_that_cannot_be_rebuilt_is_told(
    database: str, reviews_at: ReviewsAt, elder: Patient, shipped: Knowledge
) -> None:
    reviews = reviews_at(database)
    ids = [reviews.open_patient(elder) for _ in range(2)]
    for id_ in ids:
        act(reviews, id_, stop("naproxen"))
        act(reviews, id_, stop("omeprazole"))
    postgres = database.startswith("postgres")
    with reviews.journal.engine.begin() as connection:  # what nobody can do by accident
        off = "alter table actions disable trigger user" if postgres else "drop trigger actions_are_kept"
        connection.execute(text(off))
        body = json.dumps(json.loads(reviews.journal.actions(ids[0])[0].body) | {"intervention_type": "dose_reduce"})
        change = text("update actions set body = :body where review_id = :id and sequence = 1")
        connection.execute(change, {"body": body, "id": ids[0]})
    again = reviews_at(database)
    view = shown(again, ids[0])
    assert isinstance(view, ClosedReviewView)
    assert "differs from the one recorded at action 1" in view.problem
    assert view.patient is not None
    assert view.patient.age == elder.age
    assert [r.sequence for r in view.timeline] == [1, 2]
    with pytest.raises(ReadOnly, match="open a new review"):
        act(again, ids[0], stop("warfarin"))
    assert isinstance(shown(again, ids[1]), PatientReviewView)


def test_a_review_of_another_knowledge_base_can_be_read_only(
    reviews: Reviews, elder: Patient, banks: Banks, shipped: Knowledge
) -> None:
    held = reviews.journal.review(reviews.open_patient(elder))
    act(reviews, held.id, stop("naproxen"))
    old = replace(held, id="00000000-0000-4000-8000-000000000000", knowledge_version="1999.1", knowledge_hash="other")
    reviews.journal.open(old)
    reviews.journal.append(old.id, reviews.journal.actions(held.id)[0])
    view = shown(reviews, old.id)
    assert isinstance(view, ClosedReviewView)
    assert "made with knowledge base 1999.1" in view.problem
    assert [r.action and r.action.target_drug_id for r in view.timeline] == ["naproxen"]
    with pytest.raises(ReadOnly, match="can be read, not continued"):
        act(reviews, old.id, stop("omeprazole"))
    with pytest.raises(ReadOnly, match="can be read, not continued"):
        undo(reviews, old.id)
    reviews.delete(old.id)


def test_what_is_deleted_is_not_kept_in_memory(database: str, reviews_at: ReviewsAt, elder: Patient) -> None:
    one, two = reviews_at(database), reviews_at(database)
    id_ = one.open_patient(elder)
    shown(two, id_)
    one.delete(id_)
    for reviews in (one, two):
        with pytest.raises(NoReview):
            shown(reviews, id_)
        with pytest.raises(NoReview):
            act(reviews, id_, stop("naproxen"))
        assert id_ not in reviews._live


def test_memory_holds_no_more_than_it_should(reviews: Reviews, elder: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polypharmacy.server.journal.live.KEPT", 3)
    ids = [reviews.open_patient(elder) for _ in range(6)]
    for id_ in ids:
        act(reviews, id_, stop("naproxen"))
    assert len(reviews._live) == 3
    assert all(shown(reviews, id_).sequence == 1 for id_ in ids)
