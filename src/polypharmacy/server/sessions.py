"""Who is playing: a place for every open episode, given back when it is closed, or idle for too long."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from polypharmacy.env.openenv.environment import PolypharmacyEnvironment


class Full(RuntimeError):
    """Every place is taken."""


@dataclass(slots=True)
class Session:
    """An environment and when it was last used (`time.monotonic`). `expire` ends who holds it, if anybody listens."""

    environment: PolypharmacyEnvironment
    expire: Callable[[], object] | None = None
    used: float = field(default_factory=time.monotonic)

    def touch(self) -> None:
        """Note that it was used."""
        self.used = time.monotonic()


class Sessions:
    """Sessions by id, at most `limit`, each for at most `idle` seconds after its last use."""

    def __init__(self, limit: int, idle: float) -> None:
        self.limit = limit
        self.idle = idle
        self._held: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[tuple[str, Session]]:
        return iter(list(self._held.items()))

    def get(self, id_: str) -> Session | None:
        return self._held.get(id_)

    def add(self, id_: str, session: Session) -> None:
        """Give a place, that of an ended HTTP episode if need be. Raises Full."""
        if id_ not in self._held and len(self._held) >= self.limit and not self._make_room():
            raise Full(f"all {self.limit} sessions are in use: close one, or come back later")
        self._held[id_] = session

    def drop(self, id_: str, session: Session | None = None) -> None:
        """Give the place back; only if it is still that of `session`, if one is given."""
        held = self._held.get(id_)
        if held is not None and (session is None or held is session):
            del self._held[id_]
            held.environment.close()

    def reap(self) -> int:
        """End whoever has been idle too long; how many."""
        limit = time.monotonic() - self.idle
        late = [(id_, s) for id_, s in self if s.used < limit]
        for id_, session in late:
            self.drop(id_)
            if session.expire is not None:
                session.expire()
        return len(late)

    async def reap_for_ever(self) -> None:
        """Reap several times within the idle time."""
        with suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(min(self.idle / 4, 30.0))
                self.reap()

    def _make_room(self) -> bool:
        for id_, session in self._held.items():
            episode = session.environment.episode
            if session.expire is None and episode is not None and episode.done:
                self.drop(id_)
                return True
        return False
