"""A first set of inpatient procedures in ICD-10-PCS, each by a rule over root operation, part,
device and duration.
"""

import re
from collections.abc import Iterator

from rcm_coding.engine.evidence import Evidence, Suggestion
from rcm_coding.engine.reading import Record

#: code -> our own short label
LABELS = {
    "5A09357": "Breathing support under 24 hours, CPAP or BiPAP",
    "5A09457": "Breathing support 24 to 96 hours, CPAP or BiPAP",
    "5A09557": "Breathing support over 96 hours, CPAP or BiPAP",
    "5A0935A": "Breathing support under 24 hours, high-flow nasal",
    "5A0945A": "Breathing support 24 to 96 hours, high-flow nasal",
    "5A0955A": "Breathing support over 96 hours, high-flow nasal",
    "5A1935Z": "Mechanical ventilation under 24 hours",
    "5A1945Z": "Mechanical ventilation 24 to 96 hours",
    "5A1955Z": "Mechanical ventilation over 96 hours",
    "0BH17EZ": "Breathing tube into trachea",
    "02HV33Z": "Central line into superior vena cava",
    "30233N1": "Red cells into peripheral vein",
    "5A1D70Z": "Dialysis, intermittent",
    "0FT44ZZ": "Gallbladder out, percutaneous endoscopic",
    "0DTJ4ZZ": "Appendix out, percutaneous endoscopic",
    "0SRC0J9": "Right knee joint replaced, cemented",
    "0SRD0J9": "Left knee joint replaced, cemented",
}
_HOURS = re.compile(r"\b(less than |under |fewer than )?(\d{1,3})\s*(hours?|hrs?|days?)\b", re.IGNORECASE)
_RULES: tuple[tuple[str, str, tuple[str, str, str]], ...] = (
    (
        "pcs:positive-airway-pressure",
        r"\b(?:bi-?pap|cpap|non-?invasive (?:positive pressure )?ventilation|nippv|niv)\b",
        ("5A09357", "5A09457", "5A09557"),
    ),
    (
        "pcs:high-flow",
        r"\b(?:high[- ]flow nasal (?:cannula|oxygen)|hfnc)\b",
        ("5A0935A", "5A0945A", "5A0955A"),
    ),
    (
        "pcs:mechanical-ventilation",
        r"\b(?:mechanical(?:ly)? ventilat\w+|intubated and ventilated|ventilator)\b",
        ("5A1935Z", "5A1945Z", "5A1955Z"),
    ),
)
_FIXED: tuple[tuple[str, str, str], ...] = (
    (
        "pcs:intubation",
        r"\b(?:endotracheal(?:ly)? intubat\w+|was intubated|orotracheal intubation)\b",
        "0BH17EZ",
    ),
    (
        "pcs:central-line",
        r"\b(?:central (?:venous )?(?:line|catheter) (?:was )?(?:placed|inserted)"
        r"|placement of (?:a )?central (?:venous )?(?:line|catheter))\b",
        "02HV33Z",
    ),
    (
        "pcs:transfusion",
        r"\b(?:transfus\w+ (?:of )?(?:\w+ ){0,3}(?:units? (?:of )?)?(?:prbc|packed red"
        r"|red (?:blood )?cells?)|received (?:\w+ )?units? of (?:prbc|packed red))",
        "30233N1",
    ),
    (
        "pcs:dialysis",
        r"\b(?:hemodialysis was (?:performed|initiated)|underwent hemodialysis"
        r"|intermittent hemodialysis)\b",
        "5A1D70Z",
    ),
    ("pcs:gallbladder", r"\blaparoscopic cholecystectomy\b", "0FT44ZZ"),
    ("pcs:appendix", r"\blaparoscopic appendectomy\b", "0DTJ4ZZ"),
    ("pcs:knee-right", r"\bright total knee (?:arthroplasty|replacement)\b", "0SRC0J9"),
    ("pcs:knee-left", r"\bleft total knee (?:arthroplasty|replacement)\b", "0SRD0J9"),
)
_NOT_DONE = re.compile(
    r"\b(?:home (?:bi-?pap|cpap)|(?:bi-?pap|cpap) at (?:home|night)|uses (?:a )?cpap|will"
    r"|plan(?:ned)? (?:to|for)|if|consider|declin\w+|refus\w+|years? ago|history of|s/p"
    r"|status post|avoid\w*|without need)\b",
    re.IGNORECASE,
)
_SKIP = frozenset(
    {
        "past-history",
        "surgical-history",
        "family-history",
        "medications",
        "instructions",
        "social-history",
        "review-of-systems",
    }
)


def find_pcs(record: Record) -> Iterator[Suggestion]:
    """Yield the inpatient procedures that the record says were done."""
    for rule, pattern, codes in _RULES:
        places = list(_done(record, re.compile(pattern, re.IGNORECASE)))
        if places:
            hours, place = _longest(record, re.compile(pattern, re.IGNORECASE))
            code = codes[0] if hours < 24 else codes[1] if hours <= 96 else codes[2]
            evidence = tuple(dict.fromkeys([*places[:2], *([place] if place else [])]))
            yield Suggestion(
                "ICD-10-PCS",
                code,
                LABELS[code],
                0.84 if place else 0.74,
                "procedure",
                evidence,
                rules=(rule,),
            )
    for rule, pattern, code in _FIXED:
        place = next(_done(record, re.compile(pattern, re.IGNORECASE)), None)
        if place:
            yield Suggestion("ICD-10-PCS", code, LABELS[code], 0.78, "procedure", (place,), rules=(rule,))


def _done(record: Record, pattern: re.Pattern[str]) -> Iterator[Evidence]:
    for statement in record.statements:
        match = statement.search(pattern)
        if match is None or statement.sentence.section in _SKIP or _NOT_DONE.search(statement.text):
            continue
        if statement.present(match.start(), match.end()):
            yield statement.evidence(match.start(), match.end(), "action")


def _longest(record: Record, pattern: re.Pattern[str]) -> tuple[float, Evidence | None]:
    """Return the longest documented duration near the support, in hours."""
    best, place = 0.0, None
    for statement in record.statements:
        if statement.sentence.section in _SKIP or not statement.search(pattern):
            continue
        match = statement.search(_HOURS)
        if match:
            hours = float(match.group(2)) * (24 if match.group(3).lower().startswith("day") else 1)
            hours -= 0.5 if match.group(1) else 0.0
            if hours > best:
                best, place = hours, statement.evidence(match.start(), match.end(), "duration")
    return best, place
