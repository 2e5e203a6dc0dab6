"""What a policy is."""

import random
from typing import Protocol

from polypharmacy.env.view import View


class Agent(Protocol):
    """Decides from what it sees. `begin` is told when an episode starts."""

    def begin(self, view: View, episode: int) -> None: ...

    def act(self, view: View) -> int:
        """An action, 0 to 165."""
        ...


def episode_random(seed: int, episode: int) -> random.Random:
    """Random numbers of one episode, the same whichever process plays it."""
    return random.Random(f"{seed}/{episode}")
