"""What a patient has, had, takes or lives with as words: code by pattern, for past illness, status, long-term drugs."""

import re


def words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_PAST = (
    r"(?:(?:personal |past |prior |remote |previous |known )*(?:medical )?(?:history|hx)(?: is| was)?"
    r"(?: (?:of|significant for|notable for|positive for|includes?)|:)|h/o|hx|s/p|status[- ]post|prior|previous"
    r"|remote|old|healed|treated|in remission:?|survivor of)"
)
_CANCERS = (
    ("Z853", r"breast"),
    ("Z8546", r"prostat(?:e|ic)"),
    ("Z85038", r"colon|colorectal|large intestine"),
    ("Z85048", r"rect(?:um|al)"),
    ("Z85118", r"(?:lung|bronch\w+)"),
    ("Z8551", r"bladder"),
    ("Z85528", r"(?:kidney|renal(?: cell)?)"),
    ("Z8541", r"cervi(?:cal|x)"),
    ("Z8542", r"(?:endometri\w+|uter\w+)"),
    ("Z8543", r"ovar\w+"),
    ("Z85850", r"thyroid"),
    ("Z8547", r"testic\w+"),
    ("Z8507", r"pancrea\w+"),
)
_TUMOUR = r"(?:cancer|carcinoma|ca\b|adenocarcinoma|malignancy|malignant neoplasm)"
#: (code, what the words after a cue of the past say)
_HISTORY: tuple[tuple[str, str], ...] = (
    *(
        (
            code,
            rf"(?:(?:\w+[ -]){{0,2}}(?:{site})\s+(?:\w+\s+)?{_TUMOUR}|{_TUMOUR} of (?:the )?(?:\w+ )?(?:{site}))",
        )
        for code, site in _CANCERS
    ),
    ("Z85820", r"(?:malignant )?melanoma"),
    ("Z85828", r"(?:basal|squamous) cell (?:carcinoma|skin cancer)|(?:non-?melanoma )?skin cancer"),
    ("Z8571", r"hodgkin(?:'?s)?(?: lymphoma| disease)"),
    ("Z8572", r"(?:non-?hodgkin\w*(?:'s)? )?lymphoma"),
    ("Z856", r"leukemia"),
    (
        "Z8673",
        r"(?:(?:ischemic |embolic )?stroke|cva|cerebrovascular accident|cerebral infarct(?:ion)?|tia"
        r"|transient ischemic attacks?)",
    ),
    ("I252", r"(?:(?:acute )?myocardial infarct(?:ion|s)?|mi\b|nstemi|stemi|heart attack)"),
    ("Z86718", r"(?:dvt|deep (?:vein|venous) thromb\w+|venous thrombo\w+)"),
    ("Z86711", r"(?:pe\b|pulmonary embol\w+)"),
    ("Z8601", r"(?:colon(?:ic)?|adenomatous|rectal|colorectal)? ?polyps?"),
    ("Z8701", r"(?:recurrent )?pneumonia"),
    ("Z87442", r"(?:kidney stones?|renal (?:stones?|calcul\w+)|nephrolithiasis|urinary calcul\w+)"),
    ("Z8711", r"(?:peptic|gastric|duodenal|stomach) ulcers?"),
    ("Z8719", r"(?:pancreatitis|diverticulitis|gi bleed\w*)"),
    ("Z86010", r"(?:colon(?:ic)?|colorectal|adenomatous) polyps?"),
    ("Z8632", r"gestational diabetes"),
    ("Z8781", r"(?:healed )?(?:traumatic )?fractures?"),
    ("Z87820", r"(?:traumatic brain injury|tbi|concussions?)"),
    ("Z8616", r"covid(?:-19)?(?: infection)?"),
    ("Z8614", r"mrsa(?: infection| colonization)?"),
    ("Z8611", r"(?:tuberculosis|tb\b)"),
    ("Z87440", r"(?:recurrent )?(?:utis?|urinary tract infections?)"),
    ("Z9181", r"(?:falls?|falling)"),
    ("Z8759", r"(?:preeclampsia|miscarriage)"),
    ("Z8751", r"(?:pre-?term (?:labor|delivery|birth))"),
    ("Z951", r"(?:cabg|coronary (?:artery )?bypass(?: graft\w*)?)"),
    ("Z955", r"(?:(?:drug[- ]eluting |coronary |cardiac )?stents?(?: placement)?|pci with stent\w*|des\b)"),
    ("Z9861", r"(?:pci|angioplasty|ptca)\b(?! with stent)"),
    ("Z9049", r"(?:cholecystectomy|appendectomy|colectomy)"),
    ("Z90710", r"(?:total )?(?:abdominal )?hysterectomy|tah"),
    ("Z9013", r"bilateral mastectomy"),
    ("Z9884", r"(?:gastric bypass|bariatric surgery|sleeve gastrectomy|roux-en-y)"),
    ("Z981", r"(?:spinal |lumbar |cervical )?(?:spinal )?fusion"),
    ("Z9079", r"(?:radical )?prostatectomy"),
    ("Z905", r"nephrectomy"),
    ("Z9081", r"splenectomy"),
)
HISTORY_RE = tuple(
    (
        code,
        words(
            rf"\b{_PAST}\s+(?:(?:a|an|the|known|remote|prior|previous|multiple|several|non-?\w+|right|left)\s+)*"
            rf"(?:{what})"
        ),
    )
    for code, what in _HISTORY
)
PAST_CUE = words(
    r"histor|\bhx\b|h/o|s/p|status|prior|previous|remote|\bold\b|healed|treated|remission|survivor"
)
#: A bare mention in a section of the past says the same as a cue.
PAST_BARE = tuple((code, words(rf"\b(?:{what})")) for code, what in _HISTORY if code[:3] == "Z95")

_STATUS: tuple[tuple[str, str, float], ...] = (
    (
        "Z87891",
        r"\b(?:former|ex|past|prior|previous)[- ](?:(?:cigarette|tobacco|heavy) )?smok(?:er|ing)\b"
        r"|\bformer tobacco (?:use|user)\b|\b(?:quit|stopped) (?:smoking|tobacco)\b"
        r"|\bhistory of (?:tobacco|cigarette|nicotine)\b[^.;\n]{0,20}?(?:use|abuse|dependence|smoking)",
        0.6,
    ),
    (
        "F17210",
        r"\bcurrent(?:ly)? (?:every ?day )?(?:smok(?:er|es|ing)(?! status)|cigarette)|\bsmokes\b[^.;\n]{0,25}?"
        r"(?:pack|ppd|cigarette)|\b(?:nicotine|tobacco) (?:dependence|use disorder),? (?:on )?cigarettes?"
        r"|\bcigarette (?:smoker|smoking)|\bcurrent tobacco (?:use|smoker)"
        r"|\b\d(?:\.\d)? ?(?:ppd|packs? (?:per|a) day)\b",
        0.55,
    ),
    (
        "Z992",
        r"\b(?:on|dependent on|receives?|undergoes|chronic|maintenance|dependence on) (?:chronic |maintenance "
        r"|outpatient |renal )*(?:hemo)?dialysis|\b(?:hemo)?dialysis[- ]dependen\w+|\besrd on (?:hd|pd)\b",
        0.7,
    ),
    (
        "Z9981",
        r"\bhome oxygen|\bhome o2|\b(?:supplemental|chronic|continuous) (?:home )?oxygen (?:dependen\w+|at home)"
        r"|\boxygen[- ]dependent|\bo2[- ]dependent",
        0.6,
    ),
    (
        "Z950",
        r"\b(?:has|with|permanent|dual[- ]chamber|cardiac|presence of(?: a)?|s/p|status post) (?:a )?"
        r"(?:\w+ )?pacemaker\b(?! (?:placement|insertion|implant))",
        0.55,
    ),
    (
        "Z95810",
        r"\b(?:has|with|presence of(?: an?)?|s/p|status post) (?:an? )?(?:aicd|icd|implantable "
        r"(?:cardioverter )?defibrillator)\b",
        0.55,
    ),
    (
        "Z96651",
        r"\b(?:s/p|status post|history of|prior|previous) right (?:total )?knee (?:arthroplasty|replacement)"
        r"|\bright (?:total )?knee (?:arthroplasty|replacement) in (?:19|20)\d\d",
        0.6,
    ),
    (
        "Z96652",
        r"\b(?:s/p|status post|history of|prior|previous) left (?:total )?knee (?:arthroplasty|replacement)"
        r"|\bleft (?:total )?knee (?:arthroplasty|replacement) in (?:19|20)\d\d",
        0.6,
    ),
    (
        "Z96641",
        r"\b(?:s/p|status post|history of|prior|previous) right (?:total )?hip (?:arthroplasty|replacement)",
        0.6,
    ),
    (
        "Z96642",
        r"\b(?:s/p|status post|history of|prior|previous) left (?:total )?hip (?:arthroplasty|replacement)",
        0.6,
    ),
    ("Z89511", r"\bright (?:below[- ]knee amputation|bka)\b", 0.6),
    ("Z89512", r"\bleft (?:below[- ]knee amputation|bka)\b", 0.6),
    ("Z89611", r"\bright (?:above[- ]knee amputation|aka)\b", 0.6),
    ("Z89612", r"\bleft (?:above[- ]knee amputation|aka)\b", 0.6),
    ("Z940", r"\b(?:s/p|status post|history of) (?:\w+ ){0,2}(?:kidney|renal) transplant\w*", 0.65),
    ("Z944", r"\b(?:s/p|status post|history of) (?:\w+ ){0,2}liver transplant\w*", 0.65),
    ("Z933", r"\b(?:has|with) (?:a )?colostomy|\bcolostomy (?:status|in place)", 0.6),
    (
        "Z931",
        r"\b(?:has|with) (?:a )?(?:peg|g-?tube|gastrostomy)|\b(?:peg|gastrostomy) tube (?:status|in place|dependent)",
        0.55,
    ),
    ("Z930", r"\btracheostomy (?:status|in place|dependent)|\b(?:has|with) (?:a )?trach(?:eostomy)?\b", 0.55),
    ("Z66", r"\b(?:code status:? ?)?(?:is |patient is |made )?(?:dnr|do[- ]not[- ]resuscitate)\b", 0.7),
    (
        "Z515",
        r"\b(?:comfort (?:care|measures)(?: only)?|palliative care (?:consult\w*|encounter|transition\w*)"
        r"|transition(?:ed)? to (?:comfort|palliative|hospice))\b",
        0.6,
    ),
    (
        "Z880",
        r"\b(?:penicillin|pcn|amoxicillin) allergy|\ballerg(?:ic|y|ies)(?: status)? to (?:penicillin|pcn)"
        r"|\ballerg(?:y|ies):? (?:\w+, ?)*(?:penicillin|pcn)\b",
        0.4,
    ),
    ("Z882", r"\bsulfa(?:nilamides?)? allergy|\ballergic to sulfa\w*", 0.4),
    ("Z9112", r"\bintentional underdosing", 0.6),
    (
        "Z91148",
        r"\b(?:non-?(?:compliance|compliant|adherence|adherent) (?:with|to) (?:\w+ )?(?:medications?|meds)"
        r"|medication non-?(?:compliance|adherence)|not taking (?:his|her|their) (?:medications?|meds))\b",
        0.6,
    ),
    ("Z590", r"\b(?:homeless(?:ness)?|lives in (?:a |the )?shelter|undomiciled)\b", 0.65),
    ("Z5941", r"\bfood insecurity\b", 0.65),
    ("Z602", r"\bproblems? (?:related to )?living alone", 0.5),
    ("Z20822", r"\b(?:exposure|exposed|close contact) (?:to|with) (?:\w+ ){0,4}covid", 0.6),
    (
        "Z902",
        r"\b(?:history of|prior|previous|s/p|status post) (?:\w+ ){0,2}(?:lobectomy|pneumonectomy)\b",
        0.55,
    ),
    ("Z00129", r"\b(?:well[- ]child|well[- ]baby)\b", 0.6),
    (
        "Z1211",
        r"\bscreening colonoscopy|\bcolonoscopy for (?:colorectal |colon )?(?:cancer )?screening"
        r"|\bcolo(?:n|rectal) cancer screening",
        0.7,
    ),
    ("Z1231", r"\bscreening mammo\w+|\bmammo\w+[^.\n]{0,20}?screening", 0.7),
    (
        "Z471",
        r"\b(?:post-?op\w*|aftercare|\d+ (?:weeks?|days?|months?)[^.\n]{0,15}?(?:s/p|status post"
        r"|after|following|out from))"
        r"[^.\n]{0,40}?\b(?:tka|tha|(?:knee|hip|shoulder) (?:arthroplasty|replacement))",
        0.65,
    ),
    (
        "Z0000",
        r"\b(?:annual|yearly|routine|complete) (?:adult )?(?:preventive |general |medical |health |wellness )*"
        r"(?:physical|exam(?:ination)?|check-?up|wellness|visit)\b(?! of)|\bwell(?:ness)? (?:visit|exam\w*|check)",
        0.6,
    ),
    ("Z2882", r"\b(?:declin\w+|refus\w+) (?:\w+ )?(?:flu |influenza |covid )?vaccin\w+", 0.45),
)
STATUS_RE = tuple((code, words(pattern), score) for code, pattern, score in _STATUS)
#: One of these words stands in every status above: a quick look before the patterns.
STATUS_WORD = re.compile(
    r"smok|tobacco|nicotine|cigar|ppd|pack|dialysis|esrd|oxygen|\bo2\b|pacemaker|icd|defibrillator|replacement"
    r"|arthroplasty|amputation|bka|aka|transplant|colostomy|peg|tube|gastrostomy|trach|dnr|resuscitate|comfort"
    r"|palliative|hospice|allerg|underdosing|complian|adheren|taking|homeless|shelter|undomiciled|insecurity|alone"
    r"|covid|vaccin|exam|physical|well|check|screening|arthroplasty|tka|tha\b"
)
#: Sections in which a status counts though no diagnosis may come from them.
STATUS_SECTIONS = frozenset(
    [
        "social-history",
        "past-history",
        "surgical-history",
        "hpi",
        "assessment",
        "diagnosis",
        "impression",
        "plan",
        "hospital-course",
        "body",
        "allergies",
        "chief-complaint",
        "indication",
    ]
)
_LONG_TERM: tuple[tuple[str, str, tuple[str, ...], bool], ...] = (
    (
        "Z794",
        r"\b(?:insulin(?! resistan)(?:\s+(?:glargine|lispro|aspart|detemir|degludec|nph|pump))?|lantus|humalog"
        r"|novolog|levemir|tresiba|basaglar|toujeo)\b",
        ("E11", "E13", "E08", "E09"),
        True,
    ),
    (
        "Z7984",
        r"\b(?:metformin|glipizide|glyburide|glimepiride|sitagliptin|januvia|empagliflozin|jardiance"
        r"|dapagliflozin|farxiga|canagliflozin|pioglitazone|linagliptin)\b",
        ("E11", "E13"),
        False,
    ),
    (
        "Z7985",
        r"\b(?:semaglutide|ozempic|liraglutide|victoza|dulaglutide|trulicity|tirzepatide|mounjaro|exenatide)\b",
        ("E11", "E13"),
        False,
    ),
    (
        "Z7901",
        r"\b(?:warfarin|coumadin|apixaban|eliquis|rivaroxaban|xarelto|dabigatran|edoxaban)\b",
        ("I48", "I82", "I26", "Z86", "D68", "I27"),
        False,
    ),
    (
        "Z7902",
        r"\b(?:clopidogrel|plavix|ticagrelor|brilinta|prasugrel)\b",
        ("I25", "Z955", "I63", "Z86", "I73"),
        False,
    ),
    (
        "Z7952",
        r"\b(?:chronic|long[- ]term|daily|maintenance) (?:oral )?(?:prednisone|steroids?|corticosteroids?)\b",
        (),
        False,
    ),
    (
        "Z79891",
        r"\b(?:chronic|long[- ]term|daily) (?:\w+ )?(?:opioids?|opiates?|narcotics?)\b|\bopioid therapy\b",
        (),
        False,
    ),
    (
        "Z7982",
        r"\b(?:daily|low[- ]dose|baby|long[- ]term) aspirin\b|\baspirin (?:81|325)\b",
        ("I25", "I63", "I73"),
        False,
    ),
)
LONG_TERM_RE = tuple(
    (code, words(pattern), prefixes, strong) for code, pattern, prefixes, strong in _LONG_TERM
)
STATED_LONG_TERM = words(
    r"\blong[- ]term\b|\bchronic(?:ally)?\b|\bcurrent use\b|\bmaintenance\b|\buses? insulin\b"
    r"|\binsulin[- ](?:dependent|requiring|treated)|\bon (?:\w+ ){0,2}insulin|\bhome (?:insulin|med)"
    r"|\binsulin pump"
)
NOT_LONG = words(
    r"\b(?:start|stop|discontinu|hold|held|will|sliding scale|drip|infusion|regular insulin iv|while "
    r"inpatient|temporar|given|allerg|intoleran|previously)\w*"
)

BMI = words(r"\b(?:bmi|body mass index)\b[^\d\n;]{0,25}?(\d{2}(?:\.\d{1,2})?)\b(?!\s?%)")
BMI_WITH = ("E66", "E43", "E44", "E46", "E40", "E41", "E45", "R634", "R636", "E64")
_ORGANISMS: tuple[tuple[str, str], ...] = (
    ("B9620", r"\b(?:e\.? ?coli|escherichia coli)\b"),
    ("B961", r"\bklebsiella(?: pneumoniae)?\b"),
    ("B964", r"\bproteus(?: mirabilis)?\b"),
    ("B965", r"\bpseudomonas(?: aeruginosa)?\b"),
    ("B952", r"\benterococc\w+\b"),
    ("B9562", r"\b(?:mrsa|methicillin[- ]resistant staph\w*(?: aureus)?)\b"),
    (
        "B9561",
        r"\b(?:mssa|methicillin[- ](?:susceptible|sensitive) staph\w*(?: aureus)?|staph(?:ylococcus)? aureus)\b",
    ),
    ("B951", r"\b(?:group b strep\w*|streptococcus agalactiae)\b"),
    ("B950", r"\b(?:group a strep\w*|streptococcus pyogenes)\b"),
)
ORGANISM_RE = tuple((code, words(pattern)) for code, pattern in _ORGANISMS)
#: Infections that leave the organism to a second code ("use additional code (B95-B97)").
INFECTIONS = (
    "A41",
    "R652",
    "N39",
    "N30",
    "N10",
    "N12",
    "L03",
    "L02",
    "L08",
    "T81",
    "K65",
    "M00",
    "M86",
    "O23",
    "J20",
    "N45",
)
_SPECIFIC_ORGANISM = words(r"due to|caused by|secondary to|grew|growing|positive for|from|\bwith\b")


#: Dementias that the index gives as a pair: the disease, then F02.- (Guidelines I.A.13).
DEMENTIA = words(
    r"\balzheimer\w*(?:['’]s)?(?: disease)?(?:,| with| type)? (?:\w+ )?dementia"
    r"|\bdementia (?:due to|in|of(?: the)?|from|secondary to|with) (?:\w+ )?(?:alzheimer|parkinson|lewy)"
    r"|\bparkinson\w*(?:['’]s)?(?: disease)?(?: with)? dementia|\blewy body dementia"
)
DISTURBED = words(r"\b(?:behaviou?ral disturbance|agitation|aggressi\w+|wandering)\b")
