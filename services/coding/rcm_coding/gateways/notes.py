"""Notes as files: plain text, C-CDA documents and FHIR resources, each as texts with their kind.

Only narrative is read, never coded entries: a code that someone else entered is no documentation.
Names, addresses and identifiers in headers of such files are left out.
"""

import base64
import binascii
import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

#: Larger files are refused: no single note is this long.
MAX_BYTES = 32_000_000
_CDA = "{urn:hl7-org:v3}"
#: LOINC document type -> (kind of document, setting it implies or "")
_LOINC: dict[str, tuple[str, str]] = {
    "18842-5": ("discharge-summary", "inpatient"),
    "11504-8": ("operative-note", "surgery"),
    "28570-0": ("procedure-note", ""),
    "34117-2": ("history-and-physical", ""),
    "11506-3": ("progress-note", ""),
    "11488-4": ("consultation-note", ""),
    "18748-4": ("imaging-report", "imaging"),
    "34111-5": ("ed-note", "ed"),
    "51845-6": ("progress-note", "office"),
    "34133-9": ("summary", ""),
    "11526-1": ("pathology-report", ""),
    "11502-2": ("lab-report", ""),
}
_BINARY = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP or Office file"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"\x1f\x8b", "a gzip file"),
    (b"{\\rtf", "an RTF file"),
    (b"\xd0\xcf\x11\xe0", "an Office file"),
)
_TITLES: tuple[tuple[re.Pattern[str], tuple[str, str]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), found)
    for pattern, found in (
        (r"\b(?:discharge|death) summary\b", ("discharge-summary", "inpatient")),
        (r"\b(?:operative|operation|surgical) (?:report|note)\b|\bop note\b", ("operative-note", "surgery")),
        (
            r"\b(?:emergency (?:department|room|physician)|\bed) (?:provider |physician )?"
            r"(?:note|report|record|visit)\b",
            ("ed-note", "ed"),
        ),
        (
            r"\b(?:radiology|imaging|ct|mri|x-?ray|ultrasound|mammogra\w+) report\b",
            ("imaging-report", "imaging"),
        ),
        (r"\bprocedure (?:note|report)\b", ("procedure-note", "")),
        (r"\bhistory (?:and|&) physical\b|\badmission (?:note|h&p)\b", ("history-and-physical", "")),
    )
)


class UnreadableNoteError(ValueError):
    """The input is no note that can be read. The message is one sentence for a person, without content."""


@dataclass(frozen=True, slots=True)
class NoteText:
    """One text with its kind ("" when nothing says it)."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """The texts of one encounter from one input. `plain`: the text is the input itself, unchanged."""

    part: str  # what within the input, empty when it holds only one
    texts: tuple[NoteText, ...]
    setting: str
    plain: bool
    remarks: tuple[str, ...] = ()


def read_notes(raw: bytes) -> list[Note]:
    """Read an input as notes, one for each encounter that it holds.

    Raises: UnreadableNoteError for binary files, broken XML or JSON, and files beyond MAX_BYTES.
    """
    if len(raw) > MAX_BYTES:
        raise UnreadableNoteError(f"larger than {MAX_BYTES // 1_000_000} MB; give one note a file")
    for magic, name in _BINARY:
        if raw.startswith(magic):
            raise UnreadableNoteError(f"{name}, not text; extract its text first")
    text, remarks = _decode(raw)
    head = text[:4000].lstrip("\ufeff \t\r\n")
    if head.startswith("<") and ("ClinicalDocument" in head):
        return [_ccda(raw)]
    if head.startswith(("{", "[")) and '"resourceType"' in text:
        return _fhir(text)
    kind, setting = title_kind(text)
    return [Note("", (NoteText(kind, text),), setting, True, remarks)]


def title_kind(text: str) -> tuple[str, str]:
    """Return the kind of document and the setting that a note's first lines state, each "" when they do not."""
    head = [line.strip() for line in text[:1500].splitlines() if line.strip()][:4]
    for line in head:
        if len(line) > 90:
            continue
        for pattern, found in _TITLES:
            if pattern.search(line):
                return found
    return "", ""


def _decode(raw: bytes) -> tuple[str, tuple[str, ...]]:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace"), ("read as UTF-16",)
    try:
        return raw.decode("utf-8"), ()
    except UnicodeDecodeError:
        text = raw.decode("utf-8", errors="replace")
        if any(letter > "\x7f" and letter != "\ufffd" for letter in text):
            return text, ("holds bytes that are no UTF-8; each is read as one unknown character",)
        return raw.decode("cp1252", errors="replace"), ("not valid UTF-8; read as Windows-1252",)


# --- C-CDA ------------------------------------------------------------------------------------------------


def _ccda(raw: bytes) -> Note:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        line = error.position[0] if error.position else 0
        raise UnreadableNoteError(f"not well-formed XML at line {line}") from None
    code = root.find(f"{_CDA}code")
    kind, setting = _LOINC.get(code.get("code", "") if code is not None else "", ("", ""))
    pieces: list[str] = []
    for section in root.iter(f"{_CDA}section"):
        title = section.find(f"{_CDA}title")
        narrative = section.find(f"{_CDA}text")
        words = "\n".join(_lines(narrative)) if narrative is not None else ""
        if words.strip():
            head = " ".join("".join(title.itertext()).split()) if title is not None else ""
            pieces.append(f"{head}:\n{words}" if head else words)
    texts = (NoteText(kind, "\n\n".join(pieces) + "\n"),) if pieces else ()
    return Note("", texts, setting, False, () if pieces else ("holds no narrative text",))


def _lines(element: etree._Element) -> Iterator[str]:
    """Yield the lines of a narrative block: a table row, list item, paragraph or line break ends a line."""
    line: list[str] = []

    def walk(node: etree._Element) -> Iterator[str]:
        name = etree.QName(node).localname if isinstance(node.tag, str) else ""
        if name in ("thead", "renderMultiMedia", "style", "script"):
            return
        block = name in _BLOCKS
        if block:
            yield from flush()
        if node.text and name:
            line.append(node.text)
        for child in node:
            yield from walk(child)
            if child.tail:
                line.append(child.tail)
        if name in ("td", "th"):
            line.append(" | ")
        if block or name == "br":
            yield from flush()

    def flush() -> Iterator[str]:
        text = " ".join("".join(line).split()).strip(" |")
        line.clear()
        if text:
            yield text

    yield from walk(element)
    yield from flush()


_BLOCKS = frozenset(
    [
        "tr",
        "item",
        "list",
        "paragraph",
        "table",
        "text",
        "caption",
        "p",
        "div",
        "li",
        "ul",
        "ol",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
    ]
)


# --- FHIR -------------------------------------------------------------------------------------------------


def _fhir(text: str) -> list[Note]:
    try:
        body: Any = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        raise UnreadableNoteError("starts like FHIR JSON but is no valid JSON") from None
    entries = _resources(body)
    groups: dict[str, list[NoteText]] = {}
    settings: dict[str, str] = {}
    for resource in entries:
        kind, setting = _fhir_kind(resource)
        for words in _fhir_texts(resource):
            encounter = _encounter(resource)
            groups.setdefault(encounter, []).append(NoteText(kind, words))
            settings[encounter] = settings.get(encounter) or setting
    if not groups:
        return [Note("", (), "", False, ("holds no note text",))]
    only = len(groups) == 1
    return [
        Note("" if only else encounter, tuple(texts), settings[encounter], False)
        for encounter, texts in groups.items()
    ]


def _resources(body: Any) -> list[dict[str, Any]]:
    if isinstance(body, list):
        return [resource for item in body for resource in _resources(item)]
    if not isinstance(body, dict):
        return []
    if body.get("resourceType") != "Bundle":
        return [body]
    entries = body.get("entry")
    found = []
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
            found.extend(_resources(entry["resource"]))
    return found


def _fhir_kind(resource: dict[str, Any]) -> tuple[str, str]:
    concept = resource.get("type" if resource.get("resourceType") != "DiagnosticReport" else "code")
    codings = concept.get("coding") if isinstance(concept, dict) else None
    for coding in codings if isinstance(codings, list) else []:
        if isinstance(coding, dict) and coding.get("code") in _LOINC:
            return _LOINC[coding["code"]]
    if resource.get("resourceType") == "DiagnosticReport":
        categories = json.dumps(resource.get("category") or [])
        if any(word in categories for word in ('"RAD"', "LP29684-5", "adiology")):
            return "imaging-report", "imaging"
        return "lab-report", ""
    return "", ""


def _encounter(resource: dict[str, Any]) -> str:
    context = resource.get("context")
    places = [resource.get("encounter")]
    if isinstance(context, dict):
        inner = context.get("encounter")
        places.extend(inner if isinstance(inner, list) else [inner])
    for place in places:
        if isinstance(place, dict) and isinstance(place.get("reference"), str):
            return str(place["reference"])
    return ""


def _fhir_texts(resource: dict[str, Any]) -> Iterator[str]:
    kind = resource.get("resourceType")
    if kind == "DocumentReference":
        for content in _list(resource.get("content")):
            yield from _attachment(content.get("attachment"))
    elif kind == "DiagnosticReport":
        attached = [words for form in _list(resource.get("presentedForm")) for words in _attachment(form)]
        yield from attached
        conclusion = resource.get("conclusion")
        if not attached and isinstance(conclusion, str) and conclusion.strip():
            yield f"Impression:\n{conclusion}\n"
    elif kind == "Composition":
        pieces = list(_composition(_list(resource.get("section"))))
        if pieces:
            yield "\n\n".join(pieces) + "\n"
    elif kind == "Binary":
        yield from _attachment(resource)


def _composition(sections: Iterable[dict[str, Any]]) -> Iterator[str]:
    for section in sections:
        narrative = section.get("text")
        div = narrative.get("div") if isinstance(narrative, dict) else None
        words = _from_html(div) if isinstance(div, str) else ""
        title = section.get("title")
        if words.strip():
            yield f"{title}:\n{words}" if isinstance(title, str) and title else words
        yield from _composition(_list(section.get("section")))


def _list(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _attachment(attachment: Any) -> Iterator[str]:
    if not isinstance(attachment, dict) or not isinstance(attachment.get("data"), str):
        return
    media = str(attachment.get("contentType", "text/plain")).split(";")[0].strip().lower()
    try:
        raw = base64.b64decode(attachment["data"], validate=False)
    except (binascii.Error, ValueError):
        return
    if raw.lstrip().startswith(b"<") and b"ClinicalDocument" in raw[:4000]:
        yield from (item.text for item in _ccda(raw).texts)
    elif media in ("text/html", "application/xhtml+xml"):
        yield _from_html(_decode(raw)[0])
    elif (media.startswith("text/") or media in ("application/octet-stream", "")) and not any(
        raw.startswith(magic) for magic, _ in _BINARY
    ):
        yield _decode(raw)[0]


def _from_html(text: str) -> str:
    """Return the words of HTML, one line for each block."""
    try:
        root = etree.fromstring(f"<div>{text}</div>", etree.HTMLParser(no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return html.unescape(re.sub(r"<[^>]*>", " ", text))
    return "\n".join(_lines(root)) if root is not None else ""
