"""What only a claim asks for, from HL7 v2: accident, UB-04 codes, referral, reason for the visit, drugs.

Mapping: ACC accident, UB2 condition, value, occurrence and span codes, RF1-6 referral, PV2-3 coded reason,
IN3-2 certification, FT1-20 performer, FT1-29 NDC. Lenient: a value of another shape is left out, never guessed.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from typing import Any

from rcm_shared.contracts.intake import Setting
from rcm_shared.contracts.records import ClaimFacts, DatedCode, ValueRecord
from rcm_shared.money import cents_from_decimal

from rcm_intake.domain.errors import MessageRefused
from rcm_intake.gateways.hl7v2_syntax import Segment, first_segment, part_day

_UB04 = re.compile(r"[0-9A-Z]{2}")
_ICD10 = re.compile(r"[A-Z]\d[0-9A-Z](\.?[0-9A-Z]{1,4})?")
_ICD10_SYSTEMS = frozenset({"I10", "I10C", "ICD10", "ICD-10-CM"})
_AUTO, _WORK = frozenset({"AA", "AUTO", "MVA"}), frozenset({"EM", "WORK", "WPA", "04"})
MAX_CODES = 24  # of one kind on a claim
MAX_REASONS = 3


def whole_day(segment: Segment, index: int, component: int = 1, repetition: int = 1) -> date | None:
    """Return the calendar day in one part of a field; what is no complete date names none."""
    try:
        return part_day(segment, index, component, repetition)
    except MessageRefused:
        return None


def accident(segments: dict[str, list[Segment]]) -> dict[str, Any]:
    """Return accident, its state and date as ACC says them; nothing without ACC."""
    acc = first_segment(segments, "ACC")
    if acc is None:
        return {}
    code, state = acc.name_of(2).upper(), acc.name_of(4).upper()
    kind = "other"
    if acc.name_of(5).upper() == "Y" or code in _WORK:
        kind = "work"
    elif code in _AUTO or state:
        kind = "auto"
    return {
        "accident": kind,
        "accident_state": state if re.fullmatch(r"[A-Z]{2}", state) else "",
        "accident_date": whole_day(acc, 1),
    }


def facts(segments: dict[str, list[Segment]], setting: Setting | None) -> ClaimFacts | None:
    """Return what the message says for the claim, or None when it says nothing."""
    said: dict[str, Any] = {}
    ub2, rf1, pv2 = (first_segment(segments, name) for name in ("UB2", "RF1", "PV2"))
    if ub2 is not None:
        said["condition_codes"] = tuple(_conditions(ub2))[:MAX_CODES]
        said["values"] = tuple(_values(ub2))[:MAX_CODES]
        said["occurrences"] = (*_occurrences(ub2, 7), *_occurrences(ub2, 8))[:MAX_CODES]
    if rf1 is not None:
        said["referral"] = rf1.name_of(6)[:50]
    if pv2 is not None and setting is not Setting.INPATIENT:
        said["reasons_for_visit"] = tuple(_reasons(pv2))[:MAX_REASONS]
    return ClaimFacts(**said) if any(said.values()) else None


def _conditions(ub2: Segment) -> Iterator[str]:
    for n in range(1, ub2.repetitions(3) + 1):
        code = ub2.name_of(3, 1, n).upper()
        if _UB04.fullmatch(code):
            yield code


def _values(ub2: Segment) -> Iterator[ValueRecord]:
    """Read UVC: a value code and its amount (or its number of days)."""
    for n in range(1, ub2.repetitions(6) + 1):
        code, amount = ub2.name_of(6, 1, n).upper(), ub2.name_of(6, 2, n)
        with suppress(ValueError):
            if _UB04.fullmatch(code):
                yield ValueRecord(code=code, hundredths=int(cents_from_decimal(amount)))


def _occurrences(ub2: Segment, index: int) -> Iterator[DatedCode]:
    """Read OCD (a code and its date) or OSP (a code and both dates of its span)."""
    for n in range(1, ub2.repetitions(index) + 1):
        code, on = ub2.name_of(index, 1, n).upper(), whole_day(ub2, index, 2, n)
        through = whole_day(ub2, index, 3, n)
        if _UB04.fullmatch(code) and on is not None and (through is None or through >= on):
            yield DatedCode(code=code, on=on, through=through)


def _reasons(pv2: Segment) -> Iterator[str]:
    """Read the admit reason where it is coded."""
    for code, system in ((1, 3), (4, 6)):
        value = pv2.name_of(3, code).upper()
        if pv2.name_of(3, system).upper() in _ICD10_SYSTEMS and _ICD10.fullmatch(value):
            yield value.replace(".", "")


def certification(segments: dict[str, list[Segment]], in1: Segment) -> str:
    """Return the certification number of the IN3 that belongs to an IN1 (by set id)."""
    for in3 in segments.get("IN3", []):
        if in3.name_of(1) == in1.name_of(1):
            return in3.name_of(2)[:50]
    return ""


def ndc(ft1: Segment) -> str:
    """Return the drug of a charge as eleven digits; 5-4-2 with hyphens is one form of them."""
    digits = ft1.name_of(29).replace("-", "")
    return digits if re.fullmatch(r"\d{11}", digits) else ""
