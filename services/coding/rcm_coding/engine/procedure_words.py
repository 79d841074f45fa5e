"""The words of procedures as patterns: what was done, to what, how, and how many times."""

import re


def words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


#: Sections that report what was done. A plan reports it too, when it speaks in the past ("was injected").
DONE_SECTIONS = frozenset(
    {"procedure", "findings", "hospital-course", "hpi", "body", "assessment", "diagnosis", "exam"}
)
FUTURE = words(
    r"\b(?:will|plan(?:s|ned)? (?:to|for)|scheduled? for|to be|recommend(?:s|ed)?"
    r"|consider|discuss(?:ed)?|offered|refer(?:red)? for|would|declin(?:es|ed)|may need"
    r"|if)\b"
)
PAST_HISTORY = words(
    r"\b(?:years? ago|months? ago|in (?:19|20)\d\d|previous(?:ly)?|prior|status post|s/p|history of)\b"
)
NUMBER_WORDS = {
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
_NUMBER = r"(\d{1,3}|" + "|".join(NUMBER_WORDS) + r")"

FREEZE = words(
    r"liquid nitrogen|cryo\w*|electrodes+ic\w*|electrosurg\w*|curett\w*"
    r"|laser (?:destruction|ablation|vapori\w+)"
    r"|(?:destroyed|destruction of|ablated|ablation of|froze|frozen)"
)
BENIGN = words(
    r"\b(?:moles?|nev(?:us|i)|warts?|verruca\w*|molluscum\w*|seborr?heic keratos[ei]s"
    r"|benign (?:skin )?lesions?|milia|lesions?)\b"
)
PREMALIGNANT = words(r"\bactinic keratos[ei]s|\baks?\b|\bpremalignant lesions?")
SKIN_TAG = words(r"\bskin tags?\b|\bacrochord\w+")
LESION_COUNT = words(
    rf"\b{_NUMBER}\s+(?:\w+\s+){{0,3}}(?:lesions?|warts?|moles?|nevi|keratos[ei]s"
    rf"|verruca\w*|tags?|aks?)\b|\b(?:lesions?|warts?|keratos[ei]s)\s*(?:x"
    rf"|×)\s*(\d{{1,3}})\b"
)

INJECT = words(r"\b(?:inject(?:ed|ion|ions)?|arthrocentesis|aspirat(?:ed|ion)|cortisone shot)\b")
JOINT_CUE = words(
    r"\b(?:joint|intra-?articular|triamcinolone|kenalog|depo-?medrol|methylprednisolone"
    r"|betamethasone|cortico?steroid|cortisone|steroid|hyaluron\w+|arthrocentesis)\b"
)
LARGE_JOINT = words(r"\b(?:knees?|shoulders?|hips?|subacromial|glenohumeral)\b")
MEDIUM_JOINT = words(r"\b(?:wrists?|elbows?|ankles?|acromioclavicular|temporomandibular|olecranon)\b")
SMALL_JOINT = words(r"\b(?:fingers?|toes?|thumbs?|metacarpophalangeal|interphalangeal|mcp|pip|cmc)\b")
ULTRASOUND = words(r"\bultrasound[- ]guid\w+|under ultrasound|sonograph\w+ guid\w+")

RADIUS = words(
    r"\bcolles\w*|distal (?:right |left )?radi(?:us|al)|(?:lower|distal) end of (?:the )?(?:\w+ )?radius"
    r"|\bwrist fracture|fracture of the (?:\w+ )?wrist"
)
CLAVICLE = words(r"\bclavic\w+ fracture|fracture of (?:the )?(?:\w+ )*clavicle|collarbone fracture")
REDUCED = words(
    r"\b(?:closed reduction|manipulat\w+|reduced|reduction (?:was|performed|under)"
    r"|traction and manipulation|hematoma block (?:and|with) reduction)\b"
)
IMMOBILISED = words(r"\b(?:splint(?:ed)?|cast(?:ed)?|immobili[sz]\w+|sling|sugar-?tong)\b")
PINNED = words(r"\b(?:percutaneous (?:pin\w*|fixation)|k-?wires?|kirschner)\b")
ORIF = words(r"\b(?:orif|open reduction|volar (?:locking )?plate|plate and screws?)\b")

GALLBLADDER = words(
    r"\bcholecystectomy\b|gallbladder was (?:removed|dissected|placed|taken|excised|retrieved)"
)
LAPAROSCOPIC = words(r"\blaparoscop\w+|\btrocars?\b|pneumoperitoneum")
CHOLANGIOGRAM = words(r"\bcholangiogra\w+")
FRONT_HERNIA = words(
    r"\b(?:umbilical|ventral|epigastric|incisional|supraumbilical|paraumbilical"
    r"|spigelian) (?:\w+ ){0,2}(?:hernia|defect)\w*"
)
GROIN_HERNIA = words(r"\binguinal (?:\w+ ){0,2}hernia\w*")
HERNIA_REPAIR = words(
    r"\bhernia (?:was |defect was |sac was )?(?:then )?(?:repair\w*|reduced and|closed"
    r"|excised)|herniorr?haphy|hernioplasty|repair(?:ed)? of (?:the "
    r"|an? )?(?:\w+[ -]){0,4}(?:hernia|defect)"
    r"|(?:defect|fascia\w*(?: defect)?) (?:was |were )?(?:then )?(?:closed|repaired"
    r"|approximated)|repair(?:ed|ing)? (?:the )?(?:\w+ ){0,3}(?:hernia|defect)"
)
TRAPPED = words(r"\b(?:incarcerat\w+|strangulat\w+|irreducible|non-?reducible)\b")
RECURRENT = words(r"\brecurrent\b")
SIZE_CM = words(r"(\d+(?:\.\d+)?)\s*(?:x\s*(\d+(?:\.\d+)?)\s*)?(?:-\s*)?(cm|centimet\w+|mm|millimet\w+)\b")
APPENDIX = words(r"\bappendectomy\b")

CT = words(r"\b(?:ct|cat|computed tomograph\w+|computed tomographic)\b")
CONTRAST_WITH = words(
    r"\b(?:with|following|after|administration of)\s+(?:\w+\s+){0,6}?(?:contrast"
    r"|omnipaque|isovue|iohexol|iopamidol)|\b(?:iv|intravenous"
    r"|iodinated) contrast(?: material)?(?: (?:was|administered))|contrast-?enhanced"
    r"|\b\d+ ?ml (?:of )?(?:omnipaque|isovue|iohexol|iopamidol)"
)
CONTRAST_WITHOUT = words(
    r"\bwithout (?:\w+ ){0,3}contrast|\bnon-?contrast|\bunenhanced|no (?:iv |intravenous )?contrast"
)
CHEST = words(r"\b(?:chest|thorax|thoracic)\b")
HEAD = words(r"\b(?:head|brain)\b")
ABDOMEN_PELVIS = words(r"\babdomen (?:and|&) pelvis\b|\babdomen/pelvis\b")
FILM = words(r"\b(?:x-?rays?|radiographs?|films?|plain film)\b")
VIEWS = words(rf"\b{_NUMBER}[- ]views?\b|\b(pa and lateral)\b|\b(?:single|one|portable)[- ](?:view|ap)\b")
WRIST = words(r"\bwrist\b")
KNEE = words(r"\bknee\b")

LACERATION = words(r"\blaceration\b")
SUTURED = words(r"\b(?:sutur(?:ed|es|e)|stapl(?:ed|es)|dermabond|simple repair|closed with|repaired with)\b")
FACE = words(r"\b(?:face|facial|forehead|cheek|chin|nose|lip|ear|eyelid|eyebrow)\b")
ABSCESS = words(r"\b(?:incision and drainage|i\s?&\s?d|incised and drained)\b")
PUNCH = words(r"\bpunch biopsy\b")
SHAVE = words(r"\b(?:shave|tangential) biopsy\b")
EAR_WAX = words(r"\bimpacted cerumen|cerumen impaction|cerumen was removed")
ECG = words(
    r"\b(?:ekg|ecg|electrocardiogram)\b (?:was |today )?(?:performed|obtained|done|shows?"
    r"|showed|reveals?)|\b12-lead (?:ekg|ecg)\b"
)
COLONOSCOPY = words(r"\bcolonoscop\w+")
SCOPE_PASSED = words(
    r"\b(?:advanced to the cecum|cecum was reached|scope was (?:advanced|inserted|passed)|colonoscope)\b"
)
SNARE = words(r"\bsnare\b")
BIOPSY = words(r"\bbiops(?:y|ies|ied)\b")
EGD = words(r"\b(?:egd|esophagogastroduodenoscopy|upper endoscopy)\b")
KNEE_REPLACED = words(r"\btotal knee (?:arthroplasty|replacement)\b")
HIP_REPLACED = words(r"\btotal hip (?:arthroplasty|replacement)\b")
