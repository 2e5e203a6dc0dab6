"""From a code or words to the conditions they mean."""

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
        """Conditions named by an id, a name, a synonym or an ICD-10 code; qualifiers after a comma are tried away."""
        folded = fold(text[:200]).strip(" .")
        for candidate in (folded, folded.split(",")[0].strip(), folded.split("(")[0].strip()):
            if candidate in self._names:
                return tuple(self._names[candidate])
        compact = folded.replace(".", "").upper()
        if len(compact) in range(3, 9) and compact[:1].isalpha() and compact[1:3].isdigit():
            return self.by_icd10(compact)
        return ()
