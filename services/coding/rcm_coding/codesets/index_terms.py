"""Which entries of an index become terms of the lexicon, under the codes of the year in force.

An index of another year serves as well: what counts is that the code is valid now and that nothing already says
the words. Every entry left out is counted by its reason.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from rcm_coding.codesets.alphabetic import Index
from rcm_coding.engine.lexicon import generic_stems
from rcm_coding.engine.stems import content_stems, stem
from rcm_coding.engine.tabular import Tabular

SEE = "refers to another entry"
RETIRED = "code not in the current release"
VAGUE = "single everyday word or too general"
LONG = "too many words"
CLASH = "words name different codes"
COLUMN = "drug name alone is no poisoning"
WITHOUT = "says what is absent"
CIRCUMSTANCE = "circumstance, not a condition"
RESIDUAL = "a remainder (specified, other) whose words are its heading's"
SAID = "the tabular list says the words"
AGAIN = "said by another entry"
_MAX_STEMS = 7
_NEOPLASM = {
    2: "malignant neoplasm",
    3: "secondary malignant neoplasm",
    4: "carcinoma in situ",
    5: "benign neoplasm",
    6: "neoplasm uncertain behavior",
}
_DRUGS = {2: "poisoning", 6: "adverse effect"}
#: Codes of neoplasms that name no site: a note that says more is never meant.
_NOWHERE = frozenset({"C800", "C801", "C799", "D099", "D369", "D489", "D499"})
#: One word alone is a condition only when it is built like one.
_CONDITION = re.compile(
    r"(?:[^r]ia|oma|itis|osis|asis|esis|pathy|megaly|cel|spasm|lith|trophy|[rn]hag|[rn]he[ae]?|uria|cytosis|plasy"
    r"|syndrom|penia|pnea|tonia|dynia|philia|rrhexis|ectasis|phagy|urisis|enuresis|stasis|oid)$"
)
#: Built like a condition, but mostly what was done or measured.
_TREATMENT = frozenset(
    {"analgesia", "anesthesia", "anaesthesia", "diuresi", "dialysi", "diuresis", "euthymia"}
)
#: Heads that need more than an organ's name beside them to be a diagnosis.
_WEAK = frozenset(
    stem(word)
    for word in "lesion disease disorder mass positive change defect finding dysfunction deformity disturbance problem"
    " reaction filling culture tissue".split()
)
_PLAIN = re.compile(r"\b(?:NEC|NOS|see also|of|type|unspecified|specified)\b|\[[^\]]*\]|\*", re.IGNORECASE)
_REMAINDER = ("*",)
_WITHOUT = re.compile(r"\bwithout\b|\bnot\b|\bexcept\b|\bother\b", re.IGNORECASE)


@dataclass(frozen=True)
class IndexTerms:
    """The kept (stems, code) pairs and why the others were left: `kept + sum(left) = entries`."""

    terms: tuple[tuple[frozenset[str], str], ...]
    entries: int
    left: dict[str, int]


def index_terms(index: Index, tabular: Tabular) -> IndexTerms:
    """Choose the entries of one index that become terms."""
    generic = generic_stems()
    left: Counter[str] = Counter()
    found: dict[frozenset[str], set[str]] = {}
    entries = 0
    places = _places(index)
    for term in index.terms:
        codes = term.codes or places.get(_key(term.see), ())
        for words, code in _readings(index.kind, term.path, codes):
            entries += 1
            reason, stems = _judge(words, code, tabular, generic, index.kind)
            if reason:
                left[reason] += 1
            else:
                found.setdefault(stems, set()).add(code)
        if not codes:
            entries += 1
            left[SEE] += 1
    kept: list[tuple[frozenset[str], str]] = []
    for stems, named in found.items():
        common = _common(named, tabular)
        if common is None:
            left[CLASH] += 1
        else:
            kept.append((stems, common))
    again = entries - sum(left.values()) - len(kept)
    if again:
        left[AGAIN] += again
    return IndexTerms(tuple(kept), entries, dict(left))


def merge_terms(parts: Iterable[IndexTerms]) -> tuple[tuple[frozenset[str], str], ...]:
    """Return the terms of several indexes; of two that say the same words the first wins."""
    merged: dict[frozenset[str], str] = {}
    for part in parts:
        for stems, code in part.terms:
            merged.setdefault(stems, code)
    return tuple(merged.items())


def said_terms(index: Index) -> Iterator[tuple[str, str]]:
    """Yield (words, code) of every entry with a code, for search: nothing is judged, columns are put in words."""
    for term in index.terms:
        for words, code in _readings(index.kind, term.path, term.codes):
            if words and words != _REMAINDER:
                yield " ".join(_PLAIN.sub(" ", part) for part in words), code


def _places(index: Index) -> dict[tuple[str, ...], tuple[tuple[int, str], ...]]:
    """Where each entry stands, so that "see Pain, abdominal" finds its codes."""
    found: dict[tuple[str, ...], tuple[tuple[int, str], ...]] = {}
    for term in index.terms:
        if term.codes:
            found.setdefault(tuple(word for part in term.path for word in _key(part)[:1]), term.codes)
    return found


@lru_cache(maxsize=100_000)
def _key(text: str) -> tuple[str, ...]:
    return tuple(part for part in (_PLAIN.sub("", item).strip().lower() for item in text.split(",")) if part)


def _readings(
    kind: str, path: tuple[str, ...], codes: tuple[tuple[int, str], ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    residual = len(path) > 1 and not _stems(path[-1])
    words = _REMAINDER if residual else path
    for column, code in codes:
        if kind == "neoplasm":
            yield (_NEOPLASM[column], *path[1:]) if column in _NEOPLASM and path[1:] else (), code
        elif kind == "drugs":
            yield (*words, _DRUGS[column]) if column in _DRUGS else (), code
        else:
            yield words, code


def _judge(
    words: tuple[str, ...], code: str, tabular: Tabular, generic: frozenset[str], kind: str
) -> tuple[str, frozenset[str]]:
    empty: frozenset[str] = frozenset()
    if not words:
        return (COLUMN if kind == "drugs" else VAGUE), empty
    if words == _REMAINDER:
        return RESIDUAL, empty
    if code not in tabular.concepts:
        return RETIRED, empty
    if code in _NOWHERE:
        return VAGUE, empty
    if any(_absent(part) for part in words):
        return WITHOUT, empty
    stems = empty.union(*(_stems(part) for part in words))
    if len(stems) > _MAX_STEMS:
        return LONG, empty
    telling = stems - generic
    if not telling or (len(stems) == 1 and not _condition(next(iter(telling)))):
        return VAGUE, empty
    if not any(len(item) >= 4 for item in telling):
        return VAGUE, empty
    if len(stems) > 1 and kind == "main" and len(stems - _WEAK) < 2:
        return VAGUE, empty
    if kind != "external-cause" and code[0] in "VWXYZ" and len(stems) < 3:
        return CIRCUMSTANCE, empty
    if kind == "external-cause" and len(stems) < 2:
        return VAGUE, empty
    return "", stems


@lru_cache(maxsize=100_000)
def _stems(part: str) -> frozenset[str]:
    return content_stems(_PLAIN.sub(" ", part))


@lru_cache(maxsize=100_000)
def _absent(part: str) -> bool:
    return _WITHOUT.search(part) is not None


def _condition(word: str) -> bool:
    return len(word) >= 6 and word not in _TREATMENT and _CONDITION.search(word) is not None


def _common(codes: set[str], tabular: Tabular) -> str | None:
    if len(codes) == 1:
        return next(iter(codes))
    for code in codes:  # the narrowest heading that is one of them and covers the others
        if all(other.startswith(code) for other in codes):
            return code
    return None
