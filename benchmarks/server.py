"""How fast is the server beside OpenEnv's stock stack, and does it hold?

    python benchmarks/server.py [--seconds 5] [--rounds 5] [--quick] [--json]

The stock side is the echo environment of OpenEnv's own template behind `create_app` and `uvicorn.run` as they come. Our
side plays real cases of all three tasks. The same load client drives both, in a process of its own: raw WebSocket
frames, the next one sent when the last is answered; it offers compression as OpenEnv's client does, and both sides
reset after the same number of steps. Only steps are counted. Sides take turns; ratios are medians over rounds.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from functools import partial
from pathlib import Path
from typing import Any, cast

import psutil

TASKS = ("easy_screening", "budgeted_screening", "complex_tradeoff")
CASES = 32
HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "{}\r\n"
)
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


# The two servers, each in its own process


def serve_ours(port: int) -> None:
    from polypharmacy.server.run import serve
    from polypharmacy.server.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        serve(Settings(port=port, warm=False, database_url=f"sqlite:///{folder}/reviews.sqlite"))


def serve_stock(port: int) -> None:
    """OpenEnv's template, word for word in what it does."""
    from uuid import uuid4

    import uvicorn
    from openenv.core.env_server.http_server import create_app
    from openenv.core.env_server.interfaces import Environment
    from openenv.core.env_server.types import Action, Observation, State
    from pydantic import Field

    class EchoAction(Action):
        message: str = Field(..., description="Message to echo back")

    class EchoObservation(Observation):
        echoed_message: str = Field(default="", description="The echoed message")
        message_length: int = Field(default=0, description="Length of the echoed message")

    class EchoEnvironment(Environment[EchoAction, EchoObservation, State]):
        SUPPORTS_CONCURRENT_SESSIONS = True

        def __init__(self) -> None:
            super().__init__()
            self._state = State(episode_id=str(uuid4()), step_count=0)

        def reset(self, seed: int | None = None, episode_id: str | None = None, **kwargs: Any) -> EchoObservation:
            self._state = State(episode_id=episode_id or str(uuid4()), step_count=0)
            return EchoObservation(echoed_message="ready!", message_length=0, done=False, reward=0.0)

        def step(self, action: EchoAction, timeout_s: float | None = None, **kwargs: Any) -> EchoObservation:
            self._state.step_count += 1
            length = len(action.message)
            return EchoObservation(
                echoed_message=action.message,
                message_length=length,
                done=False,
                reward=min(length * 0.1, 1.0),
                metadata={"original_message": action.message, "step": self._state.step_count},
            )

        @property
        def state(self) -> State:
            return self._state

    app = create_app(EchoEnvironment, EchoAction, EchoObservation, env_name="echo_env", max_concurrent_envs=1024)
    uvicorn.run(app, host="127.0.0.1", port=port)


# The load client


def frame(message: dict[str, Any]) -> bytes:
    """A masked text frame; the mask is nought, which is legal and costs neither side anything to make."""
    body = json.dumps(message).encode()
    if len(body) < 126:
        return bytes((0x81, 0x80 | len(body))) + bytes(4) + body
    return bytes((0x81, 0xFE)) + len(body).to_bytes(2, "big") + bytes(4) + body


class Player(asyncio.Protocol):
    """One connection that plays `episodes` (frames: a reset, then steps) over and over, from number `first` on."""

    def __init__(self, episodes: list[list[bytes]], first: int, load: "Load") -> None:
        self.episodes, self.number, self.load = episodes, first % len(episodes), load
        self.at = 0
        self.buffer = bytearray()
        self.open = False
        self.inflate: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(HANDSHAKE.format(DEFLATE if self.load.deflate else "").encode())

    def connection_lost(self, error: Exception | None) -> None:
        if not self.load.stopping:
            self.load.errors.append(f"connection lost: {error}")

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer
        buffer += data
        if not self.open:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(buffer[:end])
            if b" 101 " not in head:
                self.load.errors.append(head[:80].decode())
                return
            if b"permessage-deflate" in head:
                self.inflate = zlib.decompressobj(-15)
            del buffer[: end + 4]
            self.open = True
            self.send()
        while len(buffer) >= 2:
            length, start = buffer[1] & 127, 2
            if length == 126:
                length, start = int.from_bytes(buffer[2:4], "big"), 4
            elif length == 127:
                length, start = int.from_bytes(buffer[2:10], "big"), 10
            if len(buffer) < start + length:
                return
            kind, packed = buffer[0] & 15, buffer[0] & 64
            body = bytes(buffer[start : start + length])
            del buffer[: start + length]
            if kind == 9:  # ping
                self.transport.write(bytes((0x8A, 0x80 | len(body))) + bytes(4) + body)
            elif kind == 1:
                if packed:
                    body = self.inflate.decompress(body + b"\x00\x00\xff\xff")
                self.answered(body)
            else:
                self.load.errors.append(f"frame of kind {kind}: {body[:80]!r}")
                return

    def answered(self, body: bytes) -> None:
        load = self.load
        if not body.startswith(b'{"type":"observation"'):
            load.errors.append(body[:200].decode())
            return
        if self.at:
            load.took.append(time.perf_counter() - self.sent)
        episode = self.episodes[self.number]
        self.at += 1
        if self.at == len(episode):
            if load.ends and b'"done":true' not in body[-400:]:
                load.errors.append(f"the episode did not end: {body[-200:]!r}")
                return
            self.at = 0
            self.number = (self.number + 1) % len(self.episodes)
        if not load.stopping:
            self.send()

    def send(self) -> None:
        self.sent = time.perf_counter()
        self.transport.write(self.episodes[self.number][self.at])


class Load:
    """What the players of one run share."""

    def __init__(self, deflate: bool, ends: bool) -> None:
        self.deflate, self.ends = deflate, ends
        self.took: list[float] = []
        self.errors: list[str] = []
        self.stopping = False

    async def run(
        self, port: int, episodes: list[list[bytes]], clients: int, seconds: float, pid: int
    ) -> dict[str, Any]:
        """Play for a while; steps a second, latency and the server's CPU time a step, after a warm-up."""
        loop = asyncio.get_running_loop()
        server = psutil.Process(pid)
        players = []
        for k in range(clients):
            player = Player(episodes, 7 * k, self)
            await loop.create_connection(partial(_same, player), "127.0.0.1", port)
            players.append(player)
        await asyncio.sleep(min(1.0, seconds / 3))
        memory = []
        self.took.clear()
        began, cpu = time.perf_counter(), sum(server.cpu_times()[:2])
        while (left := began + seconds - time.perf_counter()) > 0:
            memory.append(server.memory_info().rss)
            await asyncio.sleep(min(left, 1.0))
        took, spent = list(self.took), sum(server.cpu_times()[:2]) - cpu
        wall = time.perf_counter() - began
        memory.append(server.memory_info().rss)
        self.stopping = True
        await asyncio.sleep(0.1)
        for player in players:
            player.transport.abort()
        await asyncio.sleep(0.1)
        took.sort()
        return {
            "steps_per_second": len(took) / wall,
            "cpu_us_per_step": 1e6 * spent / max(1, len(took)),
            "p50_ms": 1000 * took[len(took) // 2] if took else None,
            "p99_ms": 1000 * took[len(took) * 99 // 100] if took else None,
            "errors": self.errors[:3],
            "memory_mb": [round(m / 1e6, 1) for m in memory],
        }


def _same(player: Player) -> Player:
    return player


def load_main(side: str, port: int, clients: int, seconds: float, pid: int, deflate: bool, episodes_file: str) -> None:
    """The load client's process: read the frames, play, print what was measured."""
    import uvloop

    episodes = [[frame(m) for m in episode] for episode in json.loads(Path(episodes_file).read_text())]
    load = Load(deflate, ends=side == "ours")
    print(json.dumps(uvloop.run(load.run(port, episodes, clients, seconds, pid))))


# What is played


def real_episodes() -> list[list[dict[str, Any]]]:
    """Cases of every task, played with random open actions until the budgets are spent, then finished."""
    from polypharmacy.env.openenv.banks import Banks
    from polypharmacy.env.openenv.environment import PolypharmacyEnvironment
    from polypharmacy.env.openenv.models import PolypharmacyAction

    environment, draw = PolypharmacyEnvironment(Banks(workers=1)), random.Random(0)
    episodes = []
    for index in range(CASES):
        for task in TASKS:
            options: dict[str, Any] = {"task_id": task, "split": "test", "index": index}
            seen = environment.reset(**options)
            messages: list[dict[str, Any]] = [{"type": "reset", "data": options}]
            while not seen.done:
                offered = seen.legal_actions
                actions: list[dict[str, Any]] = [
                    {"action_type": "query_ddi", "drug_id_1": a, "drug_id_2": b}
                    for a, partners in offered.query_ddi.items()
                    for b in partners
                ]
                actions += [
                    {"action_type": "propose_intervention", "target_drug_id": a, "intervention_type": kind}
                    for a, kinds in offered.propose_intervention.items()
                    for kind in kinds
                ]
                action = draw.choice(actions) if actions else {"action_type": "finish_review"}
                messages.append({"type": "step", "data": action})
                seen = environment.step(PolypharmacyAction.model_validate(action))
            episodes.append(messages)
    return episodes


def echo_episodes(like: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """As many steps an episode, echoing."""
    return [
        [{"type": "reset", "data": {}}, *({"type": "step", "data": {"message": "Hello, World!"}} for _ in episode[1:])]
        for episode in like
    ]


# Measuring


class Measured:
    """A server in its own process, and its episodes."""

    def __init__(self, side: str, folder: Path, episodes: list[list[dict[str, Any]]]) -> None:
        import httpx

        self.side = side
        self.port = _free_port()
        self.file = folder / f"{side}.json"
        self.file.write_text(json.dumps(episodes))
        command = [sys.executable, __file__, "--process", side, str(self.port)]
        self.log = (folder / f"{side}.log").open("w")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        until = time.monotonic() + 120
        while True:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
            if self.process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the {side} server did not start: {(folder / f'{side}.log').read_text()[-500:]}")

    def run(self, clients: int, seconds: float, deflate: bool = True) -> dict[str, Any]:
        command = [sys.executable, __file__, "--process", "load", self.side, str(self.port), str(clients)]
        command += [str(seconds), str(self.process.pid), str(int(deflate)), str(self.file)]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        measured: dict[str, Any] = json.loads(out.splitlines()[-1])
        if measured["errors"]:
            raise SystemExit(f"{self.side}, {clients} clients: {measured['errors']}")
        return measured

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def measure(rounds: int, seconds: float, hold: float) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        episodes = real_episodes()
        sides = [Measured("ours", folder, episodes), Measured("stock", folder, echo_episodes(episodes))]
        ours, stock = sides
        try:
            ours.run(1, 1.0)  # banks and compiled code
            for clients in (1, 32):
                pairs = [(ours.run(clients, seconds), stock.run(clients, seconds)) for _ in range(rounds)]
                for key in ("steps_per_second", "cpu_us_per_step", "p50_ms", "p99_ms"):
                    for side, at in (("ours", 0), ("stock", 1)):
                        figures[f"{key}_{clients}_clients_{side}"] = statistics.median(p[at][key] for p in pairs)
                ratios[f"steps_per_second_{clients}_clients"] = statistics.median(
                    o["steps_per_second"] / s["steps_per_second"] for o, s in pairs
                )
                ratios[f"cpu_per_step_stock_to_ours_{clients}_clients"] = statistics.median(
                    s["cpu_us_per_step"] / o["cpu_us_per_step"] for o, s in pairs
                )
            pairs = [(ours.run(32, seconds, False), stock.run(32, seconds, False)) for _ in range(rounds)]
            ratios["steps_per_second_32_clients_that_offer_no_compression"] = statistics.median(
                o["steps_per_second"] / s["steps_per_second"] for o, s in pairs
            )
            held = ours.run(256, hold)
            memory = held["memory_mb"]
            figures["sessions_256"] = {
                "seconds": hold,
                "steps_per_second": held["steps_per_second"],
                "p99_ms": held["p99_ms"],
                "errors": len(held["errors"]),
                "memory_mb_at_a_quarter_half_and_end": [memory[len(memory) // 4], memory[len(memory) // 2], memory[-1]],
            }
        finally:
            for measured in sides:
                measured.stop()
    return {
        "name": "server",
        "machine": {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()},
        "figures": figures,
        "ratios": ratios,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hold", type=float, default=60.0, help="seconds of 256 sessions")
    parser.add_argument("--quick", action="store_true", help="shorter: within 45 s")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds, arguments.hold = 1, 1.5, 4.0
    result = measure(arguments.rounds, arguments.seconds, arguments.hold)
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    for part in ("figures", "ratios"):
        for key, value in result[part].items():
            print(f"{key:<60} {value if isinstance(value, dict) else format(value, '.4g')}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--process"]:
        kind, rest = sys.argv[2], sys.argv[3:]
        if kind == "load":
            load_main(rest[0], int(rest[1]), int(rest[2]), float(rest[3]), int(rest[4]), rest[5] == "1", rest[6])
        else:
            {"ours": serve_ours, "stock": serve_stock}[kind](int(rest[0]))
    else:
        main()
