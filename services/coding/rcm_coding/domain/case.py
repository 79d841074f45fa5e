"""The coding case of one encounter: what it knows, its states, and what follows from each fact or command.

Every function is pure and independent of the order in which topics arrive: charges may come before the
documentation, an addendum before the answer's own fact. States, as coding-managers name them:
awaiting_documentation, unassigned, assigned, in_progress, on_hold, pending_query, second_review, prebill_qa,
final_coded,
cancelled.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure
from rcm_shared.contracts.intake import CapturedCharge, ClaimForm, DocumentRef, Setting
from rcm_shared.ids import derived_uuid

from rcm_coding.domain.code_set import governing_date
from rcm_coding.domain.edits import Edit
from rcm_coding.engine.evidence import Alternative, Evidence, Finding

SYSTEM = "system:coding"
MAX_POINTERS = 4  # diagnosis pointers of one service line (837P SV107)


#: The first reason of a chart that came back; those of who sent it follow.
RECODE = "recode-requested"


class CaseState(StrEnum):
    """Where a chart stands."""

    AWAITING_DOCUMENTATION = "awaiting_documentation"
    UNASSIGNED = "unassigned"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    PENDING_QUERY = "pending_query"
    SECOND_REVIEW = "second_review"
    PREBILL_QA = "prebill_qa"  # coded; a second person checks it before it is final
    FINAL_CODED = "final_coded"
    CANCELLED = "cancelled"


class Choice(StrEnum):
    """What became of a suggested or added code."""

    SUGGESTED = "suggested"
    ACCEPTED = "accepted"
    OVERRIDDEN = "overridden"
    REJECTED = "rejected"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class CodeAssignment:
    """One code on the chart with its words and what was decided about it."""

    id: UUID
    system: str
    code: str
    description: str
    role: str
    choice: Choice
    source: str  # "cac", "coder", "provider" (came with the encounter)
    evidence: tuple[Evidence, ...] = ()
    score: float = 0.0
    modifiers: tuple[str, ...] = ()
    units: int = 1
    poa: str | None = None
    service_date: date | None = None
    pointers: tuple[int, ...] = ()
    serves: tuple[str, ...] = ()  # of a procedure: the diagnoses that it is for
    rules: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    suggested_code: str | None = None  # of an override: what was suggested
    reason: str | None = None
    decided_by: str | None = None
    position: int = 0

    @property
    def counts(self) -> bool:
        """Whether the code goes onto the claim."""
        return self.choice in (Choice.ACCEPTED, Choice.OVERRIDDEN, Choice.ADDED)

    @property
    def supported(self) -> bool:
        """Whether words or a stated reason stand behind the code."""
        return bool(self.evidence) or bool(self.reason) or self.source == "provider"


@dataclass(frozen=True, slots=True)
class SuppressedCode:
    """A code that the engine held back, with the reason."""

    code: str
    why: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class OpenGap:
    """Something the record leaves open."""

    id: UUID
    rule: str
    code: str
    indicators: tuple[Evidence, ...]


class QueryState(StrEnum):
    """How far a provider query has come, as far as coding must know."""

    REQUESTED = "requested"
    SENT = "sent"
    ANSWERED = "answered"  # the provider answered; the addendum is not filed yet
    FILED = "filed"  # the answer is part of the record
    EXPIRED = "expired"
    RETRACTED = "retracted"


_OPEN_QUERY = frozenset({QueryState.REQUESTED, QueryState.SENT, QueryState.ANSWERED})


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """A provider query about this chart."""

    query_id: UUID
    rule: str
    state: QueryState
    blocks_coding: bool = True
    outcome: str | None = None

    @property
    def holds(self) -> bool:
        """Whether finalising waits for it."""
        return self.blocks_coding and self.state in _OPEN_QUERY


@dataclass(frozen=True, slots=True)
class CodeSeverity:
    """What a diagnosis is to the DRG: "MCC", "CC" or "" (neither), and whether this very DRG rests on it."""

    code: str
    severity: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Grouping:
    """The DRG of a stay, or why there is none. `weight` is the relative weight of the table in `weight_release`."""

    drg: str | None
    version: str | None
    title: str = ""
    severity: str = ""
    fault: str = ""  # "not-evaluated", "ungroupable:<return code>"
    weight: str | None = None
    weight_release: str = ""
    codes: tuple[CodeSeverity, ...] = ()  # the principal diagnosis first


@dataclass(frozen=True, slots=True)
class FinalCodes:
    """The final decision in claim order."""

    diagnoses: tuple[FinalDiagnosis, ...]
    procedures: tuple[FinalProcedure, ...]
    release: str
    finalised_by: str
    finalised_at: datetime
    grouping: Grouping | None = None
    not_evaluated: tuple[str, ...] = ()
    override_reason: str | None = None
    changed_after_payment: bool = False  # other codes than those whose payment a coder had seen


@dataclass(frozen=True, slots=True)
class SecondReview:
    """A hard case that waits for a colleague's opinion. The words of the thread are kept beside the state."""

    asked_by: str
    asked: str | None  # None: any qualified colleague
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class CodingCase:
    """The whole state of one chart. `version` rises with every change that others may see."""

    encounter_id: UUID
    facility_id: str
    state: CaseState = CaseState.AWAITING_DOCUMENTATION
    version: int = 0
    setting: Setting = Setting.OFFICE
    claim_form: ClaimForm = ClaimForm.PROFESSIONAL
    service_from: date = date.min
    service_through: date = date.min
    record_version: int = 0
    completed_at: datetime | None = None
    documents: tuple[DocumentRef, ...] = ()
    precoded: bool = False
    provider_diagnoses: tuple[str, ...] = ()
    charges: tuple[CapturedCharge, ...] | None = None
    charges_version: int = 0
    assignee: str | None = None
    started: bool = False
    assignments: tuple[CodeAssignment, ...] = ()
    suppressed: tuple[SuppressedCode, ...] = ()
    gaps: tuple[OpenGap, ...] = ()
    suggested_version: int = 0  # record version that the suggestions were made from
    release: str = ""
    engine: str = ""
    visit_basis: str = ""
    queries: tuple[CaseQuery, ...] = ()
    hold_reason: str | None = None
    reopen_reasons: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    validated: bool = False  # `edits` are what the last validation found, be it nothing
    final: FinalCodes | None = None
    not_evaluated: tuple[str, ...] = ()
    payer_id: str | None = None  # of the primary coverage
    payer_version: int = 0
    urgency: str | None = None  # a lead's word; None leaves it to the worklist's rules
    lock_until: datetime | None = None  # until then the chart is its assignee's alone
    hold_owner: str | None = None  # who must act: a person or a role
    second_review: SecondReview | None = None
    previous_coder: str | None = None  # of a chart that came back
    coded_by: str | None = None  # of a chart that waits for its check
    model: str = ""  # what ranked the suggestions; empty: the rules alone
    noticed: tuple[Finding, ...] = ()  # by the suggestion pass
    findings: tuple[Finding, ...] = ()  # about the codes as last validated, with those of the pass
    working: Grouping | None = None  # the DRG of the codes as last validated

    @property
    def ready(self) -> bool:
        """Whether the documentation is complete."""
        return self.completed_at is not None

    @property
    def day(self) -> date:
        """The date that selects the code-set edition."""
        return governing_date(self.setting, self.service_from, self.service_through)

    @property
    def recode_requested(self) -> bool:
        """Whether billing, a payer or audit sent the chart back and it is not final again."""
        return RECODE in self.reopen_reasons and self.state is not CaseState.FINAL_CODED

    @property
    def held_by_query(self) -> bool:
        """Whether a query that affects coding is open."""
        return any(query.holds for query in self.queries)

    def assignment(self, assignment_id: UUID) -> CodeAssignment | None:
        """Return an assignment by id, or None."""
        return next((item for item in self.assignments if item.id == assignment_id), None)

    def gap(self, gap_id: UUID) -> OpenGap | None:
        """Return an open gap by id, or None."""
        return next((item for item in self.gaps if item.id == gap_id), None)


def assignment_id(encounter_id: UUID, system: str, code: str) -> UUID:
    """Return the id of a suggestion: the same code of the same encounter keeps it over all passes."""
    return derived_uuid(encounter_id, f"{system}:{code}")


def gap_id(encounter_id: UUID, rule: str, code: str) -> UUID:
    """Return the id of a gap: the same question about the same encounter keeps it."""
    return derived_uuid(encounter_id, f"gap:{rule}:{code}")


def codes_for_claim(case: CodingCase) -> tuple[tuple[FinalDiagnosis, ...], tuple[FinalProcedure, ...]]:
    """Return the chosen codes in claim order, without judging them.

    The principal or first-listed diagnosis comes first, external causes last. A procedure points to the
    diagnoses that were named for it or that it is for, else to the first four that are no external causes.
    Captured charges lend a procedure their units, amount and revenue code; without one the amount stays None.
    """
    chosen = [item for item in case.assignments if item.counts]
    diagnoses = sorted((item for item in chosen if item.system == "ICD-10-CM"), key=_diagnosis_order)
    lead = "principal" if case.setting is Setting.INPATIENT else "first-listed"
    has_lead = any(item.role in ("principal", "first-listed") for item in diagnoses)
    finals = tuple(
        FinalDiagnosis(
            code=item.code,
            role=lead
            if item.role in ("principal", "first-listed")
            or (at == 0 and not has_lead and item.role == "secondary")
            else item.role,
            poa=item.poa if case.setting is Setting.INPATIENT else None,
            uncertain=_is_uncertain(case, item.code),
            supported=item.supported,
        )
        for at, item in enumerate(diagnoses)
    )
    default = default_pointers(finals)
    procedures = tuple(
        _final_procedure(case, item, finals, default)
        for item in sorted(
            (item for item in chosen if item.system != "ICD-10-CM"),
            key=lambda item: (item.position, item.code),
        )
    )
    return finals, procedures


def _is_uncertain(case: CodingCase, code: str) -> bool | None:
    """Tell whether the record only suspects a diagnosis; None when the engine has not read the current record."""
    if case.suggested_version == 0 or case.suggested_version < case.record_version:
        return None
    category = code[:3]
    if any(item.source == "cac" and item.code.startswith(category) for item in case.assignments):
        return False
    return any(
        item.why.startswith("uncertain") and item.code.startswith(category) for item in case.suppressed
    )


def default_pointers(diagnoses: tuple[FinalDiagnosis, ...]) -> tuple[int, ...]:
    """Point to the first four diagnoses that explain care; external causes and admitting diagnoses do not."""
    usable = [
        at
        for at, item in enumerate(diagnoses, 1)
        if item.role not in ("external-cause", "admitting", "reason-for-visit")
    ]
    return tuple(usable[:MAX_POINTERS])


def _diagnosis_order(item: CodeAssignment) -> tuple[int, int, str]:
    rank = {
        "principal": 0,
        "first-listed": 0,
        "secondary": 1,
        "external-cause": 2,
        "reason-for-visit": 3,
        "admitting": 4,
    }
    return rank.get(item.role, 1), item.position, item.code


def _final_procedure(
    case: CodingCase, item: CodeAssignment, diagnoses: tuple[FinalDiagnosis, ...], default: tuple[int, ...]
) -> FinalProcedure:
    charge = next((line for line in case.charges or () if line.code == item.code), None)
    named = tuple(at for at in item.pointers if 0 < at <= len(diagnoses))
    served = tuple(at for at, found in enumerate(diagnoses, 1) if found.code in item.serves and at in default)
    pointers = named[:MAX_POINTERS] or served or default
    inpatient_procedure = item.system == "ICD-10-PCS"
    return FinalProcedure(
        system=item.system,
        code=item.code,
        service_date=item.service_date or (charge.service_date if charge else case.service_from),
        units=max(item.units, charge.units) if charge else item.units,
        modifiers=item.modifiers,
        pointers=() if inpatient_procedure else pointers,
        charge_cents=charge.charge_cents if charge else None,
        revenue_code=charge.revenue_code if charge else None,
        supported=item.supported,
    )


def procedure_system(code: str) -> str:
    """Return the code system of a captured charge's code: CPT starts with a digit, HCPCS with a letter."""
    return "CPT" if code[:1].isdigit() else "HCPCS"


def reopened(case: CodingCase, reason: str) -> CodingCase:
    """Return a final case as open again: the final codes become decided assignments to work on."""
    assignments = case.assignments or _assignments_of(case)
    return replace(
        case,
        state=CaseState.UNASSIGNED,
        assignee=None,
        previous_coder=case.assignee or case.previous_coder,
        lock_until=None,
        started=False,
        version=case.version + 1,
        assignments=assignments,
        reopen_reasons=(*case.reopen_reasons, reason),
        edits=(),
        validated=False,
    )


def _assignments_of(case: CodingCase) -> tuple[CodeAssignment, ...]:
    if case.final is None:
        return ()
    diagnoses = [
        CodeAssignment(
            assignment_id(case.encounter_id, "ICD-10-CM", item.code),
            "ICD-10-CM",
            item.code,
            "",
            item.role,
            Choice.ACCEPTED,
            "provider",
            poa=item.poa,
            position=at,
        )
        for at, item in enumerate(case.final.diagnoses)
    ]
    procedures = [
        CodeAssignment(
            assignment_id(case.encounter_id, item.system, f"{item.code}:{at}"),
            item.system,
            item.code,
            "",
            "procedure",
            Choice.ACCEPTED,
            "provider",
            modifiers=item.modifiers,
            units=item.units,
            service_date=item.service_date,
            pointers=item.pointers,
            position=at,
        )
        for at, item in enumerate(case.final.procedures)
    ]
    return (*diagnoses, *procedures)
