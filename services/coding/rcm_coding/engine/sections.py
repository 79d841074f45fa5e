"""Cuts a note into sections and sentences, keeping character offsets of the original text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: How much a mention in a section weighs as a diagnosis of this encounter; None: never a diagnosis of the
#: patient.
SECTION_WEIGHT: dict[str, float | None] = {
    "assessment": 1.0,
    "diagnosis": 1.0,
    "impression": 0.95,
    "hospital-course": 0.75,
    "indication": 0.7,
    "chief-complaint": 0.5,
    "hpi": 0.6,
    "procedure": 0.65,
    "findings": 0.55,
    "body": 0.6,
    "plan": 0.5,
    "exam": 0.3,
    "past-history": 0.35,
    "results": None,
    "surgical-history": None,
    "family-history": None,
    "social-history": 0.15,
    "review-of-systems": None,
    "medications": None,
    "allergies": None,
    "vitals": None,
    "instructions": None,
    "education": None,
    "consent": None,
    "demographics": None,
}

_HEADERS: tuple[tuple[str, str], ...] = (
    (
        r"(?:assessment|impression|diagnos[ie]s)\s*(?:and|&|/)\s*(?:plan|recommendations?)"
        r"|a\s*[/&]\s*p|assessment|a",
        "assessment",
    ),
    (
        r"(?:(?:final|discharge|principal|primary|secondary|admitting|admission|clinical"
        r"|working|ed|pre-?\s?operative|"
        r"post-?\s?operative|preop|postop|other|additional|active)\s+)*(?:diagnos[ie]s"
        r"|problems?(?: list)?)|dx",
        "diagnosis",
    ),
    (r"impression|conclusion", "impression"),
    (
        r"(?:brief\s+)?hospital course|emergency department course|ed course"
        r"|course(?: in (?:the )?(?:ed|hospital))?"
        r"|medical decision making|mdm|clinical course|interval history|addendum"
        r"|query response|provider response",
        "hospital-course",
    ),
    (
        r"(?:clinical\s+)?indications?(?: for (?:procedure|exam|study|surgery))?"
        r"|reason for (?:exam|study|procedure|surgery)"
        r"|clinical (?:history|information)",
        "indication",
    ),
    (
        r"chief complaint|cc|reason for (?:visit|admission|consultation|encounter)|presenting complaint",
        "chief-complaint",
    ),
    (r"(?:history of (?:the )?)?present(?:ing)? illness|hpi|subjective|history|interval hx", "hpi"),
    (
        r"(?:description of (?:the )?)?(?:procedures?|operations?)(?: (?:performed|in detail"
        r"|details?|note|description))?"
        r"|operative (?:procedure|details?|description|technique)"
        r"|details of (?:the )?(?:procedure|operation)|technique|anesthesia",
        "procedure",
    ),
    (r"(?:operative |intraoperative |radiology |imaging )?findings?", "findings"),
    (r"plan(?: of care)?|treatment(?: plan)?|disposition|recommendations?|orders?|follow[- ]?up", "plan"),
    (r"(?:physical |focused )?exam(?:ination)?|physical|objective|pe", "exam"),
    (
        r"past (?:medical )?history|medical history|pmhx?|past medical hx|comorbidities|chronic conditions",
        "past-history",
    ),
    (r"past surgical history|surgical history|pshx?", "surgical-history"),
    (r"family (?:medical )?history|fhx?|family hx", "family-history"),
    (r"social (?:history|hx)|shx?|habits", "social-history"),
    (r"review of systems|ros", "review-of-systems"),
    (
        r"(?:current |home |discharge |admission )?(?:medications?|meds)(?: list)?|prescriptions?",
        "medications",
    ),
    (
        r"(?:drug |medication )?allerg(?:y|ies)(?:[ ,/&]+(?:and )?(?:adverse |drug )*(?:reactions?"
        r"|intolerances?|alerts?))*"
        r"(?: list)?|adverse (?:drug )?(?:reactions?|events?)|alerts",
        "allergies",
    ),
    (
        r"(?:hospital discharge |visit |encounter )diagnos[ie]s|problem list|(?:active |current )?problems",
        "diagnosis",
    ),
    (r"s", "hpi"),
    (r"o", "exam"),
    (r"p", "plan"),
    (r"subjective(?: data)?|history of present illness \(hpi\)|interval (?:hpi|history)", "hpi"),
    (r"objective(?: data)?|mental status(?: exam\w*)?|hospital discharge physical\w*", "exam"),
    (r"immuni[sz]ations?|hospital discharge medications?|medications? administered", "medications"),
    (
        r"encounters?|payers?|advance directives|care team|functional(?: and cognitive)? status",
        "demographics",
    ),
    (r"reason for referral|reason for study|exam indication", "indication"),
    (
        r"assessments?|clinical impression|impression(?: (?:and|&|/) ?plan)?|summary and impression|summary",
        "assessment",
    ),
    (r"(?:hospital )?discharge instructions?|patient instructions?|what to do", "instructions"),
    (r"vitals?(?: signs)?|vs", "vitals"),
    (
        r"(?:laboratory|lab|diagnostic|test|imaging|radiology|x-?ray|ekg|ecg"
        r"|pathology)?\s*(?:results?|data|studies|labs?|values)"
        r"|labs?|laboratory|imaging|radiology|x-?rays?|ekg|ecg|echo(?:cardiogram)?"
        r"|diagnostics|comparison|specimens?",
        "results",
    ),
    (r"(?:patient |discharge |return )?(?:instructions?|precautions)|return precautions", "instructions"),
    (r"(?:patient )?education|counsel(?:l)?ing", "education"),
    (r"(?:informed )?consent|risks?(?: and benefits)?", "consent"),
    (
        r"(?:patient )?name|dob|date of birth|mrn|date(?: of (?:service|procedure|visit"
        r"|admission|discharge|surgery))?|age|sex"
        r"|provider|physician|surgeon|attending|account|facility|location|insurance|member id"
        r"|address|electronically signed by",
        "demographics",
    ),
)
_COMPILED = tuple((re.compile(rf"(?:{pattern})", re.IGNORECASE), kind) for pattern, kind in _HEADERS)
_HEADER_LINE = re.compile(
    r"^[ \t]*(?:[#*]+[ \t]*)?([A-Za-z][A-Za-z /&().,'-]{0,60}?)[ \t]*(?:\*\*)?:(?!//)", re.MULTILINE
)
_BARE_LINE = re.compile(
    r"^[ \t]*(?:[#*]+[ \t]*)?([A-Za-z][A-Za-z /&'-]{1,50}?)[ \t]*(?:\*\*)?[ \t]*$", re.MULTILINE
)
_BREAK = re.compile(
    r"(?<![A-Z])(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bvs)(?<!\bMrs)(?<!\bSt)(?<!\bapprox)[.!?](?=\s+|$)|\n\s*\n|\n(?=\s*(?:[-*•#]|\d+[.)]))|\n|;"
)
#: The mark of a list item, which is no word of the statement: "1)" is not the 1 of "type 1".
_ITEM = re.compile(r"\s*(?:[-*•#▪◦–]+\s*(?:\d{1,2}\b[.):]?)?|\(?\d{1,2}[.)](?!\d)|\(?[a-z]\))\s*")
_MAX_SENTENCE = 600  # characters; a longer stretch is cut so that window matching stays local


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of the note under one header. `start` is behind the header."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """A stretch that is read as one statement."""

    section: str
    start: int
    end: int


def section_kind(header: str) -> str | None:
    """Return the kind of section that a header opens, or None for an unknown header."""
    text = " ".join(header.split()).strip(" .-")
    for pattern, kind in _COMPILED:
        if pattern.fullmatch(text):
            return kind
    return None


def cut_sections(text: str, default: str = "body") -> list[Section]:
    """Cut a note into sections; text before the first header is `default`."""
    marks: dict[int, tuple[int, str]] = {}
    for match in _HEADER_LINE.finditer(text):
        kind = section_kind(match.group(1))
        if kind:  # "X-ray: two views …": there the header itself says what was done
            marks[match.start()] = (match.start() if kind == "results" else match.end(), kind)
    for match in _BARE_LINE.finditer(text):
        kind = section_kind(match.group(1))
        if kind and match.start() not in marks and kind != "demographics":
            marks[match.start()] = (match.end(), kind)
    sections = []
    at, kind = 0, default
    for start in sorted(marks):
        if start > at:
            sections.append(Section(kind, at, start))
        at, kind = marks[start]
    sections.append(Section(kind, at, len(text)))
    return [section for section in sections if text[section.start : section.end].strip()]


def cut_sentences(text: str, section: Section) -> Iterator[Sentence]:
    """Yield the statements of a section: sentences, list items and lines.

    A line that ends without punctuation and goes on in lower case is one statement with the next line.
    """
    start = section.start
    for match in _BREAK.finditer(text, section.start, section.end):
        if match.group() == "\n" and _flows_on(text, match.start(), match.end(), section.end):
            continue
        yield from _bounded(text, section.kind, start, match.start())
        start = match.end()
    yield from _bounded(text, section.kind, start, section.end)


def _flows_on(text: str, before: int, after: int, end: int) -> bool:
    following = text[after : min(after + 40, end)].lstrip(" \t")
    if _ITEM.match(following):
        return False
    preceding = text[max(0, before - 80) : before].rstrip()
    long_line = before - (text.rfind("\n", 0, before) + 1) > 55
    return (
        bool(preceding)
        and bool(following)
        and (following[0].islower() or (long_line and preceding[-1] not in ".:;!?"))
    )


def _bounded(text: str, kind: str, start: int, end: int) -> Iterator[Sentence]:
    mark = _ITEM.match(text, start, end)
    if mark and mark.end() < end:
        start = mark.end()
    while end - start > _MAX_SENTENCE:
        cut = text.rfind(" ", start + 1, start + _MAX_SENTENCE)
        cut = cut if cut > start else start + _MAX_SENTENCE
        yield Sentence(kind, start, cut)
        start = cut
    if text[start:end].strip():
        yield Sentence(kind, start, end)
