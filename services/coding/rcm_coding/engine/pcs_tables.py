"""Inpatient operations as rules over the axes of ICD-10-PCS: what is done, to what, how and with which device.

A template holds the fixed characters of a table row and letters in braces for axes that the record must state:
A approach, S side, D device, Q qualifier, P body part. An axis without a default stays open when nothing states it.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """How the record states one character. `name` is what a question about it asks for."""

    name: str
    values: tuple[tuple[re.Pattern[str], str], ...]
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of operation. `label` is our own short text."""

    rule: str
    label: str
    action: re.Pattern[str]
    template: str
    axes: dict[str, Axis]
    unless: re.Pattern[str] | None = None


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_OPEN = r"\b(?:open|laparotomy|celiotomy|thoracotomy|sternotomy|midline incision|converted to (?:an )?open)\b"
_SCOPE = r"\b(?:laparoscop\w+|robot\w*|thoracoscop\w+|vats|arthroscop\w+|trocars?|pneumoperitoneum)\b"
_SKIN = r"\bpercutaneous\w*|\bneedle\b|\bcatheter over|\bseldinger"
_NATURAL = r"\b(?:endoscop\w+|colonoscop\w+|egd|bronchoscop\w+|cystoscop\w+|transurethral|transoral)\b"
_CONVERTED = r"\bconver(?:ted|sion) to (?:an )?open"


def _axis(name: str, *values: tuple[str, str], default: str | None = None) -> Axis:
    return Axis(name, tuple((_re(pattern), character) for pattern, character in values), default)


def _approach(allowed: str, default: str | None = None) -> Axis:
    words = [
        (_CONVERTED, "0"),
        (_SCOPE, "4"),
        (_OPEN, "0"),
        (_SKIN, "3"),
        (r"\bvaginal\w*", "7"),
        (_NATURAL, "8"),
    ]
    return _axis(
        "approach",
        *((pattern, character) for pattern, character in words if character in allowed),
        default=default,
    )


def _side(right: str, left: str, both: str = "") -> Axis:
    values = [(r"\bbilateral\w*|\bboth\b", both)] if both else []
    return _axis("side", *values, (r"\bright\b|\brt\b", right), (r"\bleft\b|\blt\b", left))


_CEMENT = _axis(
    "fixation",
    (r"\b(?:uncemented|cementless|non-?cemented|press[- ]fit)\b", "A"),
    (r"\bcement(?:ed)?\b", "9"),
    default="Z",
)
_FIXATION = _axis(
    "device",
    (r"\b(?:intramedullary|im) (?:nail|rod)|\bnail(?:ing|ed)?\b|\bgamma nail|\bcephalomedullary", "6"),
    (r"\bplate\w*|\bscrews?\b|\bpins?\b|\bk-?wires?|\binternal fixation|\borif\b", "4"),
    default=None,
)
_DEBRIDED = _axis(
    "depth", (r"\bmuscle\b", "K"), (r"\bsubcutaneous|\bfascia\b", "J"), (r"\bskin\b|\bdermis\b", "H")
)
_LEVEL = _axis("level", (r"\b(?:high|proximal)\b", "1"), (r"\bmid\w*\b", "2"), (r"\b(?:low|distal)\b", "3"))
_COLON_PART = _axis(
    "site",
    (r"\bcec(?:um|al)\b", "H"),
    (r"\b(?:ascending colon|hepatic flexure)", "K"),
    (r"\b(?:transverse colon|splenic flexure)", "L"),
    (r"\bdescending colon", "M"),
    (r"\bsigmoid", "N"),
    (r"\brect(?:um|al)\b", "P"),
)
_UPPER_PART = _axis(
    "site",
    (r"\bduoden\w+", "9"),
    (r"\bantr(?:um|al)\b|\bpylor\w+", "7"),
    (r"\b(?:stomach|gastric|fundus|gastritis)\b", "6"),
    (r"\besophag\w+", "5"),
)
_LOBE = _axis(
    "lobe",
    (r"\bright upper lob|\brul\b", "C"),
    (r"\bright middle lob|\brml\b", "D"),
    (r"\bright lower lob|\brll\b", "F"),
    (r"\bleft upper lob|\blul\b", "G"),
    (r"\bleft lower lob|\blll\b", "J"),
)
_TIP = _axis("tip", (r"\b(?:superior vena cava|svc|cavo-?atrial)\b", "V"), (r"\bright atri(?:um|al)\b", "6"))
_ROUTE = _axis("route", (r"\bcentral (?:line|venous)|\bpicc\b", "4"), default="3")
_STENTS = _axis(
    "device",
    (r"\b(?:drug[- ]eluting|des\b|xience|synergy|resolute|promus)", "4"),
    (r"\b(?:bare[- ]metal|bms\b|stents?)\b", "D"),
    default="Z",
)
_MESH = r"\bmesh\b"
_DONE = r"(?:was |were )?(?:performed|placed|inserted|done|completed|carried out|obtained)"


def _op(rule: str, label: str, action: str, template: str, unless: str = "", **axes: Axis) -> Operation:
    return Operation(f"pcs:{rule}", label, _re(action), template, axes, _re(unless) if unless else None)


OPERATIONS: tuple[Operation, ...] = (
    _op("gallbladder", "Gallbladder out", r"\bcholecystectomy\b", "0FT4{A}ZZ", A=_approach("04")),
    _op("appendix", "Appendix out", r"\bappendectomy\b", "0DTJ{A}ZZ", A=_approach("04")),
    _op("right-colon", "Right colon out", r"\bright (?:hemi)?colectomy\b", "0DTF{A}ZZ", A=_approach("04")),
    _op("left-colon", "Left colon out", r"\bleft (?:hemi)?colectomy\b", "0DTG{A}ZZ", A=_approach("04")),
    _op(
        "sigmoid",
        "Sigmoid colon out",
        r"\bsigmoid(?:ectomy| colectomy| resection)\b",
        "0DTN{A}ZZ",
        A=_approach("04"),
    ),
    _op("spleen", "Spleen out", r"\bsplenectomy\b", "07TP{A}ZZ", A=_approach("04")),
    _op(
        "kidney",
        "Kidney out",
        r"\b(?:radical |total )?nephrectomy\b",
        "0TT{S}{A}ZZ",
        r"partial nephrectomy",
        S=_side("0", "1", "2"),
        A=_approach("04"),
    ),
    _op(
        "uterus",
        "Uterus out",
        r"\bhysterectomy\b",
        "0UT9{A}Z{Q}",
        A=_approach("047"),
        Q=_axis("cervix", (r"\bsupracervical|\bsubtotal", "L"), default="Z"),
    ),
    _op(
        "prostate",
        "Prostate out",
        r"\b(?:radical |total )?prostatectomy\b",
        "0VT0{A}ZZ",
        r"turp|transurethral",
        A=_approach("04"),
    ),
    _op(
        "prostate-scope",
        "Part of prostate out through the urethra",
        r"\bturp\b|transurethral resection of (?:the )?prostate",
        "0VB08ZZ",
    ),
    _op("thyroid", "Thyroid out", r"\btotal thyroidectomy\b", "0GTK{A}ZZ", A=_approach("04", default="0")),
    _op(
        "breast",
        "Breast out",
        r"\bmastectomy\b",
        "0HT{S}0ZZ",
        r"partial mastectomy|lumpectomy",
        S=_side("T", "U", "V"),
    ),
    _op(
        "lung-lobe",
        "Lobe of lung out",
        r"\blobectomy\b",
        "0BT{P}{A}ZZ",
        r"thyroid",
        P=_LOBE,
        A=_approach("04"),
    ),
    _op(
        "hip",
        "Hip joint replaced",
        r"\btotal hip (?:arthroplasty|replacement)|\btha\b",
        "0SR{S}0J{Q}",
        S=_side("9", "B"),
        Q=_CEMENT,
    ),
    _op(
        "hip-half",
        "Femoral side of hip replaced",
        r"\bhemiarthroplasty\b",
        "0SR{S}0J{Q}",
        r"shoulder",
        S=_side("R", "S"),
        Q=_CEMENT,
    ),
    _op(
        "knee",
        "Knee joint replaced",
        r"\btotal knee (?:arthroplasty|replacement)|\btka\b",
        "0SR{S}0J{Q}",
        S=_side("C", "D"),
        Q=_CEMENT,
    ),
    _op(
        "femur-upper",
        "Upper femur set",
        r"\b(?:orif|open reduction|cephalomedullary nail\w*|intramedullary nail\w*"
        r"|closed reduction and percutaneous pinning)\b"
        r"[^.\n]{0,60}?\b(?:hip|femoral neck|intertrochanteric|subtrochanteric|proximal femur)|\b(?:hip|femoral neck"
        r"|intertrochanteric)[^.\n]{0,40}?\b(?:orif|open reduction|nailing|pinning)\b",
        "0QS{S}{A}{D}Z",
        S=_side("6", "7"),
        A=_axis(
            "approach",
            (r"\bopen reduction|\borif\b", "0"),
            (r"\bpercutaneous|\bclosed reduction|\bnail", "3"),
        ),
        D=_FIXATION,
    ),
    _op(
        "ankle-tibia",
        "Tibia set",
        r"\b(?:orif|open reduction)\b[^.\n]{0,60}?\b(?:tibia\w*|pilon|medial malleol\w+)",
        "0QS{S}0{D}Z",
        S=_side("G", "H"),
        D=_FIXATION,
    ),
    _op(
        "fibula",
        "Fibula set",
        r"\b(?:orif|open reduction)\b[^.\n]{0,60}?\b(?:fibula\w*|lateral malleol\w+)",
        "0QS{S}0{D}Z",
        S=_side("J", "K"),
        D=_FIXATION,
    ),
    _op(
        "radius",
        "Radius set",
        r"\b(?:orif|open reduction)\b[^.\n]{0,60}?\b(?:distal radius|radial|radius)",
        "0PS{S}0{D}Z",
        S=_side("H", "J"),
        D=_FIXATION,
    ),
    _op(
        "groin-hernia",
        "Groin hernia repaired",
        r"\binguinal hernia (?:repair|was repaired)|\binguinal herniorr?haphy"
        r"|repair of (?:the )?(?:\w+ )?inguinal hernia",
        "0YQ{S}{A}ZZ",
        _MESH,
        S=_side("5", "6", "A"),
        A=_approach("04"),
    ),
    _op(
        "groin-hernia-mesh",
        "Groin hernia repaired with mesh",
        r"\binguinal hernia (?:repair|was repaired)[^\n]{0,60}?\bmesh|\bmesh\b[^\n]{0,60}?inguinal hernia",
        "0YU{S}{A}JZ",
        S=_side("5", "6", "A"),
        A=_approach("04"),
    ),
    _op(
        "wall-hernia",
        "Front-wall hernia repaired",
        r"\b(?:ventral|umbilical|incisional) hernia (?:repair|was repaired)",
        "0WQF{A}ZZ",
        _MESH,
        A=_approach("04"),
    ),
    _op(
        "coronary-stent",
        "Coronary artery widened",
        r"\b(?:pci|percutaneous coronary intervention|ptca|(?:coronary )?angioplasty"
        r"|(?:drug[- ]eluting |coronary |bare[- ]metal )stents? (?:was |were )?(?:placed|deployed|placement))\b",
        "027{P}3{D}Z",
        r"\bcarotid|\bfemoral artery angioplasty|\bballoon pump",
        P=_axis(
            "vessels",
            (r"\b(?:two|2)[- ]vessel|\band (?:rca|circumflex|lcx|om\d?|diagonal)\b", "1"),
            (r"\b(?:three|3)[- ]vessel", "2"),
            default="0",
        ),
        D=_STENTS,
    ),
    _op(
        "left-heart",
        "Left heart pressures measured",
        r"\bleft heart cath\w*|\blhc\b",
        "4A023N7",
        r"right and left heart|left and right heart",
    ),
    _op(
        "both-hearts",
        "Both hearts' pressures measured",
        r"\b(?:right and left|left and right) heart cath\w*",
        "4A023N8",
    ),
    _op(
        "right-heart",
        "Right heart pressures measured",
        r"\bright heart cath\w*|\brhc\b",
        "4A023N6",
        r"right and left heart|left and right heart",
    ),
    _op(
        "cardioversion",
        "Heart rhythm restored by shock",
        r"\b(?:dc|electrical|direct[- ]current) cardioversion\b",
        "5A2204Z",
    ),
    _op("balloon-pump", "Balloon pump", r"\bintra-?aortic balloon pump\b|\biabp\b", "5A02210"),
    _op(
        "chest-tube",
        "Pleural space drained by tube",
        rf"\bchest tube {_DONE}|\b(?:tube )?thoracostomy\b|\bplacement of (?:a )?(?:\w+ )?(?:chest tube|pigtail)",
        "0W9{S}30Z",
        S=_side("9", "B"),
    ),
    _op(
        "thoracentesis",
        "Pleural fluid drawn off",
        r"\bthoracentesis\b",
        "0W9{S}3Z{Q}",
        S=_side("9", "B"),
        Q=_axis("purpose", (r"\bdiagnostic\b", "X"), default="Z"),
    ),
    _op(
        "paracentesis",
        "Belly fluid drawn off",
        r"\bparacentesis\b",
        "0W9G3Z{Q}",
        Q=_axis("purpose", (r"\bdiagnostic\b(?! and therapeutic)", "X"), default="Z"),
    ),
    _op("spinal-tap", "Spinal fluid drawn off", r"\blumbar puncture\b|\bspinal tap\b", "009U3ZX"),
    _op(
        "central-line",
        "Central line",
        rf"\b(?:central (?:venous )?(?:line|catheter)|picc(?: line)?|triple[- ]lumen(?: catheter)?|tlc|cvc) {_DONE}"
        r"|\bplacement of (?:a |an )?(?:\w+ ){0,3}(?:central (?:venous )?(?:line|catheter)|picc)",
        "02H{P}33Z",
        P=_TIP,
    ),
    _op(
        "intubation",
        "Breathing tube into trachea",
        r"\b(?:endotracheal(?:ly)? intubat\w+|was intubated|intubated (?:on|in|for|and|emergently"
        r"|at)\b|orotracheal intubation|required intubation)\b",
        "0BH17EZ",
    ),
    _op(
        "tracheostomy",
        "Opening into trachea",
        r"\btracheostomy (?:was )?(?:performed|placed|done)|\bunderwent tracheostomy",
        "0B11{A}F4",
        A=_axis("approach", (r"\bpercutaneous", "3"), (r"\bopen\b|\bsurgical\b", "0")),
    ),
    _op(
        "feeding-tube",
        "Feeding tube into stomach through the wall",
        rf"\bpeg(?: tube)? {_DONE}|percutaneous endoscopic gastrostomy",
        "0DH63UZ",
    ),
    _op(
        "red-cells",
        "Red cells given",
        r"\b(?:transfus\w+ (?:of |with )?(?:\w+ ){0,4}(?:units? (?:of )?)?"
        r"(?:prbcs?|packed red|red (?:blood )?cells?|blood)"
        r"|received (?:\w+ )?units? of (?:prbcs?|packed red|blood))",
        "302{R}3N1",
        R=_ROUTE,
    ),
    _op(
        "platelets",
        "Platelets given",
        r"\btransfus\w+ (?:\w+ ){0,5}platelets\b|\bplatelets? (?:were )?transfus\w+",
        "302{R}3R1",
        R=_ROUTE,
    ),
    _op(
        "plasma",
        "Frozen plasma given",
        r"\b(?:transfus\w+|received) (?:\w+ ){0,5}(?:ffp|fresh frozen plasma)",
        "302{R}3K1",
        R=_ROUTE,
    ),
    _op(
        "clot-lysis",
        "Clot-dissolving drug given",
        r"\b(?:iv |intravenous )?(?:tpa|alteplase|tenecteplase|thrombolysis)\b",
        "3E03317",
        r"\bnot (?:a )?candidate",
    ),
    _op(
        "dialysis",
        "Dialysis, intermittent",
        r"\bhemodialysis (?:was )?(?:performed|initiated|done|session)|\bunderwent (?:\w+ )?hemodialysis"
        r"|\bintermittent hemodialysis|\bwas dialyzed|\breceived (?:\w+ )?(?:hemo)?dialysis",
        "5A1D70Z",
    ),
    _op(
        "dialysis-continuous",
        "Dialysis, continuous",
        r"\bcrrt\b|\bcvvhd?f?\b|continuous renal replacement",
        "5A1D90Z",
    ),
    _op(
        "stomach-look",
        "Upper gut looked at",
        r"\b(?:egd|esophagogastroduodenoscopy|upper endoscopy)\b",
        "0DJ08ZZ",
        r"\bbiops",
    ),
    _op(
        "stomach-biopsy",
        "Piece of upper gut taken",
        r"\b(?:egd|esophagogastroduodenoscopy|upper endoscopy)\b[^\n]{0,200}?\bbiops\w+",
        "0DB{P}8ZX",
        P=_UPPER_PART,
    ),
    _op(
        "colon-look",
        "Colon looked at",
        r"\bcolonoscopy (?:was )?(?:performed|done|showed|revealed)|\bunderwent (?:\w+ )?colonoscopy",
        "0DJD8ZZ",
        r"\bbiops|\bpolypectomy|\bsnare",
    ),
    _op(
        "colon-polyp",
        "Polyp of colon out",
        r"\bcolonoscop\w+[^\n]{0,250}?\b(?:polypectomy|snare\w*)",
        "0DB{P}8ZZ",
        P=_COLON_PART,
    ),
    _op(
        "caesarean",
        "Child delivered by cut",
        r"\b(?:c-?section|ces?arean (?:section|delivery)|caesarean (?:section|delivery))\b",
        "10D00Z{Q}",
        r"\b(?:prior|previous|history of|repeat (?:was )?declin)\b",
        Q=_axis(
            "incision",
            (r"\bclassical\b|\bvertical uterine", "0"),
            (r"\blow\b|\btransverse|\bpfannenstiel", "1"),
            default="1",
        ),
    ),
    _op("vacuum", "Child delivered with vacuum", r"\bvacuum[- ](?:assisted|extraction)", "10D07Z6"),
    _op(
        "birth",
        "Birth assisted by hand",
        r"\b(?:spontaneous|normal) vaginal delivery|\bsvd\b|\bnsvd\b"
        r"|\bdelivered (?:vaginally|a (?:viable|live|healthy))",
        "10E0XZZ",
        r"\bvacuum|\bforceps|\bces?arean|\bc-?section",
    ),
    _op(
        "toe-off",
        "Toe taken off",
        r"\b(?:amputation of (?:the )?(?:right |left )?(?:great|first|1st|big) toe"
        r"|(?:great|first|1st|big) toe amputation)",
        "0Y6{S}0Z{Q}",
        S=_side("P", "Q"),
        Q=_axis(
            "level",
            (r"\bcomplete|\bmetatarsophalangeal|\bmtp\b", "0"),
            (r"\bhigh|\bproximal", "1"),
            (r"\blow|\bdistal", "3"),
        ),
    ),
    _op(
        "leg-off",
        "Leg taken off below the knee",
        r"\bbelow[- ](?:the[- ])?knee amputation|\bbka\b|\btranstibial amputation",
        "0Y6{S}0Z{Q}",
        r"\bstump|\bprior|\bhistory of|\bs/p",
        S=_side("H", "J"),
        Q=_LEVEL,
    ),
    _op(
        "thigh-off",
        "Leg taken off above the knee",
        r"\babove[- ](?:the[- ])?knee amputation|\baka\b|\btransfemoral amputation",
        "0Y6{S}0Z{Q}",
        r"\bstump|\bprior|\bhistory of|\bs/p|a\.k\.a",
        S=_side("C", "D"),
        Q=_LEVEL,
    ),
)
#: breathing support: (rule, label, action, codes under 24, to 96 and over 96 hours)
BREATHING: tuple[tuple[str, str, re.Pattern[str], tuple[str, str, str]], ...] = (
    (
        "pcs:positive-airway-pressure",
        "Breathing support, CPAP or BiPAP",
        _re(r"\b(?:bi-?pap|bi-?level|cpap|non-?invasive (?:positive pressure )?ventilation|nippv|niv)\b"),
        ("5A09357", "5A09457", "5A09557"),
    ),
    (
        "pcs:high-flow",
        "Breathing support, high-flow nasal",
        _re(r"\b(?:high[- ]flow nasal (?:cannula|oxygen)|hfnc|hhfnc)\b"),
        ("5A0935A", "5A0945A", "5A0955A"),
    ),
    (
        "pcs:mechanical-ventilation",
        "Mechanical ventilation",
        _re(
            r"\b(?:mechanical(?:ly)? ventilat\w+|intubated and ventilated|(?:on|remained on|off) (?:the )?ventilator"
            r"|ventilator support)\b"
        ),
        ("5A1935Z", "5A1945Z", "5A1955Z"),
    ),
)
