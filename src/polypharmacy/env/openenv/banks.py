"""Banks for whoever asks for an episode by its index: compiled in rounded sizes, each once, off the caller's thread."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from functools import lru_cache

from polypharmacy.env.bank import SPLITS, Bank, load_bank
from polypharmacy.env.episode import Episode
from polypharmacy.env.layout import FINISH
from polypharmacy.env.tasks import TASKS

SIZES = (16, 64, 256, 1024, 8192)
DRAWN = 256
"""Without an index an episode is drawn among the first of these, so that no long compile is waited for."""


class BankNotReady(RuntimeError):
    """Cases that are still being compiled; says how far it is."""


class Banks:
    """Banks by task and split, kept once loaded. `workers` processes compile them (None: one a core)."""

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str], Bank] = {}
        self._coming: dict[tuple[str, str, int], Future[Bank]] = {}
        self._ready: dict[tuple[str, str, int], int] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bank")  # one after the other: each takes all cores

    def held(self, task: str, split: str, index: int) -> Bank | None:
        """A bank that has case `index`, if one is in memory."""
        bank = self._held.get((task, split))
        return bank if bank is not None and index < bank.size else None

    def load(self, task: str, split: str, index: int, timeout: float | None = None) -> Bank:
        """A bank that has case `index`. Raises BankNotReady after `timeout` seconds (it goes on being compiled) and
        ValueError for what is no task, split or index.
        """
        bank = self.held(task, split, index)
        if bank is not None:
            return bank
        key, coming = self._start(task, split, index)
        wait_for([coming], timeout)
        return self._outcome(key, coming)

    async def load_async(self, task: str, split: str, index: int, timeout: float | None = None) -> Bank:
        """The same without holding up the event loop."""
        bank = self.held(task, split, index)
        if bank is not None:
            return bank
        key, coming = self._start(task, split, index)
        await asyncio.wait([asyncio.wrap_future(coming)], timeout=timeout)
        return self._outcome(key, coming)

    def close(self) -> None:
        """Start no more compiling."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _start(self, task: str, split: str, index: int) -> tuple[tuple[str, str, int], "Future[Bank]"]:
        if task not in TASKS:
            raise ValueError(f"task_id {task!r} is not one of {', '.join(TASKS)}")
        if split not in SPLITS:
            raise ValueError(f"split {split!r} is not one of {', '.join(SPLITS)}")
        if not 0 <= index < SPLITS[split]:
            raise ValueError(f"index: {task} has cases 0 to {SPLITS[split] - 1} in {split}, not {index}")
        size = next(size for size in SIZES if index < size)
        key = (task, split, size)
        with self._lock:
            coming = self._coming.get(key)
            if coming is None:
                self._ready[key] = 0
                coming = self._coming[key] = self._thread.submit(self._load, key)
        return key, coming

    def _load(self, key: tuple[str, str, int]) -> Bank:
        task, split, size = key
        try:
            progress: Callable[[int], None] = lambda count: self._ready.__setitem__(key, count)  # noqa: E731
            bank = load_bank(task, split, size, workers=self._workers, progress=progress)
            Episode(bank, 0).step(FINISH)  # the first step in a process compiles: here, where nobody is held up
            known = self._held.get((task, split))
            if known is None or known.size < bank.size:
                self._held[task, split] = bank
            return bank
        finally:
            with self._lock:
                del self._coming[key], self._ready[key]

    def _outcome(self, key: tuple[str, str, int], coming: "Future[Bank]") -> Bank:
        if coming.done():
            return coming.result()
        task, split, size = key
        raise BankNotReady(
            f"cases of {task} ({split}) are being compiled, {self._ready.get(key, 0)} of {size} are ready: ask again"
        )


@lru_cache(maxsize=1)
def shared_banks() -> Banks:
    """Those of an environment in a user's own program: compiled without other processes, which would run its main
    module once more.
    """
    return Banks(workers=1)
