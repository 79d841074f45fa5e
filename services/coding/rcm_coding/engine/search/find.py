"""What a coder typed, to codes: a code or the start of one, else words; nearest codes when there is none."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rcm_coding.engine.search.index import KINDS, SearchIndex
from rcm_coding.engine.search.score import best_entries, nearest_words, typing_distance
from rcm_coding.engine.search.words import words
from rcm_coding.engine.tabular import Tabular, dotted_code, plain_code

MAX_QUERY = 300
MAX_FOUND = 100

_CODE = re.compile(r"[A-Za-z0-9]{2,3}(?:\.?[A-Za-z0-9]{0,4})?-?")
_LOOKS_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1"})
_MAX_NEAREST = 5


class QueryError(ValueError):
    """What was typed cannot be looked for. The message is one sentence without what was typed."""


@dataclass(frozen=True, slots=True)
class Found:
    """One answer. `matched` is the wording that fits, `kind` where it comes from ("code" for a code typed)."""

    system: str
    code: str
    shown: str
    title: str
    billable: bool
    needs_seventh: bool
    score: float
    matched: str
    kind: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found; `nearest` are codes or words to try when what was typed is none."""

    found: tuple[Found, ...]
    nearest: tuple[str, ...] = ()


def clean_query(text: str) -> str:
    """Return the query on one line.

    Raises: QueryError when it is empty, longer than 300 characters, or has neither letter nor digit.
    """
    plain = " ".join("".join(item if item.isprintable() else " " for item in text).split())
    if not plain:
        raise QueryError("there is nothing to look for: type a code or some words")
    if len(plain) > MAX_QUERY:
        raise QueryError(f"a query has at most {MAX_QUERY} characters")
    if not any(item.isalnum() for item in plain):
        raise QueryError("a query needs letters or digits")
    return plain


def search(index: SearchIndex, text: str, limit: int = 10, tabular: Tabular | None = None) -> Answer:
    """Look up a code, the start of a code, or words. `tabular` adds 7th characters to an index of ICD-10-CM.

    Raises: QueryError.
    """
    query = clean_query(text)
    limit = max(1, min(limit, MAX_FOUND))
    by_code = _by_code(index, query, tabular)
    if by_code and (any(item.isdigit() for item in query) or by_code[0].code == plain_code(query)):
        return Answer(tuple(by_code[:limit]))
    if _code_like(query) and any(item.isdigit() for item in query):
        near = nearest_codes(index, query, tabular)
        if near:
            return Answer((), near)
    found = [
        _shown(index, hit.entry, tabular, hit.score, index.texts[hit.row], KINDS[int(index.kinds[hit.row])])
        for hit in best_entries(index, query, limit)
    ]
    merged = [*by_code[: limit // 2], *found] if by_code else found
    if not merged:
        unknown = [word for word in words(query) if word not in index.known_words]
        return Answer((), tuple(near for word in unknown[:3] for near in nearest_words(index, word)))
    return Answer(tuple({item.code: item for item in reversed(merged)}.values())[::-1][:limit])


def nearest_codes(index: SearchIndex, text: str, tabular: Tabular | None = None) -> tuple[str, ...]:
    """Return codes that what was typed may have meant: O for 0, one character wrong, or its longest known start."""
    typed = plain_code(text).rstrip("-")[:7]
    if len(typed) < 2:
        return ()
    found: dict[str, None] = {}
    for swapped in (typed[0] + typed[1:].translate(_LOOKS_ALIKE), typed.replace("X", "")):
        if swapped != typed and _known(index, swapped, tabular):
            found[_dotted(index, swapped, tabular)] = None
    base = typed[:6] if len(typed) == 7 else typed
    by_distance = sorted(
        (distance, entry.plain[:3] != base[:3], not entry.usable, entry.plain, entry.shown)
        for entry in index.entries
        if abs(len(entry.plain) - len(base)) <= 1
        and (distance := typing_distance(base, entry.plain, 1)) <= 1
        and entry.plain[:2] == base[:2]
    )
    found.update(dict.fromkeys(row[-1] for row in by_distance[:_MAX_NEAREST]))
    for length in range(len(typed) - 1, 1, -1):
        start = typed[:length]
        if len(found) >= _MAX_NEAREST:
            break
        if start in index.places:
            found[index.entries[index.places[start]].shown] = None
            break
    return tuple(found)[:_MAX_NEAREST]


def _code_like(query: str) -> bool:
    return _CODE.fullmatch(query) is not None or (query.isalnum() and len(query) <= 7)


def _known(index: SearchIndex, code: str, tabular: Tabular | None) -> bool:
    return code in index.places or (tabular is not None and tabular.resolve(code) is not None)


def _by_code(index: SearchIndex, query: str, tabular: Tabular | None) -> list[Found]:
    if not _code_like(query):
        return []
    typed = plain_code(query).rstrip("-")
    listed = [at for at, entry in enumerate(index.entries) if entry.plain.startswith(typed)]
    found = [_shown(index, at, tabular, 1.0, index.entries[at].shown, "code") for at in listed]
    if tabular is not None and len(listed) <= 1:
        found += [item for code in _expanded(typed, tabular) if (item := _resolved(tabular, code))]
    return list({item.code: item for item in found}.values())


def _expanded(typed: str, tabular: Tabular) -> Iterable[str]:
    """Yield the codes with a 7th character that begin with what was typed, placeholders typed or not."""
    for length in range(min(6, len(typed)), 2, -1):
        base = typed[:length]
        characters = tabular.seventh_characters(base)
        if not characters:
            if typed[length - 1 : length] != "X":
                return
            continue
        for character in characters:
            whole = base.ljust(6, "X") + character
            if whole.startswith(typed):
                yield whole
        return


def _resolved(tabular: Tabular, code: str) -> Found | None:
    item = tabular.resolve(code)
    if item is None:
        return None
    shown = dotted_code(item.code)
    return Found(
        "ICD-10-CM", item.code, shown, item.title, item.billable, item.needs_seventh, 1.0, shown, "code"
    )


def _shown(
    index: SearchIndex, at: int, tabular: Tabular | None, score: float, matched: str, kind: str
) -> Found:
    entry = index.entries[at]
    resolved = tabular.resolve(entry.plain) if tabular else None
    return Found(
        index.system,
        entry.plain,
        entry.shown,
        entry.title,
        resolved.billable if resolved else entry.usable,
        resolved.needs_seventh if resolved else False,
        score,
        matched,
        kind,
    )


def _dotted(index: SearchIndex, code: str, tabular: Tabular | None) -> str:
    at = index.places.get(code)
    return index.entries[at].shown if at is not None else dotted_code(code) if tabular else code
