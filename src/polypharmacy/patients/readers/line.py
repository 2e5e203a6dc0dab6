"""One line as people write it: usually one medicine, sometimes several."""

import re
from dataclasses import replace

from polypharmacy.knowledge.names import fold
from polypharmacy.patients.readers.builder import Builder, Details
from polypharmacy.patients.sig import parse_sig

_SPLIT = re.compile(r"(\s*(?:;|,(?!\d)|\s&\s|\s\+\s|\s[-\u2013\u2014]\s|\bplus\b|\band\b)\s*)", re.IGNORECASE)
_STRENGTH = re.compile(r"[a-z]{3,}.*?\d+(?:[.,]\d+)?\s*(?:mg|mcg|ug|g|units?|iu|ml|%)\b", re.IGNORECASE)
_STOPPED = re.compile(
    r"\b(?:stopped|discontinued|ceased|no longer tak\w+|not taking|d/c'?d|on hold|held(?!\s+if)|was on"
    r"|previously on)\b",
    re.IGNORECASE,
)


def read_line(builder: Builder, where: str, text: str, details: Details | None = None) -> None:
    """Add every medicine of a line. A remark that is no medicine is kept with the one before it."""
    for core, remarks in _groups(builder, text):
        if _STOPPED.search(" ".join([core, *remarks])):
            builder.note(where, f"{core.strip()!r} is written as stopped or on hold, so it was not reviewed")
            continue
        own = details or Details()
        if remarks and own.sig is None:
            sig = parse_sig(" ".join([core, *remarks]))
            if len(builder.knowledge.names.resolve(core).ingredients) == 1:
                own = replace(own, sig=sig)
        if own.indication == () and own.indication_text is None:
            own = _with_reason(builder, " ".join([core, *remarks]), own)
        builder.medicine(where, core, own)
        for remark in remarks:
            _report_unread(builder, where, remark)


def _groups(builder: Builder, text: str) -> list[tuple[str, list[str]]]:
    """Split a line into medicines with their remarks; names joined before any strength stay together."""
    pieces = _SPLIT.split(text)
    names = builder.knowledge.names
    if len(pieces) == 1 or _is_one(builder, text, pieces):
        return [(text, [])]
    groups: list[tuple[str, list[str]]] = [(pieces[0], [])]
    for separator, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        core, remarks = groups[-1]
        if not piece.strip():
            continue
        bare = _STOPPED.sub(" ", piece)  # "warfarin stopped" names a medicine too
        medicine = bool(names.resolve(bare).ingredients) or bool(_STRENGTH.search(piece))
        joined = separator.strip() not in (";", ",")
        if medicine and joined and not re.search(r"\d", core):
            groups[-1] = (core + separator + piece, remarks)
        elif medicine and core.strip():
            groups.append((piece, []))
        elif not core.strip():
            groups[-1] = (piece, remarks)
        else:
            remarks.append(piece)
    return groups


def _is_one(builder: Builder, text: str, pieces: list[str]) -> bool:
    """A single known product whose name the first separator is part of ("insulin human, isophane")."""
    whole = builder.knowledge.names.resolve(text)
    return len(whole.matches) == 1 and whole.matches[0].end > len(fold(pieces[0]))


def _with_reason(builder: Builder, text: str, details: Details) -> Details:
    reason = re.search(r"\bfor\s+(?:the\s+|his\s+|her\s+)?([a-z][a-z' -]+)", fold(text))
    if reason is None:
        return details
    words = reason[1].strip()
    ids = builder.indication(words)
    return replace(details, indication=ids, indication_text=words) if ids else details


def _report_unread(builder: Builder, where: str, remark: str) -> None:
    names = builder.knowledge.names
    words = [w for w in re.findall(r"[a-z][a-z'-]+", fold(remark)) if not names.is_remark(w)]
    if words:
        builder.note(where, f"{remark.strip()!r} was not read as a medicine")
