"""From a code or words to the conditions they mean."""

import re

from polypharmacy.knowledge.names import fold
from polypharmacy.knowledge.tables import Tables

ICD10 = ("icd-10", "icd10", "icd-10-cm", "icd10cm")


class ConditionNames:
    """Look-up of conditions by ICD-10 code, SNOMED CT code, or name and synonyms."""

    def __init__(self, tables: Tables) -> None:
        self._icd: list[tuple[str, str]] = []
        self._snomed: dict[str, list[str]] = {}
        self._names: dict[str, list[str]] = {}
        for row in tables.conditions:
            self._icd += [(prefix.replace(".", ""), row.id) for prefix in row.icd10]
            for code in row.snomed:
                self._snomed.setdefault(code, []).append(row.id)
            for name in (row.id, row.id.replace("_", " "), row.name, *row.synonyms):
                held = self._names.setdefault(fold(name), [])
                if row.id not in held:
                    held.append(row.id)
        self._cache: dict[str, tuple[str, ...]] = {}

    def by_icd10(self, code: str) -> tuple[str, ...]:
        """Conditions whose ICD-10 prefixes match a code, with or without its dot. A survey's trailing
        P ("prevent ...") marks prophylaxis: the drug's reason, not a condition the person has.
        """
        key = code.strip().upper().replace(".", "")
        if key not in self._cache:
            found = [c for prefix, c in self._icd if key.startswith(prefix)]
            self._cache[key] = tuple(dict.fromkeys(found))
        return self._cache[key]

    def by_snomed(self, code: str) -> tuple[str, ...]:
        """Conditions that list a SNOMED CT concept id."""
        return tuple(self._snomed.get(code.strip(), ()))

    def by_text(self, text: str) -> tuple[str, ...]:
        """Conditions named by an id, a name, a synonym or an ICD-10 code.

        Qualifiers ("chronic", "history of", "(disorder)", what follows a comma) are tried away, then names of two
        or more words within the text; nothing is read from a negation or a family history.
        """
        folded = fold(text[:200]).strip(" .")
        plain = " ".join(_QUALIFIER.sub(" ", folded.split("(")[0]).split()).strip(" ,.-")
        for candidate in (folded, folded.split(",")[0].strip(), folded.split("(")[0].strip(), plain):
            if candidate in self._names:
                return tuple(self._names[candidate])
        compact = folded.replace(".", "").upper()
        if _CODE.fullmatch(compact):
            return self.by_icd10(compact)
        if _NEGATION.search(folded):
            return ()
        words = plain.replace(",", " ").split()
        found: dict[str, None] = {}
        for length in range(min(6, len(words)), 1, -1):
            for start in range(len(words) - length + 1):
                found.update(dict.fromkeys(self._names.get(" ".join(words[start : start + length]), ())))
            if found:
                break
        return tuple(found)


_CODE = re.compile(r"[A-Z][0-9]{2}[0-9A-Z]{0,5}")
_QUALIFIER = re.compile(
    r"\b(?:history of|hx of|h/o|hx|past|previous|prior|old|known|chronic|acute|severe|moderate|mild|recent|recurrent"
    r"|primary|unspecified|essential|stable|controlled|uncontrolled|longstanding|symptomatic)\b"
)
_NEGATION = re.compile(
    r"\b(?:no|not|denies|without|family history|fh|risk of|at risk|screening|suspected|query|rule out)\b|\?"
)
