"""How well search finds codes: official inclusion terms held out of the index, as written and with one typo."""

import random
import string
import time
from collections.abc import Sequence
from typing import Any

from rcm_coding.engine.search.find import search
from rcm_coding.engine.search.index import SearchIndex, icd10cm_index
from rcm_coding.engine.tabular import Tabular

TERMS = 400
SHOWN = 10
_CATEGORY = 3  # characters
_LONG = 5  # letters of a word that a typo is put into
_LEAST = (("clean", "code_at_10", 0.66), ("clean", "cat_at_10", 0.85), ("typo", "cat_at_10", 0.84))
_MOST_MS = 60.0

Pairs = Sequence[tuple[str, str]]


def held_out(tabular: Tabular, seed: int, count: int = TERMS) -> list[tuple[str, str]]:
    """Return (term, code) of inclusion terms, drawn by a seed. The same edition and seed give the same terms."""
    every = sorted(
        (text, code) for code in tabular.concepts for text in tabular.notes.get(code, {}).get("inclusion", ())
    )
    chance = random.Random(seed)  # noqa: S311 - repeatable, no secret
    return chance.sample(every, min(count, len(every)))


def with_typo(text: str, chance: random.Random) -> str:
    """Return the text with one letter of one long word dropped, added, changed or swapped with the next."""
    places = text.split(" ")
    long = [at for at, word in enumerate(places) if len(word) >= _LONG and word.isalpha()]
    at = chance.choice(long) if long else max(range(len(places)), key=lambda place: len(places[place]))
    word = places[at]
    place = chance.randrange(1, max(2, len(word) - 1))
    letter = chance.choice(string.ascii_lowercase)
    places[at] = chance.choice(
        (
            word[:place] + word[place + 1 :],
            word[:place] + letter + word[place:],
            word[:place] + letter + word[place + 1 :],
            word[:place] + word[place + 1 : place + 2] + word[place : place + 1] + word[place + 2 :],
        )
    )
    return " ".join(places)


def measure(tabular: Tabular, seed: int, count: int = TERMS) -> dict[str, Any]:
    """Build an index without the held-out terms and look each of them up, then each with a typo (times in ms)."""
    pairs = held_out(tabular, seed, count)
    begun = time.perf_counter()
    index = icd10cm_index(tabular, without=frozenset(term.lower() for term, _ in pairs))
    search(index, pairs[0][0], SHOWN, tabular)
    built = time.perf_counter() - begun
    chance = random.Random(seed)  # noqa: S311 - repeatable, no secret
    return {
        "edition": tabular.edition,
        "seed": seed,
        "terms": len(pairs),
        "wordings": len(index.texts),
        "build_s": round(built, 2),
        "clean": _figures(index, tabular, pairs),
        "typo": _figures(index, tabular, [(with_typo(term, chance), code) for term, code in pairs]),
    }


def misses(figures: dict[str, Any]) -> list[str]:
    """Return which bars the figures miss, in words."""
    found = [
        f"{name} {key} {figures[name][key]:g} < {least:g}"
        for name, key, least in _LEAST
        if figures[name][key] < least
    ]
    found += [
        f"{name} p95 {figures[name]['p95_ms']:g} ms > {_MOST_MS:g} ms"
        for name in ("clean", "typo")
        if figures[name]["p95_ms"] > _MOST_MS
    ]
    return found


def _figures(index: SearchIndex, tabular: Tabular, pairs: Pairs) -> dict[str, float]:
    times: list[float] = []
    hits = dict.fromkeys(("code_at_1", "code_at_10", "cat_at_1", "cat_at_10"), 0)
    for term, code in pairs:
        begun = time.perf_counter()
        answer = search(index, term, SHOWN, tabular)
        times.append((time.perf_counter() - begun) * 1000)
        codes = [item.code for item in answer.found]
        categories = [item[:_CATEGORY] for item in codes]
        hits["code_at_1"] += codes[:1] == [code]
        hits["code_at_10"] += code in codes
        hits["cat_at_1"] += categories[:1] == [code[:_CATEGORY]]
        hits["cat_at_10"] += code[:_CATEGORY] in categories
    times.sort()
    figures: dict[str, float] = {name: round(count / len(pairs), 4) for name, count in hits.items()}
    figures["p50_ms"] = round(times[len(times) // 2], 1)
    figures["p95_ms"] = round(times[int(len(times) * 0.95)], 1)
    return figures
