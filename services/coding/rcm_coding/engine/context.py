"""Decides what a sentence says about a mention: present, negated, family, history, hypothetical or uncertain.

Cue phrases with a direction and a scope, after the published NegEx and ConText methods.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from rcm_coding.engine.sections import Sentence


class Status(StrEnum):
    """What the record says about a mention."""

    PRESENT = "present"
    NEGATED = "negated"
    FAMILY = "family"
    HISTORY = "history"
    HYPOTHETICAL = "hypothetical"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Assertion:
    """The status of a mention with the cue that decided it (offsets; both 0 when a section decided)."""

    status: Status
    cue_start: int = 0
    cue_end: int = 0
    cue: str = ""


_BEFORE: tuple[tuple[Status, str], ...] = (
    (
        Status.FAMILY,
        r"family (?:medical )?history(?: is)?(?: (?:of|significant for|positive for|notable for|includes))?"
        r"|(?:his|her|their|patient['’]?s?)?\s*\b(?:mother|father|brother|sister|grandmother"
        r"|grandfather|aunt|uncle|parents?"
        r"|siblings?|cousin|maternal|paternal)\b|runs in the family",
    ),
    (
        Status.NEGATED,
        r"\bno (?:further |new |acute |other |clinical |radiographic |current "
        r"|known )*(?:evidence|signs?|symptoms?|history|findings?|complaints?|suspicion"
        r"|sign)(?: or (?:signs?|symptoms?))? (?:of|for|to suggest)"
        r"|\b(?:denies|denied|denying|without|absence of|negative for|free of|never had|never been|never"
        r"|not have|not had|no longer has|"
        r"unremarkable for|rather than|fails? to (?:reveal|show)|rules? out|ruled out"
        r"|excludes?|excluded|is not|are not|was not|were not|"
        r"does not have|did not have|has not had|not consistent with|not suspicious for"
        r"|not suggestive of|no|not|nor|neither|non)\b",
    ),
    (
        Status.HYPOTHETICAL,
        r"\b(?:if|should|in case|unless|to prevent|prevention of|prophylaxis (?:for|against)"
        r"|risks? (?:of|for|include|including|factors? for)|at risk (?:of|for)"
        r"|watch for|monitor(?:ed|ing)? for|return (?:if|for|with)|call (?:if|for|with)"
        r"|warned (?:of|about)|(?:possible )?complications? (?:of|include|including|such as)"
        r"|educat(?:ed|ion) (?:on|about)|counsel(?:l)?ed (?:on|about|regarding)|screen(?:ed"
        r"|ing)? for|rule[- ]?out|r/o|evaluat(?:e|ed|ion) for|assess(?:ed)? for|work-?up for"
        r"|to look for|vaccin(?:e|ation) (?:for|against)|potential for|may develop"
        r"|could develop|concerned about developing|worried (?:about|that)|fear(?:s|ed|ful)? (?:of|that)"
        r"|thought (?:that )?(?:he|she|it|this) (?:was|were|might|could))(?!\w)",
    ),
    (
        Status.UNCERTAIN,
        r"\b(?:probable|probably|possible|possibly|suspected?|suspicion (?:of|for)"
        r"|suspicious for|likely|questionable|presumed|presumptive|"
        r"consistent with|compatible with|indicative of|suggestive of|suggests?"
        r"|concern(?:ing)? for|concerns? (?:of|about)|may (?:have|be|represent)|might (?:have"
        r"|be)"
        r"|could (?:be|represent)|appears? to be|differential (?:diagnosis )?(?:includes?|of)"
        r"|ddx|versus|vs\.?|cannot (?:exclude|rule out)|can ?not be excluded"
        r"|questions? of|query|worrisome for|in keeping with|favou?rs?|most consistent with"
        r"|(?:working|tentative|provisional) diagnosis(?: of| is|:)?|still to be ruled out)"
        r"(?:,? (?:(?:a |an )?(?:due|secondary|related|attributed|attributable) to|because of|from"
        r"|represent(?:s|ing)?|reflect(?:s|ing)?|caused by|is|an?))?(?!\w)",
    ),
    (
        Status.HISTORY,
        r"\b(?:(?:past |prior |previous |remote |personal )*(?:medical )?histor(?:y"
        r"|ies) (?:is |was )?(?:of|significant for|notable for|positive for)|h/o|hx of"
        r"|status[- ]post|s/p|prior|previous(?:ly)?"
        r"|(?:had|underwent) (?:a |an )?(?:remote|prior|previous)|resolved|old)\b",
    ),
)
_AFTER: tuple[tuple[Status, str], ...] = (
    (
        Status.NEGATED,
        r"\b(?:(?:has|have|had|was|were|is|are|been)(?: been)? (?:ruled out|excluded|negative"
        r"|absent|denied)|(?:was|were|is|are) not (?:seen|identified|present|found|noted"
        r"|appreciated|observed)"
        r"|not (?:seen|identified|present|found|noted|appreciated|observed|performed"
        r"|done|needed|required|obtained|given|used)|unlikely"
        r"|ruled out|(?:tests? |screens? |swabs? )?(?:is |was |were |are )?negative\b"
        r"|: ?(?:no|none|negative|absent|denies)\b)",
    ),
    (
        Status.UNCERTAIN,
        r"(?:\?|\b(?:is|was|are|were) (?:suspected|possible|likely|probable|questionable"
        r"|presumed)|\b(?:versus|vs)\b|cannot be (?:excluded|ruled out)|not (?:excluded"
        r"|ruled out))",
    ),
    (
        Status.HYPOTHETICAL,
        r"\b(?:vaccines?|vaccination|immuni[sz]ation|shots?|screening|prophylaxis|prevention|precautions|awareness"
        r"|counsel(?:l)?ing|education|risk)\b",
    ),
    (
        Status.FAMILY,
        r"\bin (?:his|her|the|their) (?:mother|father|brother|sister|grandmother|grandfather"
        r"|aunt|uncle|parents?|family)\b",
    ),
    (
        Status.HISTORY,
        r"\|\s*(?:resolved|inactive|historical)\b|\b(?:years? ago|in childhood|as a child|(?:has|have|had|is|was"
        r"|now) (?:since )?resolved|in remission|in (?:19|20)\d\d)\b",
    ),
)
_TERMINATORS = re.compile(
    r"\b(?:but(?! not limited)|however|although|though|except|apart from|aside from|which|who|because"
    r"|therefore|secondary to|due to|as well as"
    r"|presents?|presented|presenting|comes? in|came in|now|today|reports?|complains?"
    r"|diagnosed with|being treated|continues?|has|have|had(?! (?:a|an) (?:remote|prior))"
    r"|is here|with (?:a )?known)\b|[:;.]",
    re.IGNORECASE,
)
#: Cues whose scope a following verb phrase ends; family and hypothetical cues govern the whole statement.
_WIDE = frozenset({Status.FAMILY, Status.HYPOTHETICAL})
_STOP_WIDE = re.compile(
    r"\b(?:but(?! not limited)|however|although|though|except|patient|he|she)\b|[;]", re.IGNORECASE
)
_SCOPE = {
    Status.NEGATED: 110,
    Status.UNCERTAIN: 70,
    Status.HISTORY: 70,
    Status.FAMILY: 400,
    Status.HYPOTHETICAL: 400,
}
_AFTER_SCOPE = 45  # characters
_NEW_CLAUSE = re.compile(r",\s*(?:\w+\s+){0,2}(?:and|with)\s+(?:a|an|the)\b")
_BEFORE_RE = tuple((status, re.compile(pattern, re.IGNORECASE)) for status, pattern in _BEFORE)
_AFTER_RE = tuple((status, re.compile(pattern, re.IGNORECASE)) for status, pattern in _AFTER)
#: Phrases that hold a cue word without its meaning.
_PSEUDO = re.compile(
    r"\b(?:(?:gram|rh|hiv|culture|her2|estrogen receptor|er)[- ](?:stain )?negative|no (?:increase"
    r"|change|improvement|significant change|relief)|not only"
    r"|not (?:well[- ]controlled|controlled|at goal|improved|improving|improve|responding"
    r"|certain whether|tolerated?|relieved)"
    r"|without (?:difficulty|relief|improvement|incident|contrast)|non[- ]?(?:displaced"
    r"|smoker|productive|union|compliant|invasive|small|healing|pressure|st|insulin"
    r"|steroidal)"
    r"|no longer (?:able|tolerat\w+)|likely to (?:need|require|benefit)|old (?:male"
    r"|female|man|woman|boy|girl)|year[- ]old"
    r"|denies (?:any )?(?:change|improvement))\b",
    re.IGNORECASE,
)
_SECTION_STATUS = {
    "family-history": Status.FAMILY,
    "surgical-history": Status.HISTORY,
    "review-of-systems": Status.HYPOTHETICAL,
    "instructions": Status.HYPOTHETICAL,
    "education": Status.HYPOTHETICAL,
    "consent": Status.HYPOTHETICAL,
    "medications": Status.HYPOTHETICAL,
    "allergies": Status.HYPOTHETICAL,
    "vitals": Status.HYPOTHETICAL,
    "demographics": Status.HYPOTHETICAL,
}


@dataclass(frozen=True, slots=True)
class _Cue:
    status: Status
    start: int
    end: int
    forward: bool


class SentenceContext:
    """The cues of one sentence; asks about any number of mentions in it."""

    def __init__(
        self,
        text: str,
        sentence: Sentence,
        may_match: Callable[[re.Pattern[str]], bool] = lambda pattern: True,
    ) -> None:
        self._text = text
        self._sentence = sentence
        pseudo = (
            [(m.start(), m.end()) for m in _PSEUDO.finditer(text, sentence.start, sentence.end)]
            if may_match(_PSEUDO)
            else []
        )
        self.cues = [
            _Cue(status, match.start(), match.end(), forward)
            for forward, patterns in ((True, _BEFORE_RE), (False, _AFTER_RE))
            for status, pattern in patterns
            if may_match(pattern)
            for match in pattern.finditer(text, sentence.start, sentence.end)
            if not any(low <= match.start() < high for low, high in pseudo)
        ]

    def assertion(self, start: int, end: int) -> Assertion:
        """Return what the sentence says about the mention at [start, end)."""
        fixed = _SECTION_STATUS.get(self._sentence.section)
        for cue in self.cues:
            if self._governs(cue, start, end):
                return Assertion(
                    cue.status, cue.start, cue.end, self._text[cue.start : cue.end].lower().strip()
                )
        if fixed is not None:
            return Assertion(fixed, cue=self._sentence.section)
        return Assertion(Status.PRESENT)

    def _governs(self, cue: _Cue, start: int, end: int) -> bool:
        if cue.forward:
            if cue.end > start or start - cue.end > _SCOPE[cue.status]:
                return False
            between = self._text[cue.end : start]
            stop = _STOP_WIDE if cue.status in _WIDE else _TERMINATORS
            if stop.search(between):
                return False
            if cue.status in (Status.UNCERTAIN, Status.HISTORY) and "," in between:
                return False
            return cue.status is not Status.NEGATED or not _NEW_CLAUSE.search(between)
        if cue.start < end or cue.start - end > _AFTER_SCOPE:
            return False
        between = self._text[end : cue.start]
        if cue.status is Status.NEGATED:
            return not re.search(r"[;.:]|\b(?:but(?! not limited)|with|showed|shows)\b", between)
        if cue.status is Status.HYPOTHETICAL:
            return not re.search(r"[,;]|\b(?:but|with)\b", between)
        return not re.search(r"[,;]|\b(?:but|and|or|with)\b", between)
