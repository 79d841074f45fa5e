"""How well the words of a query fit each wording: by stems with misspellings and by letter triples."""

from dataclasses import dataclass

import numpy as np

from rcm_coding.engine.search.index import Floats, SearchIndex
from rcm_coding.engine.search.words import search_stem, triples, words

MAX_WORDS = 24

_UNKNOWN = 9.0  # rarity of a word that no wording has
_UNKNOWN_TRIPLE = 9.0
_NEAR = 0.42  # likeness from which an unknown word may be a misspelling of a known one
_AKIN = 0.62  # likeness from which a known word counts as a form of another
_MISSPELT_WEIGHT = 0.9
_AKIN_WEIGHT = 0.7
_PREFIX_WEIGHT = 0.8
_MIN_PREFIX = 3
_MAX_PREFIX_WORDS = 40
_MAX_NEAR = 12
_MAX_REMEMBERED = 5_000
_MIN_RESPELT = 4
_LONG_WORD = 6  # letters from which two slips are forgiven
_BARELY_NEAR = 0.25
_MAX_RESPELT = 30
_REPHRASED = 0.97  # weight of the query in the words of the tabular list
_BY_TRIPLES = 0.5
_LEAST_FIT = 0.15  # below it no wording has to do with the words
_SPARE = 50  # entries looked at beyond those asked for
_USABLE_BONUS = 0.004  # of two equal wordings the one whose code may be used goes first
_TITLE_BONUS = 0.002
_CONTEXT = 0.35  # of all wordings and headings together, beside the best wording
_DEPTH = 4  # headings above a code, at most


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry with its best wording. `score` is 1 for the very words."""

    entry: int
    row: int
    score: float


def best_entries(index: SearchIndex, text: str, limit: int) -> list[Hit]:
    """Return the entries whose wordings fit the words best, in order; none when no word says anything."""
    said = words(text)[:MAX_WORDS]
    if not said or not index.texts:
        return []
    rows, context = _fit(index, said)
    meant = respelt(index, said)
    for other in dict.fromkeys((tuple(meant), tuple(_rephrased(index, meant)))):
        if other and list(other) != said:
            fit, further = _fit(index, list(other))
            np.maximum(rows, _REPHRASED * fit, out=rows)
            np.maximum(context, _REPHRASED * further, out=context)
    if float(rows.max()) < _LEAST_FIT:
        return []
    rows += _TITLE_BONUS * (index.kinds == 0)
    starts = index.starts
    best = np.maximum.reduceat(rows, starts)
    order = best + _USABLE_BONUS * index.usable + _CONTEXT * context
    wanted = min(limit + _SPARE, len(order))
    top = np.argpartition(-order, wanted - 1)[:wanted]
    top = top[np.lexsort((top, -order[top]))]
    ends = np.append(starts[1:], len(rows))
    found = []
    for entry in _varied(index, top.tolist(), limit):
        if best[entry] >= _LEAST_FIT / 2:
            row = int(starts[entry]) + int(np.argmax(rows[starts[entry] : ends[entry]]))
            found.append(Hit(entry, row, round(min(1.0, float(order[entry]) / (1 + _CONTEXT)), 4)))
    return found


def _varied(index: SearchIndex, ranked: list[int], limit: int) -> list[int]:
    """Give the last place of every ten to a category that would not be seen at all."""
    kept = ranked[: limit - limit // 10]
    seen = {index.entries[entry].plain[:3] for entry in kept}
    for entry in ranked[len(kept) :]:
        if len(kept) < limit and index.entries[entry].plain[:3] not in seen:
            seen.add(index.entries[entry].plain[:3])
            kept.append(entry)
    kept += [entry for entry in ranked if entry not in kept][: limit - len(kept)]
    return kept


def respelt(index: SearchIndex, said: list[str]) -> list[str]:
    """Return the words with each unknown one replaced by the known one that it most likely misspells."""
    return [_respelt(index, word) for word in said]


def nearest_words(index: SearchIndex, word: str, limit: int = 3) -> list[str]:
    """Return the words of the code set that are spelt most like a word."""
    likeness = _likeness(index, word)
    return [index.vocabulary[at] for at in np.argsort(-likeness)[:limit].tolist() if likeness[at] >= _NEAR]


def _respelt(index: SearchIndex, word: str) -> str:
    if len(word) < _MIN_RESPELT or word in index.known_words or not word.isalpha():
        return word
    allowed = 1 if len(word) < _LONG_WORD else 2
    likeness = _likeness(index, word)
    alike = np.nonzero((likeness >= _BARELY_NEAR) & (np.abs(index.word_lengths - len(word)) <= allowed))[0]
    near = alike[np.argsort(-likeness[alike], kind="stable")][:_MAX_RESPELT].tolist()
    candidates = [index.vocabulary[at] for at in near]
    candidates += [
        item for item in index.phrase_words if item[0] == word[0] and abs(len(item) - len(word)) <= allowed
    ]
    best = min(
        (
            (typing_distance(word, item, allowed), -index.uses(item), item)
            for item in dict.fromkeys(candidates)
        ),
        default=(allowed + 1, 0, ""),
    )
    return best[2] if best[0] <= allowed else word


def typing_distance(one: str, other: str, most: int) -> int:
    """Return how many letters were dropped, added, changed or swapped; `most` + 1 when it is more than `most`."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    previous = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        current = [row]
        for column, against in enumerate(other, 1):
            cost = min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (letter != against))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == against:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        if min(current) > most:
            return most + 1
        before, previous = previous, current
    return min(previous[-1], most + 1)


def _fit(index: SearchIndex, said: list[str]) -> tuple[Floats, Floats]:
    """Return how well each row fits, and how much of the query each entry says with all its wordings and headings."""
    by_stems, context = _by_stems(index, said)
    rows = (1 - _BY_TRIPLES) * by_stems + _BY_TRIPLES * _by_triples(index, said)
    return rows.astype(np.float32), context


def _by_stems(index: SearchIndex, said: list[str]) -> tuple[Floats, Floats]:
    """Dice coefficient of the rarities of the stems that query and row share; and the share said in the context."""
    ends, posted = index.postings
    total = np.zeros(len(index.texts), np.float32)
    context = np.zeros(len(index.entries), np.float32)
    asked = 0.0
    for item in dict.fromkeys(map(search_stem, said)):
        counts_as = _counts_as(index, item)
        if not counts_as:
            asked += _UNKNOWN
            continue
        one = np.zeros(len(index.texts), np.float32)
        for weight, number in counts_as:  # ascending, so that the surest stays
            first = int(ends[number - 1]) if number else 0
            one[posted[first : int(ends[number])]] = weight * index.rarities[number]
        asked += max(float(weight * index.rarities[number]) for weight, number in counts_as)
        total += one
        context += _inherited(index, np.maximum.reduceat(one, index.starts))
    fit: Floats = (2 * total / (asked + index.lengths + np.float32(1e-6))).astype(np.float32)
    return np.minimum(fit, np.float32(1)), context / np.float32(asked + 1e-6)


def _inherited(index: SearchIndex, values: Floats) -> Floats:
    """Return for each entry the largest value of its own and of its headings."""
    parents = index.parents
    for _ in range(_DEPTH):
        values = np.maximum(values, values[parents])
    return values


def _counts_as(index: SearchIndex, item: str) -> list[tuple[float, int]]:
    """Return (weight, stem) of every stem that a query's stem may stand for, ascending by weight."""
    known = index.meanings.get(item)
    if known is None:
        if len(index.meanings) >= _MAX_REMEMBERED:
            index.meanings.clear()
        known = index.meanings[item] = _find_meanings(index, item)
    return known


def _find_meanings(index: SearchIndex, item: str) -> list[tuple[float, int]]:
    exact = index.stem_numbers.get(item)
    found: dict[int, float] = {}
    spoken = exact is None and item in index.companions
    if not spoken and not item.replace(".", "").isdigit():
        likeness = _likeness(index, item)
        least = _NEAR if exact is None else _AKIN
        factor = _MISSPELT_WEIGHT if exact is None else _AKIN_WEIGHT
        near = np.nonzero(likeness >= least)[0]
        near = near[np.argsort(-likeness[near])][:_MAX_NEAR]
        for at in near.tolist():
            number = index.stem_numbers[search_stem(index.vocabulary[at])]
            found[number] = max(found.get(number, 0.0), factor * float(likeness[at]))
        if exact is None and len(item) >= _MIN_PREFIX:
            begun = [number for number, stem in enumerate(index.stems) if stem.startswith(item)]
            for number in begun[:_MAX_PREFIX_WORDS]:
                found[number] = max(found.get(number, 0.0), _PREFIX_WEIGHT)
    meant = item
    if exact is None and found and item not in index.companions:
        surest = max(found, key=lambda number: found[number])
        if found[surest] >= 0.6:
            meant = index.stems[surest]
    for weight, number in index.companions.get(meant, ()):
        found[number] = max(found.get(number, 0.0), weight)
    if exact is not None:
        found[exact] = 1.0
    return sorted((weight, number) for number, weight in found.items())


def _likeness(index: SearchIndex, word: str) -> Floats:
    """Dice coefficient of the letter triples with every word of the code set."""
    table, _, counts, _ = index.triple_table
    own = triples(word)
    shared = np.zeros(len(index.vocabulary), np.float32)
    for item in own:
        places = table.get(item)
        if places is not None:
            shared[places] += 1
    likeness: Floats = 2 * shared / (len(own) + counts)
    return likeness


def _by_triples(index: SearchIndex, said: list[str]) -> Floats:
    """Weighted Dice coefficient of the letter triples of query and row."""
    table, telling, _, _ = index.triple_table
    asked = 0.0
    shared = np.zeros(len(index.vocabulary), np.float32)
    for item in {item for word in said for item in triples(word)}:
        places = table.get(item)
        if places is None:
            asked += _UNKNOWN_TRIPLE
        else:
            asked += telling[item]
            shared[places] += telling[item]
    each = np.append(shared[index.row_words], np.float32(0))
    rows = np.add.reduceat(each, index.row_starts)
    rows = np.minimum(rows, np.minimum(index.triple_lengths, np.float32(asked)))
    fit: Floats = (2 * rows / (np.float32(asked) + index.triple_lengths + np.float32(1e-6))).astype(
        np.float32
    )
    return fit


def _written(index: SearchIndex, item: str) -> str:
    """Return what the code set writes for a stem that it never has and that is known to mean the same."""
    if item in index.stem_numbers or item not in index.companions:
        return ""
    return index.stems[max(index.companions[item])[1]]


def _rephrased(index: SearchIndex, said: list[str]) -> list[str]:
    """Return the query with each known phrase in the words of the tabular list; empty when it has none."""
    stems = [search_stem(word) for word in said]
    found: list[str] = []
    changed = False
    at = 0
    while at < len(stems):
        pair = next(
            (
                pair
                for pair in index.phrases.get(stems[at], ())
                if tuple(stems[at : at + len(pair[0])]) == pair[0]
            ),
            None,
        )
        if pair is None:
            other = _written(index, stems[at])
            found.append(other or said[at])
            changed = changed or bool(other)
            at += 1
        else:
            found.extend(pair[1])
            changed = True
            at += len(pair[0])
    return list(dict.fromkeys(found))[:MAX_WORDS] if changed else []
