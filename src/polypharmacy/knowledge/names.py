"""From what people write to the ingredients they mean.

Only exact names resolve (INN, USAN, BAN, brand, RxCUI, ATC), after salts, strengths and dose forms
are set aside. A name that is nearly known is shown, never assumed.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz, process

from polypharmacy.knowledge.tables import Tables
from polypharmacy.knowledge.vocabulary import Route

MAX_TEXT = 500
_TOKEN = re.compile(r"[a-z0-9]+(?:['.,][a-z0-9]+)*|[/+;,&()\[\]|]|-|%")
_FRACTIONS = (("\u00bd", " 1/2"), ("\u00bc", " 1/4"), ("\u00be", " 3/4"))
_GLUED = re.compile(r"([a-z]{5,})(\d+(?:\.\d+)?\s*(?:mg|mcg|g)\b)")
_STRENGTH = re.compile(r"^\d+(?:[.,]\d+)*(?:mg|mcg|ug|g|iu|units?|meq)$")
_MASS = frozenset({"mg", "mcg", "ug", "g", "iu", "unit", "units", "meq"})
_NUMBER = re.compile(r"^\d+(?:[.,]\d+)*(?:mg|mcg|ug|g|ml|iu|u|units?|meq|mmol|%|h|hr|hrs)?$")
_SEPARATORS = frozenset("/+;,&()[]|-")
_APPLICATION = re.compile(r"^(?:nda|anda|bla)\d+$")
_PARTS = frozenset({"/", "+", "&", ";", "|"})
_JOINS = frozenset({"/", "+", ";", ",", "&", "|", "and", "plus"})


@dataclass(frozen=True, slots=True)
class Match:
    """One name found in a text: its ingredients and where it ends in the folded text."""

    ingredients: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a text names.

    `ingredients` is empty when any part of the name is not known; `nearest` then holds the closest
    known names. `also_named` are drugs that the text mentions outside its name, not read as medicines; `unread` are
    words with a strength after them, which are medicines that nobody knows.
    """

    text: str
    folded: str
    ingredients: tuple[str, ...] = ()
    matches: tuple[Match, ...] = ()
    route: Route | None = None
    nearest: tuple[str, ...] = ()
    also_named: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def fold(text: str) -> str:
    """Lower case without accents, typographic dashes and spaces made plain."""
    if not text.isascii():
        for sign, value in _FRACTIONS:
            text = text.replace(sign, value)
        text = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in text if not unicodedata.combining(c))
        text = re.sub(r"[\u2010-\u2015\u2212]", "-", text).replace("\u2019", "'").casefold()
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(_GLUED.sub(r"\1 \2", text.casefold()).split())


class Names:
    """The index of every known name. Building it is linear in the number of names."""

    def __init__(self, tables: Tables) -> None:
        words = tables.words
        self._salts = frozenset(words.salts)
        self._noise = frozenset(words.forms) | frozenset(words.lead)
        self._tail = frozenset(words.tail)
        self._routes = {w: route for route, ws in words.routes.items() for w in ws}
        self._index: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._product_route: dict[tuple[str, ...], Route] = {}
        self._display: dict[str, str] = {}
        self.rxcui: dict[str, tuple[str, ...]] = {}
        self.atc: dict[str, tuple[str, ...]] = {}
        self.clashes: list[str] = []
        for row in tables.ingredients:
            for name in (row.name, row.id.replace("_", " "), *row.synonyms):
                self._add(name, (row.id,))
            for code in row.rxcui:
                self.rxcui[code] = (row.id,)
            for code in row.atc:
                self.atc[code.upper()] = (row.id,)
        for product in tables.products:
            for name in product.names:
                self._add(name, product.ingredients)
                if product.route:
                    self._product_route[_words(name)] = product.route
        self._longest = max((len(k) for k in self._index), default=1)
        self._nearest = lru_cache(maxsize=4096)(self._find_nearest)

    def __len__(self) -> int:
        """How many distinct names are known."""
        return len(self._index)

    def _add(self, name: str, ingredients: tuple[str, ...]) -> None:
        folded = fold(name)
        key = _split(folded)
        if not key:
            return
        held = self._index.setdefault(key, ingredients)
        if held != ingredients:
            self.clashes.append(f"the name {name!r} means {held} and {ingredients}")
        self._display.setdefault(folded, folded)

    def resolve(self, text: str) -> Resolution:
        """Read the medicine a line or a field names. Text past 500 characters is not read."""
        folded = fold(text[:MAX_TEXT])
        tokens = [(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(folded)]
        matches: list[Match] = []
        also: list[str] = []
        route: Route | None = None
        unread: list[str] = []
        unknown = in_sig = in_reason = False
        depth = 0
        i = 0
        while i < len(tokens):
            token, start, _ = tokens[i]
            found = self._longest_match(tokens, i)
            if found is not None and not (in_sig and matches and not self._joined(tokens, i)):
                ingredients, used, combined = found
                matches.append(Match(ingredients, start, tokens[i + used - 1][2]))
                route = route or combined
                i = self._skip_salts(tokens, i + used)
                in_sig = in_reason = False
                continue
            if found is not None:
                also += [d for d in found[0] if d not in also]
                i += found[1]
                continue
            if token in "([":
                depth += 1
            elif token in ")]":
                depth -= 1
            elif token in self._routes and not in_reason:
                route = self._routes[token]
            elif _NUMBER.match(token) or token == "%":
                in_sig = in_sig or bool(matches)
            elif token in self._tail:
                in_sig = in_sig or bool(matches)
                in_reason = in_reason or (token == "for" and bool(matches))
            elif (
                matches
                and (in_sig or depth > 0)
                and len(token) > 3
                and tokens[i - 1][0] not in _PARTS
                and not self.is_remark(token)
                and _has_strength(tokens, i + 1)
            ):
                unread.append(folded[start : tokens[min(i + 2, len(tokens) - 1)][2]])
            elif token.isalpha() and in_sig and tokens[i - 1][0] in _PARTS:
                unknown = True  # "lisinopril 20 mg/foozol 10 mg": a part of the name, not a remark
            elif not (
                in_sig
                or depth > 0
                or token in _SEPARATORS
                or token in self._noise
                or _APPLICATION.match(token)
                or (token in self._salts and matches)
            ):
                unknown = True
            i += 1
        named = tuple(dict.fromkeys(d for m in matches for d in m.ingredients))
        if unknown or not named:
            return Resolution(text, folded, route=route, nearest=self.nearest(text), also_named=named)
        rest = tuple(d for d in also if d not in named)
        return Resolution(text, folded, named, tuple(matches), route, also_named=rest, unread=tuple(unread))

    def route(self, text: str) -> Route | None:
        """The route that a word of `text` names; tablets and capsules are oral."""
        words = _words(text[:MAX_TEXT])
        named = [self._routes[w] for w in words if w in self._routes]
        if named:
            return named[0]
        oral = {"tablet", "tablets", "tab", "capsule", "capsules", "cap"}
        return Route.ORAL if oral & set(words) else None

    def is_remark(self, word: str) -> bool:
        """Whether a word may stand in a direction without naming anything."""
        return (
            word in self._tail
            or word in self._noise
            or word in self._routes
            or word in self._salts
            or bool(_NUMBER.match(word))
        )

    def nearest(self, text: str) -> tuple[str, ...]:
        """Up to three known names that look like the first words of `text`, best first."""
        words = [w for w in _words(text[:MAX_TEXT]) if not _NUMBER.match(w)]
        words = [w for w in words if w not in self._noise and w not in self._tail]
        return self._nearest(" ".join(words[:3])[:60])

    def _find_nearest(self, name: str) -> tuple[str, ...]:
        if len(name) < 3:
            return ()
        best = process.extract(name, self._display.keys(), scorer=fuzz.ratio, score_cutoff=65, limit=3)
        if not best and " " in name:
            return self._find_nearest(name.split(maxsplit=1)[0])
        return tuple(str(b[0]) for b in best)

    def _longest_match(
        self, tokens: list[tuple[str, int, int]], i: int
    ) -> tuple[tuple[str, ...], int, Route | None] | None:
        if tokens[i][0] in _SEPARATORS:
            return None
        best: tuple[tuple[str, ...], int, Route | None] | None = None
        words: list[str] = []
        j = i
        while j < len(tokens) and len(words) < self._longest:
            token = tokens[j][0]
            if token != "-":
                if token in _SEPARATORS:
                    break
                words.append(token)
                key = tuple(words)
                held = self._index.get(key)
                if held is not None:
                    best = (held, j - i + 1, self._product_route.get(key))
            j += 1
        return best

    def _skip_salts(self, tokens: list[tuple[str, int, int]], i: int) -> int:
        while i < len(tokens):
            if tokens[i][0] in self._salts:
                i += 1
            elif tokens[i][0] == "-" and i + 1 < len(tokens) and tokens[i + 1][0] in self._salts:
                i += 2
            else:
                break
        return i

    @staticmethod
    def _joined(tokens: list[tuple[str, int, int]], i: int) -> bool:
        return i > 0 and tokens[i - 1][0] in _JOINS


def _has_strength(tokens: list[tuple[str, int, int]], i: int) -> bool:
    """Whether a strength with its unit stands at token `i`."""
    if i >= len(tokens):
        return False
    token = tokens[i][0]
    following = tokens[i + 1][0] if i + 1 < len(tokens) else ""
    return bool(_STRENGTH.match(token)) or (token[0].isdecimal() and following in _MASS)


def _words(name: str) -> tuple[str, ...]:
    return _split(fold(name))


def _split(folded: str) -> tuple[str, ...]:
    return tuple([t for t in _TOKEN.findall(folded) if t not in _SEPARATORS and t != "%"])
