"""Which patterns cannot match a text, told without running them: a match of most holds one of a few known words.

The words follow from the pattern itself, so a pattern that is passed over is one that would have found nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from re import _constants, _parser  # type: ignore[attr-defined]  # the only reader of the language of patterns
from typing import Any

_LEAST = 3  # characters of a word that is worth looking for
_MOST = 96  # words of one pattern
#: Letters that patterns without regard to case take for others, and `lower` does not.
_ODD_CASES = re.compile("[\u0130\u0131\u017f]")

Words = frozenset[str]
_EMPTY: Words = frozenset({""})


@dataclass(frozen=True, slots=True)
class _Holds:
    """What is known of the texts of a part of a pattern: all of them, how they begin, a word that each has."""

    all: Words | None
    begin: Words
    needed: Words | None


_NOTHING = _Holds(None, _EMPTY, None)


def required_words(pattern: re.Pattern[str]) -> Words | None:
    """Return words in lower case of which every match holds at least one, or None when there are none such."""
    whole = _sequence(_parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))
    found = _better(whole.needed, whole.all)
    return frozenset(word.lower() for word in found) if found else None


def _sequence(items: Any) -> _Holds:
    best: Words | None = None
    run = _EMPTY  # all that the items since the last open one may stand for
    begin: Words | None = None
    for operator, argument in items:
        held = _item(operator, argument)
        joined = _after(run, held.all)
        if joined is not None:
            run = joined
            continue
        # the parser takes the common beginning of alternatives out of them: put it back
        parts = _branches(operator, argument, run)
        best = _better(_better(_better(best, run), held.needed), parts)
        longer = _after(run, held.begin)
        best = _better(best, longer)
        begin = begin if begin is not None else longer or run
        run = held.all if held.all is not None else _EMPTY
    if begin is None:
        return _Holds(run, run, best)
    return _Holds(None, begin, _better(best, run))


def _branches(operator: Any, argument: Any, run: Words) -> Words | None:
    if operator is _constants.SUBPATTERN and len(argument[3]) == 1:
        inner, its_argument = argument[3][0]
        return _branches(inner, its_argument, run)
    if operator is not _constants.BRANCH:
        return None
    parts = [_sequence(branch) for branch in argument[1]]
    return _union(
        [
            _better(part.needed, _after(run, part.all if part.all is not None else part.begin))
            for part in parts
        ]
    )


def _after(heads: Words, tails: Words | None) -> Words | None:
    if tails is None or len(heads) * len(tails) > _MOST:
        return None
    return frozenset(head + tail for head in heads for tail in tails)


def _item(operator: Any, argument: Any) -> _Holds:
    if operator is _constants.LITERAL:
        return _known_texts(frozenset({chr(argument)}))
    if operator in (_constants.AT, _constants.ASSERT, _constants.ASSERT_NOT):
        return _known_texts(_EMPTY)
    if operator is _constants.IN:
        if len(argument) <= 4 and all(kind is _constants.LITERAL for kind, _ in argument):
            return _known_texts(frozenset(chr(value) for _, value in argument))
        return _NOTHING
    if operator is _constants.SUBPATTERN:
        return _sequence(argument[3])
    if operator is _constants.BRANCH:
        parts = [_sequence(branch) for branch in argument[1]]
        return _Holds(
            _union([part.all for part in parts]),
            _union([part.begin for part in parts]) or _EMPTY,
            _union([_better(part.needed, part.all) for part in parts]),
        )
    if operator in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
        least, most, body = argument
        part = _sequence(body)
        if part.all is not None and (least, most) == (0, 1):
            return _known_texts(part.all | _EMPTY)
        return _Holds(None, part.begin, _better(part.needed, part.all)) if least else _NOTHING
    return _NOTHING


def _known_texts(texts: Words) -> _Holds:
    return _Holds(texts, texts, None)


def _union(parts: Sequence[Words | None]) -> Words | None:
    known = [part for part in parts if part is not None]
    joined = frozenset().union(*known)
    return joined if len(known) == len(parts) and len(joined) <= _MOST else None


def _better(one: Words | None, other: Words | None) -> Words | None:
    """Return the more telling of two sets: longer words, then fewer of them."""
    sets = [words for words in (one, other) if words and min(map(len, words)) >= _LEAST]
    return min(sets, key=lambda words: (-min(min(map(len, words)), 5), len(words)), default=None)


class Scan:
    """One text, asked again and again whether a pattern may stand in it or in a part of it."""

    def __init__(self, text: str) -> None:
        self._text = text.lower()
        self._all = bool(_ODD_CASES.search(text))
        self._pieces = {self._text[at : at + _LEAST] for at in range(len(self._text) - _LEAST + 1)}
        self._there: dict[int, tuple[str, ...] | None] = {}

    def may_match(self, pattern: re.Pattern[str], part: str | None = None) -> bool:
        """Tell whether a pattern may match in the text, or in a part of it that is given in lower case."""
        try:
            there = self._there[id(pattern)]
        except KeyError:
            there = self._there[id(pattern)] = self._look(pattern)
        if not there:
            return there is None
        if part is None:
            return True
        for word in there:  # noqa: SIM110  # asked a thousand times a note: a generator costs as much as the search
            if word in part:
                return True
        return False

    def _look(self, pattern: re.Pattern[str]) -> tuple[str, ...] | None:
        words = _words_of(pattern)
        if words is None or self._all:
            return None
        return tuple(word for word in words if word[:_LEAST] in self._pieces and word in self._text)


_known: dict[
    int, tuple[re.Pattern[str], tuple[str, ...] | None]
] = {}  # the pattern is kept, as its id must be


def _words_of(pattern: re.Pattern[str]) -> tuple[str, ...] | None:
    found = _known.get(id(pattern))
    if found is None:
        words = required_words(pattern)
        found = _known[id(pattern)] = (pattern, tuple(sorted(words)) if words else None)
    return found[1]
