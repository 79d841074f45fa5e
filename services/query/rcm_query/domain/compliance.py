"""The compliance lint Q1-Q12: a query that breaks one rule is never sent.

Each rule is a pure function of the query, its content and the record that it quotes. `RULES` says in words
what a rule wants and whether it is judged by the text or by the structure.
Rule: AHIMA/ACDIS Guidelines for Achieving a Compliant Query Practice (2022 update).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from rcm_query.domain import clinical_text
from rcm_query.domain.composition import Record, contrary_spans, names_condition
from rcm_query.domain.provider_query import Content, Form, Mode, OptionKind, ProviderQuery
from rcm_query.domain.templates import TEMPLATES

NO_TEMPLATE = "no-template"
VERBAL_RECORDED_WITHIN = timedelta(minutes=15)  # how we read "at once"

YES_NO_PURPOSES = frozenset(
    {"present-on-admission", "cause-and-effect", "substantiate-documented", "conflicting-documentation"}
)

#: Words about money, scores or pressure.
_IMPACT = (
    r"pay(?:ments?|ers?|or|ors|ing)?|reimburse\w*|revenue|insur\w+|billing|billed|claims?|denials?|denied|appeals?"
    r"|(?:ms-|apr-)?drgs?|relative weights?|case[- ]mix(?: index)?|cmi|m?ccs?"
    r"|(?:major )?comorbidity or complication"
    r"|raf|hccs?|risk adjust\w*|risk scores?|severity of illness|soi|risk of mortality|rom"
    r"|quality (?:scores?|measures?|metrics?|ratings?)|star ratings?|audit\w*|compliance pressure|dollars?|\$"
)

#: Conditions that a title or stem must not introduce, each with the words that document it.
_CONDITIONS: Mapping[str, str] = MappingProxyType(
    {
        r"heart failure|chf": r"(?:congestive )?(?:heart|cardiac) failure|chf|hfref|hfpef|hfmref",
        r"pneumonias?": r"pneumonias?|hcap",
        r"an(?:a)?emia": r"an(?:a)?emi[ac]",
        r"malnutrition|malnourished": r"malnutrition|malnourished|undernourished",
        r"fractures?": r"fractures?|fx",
        r"sepsis|septic": r"sepsis|septic",
        r"(?:acute )?respiratory failure": r"respiratory failure",
        r"encephalopathy": r"encephalopathy",
        r"acute kidney injury|aki": r"acute kidney injury|aki|acute renal failure",
        r"chronic kidney disease|ckd": r"chronic kidney disease|ckd",
        r"myocardial infarction|nstemi|stemi": r"myocardial infarction|nstemi|stemi|heart attack",
        r"pressure (?:ulcer|injury)": r"pressure (?:ulcer|injury)|decubitus(?: ulcer)?",
        r"diabetes": r"diabetes|diabetic|t[12]dm|dm",
        r"copd": r"copd|chronic obstructive pulmonary disease",
        r"shock": r"shock",
        r"stroke": r"stroke|cva|cerebral infarction",
        r"obesity": r"obesity|obese",
        r"hyponatremia": r"hyponatremia",
        r"embolism": r"embolism|pe",
    }
)

_EMPHASIS = r"recommended|preferred|suggested|most likely|please select|best answer"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the lint. `broken` is True when the content offends against it."""

    statement: str
    judged_by: str  # "text", "structure" or "text and structure"
    broken: Callable[[ProviderQuery, Content, Record], bool]


def _q1(query: ProviderQuery, content: Content, record: Record) -> bool:
    texts = {(d.document_id, d.version): d.text for d in record.documents}
    return not content.quotes or any(
        quote.written_on is None
        or not quote.kind
        or not quote.text.strip()
        or texts.get((quote.document_id, quote.version), "")[quote.start : quote.end] != quote.text
        for quote in content.quotes
    )


def _q2(query: ProviderQuery, content: Content, record: Record) -> bool:
    outgoing = content.outgoing()
    return "$" in outgoing or clinical_text.pattern(_IMPACT).search(outgoing) is not None


def _q3(query: ProviderQuery, content: Content, record: Record) -> bool:
    words = f"{content.title}\n{content.stem}"
    return any(
        clinical_text.pattern(named).search(words) is not None and not names_condition(record, documented)
        for named, documented in _CONDITIONS.items()
    )


def _q4(query: ProviderQuery, content: Content, record: Record) -> bool:
    clinical = [option for option in content.options if option.kind is OptionKind.CLINICAL]
    kinds = {option.kind for option in content.options}
    if content.form is Form.YES_NO:
        return not {OptionKind.OTHER, OptionKind.UNABLE} <= kinds
    if content.form is Form.OPEN:
        return bool(clinical) or not {OptionKind.OTHER, OptionKind.UNABLE} <= kinds
    supported = all(
        option.supported_by and all(0 <= position < len(content.quotes) for position in option.supported_by)
        for option in clinical
    )
    template = TEMPLATES.get(query.rule)
    significance_missing = (
        template is not None and template.may_be_insignificant and OptionKind.NOT_SIGNIFICANT not in kinds
    )
    return (
        not clinical
        or not supported
        or not set(content.candidates) <= {option.key for option in clinical}
        or not {OptionKind.OTHER, OptionKind.UNABLE} <= kinds
        or significance_missing
    )


def _q5(query: ProviderQuery, content: Content, record: Record) -> bool:
    return content.form is Form.YES_NO and content.purpose not in YES_NO_PURPOSES


def _q6(query: ProviderQuery, content: Content, record: Record) -> bool:
    clinical = [option.label.casefold() for option in content.options if option.kind is OptionKind.CLINICAL]
    special_first = [option.kind is OptionKind.CLINICAL for option in content.options]
    labels = [option.label for option in content.options]
    return (
        any(option.preselected for option in content.options)
        or clinical != sorted(clinical)
        or special_first != sorted(special_first, reverse=True)
        or any(label.isupper() or "*" in label or "!" in label for label in labels)
        or any(clinical_text.pattern(_EMPHASIS).search(label) for label in labels)
    )


def _q7(query: ProviderQuery, content: Content, record: Record) -> bool:
    template = TEMPLATES.get(query.rule)
    if template is None:
        return False
    return any(
        not any(
            (quote.document_id, quote.version) == (document.document_id, document.version)
            and quote.start <= start
            and end <= quote.end
            for quote in content.quotes
        )
        for document, (start, end) in contrary_spans(template, record)
    )


def _q8(query: ProviderQuery, content: Content, record: Record) -> bool:
    origin = {(d.document_id, d.version): d.encounter_id for d in record.documents}
    earlier = [q for q in content.quotes if origin.get((q.document_id, q.version)) != record.encounter_id]
    used = {position for option in content.options for position in option.supported_by}
    pertinent = all(content.quotes.index(quote) in used or quote.contrary for quote in earlier)
    return not all(quote.prior for quote in earlier) or not pertinent


def _q9(query: ProviderQuery, content: Content, record: Record) -> bool:
    if query.mode is not Mode.VERBAL:
        return False
    return query.asked_at is None or not (
        timedelta(0) <= query.requested_at - query.asked_at <= VERBAL_RECORDED_WITHIN
    )


def _q10(query: ProviderQuery, content: Content, record: Record) -> bool:
    return query.provider_id is None or query.provider_id not in record.treating


def _q11(query: ProviderQuery, content: Content, record: Record) -> bool:
    outgoing = content.outgoing().casefold()
    note = query.internal_note.strip().casefold()
    marks = clinical_text.pattern(r"internal(?: note| use)?|impact|flag(?:ged)?|coder note|cdi note")
    return (bool(note) and note in outgoing) or marks.search(outgoing) is not None


def _q12(query: ProviderQuery, content: Content, record: Record) -> bool:
    return not query.requested_by or not query.history or not content.template


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "Q1": Rule(
            "At least one indicator of this patient, verbatim, with document and date", "structure", _q1
        ),
        "Q2": Rule("No word about payment, groups, weights, scores, denials or audits", "text", _q2),
        "Q3": Rule("Title and stem name no diagnosis that the record does not document", "text", _q3),
        "Q4": Rule(
            "Every option is supported, none supported is left out, with other and unable to determine",
            "structure",
            _q4,
        ),
        "Q5": Rule("Yes/no only where no new diagnosis can come of it", "structure", _q5),
        "Q6": Rule("Nothing preselected, neutral order, no emphasis", "text and structure", _q6),
        "Q7": Rule("Indicators that speak against it are quoted too", "text", _q7),
        "Q8": Rule("Facts of earlier encounters only when pertinent, and labelled", "structure", _q8),
        "Q9": Rule("A verbal query is recorded at once", "structure", _q9),
        "Q10": Rule("Addressed to a provider who treated the patient", "structure", _q10),
        "Q11": Rule("No internal note or impact flag in the outgoing copy", "text", _q11),
        "Q12": Rule("Author, time, version and history are kept", "structure", _q12),
    }
)


def lint(query: ProviderQuery, content: Content, record: Record) -> tuple[str, ...]:
    """Return the ids of the rules that the query breaks, in order; empty means that it may be sent."""
    return tuple(rule_id for rule_id, rule in RULES.items() if rule.broken(query, content, record))
