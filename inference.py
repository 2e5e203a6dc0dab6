"""A language model plays one episode of each task: API_BASE_URL, MODEL_NAME and HF_TOKEN say which.

Standard output holds the lines that OpenEnv's evaluators read, and nothing else:

    [START] task=<task> env=polypharmacy_env model=<model>
    [STEP] step=<n> action=<action> reward=<0.00> done=<true|false> error=<null|message>
    [END] success=<true|false> steps=<n> score=<0.000> rewards=<r1,r2,...>

Rewards are those of the OpenEnv face (0.001 to 0.999), the score is the grade at the end. `error` says why an action
counted as invalid, or why the model's answer was not used and the heuristic played instead. Exit codes: 0 all three
tasks were played, 1 one of them failed, 2 a variable is missing.
"""

import contextlib
import json
import sys
from collections.abc import Callable

from polypharmacy.agents.llm import Counts, LanguageModel, remote_of
from polypharmacy.agents.tools import one_line
from polypharmacy.env.actions import FinishReview, QueryDdi, decode
from polypharmacy.env.bank import load_bank
from polypharmacy.env.episode import Episode
from polypharmacy.env.ids import slot_ids
from polypharmacy.env.tasks import TASKS
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge, load
from polypharmacy.patients import InputError

SPLIT, INDEX = "test", 0
SUCCESS = 0.1
"""The least grade that counts as a success; doing nothing is graded 0.001."""
TIMEOUT = 18.0
"""Seconds for one decision, so that three tasks of at most 60 steps end within 20 minutes whatever the model does."""

Say = Callable[[str], None]


def main() -> int:
    counts, knowledge = Counts(), load()
    try:
        agent = LanguageModel(remote := remote_of(), knowledge, counts, timeout=TIMEOUT)
    except InputError as error:
        sys.stderr.write(f"inference: {error}\n")
        return 2
    out = sys.stdout

    def say(line: str) -> None:
        out.write(line + "\n")
        out.flush()

    failed = False
    with contextlib.redirect_stdout(sys.stderr), agent:
        for task in TASKS:
            say(f"[START] task={task} env=polypharmacy_env model={''.join(remote.model.split())}")
            failed |= not play(task, agent, knowledge, say)
    sys.stderr.write(f"inference: {json.dumps(counts.as_dict())}\n")
    return int(failed)


def play(task: str, agent: LanguageModel, knowledge: Knowledge, say: Say) -> bool:
    """Play one episode and say its [STEP] and [END] lines. False where an exception ended it."""
    rewards: list[float] = []
    score = 0.0
    try:
        episode = Episode(load_bank(task, SPLIT, INDEX + 1), INDEX, backend="python")
        agent.begin(episode.view, INDEX)
        while not episode.done:
            decision = agent.decide(episode.view)
            action = name_of(episode.view, decision.number, knowledge)
            played = episode.step(decision.number)
            rewards.append(min(max(played.reward, 0.001), 0.999))
            score = played.grade or 0.0
            problem = played.problem or decision.problem
            say(
                f"[STEP] step={len(rewards)} action={action} reward={rewards[-1]:.2f} "
                f"done={str(played.done).lower()} error={'null' if problem is None else one_line(problem)}"
            )
    except Exception as error:
        sys.stderr.write(f"inference: {task}: {type(error).__name__}: {one_line(str(error))}\n")
        return False
    finally:
        say(
            f"[END] success={str(score >= SUCCESS).lower()} steps={len(rewards)} score={score:.3f} "
            f"rewards={','.join(f'{r:.2f}' for r in rewards)}"
        )
    return True


def name_of(view: View, number: int, knowledge: Knowledge) -> str:
    """An action as one word: `query_ddi(warfarin,clarithromycin)`."""
    ids, action = slot_ids(view, knowledge), decode(number)
    if isinstance(action, FinishReview):
        return "finish_review()"
    if isinstance(action, QueryDdi):
        return f"query_ddi({ids[action.first]},{ids[action.second]})"
    return f"propose_intervention({ids[action.slot]},{action.kind})"


if __name__ == "__main__":
    sys.exit(main())
