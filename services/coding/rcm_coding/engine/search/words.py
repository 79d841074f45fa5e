"""Texts as the encoder compares them: folded words, their stems and their letter triples."""

import re
import unicodedata
from functools import lru_cache

from rcm_coding.engine.stems import stem

_WORD = re.compile(r"[a-z0-9]+(?:\.\d+)?")
_POSSESSIVE = re.compile(r"['’]s\b|['’]")
_DROPPED = frozenset("a an and are as at be by for from in is it its of on or s that the this to was".split())
_SAME = {"nos": "unspecified", "unsp": "unspecified", "nec": "classified", "w": "with", "wo": "without"}


def words(text: str) -> list[str]:
    """Return the words of a text in small letters, without accents and without words that only join others."""
    plain = "".join(
        item for item in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(item)
    )
    found = _WORD.findall(_POSSESSIVE.sub("", plain.replace("w/o", "without").replace("w/", "with ")))
    return [word for word in found if word not in _DROPPED]


@lru_cache(maxsize=60_000)
def search_stem(word: str) -> str:
    """Return the comparison form of one folded word."""
    return stem(_SAME.get(word, word))


@lru_cache(maxsize=60_000)
def triples(word: str) -> frozenset[str]:
    """Return the letter triples of a word, its beginning counted double as in trigram indexes."""
    padded = f"  {word} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))
