"""HL7 v2 syntax: delimiters, charset, segments, escapes, dates. What the segments mean is hl7v2.py's matter."""

import contextlib
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import hl7

from rcm_intake.domain.errors import MessageRefused
from rcm_intake.gateways.reading import refuse_controls

MAX_BYTES = 4_000_000
MAX_SEGMENTS = 20_000
_SEGMENT_ID = re.compile(r"[A-Z][A-Z0-9]{2}")
_ESCAPE_WORD = re.compile(
    r"\.(br|sp|ti|in|fi|nf|ce|sk)[+-]?\d*|[HN]|[XZ][0-9A-Fa-f]*|C[0-9A-Fa-f]+|M[0-9A-Fa-f]+"
)
_DTM = re.compile(r"(\d{4})(\d{2})?(\d{2})?(?:(\d{2})(\d{2})(\d{2})?(?:\.\d{1,6})?)?([+-]\d{4})?")
_CHARSETS = {
    "": "utf-8",
    "ASCII": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "8859/1": "iso-8859-1",
    "ISO IR100": "iso-8859-1",
    "8859/2": "iso-8859-2",
    "8859/15": "iso-8859-15",
}


@dataclass(frozen=True, slots=True)
class Delimiters:
    """MSH-1 and MSH-2 of one message."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    def decode(self, text: str) -> str:
        """Replace escape sequences; a bare or unclosed escape character stays as it is."""
        if self.escape not in text:
            return text
        plain = {
            "F": self.field,
            "S": self.component,
            "R": self.repetition,
            "E": self.escape,
            "T": self.subcomponent,
        }
        parts = text.split(self.escape)
        out = [parts[0]]
        position = 1
        while position < len(parts):
            word = parts[position]
            closed = position + 1 < len(parts)
            if closed and word in plain:
                replacement = plain[word]
            elif closed and _ESCAPE_WORD.fullmatch(word):
                replacement = _formatted(word)
            else:
                out.append(self.escape + word)
                position += 1
                continue
            out.append(replacement + parts[position + 1])
            position += 2
        return "".join(out)


def _formatted(word: str) -> str:
    """Return the text of a formatting or hexadecimal escape; highlighting and local ones vanish."""
    if word.startswith((".br", ".sp", ".ce")):
        return "\n"
    if word.startswith("X") and len(word) % 2 == 1:
        with contextlib.suppress(ValueError):
            return bytes.fromhex(word[1:]).decode("utf-8", "replace")
    return ""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; fields, repetitions, components and subcomponents count from 1, as in the standard."""

    name: str
    fields: Any
    delimiters: Delimiters
    number: int = 0

    def repetitions(self, index: int) -> int:
        """Count the repetitions of a field."""
        if index >= len(self.fields):
            return 0
        return len(self.fields[index])

    def get(self, index: int, component: int = 1, repetition: int = 1, sub: int = 1) -> str:
        """Return one decoded value, or "" where the message has none."""
        value: Any = self.fields[index] if index < len(self.fields) else ""
        for position in (repetition, component, sub):
            if isinstance(value, str):  # an undivided value is its own first part
                if position > 1:
                    return ""
            elif position > len(value):
                return ""
            else:
                value = value[position - 1]
        return self.delimiters.decode(str(value))

    def name_of(self, index: int, component: int = 1, repetition: int = 1) -> str:
        """Return a short value (a name, a code) that may hold no control character."""
        value = self.get(index, component, repetition).strip()
        refuse_controls(value, f"{self.name}-{index}")
        if "\n" in value or len(value) > 250:
            raise MessageRefused("invalid-value", f"{self.name}-{index}")
        return value


@dataclass(frozen=True, slots=True)
class Header:
    """MSH of one message, as far as it is readable."""

    delimiters: Delimiters = field(default_factory=Delimiters)
    application: str = ""
    facility: str = ""
    message_type: str = ""
    trigger: str = ""
    control_id: str = ""
    processing: str = "P"
    version: str = "2.5.1"


def normalise(raw: bytes) -> str:
    """Decode the bytes by MSH-18 and end every segment with one carriage return.

    Raises: MessageRefused for oversize, an unknown or wrong charset, or control characters.
    """
    if len(raw) > MAX_BYTES:
        raise MessageRefused("message-too-large")
    raw = raw.removeprefix(b"\xef\xbb\xbf").strip(b"\x0b\x1c\r\n ")
    if not raw.startswith(b"MSH") or len(raw) < 9:
        raise MessageRefused("not-hl7")
    head = re.split(rb"[\r\n]", raw, maxsplit=1)[0].decode("latin-1")
    fields = head.split(head[3])
    declared = fields[17].split(head[5] if len(head) > 5 else "~")[0] if len(fields) > 17 else ""
    charset = _CHARSETS.get(declared.strip().upper())
    if charset is None:
        raise MessageRefused("charset-unsupported", "MSH-18")
    try:
        text = raw.decode(charset)
    except UnicodeDecodeError:
        raise MessageRefused("charset-mismatch", "MSH-18") from None
    text = text.replace("\r\n", "\r").replace("\n", "\r")
    return re.sub("\r{2,}", "\r", text)


def read_header(text: str) -> Header:
    """Read MSH of a normalised message.

    Raises: MessageRefused("delimiters-invalid").
    """
    line = text.split("\r", 1)[0]
    separator = line[3]
    fields = line.split(separator)
    encoding = fields[1]
    marks = separator + encoding[:4]
    if (
        len(encoding) not in (4, 5)
        or len(set(separator + encoding)) != 1 + len(encoding)
        or any(mark.isalnum() or mark.isspace() or not mark.isprintable() for mark in separator + encoding)
    ):
        raise MessageRefused("delimiters-invalid", "MSH-2")
    delimiters = Delimiters(marks[0], marks[1], marks[2], marks[3], marks[4])

    def value(number: int, component: int = 1) -> str:
        if number > len(fields):
            return ""
        parts = fields[number - 1].split(delimiters.repetition)[0].split(delimiters.component)
        return parts[component - 1].strip() if component <= len(parts) else ""

    return Header(
        delimiters,
        application=value(3),
        facility=value(4),
        message_type=value(9),
        trigger=value(9, 2),
        control_id=value(10),
        processing=value(11) or "P",
        version=value(12) or "2.5.1",
    )


def peek_header(raw: bytes) -> Header:
    """Return as much of the header as can be read, whatever the rest of the message is; never raises."""
    head = re.split(rb"[\r\n]", raw[:4096].removeprefix(b"\xef\xbb\xbf").lstrip(b"\x0b\r\n "), maxsplit=1)[0]
    try:
        return read_header(head.decode("latin-1")) if head.startswith(b"MSH") else Header()
    except (MessageRefused, IndexError):
        return Header()


def split_segments(text: str, delimiters: Delimiters) -> dict[str, list[Segment]]:
    """Return the segments of a normalised message by their names.

    Raises: MessageRefused for a line that is no segment, a second header, or too many segments.
    """
    lines = [line for line in text.split("\r") if line]
    if len(lines) > MAX_SEGMENTS:
        raise MessageRefused("message-too-large")
    for number, line in enumerate(lines, start=1):
        if not _SEGMENT_ID.fullmatch(line[:3]) or line[3:4] not in ("", delimiters.field):
            raise MessageRefused("segment-malformed", f"segment {number}")
        if number > 1 and line[:3] in ("MSH", "BHS", "FHS"):
            raise MessageRefused("second-header", f"segment {number}")
        if len(line) == 3:
            lines[number - 1] = line + delimiters.field
    try:
        parsed = hl7.parse("\r".join(lines) + "\r")
    except (hl7.ParseException, ValueError, IndexError, KeyError):
        raise MessageRefused("not-hl7") from None
    segments: dict[str, list[Segment]] = {}
    for number, fields in enumerate(parsed, start=1):
        name = str(fields[0])
        segments.setdefault(name, []).append(Segment(name, fields, delimiters, number))
    return segments


def first_segment(segments: dict[str, list[Segment]], name: str) -> Segment | None:
    """Return the first segment of a name, or None."""
    found = segments.get(name)
    return found[0] if found else None


def day_of(segment: Segment | None, index: int) -> date | None:
    """Return the calendar day as written, whatever its time zone."""
    return None if segment is None else part_day(segment, index)


def part_day(segment: Segment, index: int, component: int = 1, repetition: int = 1) -> date | None:
    """Return the calendar day that stands in one part of a field."""
    text = segment.get(index, component, repetition).strip()
    if not text:
        return None
    match = _DTM.fullmatch(text)
    if match is None or not match[3]:
        raise MessageRefused("invalid-date", f"{segment.name}-{index}")
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise MessageRefused("invalid-date", f"{segment.name}-{index}") from None


def instant_of(segment: Segment, index: int) -> datetime | None:
    """Return an instant in UTC; a time without zone counts as UTC."""
    text = segment.get(index).strip()
    if not text:
        return None
    match = _DTM.fullmatch(text)
    if match is None or not match[3]:
        raise MessageRefused("invalid-date", f"{segment.name}-{index}")
    zone: timezone = UTC
    if match[7]:
        minutes = int(match[7][1:3]) * 60 + int(match[7][3:5])
        if minutes >= 24 * 60:
            raise MessageRefused("invalid-date", f"{segment.name}-{index}")
        zone = timezone(timedelta(minutes=-minutes if match[7][0] == "-" else minutes))
    try:
        return datetime(
            int(match[1]),
            int(match[2]),
            int(match[3]),
            int(match[4] or 0),
            int(match[5] or 0),
            int(match[6] or 0),
            tzinfo=zone,
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        raise MessageRefused("invalid-date", f"{segment.name}-{index}") from None


def split_messages(raw: bytes) -> list[bytes]:
    """Split a file of messages at every MSH that begins a line; batch headers and trailers fall away."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    starts = [match.start() for match in re.finditer(rb"(?:(?<=[\r\n\x0b])|\A)MSH", raw)]
    if not starts:
        return [raw] if raw.strip() else []
    pieces = [raw[start:end] for start, end in zip(starts, [*starts[1:], len(raw)], strict=True)]
    return [re.split(rb"(?:^|[\r\n])(?:BTS|FTS|BHS|FHS)[^\r\n]*", piece)[0] for piece in pieces]
