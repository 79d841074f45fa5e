"""From a record to suggestions: read, match, assert, refine, apply conventions, add procedures, find gaps,
order.

Hard invariant: nothing is suggested without the words that support it (`Suggestion` refuses to exist
without).
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date

from rcm_coding.engine import ENGINE_VERSION
from rcm_coding.engine import conventions as rules
from rcm_coding.engine.cleaning import cleaned
from rcm_coding.engine.combinations import combine, complete
from rcm_coding.engine.evidence import (
    Document,
    Evidence,
    Finding,
    Gap,
    Suggestion,
    Suggestions,
    Suppressed,
    VisitLevel,
)
from rcm_coding.engine.gaps import find_gaps
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.mentions import MAX_EVIDENCE, as_suggestion, read_diagnoses
from rcm_coding.engine.modifiers import add_modifiers
from rcm_coding.engine.pcs import compose_pcs
from rcm_coding.engine.procedure_pack import DEMO_PACK, NINETY_DAYS
from rcm_coding.engine.procedures import Procedure, find_procedures
from rcm_coding.engine.ranking.aliases import RULE as ALIAS
from rcm_coding.engine.ranking.model import PROCEDURES, Model
from rcm_coding.engine.reading import MAX_TEXT, Record
from rcm_coding.engine.states import find_states
from rcm_coding.engine.supplies import find_supplies, implants
from rcm_coding.engine.tabular import Tabular
from rcm_coding.engine.visit_tables import VISIT_LABELS
from rcm_coding.engine.visits import visit_level

#: Suggestions below this are not shown.
THRESHOLD = 0.3


def suggest(
    documents: Iterable[Document],
    setting: str,
    service_date: date,
    knowledge: Knowledge,
    claim_form: str = "",
    pcs_codes: Collection[str] = (),
    model: Model | None = None,
    facility: str = "",
) -> Suggestions:
    """Suggest codes for one encounter.

    `service_date` is the governing date (discharge for inpatient); a date outside the edition yields nothing
    but
    "not evaluated". `claim_form` ("837P", "837I") decides how a visit is levelled. `pcs_codes` are the
    ICD-10-PCS codes in force on the day; none: composed codes are not checked against the tables. A `model` scores
    what the rules found and adds what coders were seen to code; one of another language speaks alone.
    `facility` is whose aliases of the model count.
    """
    tabular = knowledge.tabular
    if not tabular.effective_from <= service_date <= tabular.effective_to:
        return Suggestions((), (), (), None, knowledge.release, ENGINE_VERSION, service_date, ("ICD-10-CM",))
    read = [cleaned(document) for document in documents]
    if model is not None and model.language != "en":
        return _by_memory(read, setting, service_date, knowledge, model)
    record, diagnoses, suppressed = consider(read, setting, knowledge)
    if model is None:
        diagnoses = [item for item in diagnoses if item.score >= THRESHOLD]
    else:
        diagnoses, held = model.rank(
            record.documents,
            record=record,
            suggestions=diagnoses,
            suppressed=suppressed,
            tabular=tabular,
            facility=facility,
        )
        suppressed.extend(held)
        if any(ALIAS in item.rules for item in diagnoses):
            diagnoses, dropped = settle(diagnoses, tabular)
            suppressed.extend(dropped)
    diagnoses = rules.sequence(diagnoses, setting)
    if diagnoses and diagnoses[0].role == "principal" and diagnoses[0].poa == "U":
        # the condition that occasioned the admission was there when the patient came
        diagnoses[0] = replace(diagnoses[0], poa="Y")
    not_evaluated: list[str] = []
    if any(len(document.text) > MAX_TEXT for document in read):
        not_evaluated.append(f"text-beyond-{MAX_TEXT}-characters")
    procedures: list[Suggestion] = []
    visit: VisitLevel | None = None
    open_axes: tuple[Gap, ...] = ()
    if setting == "inpatient":
        composed = compose_pcs(record, pcs_codes)
        procedures = list(composed.suggestions)
        if model is not None:
            procedures += _learned_procedures(model, record, procedures)
        open_axes = composed.gaps
        visit, visit_suggestion = _visit(record, setting, claim_form, diagnoses, [], service_date)
        if visit_suggestion:
            procedures[:0] = [visit_suggestion, *_prolonged(visit)]
        if not pcs_codes:
            not_evaluated.append("ICD-10-PCS:validity")
    else:
        done = find_procedures(record, setting)
        procedures = [_procedure(item, diagnoses) for item in done]
        procedures.extend(
            item
            for item in find_supplies(record, setting)
            if item.code != "96372" or not any("cpt:joint-injection" in other.rules for other in procedures)
        )
        visit, visit_suggestion = _visit(record, setting, claim_form, diagnoses, done, service_date)
        if visit_suggestion:
            procedures[:0] = [visit_suggestion, *_prolonged(visit)]
        procedures = add_modifiers(record, procedures, claim_form)
        not_evaluated.append("CPT/HCPCS:demo-pack-only")
    gaps = [*find_gaps(record, diagnoses, setting, tabular), *open_axes]
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
        model=model.name if model else "",
        findings=tuple(
            Finding("charge-check", "", "implant-documented", "", (place,))
            for place in (implants(record) if setting in ("surgery", "inpatient") else ())
        ),
    )


def consider(
    documents: Iterable[Document], setting: str, knowledge: Knowledge
) -> tuple[Record, list[Suggestion], list[Suppressed]]:
    """Read a record by the rules alone: every diagnosis they can see, however unlikely, and what they hold back."""
    tabular = knowledge.tabular
    record = Record(documents, knowledge.lexicon, setting)
    found, suppressed = read_diagnoses(record, setting, knowledge)
    diagnoses = [as_suggestion(item, setting, knowledge) for item in found]
    diagnoses = _with_states(diagnoses, record, setting, tabular)
    for step in (
        lambda items: rules.drop_less_specific(items, tabular),
        lambda items: combine(items, tabular),
        lambda items: (complete(items, tabular), []),
        lambda items: rules.drop_manifestations(items, tabular),
        lambda items: rules.drop_integral(items, tabular),
        lambda items: rules.drop_excluded(items, tabular),
        rules.external_cause_only_with_injury,
    ):
        diagnoses, dropped = step(diagnoses)
        suppressed.extend(dropped)
    return record, diagnoses, suppressed


def settle(diagnoses: list[Suggestion], tabular: Tabular) -> tuple[list[Suggestion], list[Suppressed]]:
    """Let codes that aliases brought take the place of vaguer ones, and keep combinations and Excludes1 notes."""
    diagnoses, vaguer = rules.drop_less_specific(diagnoses, tabular)
    diagnoses, combined = combine(diagnoses, tabular)
    diagnoses, excluded = rules.drop_excluded(diagnoses, tabular)
    return diagnoses, [*vaguer, *combined, *excluded]


def _by_memory(
    documents: list[Document], setting: str, service_date: date, knowledge: Knowledge, model: Model
) -> Suggestions:
    """Suggest by what coders were seen to code, in a language that the rules do not read."""
    diagnoses, suppressed = model.rank(documents, tabular=knowledge.tabular)
    procedures, _ = model.rank(documents, PROCEDURES) if setting == "inpatient" else ([], [])
    return Suggestions(
        suggestions=(*rules.sequence(diagnoses, setting), *procedures),
        suppressed=tuple(suppressed),
        gaps=(),
        visit=None,
        release=knowledge.release,
        engine=ENGINE_VERSION,
        service_date=service_date,
        not_evaluated=("rules:language",),
        model=model.name,
    )


def _learned_procedures(model: Model, record: Record, known: list[Suggestion]) -> list[Suggestion]:
    there = {item.code for item in known}
    found, _ = model.rank(record.documents, PROCEDURES, record=record)
    return [item for item in found if item.code not in there]


def _with_states(
    diagnoses: list[Suggestion], record: Record, setting: str, tabular: Tabular
) -> list[Suggestion]:
    """Add what the patient is, had, takes or carries; a history takes the place of the disease that it names."""
    states = find_states(
        record, [item.code for item in diagnoses if item.score >= THRESHOLD], setting, tabular
    )
    taken = {state.code for state in states}
    kept = [item for item in diagnoses if item.code not in taken]
    if "Z87891" in taken and "F17210" not in taken:
        kept = [item for item in kept if not item.code.startswith("F172")]
    if "F17210" in taken:
        kept = [item for item in kept if item.code != "F17200"]
    for state in states:
        if state.code.startswith("I69"):
            kept = [
                item
                for item in kept
                if not item.code.startswith(("I63", "G81", "R47", "R13", "R27"))
                or not any(_overlap(place, other) for place in item.evidence for other in state.evidence)
            ]
    return kept + [
        Suggestion(
            "ICD-10-CM",
            state.code,
            tabular.title(state.code),
            state.score,
            "secondary",
            state.evidence,
            rules=(state.rule,),
            poa="1"
            if setting == "inpatient" and state.code[0] == "Z"
            else "Y"
            if setting == "inpatient"
            else None,
        )
        for state in states
    ]


def _overlap(one: Evidence, other: Evidence) -> bool:
    return one.document_id == other.document_id and one.start < other.end and other.start < one.end


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


def _prolonged(visit: VisitLevel | None) -> list[Suggestion]:
    """Return the time beyond the highest level as a line of its own; payers count its first minute differently."""
    if visit is None or visit.prolonged is None:
        return []
    code, units = visit.prolonged
    timed = next(element.evidence for element in visit.elements if element.element == "time")
    rules = ("visit:prolonged", "payer:first-minute-differs")
    return [Suggestion("CPT", code, VISIT_LABELS[code], 0.75, "procedure", timed, (), rules, units=units)]


def _visit(
    record: Record,
    setting: str,
    claim_form: str,
    diagnoses: list[Suggestion],
    done: list[Procedure],
    day: date,
) -> tuple[VisitLevel | None, Suggestion | None]:
    treated = tuple(prefix for procedure in done for prefix in procedure.treats)
    own = [
        item
        for item in diagnoses
        if item.role != "external-cause"
        and (setting == "ed" or not (treated and item.code.startswith(treated)))
    ]
    visit = visit_level(record, setting, claim_form, own, day)
    if visit is None:
        return None, None
    evidence = tuple(dict.fromkeys(place for element in visit.elements for place in element.evidence))[
        :MAX_EVIDENCE
    ]
    if not evidence:
        return visit, None
    separate = any(item.separate_visit for item in done)
    major = claim_form == "837P" and any(item.code in NINETY_DAYS for item in done)
    modifier = "57" if major else "25"
    return visit, Suggestion(
        "CPT",
        visit.code,
        VISIT_LABELS[visit.code],
        0.75,
        "procedure",
        evidence,
        (modifier,) if separate else (),
        (f"visit:{visit.basis}", *((_MODIFIER_RULES[modifier],) if separate else ())),
        serves=tuple(item.code for item in own),
    )


_MODIFIER_RULES = {"25": "modifier-25:separate-problem", "57": "modifier-57:decision-for-surgery"}


def _once(items: list[Suppressed]) -> list[Suppressed]:
    merged: dict[tuple[str, str], Suppressed] = {}
    for item in items:
        key = (item.code, item.why)
        known = merged.get(key)
        places = tuple(dict.fromkeys([*(known.evidence if known else ()), *item.evidence]))[:MAX_EVIDENCE]
        merged[key] = replace(item, evidence=places)
    return list(merged.values())
