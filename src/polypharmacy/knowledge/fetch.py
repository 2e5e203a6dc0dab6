"""Look-ups in the public RxNav and openFDA services, cached on disk, retried and rate-limited."""

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from polypharmacy.knowledge.tables import cache_folder

if TYPE_CHECKING:
    import httpx

Service = Literal["rxnorm", "openfda"]
BASE_URLS: dict[Service, str] = {"rxnorm": "https://rxnav.nlm.nih.gov", "openfda": "https://api.fda.gov"}
"""Overridden by POLYPHARMACY_RXNORM_URL and POLYPHARMACY_OPENFDA_URL (a mirror, or a test's own server)."""
RETRIES = 3
TIMEOUT = 10.0
INTERVAL = {"rxnorm": 1 / 20, "openfda": 1 / 4}
"""Least seconds between requests: RxNav asks for at most 20 a second, openFDA without a key for 240 a minute."""


class FetchProblem(RuntimeError):
    """A service that did not answer or answered what cannot be read."""


class Fetcher:
    """Asks one service. Answers, "not found" among them, are cached for good; failures are not."""

    def __init__(self, service: Service, client: "httpx.Client", sleep: Callable[[float], None] = time.sleep) -> None:
        self.service = service
        self.base = os.environ.get(f"POLYPHARMACY_{service.upper()}_URL", BASE_URLS[service]).rstrip("/")
        self._client = client
        self._sleep = sleep
        self._last = -1e9

    def look_up(self, name: str) -> dict[str, Any]:
        """What the service knows of a drug name: {"name", "found", ...}. Raises FetchProblem."""
        return self._rxnorm(name) if self.service == "rxnorm" else self._openfda(name)

    def _rxnorm(self, name: str) -> dict[str, Any]:
        ids = self._get("/REST/rxcui.json", {"name": name, "search": "2"}).get("idGroup", {}).get("rxnormId", [])
        if not ids:
            return {"name": name, "found": False}
        properties = self._get(f"/REST/rxcui/{ids[0]}/properties.json", {}).get("properties") or {}
        return {
            "name": name,
            "found": True,
            "rxcui": ids[0],
            "rxnorm_name": properties.get("name"),
            "term_type": properties.get("tty"),
        }

    def _openfda(self, name: str) -> dict[str, Any]:
        quoted = name.replace('"', " ").strip()
        answer = self._get("/drug/label.json", {"search": f'openfda.generic_name:"{quoted}"', "limit": "1"})
        results = answer.get("results") or []
        if not results:
            return {"name": name, "found": False}
        label = results[0]
        return {
            "name": name,
            "found": True,
            "set_id": label.get("set_id"),
            "effective_time": label.get("effective_time"),
            "boxed_warning": " ".join(label.get("boxed_warning") or []) or None,
            "drug_interactions": " ".join(label.get("drug_interactions") or []) or None,
        }

    def _get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        key = hashlib.sha256(json.dumps([self.base, path, query], sort_keys=True).encode()).hexdigest()
        cached = cache_folder().parent / "fetch" / f"{key[:32]}.json"
        try:
            held = json.loads(cached.read_text(encoding="utf-8"))
            if isinstance(held, dict):
                return held
        except (OSError, ValueError):
            pass
        answer = self._request(path, query)
        _keep(cached, answer)
        return answer

    def _request(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        import httpx

        problem = ""
        for attempt in range(RETRIES):
            self._wait(attempt)
            try:
                response = self._client.get(self.base + path, params=query, timeout=TIMEOUT)
            except httpx.HTTPError as error:
                problem = f"did not answer ({type(error).__name__})"
                continue
            if response.status_code == 404:
                return {}
            if response.status_code == 429 or response.status_code >= 500:
                problem = f"answered {response.status_code}"
                continue
            if response.status_code != 200:
                raise FetchProblem(f"{self.service} answered {response.status_code} to {path}")
            try:
                answer = response.json()
            except ValueError:
                raise FetchProblem(f"{self.service} answered {path} with something that is not JSON") from None
            if not isinstance(answer, dict):
                raise FetchProblem(f"{self.service} answered {path} with JSON of another shape")
            return answer
        raise FetchProblem(f"{self.service} {problem}; tried {RETRIES} times")

    def _wait(self, attempt: int) -> None:
        pause = INTERVAL[self.service] - (time.monotonic() - self._last)
        if attempt:
            pause = max(pause, 0.25 * 2**attempt)
        if pause > 0:
            self._sleep(pause)
        self._last = time.monotonic()


def _keep(path: Path, answer: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(answer), encoding="utf-8")
        partial.replace(path)
    except OSError:
        pass
