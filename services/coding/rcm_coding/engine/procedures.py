"""Procedures by our own predicates: action, target, approach, count, size and side, over a demonstration
pack.

The pack holds code numbers with our own short labels; descriptors of licensed code sets come only from the
operator's file. Only what the record says was done counts: plans, histories and refusals do not.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rcm_coding.engine.evidence import Evidence
from rcm_coding.engine.reading import Record, Statement

#: number -> our own short label. At most 80 numbers (a demonstration, not a code set).
DEMO_PACK: dict[str, str] = {
    "10060": "Drain one skin abscess",
    "11042": "Clean a wound to the layer under the skin, to 20 sq cm",
    "11102": "Skin biopsy, tangential, first",
    "11104": "Skin biopsy, punch, first",
    "11200": "Remove skin tags, up to 15",
    "12001": "Simple wound repair, trunk or limbs, to 2.5 cm",
    "12002": "Simple wound repair, trunk or limbs, 2.6 to 7.5 cm",
    "12011": "Simple wound repair, face, to 2.5 cm",
    "12013": "Simple wound repair, face, 2.6 to 5 cm",
    "17000": "Destroy first premalignant skin lesion",
    "17003": "Destroy premalignant skin lesion, 2nd to 14th, each",
    "17004": "Destroy 15 or more premalignant skin lesions",
    "17110": "Destroy up to 14 benign skin lesions",
    "17111": "Destroy 15 or more benign skin lesions",
    "20600": "Inject or drain small joint",
    "20605": "Inject or drain medium joint",
    "20610": "Inject or drain large joint",
    "20611": "Inject or drain large joint with ultrasound",
    "23500": "Treat collarbone fracture, no reduction",
    "25600": "Treat distal radius fracture, no reduction",
    "25605": "Treat distal radius fracture, closed reduction",
    "25606": "Pin distal radius fracture through the skin",
    "25607": "Fix distal radius fracture, open",
    "27130": "Replace hip joint",
    "27447": "Replace knee joint",
    "36415": "Draw venous blood",
    "43239": "Upper endoscopy with biopsy",
    "44970": "Remove appendix, laparoscopic",
    "45378": "Colonoscopy",
    "45380": "Colonoscopy with biopsy",
    "45385": "Colonoscopy with snare removal",
    "47562": "Remove gallbladder, laparoscopic",
    "47563": "Remove gallbladder, laparoscopic, with duct imaging",
    "47600": "Remove gallbladder, open",
    "49505": "Repair first groin hernia, open",
    "49591": "Repair first front-wall hernia under 3 cm, reducible",
    "49592": "Repair first front-wall hernia under 3 cm, trapped",
    "49593": "Repair first front-wall hernia 3 to 10 cm, reducible",
    "49594": "Repair first front-wall hernia 3 to 10 cm, trapped",
    "49595": "Repair first front-wall hernia over 10 cm, reducible",
    "49596": "Repair first front-wall hernia over 10 cm, trapped",
    "49613": "Repair returned front-wall hernia under 3 cm, reducible",
    "49614": "Repair returned front-wall hernia under 3 cm, trapped",
    "49650": "Repair groin hernia, laparoscopic",
    "69210": "Remove impacted ear wax",
    "70450": "CT head, no contrast",
    "71045": "Chest film, 1 view",
    "71046": "Chest film, 2 views",
    "71250": "CT chest, no contrast",
    "71260": "CT chest with contrast",
    "71270": "CT chest, without then with contrast",
    "73110": "Wrist film, 3 views",
    "73562": "Knee film, 3 views",
    "74176": "CT abdomen and pelvis, no contrast",
    "74177": "CT abdomen and pelvis with contrast",
    "93000": "Electrocardiogram with reading",
}


#: Of the pack: procedures whose price covers 90 days of follow-up (the decision for them is modifier 57).
NINETY_DAYS = frozenset(
    [
        "23500",
        "25600",
        "25605",
        "25606",
        "25607",
        "27130",
        "27447",
        "44970",
        "47562",
        "47563",
        "47600",
        "49505",
        "49650",
    ]
)


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure that the record says was done.
    `treats` are category prefixes of diagnoses that it treats.
    """

    code: str
    score: float
    evidence: tuple[Evidence, ...]
    modifiers: tuple[str, ...] = ()
    units: int = 1
    treats: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    separate_visit: bool = True  # False: diagnostic, no modifier 25 and no treated problem


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


#: Sections that report what was done. A plan reports it too, when it speaks in the past ("was injected").
_DONE_SECTIONS = frozenset(
    {"procedure", "findings", "hospital-course", "hpi", "body", "assessment", "diagnosis", "exam"}
)
_FUTURE = _re(
    r"\b(?:will|plan(?:s|ned)? (?:to|for)|scheduled? for|to be|recommend(?:s|ed)?"
    r"|consider|discuss(?:ed)?|offered|refer(?:red)? for|would|declin(?:es|ed)|may need"
    r"|if)\b"
)
_PAST_HISTORY = _re(
    r"\b(?:years? ago|months? ago|in (?:19|20)\d\d|previous(?:ly)?|prior|status post|s/p|history of)\b"
)
_NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
}
_NUMBER = r"(\d{1,3}|" + "|".join(_NUMBER_WORDS) + r")"

_FREEZE = _re(
    r"liquid nitrogen|cryo\w*|electrodes+ic\w*|electrosurg\w*|curett\w*"
    r"|laser (?:destruction|ablation|vapori\w+)"
    r"|(?:destroyed|destruction of|ablated|ablation of|froze|frozen)"
)
_BENIGN = _re(
    r"\b(?:moles?|nev(?:us|i)|warts?|verruca\w*|molluscum\w*|seborr?heic keratos[ei]s"
    r"|benign (?:skin )?lesions?|milia|lesions?)\b"
)
_PREMALIGNANT = _re(r"\bactinic keratos[ei]s|\baks?\b|\bpremalignant lesions?")
_SKIN_TAG = _re(r"\bskin tags?\b|\bacrochord\w+")
_LESION_COUNT = _re(
    rf"\b{_NUMBER}\s+(?:\w+\s+){{0,3}}(?:lesions?|warts?|moles?|nevi|keratos[ei]s"
    rf"|verruca\w*|tags?|aks?)\b|\b(?:lesions?|warts?|keratos[ei]s)\s*(?:x"
    rf"|×)\s*(\d{{1,3}})\b"
)

_INJECT = _re(r"\b(?:inject(?:ed|ion|ions)?|arthrocentesis|aspirat(?:ed|ion)|cortisone shot)\b")
_JOINT_CUE = _re(
    r"\b(?:joint|intra-?articular|triamcinolone|kenalog|depo-?medrol|methylprednisolone"
    r"|betamethasone|cortico?steroid|cortisone|steroid|hyaluron\w+|arthrocentesis)\b"
)
_LARGE_JOINT = _re(r"\b(?:knees?|shoulders?|hips?|subacromial|glenohumeral)\b")
_MEDIUM_JOINT = _re(r"\b(?:wrists?|elbows?|ankles?|acromioclavicular|temporomandibular|olecranon)\b")
_SMALL_JOINT = _re(r"\b(?:fingers?|toes?|thumbs?|metacarpophalangeal|interphalangeal|mcp|pip|cmc)\b")
_ULTRASOUND = _re(r"\bultrasound[- ]guid\w+|under ultrasound|sonograph\w+ guid\w+")

_RADIUS = _re(
    r"\bcolles\w*|distal (?:right |left )?radi(?:us|al)|(?:lower|distal) end of (?:the )?(?:\w+ )?radius"
    r"|\bwrist fracture|fracture of the (?:\w+ )?wrist"
)
_CLAVICLE = _re(r"\bclavic\w+ fracture|fracture of (?:the )?(?:\w+ )*clavicle|collarbone fracture")
_REDUCED = _re(
    r"\b(?:closed reduction|manipulat\w+|reduced|reduction (?:was|performed|under)"
    r"|traction and manipulation|hematoma block (?:and|with) reduction)\b"
)
_IMMOBILISED = _re(r"\b(?:splint(?:ed)?|cast(?:ed)?|immobili[sz]\w+|sling|sugar-?tong)\b")
_PINNED = _re(r"\b(?:percutaneous (?:pin\w*|fixation)|k-?wires?|kirschner)\b")
_ORIF = _re(r"\b(?:orif|open reduction|volar (?:locking )?plate|plate and screws?)\b")

_GALLBLADDER = _re(
    r"\bcholecystectomy\b|gallbladder was (?:removed|dissected|placed|taken|excised|retrieved)"
)
_LAPAROSCOPIC = _re(r"\blaparoscop\w+|\btrocars?\b|pneumoperitoneum")
_CHOLANGIOGRAM = _re(r"\bcholangiogra\w+")
_FRONT_HERNIA = _re(
    r"\b(?:umbilical|ventral|epigastric|incisional|supraumbilical|paraumbilical"
    r"|spigelian) (?:\w+ ){0,2}(?:hernia|defect)\w*"
)
_GROIN_HERNIA = _re(r"\binguinal (?:\w+ ){0,2}hernia\w*")
_HERNIA_REPAIR = _re(
    r"\bhernia (?:was |defect was |sac was )?(?:then )?(?:repair\w*|reduced and|closed"
    r"|excised)|herniorr?haphy|hernioplasty|repair(?:ed)? of (?:the "
    r"|an? )?(?:\w+[ -]){0,4}(?:hernia|defect)"
    r"|(?:defect|fascia\w*(?: defect)?) (?:was |were )?(?:then )?(?:closed|repaired"
    r"|approximated)|repair(?:ed|ing)? (?:the )?(?:\w+ ){0,3}(?:hernia|defect)"
)
_TRAPPED = _re(r"\b(?:incarcerat\w+|strangulat\w+|irreducible|non-?reducible)\b")
_RECURRENT = _re(r"\brecurrent\b")
_SIZE_CM = _re(r"(\d+(?:\.\d+)?)\s*(?:x\s*(\d+(?:\.\d+)?)\s*)?(?:-\s*)?(cm|centimet\w+|mm|millimet\w+)\b")
_APPENDIX = _re(r"\bappendectomy\b")

_CT = _re(r"\b(?:ct|cat|computed tomograph\w+|computed tomographic)\b")
_CONTRAST_WITH = _re(
    r"\b(?:with|following|after|administration of)\s+(?:\w+\s+){0,6}?(?:contrast"
    r"|omnipaque|isovue|iohexol|iopamidol)|\b(?:iv|intravenous"
    r"|iodinated) contrast(?: material)?(?: (?:was|administered))|contrast-?enhanced"
    r"|\b\d+ ?ml (?:of )?(?:omnipaque|isovue|iohexol|iopamidol)"
)
_CONTRAST_WITHOUT = _re(
    r"\bwithout (?:\w+ ){0,3}contrast|\bnon-?contrast|\bunenhanced|no (?:iv |intravenous )?contrast"
)
_CHEST = _re(r"\b(?:chest|thorax|thoracic)\b")
_HEAD = _re(r"\b(?:head|brain)\b")
_ABDOMEN_PELVIS = _re(r"\babdomen (?:and|&) pelvis\b|\babdomen/pelvis\b")
_FILM = _re(r"\b(?:x-?rays?|radiographs?|films?|plain film)\b")
_VIEWS = _re(rf"\b{_NUMBER}[- ]views?\b|\b(pa and lateral)\b|\b(?:single|one|portable)[- ](?:view|ap)\b")
_WRIST = _re(r"\bwrist\b")
_KNEE = _re(r"\bknee\b")

_LACERATION = _re(r"\blaceration\b")
_SUTURED = _re(r"\b(?:sutur(?:ed|es|e)|stapl(?:ed|es)|dermabond|simple repair|closed with|repaired with)\b")
_FACE = _re(r"\b(?:face|facial|forehead|cheek|chin|nose|lip|ear|eyelid|eyebrow)\b")
_ABSCESS = _re(r"\b(?:incision and drainage|i\s?&\s?d|incised and drained)\b")
_PUNCH = _re(r"\bpunch biopsy\b")
_SHAVE = _re(r"\b(?:shave|tangential) biopsy\b")
_EAR_WAX = _re(r"\bimpacted cerumen|cerumen impaction|cerumen was removed")
_ECG = _re(
    r"\b(?:ekg|ecg|electrocardiogram)\b (?:was |today )?(?:performed|obtained|done|shows?"
    r"|showed|reveals?)|\b12-lead (?:ekg|ecg)\b"
)
_COLONOSCOPY = _re(r"\bcolonoscop\w+")
_SCOPE_PASSED = _re(
    r"\b(?:advanced to the cecum|cecum was reached|scope was (?:advanced|inserted|passed)|colonoscope)\b"
)
_SNARE = _re(r"\bsnare\b")
_BIOPSY = _re(r"\bbiops(?:y|ies|ied)\b")
_EGD = _re(r"\b(?:egd|esophagogastroduodenoscopy|upper endoscopy)\b")
_KNEE_REPLACED = _re(r"\btotal knee (?:arthroplasty|replacement)\b")
_HIP_REPLACED = _re(r"\btotal hip (?:arthroplasty|replacement)\b")


def find_procedures(record: Record, setting: str) -> list[Procedure]:
    """Return the procedures of the demonstration pack that the record says were done in this encounter."""
    found: list[Procedure] = []
    for family in _FAMILIES:
        found.extend(family(record, setting))
    best: dict[str, Procedure] = {}
    for procedure in found:
        if procedure.code not in best or best[procedure.code].score < procedure.score:
            best[procedure.code] = procedure
    return list(best.values())


def _done(record: Record, action: re.Pattern[str]) -> Iterator[tuple[Statement, re.Match[str]]]:
    """Yield statements that report an action as done now, what is in a procedure section first."""
    ordered = sorted(record.statements, key=lambda item: item.sentence.section != "procedure")
    for statement in ordered:
        match = statement.search(action)
        if match is None:
            continue
        section = statement.sentence.section
        if section not in _DONE_SECTIONS and not (
            section in ("plan", "results")
            and re.search(r"\b(?:was|were|performed|applied|placed|today)\b", statement.text)
        ):
            continue
        before = statement.text[: match.start() - statement.sentence.start]
        if _FUTURE.search(before) or (section != "procedure" and _PAST_HISTORY.search(statement.text)):
            continue
        if statement.present(match.start(), match.end()):
            yield statement, match


def _first_done(
    record: Record, action: re.Pattern[str], also: re.Pattern[str] | None = None
) -> tuple[Statement, Evidence] | None:
    for statement, match in _done(record, action):
        if also is None or statement.search(also):
            return statement, statement.evidence(match.start(), match.end(), "action")
    return None


def _number(text: str | None) -> int | None:
    if not text:
        return None
    low = text.lower()
    return int(low) if low.isdigit() else _NUMBER_WORDS.get(low)


def _collect(*places: Evidence | None) -> tuple[Evidence, ...]:
    return tuple(dict.fromkeys(place for place in places if place is not None))


def _side_modifiers(
    statement: Statement, record: Record, near: re.Pattern[str]
) -> tuple[tuple[str, ...], Evidence | None]:
    """Return RT, LT or 50 with the side's words: from the statement,
    else from others that name the same part.
    """
    match = statement.search(near)
    named = match.group().lower() if match else ""
    about = _re(rf"\b{re.escape(named)}\b") if named else near
    candidates = [statement] + [
        item
        for pattern in (about, near)
        for item in record.statements
        if item is not statement and item.search(pattern)
    ]
    for item in candidates:
        if item.weight <= 0 or not item.sides:
            continue
        side, word = item.sides[0]
        modifier = {"right": "RT", "left": "LT", "bilateral": "50"}[side]
        return (modifier,), item.evidence(word.start, word.end, "side")
    return (), None


def _destruction(record: Record, setting: str) -> Iterator[Procedure]:
    for pattern, kind in ((_SKIN_TAG, "tag"), (_PREMALIGNANT, "premalignant"), (_BENIGN, "benign")):
        target = record.first(pattern, "lesion")
        if target is None:
            continue
        actions = [
            statement.evidence(match.start(), match.end(), "action")
            for statement, match in _done(record, _FREEZE)
            if kind == "benign" or statement.search(pattern) or statement.sentence.section == "procedure"
        ]
        agent = record.first(_re(r"liquid nitrogen"), "action")
        if not actions or (
            kind == "benign"
            and re.search(r"\bmelanoma|basal cell|squamous cell|malignan", record.plain_text)
            and "mole" not in record.plain_text
        ):
            continue
        site = next(
            (
                item.evidence(place.start, place.end, "site")
                for item in record.statements
                if item.weight > 0
                for place in item.sites
            ),
            None,
        )
        count, count_place = _lesions(record)
        evidence = _collect(target, agent, actions[0], site, count_place)
        if kind == "tag":
            yield Procedure("11200", 0.8, evidence, treats=("L91", "L98"), rules=("cpt:skin-tags",))
        elif kind == "premalignant":
            if count >= 15:
                yield Procedure("17004", 0.85, evidence, treats=("L57",), rules=("cpt:destroy-premalignant",))
            else:
                yield Procedure("17000", 0.88, evidence, treats=("L57",), rules=("cpt:destroy-premalignant",))
                if count > 1:
                    yield Procedure(
                        "17003",
                        0.85,
                        evidence,
                        units=count - 1,
                        treats=("L57",),
                        rules=("cpt:destroy-premalignant",),
                    )
            return
        else:
            code = "17110" if count <= 14 else "17111"
            yield Procedure(
                code,
                0.9,
                evidence,
                treats=("D22", "D23", "B07", "B08", "L82", "L72"),
                rules=("cpt:destroy-benign",),
            )


def _lesions(record: Record) -> tuple[int, Evidence | None]:
    best, place = 1, None
    for statement, match in _done(record, _LESION_COUNT):
        count = _number(match.group(1)) or _number(match.group(2)) or 1
        if count > best:
            best, place = count, statement.evidence(match.start(), match.end(), "count")
    return best, place


def _joint_injection(record: Record, setting: str) -> Iterator[Procedure]:
    for statement, match in _done(record, _INJECT):
        around = _neighbours(record, statement)
        if not any(item.search(_JOINT_CUE) for item in around):
            continue
        for joint, code in ((_LARGE_JOINT, "20610"), (_MEDIUM_JOINT, "20605"), (_SMALL_JOINT, "20600")):
            place = next(((item, found) for item in around if (found := item.search(joint))), None)
            if place is None:
                continue
            item, found = place
            modifiers, side = _side_modifiers(item, record, joint)
            if code == "20610" and record.first(_ULTRASOUND, "guidance"):
                code = "20611"
            evidence = _collect(
                statement.evidence(match.start(), match.end(), "action"),
                item.evidence(found.start(), found.end(), "site"),
                side,
            )
            yield Procedure(
                code,
                0.88,
                evidence,
                modifiers,
                treats=("M0", "M1", "M2", "M7"),
                rules=("cpt:joint-injection",),
            )
            return


def _neighbours(record: Record, statement: Statement) -> list[Statement]:
    at = record.statements.index(statement)
    return [
        item
        for item in (statement, *record.statements[max(0, at - 2) : at], *record.statements[at + 1 : at + 3])
        if item.document is statement.document
    ]


def _fracture_care(record: Record, setting: str) -> Iterator[Procedure]:
    for pattern, kind in ((_RADIUS, "radius"), (_CLAVICLE, "clavicle")):
        target = record.first(pattern, "site")
        if target is None:
            continue
        statement = next(
            item
            for item in record.statements
            if item.document.document_id == target.document_id
            and item.sentence.start <= target.start < item.sentence.end
        )
        modifiers, side = _side_modifiers(statement, record, pattern)
        plan = (
            (("25607", _ORIF), ("25606", _PINNED), ("25605", _REDUCED), ("25600", _IMMOBILISED))
            if kind == "radius"
            else (("23500", _IMMOBILISED),)
        )
        for code, action in plan:
            done = _first_done(record, action)
            if done:
                yield Procedure(
                    code,
                    0.86,
                    _collect(done[1], target, side),
                    modifiers,
                    treats=("S4", "S5", "S6"),
                    rules=("cpt:fracture-care",),
                )
                break


def _gallbladder(record: Record, setting: str) -> Iterator[Procedure]:
    done = _first_done(record, _GALLBLADDER)
    if done is None:
        return
    scope = record.first(_LAPAROSCOPIC, "approach")
    duct = _first_done(record, _CHOLANGIOGRAM)
    code = "47600" if scope is None else "47563" if duct else "47562"
    yield Procedure(
        code,
        0.92,
        _collect(done[1], scope, duct[1] if duct else None),
        treats=("K80", "K81", "K82"),
        rules=("cpt:cholecystectomy",),
    )


def _hernia(record: Record, setting: str) -> Iterator[Procedure]:
    hernia = record.first(_FRONT_HERNIA, "target")
    done = next(
        (
            statement.evidence(match.start(), match.end(), "action")
            for statement, match in _done(record, _HERNIA_REPAIR)
            if any(
                item.search(_FRONT_HERNIA) or re.search(r"\bhernia|fascial defect", item.text)
                for item in _neighbours(record, statement)
            )
        ),
        None,
    )
    if hernia and done:
        size, size_place = _size_cm(record)
        trapped = record.first(_TRAPPED, "state")
        recurrent = any(item.search(_RECURRENT) and item.search(_FRONT_HERNIA) for item in record.statements)
        row = (0 if size < 3 else 1 if size <= 10 else 2) * 2 + (1 if trapped else 0)
        code = str((49613 if recurrent and row < 2 else 49591) + row)
        yield Procedure(
            code,
            0.86,
            _collect(done, hernia, size_place, trapped),
            treats=("K42", "K43"),
            rules=("cpt:front-wall-hernia",),
        )
    groin = record.first(_GROIN_HERNIA, "target")
    if groin:
        repaired = _first_done(record, _HERNIA_REPAIR)
        if repaired:
            scope = record.first(_LAPAROSCOPIC, "approach")
            statement = repaired[0]
            modifiers, side = _side_modifiers(statement, record, _GROIN_HERNIA)
            yield Procedure(
                "49650" if scope else "49505",
                0.82,
                _collect(repaired[1], groin, scope, side),
                modifiers,
                treats=("K40",),
                rules=("cpt:groin-hernia",),
            )


def _size_cm(record: Record) -> tuple[float, Evidence | None]:
    for statement in record.statements:
        if not re.search(r"hernia|defect", statement.text):
            continue
        match = statement.search(_SIZE_CM)
        if match:
            size = max(float(match.group(1)), float(match.group(2) or 0))
            size = size / 10 if match.group(3).lower().startswith(("mm", "milli")) else size
            return size, statement.evidence(match.start(), match.end(), "size")
    return 0.0, None


def _imaging(record: Record, setting: str) -> Iterator[Procedure]:
    if setting != "imaging":
        return
    for statement in record.statements:
        if statement.sentence.section in ("results", "past-history"):
            continue
        modality = statement.search(_CT)
        if modality:
            part, codes = (
                (statement.search(_CHEST), ("71250", "71260", "71270"))
                if statement.search(_CHEST)
                else (statement.search(_ABDOMEN_PELVIS), ("74176", "74177", "74177"))
                if statement.search(_ABDOMEN_PELVIS)
                else (statement.search(_HEAD), ("70450", "70450", "70450"))
            )
            if part is None:
                continue
            used = record.first(_CONTRAST_WITH, "contrast", stated=False)
            plain = record.first(_CONTRAST_WITHOUT, "contrast", stated=False)
            code = codes[2] if used and plain else codes[1] if used else codes[0]
            evidence = _collect(
                statement.evidence(modality.start(), modality.end(), "modality"),
                statement.evidence(part.start(), part.end(), "site"),
                used or plain,
            )
            yield Procedure(code, 0.9, evidence, rules=("cpt:ct",), separate_visit=False)
            return
        film = statement.search(_FILM)
        if film:
            views = statement.search(_VIEWS)
            count = (_number(views.group(1)) or (2 if views.group(2) else 1)) if views else 2
            part = statement.search(_CHEST)
            film_code = "71045" if count == 1 else "71046"
            if part is None:
                part = statement.search(_WRIST)
                film_code = "73110"
            if part is None:
                part = statement.search(_KNEE)
                film_code = "73562"
            if part is None:
                continue
            evidence = _collect(
                statement.evidence(film.start(), film.end(), "modality"),
                statement.evidence(part.start(), part.end(), "site"),
            )
            yield Procedure(film_code, 0.8, evidence, rules=("cpt:film",), separate_visit=False)
            return


def _wounds(record: Record, setting: str) -> Iterator[Procedure]:
    wound = record.first(_LACERATION, "target")
    closed = _first_done(record, _SUTURED)
    if not wound or not closed:
        return
    size, place = 0.0, None
    for statement in record.statements:
        match = statement.search(_SIZE_CM) if statement.search(_LACERATION) else None
        if match:
            size = float(match.group(1)) / (10 if match.group(3).lower().startswith(("mm", "milli")) else 1)
            place = statement.evidence(match.start(), match.end(), "size")
            break
    face = any(item.search(_FACE) and item.search(_LACERATION) for item in record.statements)
    code = ("12011" if size <= 2.5 else "12013") if face else ("12001" if size <= 2.5 else "12002")
    yield Procedure(code, 0.78, _collect(closed[1], wound, place), treats=("S",), rules=("cpt:wound-repair",))


def _simple(
    code: str,
    action: re.Pattern[str],
    *,
    also: re.Pattern[str] | None = None,
    treats: tuple[str, ...] = (),
    diagnostic: bool = False,
    side: bool = False,
) -> Callable[[Record, str], Iterator[Procedure]]:
    def family(record: Record, setting: str) -> Iterator[Procedure]:
        done = _first_done(record, action)
        more = record.first(also, "detail") if also else None
        if done is None or (also is not None and more is None):
            return
        modifiers, place = _side_modifiers(done[0], record, action) if side else ((), None)
        yield Procedure(
            code,
            0.8,
            _collect(done[1], more, place),
            modifiers,
            treats=treats,
            rules=("cpt:named-procedure",),
            separate_visit=not diagnostic,
        )

    return family


def _endoscopy(record: Record, setting: str) -> Iterator[Procedure]:
    colon = record.first(_COLONOSCOPY, "action")
    passed = _first_done(record, _SCOPE_PASSED)
    if colon and passed and setting in ("surgery", "office"):
        snare, biopsy = _first_done(record, _SNARE), _first_done(record, _BIOPSY)
        code = "45385" if snare else "45380" if biopsy else "45378"
        detail = snare or biopsy
        yield Procedure(
            code,
            0.82,
            _collect(colon, passed[1], detail[1] if detail else None),
            treats=("K", "D12"),
            rules=("cpt:colonoscopy",),
        )


_FAMILIES: tuple[Callable[[Record, str], Iterator[Procedure]], ...] = (
    _destruction,
    _joint_injection,
    _fracture_care,
    _gallbladder,
    _hernia,
    _imaging,
    _wounds,
    _endoscopy,
    _simple(
        "11042",
        _re(r"\bexcisional debridement|\bsharp(?:ly)? debrid\w+|\bdebrided (?:sharply|to|down to)"),
        also=_re(r"\bsubcutaneous|\bfat layer|\bfascia"),
        treats=("L97", "L89", "E1162"),
    ),
    _simple("10060", _ABSCESS, treats=("L02", "L03")),
    _simple("11104", _PUNCH, treats=("D", "L", "C")),
    _simple("11102", _SHAVE, treats=("D", "L", "C")),
    _simple("69210", _EAR_WAX, treats=("H61",)),
    _simple("93000", _ECG, diagnostic=True),
    _simple("44970", _APPENDIX, also=_LAPAROSCOPIC, treats=("K3",)),
    _simple("43239", _EGD, also=_BIOPSY, treats=("K",)),
    _simple(
        "27447",
        _KNEE_REPLACED,
        also=_re(r"\btourniquet|component|prosthes\w+|implant\w*|cement"),
        treats=("M17",),
        side=True,
    ),
    _simple(
        "27130",
        _HIP_REPLACED,
        also=_re(r"\bacetabul\w+|component|prosthes\w+|implant\w*|cement"),
        treats=("M16", "S72"),
        side=True,
    ),
)
