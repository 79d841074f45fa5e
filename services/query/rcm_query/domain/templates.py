"""Question templates by documentation gap: neutral wording, options only where the record supports them.

Each template has two wordings: one for a condition that the record names, one that names nothing. Composition
takes the second unless the first is true, so that no title or stem introduces a diagnosis.
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
        _organism(
            "viral", "a virus", r"influenza|rsv|sars-cov-2|covid(?:-19)?|viral pcr positive|parainfluenza"
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

_MALNUTRITION_SIGN = (
    r"weight loss|lost \d+ (?:lb|lbs|pounds|kg)|bmi[^.\d\n]{0,12}1[0-8](?:\.\d+)?"
    r"|poor (?:oral )?intake|decreased (?:oral )?intake"
    r"|muscle (?:wasting|loss)|(?:subcutaneous )?fat loss|cachexia|cachectic|temporal wasting|underweight"
)
_SEVERE_SIGN = (
    r"cachexia|cachectic|temporal wasting|severe (?:muscle|fat|weight)[^.\n]{0,20}"
    r"|bmi[^.\d\n]{0,12}1[0-5](?:\.\d+)?"
)

MALNUTRITION_SEVERITY = Template(
    rule="malnutrition-severity",
    version=1,
    purpose="missing-specificity",
    subject=r"malnutrition|malnourished|undernourished",
    title="Clarification of documented malnutrition",
    stem=f"Malnutrition is documented. {_JUDGEMENT} please document its severity.",
    neutral_title="Clarification of nutritional findings",
    neutral_stem=_NEUTRAL,
    options=(
        OptionTemplate(
            "mild", "Mild malnutrition", "Mild protein-calorie malnutrition.", (_MALNUTRITION_SIGN,)
        ),
        OptionTemplate(
            "moderate",
            "Moderate malnutrition",
            "Moderate protein-calorie malnutrition.",
            (_MALNUTRITION_SIGN,),
        ),
        OptionTemplate(
            "severe", "Severe malnutrition", "Severe protein-calorie malnutrition.", (_SEVERE_SIGN,)
        ),
    ),
    absent=OptionTemplate(
        "not-present", "Malnutrition is not present", "Malnutrition is not present.", (), OptionKind.DISAGREE
    ),
    contrary=(r"well[- ]nourished|normal (?:appetite|intake)|bmi[^.\d\n]{0,12}(?:19|2\d|3\d)(?:\.\d+)?",),
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

SEPSIS_CRITERIA = Template(
    rule="sepsis-criteria",
    version=1,
    purpose="clinical-validation",
    subject=r"sepsis|septic",
    title="Clinical clarification of documented sepsis",
    stem=f"Sepsis is documented. {_JUDGEMENT} please clarify the condition that was present.",
    neutral_title="Clarification of clinical findings",
    neutral_stem=_NEUTRAL,
    options=(
        OptionTemplate(
            "infection-without-sepsis",
            "Localized infection without sepsis",
            "Localized infection without sepsis.",
            (_INFECTION,),
        ),
        OptionTemplate(
            "sepsis", "Sepsis due to infection", "Sepsis due to infection.", (_INFECTION, _SYSTEMIC)
        ),
        OptionTemplate(
            "sepsis-organ-dysfunction",
            "Sepsis due to infection, with acute organ dysfunction",
            "Sepsis due to infection, with acute organ dysfunction.",
            (_INFECTION, _SYSTEMIC, _ORGAN),
        ),
    ),
    absent=OptionTemplate(
        "ruled-out", "Sepsis was ruled out", "Sepsis was ruled out.", (), OptionKind.DISAGREE
    ),
    contrary=(
        r"lactate[^.\n]{0,15}(?:normal|[01]\.\d)|normal lactate",
        r"(?:blood )?cultures?[^.\n]{0,40}(?:no growth|negative)",
        r"afebrile|h(?:a)?emodynamically stable",
    ),
    may_be_insignificant=True,
)

TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {
        template.rule: template
        for template in (
            HEART_FAILURE_TYPE,
            PNEUMONIA_ORGANISM,
            ANEMIA_TYPE,
            MALNUTRITION_SEVERITY,
            FRACTURE_LATERALITY,
            SEPSIS_CRITERIA,
        )
    }
)
