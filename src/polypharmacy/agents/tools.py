"""The actions as tools of a language model: their schemas for what is open now, and what a call of one means."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json

from polypharmacy.agents.chat import ToolCall, Unusable
from polypharmacy.env.actions import (
    INTERVENTION_NAMES,
    PAIR_SLOTS,
    Action,
    FinishReview,
    ProposeIntervention,
    QueryDdi,
    encode,
)
from polypharmacy.env.episode import why_closed
from polypharmacy.env.layout import FIRST_INTERVENTION, INTERVENTIONS, PAIRS
from polypharmacy.env.view import View

LONGEST_REASON = 600
"""Characters of a model's rationale that are kept."""


class Choice(NamedTuple):
    """An action number, 0 to 165, and why it was chosen, on one line."""

    number: int
    rationale: str


class Open(NamedTuple):
    """What is open, by id: pairs to query, and the interventions each medicine can have."""

    pairs: list[tuple[str, str]]
    interventions: dict[str, list[str]]


def open_now(view: View, ids: Sequence[str]) -> Open:
    """What the mask of a view leaves open; `ids` are those of its slots."""
    pairs = [(ids[i], ids[j]) for number, (i, j) in enumerate(PAIR_SLOTS) if view.mask[number]]
    interventions: dict[str, list[str]] = {}
    for number in range(PAIRS, PAIRS + view.drugs * INTERVENTIONS):
        if view.mask[number]:
            slot, kind = divmod(number - FIRST_INTERVENTION, INTERVENTIONS)
            interventions.setdefault(ids[slot], []).append(INTERVENTION_NAMES[kind])
    return Open(pairs, interventions)


def tools_of(offered: Open) -> list[dict[str, Any]]:
    """The tools, as strict JSON schemas whose medicines are those that are open; a tool with none is left out."""
    tools = []
    if offered.pairs:
        first, second = (list(dict.fromkeys(pair[k] for pair in offered.pairs)) for k in (0, 1))
        both = list(dict.fromkeys((*first, *second)))
        tools.append(
            _tool(
                "query_ddi",
                "Look up in the chart how severe the interaction of two medicines is for this person.",
                {"drug_id_1": both, "drug_id_2": both},
            )
        )
    if offered.interventions:
        kinds = [k for k in INTERVENTION_NAMES if any(k in row for row in offered.interventions.values())]
        tools.append(
            _tool(
                "propose_intervention",
                "Intervene on one medicine; substitute puts its listed alternative in its place.",
                {"target_drug_id": list(offered.interventions), "intervention_type": kinds},
            )
        )
    tools.append(_tool("finish_review", "End the review; nothing can be done after it.", {}))
    return tools


def _tool(name: str, description: str, fields: dict[str, list[str]]) -> dict[str, Any]:
    reason = {"type": "string", "description": "why, in one sentence"}
    properties = {"rationale": reason, **{k: {"type": "string", "enum": v} for k, v in fields.items()}}
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {
        "type": "function",
        "function": {"name": name, "description": description, "strict": True, "parameters": parameters},
    }


_FIELDS = {
    "query_ddi": ("drug_id_1", "drug_id_2"),
    "propose_intervention": ("target_drug_id", "intervention_type"),
    "finish_review": (),
}


def read(call: ToolCall, view: View, ids: Sequence[str]) -> Choice:
    """What a call means. Raises Unusable, which says what is wrong, where it is not an action that is open."""
    if call.name not in _FIELDS:
        raise Unusable(f"there is no tool {_short(call.name)}; the tools are {', '.join(_FIELDS)}")
    given = call.arguments
    if isinstance(given, str):
        try:
            given = from_json(given or "{}")
        except ValueError:
            raise Unusable(f"the arguments of {call.name} are not JSON") from None
    if not isinstance(given, dict):
        raise Unusable(f"the arguments of {call.name} are not a JSON object")
    wanted = _FIELDS[call.name]
    missing = [name for name in wanted if not isinstance(given.get(name), str)]
    if missing:
        raise Unusable(f"{call.name} needs {' and '.join(missing)}")
    extra = [name for name in given if name not in (*wanted, "rationale")]
    if extra:
        raise Unusable(f"{call.name} takes no {_short(extra[0])}")
    action = _action(call.name, [given[name] for name in wanted], ids)
    try:
        number = encode(action)
    except ValueError as error:
        raise Unusable(str(error)) from None
    if not view.mask[number]:
        raise Unusable(f"that action is not open: {why_closed(view, number)}")
    reason = given.get("rationale")
    return Choice(number, one_line(reason) if isinstance(reason, str) else "")


def _action(tool: str, values: list[str], ids: Sequence[str]) -> Action:
    if tool == "finish_review":
        return FinishReview()
    if tool == "query_ddi":
        if values[0] == values[1]:
            raise Unusable("a query names two different medicines")
        return QueryDdi(_slot(values[0], ids), _slot(values[1], ids))
    return ProposeIntervention(_slot(values[0], ids), values[1])


def _slot(id_: str, ids: Sequence[str]) -> int:
    if id_ not in ids:
        raise Unusable(f"{_short(id_)} is not the id of a medicine on this list")
    return ids.index(id_)


def _short(text: str) -> str:
    return repr(text[:60])


def one_line(text: str) -> str:
    """Text for people from a source that is not trusted: printable, on one line, cut to LONGEST_REASON."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * LONGEST_REASON]).split())
    return words if len(words) <= LONGEST_REASON else words[: LONGEST_REASON - 3] + "..."
