"""What goes into the engine and what comes out of it: documents, spans, suggestions,
suppressions and gaps.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Document:
    """One version of one text. Offsets of all evidence are characters of `text`."""

    document_id: UUID
    version: int
    kind: str
    text: str
    order: int = 0  # position in time; a later document may answer what an earlier one left open


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words of a document that carry a code. `role` says what they show: diagnosis, side, site, action,
    cue, …
    """

    document_id: UUID
    version: int
    start: int
    end: int
    section: str
    role: str


@dataclass(frozen=True, slots=True)
class Alternative:
    """A sibling code with the words that separate it from the suggested one."""

    code: str
    description: str
    axis: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A code that the record supports. `evidence` is never empty."""

    system: str  # "ICD-10-CM", "CPT", "HCPCS", "ICD-10-PCS"
    code: str
    description: str
    score: float  # 0..1, an ordering within one note; calibrated only by a trained model
    role: str
    evidence: tuple[Evidence, ...]
    modifiers: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    poa: str | None = None
    units: int = 1
    serves: tuple[str, ...] = ()  # of a procedure: the suggested diagnoses that it is for

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError("a suggestion needs evidence")

    @property
    def tier(self) -> str:
        """How a list shows it: high, review, possible."""
        return "high" if self.score >= 0.8 else "review" if self.score >= 0.5 else "possible"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A code whose words stand in the record but which must not be suggested, with the reason."""

    code: str
    why: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Something the record leaves open, with the words that raise the question (the indicators)."""

    rule: str
    code: str  # the code as it stands without an answer; "?" for an open character of ICD-10-PCS
    indicators: tuple[Evidence, ...]
    legal: tuple[str, ...] = ()  # codes that an answer may lead to, where the tables say so


@dataclass(frozen=True, slots=True)
class Finding:
    """Something for a person to look at in chosen codes or charges.

    `kind`: "missed", "too-vague", "too-aggressive" or "charge-check"; `better` is what the record supports instead.
    """

    kind: str
    code: str
    why: str
    better: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class MdmElement:
    """One element of medical decision making with its level (1 straightforward … 4 high) and its words."""

    element: str  # problems, data, risk
    level: int
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class VisitLevel:
    """How an E/M code was reached: by decision making, by time or by the facility's own points.

    `below` names the elements that the record documents below the next level, as a fact of the record: which of
    them applies is the provider's to know, and none is to be asked for. `prolonged`: code and units beyond the level.
    """

    code: str
    basis: str
    elements: tuple[MdmElement, ...]
    minutes: int | None = None
    below: tuple[str, ...] = ()
    prolonged: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The whole answer of one pass over a record."""

    suggestions: tuple[Suggestion, ...]
    suppressed: tuple[Suppressed, ...]
    gaps: tuple[Gap, ...]
    visit: VisitLevel | None
    release: str
    engine: str
    service_date: date
    not_evaluated: tuple[str, ...] = ()
    model: str = ""  # what ranked; empty: the rules alone
    findings: tuple[Finding, ...] = ()
