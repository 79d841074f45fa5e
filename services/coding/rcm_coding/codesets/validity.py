"""Spans of validity of every diagnosis and procedure code, as the grouper's data file carries them.

The file is an LMDB store (one B-tree of pages of 4,096 bytes). Only what is needed is read: a value by its key.
"""

import struct
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from rcm_coding.codesets.lines import BrokenFileError

DIAGNOSES = "mce_i10dx_master"
PROCEDURES = "mce_i10sg_master"
_PAGE = 4096
_PAGE_HEAD = 16
_MAGIC = 0xBEEFC0DE
_LEAF = 2
_OUTSIDE = 1  # the value lies in pages of its own
_MAIN_ROOT = _PAGE_HEAD + 24 + 48 + 40
_TRANSACTION = _PAGE_HEAD + 24 + 2 * 48 + 8
_ROW = struct.Struct("<8sIIII")
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Span:
    """A code without dot with its first and last day of validity. A code may have several spans."""

    code: str
    first: date
    last: date


@dataclass(frozen=True)
class Validity:
    """All spans of one system. `known_to` is the last day that the file knows; nothing may be said after it."""

    spans: tuple[Span, ...]
    known_to: date

    def on(self, day: date) -> frozenset[str] | None:
        """Return the codes that are valid on a day, or None when the file does not reach so far."""
        if day > self.known_to:
            return None
        return frozenset(span.code for span in self.spans if span.first <= day <= span.last)

    def changes(self, before: date, after: date) -> tuple[frozenset[str], frozenset[str]]:
        """Return (codes that are new, codes that are gone) between two days that the file knows."""
        old, new = self.on(before) or frozenset(), self.on(after) or frozenset()
        return new - old, old - new


def read_validity(store: bytes | memoryview, name: str = DIAGNOSES) -> Validity:
    """Read the spans of one system.

    Raises: BrokenFileError when it is no such store, cut off, or holds rows that are none.
    """
    view = memoryview(store)
    try:
        value = _value(view, name.encode())
        magic, count, start, _, known_to = struct.unpack_from("<4sIIII", value)
        if magic != b"DECM" or start + count * _ROW.size > len(value) or not count:
            raise BrokenFileError(0, "the grouper's table of codes has another layout")
        spans = tuple(
            Span(code.rstrip(b"\0").decode("ascii"), _day(first), _day(last))
            for code, first, last, _, _ in _ROW.iter_unpack(value[start : start + count * _ROW.size])
        )
        return Validity(spans, _day(known_to))
    except (struct.error, ValueError, IndexError) as error:
        if isinstance(error, BrokenFileError):
            raise
        raise BrokenFileError(0, "the grouper's data file is damaged or cut off") from None


def _value(view: memoryview, key: bytes) -> memoryview:
    metas = []
    for page in (0, 1):
        at = page * _PAGE
        if struct.unpack_from("<I", view, at + _PAGE_HEAD)[0] != _MAGIC:
            raise BrokenFileError(0, "not the grouper's data file")
        root = struct.unpack_from("<Q", view, at + _MAIN_ROOT)[0]
        metas.append((struct.unpack_from("<Q", view, at + _TRANSACTION)[0], root))
    found = _search(view, max(metas)[1], key, 0)
    if found is None:
        raise BrokenFileError(0, "the grouper's data file has no such table")
    return found


def _search(view: memoryview, page: int, key: bytes, depth: int) -> memoryview | None:
    base = page * _PAGE
    flags, lower = struct.unpack_from("<HH", view, base + 10)
    if depth > _MAX_DEPTH:
        raise BrokenFileError(0, "the grouper's data file is damaged or cut off")
    for number in range((lower - _PAGE_HEAD) // 2):
        node = base + int(struct.unpack_from("<H", view, base + _PAGE_HEAD + 2 * number)[0])
        low, high, kind, length = struct.unpack_from("<HHHH", view, node)
        data = node + 8 + length
        if not flags & _LEAF:
            found = _search(view, low | high << 16 | kind << 32, key, depth + 1)
            if found is not None:
                return found
        elif bytes(view[node + 8 : data]).rstrip(b"\0") == key:
            if kind & _OUTSIDE:
                data = int(struct.unpack_from("<Q", view, data)[0]) * _PAGE + _PAGE_HEAD
            size = low | high << 16
            if data + size > len(view):
                raise BrokenFileError(0, "the grouper's data file is damaged or cut off")
            return view[data : data + size]
    return None


@lru_cache(maxsize=1024)
def _day(number: int) -> date:
    return date(number // 10000, number // 100 % 100, number % 100)
