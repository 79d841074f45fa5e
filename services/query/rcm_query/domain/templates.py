"""Question templates by documentation gap: neutral wording, options only where the record supports them.

Each template has two wordings: one for a condition that the record names, one that names nothing. Composition
takes the second unless the first is true, so that no title or stem introduces a diagnosis. A rule
about findings without a diagnosis has the same words for both.
Rule: AHIMA/ACDIS Guidelines for Achieving a Compliant Query Practice (2022 update).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rcm_query.domain.provider_query import Form, OptionKind


@dataclass(frozen=True, slots=True)
class OptionTemplate:
    """A possible answer. Every expression of `support` must be found in the record for it to be offered."""

    key: str
    label: str
    statement: str
    support: tuple[str, ...]
    kind: OptionKind = OptionKind.CLINICAL


@dataclass(frozen=True, slots=True)
class Template:
    """One question. `subject` finds the condition in the record; `contrary` what speaks against it."""

    rule: str
    version: int
    purpose: str
    subject: str
    title: str
    stem: str
    neutral_title: str
    neutral_stem: str
    options: tuple[OptionTemplate, ...]
    contrary: tuple[str, ...] = ()
    absent: OptionTemplate | None = None  # offered only where the record names the condition
    may_be_insignificant: bool = False
    form: Form = Form.MULTIPLE_CHOICE


OTHER = OptionTemplate("other", "Other (please state)", "", (), OptionKind.OTHER)
UNABLE = OptionTemplate(
    "unable-to-determine", "Unable to determine", "Clinically unable to determine.", (), OptionKind.UNABLE
)
NOT_SIGNIFICANT = OptionTemplate(
    "not-significant",
    "Findings of no clinical significance",
    "The findings have no clinical significance.",
    (),
    OptionKind.NOT_SIGNIFICANT,
)

_JUDGEMENT = "Based on your clinical judgement and the findings below,"
_NEUTRAL = f"{_JUDGEMENT} please document the condition, if any, that they represent."
_SIGNIFICANCE = (
    f"{_JUDGEMENT} please document the clinical significance of the findings"
    " and the condition, if any, that they represent."
)
_NAMES_NOTHING = r"(?!)"  # never found in a record


def _option(key: str, label: str, *support: str) -> OptionTemplate:
    """An answer that is filed in the words it was offered in."""
    return OptionTemplate(key, label, f"{label}.", support)


def _of_findings(
    rule: str,
    about: str,
    options: tuple[OptionTemplate, ...],
    contrary: tuple[str, ...],
    *,
    condition: str,
    subject: str,
) -> Template:
    """Ask what findings without a diagnosis mean. `condition` is named in one answer only, and only where
    somebody (a dietitian, a consultant, a suspicion on admission) has brought it up.
    """
    title = f"Clarification of {about}"
    return Template(
        rule=rule,
        version=1,
        purpose="clinical-significance",
        subject=subject,
        title=title,
        stem=_SIGNIFICANCE,
        neutral_title=title,
        neutral_stem=_SIGNIFICANCE,
        options=options,
        contrary=contrary,
        absent=OptionTemplate(
            "not-present",
            f"{condition} is not present",
            f"{condition} is not present.",
            (),
            OptionKind.DISAGREE,
        ),
        may_be_insignificant=True,
    )


def _lab(names: str, digits: str) -> str:
    """Find a result: its name, perhaps a method in brackets or an earlier value, and the number."""
    return (
        rf"(?:{names})\b(?:\s*\([^)\n]{{0,30}}\))?[^.\d\n]{{0,25}}"
        rf"(?:\d+(?:\.\d+)?\s*(?:to|->)\s*)?(?:{digits})(?:\.\d+)?"
    )


_HEART_FAILURE = r"(?:congestive )?(?:heart|cardiac) failure|chf|hfref|hfpef|hfmref"
_EF = r"(?:ejection fraction|l?v?ef)\b[^.\d\n]{0,30}"
_REDUCED = (
    rf"{_EF}(?:[1-4]\d)(?:\s*(?:-|–|to)\s*\d\d)?\s*(?:%|percent)"
    r"|reduced (?:left ventricular )?ejection fraction|hfref|systolic dysfunction"
)
_PRESERVED = (
    rf"{_EF}(?:[5-7]\d)(?:\s*(?:-|–|to)\s*\d\d)?\s*(?:%|percent)"
    r"|(?:preserved|normal) (?:left ventricular )?ejection fraction|hfpef|diastolic dysfunction"
)
_CONGESTION = (
    r"edema|dyspn(?:o)?ea|orthopn(?:o)?ea|crackles|rales|weight gain|congestion|pulmonary vascular"
    r"|decompensat\w+|worsening"
    r"|short(?:ness)? of breath|bnp|nt-probnp|furosemide|torsemide|bumetanide|diure\w+|jugular venous\w*"
)


def _heart_failure(acuity: str, kind: str, *support: str) -> OptionTemplate:
    phrase = f"{acuity} {kind} heart failure"
    return OptionTemplate(
        f"{acuity}-{kind.split()[0]}".lower().replace(" ", "-"),
        phrase,
        f"{phrase}.",
        (_HEART_FAILURE, *support),
    )


HEART_FAILURE_TYPE = Template(
    rule="heart-failure-type",
    version=1,
    purpose="missing-specificity",
    subject=_HEART_FAILURE,
    title="Clarification of documented heart failure",
    stem=f"Heart failure is documented. {_JUDGEMENT} please document its type and acuity.",
    neutral_title="Clarification of cardiac findings",
    neutral_stem=_NEUTRAL,
    options=(
        _heart_failure("Chronic", "systolic", _REDUCED),
        _heart_failure("Acute", "systolic", _REDUCED, _CONGESTION),
        _heart_failure("Acute on chronic", "systolic", _REDUCED, _CONGESTION),
        _heart_failure("Chronic", "diastolic", _PRESERVED),
        _heart_failure("Acute", "diastolic", _PRESERVED, _CONGESTION),
        _heart_failure("Acute on chronic", "diastolic", _PRESERVED, _CONGESTION),
        _heart_failure("Chronic", "combined systolic and diastolic", _REDUCED, _PRESERVED),
    ),
    contrary=(rf"{_EF}(?:[5-7]\d)\s*(?:%|percent)",),
)

_PNEUMONIA = r"pneumonias?|hcap|cap|infiltrates?|consolidations?"


def _organism(key: str, name: str, support: str) -> OptionTemplate:
    return OptionTemplate(key, f"Pneumonia due to {name}", f"Pneumonia due to {name}.", (_PNEUMONIA, support))


PNEUMONIA_ORGANISM = Template(
    rule="pneumonia-organism",
    version=1,
    purpose="missing-specificity",
    subject=r"pneumonias?|hcap",
    title="Clarification of documented pneumonia",
    stem=f"Pneumonia is documented. {_JUDGEMENT} please document its cause, if known or suspected.",
    neutral_title="Clarification of pulmonary findings",
    neutral_stem=_NEUTRAL,
    options=(
        _organism("aspiration", "aspiration of food or secretions", r"aspirat\w+|dysphagia|swallow\w*"),
        _organism("gram-negative", "gram-negative bacteria", r"gram[- ]negative(?: rods?)?"),
        _organism("klebsiella", "Klebsiella pneumoniae", r"klebsiella(?: pneumoniae)?"),
        _organism("mrsa", "methicillin-resistant Staphylococcus aureus", r"mrsa|methicillin[- ]resistant\w*"),
        _organism(
            "mssa", "methicillin-susceptible Staphylococcus aureus", r"mssa|methicillin[- ]susceptible\w*"
        ),
        _organism(
            "pneumococcus",
            "Streptococcus pneumoniae",
            r"streptococcus pneumoniae|s\. pneumoniae|pneumococc\w+",
        ),
        _organism("pseudomonas", "Pseudomonas", r"pseudomonas\w*"),
        _option(
            "viral",
            "Viral pneumonia",
            _PNEUMONIA,
            r"influenza|rsv|sars-cov-2|covid(?:-19)?|viral pcr positive|parainfluenza",
        ),
    ),
    contrary=(
        r"cultures?[^.\n]{0,40}(?:no growth|negative|normal flora)",
        r"(?:no growth|negative)[^.\n]{0,30}cultures?",
    ),
)

ANEMIA_TYPE = Template(
    rule="anemia-type",
    version=1,
    purpose="missing-specificity",
    subject=r"an(?:a)?emi[ac]",
    title="Clarification of documented anemia",
    stem=f"Anemia is documented. {_JUDGEMENT} please document its type and cause, if known.",
    neutral_title="Clarification of hemoglobin findings",
    neutral_stem=_NEUTRAL,
    options=(
        OptionTemplate(
            "acute-blood-loss",
            "Acute blood loss anemia",
            "Acute blood loss anemia.",
            (r"blood loss|ebl|h(?:a)?emorrhag\w+|bleed\w*|transfus\w+|melena|hematochezia",),
        ),
        OptionTemplate(
            "chronic-disease",
            "Anemia in chronic disease",
            "Anemia in chronic disease.",
            (
                r"chronic kidney disease|ckd|end[- ]stage renal disease|malignan\w+|cancer|chemotherapy"
                r"|rheumatoid\w*",
            ),
        ),
        OptionTemplate(
            "iron-deficiency",
            "Iron deficiency anemia",
            "Iron deficiency anemia.",
            (
                r"(?:low|decreased) (?:ferritin|iron)|ferritin[^.\d\n]{0,15}\d(?:\d)?(?!\d)|microcyt\w+"
                r"|iron deficien\w+|ferrous \w+",
            ),
        ),
        OptionTemplate(
            "vitamin-b12-deficiency",
            "Vitamin B12 deficiency anemia",
            "Vitamin B12 deficiency anemia.",
            (r"(?:low|decreased) (?:vitamin )?b12|b12 deficien\w+|macrocyt\w+|cyanocobalamin",),
        ),
    ),
    contrary=(r"(?:ferritin|iron studies|b12)[^.\n]{0,20}normal|normal (?:ferritin|iron studies|b12)",),
    may_be_insignificant=True,
)

_FRACTURE = r"fractures?|fx"

FRACTURE_LATERALITY = Template(
    rule="fracture-laterality",
    version=1,
    purpose="missing-laterality",
    subject=_FRACTURE,
    title="Clarification of documented fracture: side",
    stem="A fracture is documented. Please document the side of the body, as you examined it.",
    neutral_title="Clarification of injury: side",
    neutral_stem=_NEUTRAL,
    options=(
        OptionTemplate(
            "bilateral",
            "Both sides",
            "The fracture is bilateral.",
            (_FRACTURE, r"bilateral\w*|both (?:wrists|arms|legs|hips|ankles)"),
        ),
        OptionTemplate("left", "Left", "The fracture is on the left side.", (_FRACTURE,)),
        OptionTemplate("right", "Right", "The fracture is on the right side.", (_FRACTURE,)),
    ),
)

SIDE_MISSING = Template(
    rule="side-missing",
    version=1,
    purpose="missing-laterality",
    subject=_NAMES_NOTHING,
    title="Clarification of the side of the body",
    stem="Please document the condition quoted below with the side of the body, as you examined it.",
    neutral_title="Clarification of the side of the body",
    neutral_stem="Please document the condition quoted below with the side of the body, as you examined it.",
    options=(),  # the answer has to repeat the condition: a bare side, filed alone, could fit another one
    form=Form.OPEN,
)

_CONGESTION_TREATED = r"(?:iv|intravenous) (?:furosemide|lasix|bumetanide)|diures\w+|diuretics?"
_EDEMA = r"(?:pulmonary |peripheral |pitting |leg |pedal )?edema|vascular congestion"
_NATRIURETIC = _lab(r"(?:nt-?pro-?)?bnp", r"[4-9]\d\d|\d{1,2},?\d{3}")

HEART_FAILURE_POSSIBLE = _of_findings(
    "heart-failure-possible",
    "cardiac findings",
    (
        _option("acute-diastolic", "Acute diastolic heart failure", _PRESERVED, _NATRIURETIC, _EDEMA),
        _option("acute-systolic", "Acute systolic heart failure", _REDUCED, _NATRIURETIC, _EDEMA),
        _option(
            "acute",
            "Acute congestive heart failure, type not known",
            _NATRIURETIC,
            _EDEMA,
            _CONGESTION_TREATED,
        ),
        _option("fluid-overload", "Fluid overload without heart failure", _EDEMA, _CONGESTION_TREATED),
        _option(
            "venous-insufficiency",
            "Edema due to chronic venous insufficiency",
            _EDEMA,
            r"venous (?:insufficiency|stasis)|varicos\w+",
        ),
    ),
    (
        rf"{_EF}(?:[5-7]\d)\s*(?:%|percent)",
        _lab(r"(?:nt-?pro-?)?bnp", r"\d{1,2}"),
        r"no (?:peripheral |leg |pedal |pulmonary )?edema|lungs? (?:are )?clear",
    ),
    condition="Heart failure",
    subject=_HEART_FAILURE,
)

_RESPIRATORY_FAILURE = r"respiratory failure"
_LOW_OXYGEN = (
    r"(?:spo2|o2 sat\w*|oxygen saturation|saturat\w+|sats?)\b[^.\d\n]{0,25}[5-8]\d ?%?"
    r"|pao2\b[^.\d\n]{0,12}[3-5]\d|hypoxi[ac]|hypox(?:a)?emi[ac]"
)
_HIGH_CARBON_DIOXIDE = r"pa?co2\b[^.\d\n]{0,12}(?:5[1-9]|[6-9]\d|1\d\d)|hypercapni[ac]|hypercarbi[ac]"
_BREATHING_EFFORT = (
    r"accessory muscles?|respiratory distress|work of breathing|tachypn\w+|dyspn(?:o)?ea"
    r"|short(?:ness)? of breath|(?:respiratory rate|rr)\b[^.\d\n]{0,6}(?:2[89]|3\d|4\d)"
    r"|bi-?pap|high[- ]flow|ventilator|intubat\w+"
)
_LONG_STANDING_LUNG = (
    r"(?:home|chronic|baseline) oxygen|oxygen[- ]dependent|oxygen at home|chronic respiratory failure"
    r"|copd|chronic obstructive pulmonary disease|obesity hypoventilation|pulmonary fibrosis"
)
_OXYGEN_FINE = (r"(?:spo2|o2 sat\w*|oxygen saturation|saturat\w+)\b[^.\d\n]{0,25}(?:9[2-9]|100) ?%?",)
_GASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "hypercapnia": (_HIGH_CARBON_DIOXIDE,),
        "hypoxia": (_LOW_OXYGEN,),
        "hypoxia and hypercapnia": (_LOW_OXYGEN, _HIGH_CARBON_DIOXIDE),
    }
)
_LUNG_ACUITY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Acute": (_BREATHING_EFFORT,),
        "Acute on chronic": (_BREATHING_EFFORT, _LONG_STANDING_LUNG),
        "Chronic": (_LONG_STANDING_LUNG,),
    }
)


def _respiratory_failure(*stated: str) -> tuple[OptionTemplate, ...]:
    return tuple(
        _option(
            f"{acuity}-{gas}".lower().replace(" ", "-"),
            f"{acuity} respiratory failure with {gas}",
            *stated,
            *course,
            *gases,
        )
        for acuity, course in _LUNG_ACUITY.items()
        for gas, gases in _GASES.items()
    )


RESPIRATORY_FAILURE_TYPE = Template(
    rule="respiratory-failure-type",
    version=1,
    purpose="missing-specificity",
    subject=_RESPIRATORY_FAILURE,
    title="Clarification of documented respiratory failure",
    stem=f"Respiratory failure is documented. {_JUDGEMENT} please document its acuity and type.",
    neutral_title="Clarification of respiratory findings",
    neutral_stem=_NEUTRAL,
    options=_respiratory_failure(_RESPIRATORY_FAILURE),
    contrary=_OXYGEN_FINE,
)

RESPIRATORY_FAILURE_POSSIBLE = _of_findings(
    "respiratory-failure-possible",
    "respiratory findings",
    (
        *_respiratory_failure(),
        _option("hypoxemia", "Hypoxemia without respiratory failure", _LOW_OXYGEN),
        _option("distress", "Acute respiratory distress without respiratory failure", _BREATHING_EFFORT),
    ),
    _OXYGEN_FINE,
    condition="Respiratory failure",
    subject=_RESPIRATORY_FAILURE,
)

_INFECTION = (
    r"infections?|pneumonia|uti|urinary tract infection|cellulitis|bacter(?:a)?emia"
    r"|positive (?:blood )?cultures?"
    r"|abscess|pyelonephritis"
    r"|cholangitis|septic|sepsis"
)
_SYSTEMIC = (
    r"fever|febrile|temp(?:erature)?[^.\d\n]{0,15}(?:10[1-5]|3[89])(?:\.\d+)?"
    r"|tachycardi\w+|tachypn\w+|leukocytosis"
    r"|wbc[^.\d\n]{0,15}(?:1[2-9]|[2-4]\d)(?:[.,]\d+)?k?|hypotensi\w+"
    r"|lactate[^.\d\n]{0,15}(?:[2-9]|1\d)(?:\.\d+)?"
)
_ORGAN = (
    r"hypotensi\w+|vasopressors?|lactate[^.\d\n]{0,15}(?:[2-9]|1\d)(?:\.\d+)?"
    r"|acute kidney injury|aki|encephalopathy|respiratory failure|oliguri\w+"
)

SEPSIS_POSSIBLE = _of_findings(
    "sepsis-possible",
    "vital signs and laboratory findings",
    (
        _option("infection-without-sepsis", "Localized infection without sepsis", _INFECTION),
        _option("sepsis", "Sepsis due to infection", _INFECTION, _SYSTEMIC),
        _option(
            "sepsis-organ-dysfunction",
            "Sepsis due to infection, with acute organ dysfunction (severe sepsis)",
            _INFECTION,
            _SYSTEMIC,
            _ORGAN,
        ),
        _option(
            "non-infectious",
            "Systemic response to a process other than infection",
            _SYSTEMIC,
            r"pancreatitis|trauma|burns?|postoperative|surgery|embolism|infarction|dehydration|withdrawal",
        ),
    ),
    (
        r"lactate[^.\n]{0,15}(?:normal|[01]\.\d)|normal lactate",
        r"(?:blood )?cultures?[^.\n]{0,40}(?:no growth|negative)",
        r"afebrile|h(?:a)?emodynamically stable",
    ),
    condition="Sepsis",
    subject=r"sepsis|septic",
)

_KIDNEY_DISEASE = r"chronic kidney disease|ckd"
_FILTRATION = r"e?gfr|(?:estimated )?glomerular filtration rate"
#: Filtration rate in ml/min/1.73 m2 by stage (KDIGO), in order.
_FILTRATION_BY_STAGE = (
    ("1", r"9\d|1[0-4]\d"),
    ("2", r"[6-8]\d"),
    ("3a", r"4[5-9]|5\d"),
    ("3b", r"3\d|4[0-4]"),
    ("4", r"1[5-9]|2\d"),
    ("5", r"\d|1[0-4]"),
)


def _kidney_stages() -> tuple[OptionTemplate, ...]:
    """A single rate does not settle a stage, so those next to it are offered too."""
    return tuple(
        _option(
            f"stage-{stage}",
            f"Chronic kidney disease, stage {stage}",
            _KIDNEY_DISEASE,
            _lab(
                _FILTRATION,
                "|".join(rate for _, rate in _FILTRATION_BY_STAGE[max(0, position - 1) : position + 2]),
            ),
        )
        for position, (stage, _) in enumerate(_FILTRATION_BY_STAGE)
    )


KIDNEY_DISEASE_STAGE = Template(
    rule="kidney-disease-stage",
    version=1,
    purpose="missing-specificity",
    subject=_KIDNEY_DISEASE,
    title="Clarification of documented chronic kidney disease",
    stem=f"Chronic kidney disease is documented. {_JUDGEMENT} please document its stage.",
    neutral_title="Clarification of kidney function findings",
    neutral_stem=_NEUTRAL,
    options=(
        *_kidney_stages(),
        _option(
            "end-stage",
            "End-stage renal disease",
            r"(?:h(?:a)?emo|peritoneal )?dialysis|end[- ]stage (?:renal|kidney) disease|esrd",
        ),
    ),
    contrary=(r"acute kidney injury|aki|acute renal failure", _lab(_FILTRATION, r"[>≥] ?(?:60|90)")),
)

_FIBRILLATION = r"atrial fib(?:rillation)?|a-?fib|af"
_RATE_CONTROL = (
    r"rate[- ]control\w*|metoprolol|diltiazem|digoxin"
    r"|apixaban|eliquis|warfarin|rivaroxaban|xarelto|dabigatran"
)
_RHYTHM_CONTROL = r"cardioversion|ablation|amiodarone|flecainide|sotalol|dofetilide|rhythm[- ]control\w*"

ATRIAL_FIBRILLATION_TYPE = Template(
    rule="atrial-fibrillation-type",
    version=1,
    purpose="missing-specificity",
    subject=_FIBRILLATION,
    title="Clarification of documented atrial fibrillation",
    stem=f"Atrial fibrillation is documented. {_JUDGEMENT} please document its type.",
    neutral_title="Clarification of heart rhythm findings",
    neutral_stem=_NEUTRAL,
    options=(
        _option(
            "long-standing-persistent",
            "Long-standing persistent atrial fibrillation",
            _FIBRILLATION,
            r"long[- ]?standing|(?:over|more than) (?:a|one|\d+) years?|for (?:\d+|many|several) years",
        ),
        _option(
            "paroxysmal",
            "Paroxysmal atrial fibrillation",
            _FIBRILLATION,
            rf"{_RATE_CONTROL}|{_RHYTHM_CONTROL}|sinus rhythm|intermittent|episodes?|palpitations",
        ),
        _option("permanent", "Permanent atrial fibrillation", _FIBRILLATION, _RATE_CONTROL),
        _option(
            "persistent",
            "Persistent atrial fibrillation",
            _FIBRILLATION,
            rf"{_RATE_CONTROL}|{_RHYTHM_CONTROL}",
        ),
    ),
    contrary=(r"(?:normal )?sinus rhythm",),
)

_LOW_HEMOGLOBIN = _lab(r"hgb|h(?:a)?emoglobin|hb", r"[4-9]")
_BLEEDING = (
    r"blood loss|ebl|h(?:a)?emorrhag\w+|bleed\w*|melena|hematochezia|hematemesis"
    r"|postoperative|status post|surgery"
)

BLOOD_LOSS_ANEMIA_POSSIBLE = _of_findings(
    "blood-loss-anemia-possible",
    "hemoglobin findings",
    (
        _option("acute-blood-loss", "Acute blood loss anemia", _LOW_HEMOGLOBIN, _BLEEDING),
        _option(
            "chronic-disease",
            "Anemia in chronic disease",
            _LOW_HEMOGLOBIN,
            r"chronic kidney disease|ckd|end[- ]stage renal disease|malignan\w+|cancer|chemotherapy"
            r"|rheumatoid\w*",
        ),
        _option(
            "chronic-blood-loss",
            "Iron deficiency anemia due to chronic blood loss",
            _LOW_HEMOGLOBIN,
            r"(?:low|decreased) (?:ferritin|iron)|microcyt\w+|iron deficien\w+|ferrous \w+|menorrhagia"
            r"|heavy menses",
        ),
        _option(
            "dilutional",
            "Dilutional fall of hemoglobin without anemia",
            _LOW_HEMOGLOBIN,
            r"(?:iv|intravenous) fluids?|crystalloids?|lactated ringers?|normal saline|h(?:a)?emodilution"
            r"|fluid bolus(?:es)?",
        ),
        _option(
            "expected",
            "Fall of hemoglobin as expected after the procedure, without anemia",
            _LOW_HEMOGLOBIN,
            r"postoperative|status post|surgery|arthroplasty|post-?op|resection",
        ),
    ),
    (
        r"no (?:active |further |evidence of )?bleeding|h(?:a)?emoglobin (?:is |has been |remained )?stable",
        r"h(?:a)?emodynamically stable",
    ),
    condition="Anemia",
    subject=r"an(?:a)?emi[ac]",
)

_ULCER = r"pressure (?:ulcer|injury)|decubitus(?: ulcer)?"
_WOUND = r"ulcers?|injur(?:y|ies)|wounds?|decubitus|sacr\w+|heels?|coccyx|ischi\w+"


def _ulcer_stage(arabic: int, roman: str, look: str) -> OptionTemplate:
    """Support: the stage near a word for the wound ("stage 3" alone may be of the kidney), or how it looks."""
    stage = rf"stage (?:{arabic}|{roman})"
    return _option(
        f"stage-{arabic}",
        f"Pressure ulcer, stage {arabic}",
        _ULCER,
        rf"{stage}(?=\b[^.\n]{{0,60}}\b(?:{_WOUND})\b)|(?:{_WOUND})\b[^.\n]{{0,60}}\b{stage}|{look}",
    )


PRESSURE_ULCER_STAGE = Template(
    rule="pressure-ulcer-stage",
    version=1,
    purpose="missing-specificity",
    subject=_ULCER,
    title="Clarification of documented pressure ulcer",
    stem=f"A pressure ulcer is documented. {_JUDGEMENT} please document its stage, with its site and side.",
    neutral_title="Clarification of skin findings",
    neutral_stem=_NEUTRAL,
    options=(
        _ulcer_stage(1, "i", r"non-?blanch\w+|intact skin|skin (?:is )?intact"),
        _ulcer_stage(2, "ii", r"partial[- ]thickness|blister\w*|abrasion|shallow"),
        _ulcer_stage(3, "iii", r"full[- ]thickness|subcutaneous (?:fat|tissue)"),
        _ulcer_stage(4, "iv", r"full[- ]thickness|exposed (?:bone|muscle|tendon)|osteomyelitis"),
        _option("deep-tissue", "Pressure-induced deep tissue damage", _ULCER, r"deep tissue|purple|maroon"),
        _option(
            "unstageable", "Pressure ulcer, unstageable", _ULCER, r"unstageable|un-stageable|eschar|slough"
        ),
    ),
    contrary=(
        r"(?:venous|arterial|diabetic|neuropathic) (?:foot |leg |stasis )?ulcers?|moisture[- ]associated",
    ),
)

_MALNUTRITION_SIGN = (
    r"weight loss|lost \d+ (?:lb|lbs|pounds|kg)|bmi[^.\d\n]{0,12}1[0-8](?:\.\d+)?"
    r"|poor (?:oral )?intake|decreased (?:oral )?intake"
    r"|muscle (?:wasting|loss)|(?:subcutaneous )?fat loss|cachexia|cachectic|temporal wasting|underweight"
)
_SEVERE_SIGN = (
    r"cachexia|cachectic|temporal wasting|severe (?:muscle|fat|weight)[^.\n]{0,20}"
    r"|bmi[^.\d\n]{0,12}1[0-5](?:\.\d+)?"
)

MALNUTRITION_POSSIBLE = _of_findings(
    "malnutrition-possible",
    "nutritional findings",
    (
        _option("mild", "Mild protein-calorie malnutrition", _MALNUTRITION_SIGN),
        _option("moderate", "Moderate protein-calorie malnutrition", _MALNUTRITION_SIGN),
        _option("severe", "Severe protein-calorie malnutrition", _SEVERE_SIGN),
        _option(
            "underweight",
            "Underweight without malnutrition",
            r"bmi[^.\d\n]{0,12}1[0-8](?:\.\d+)?|underweight",
        ),
        _option(
            "weight-loss",
            "Weight loss without malnutrition",
            r"weight loss|lost \d+ (?:lb|lbs|pounds|kg)",
        ),
    ),
    (r"well[- ]nourished|normal (?:appetite|intake)|bmi[^.\d\n]{0,12}(?:19|2\d|3\d)(?:\.\d+)?",),
    condition="Malnutrition",
    subject=r"malnutrition|malnourished|undernourished",
)

_MASS_INDEX = r"bmi|body mass index"
_CALORIES = (
    r"diet\w*|exercise|calor\w+|nutrition\w*|semaglutide|weight (?:loss|reduction|management)|sedentary"
    r"|overeating"
)

OBESITY_DIAGNOSIS = _of_findings(
    "obesity-diagnosis",
    "body mass index findings",
    (
        _option("class-1", "Obesity, class 1", _lab(_MASS_INDEX, r"3[0-4]")),
        _option("class-2", "Obesity, class 2", _lab(_MASS_INDEX, r"3[5-9]")),
        _option("class-3", "Obesity, class 3", _lab(_MASS_INDEX, r"[4-7]\d")),
        _option(
            "excess-calories",
            "Obesity due to excess calories",
            _lab(_MASS_INDEX, r"3\d|[4-7]\d"),
            _CALORIES,
        ),
        _option(
            "drug-induced",
            "Drug-induced obesity",
            _lab(_MASS_INDEX, r"3\d|[4-7]\d"),
            r"(?:weight gain|gained weight)[^.\n]{0,40}(?:prednisone|steroids?|olanzapine|quetiapine|insulin)",
        ),
        _option(
            "not-obesity",
            "High body mass index without obesity",
            _lab(_MASS_INDEX, r"3\d|[4-7]\d"),
        ),
    ),
    (_lab(_MASS_INDEX, r"1\d|2\d"), r"(?:muscular|athletic) build|ascites|anasarca"),
    condition="Obesity",
    subject=r"obesity|obese",
)

_SODIUM = r"(?:serum )?sodium|na"
_LOW_SODIUM = _lab(_SODIUM, r"1[12]\d|13[0-4]")
_HIGH_SODIUM = _lab(_SODIUM, r"14[6-9]|1[5-9]\d")

SODIUM_DIAGNOSIS = _of_findings(
    "sodium-diagnosis",
    "sodium findings",
    (
        _option("hypernatremia", "Hypernatremia", _HIGH_SODIUM),
        _option("hyponatremia", "Hyponatremia", _LOW_SODIUM),
        _option(
            "inappropriate-secretion",
            "Syndrome of inappropriate antidiuretic hormone secretion",
            _LOW_SODIUM,
            r"siadh|inappropriate antidiuretic\w*|euvolemi[ac]|fluid restriction|urine (?:osmolality|sodium)",
        ),
        _option(
            "dilutional",
            "Low sodium value due to high glucose",
            _LOW_SODIUM,
            _lab(r"glucose", r"[3-9]\d\d|1\d{3}") + r"|hyperglycemi[ac]",
        ),
    ),
    (_lab(_SODIUM, r"13[5-9]|14[0-5]"),),
    condition="Hyponatremia",
    subject=r"hyponatr(?:a)?emi[ac]",
)

_STROKE = r"stroke|cva|cerebral infarction"
_STROKE_CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "embolism": r"(?<!pulmonary )embol(?:us|i|ic|ism)|cardio-?embol\w+|atrial fib(?:rillation)?|a-?fib"
        r"|(?:left atrial|left ventricular) thrombus|patent foramen ovale",
        "thrombosis": r"thrombo(?:sis|tic)|thrombus|atheroscler\w+|stenosis|plaque",
    }
)
_ARTERIES: Mapping[str, str] = MappingProxyType(
    {
        **{
            f"{side} {name} cerebral artery": rf"(?:{side}|{side[0]}) (?:{name} cerebral(?: artery)?|{short})"
            for side in ("left", "right")
            for name, short in (("anterior", "aca"), ("middle", "mca"), ("posterior", "pca"))
        },
        "basilar artery": r"basilar(?: artery)?",
    }
)

STROKE_DETAIL = Template(
    rule="stroke-detail",
    version=1,
    purpose="missing-specificity",
    subject=_STROKE,
    title="Clarification of documented stroke",
    stem=f"A stroke is documented. {_JUDGEMENT} please document its cause, the vessel and the side, if known.",
    neutral_title="Clarification of neurological findings",
    neutral_stem=_NEUTRAL,
    options=(
        *(
            _option(
                f"{cause}-{artery}".replace(" ", "-"),
                f"Cerebral infarction due to {cause} of the {artery}",
                _STROKE,
                found,
                place,
            )
            for cause, found in _STROKE_CAUSES.items()
            for artery, place in _ARTERIES.items()
        ),
        *(
            _option(
                cause,
                f"Cerebral infarction due to {cause} of a cerebral artery, not known which",
                _STROKE,
                found,
            )
            for cause, found in _STROKE_CAUSES.items()
        ),
        _option(
            "small-artery",
            "Lacunar infarction due to occlusion of a small artery",
            _STROKE,
            r"lacun(?:ar|e|es)|small[- ](?:vessel|artery)(?: disease)?",
        ),
    ),
    contrary=(r"no (?:large[- ]vessel |vessel )?(?:occlusion|stenosis|thrombus|atrial fibrillation)",),
)

_MENTAL_STATUS = (
    r"altered mental status|altered mentation|confus\w+|disorient\w+|obtunded|letharg\w+|somnolen\w+|agitat\w+"
    r"|cam[- ](?:icu )?positive|gcs\b[^.\d\n]{0,6}(?:[3-9]|1[0-4])"
)

ENCEPHALOPATHY_POSSIBLE = _of_findings(
    "encephalopathy-possible",
    "mental status findings",
    (
        _option(
            "delirium",
            "Delirium due to known physiological condition",
            _MENTAL_STATUS,
            r"cam[- ](?:icu )?positive|fluctuat\w+|inattenti\w+|hallucinat\w+|delirium|agitat\w+|sundown\w+",
        ),
        _option(
            "dementia", "Dementia without a further acute condition", _MENTAL_STATUS, r"dementia|alzheimer\w*"
        ),
        _option(
            "hepatic",
            "Hepatic encephalopathy",
            _MENTAL_STATUS,
            _lab("ammonia", r"[4-9]\d|[1-9]\d\d") + r"|cirrhosis|asterixis|lactulose|liver failure",
        ),
        _option(
            "metabolic",
            "Metabolic encephalopathy",
            _MENTAL_STATUS,
            rf"{_LOW_SODIUM}|{_HIGH_SODIUM}|hypo(?:natremia|glycemia)|hyper(?:natremia|glycemia|calcemia)"
            r"|ur(?:a)?emi[ac]|hypoxi[ac]|hypercapni[ac]|dehydrat\w+|septic|sepsis|infections?|pneumonia|uti"
            r"|acute kidney injury|" + _lab("lactate", r"[2-9]|1\d"),
        ),
        _option(
            "toxic",
            "Toxic encephalopathy",
            _MENTAL_STATUS,
            r"opioids?|oxycodone|morphine|fentanyl|benzodiazepines?|lorazepam|sedat\w+|overdose|intoxicat\w+"
            r"|alcohol|medication effect|polypharmacy",
        ),
    ),
    (
        r"alert and oriented(?: x ?[34])?|(?:at|near) (?:his|her|their|the|cognitive )?\s?baseline"
        r"|baseline mental status",
    ),
    condition="Encephalopathy",
    subject=r"encephalopathy",
)

TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {
        template.rule: template
        for template in (
            HEART_FAILURE_TYPE,
            HEART_FAILURE_POSSIBLE,
            PNEUMONIA_ORGANISM,
            RESPIRATORY_FAILURE_TYPE,
            RESPIRATORY_FAILURE_POSSIBLE,
            SEPSIS_POSSIBLE,
            KIDNEY_DISEASE_STAGE,
            ATRIAL_FIBRILLATION_TYPE,
            ANEMIA_TYPE,
            BLOOD_LOSS_ANEMIA_POSSIBLE,
            PRESSURE_ULCER_STAGE,
            MALNUTRITION_POSSIBLE,
            OBESITY_DIAGNOSIS,
            SODIUM_DIAGNOSIS,
            STROKE_DETAIL,
            ENCEPHALOPATHY_POSSIBLE,
            FRACTURE_LATERALITY,
            SIDE_MISSING,
        )
    }
)
