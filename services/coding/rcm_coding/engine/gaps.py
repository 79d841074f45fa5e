"""What the record leaves open: triggers for a provider query, each with the words that raise the question.

A rule names codes that must be (or must not be) supported, and indicators of which at least some must be
stated.
Indicators are shown to the provider as they stand; no rule looks at payment.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rcm_coding.engine.evidence import Evidence, Gap, Suggestion
from rcm_coding.engine.reading import Record
from rcm_coding.engine.refine import title_side
from rcm_coding.engine.tabular import Tabular


@dataclass(frozen=True, slots=True)
class GapRule:
    """One trigger. `when` matches a supported code (None: none needed);
    `unless` matches codes that settle it.
    """

    rule: str
    when: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    indicators: tuple[re.Pattern[str], ...]
    at_least: int
    settings: frozenset[str] = frozenset()  # empty: every setting


def _rule(
    rule: str,
    when: str | None,
    unless: str | None,
    indicators: Iterable[str],
    at_least: int,
    settings: Iterable[str] = (),
) -> GapRule:
    return GapRule(
        rule,
        re.compile(when) if when else None,
        re.compile(unless) if unless else None,
        tuple(re.compile(item, re.IGNORECASE) for item in indicators),
        at_least,
        frozenset(settings),
    )


_FAILURE_INDICATORS = (
    r"\b(?:lv)?ef\b[^.;\n]{0,20}?\d{2} ?%|\bejection fraction[^.;\n]{0,30}?\d{2} ?%",
    r"\b(?:nt-?pro-?)?bnp\b[^.;\n]{0,25}?\d{2,5}",
    r"\becho(?:cardiogram)?\b",
    r"\b(?:furosemide|lasix|bumetanide|torsemide)\b",
)
RULES: tuple[GapRule, ...] = (
    _rule("heart-failure-type", r"^I509$", r"^I50[1-4]|^I508", _FAILURE_INDICATORS, 1),
    _rule(
        "heart-failure-possible",
        None,
        r"^I50|^I11|^I13",
        (
            r"\b(?:nt-?pro-?)?bnp\b[^.;\n]{0,25}?(?:[4-9]\d{2}|\d{4,5})\b",
            r"\b(?:pulmonary|peripheral|pitting|leg) edema\b|vascular congestion",
            r"\biv (?:furosemide|lasix|bumetanide)|intravenous furosemide",
        ),
        3,
    ),
    _rule(
        "pneumonia-organism",
        r"^J18[19]$",
        r"^J1[2-7]|^J690",
        (
            r"\bdysphagia\b|\baspirat\w+",
            r"\bvancomycin\b|\blinezolid\b|\bpiperacillin\b|\bzosyn\b|\bcefepime\b|\bmeropenem\b",
            r"\b(?:sputum|blood) cultures? (?:grew|positive|with growth)|\bmrsa\b|\bpseudomonas\b"
            r"|\bklebsiella\b",
        ),
        1,
        ("inpatient",),
    ),
    _rule(
        "respiratory-failure-type",
        r"^J969|^J9600$|^J9620$",
        None,
        (
            r"\bpao2\b[^.;\n]{0,12}?\d{2}",
            r"\b(?:spo2|o2 sat\w*|oxygen saturation|saturat\w+)\b[^.;\n]{0,25}?[78]\d ?%",
            r"\bpa?co2\b[^.;\n]{0,12}?\d{2}",
            r"\bbi-?pap\b|\bhigh[- ]flow\b|\bventilator\b",
        ),
        1,
    ),
    _rule(
        "respiratory-failure-possible",
        None,
        r"^J96|^J80",
        (
            r"\b(?:spo2|o2 sat\w*|oxygen saturation|saturat\w+)\b[^.;\n]{0,25}?(?:[5-8]\d) ?%",
            r"\baccessory muscle\w*|\brespiratory rate (?:of )?(?:29|3\d|4\d)|\brr (?:of )?(?:29"
            r"|3\d|4\d)",
            r"\bbi-?pap\b|\bhigh[- ]flow\b|\bventilator\b",
        ),
        2,
        ("inpatient", "ed"),
    ),
    _rule(
        "sepsis-possible",
        None,
        r"^A4[01]|^R65",
        (
            r"\btemp\w*[^.;\n]{0,12}?(?:38\.[1-9]|39|40|10[1-5]\.)",
            r"\b(?:heart rate|hr|pulse)\b[^.;\n]{0,8}?(?:9[1-9]|1\d\d)",
            r"\bwbc\b[^.;\n]{0,12}?(?:1[2-9]|[2-4]\d)(?:\.\d)?",
            r"\blactate\b[^.;\n]{0,10}?[2-9]\.\d",
            r"\bblood cultures?\b",
            r"\biv (?:antibiotics?|vancomycin|ceftriaxone|cefepime)",
        ),
        4,
        ("inpatient",),
    ),
    _rule(
        "kidney-disease-stage",
        r"^N189$|^I1[23]9$",
        r"^N18[1-6]",
        (r"\begfr\b[^.;\n]{0,12}?\d{1,2}\b", r"\bcreatinine\b[^.;\n]{0,12}?\d\.\d"),
        1,
    ),
    _rule(
        "atrial-fibrillation-type",
        r"^I4891$",
        r"^I48[0-2]",
        (
            r"\b(?:apixaban|eliquis|warfarin|rivaroxaban|xarelto|dabigatran)\b",
            r"\bcardioversion\b|\bablation\b",
            r"\brate control\w*|\bmetoprolol\b|\bdiltiazem\b|\bamiodarone\b",
        ),
        1,
        ("inpatient", "office"),
    ),
    _rule(
        "anemia-type",
        r"^D649$",
        r"^D5|^D6[0-3]",
        (
            r"\bferritin\b[^.;\n]{0,12}?\d",
            r"\bmcv\b[^.;\n]{0,8}?\d{2}",
            r"\b(?:iron (?:infusion|sucrose)|ferrous sulfate|epoetin)\b",
            r"\btransfus\w+",
        ),
        1,
    ),
    _rule(
        "blood-loss-anemia-possible",
        None,
        r"^D62",
        (
            r"\b(?:hgb|hemoglobin)\b(?:[^.;\n]|\.(?=\d)){0,40}?\b[4-7]\.\d",
            r"\btransfus\w+ (?:\w+ ){0,4}(?:units?|prbc|red)",
        ),
        2,
        ("inpatient",),
    ),
    _rule(
        "pressure-ulcer-stage",
        r"^L89\w*9$|^L8990$",
        None,
        (
            r"\bstage (?:[1-4]|i{1,3}|iv)\b|\bunstageable\b",
            r"\bwound (?:care|nurse)\b",
            r"\b(?:sacr\w+|heel|coccyx|ischi\w+)\b",
        ),
        1,
    ),
    _rule(
        "malnutrition-possible",
        None,
        r"^E4[0-6]",
        (
            r"\bbmi\b[^.;\n]{0,8}?1[0-8]\.\d",
            r"\b(?:muscle|fat) (?:wasting|loss)\b|\bcachectic\b",
            r"\bdietitian\b|\bnutrition consult\b",
            r"\bweight loss\b",
        ),
        2,
        ("inpatient",),
    ),
    _rule(
        "obesity-diagnosis",
        None,
        r"^E66",
        (
            r"\b(?:bmi|body mass index)\b[^.;\n]{0,10}?(?:3\d|[4-7]\d)(?:\.\d)?",
            r"\bweight (?:loss|reduction) (?:counsel\w+|program|plan)|\bdiet and exercise\b"
            r"|\bsemaglutide\b",
        ),
        2,
        ("office",),
    ),
    _rule(
        "sodium-diagnosis",
        None,
        r"^E87[01]",
        (
            r"\b(?:sodium|na)\b[^.;\n]{0,8}?1[12]\d\b",
            r"\b(?:hypertonic saline|fluid restriction|3% saline|salt tablets)\b",
        ),
        2,
        ("inpatient",),
    ),
    _rule(
        "stroke-detail",
        r"^I639$",
        None,
        (
            r"\bnihss\b[^.;\n]{0,8}?\d",
            r"\b(?:mca|aca|pca|basilar|middle cerebral)\b",
            r"\bembol\w+|\bthromb\w+|\blacunar\b",
        ),
        1,
        ("inpatient",),
    ),
    _rule(
        "encephalopathy-possible",
        None,
        r"^G9[234]|^F05",
        (
            r"\baltered mental status\b|\bconfus\w+|\bobtunded\b|\blethargic\b",
            r"\bcam[- ](?:icu )?positive\b|\bgcs\b[^.;\n]{0,6}?(?:[3-9]|1[0-4])\b",
            r"\b(?:sodium|ammonia|lactate)\b[^.;\n]{0,10}?\d",
        ),
        2,
        ("inpatient",),
    ),
)


def find_gaps(record: Record, suggestions: Iterable[Suggestion], setting: str, tabular: Tabular) -> list[Gap]:
    """Return the open questions of a record, each once, with at least one indicator."""
    supported = [item for item in suggestions if item.system == "ICD-10-CM" and item.score >= 0.3]
    gaps = []
    for rule in RULES:
        if rule.settings and setting not in rule.settings:
            continue
        if rule.unless and any(rule.unless.match(item.code) for item in supported):
            continue
        cause = next((item for item in supported if rule.when and rule.when.match(item.code)), None)
        if rule.when and cause is None:
            continue
        places = [place for pattern in rule.indicators if (place := record.first(pattern, "indicator"))]
        if len(places) < rule.at_least:
            continue
        mention: list[Evidence] = [cause.evidence[0]] if cause else []
        gaps.append(Gap(rule.rule, cause.code if cause else "", tuple(dict.fromkeys([*mention, *places]))))
    gaps.extend(_side_gaps(supported, tabular))
    return gaps


def _side_gaps(supported: list[Suggestion], tabular: Tabular) -> list[Gap]:
    """A lateralised code without a side in the record."""
    found = []
    for item in supported:
        resolved = tabular.resolve(item.code)
        if resolved is None:
            continue
        parent = tabular.concepts[resolved.base].parent
        own = tabular.concepts[resolved.base].title.lower()
        if "unspecified" not in own or title_side(own) is not None or item.score < 0.5:
            continue
        siblings = [tabular.concepts[code].title.lower() for code in tabular.children.get(parent, ())]
        if any(" left " in f" {title} " for title in siblings) and any(
            " right " in f" {title} " for title in siblings
        ):
            rule = "fracture-laterality" if "fracture" in own else "side-missing"
            found.append(Gap(rule, item.code, item.evidence[:1]))
    return found
