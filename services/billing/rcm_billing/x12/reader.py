"""Read any X12 interchange tolerantly: delimiters from ISA, byte-order mark, stray newlines, several
interchanges.

Only syntax is known here; what the segments mean is the business of the ack_* and remittance modules.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from rcm_billing.domain.errors import Unreadable

MAX_BYTES = 64 * 1024 * 1024  # the largest file a partner may hand us; a bigger one is set aside unread
_ISA_ELEMENTS = 16
_HEADER = 220  # bytes of an ISA at most, with room for one that is not of fixed length
_BLOCK = 1 << 16
_MARK = b"\xef\xbb\xbf"
_BLANK = frozenset(b" \t\r\n\0\x1a")


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; `elements[0]` is its tag. Reading past the end gives empty text."""

    elements: tuple[str, ...]
    component: str = ":"
    repetition: str = "^"

    @property
    def tag(self) -> str:
        """The segment's name."""
        return self.elements[0]

    def get(self, index: int) -> str:
        """Return an element by its X12 number (1 is the first after the tag)."""
        return self.elements[index] if index < len(self.elements) else ""

    def parts(self, index: int) -> list[str]:
        """Return the components of an element; ">" is taken where the declared separator does not occur."""
        value = self.get(index)
        if self.component not in value and ">" in value and self.component != ">":
            return value.split(">")
        return value.split(self.component)


class Sink(Protocol):
    """Takes the segments of one transaction set as they are read, so that nobody has to keep them."""

    def take(self, segment: Segment) -> None:
        """Take the next segment, ST and SE included."""


@dataclass(slots=True)
class TransactionSet:
    """The segments of one ST .. SE, both included, with the group they came in.

    With a `sink` only ST and SE are kept; `length` counts all of them either way.
    """

    segments: list[Segment]
    guide: str
    group_control: str
    interchange_control: str
    complete: bool = False
    sink: Sink | None = None
    length: int = 0

    def __post_init__(self) -> None:
        self.length = len(self.segments)

    def take(self, segment: Segment) -> None:
        """Add the next segment."""
        self.length += 1
        self.complete = segment.tag == "SE"
        if self.sink is not None:
            self.sink.take(segment)
        if self.sink is None or self.complete:
            self.segments.append(segment)

    @property
    def kind(self) -> str:
        """ST01, such as "835"."""
        return self.segments[0].get(1)

    @property
    def control(self) -> str:
        """ST02."""
        return self.segments[0].get(2)

    @property
    def count_holds(self) -> bool:
        """Whether the trailer is there and counts what was read."""
        last = self.segments[-1]
        return self.complete and last.get(1) == str(self.length) and last.get(2) == self.control


_KEEP_ALL: Mapping[str, Callable[[], Sink]] = MappingProxyType({})


@dataclass(slots=True)
class Interchange:
    """One ISA .. IEA: its TA1 segments and its transaction sets."""

    control: str
    sender: str
    receiver: str
    ta1: list[Segment] = field(default_factory=list)
    sets: list[TransactionSet] = field(default_factory=list)
    complete: bool = False


def read_segments(data: bytes) -> Iterator[Segment]:
    """Split bytes into segments, a block at a time: a large file is never held twice.

    Raises: Unreadable when there is no ISA, it is cut short, or the file is too large (permanent).
    """
    if len(data) > MAX_BYTES:
        raise Unreadable("file-too-large")
    position = _skip_blank(data, len(_MARK) if data.startswith(_MARK) else 0)
    if not data.startswith(b"ISA", position):
        raise Unreadable("no-isa")
    while position < len(data):
        element, component, repetition, terminator = _delimiters(data, position)
        end = _next_interchange(data, position, element, terminator)
        while position < end:
            stop = _block_end(data, position, end, terminator)
            for raw in data[position:stop].decode("utf-8", "replace").split(terminator):
                stripped = raw.strip("\ufeff\r\n\t \0\x1a")
                if stripped:
                    yield Segment(tuple(stripped.split(element)), component, repetition)
            position = stop


def _skip_blank(data: bytes, position: int) -> int:
    while position < len(data) and data[position] in _BLANK:
        position += 1
    return position


def _block_end(data: bytes, start: int, end: int, terminator: str) -> int:
    """Return the end of a block that holds whole segments only."""
    if end - start <= _BLOCK:
        return end
    mark = terminator.encode()
    last = data.rfind(mark, start, start + _BLOCK)
    if last < 0:
        last = data.find(mark, start + _BLOCK, end)
    return end if last < 0 else last + 1


def _delimiters(data: bytes, start: int) -> tuple[str, str, str, str]:
    header = data[start : start + _HEADER].decode("latin-1")
    if len(header) < 100:
        raise Unreadable("isa-cut-short")
    element = header[3]
    position = 3
    for _ in range(_ISA_ELEMENTS - 1):
        position = header.find(element, position + 1)
        if position < 0 or position > 200:
            raise Unreadable("isa-elements")
    if position + 2 >= len(header):
        raise Unreadable("isa-cut-short")
    repetition = header[:position].split(element)[11][:1]
    component, terminator = header[position + 1], header[position + 2]
    if any(mark.isalnum() or not mark.isascii() for mark in (terminator, component, element)):
        raise Unreadable("isa-delimiters")
    return element, component, repetition, terminator


def _next_interchange(data: bytes, start: int, element: str, terminator: str) -> int:
    """Return where the next ISA begins (it may bring other delimiters), or the end of the bytes."""
    trailer = data.find(f"IEA{element}".encode(), start)
    end = data.find(terminator.encode(), trailer) if trailer >= 0 else -1
    if end < 0:
        return len(data)
    following = _skip_blank(data, end + 1)
    return following if data.startswith(b"ISA", following) else len(data)


def read_interchanges(data: bytes, sinks: Mapping[str, Callable[[], Sink]] = _KEEP_ALL) -> list[Interchange]:
    """Group a file's segments into interchanges and transaction sets; trailers may be missing.

    A set whose kind is in `sinks` is handed over segment by segment instead of being kept.
    Raises: Unreadable as `read_segments` does.
    """
    found: list[Interchange] = []
    group_control = guide = ""
    current: TransactionSet | None = None
    for segment in read_segments(data):
        tag = segment.tag
        if tag == "ISA":
            found.append(Interchange(segment.get(13).strip(), segment.get(6).strip(), segment.get(8).strip()))
            current = None
        elif tag == "TA1":
            found[-1].ta1.append(segment)
        elif tag == "GS":
            group_control, guide = segment.get(6), segment.get(8)
            current = None
        elif tag == "ST":
            current = TransactionSet([segment], segment.get(3) or guide, group_control, found[-1].control)
            make = sinks.get(segment.get(1))
            if make is not None:
                current.sink = make()
                current.sink.take(segment)
            found[-1].sets.append(current)
        elif tag == "IEA":
            found[-1].complete = segment.get(2).strip() == found[-1].control
            current = None
        elif current is not None:
            current.take(segment)
            if tag == "SE":
                current = None
    return found
