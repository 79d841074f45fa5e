"""Codes one note outside any case: the whole answer as plain data, as the command line prints it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure

from rcm_coding.domain.case import Grouping
from rcm_coding.domain.edits import Edit, Severity, unevaluated
from rcm_coding.engine.evidence import Document, Evidence, Finding, Suggestion, Suggestions, VisitLevel
from rcm_coding.engine.tabular import dotted_code
from rcm_coding.gateways.grouper import Stay
from rcm_coding.gateways.notes import Note

#: Between the texts of one encounter when they are shown as one.
JOINT = "\n\n"
_DEFAULT_AGE = 50


@dataclass(frozen=True, slots=True)
class Person:
    """What grouping and some edits need to know of the patient; None: not told."""

    sex: str | None = None
    birth_date: date | None = None

    def age_on(self, day: date) -> int | None:
        """Return the age in whole years, or None when the birth date is not told."""
        born = self.birth_date
        if born is None:
            return None
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@dataclass(frozen=True)
class Answer:
    """A note's suggestions with the text that their offsets refer to."""

    text: str
    found: Suggestions
    bases: Mapping[UUID, int]  # where each document starts in `text`
    grouping: Grouping | None = None
    remarks: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()  # about codes that somebody chose
    edits: tuple[Edit, ...] = ()

    def place(self, evidence: Evidence) -> dict[str, Any]:
        """Return evidence with offsets in `text` and the words themselves."""
        base = self.bases.get(evidence.document_id, 0)
        start, end = base + evidence.start, base + evidence.end
        return {
            "start": start,
            "end": end,
            "text": self.text[start:end],
            "section": evidence.section,
            "role": evidence.role,
        }


def documents_of(note: Note) -> tuple[list[Document], str, dict[UUID, int]]:
    """Return a note's documents, its whole text and where each document starts in it."""
    documents, bases, at = [], {}, 0
    for order, item in enumerate(note.texts):
        name = UUID(int=order + 1)
        documents.append(Document(name, 1, item.kind or "note", item.text, order))
        bases[name] = at
        at += len(item.text) + len(JOINT)
    return documents, JOINT.join(item.text for item in note.texts), bases


@dataclass(frozen=True, slots=True)
class ClaimCodes:
    """The suggested codes as they would stand on a claim."""

    diagnoses: tuple[FinalDiagnosis, ...]
    procedures: tuple[FinalProcedure, ...]


def claim_codes(found: Suggestions, day: date) -> ClaimCodes:
    """Return an answer's own codes in claim order; unfinished ICD-10-PCS codes stand on no claim."""
    diagnoses = tuple(
        FinalDiagnosis(code=item.code, role=item.role, poa=item.poa)
        for item in found.suggestions
        if item.system == "ICD-10-CM" and item.role in _ROLES
    )
    places = {item.code: at for at, item in enumerate(diagnoses, 1)}
    procedures = tuple(
        FinalProcedure(
            system=item.system,
            code=item.code,
            service_date=day,
            units=item.units,
            modifiers=item.modifiers,
            pointers=tuple(places[code] for code in item.serves if code in places),
        )
        for item in found.suggestions
        if item.system in ("CPT", "HCPCS") or (item.system == "ICD-10-PCS" and len(item.code) == 7)
    )
    return ClaimCodes(diagnoses, procedures)


_ROLES = frozenset({"principal", "first-listed", "secondary", "external-cause"})


def stay_of(codes: ClaimCodes, person: Person, day: date) -> tuple[Stay | None, tuple[str, ...]]:
    """Return what grouping and the code editor need of an inpatient answer, with what had to be assumed for it."""
    if not any(item.role == "principal" for item in codes.diagnoses):
        return None, ()
    age = person.age_on(day)
    assumed = tuple(
        name
        for name, missing in (
            ("MS-DRG:age-assumed-50", age is None),
            ("MS-DRG:sex-unknown", person.sex is None),
            ("MS-DRG:discharge-to-home-assumed", True),
        )
        if missing
    )
    return Stay(_DEFAULT_AGE if age is None else age, person.sex or "U", "01", day), assumed


def as_data(answer: Answer, file: str, model: str | None) -> dict[str, Any]:
    """Return the answer as plain data, one object a note."""
    found = answer.found
    return {
        "file": file,
        "suggestions": [_suggestion(answer, item) for item in found.suggestions],
        "suppressed": [
            {"code": dotted_code(item.code), "why": item.why, "evidence": _places(answer, item.evidence)}
            for item in found.suppressed
        ],
        "queries": [
            {
                "rule": gap.rule,
                "code": gap.code if gap.rule.startswith("pcs:") else dotted_code(gap.code),
                "indicators": _places(answer, gap.indicators),
                **({"legal": list(gap.legal)} if gap.legal else {}),
            }
            for gap in found.gaps
        ],
        "findings": [
            {
                "kind": item.kind,
                "code": item.code,
                "why": item.why,
                "better": item.better,
                "evidence": _places(answer, item.evidence),
            }
            for item in (*found.findings, *answer.findings)
        ],
        "em": _visit(answer, found.visit),
        "drg": _grouping(answer.grouping),
        "edits": [_edit(item) for item in answer.edits if item.severity is not Severity.NOT_EVALUATED],
        "not_evaluated": list(not_evaluated(answer)),
        "release": found.release,
        "model": model,
    }


def not_evaluated(answer: Answer) -> tuple[str, ...]:
    """Return what the answer says nothing about: the engine's own, sets that are not loaded, what was assumed."""
    return tuple(dict.fromkeys([*answer.found.not_evaluated, *unevaluated(answer.edits), *answer.remarks]))


def _edit(edit: Edit) -> dict[str, Any]:
    diagnosis = edit.code if not edit.rule.startswith(_OF_DIAGNOSES) else dotted_code(edit.code)
    return {
        "rule": edit.rule,
        "severity": str(edit.severity),
        "code": diagnosis,
        "message": edit.message,
        "authority": edit.authority,
        "version": edit.version,
        "effective": edit.effective.isoformat() if edit.effective else None,
    }


_OF_DIAGNOSES = ("DX-", "SEQ-", "EX1-", "POA-", "DUP-01")


def _suggestion(answer: Answer, item: Suggestion) -> dict[str, Any]:
    diagnosis = item.system == "ICD-10-CM"
    data: dict[str, Any] = {
        "system": item.system,
        "code": dotted_code(item.code) if diagnosis else item.code,
        "description": item.description,
        "score": item.score,
        "tier": item.tier,
        "role": item.role,
        "modifiers": list(item.modifiers),
        "evidence": _places(answer, item.evidence),
        "alternatives": [
            {
                "code": dotted_code(other.code) if diagnosis else other.code,
                "description": other.description,
                "axis": other.axis,
            }
            for other in item.alternatives
        ],
        "rules": list(item.rules),
    }
    if item.poa:
        data["poa"] = item.poa
    if item.units != 1:
        data["units"] = item.units
    if item.serves:
        data["serves"] = [dotted_code(code) for code in item.serves]
    return data


def _places(answer: Answer, evidence: Iterable[Evidence]) -> list[dict[str, Any]]:
    return [answer.place(item) for item in evidence]


def _visit(answer: Answer, visit: VisitLevel | None) -> dict[str, Any] | None:
    if visit is None:
        return None
    return {
        "code": visit.code,
        "basis": visit.basis,
        "minutes": visit.minutes,
        "documented_below_next_level": list(visit.below),
        "prolonged": {"code": visit.prolonged[0], "units": visit.prolonged[1]} if visit.prolonged else None,
        "elements": [
            {
                "element": element.element,
                "level": element.level,
                "evidence": _places(answer, element.evidence),
            }
            for element in visit.elements
        ],
    }


def _grouping(grouping: Grouping | None) -> dict[str, Any] | None:
    if grouping is None:
        return None
    return {
        "drg": grouping.drg,
        "version": grouping.version,
        "title": grouping.title,
        "severity": grouping.severity,
        "fault": grouping.fault,
        "weight": float(grouping.weight) if grouping.weight else None,
        "weight_release": grouping.weight_release or None,
        "codes": [
            {"code": dotted_code(item.code), "severity": item.severity or None, "counts": item.counts}
            for item in grouping.codes
        ],
    }


def spans(answer: Answer) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, code) of all evidence of the suggestions."""
    for item in answer.found.suggestions:
        for place in item.evidence:
            data = answer.place(place)
            yield data["start"], data["end"], item.code
