"""Does every acknowledged action survive kill -9, with the state it led to?

    python benchmarks/crash_safety.py [--rounds 20] [--actions 1000] [--database URL] [--quick] [--json]

A round sends the actions at once over 200 connections to a real server process (patients' reviews and episodes, several
clients on each), kills the process with SIGKILL at a random acknowledgement, starts another on the same database,
and holds every acknowledged action against what that one says: it is there, at its place, with its digest, and the
server, which rebuilds every review by replay, finds no digest that differs. Another process replays all of it once
more, with the compiled step where the server uses plain Python. Then one review is gone on with.
Without --database, SQLite in a temporary folder. `answer` is from a request's start to its answer, 200 waiting for one
another; `loop` is the answer to a request that needs the event loop alone, sent all the while by another process.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson

REVIEWS = 50
CONNECTIONS = 200
LIST = "warfarin 5 mg daily\nibuprofen 400 mg TID\nsimvastatin 40 mg\nclarithromycin 500 mg BID\nomeprazole 20 mg\n"
LIST += "amitriptyline 25 mg at night\nlisinopril 10 mg daily\nspironolactone 25 mg daily\nzopiclone 7.5 mg at night"
KINDS = ("stop", "dose_reduce", "substitute", "add_monitoring")
_PROCESSES = multiprocessing.get_context("forkserver")


class Acknowledged(NamedTuple):
    """What the server answered to an action."""

    review: str
    key: str
    sequence: int
    digest: str
    seconds: float


class Round(NamedTuple):
    """One round: what was sent and acknowledged before the kill, and what was wrong after it (nothing, one hopes)."""

    acknowledged: list[Acknowledged]
    sent: int
    kept_unacknowledged: int
    lost: list[str]
    wrong: list[str]
    restart: float
    loop: list[float]


def _serve(url: str, port: int) -> None:
    from polypharmacy.server.run import serve
    from polypharmacy.server.settings import Settings

    serve(Settings(port=port, warm=False, database_url=url))


def start(url: str) -> tuple[ForkServerProcess, str, float]:
    """A server process on the database, its address, and how long it took to answer. (Its modules are imported once, in
    the process that it is forked from; it opens the database and rebuilds every review itself.)
    """
    import socket

    _PROCESSES.set_forkserver_preload(["polypharmacy.server.run"])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    begun = time.perf_counter()
    process = _PROCESSES.Process(target=_serve, args=(url, port), daemon=True)
    process.start()
    address = f"http://127.0.0.1:{port}"
    while True:
        try:
            httpx.get(f"{address}/health", timeout=5)
        except httpx.TransportError:
            if not process.is_alive() or time.perf_counter() > begun + 120:
                raise RuntimeError("the server did not start") from None
            time.sleep(0.02)
        else:
            return process, address, time.perf_counter() - begun


def kill(process: ForkServerProcess) -> None:
    """SIGKILL: no handler, no flush, no goodbye."""
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    if process.exitcode != -signal.SIGKILL:
        raise RuntimeError(f"the server ended by itself, with {process.exitcode}")


def play_round(
    url: str, running: tuple[ForkServerProcess, str], actions: int, draw: random.Random
) -> tuple[Round, Any]:
    """One round on a running server; returns it with the server that came after."""
    process, address = running
    acknowledged, sent, loop = asyncio.run(_act_and_kill(process, address, actions, draw))
    process, address, restart = start(url)
    lost: list[str] = []
    wrong: list[str] = []
    digests: dict[str, str] = {}
    extra = 0
    with httpx.Client(base_url=address, timeout=120) as client:
        for review in sorted({a.review for a in acknowledged}):
            view = client.get(f"/reviews/{review}").json()
            if view["kind"] == "closed":
                wrong.append(f"{review}: {view['problem']}")
                continue
            rows = view["timeline"]
            if [r["sequence"] for r in rows] != list(range(1, len(rows) + 1)):
                wrong.append(f"{review}: a gap in the sequence")
            for told in (a for a in acknowledged if a.review == review):
                if told.sequence > len(rows):
                    lost.append(f"{review}: action {told.sequence} of {len(rows)}")
                elif rows[told.sequence - 1]["digest"] != told.digest:
                    wrong.append(f"{review}: action {told.sequence} has another digest")
            digests[review] = view["digest"]
            extra += len(rows)
        wrong += replayed(url, digests)
        probe = acknowledged[-1].review
        again = client.post(f"/reviews/{probe}/undo")
        if again.status_code not in (200, 409):
            wrong.append(f"{probe}: cannot go on: {again.text}")
    return Round(acknowledged, sent, extra - len(acknowledged), lost, wrong, restart, loop), (process, address)


async def _act_and_kill(
    process: ForkServerProcess, address: str, actions: int, draw: random.Random
) -> tuple[list[Acknowledged], int, list[float]]:
    limits = httpx.Limits(max_connections=CONNECTIONS + 2, max_keepalive_connections=CONNECTIONS + 2)
    acknowledged: list[Acknowledged] = []
    enough = draw.randrange(actions // 10, actions * 9 // 10)
    dead = asyncio.Event()
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as client:
        plans = [await _plan(client, number, actions // REVIEWS, draw) for number in range(REVIEWS)]
        queue = [step for plan in plans for step in plan]
        draw.shuffle(queue)
        sent = 0

        async def send(review: str, number: int, path: str, body: dict[str, Any] | None) -> None:
            nonlocal sent
            key = f"{review}-{number}-{draw.random()}"
            begun = time.perf_counter()
            sent += 1
            try:
                response = await client.post(path, json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                return  # killed: whatever was not answered was not promised
            if response.status_code == 409:
                return  # decided by another client meanwhile
            if response.status_code != 200:
                raise RuntimeError(f"{response.status_code}: {response.text}")
            view = orjson.loads(response.content)
            acknowledged.append(
                Acknowledged(review, key, view["sequence"], view["digest"], time.perf_counter() - begun)
            )
            if len(acknowledged) >= enough and not dead.is_set():
                dead.set()
                kill(process)

        gate = asyncio.Semaphore(CONNECTIONS)

        async def take_turn(step: tuple[str, int, str, dict[str, Any] | None]) -> None:
            async with gate:
                if not dead.is_set():
                    await send(*step)

        ours, theirs = _PROCESSES.Pipe(duplex=False)
        prober = _PROCESSES.Process(target=_probe, args=(address, theirs), daemon=True)
        prober.start()
        theirs.close()
        await asyncio.gather(*(take_turn(step) for step in queue))
        if not dead.is_set():  # so many were refused that the moment never came
            dead.set()
            kill(process)
    late: list[float] = ours.recv()
    prober.join(30)
    return acknowledged, sent, late


def _probe(address: str, out: Connection) -> None:
    """How long the server takes to answer what needs no database and no worker thread, until it is killed."""
    times = []
    with httpx.Client(base_url=address, timeout=120) as client:
        while True:
            begun = time.perf_counter()
            try:
                client.get("/health")
            except httpx.TransportError:
                break
            times.append(time.perf_counter() - begun)
            time.sleep(0.005)
    out.send(times)


async def _plan(
    client: httpx.AsyncClient, number: int, steps: int, draw: random.Random
) -> list[tuple[str, int, str, dict[str, Any] | None]]:
    """Open a review, patients' and episodes' by turns, and say what is to be done to it."""
    if number % 2:
        body: dict[str, Any] = {"task_id": "complex_tradeoff", "split": "test", "index": number % 16}
    else:
        body = {"patient": {"text": LIST, "age": 70 + number % 25, "sex": "female", "conditions": []}}
    response = await client.post("/reviews", json=body)
    while response.status_code == 503:  # the episodes' cases are being compiled, once for all runs
        await asyncio.sleep(1)
        response = await client.post("/reviews", json=body)
    if response.status_code != 201:
        raise RuntimeError(f"{response.status_code}: {response.text}")
    view = response.json()
    id_ = view["id"]
    listed = view["medicines"] if view["kind"] == "patient" else view["observation"]["current_medications"]
    drugs = [m["drug_id"] for m in listed]
    out: list[tuple[str, int, str, dict[str, Any] | None]] = []
    for step in range(steps):
        if step % 3 == 2:
            out.append((id_, step, f"/reviews/{id_}/undo", None))
            continue
        act: dict[str, Any] = {"action_type": "propose_intervention", "target_drug_id": draw.choice(drugs)}
        act["intervention_type"] = draw.choice(KINDS)
        if act["intervention_type"] == "substitute" and view["kind"] == "patient":
            act["proposed_new_drug_id"] = draw.choice(["paracetamol", "apixaban", "pravastatin", "doxycycline"])
        if view["kind"] == "task" and draw.random() < 0.7:
            pair = draw.sample(drugs, 2)
            act = {"action_type": "query_ddi", "drug_id_1": pair[0], "drug_id_2": pair[1]}
        out.append((id_, step, f"/reviews/{id_}/actions", act))
    return out


def replayed(url: str, digests: dict[str, str]) -> list[str]:
    """What a replay in a process of its own, with the compiled step, says against the digests of reviews."""
    ours, theirs = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_replay, args=(url, digests, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        problems: list[str] = ours.recv()
    except EOFError:
        problems = ["the replay failed"]
    process.join(30)
    return problems


def _replay(url: str, digests: dict[str, str], out: Connection) -> None:
    from polypharmacy.env.openenv.banks import shared_banks
    from polypharmacy.knowledge import load
    from polypharmacy.server.journal.journal import Journal
    from polypharmacy.server.journal.live import Reviews

    reviews = Reviews(Journal(url), load(), shared_banks().load, "numba")
    problems = []
    for review, digest in digests.items():
        with reviews.reading(review) as live:
            if live.play is None or live.play.digest() != digest:
                problems.append(f"{review}: a replay elsewhere differs")
    out.send(problems)


@contextmanager
def rounds(url: str, count: int, actions: int, seed: int) -> Iterator[Iterator[Round]]:
    """Rounds on one database, each on the server that came up after the kill before."""
    process, address, _ = start(url)
    running = [(process, address)]

    def played() -> Iterator[Round]:
        draw = random.Random(seed)
        for _ in range(count):
            one, running[0] = play_round(url, running[0], actions, draw)
            yield one

    try:
        yield played()
    finally:
        running[0][0].terminate()
        running[0][0].join(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--actions", type=int, default=1000)
    parser.add_argument("--database", help="a fresh database; its tables are made")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--quick", action="store_true", help="two rounds")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.database or f"sqlite:///{Path(folder) / 'reviews.sqlite'}"
        played: list[Round] = []
        with rounds(url, 2 if options.quick else options.rounds, options.actions, options.seed) as coming:
            for one in coming:
                played.append(one)
                if not options.json:
                    print(
                        f"round {len(played)}: {len(one.acknowledged)} acknowledged of {one.sent} sent, then killed; "
                        f"lost {len(one.lost)}, wrong {len(one.wrong)}"
                    )
    for problem in [p for one in played for p in (*one.lost, *one.wrong)][:20]:
        print(problem, file=sys.stderr)
    answers = sorted(a.seconds for one in played for a in one.acknowledged)
    late = sorted(s for one in played for s in one.loop)
    figures = {
        "database": url.split(":", 1)[0],
        "rounds": len(played),
        "actions_a_round": options.actions,
        "sent": sum(one.sent for one in played),
        "acknowledged": len(answers),
        "lost": sum(len(one.lost) for one in played),
        "wrong_digests_or_order": sum(len(one.wrong) for one in played),
        "kept_though_not_acknowledged": sum(one.kept_unacknowledged for one in played),
        "restart_median_s": statistics.median(one.restart for one in played),
        "answer_median_ms": 1000 * statistics.median(answers),
        "answer_p99_ms": 1000 * answers[int(0.99 * len(answers))],
        "loop_median_ms": 1000 * statistics.median(late),
        "loop_p99_ms": 1000 * late[int(0.99 * len(late))],
        "seed": options.seed,
    }
    if options.json:
        machine = f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}"
        print(json.dumps({"name": "crash_safety", "machine": machine, "figures": figures, "ratios": {}}))
    else:
        for name, value in figures.items():
            print(f"{name}: {value:.2f}" if isinstance(value, float) else f"{name}: {value}")
    if figures["lost"] or figures["wrong_digests_or_order"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
