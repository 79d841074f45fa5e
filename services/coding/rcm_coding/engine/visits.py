"""E/M level from medical decision making or total time, with the words for each element.

Rule: AMA E/M guidelines 2021 (office) and 2023 (other settings). An emergency visit has no time option. A
hospital
levels its own emergency visits by a published policy of its own; ours counts kinds of work
(FACILITY_ED_POINTS).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from rcm_coding.engine.context import Status
from rcm_coding.engine.evidence import Evidence, MdmElement, Suggestion, VisitLevel
from rcm_coding.engine.reading import Record
from rcm_coding.engine.visit_tables import (
    VisitKind,
    code_by_decision,
    code_by_minutes,
    decision_level,
    prolonged,
)

#: kinds of work at least -> code: a facility policy, not a national rule
FACILITY_ED_POINTS = ((6, "99285"), (4, "99284"), (2, "99283"), (1, "99282"), (0, "99281"))

#: A problem counts when the assessment states it; without any assessment, when the note clearly does.
STATED_SCORE = 0.6
UNSTATED_SCORE = 0.45
_CHRONIC = re.compile(
    r"^(?:E0[0-7]|E1[0-3]|E66|E78|I1[0-6]|I2[05]|I48|I50|I73|J4[0-5]|M0[5-6]|M1[0-9]|M81"
    r"|N18|N40|F|G[2-4]|K21|K5[018]|K7[0-4]|C|L40|B20|D5|D6[04])"
)
_LIFE = re.compile(r"^(?:A4[01]|I21|I26|I46|I6[0-3]|J96|J80|K25[02]|R57|T78\.?2|O1[45]|G41)")
_SYSTEMIC = re.compile(r"^(?:J1[2-8]|N1[0-2]|A0|A3|K35|K81|K85|K80|U071|S06|S[0-9]2|S72)")
#: New problems whose outcome is open until worked up.
_UNDIAGNOSED = re.compile(r"^(?:R22|R91|N63|R55|R07|R59|R634|R310|R195|K625|R19[05]|R90|R928|D37|D38|D4)")
_MINOR = re.compile(r"^(?:J00|R21|L70|W57|B08|L60|H61|R05|J30)")
_WORSE = re.compile(
    r"\b(?:worsen\w*|exacerbat\w*|uncontrolled|poorly controlled"
    r"|not (?:well[- ])?controlled|not at goal|above goal|progress(?:ing|ion)"
    r"|decompensat\w*|flare\w*|side effects?)\b",
    re.IGNORECASE,
)
_SEVERE = re.compile(
    r"\bsevere (?:exacerbation|progression|decompensation)|life[- ]threatening|hemodynamically unstable\b",
    re.IGNORECASE,
)
#: A drug by the ending of its name, or by name where the ending tells nothing.
_DRUG = (
    r"\w+(?:pril|sartan|olol|statin|cillin|mycin|floxacin|dipine|gliptin|gliflozin|glutide|prazole|tidine|triptan"
    r"|azepam|zolam|setron|cycline|conazole|vir|mab|parin|xaban|semide|thiazide|lukast|terol|oxetine|aloprim|zosin"
    r"|barbital|gabalin|tropium|sone|solone|oxicam|profen 800)\b|\b(?:metformin|insulin|warfarin|digoxin|prednisone"
    r"|methotrexate|gabapentin|tramadol|sertraline|bupropion|trazodone|levothyroxine|clopidogrel|cephalexin"
    r"|ceftriaxone|augmentin|bactrim|nitrofurantoin|cyclobenzaprine|naproxen|lasix|bumex|norvasc|prozac|zoloft"
    r"|lexapro|synthroid|coumadin|eliquis|plavix|hydroxychloroquine|allopurinol|colchicine|inhaler|antibiotics?)"
)
_PRESCRIPTION = re.compile(
    r"\bprescri\w+|\brefill\w*|\bmedications? (?:adjust\w*|renewed|changed|reviewed and continued)|\brx\b"
    r"|\b(?:start\w*|initiat\w+|continu\w+|increas\w+|decreas\w+|titrat\w+|adjust\w*|switch\w*|chang\w+|stop\w*"
    rf"|discontinu\w+|restart\w*|add\w*|given|hold)\b[^.\n;]{{0,40}}?\b(?:{_DRUG})"
    rf"|\b(?:{_DRUG})\b[^.\n;]{{0,12}}?\d+(?:\.\d+)? ?(?:mg|mcg|units?|g|ml|puffs?)?\b"
    r"|\b(?:start\w*|initiat\w+|increas\w+|decreas\w+)(?: on)? (?!ibuprofen|acetaminophen|tylenol"
    r"|advil)\w+(?: to| from)?"
    r" \d+(?:\.\d+)? ?(?:mg|mcg|units?)\b|\b(?:iv|intravenous|im) (?:antibiotics?|fluids? with)",
    re.IGNORECASE,
)
_MAJOR_DECISION = re.compile(
    r"\b(?:schedul\w+|proceed\w*|plan\w*|decision|consent\w*|book\w*|elect\w+) (?:\w+ ){0,4}(?:surger\w+|arthroplasty"
    r"|replacement|\w+ectomy|orif|open reduction|fusion|repair)\b"
    r"|\b(?:unable to afford|cannot afford|homeless\w*|food insecurity|lack of transportation)",
    re.IGNORECASE,
)
_OVER_COUNTER = re.compile(
    r"\bover[- ]the[- ]counter|\botc\b|\bibuprofen|\bacetaminophen|\btylenol|\bfluids\b"
    r"|\brest\b|\bice\b|\bphysical therapy|\bsupportive care|\bstretch\w*|\bheat\b",
    re.IGNORECASE,
)
_HIGH_RISK = re.compile(
    r"\b(?:admit(?:ted)?|transfer(?:red)?) (?:him |her |them |the patient )?to (?:the )?(?:hospital"
    r"|inpatient|icu|ccu|micu|floor"
    r"|telemetry|medicine)|\bwill (?:be )?admit\w*|\bhospitali[sz]ation (?:is|was) (?:recommended"
    r"|required|advised|needed)"
    r"|\bdo not resuscitate|\bdnr\b|\bemergen(?:cy|t) (?:major )?surgery|\btaken (?:urgently"
    r"|emergently) to the (?:or|operating)"
    r"|\b(?:monitor\w*|check\w*) (?:\w+ ){0,3}(?:for (?:drug )?toxicity|drug levels?)|\bde-?escalat\w+ of care"
    r"|\biv (?:morphine|hydromorphone|fentanyl)",
    re.IGNORECASE,
)
_TESTS = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("blood count", r"\bcbc\b|complete blood count"),
        ("metabolic panel", r"\bbmp\b|\bcmp\b|metabolic panel|\belectrolytes|\bcreatinine"),
        ("lipids", r"\blipid (?:panel|profile)"),
        ("a1c", r"\ba1c\b"),
        ("natriuretic peptide", r"\b(?:nt-pro)?bnp\b"),
        ("troponin", r"\btroponin"),
        ("urine", r"\burinalysis|\bua\b"),
        ("strep", r"\brapid strep|strep (?:test|antigen|swab)|throat culture"),
        ("film", r"\bx-?rays?|\bradiograph\w*"),
        ("ct", r"\bct (?:scan|of|chest|abdomen|head)"),
        ("echo", r"\bechocardiogram|\becho\b"),
        ("ecg", r"\bekg|\becg|electrocardiogram"),
        ("spirometry", r"\bspirometry"),
        ("culture", r"\bcultures?\b"),
    )
)
_EXTERNAL_NOTE = re.compile(
    r"\b(?:outside|external|prior|previous) (?:records?|notes?)(?: were)? review\w*"
    r"|reviewed (?:outside|external) (?:records?|notes?)",
    re.IGNORECASE,
)
_HISTORIAN = re.compile(
    r"\bhistory (?:is |was )?(?:obtained|provided|given) (?:from|by) (?:the |his "
    r"|her )?(?:mother|father|parent|spouse|wife|husband|daughter|son|caregiver|ems)",
    re.IGNORECASE,
)
_OWN_READING = re.compile(
    r"\b(?:independent(?:ly)? (?:interpret\w*|review\w* (?:the )?(?:images?|films?"
    r"|tracing))|(?:my|personal) (?:interpretation|read))",
    re.IGNORECASE,
)
_DISCUSSION = re.compile(
    r"\bdiscussed (?:the case |management )?with (?:dr\b|the (?:cardiolog|orthop|surg"
    r"|consult|hospital|radiolog)\w*)",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:total (?:time|of)(?: spent)?|spent(?: a total of)?"
    r"|time spent)\D{0,60}?(\d{1,3}) ?min(?:ute)?s?"
    r"|\b(\d{1,3}) ?min(?:ute)?s?\b[^.\n]{0,40}\b(?:total time|spent)\b"
    r"|\b(?:discharge )?time:? (\d{1,3}) ?min(?:ute)?s?\b",
    re.IGNORECASE,
)
_NEW = re.compile(
    r"\bnew patient\b|\bestablish(?:ing)? care\b|\binitial visit\b|\bfirst visit\b", re.IGNORECASE
)
_SAME_DAY = re.compile(r"\badmitted and discharged (?:on )?(?:the )?same (?:day|date)")
_ADMISSION = re.compile(
    r"history (?:and|&) physical|\bh ?& ?p\b|admission note|initial (?:hospital|inpatient)"
)
_VISIT = re.compile(
    r"\bchief complaint|\bpresent\w*|\bcomes? in\b|\bhere (?:for|today)|\bfollow[- ]?up"
    r"|\bvisit\b|\bseen\b|\bcomplain\w*|\breports?\b|\bassessment",
    re.IGNORECASE,
)
_VISIT_SECTIONS = frozenset({"hpi", "chief-complaint", "exam", "review-of-systems", "vitals"})
_ED_WORK = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("nursing assessment", r"\btriage|\bvital signs?|\bblood pressure|\bbp\b|\bpulse\b|\btemperature\b"),
        ("film", r"\bx-?rays?|\bradiograph\w*"),
        ("laboratory", r"\bcbc|\bbmp|\bcmp|\blabs?\b|\btroponin|\burinalysis|\blactate"),
        ("ct or ultrasound", r"\bct\b|\bultrasound|\bmri\b"),
        ("monitoring", r"\btelemetry|cardiac monitor\w*|pulse oximetry monitor\w*"),
        (
            "iv treatment",
            r"\biv (?:fluids?|antibiotic\w*|medication\w*|morphine)|intravenous (?:fluid"
            r"|antibiotic|medication|morphine)|\binfusion",
        ),
        ("ecg", r"\bekg|\becg|electrocardiogram"),
        ("consult", r"\bconsult(?:ed|ation)\b"),
    )
)


_HIGHEST = 4  # level of decision making


@dataclass(frozen=True, slots=True)
class _Problem:
    level: int
    kind: str
    evidence: tuple[Evidence, ...]


def visit_level(
    record: Record, setting: str, claim_form: str, problems: Iterable[Suggestion], day: date
) -> VisitLevel | None:
    """Return the E/M code that the record supports for problems beyond any procedure's own, or None.

    `problems` are the suggested diagnoses that no procedure of the encounter treats (modifier 25 needs work
    of its own). `day` chooses the year's tables.
    """
    least = STATED_SCORE if record.has_assessment else UNSTATED_SCORE
    wanted = [item for item in problems if item.score >= least and item.code[0] not in "VWXYZ"]
    if setting == "ed" and claim_form == "837I":
        return _facility_visit(record)
    if claim_form != "837P" or setting not in ("office", "ed", "inpatient") or not wanted:
        return None
    told = any(item.sentence.section in _VISIT_SECTIONS for item in record.statements)
    report = any("procedure" in item.kind or "operative" in item.kind for item in record.documents)
    planned = any(item.sentence.section == "plan" for item in record.statements)
    told = told or (record.has_assessment and planned and not report)
    if setting == "office" and not told and not record.first(_VISIT, "visit", stated=False):
        return None
    kind = _kind(record, setting)
    elements = _elements(record, wanted)
    level = decision_level(*(element.level for element in elements))
    code = code_by_decision(kind, level, day)
    minutes = _minutes(record)
    by_time = code_by_minutes(kind, minutes[0], day) if minutes else None
    extra = prolonged(kind, minutes[0], day) if minutes else None
    if minutes and by_time is not None and (by_time > (code or "") or extra):
        timed = (*elements, MdmElement("time", 0, (minutes[1],)))
        return VisitLevel(by_time, "time", timed, minutes[0], prolonged=extra)
    if kind is VisitKind.HOSPITAL_DISCHARGE and code is None:
        return VisitLevel("99238", "time", elements)  # the day's discharge work, no time stated
    if code is None:
        return None
    below = tuple(item.element for item in elements if item.level <= level) if level < _HIGHEST else ()
    return VisitLevel(code, "mdm", elements, minutes[0] if minutes else None, below)


def _kind(record: Record, setting: str) -> VisitKind:
    text = record.plain_text
    if setting == "ed":
        return VisitKind.EMERGENCY
    if setting == "office":
        return VisitKind.OFFICE_NEW if _NEW.search(text) else VisitKind.OFFICE_ESTABLISHED
    kinds = {document.kind for document in record.documents}
    heads = " ".join(document.text[:300].lower() for document in record.documents)
    if _SAME_DAY.search(text):
        return VisitKind.HOSPITAL_SAME_DAY
    if "discharge-summary" in kinds or "discharge summary" in heads:
        return VisitKind.HOSPITAL_DISCHARGE
    if kinds & {"history-and-physical", "h-and-p", "hp", "admission-note"} or _ADMISSION.search(heads):
        return VisitKind.HOSPITAL_INITIAL
    return VisitKind.HOSPITAL_SUBSEQUENT


def _facility_visit(record: Record) -> VisitLevel | None:
    found = [
        place for _, pattern in _ED_WORK if (place := record.first(pattern, "facility-work", stated=False))
    ]
    if not found:
        return None
    code = next(code for least, code in FACILITY_ED_POINTS if len(found) >= least)
    return VisitLevel(code, "facility-points", (MdmElement("facility-work", len(found), tuple(found)),))


def _elements(record: Record, problems: list[Suggestion]) -> tuple[MdmElement, ...]:
    return (_problems(record, problems), _data(record), _risk(record))


def _problems(record: Record, suggestions: list[Suggestion]) -> MdmElement:
    found = [_problem(record, item) for item in suggestions]
    level = max(problem.level for problem in found)
    chronic = [problem for problem in found if problem.kind == "chronic"]
    minor = [problem for problem in found if problem.kind == "minor"]
    if len(chronic) >= 2:
        level = max(level, 3)
    if len(minor) >= 2:
        level = max(level, 2)
    return MdmElement("problems", level, tuple(place for problem in found for place in problem.evidence[:1]))


def _problem(record: Record, item: Suggestion) -> _Problem:
    if _LIFE.match(item.code):
        return _Problem(4, "threat", item.evidence)
    if _CHRONIC.match(item.code):
        texts = [_statement_text(record, place) for place in item.evidence if place.role == "diagnosis"]
        if any(_SEVERE.search(text) for text in texts):
            return _Problem(4, "chronic", item.evidence)
        if any(_WORSE.search(text) for text in texts):
            return _Problem(3, "chronic", item.evidence)
        return _Problem(2, "chronic", item.evidence)
    if _SYSTEMIC.match(item.code):
        return _Problem(3, "acute", item.evidence)
    if _UNDIAGNOSED.match(item.code):
        return _Problem(3, "undiagnosed", item.evidence)
    if _MINOR.match(item.code):
        return _Problem(1, "minor", item.evidence)
    return _Problem(2, "acute", item.evidence)


def _statement_text(record: Record, place: Evidence) -> str:
    return next(
        (
            item.text
            for item in record.statements
            if item.document.document_id == place.document_id
            and item.sentence.start <= place.start < item.sentence.end
        ),
        "",
    )


def _data(record: Record) -> MdmElement:
    tests = [place for _, pattern in _TESTS if (place := record.first(pattern, "test", stated=False))]
    note = record.first(_EXTERNAL_NOTE, "external-note")
    historian = record.first(_HISTORIAN, "historian", stated=False)
    reading = record.first(_OWN_READING, "own-reading")
    talk = record.first(_DISCUSSION, "discussion")
    items = len(tests) + (1 if note else 0)
    moderate = [items + (1 if historian else 0) >= 3, reading is not None, talk is not None]
    level = 4 if sum(moderate) >= 2 else 3 if any(moderate) else 2 if items >= 2 or historian else 1
    return MdmElement(
        "data", level, tuple(place for place in (*tests, note, historian, reading, talk) if place)
    )


def _risk(record: Record) -> MdmElement:
    for level, pattern in ((4, _HIGH_RISK), (3, _PRESCRIPTION), (3, _MAJOR_DECISION), (2, _OVER_COUNTER)):
        place = _managed(record, pattern)
        if place:
            return MdmElement("risk", level, (place,))
    return MdmElement("risk", 1, ())


def _managed(record: Record, pattern: re.Pattern[str]) -> Evidence | None:
    """Management counts where the plan states it; a home medication list alone is no management."""
    for statement in record.statements:
        if statement.sentence.section not in (
            "plan",
            "assessment",
            "hospital-course",
            "body",
            "impression",
            "procedure",
            "instructions",
            "diagnosis",
        ):
            continue
        match = statement.search(pattern)
        if match and statement.assertion(match.start(), match.end()).status is not Status.NEGATED:
            return statement.evidence(match.start(), match.end(), "risk")
    return None


def _minutes(record: Record) -> tuple[int, Evidence] | None:
    for statement in record.statements:
        match = statement.search(_TIME)
        if match:
            return int(match.group(1) or match.group(2) or match.group(3)), statement.evidence(
                match.start(), match.end(), "time"
            )
    return None
