"""Carries cited words from a text to its translation: sentences in order, then words by what they are seen to become.

Sentences are paired by dynamic programming over length and shared word beginnings; words by the translation
probabilities of IBM model 1 (Brown et al. 1993) in both directions, and by likeness of spelling.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rcm_coding.engine.ranking.words import Word, is_stop, raw_words
from rcm_coding.training.codiesp import CodedNote

Span = tuple[int, int]
Table = dict[str, dict[str, float]]

_SENTENCE_END = re.compile(r"(?<=[^\W_][.!?])\s+(?=[A-ZÁÉÍÓÚÑ0-9¿(])")
_LINE = re.compile(r"[^\n]+")
#: Sentences taken together on either side, with what the pairing costs.
_MOVES = (
    (1, 1, 0.0),
    (1, 2, 0.6),
    (2, 1, 0.6),
    (1, 3, 1.2),
    (3, 1, 1.2),
    (2, 2, 1.2),
    (0, 1, 2.5),
    (1, 0, 2.5),
)
_ROUNDS = 5
_LEAST = 1e-3
_GOOD_ENOUGH = 0.15


@dataclass(frozen=True, slots=True)
class Pair:
    """Sentences of the original and of the translation that say the same."""

    original: tuple[Span, ...]
    translated: tuple[Span, ...]


def pair_sentences(original: str, translated: str) -> list[Pair]:
    """Pair the sentences of a text with those of its translation, which is one sentence a line."""
    ours = [span for line in _LINE.finditer(original) for span in _sentences(line)]
    theirs = [line.span() for line in _LINE.finditer(translated)]
    our_words = [_words(original, span) for span in ours]
    their_words = [_words(translated, span) for span in theirs]
    our_heads, their_heads = _heads(our_words), _heads(their_words)
    best = [[math.inf] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
    came: dict[tuple[int, int], tuple[int, int]] = {}
    best[0][0] = 0.0
    for i in range(len(ours) + 1):
        for j in range(len(theirs) + 1):
            if math.isinf(best[i][j]):
                continue
            for a, b, cost in _MOVES:
                if i + a > len(ours) or j + b > len(theirs):
                    continue
                if a and b:
                    lengths = [sum(map(len, our_words[i : i + a])), sum(map(len, their_words[j : j + b]))]
                    mine, other = set().union(*our_heads[i : i + a]), set().union(*their_heads[j : j + b])
                    cost += 2 * abs(math.log((lengths[0] + 3) / (lengths[1] + 3)))
                    cost -= 3 * len(mine & other) / max(3, min(len(mine), len(other)))
                if best[i][j] + cost < best[i + a][j + b]:
                    best[i + a][j + b] = best[i][j] + cost
                    came[i + a, j + b] = (a, b)
    pairs: list[Pair] = []
    i, j = len(ours), len(theirs)
    while i or j:
        a, b = came[i, j]
        pairs.append(Pair(tuple(ours[i - a : i]), tuple(theirs[j - b : j])))
        i, j = i - a, j - b
    return pairs[::-1]


def _sentences(line: re.Match[str]) -> Iterable[Span]:
    start = line.start()
    for end in _SENTENCE_END.finditer(line.group()):
        yield start, line.start() + end.start()
        start = line.start() + end.end()
    if start < line.end():
        yield start, line.end()


def _words(text: str, span: Span) -> list[str]:
    return [word.key for word in raw_words(text[span[0] : span[1]])]


def _heads(sentences: Sequence[Sequence[str]]) -> list[set[str]]:
    return [{word[:5] for word in words if len(word) >= 5 or word[0].isdigit()} for words in sentences]


class Translation:
    """What the words of a bitext become, learned from the pairs of its notes."""

    def __init__(self, notes: Iterable[CodedNote]) -> None:
        self._pairs = {note.note: pair_sentences(note.spanish, note.english) for note in notes}
        both = [
            (_content(note.spanish, pair.original, "es"), _content(note.english, pair.translated, "en"))
            for note in notes
            for pair in self._pairs[note.note]
        ]
        both = [(ours, theirs) for ours, theirs in both if ours and theirs and len(ours) < 120]
        self._forward = _model_1(both)
        self._backward = _model_1([(theirs, ours) for ours, theirs in both])

    def carry(self, note: CodedNote, spans: Sequence[Span]) -> Span | None:
        """Return where the translation says what the spans of the original say, or None when that is not clear."""
        first = spans[0][0]
        pair = next(
            (p for p in self._pairs[note.note] if any(start <= first < end for start, end in p.original)),
            None,
        )
        if pair is None or not pair.translated:
            return None
        theirs = [
            Word(word.key, word.start + start, word.end + start)
            for start, end in pair.translated
            for word in raw_words(note.english[start:end])
        ]
        cited = [word for span in spans for word in _words(note.spanish, span)]
        cited = [word for word in cited if not is_stop(word, "es")] or cited
        low, high = pair.original[0][0], pair.original[-1][1]
        place = (first - low) / max(1, high - low)
        chosen = sorted({at for word in cited if (at := self._best(word, theirs, place)) is not None})
        if chosen and chosen[-1] - chosen[0] > len(cited) + 4:
            chosen = _densest(chosen)
            if len(chosen) < len(cited) / 2:
                return None
        return (theirs[chosen[0]].start, theirs[chosen[-1]].end) if chosen else None

    def _best(self, word: str, theirs: Sequence[Word], place: float) -> int | None:
        best: tuple[float, int] | None = None
        forward = self._forward.get(word, {})
        for at, other in enumerate(theirs):
            if is_stop(other.key, "en") and other.key != word:
                continue
            score = math.sqrt(forward.get(other.key, 0.0) * self._backward.get(other.key, {}).get(word, 0.0))
            likeness = _likeness(word, other.key)
            if likeness >= 0.35:
                score = max(score, 0.9 * likeness)
            if score > _GOOD_ENOUGH:
                score -= 0.1 * abs(at / len(theirs) - place)
                if best is None or score > best[0]:
                    best = (score, at)
        return best[1] if best else None


def _content(text: str, spans: Sequence[Span], language: str) -> list[str]:
    words = [word for span in spans for word in _words(text, span)]
    return [word for word in words if not is_stop(word, "es" if language == "es" else "en")]


def _model_1(pairs: Sequence[tuple[list[str], list[str]]]) -> Table:
    """Return p(translated word | word); the empty word takes what comes from nowhere."""
    table: Table = {}
    for ours, theirs in pairs:
        for word in {*ours, ""}:
            row = table.setdefault(word, {})
            for other in dict.fromkeys(theirs):
                row[other] = row.get(other, 0.0) + 1.0
    table = {word: _shares(row) for word, row in table.items()}
    for _ in range(_ROUNDS):
        counts: dict[str, dict[str, float]] = {word: defaultdict(float) for word in table}
        for ours, theirs in pairs:
            sources = [*ours, ""]
            for other in theirs:
                shares = [table[word].get(other, 0.0) for word in sources]
                total = sum(shares)
                if total <= 0:
                    continue
                for word, share in zip(sources, shares, strict=True):
                    if share > 1e-4 * total:
                        counts[word][other] += share / total
        table = {word: _shares(row) for word, row in counts.items()}
    return table


def _shares(row: Mapping[str, float]) -> dict[str, float]:
    total = sum(row.values())
    return {word: value / total for word, value in row.items() if value > _LEAST * total}


def _likeness(one: str, other: str) -> float:
    """Return how alike two words are spelt, 0 to 1, by their three-letter pieces."""
    if one == other:
        return 1.0
    if len(one) < 4 or len(other) < 4:
        return 0.0
    mine = {one[k : k + 3] for k in range(len(one) - 2)}
    theirs = {other[k : k + 3] for k in range(len(other) - 2)}
    return len(mine & theirs) / len(mine | theirs)


def _densest(places: Sequence[int]) -> list[int]:
    groups: list[list[int]] = [[places[0]]]
    for place in places[1:]:
        if place - groups[-1][-1] <= 3:
            groups[-1].append(place)
        else:
            groups.append([place])
    return max(groups, key=len)
