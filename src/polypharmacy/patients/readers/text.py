"""A pasted list, one medicine a line, with a few facts about the patient if they are there."""

import re

from polypharmacy.knowledge import Knowledge
from polypharmacy.knowledge.names import MAX_TEXT
from polypharmacy.patients.errors import InputError
from polypharmacy.patients.patient import Patient
from polypharmacy.patients.readers.builder import MAX_MENTIONS, Builder
from polypharmacy.patients.readers.facts import is_fact, read_shorthand, set_fact
from polypharmacy.patients.readers.line import read_line

_BULLET = re.compile(r"^\s*(?:[-*\u2022\u00b7\u2013\u2014>]+|\(?\d{1,3}[.)])\s+")
_HEADING = re.compile(
    r"^(?:(?:current|active|home|regular|discharge|admission|my|the)\s+)*"
    r"(?:medications?|medicines?|meds|drugs?|tablets|prescriptions?|medication list|drug list|rx)"
    r"(?:\s+list)?\s*:?$",
    re.IGNORECASE,
)
_PREFIX = re.compile(
    r"^(?:(?:current|active|home|regular)\s+)*(?:medications?|medicines?|meds|drugs?|rx)\s*:\s*(?=\S)", re.IGNORECASE
)
_FACT = re.compile(r"^([A-Za-z][A-Za-z0-9 /+-]{0,30}?)\s*[:=]\s*(.*)$")
_SECTIONS = {
    "allergies": "allergy",
    "allergy": "allergy",
    "conditions": "condition",
    "problems": "condition",
    "diagnoses": "condition",
    "past medical history": "condition",
    "pmh": "condition",
    "history": "condition",
    "stopped": "stopped",
    "past medications": "stopped",
    "discontinued": "stopped",
}


def read_text(text: str, knowledge: Knowledge, source: str) -> Patient:
    """Read a pasted list. Raises InputError when no line holds a medicine."""
    builder = Builder(knowledge)
    section = "medicine"
    for number, raw in enumerate(text.splitlines(), start=1):
        where = f"line {number}"
        line = _BULLET.sub("", raw).strip()
        if not line:
            section = "medicine"
            continue
        if line.startswith("#") or _HEADING.match(line):
            section = "medicine"
            continue
        line = _PREFIX.sub("", line)
        labelled = _FACT.match(line)
        if labelled and is_fact(labelled[1]) and knowledge.names.resolve(labelled[2]).ingredients:
            line = labelled[2]  # "HR: metoprolol 25 mg" is a medicine, whatever its label
        fact = _FACT.match(line) or re.match(r"^(allerg(?:ies|y))\s+(.*)$", line, re.IGNORECASE)
        key = fact[1].strip().lower() if fact else line.rstrip(":").strip().lower()
        if key in _SECTIONS:
            section = _SECTIONS[key]
            builder.conditions_complete |= section == "condition"
            if fact and fact[2].strip():
                _add(builder, where, section, fact[2])
                section = "medicine"
            continue
        if fact and set_fact(builder, where, key, fact[2]):
            continue
        if section == "medicine" and not knowledge.names.resolve(line).ingredients and read_shorthand(builder, line):
            continue
        if len(line) > MAX_TEXT:
            builder.note(where, f"only the first {MAX_TEXT} characters of this line were read")
        _add(builder, where, section, line)
        if builder.mentions > MAX_MENTIONS:
            raise InputError(f"{source}: more than {MAX_MENTIONS} medicines; is this one patient's list?")
    if builder.mentions == 0 and not builder.notes:
        raise InputError(f"{source}: no medicines in it; write one medicine a line, such as 'metoprolol 50 mg BID'")
    return builder.build()


def _add(builder: Builder, where: str, section: str, text: str) -> None:
    if section == "medicine":
        read_line(builder, where, text)
    elif section == "stopped":
        builder.note(where, f"{text!r} stands under stopped medicines, so it was not reviewed")
    else:
        for part in re.split(r"[,;]", text):
            part = part.strip()
            if not part:
                continue
            if section == "condition":
                builder.condition(part)
            elif not re.fullmatch(r"(?i)(?:nkda|nka|none|nil|no known.*)\.?", part):
                builder.allergy(part)
