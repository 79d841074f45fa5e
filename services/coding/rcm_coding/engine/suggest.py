"""From a record to suggestions: read, match, assert, refine, apply conventions, add procedures, find gaps,
order.

Hard invariant: nothing is suggested without the words that support it (`Suggestion` refuses to exist
without).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from rcm_coding.engine import ENGINE_VERSION
from rcm_coding.engine import conventions as rules
from rcm_coding.engine.context import Status
from rcm_coding.engine.evidence import Document, Evidence, Suggestion, Suggestions, Suppressed, VisitLevel
from rcm_coding.engine.gaps import find_gaps
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.lexicon import Match
from rcm_coding.engine.pcs import find_pcs
from rcm_coding.engine.procedures import DEMO_PACK, Procedure, find_procedures
from rcm_coding.engine.reading import Record, Statement
from rcm_coding.engine.refine import Refined, is_unspecified, refine
from rcm_coding.engine.visits import visit_level

#: Suggestions below this are not shown.
THRESHOLD = 0.3
_STATED = frozenset({"assessment", "diagnosis", "impression"})
_MAX_EVIDENCE = 9
_MAX_MENTIONS = 5
#: Conditions that only a confirmed statement may code, inpatient too (Guidelines I.C.1.a, I.C.1.g, I.C.10.c).
_CONFIRMED_ONLY = ("B20", "U071", "A925", "J09", "J10")
_ADMISSION_KINDS = frozenset({"history-and-physical", "h-and-p", "hp", "ed-note", "admission-note"})


@dataclass
class _Found:
    """All mentions of one code while reading."""

    code: str
    score: float = 0.0
    stated_at: tuple[int, int] | None = None  # document order, offset of the statement of diagnosis
    first_at: tuple[int, int] = (0, 0)
    evidence: dict[Evidence, None] = field(default_factory=dict)
    rules: dict[str, None] = field(default_factory=dict)
    refined: Refined | None = None
    terms: set[frozenset[str]] = field(default_factory=set)
    at_admission: bool = False


def suggest(
    documents: Iterable[Document],
    setting: str,
    service_date: date,
    knowledge: Knowledge,
    claim_form: str = "",
) -> Suggestions:
    """Suggest codes for one encounter.

    `service_date` is the governing date (discharge for inpatient); a date outside the edition yields nothing
    but
    "not evaluated". `claim_form` ("837P", "837I") decides how a visit is levelled.
    """
    tabular = knowledge.tabular
    if not tabular.effective_from <= service_date <= tabular.effective_to:
        return Suggestions((), (), (), None, knowledge.release, ENGINE_VERSION, service_date, ("ICD-10-CM",))
    record = Record(documents, knowledge.lexicon, setting)
    found, suppressed = _diagnoses(record, setting, knowledge)
    diagnoses = [_suggestion(item, setting, knowledge) for item in found]
    for step in (
        lambda items: rules.drop_less_specific(items, tabular),
        lambda items: rules.combine(items, tabular),
        rules.drop_integral,
        lambda items: rules.drop_excluded(items, tabular),
        rules.external_cause_only_with_injury,
    ):
        diagnoses, dropped = step(diagnoses)
        suppressed.extend(dropped)
    diagnoses = rules.sequence([item for item in diagnoses if item.score >= THRESHOLD], setting)
    not_evaluated: list[str] = []
    procedures: list[Suggestion] = []
    visit: VisitLevel | None = None
    if setting == "inpatient":
        procedures = list(find_pcs(record))
        not_evaluated.append("ICD-10-PCS:first-rules-only")
    else:
        done = find_procedures(record, setting)
        procedures = [_procedure(item, diagnoses) for item in done]
        visit, visit_suggestion = _visit(record, setting, claim_form, diagnoses, done)
        if visit_suggestion:
            procedures.insert(0, visit_suggestion)
        not_evaluated.append("CPT/HCPCS:demo-pack-only")
    gaps = find_gaps(record, diagnoses, setting, tabular)
    shown = {item.code for item in diagnoses}
    return Suggestions(
        suggestions=(*diagnoses, *procedures),
        suppressed=tuple(item for item in _once(suppressed) if item.code not in shown),
        gaps=tuple(gaps),
        visit=visit,
        release=knowledge.release,
        engine=ENGINE_VERSION,
        service_date=service_date,
        not_evaluated=tuple(not_evaluated),
    )


def _diagnoses(record: Record, setting: str, knowledge: Knowledge) -> tuple[list[_Found], list[Suppressed]]:
    found: dict[str, _Found] = {}
    suppressed: list[Suppressed] = []
    for at, statement in enumerate(record.statements):
        for match in statement.matches:
            assertion = statement.assertion(match.start, match.end)
            refined = refine(knowledge.tabular, match, statement, record, setting)
            if refined is None:
                continue
            places = _mention(statement, match)
            why = _refusal(assertion.status, refined.code, statement, setting)
            if why:
                cue = (
                    (statement.evidence(assertion.cue_start, assertion.cue_end, "cue"),)
                    if assertion.cue_end
                    else ()
                )
                suppressed.append(Suppressed(refined.code, why, (*places, *cue)))
                continue
            if statement.weight <= 0:
                continue
            _note(found, refined, statement, match, places, record, at)
    kept, general = _drop_general(found.values(), knowledge)
    suppressed.extend(general)
    ordered = sorted(
        kept,
        key=lambda item: (item.stated_at is None, item.stated_at or (0, 0), -item.score, item.first_at),
    )
    return ordered, suppressed


def _drop_general(items: Iterable[_Found], knowledge: Knowledge) -> tuple[list[_Found], list[Suppressed]]:
    """Drop "anemia, unspecified" where every mention of it is part of a narrower statement elsewhere."""
    found = list(items)
    kept: list[_Found] = []
    dropped: list[Suppressed] = []
    for item in found:
        narrower = next(
            (
                other
                for other in found
                if other is not item
                and other.score >= 0.6 * item.score
                and all(any(term < wider for wider in other.terms) for term in item.terms)
            ),
            None,
        )
        if narrower and is_unspecified(knowledge.tabular.title(item.code)):
            dropped.append(Suppressed(item.code, f"less-specific-than-{narrower.code}", tuple(item.evidence)))
        else:
            kept.append(item)
    return kept, dropped


def _refusal(status: Status, code: str, statement: Statement, setting: str) -> str | None:
    if status is Status.PRESENT:
        return None
    if status is Status.UNCERTAIN:
        if setting != "inpatient":
            return "uncertain-outpatient"
        return "uncertain-confirmed-only" if code.startswith(_CONFIRMED_ONLY) else None
    if status is Status.HISTORY and statement.sentence.section in _STATED:
        return "history"
    return status.value


def _mention(statement: Statement, match: Match) -> tuple[Evidence, ...]:
    """One span when the words stand together, else one for each word."""
    if match.end - match.start <= 60:
        return (statement.evidence(match.start, match.end, "diagnosis"),)
    return tuple(statement.evidence(start, end, "diagnosis") for start, end in match.spans)


def _note(
    found: dict[str, _Found],
    refined: Refined,
    statement: Statement,
    match: Match,
    places: tuple[Evidence, ...],
    record: Record,
    at: int,
) -> None:
    section = statement.sentence.section
    weight = statement.weight
    if refined.code[0] in "PQ" and section not in _STATED:
        return  # a malformation or perinatal condition is stated as a diagnosis, not met in passing
    if record.has_assessment and section not in _STATED:
        weight *= 0.2 if refined.code[0] == "R" else 0.6
    item = found.setdefault(refined.code, _Found(refined.code, first_at=(statement.document.order, at)))
    item.terms.add(match.term.stems)
    stems = len(match.term.stems)
    score = 0.15 + 0.5 * weight + 0.08 * min(stems, 4) + (0.08 if match.term.curated else 0.0)
    score -= 0.25 * (1.0 - match.tightness)
    score += 0.06 if refined.specific else 0.0
    score = min(0.97, max(0.05, score))
    if score > item.score:
        item.score, item.refined = score, refined
    elif item.evidence:
        item.score = min(0.98, item.score + 0.02)
    if section in _STATED and (item.stated_at is None or (statement.document.order, at) < item.stated_at):
        item.stated_at = (statement.document.order, at)
    if statement.document.kind in _ADMISSION_KINDS or "present on admission" in statement.text:
        item.at_admission = True
    if section in _STATED:
        item.evidence = dict.fromkeys([*places, *item.evidence])
    else:
        item.evidence.update(dict.fromkeys(places))
    item.evidence.update(dict.fromkeys(refined.evidence))
    item.rules.update(
        dict.fromkeys(["lexicon:curated" if match.term.curated else "lexicon:tabular", *refined.rules])
    )


def _suggestion(item: _Found, setting: str, knowledge: Knowledge) -> Suggestion:
    refined = item.refined
    mentions = [place for place in item.evidence if place.role == "diagnosis"][:_MAX_MENTIONS]
    axes = [place for place in item.evidence if place.role != "diagnosis"][: _MAX_EVIDENCE - _MAX_MENTIONS]
    evidence = (*mentions, *axes)
    poa = ("Y" if item.at_admission else "U") if setting == "inpatient" else None
    return Suggestion(
        system="ICD-10-CM",
        code=item.code,
        description=knowledge.tabular.title(item.code),
        score=round(item.score, 3),
        role="secondary",
        evidence=evidence,
        rules=tuple(item.rules),
        alternatives=refined.alternatives if refined else (),
        poa=poa,
    )


def _procedure(item: Procedure, diagnoses: list[Suggestion]) -> Suggestion:
    return Suggestion(
        system="CPT" if item.code[0].isdigit() else "HCPCS",
        code=item.code,
        description=DEMO_PACK[item.code],
        score=item.score,
        role="procedure",
        evidence=item.evidence,
        modifiers=item.modifiers,
        rules=item.rules,
        units=item.units,
        serves=tuple(found.code for found in diagnoses if item.treats and found.code.startswith(item.treats)),
    )


def _visit(
    record: Record, setting: str, claim_form: str, diagnoses: list[Suggestion], done: list[Procedure]
) -> tuple[VisitLevel | None, Suggestion | None]:
    treated = tuple(prefix for procedure in done for prefix in procedure.treats)
    own = [
        item
        for item in diagnoses
        if item.role != "external-cause" and not (treated and item.code.startswith(treated))
    ]
    visit = visit_level(record, setting, claim_form, own)
    if visit is None:
        return None, None
    evidence = tuple(dict.fromkeys(place for element in visit.elements for place in element.evidence))[
        :_MAX_EVIDENCE
    ]
    if not evidence:
        return visit, None
    separate = any(item.separate_visit for item in done)
    return visit, Suggestion(
        "CPT",
        visit.code,
        DEMO_PACK[visit.code],
        0.75,
        "procedure",
        evidence,
        ("25",) if separate else (),
        (f"visit:{visit.basis}", *(("modifier-25:separate-problem",) if separate else ())),
        serves=tuple(item.code for item in own),
    )


def _once(items: list[Suppressed]) -> list[Suppressed]:
    merged: dict[tuple[str, str], Suppressed] = {}
    for item in items:
        key = (item.code, item.why)
        known = merged.get(key)
        places = tuple(dict.fromkeys([*(known.evidence if known else ()), *item.evidence]))[:_MAX_EVIDENCE]
        merged[key] = replace(item, evidence=places)
    return list(merged.values())
