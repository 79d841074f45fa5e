"""Modifiers from documentation: digit, eyelid, repeat, discontinued, staged, assistant, separate site, drug waste.

Sides and modifier 25 or 57 are decided where the procedure and the visit are. Each modifier comes with its words.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from rcm_coding.engine.evidence import Evidence, Suggestion
from rcm_coding.engine.reading import Record, Statement


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


#: procedures on single fingers or toes, and on eyelids
_DIGITAL = frozenset(
    ["11730", "11750", "20600", "26010", "28190", "64450", "26055", "11740", "10060", "12001", "12002"]
)
_EYELID = frozenset(["67800", "67840", "68761", "67820"])
_FINGERS = (
    "thumb",
    "index|second|2nd|pointer",
    "middle|long|third|3rd",
    "ring|fourth|4th",
    "little|small|pinky|fifth|5th",
)
_TOES = (
    "great|big|first|1st|hallux",
    "second|2nd",
    "third|3rd",
    "fourth|4th",
    "fifth|5th|little|small|pinky",
)
_LEFT_HAND = ("FA", "F1", "F2", "F3", "F4")
_RIGHT_HAND = ("F5", "F6", "F7", "F8", "F9")
_LEFT_FOOT = ("TA", "T1", "T2", "T3", "T4")
_RIGHT_FOOT = ("T5", "T6", "T7", "T8", "T9")
_LIDS = {("upper", "left"): "E1", ("lower", "left"): "E2", ("upper", "right"): "E3", ("lower", "right"): "E4"}
_LID = _re(r"\b(?:(upper|lower) (left|right)|(left|right) (upper|lower)) (?:eye)?lid\b")

_STOPPED = _re(
    r"\b(?:procedure|operation|surgery|colonoscopy|endoscopy|injection)\b[^.\n;]{0,40}?\b(?:was |were )?"
    r"(?:aborted|discontinued|terminated|abandoned|stopped)\b|\b(?:aborted|discontinued|terminated) (?:the )?"
    r"(?:procedure|operation|colonoscopy)\b"
)
_BEFORE_ANAESTHESIA = _re(r"\b(?:before|prior to) (?:induction|anesthesia|sedation)\b")
_REDUCED = _re(
    r"\bincomplete (?:colonoscopy|exam\w*|procedure)|\breduced service|\bpartially (?:completed|performed)"
)
_REPEATED = _re(
    r"\brepeat(?:ed)? (?:x-?rays?|films?|ekg|ecg|ct|procedure|injection|studies)\b[^.\n]{0,30}?\b(?:same day|today)\b"
    r"|\bpost-?reduction (?:x-?rays?|films?|views?)"
)
_OTHER_PHYSICIAN = _re(r"\b(?:by another|different) (?:physician|provider)")
_STAGED = _re(r"\bstaged procedure|\bplanned second stage|\bsecond[- ]stage procedure")
_RETURNED = _re(
    r"\b(?:returned|return|taken back|brought back) to (?:the )?(?:operating room|or)\b(?! (?:table|staff))"
)
_UNRELATED = _re(r"\bunrelated (?:to (?:the )?(?:previous|prior|recent) )?(?:procedure|surgery|operation)")
_CO_SURGEON = _re(r"\bco-?surgeons?\b|\btwo surgeons\b")
_NO_RESIDENT = _re(r"\bno qualified resident")
_NON_PHYSICIAN = _re(
    r"\bassist(?:ant|ed)?:?[^.\n]{0,25}?\b(?:pa-?c|physician assistant|np|nurse practitioner|rnfa)\b"
    r"|\b(?:pa-?c|physician assistant) (?:assisted|first assist\w*)"
)
_ASSISTANT = _re(r"\bassistant surgeon\b|\bassistant:? (?:dr\b|\w+ md\b)")
_HARDER = _re(
    r"\bmodifier 22\b|\b(?:substantially|significantly|unusually) (?:more|greater|increased|difficult|prolonged)"
    r"[^.\n]{0,60}?\b(?:work|effort|time|difficult\w*|dissection|procedure)\b"
)
_VIDEO = _re(
    r"\b(?:video (?:visit|encounter|call)|telehealth|telemedicine|audio[- ](?:and )?video|via zoom|virtual visit)\b"
)
_AUDIO = _re(
    r"\b(?:audio[- ]only|telephone (?:visit|encounter|call) (?:with|visit)|phone visit|telephone visit)\b"
)
_READING_ONLY = _re(r"\b(?:interpretation only|professional component|read for (?:the )?hospital)\b")
_WASTE = _re(r"\b(?:wasted|discarded|waste of|wastage of)\b")
_SINGLE_DOSE = _re(r"\b(?:single[- ](?:dose|use) vial|no (?:waste|wastage|discarded))\b")
_SEPARATE = _re(r"\b(?:separate|different|distinct) (?:site|lesion|location|incision|session|area)s?\b")
#: destruction and sampling of skin lesions bundle with each other unless the lesions are apart
_SKIN = ("11102", "11104", "17000", "17003", "17004", "17110", "17111", "11200")


def add_modifiers(record: Record, procedures: Iterable[Suggestion], claim_form: str) -> list[Suggestion]:
    """Return the procedures with the modifiers that the record supports."""
    result = [_with(item, record, claim_form) for item in procedures]
    return _separate_lesions(record, result)


def _with(item: Suggestion, record: Record, claim_form: str) -> Suggestion:
    found: list[tuple[str, Evidence]] = []
    visit = item.code.startswith("99")
    if item.system == "HCPCS":
        found.extend(_drug(item, record))
    elif visit:
        found.extend(_first(record, (("93", _AUDIO), ("95", _VIDEO)))[:1])
    else:
        found.extend(_place(item, record))
        found.extend(_course(record, claim_form))
        if item.code.startswith(("7", "93")):
            found.extend(_first(record, (("26", _READING_ONLY),)))
            found.extend(_repeat(item, record))
        else:
            found.extend(_first(record, (("58", _STAGED), ("78", _RETURNED), ("79", _UNRELATED)))[:1])
            found.extend(_first(record, (("62", _CO_SURGEON), ("22", _HARDER))))
            found.extend(
                _first(record, (("82", _NO_RESIDENT), ("AS", _NON_PHYSICIAN), ("80", _ASSISTANT)))[:1]
            )
    if not found:
        return item
    names = [name for name, _ in found]
    kept = tuple(name for name in item.modifiers if not (name in ("RT", "LT") and _more_exact(names)))
    return replace(
        item,
        modifiers=tuple(dict.fromkeys([*kept, *names])),
        evidence=tuple(dict.fromkeys([*item.evidence, *(place for _, place in found)])),
        rules=tuple(dict.fromkeys([*item.rules, *(f"modifier-{name}" for name in names)])),
    )


def _more_exact(names: list[str]) -> bool:
    return any(re.fullmatch(r"F[A1-9]|T[A1-9]|E[1-4]", name) for name in names)


def _first(record: Record, wanted: Iterable[tuple[str, re.Pattern[str]]]) -> list[tuple[str, Evidence]]:
    return [(name, place) for name, pattern in wanted if (place := record.first(pattern, "modifier"))]


def _course(record: Record, claim_form: str) -> list[tuple[str, Evidence]]:
    stopped = record.first(_STOPPED, "modifier")
    if stopped:
        if claim_form == "837I":
            return [("73" if record.first(_BEFORE_ANAESTHESIA, "modifier") else "74", stopped)]
        return [("53", stopped)]
    return _first(record, (("52", _REDUCED),))


def _repeat(item: Suggestion, record: Record) -> list[tuple[str, Evidence]]:
    place = record.first(_REPEATED, "modifier")
    if place is None or item.units < 2:
        return []
    return [("77" if record.first(_OTHER_PHYSICIAN, "modifier") else "76", place)]


def _place(item: Suggestion, record: Record) -> list[tuple[str, Evidence]]:
    statements = [
        statement
        for statement in record.statements
        if any(_within(statement, place) for place in item.evidence)
    ]
    if item.code in _EYELID:
        for statement in statements:
            match = statement.search(_LID)
            if match:
                lid, side = (
                    (match.group(1), match.group(2)) if match.group(1) else (match.group(4), match.group(3))
                )
                name = _LIDS[(lid.lower(), side.lower())]
                return [(name, statement.evidence(match.start(), match.end(), "site"))]
    if item.code not in _DIGITAL:
        return []
    for statement in statements:
        for part, names, right, left in (
            ("finger|digit", _FINGERS, _RIGHT_HAND, _LEFT_HAND),
            ("toe", _TOES, _RIGHT_FOOT, _LEFT_FOOT),
        ):
            for at, name in enumerate(names):
                pattern = _re(
                    rf"\b(right|left) (?:{name}) ?(?:{part})?\b"
                    if at == 0 and part[0] == "f"
                    else rf"\b(right|left) (?:{name}) (?:{part})\b"
                )
                match = statement.search(pattern)
                if match:
                    side = right if match.group(1).lower() == "right" else left
                    return [(side[at], statement.evidence(match.start(), match.end(), "site"))]
    return []


def _within(statement: Statement, place: Evidence) -> bool:
    return (
        statement.document.document_id == place.document_id
        and statement.sentence.start <= place.start < statement.sentence.end
    )


def _drug(item: Suggestion, record: Record) -> list[tuple[str, Evidence]]:
    if not item.code.startswith("J"):
        return []
    return _first(record, (("JW", _WASTE), ("JZ", _SINGLE_DOSE)))[:1]


def _separate_lesions(record: Record, procedures: list[Suggestion]) -> list[Suggestion]:
    """Modifier XS on the lesser of two skin procedures, only where the record says that the sites are apart."""
    skin = [item for item in procedures if item.code in _SKIN]
    families = {item.code[:3] for item in skin}
    place = record.first(_SEPARATE, "modifier")
    if len(families) < 2 or place is None:
        return procedures
    first = max(skin, key=lambda item: item.code)
    return [
        replace(
            item,
            modifiers=(*item.modifiers, "XS"),
            evidence=(*item.evidence, place),
            rules=(*item.rules, "modifier-XS"),
        )
        if item in skin and item is not first and item.code[:3] != first.code[:3]
        else item
        for item in procedures
    ]
