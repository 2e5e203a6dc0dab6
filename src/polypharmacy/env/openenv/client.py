"""Clients: over a socket (async, and sync by `.sync()`), and one that plays in this process."""

from typing import Any

from openenv.core.client_types import StepResult
from openenv.core.env_client import EnvClient

from polypharmacy.env.openenv.banks import Banks
from polypharmacy.env.openenv.environment import PolypharmacyEnvironment
from polypharmacy.env.openenv.models import PolypharmacyAction, PolypharmacyObservation, PolypharmacyState

Result = StepResult[PolypharmacyObservation]


class PolypharmacyEnv(EnvClient[PolypharmacyAction, PolypharmacyObservation, PolypharmacyState]):
    """A session with a server, typed.

    with PolypharmacyEnv("http://localhost:7860").sync() as env:
        result = env.reset(task_id="easy_screening", split="test", index=0)
        result = env.step(PolypharmacyAction(action_type="finish_review"))
    """

    def _step_payload(self, action: PolypharmacyAction) -> dict[str, Any]:
        return action.model_dump(exclude_none=True, exclude_defaults=True)

    def _parse_result(self, payload: dict[str, Any]) -> Result:
        seen = PolypharmacyObservation(**payload["observation"], reward=payload["reward"], done=payload["done"])
        return StepResult(observation=seen, reward=payload["reward"], done=seen.done, metadata=seen.metadata)

    def _parse_state(self, payload: dict[str, Any]) -> PolypharmacyState:
        return PolypharmacyState.model_validate(payload)


class InProcessEnv:
    """The same calls as `PolypharmacyEnv(...).sync()` without a server."""

    def __init__(self, banks: Banks | None = None) -> None:
        self._environment = PolypharmacyEnvironment(banks)

    def reset(self, **options: Any) -> Result:
        """Begin an episode: see ResetOptions. Raises as PolypharmacyEnvironment.reset."""
        return _result(self._environment.reset(**options))

    def step(self, action: PolypharmacyAction) -> Result:
        """Play one action. Raises CallReset without an open episode."""
        return _result(self._environment.step(action))

    def state(self) -> PolypharmacyState:
        """Where the episode stands."""
        return self._environment.state

    def close(self) -> None:
        """Let the episode go."""
        self._environment.close()

    def __enter__(self) -> "InProcessEnv":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _result(seen: PolypharmacyObservation) -> Result:
    reward = None if seen.reward is None else float(seen.reward)
    return StepResult(observation=seen, reward=reward, done=seen.done, metadata=seen.metadata)
