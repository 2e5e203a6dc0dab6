"""Names of other lists to our ingredients, remembered: lists repeat the same names a thousand times."""

from polypharmacy.knowledge.names import Names


class Resolver:
    """Resolves names to one ingredient each; combinations and unknown names to none."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._held: dict[str, str | None] = {}

    def one(self, name: str) -> str | None:
        """The ingredient a name means, or None."""
        if name not in self._held:
            found = self._names.resolve(name).ingredients
            self._held[name] = found[0] if len(found) == 1 else None
        return self._held[name]

    def pair(self, first: str, second: str) -> tuple[str, str] | None:
        """Two different ingredients in order, or None."""
        a, b = self.one(first), self.one(second)
        if a is None or b is None or a == b:
            return None
        return (a, b) if a < b else (b, a)
