"""A language model that plays: told what is seen and what is open, answering with a tool call.

Only numbers and canonical names of the knowledge base reach the prompt: a View holds nothing else, so no word that
somebody wrote into a patient's record can.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Self

import numpy as np

from polypharmacy.agents.chat import Chat, ChatError, Remote, TimedOut, ToolCall, Unusable
from polypharmacy.agents.evaluate import Played, play
from polypharmacy.agents.heuristic import Heuristic
from polypharmacy.agents.tools import Choice, open_now, read, tools_of
from polypharmacy.env.bank import Bank
from polypharmacy.env.ids import candidate_ids, slot_ids
from polypharmacy.env.layout import SLOTS
from polypharmacy.env.text import render
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge, load
from polypharmacy.patients import InputError

VARIABLES = {"url": "API_BASE_URL", "model": "MODEL_NAME", "key": "HF_TOKEN"}
TIMEOUT = 60.0
"""Seconds for one decision, repair included, where nobody waits for it."""
RETRIES = 2
"""How often the client asks again after a refused connection, 429 or 5xx, within the time there is."""
AT_ONCE = 4
"""Episodes that `play_model` plays side by side."""
PATIENCE = 3
"""Failures, with no answer yet, after which a model that plays is asked no more: there is none."""

SYSTEM = """You are a clinical pharmacist who reviews the medicines of an older person, one action at a time.

query_ddi looks up in the chart how severe the interaction of two medicines is for this very person; it cannot be known
without asking. propose_intervention acts on one medicine, at most once each. finish_review ends the review. Queries,
interventions and steps are limited, and a risk left untouched stays: ask about the pairs that your pharmacology
suspects, act on what was found severe or moderate and on flagged medicines, then finish.
A stop takes away a medicine's risks and leaves its purpose untreated; a critical medicine is never stopped without a
substitute. dose_reduce and add_monitoring help where the dose or watching matters; substitute brings the listed
alternative, which may bring risks of its own.

How this review is graded: {goal}

Answer with exactly one call of one tool, with ids as the tools list them."""

GOALS = {
    "easy_screening": "exactly one pair is severe. Half is how far the risk falls; half is whether that pair was found "
    "by a query and then brought to moderate or below by an intervention on one of its two medicines.",
    "budgeted_screening": "two or more pairs are severe. 0.5 is how far the risk falls; 0.3 is the share of "
    "interventions on medicines that show a flag or were found in a moderate or severe interaction; 0.2 is severe "
    "pairs found a query.",
    "complex_tradeoff": "how far the risk falls, less 0.1 for every stop or substitute beyond three, 0.1 for every "
    "intervention on a medicine with no flag and no moderate or severe interaction found, and 0.3 for every critical "
    "medicine stopped.",
}


def remote_of(values: Mapping[str, str] = os.environ) -> Remote:
    """Where the model is, by the environment variables of VARIABLES. Raises InputError naming those not set."""
    missing = [name for name in VARIABLES.values() if not values.get(name)]
    if missing:
        raise InputError(
            f"the llm agent needs {', '.join(VARIABLES.values())}: {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not set (a server that asks for no key takes any word)"
        )
    return Remote(**{field: values[name] for field, name in VARIABLES.items()})


class Counts:
    """What became of decisions; shared by agents that play side by side.

    decisions asked for, calls made of the server, repairs asked for, fallbacks to the heuristic; of the fallbacks,
    timeouts and errors are those in which no answer came, the rest were answers that could not be used.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.answered = False
        self._counts = dict.fromkeys(("decisions", "calls", "repairs", "fallbacks", "timeouts", "errors"), 0)

    def add(self, *names: str) -> None:
        with self._lock:
            for name in names:
                self._counts[name] += 1

    def as_dict(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)

    def never_answered(self) -> bool:
        """Whether PATIENCE decisions failed for want of an answer, and no answer, good or bad, ever came."""
        return not self.answered and self._counts["timeouts"] + self._counts["errors"] >= PATIENCE


class Decision(NamedTuple):
    """An action number and why; `problem` says why it is the heuristic's (None: it is the model's own)."""

    number: int
    rationale: str
    problem: str | None = None


def prompt(view: View, knowledge: Knowledge) -> tuple[str, str]:
    """What the model is told: the rules, and what is seen and open."""
    ids, everyone = slot_ids(view, knowledge), candidate_ids(view, knowledge)
    offered = open_now(view, ids)
    lines = [render(view, knowledge), "", "Ids: " + ", ".join(f"{slot} {id_}" for slot, id_ in enumerate(ids))]
    partners: dict[str, list[str]] = {}
    for first, second in offered.pairs:
        partners.setdefault(first, []).append(second)
    if partners:
        lines += ["query_ddi is open for:", *(f"  {a} with {', '.join(b)}" for a, b in partners.items())]
    if offered.interventions:
        lines.append("propose_intervention is open for:")
        for id_, kinds in offered.interventions.items():
            alternative = everyone[SLOTS + ids.index(id_)]
            named = [f"{k} (by {alternative})" if k == "substitute" else k for k in kinds]
            lines.append(f"  {id_}: {', '.join(named)}")
    lines.append("finish_review is open.")
    return SYSTEM.format(goal=GOALS[view.task.name]), "\n".join(lines)


class LanguageModel:
    """An agent over a Chat: an answer that cannot be used is repaired once (asked again, told what was wrong), then the
    heuristic decides; so it does where no answer comes within `timeout` seconds.

    A context manager: it holds an event loop and a connection. With `must_answer`, ConnectionError is raised when the
    model has never answered in PATIENCE decisions; otherwise `decide` asks it no more then, `ask` does.
    """

    def __init__(
        self,
        remote: Remote,
        knowledge: Knowledge,
        counts: Counts | None = None,
        *,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        must_answer: bool = False,
    ) -> None:
        self.counts = counts or Counts()
        self.timeout = timeout
        self._chat = Chat(remote, retries)
        self._knowledge = knowledge
        self._fallback = Heuristic(knowledge)
        self._must_answer = must_answer
        self._runner: asyncio.Runner | None = None

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        return self

    def __exit__(self, *_: object) -> None:
        if self._runner is not None:
            self._runner.run(self.close())
            self._runner.close()
            self._runner = None

    async def close(self) -> None:
        await self._chat.close()

    def begin(self, view: View, episode: int) -> None:
        self._fallback.begin(view, episode)

    def act(self, view: View) -> int:
        return self.decide(view).number

    def decide(self, view: View) -> Decision:
        """The model's action, or the heuristic's. Raises RuntimeError outside its `with` block."""
        if self._runner is None:
            raise RuntimeError("a LanguageModel plays inside its `with` block")
        if self.counts.never_answered():
            self.counts.add("decisions", "fallbacks", "errors")
            return Decision(
                self._fallback.act(view), "", f"the model was not asked: it gave no answer {PATIENCE} times"
            )
        try:
            return Decision(*self._runner.run(self.ask(view)))
        except (ChatError, Unusable) as error:
            if self._must_answer and self.counts.never_answered():
                url = self._chat.remote.url
                raise ConnectionError(f"{url}: {error}, the last of {PATIENCE} tries without an answer") from None
            return Decision(self._fallback.act(view), "", str(error))

    async def ask(self, view: View) -> Choice:
        """The model's action. Raises ChatError, and Unusable when the repair failed too: a fallback, counted as one."""
        self.counts.add("decisions")
        system, user = prompt(view, self._knowledge)
        ids = slot_ids(view, self._knowledge)
        tools = tools_of(open_now(view, ids))
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.timeout
        try:
            try:
                return read(await self._call(system, user, tools, deadline), view, ids)
            except Unusable as error:
                self.counts.add("repairs")
                told = f"{user}\n\nYour last answer could not be used: {error}. Answer anew."
                return read(await self._call(system, told, tools, deadline), view, ids)
        except TimedOut:
            self.counts.add("fallbacks", "timeouts")
            raise TimedOut(f"the model did not answer within {self.timeout:g} s") from None
        except ChatError:
            self.counts.add("fallbacks", "errors")
            raise
        except Unusable as error:
            self.counts.add("fallbacks")
            raise Unusable(f"the model's answer could not be used: {error}") from None

    async def _call(self, system: str, user: str, tools: list[dict[str, Any]], deadline: float) -> ToolCall:
        self.counts.add("calls")
        left = max(0.0, deadline - asyncio.get_running_loop().time())
        try:
            answer = await self._chat.call(system, user, tools, left)
        except Unusable:
            self.counts.answered = True
            raise
        self.counts.answered = True
        return answer


def play_model(
    bank: Bank, episodes: int, progress: Callable[[int], None] | None = None, remote: Remote | None = None
) -> tuple[Played, Counts]:
    """Episodes 0 to `episodes` - 1, AT_ONCE side by side, and what became of the decisions.

    Raises InputError (see `remote_of`) and ConnectionError when the model never answers.
    """
    remote = remote or remote_of()
    counts, knowledge = Counts(), load()

    def one(episode: int) -> Played:
        with LanguageModel(remote, knowledge, counts, must_answer=True) as agent:
            return play(agent, bank, range(episode, episode + 1))

    pool = ThreadPoolExecutor(AT_ONCE)
    parts: list[Played] = []
    try:
        for part in pool.map(one, range(episodes)):
            parts.append(part)
            if progress is not None:
                progress(1)
    finally:
        pool.shutdown(cancel_futures=True)
    return Played(*(np.concatenate(columns) for columns in zip(*parts, strict=True))), counts
