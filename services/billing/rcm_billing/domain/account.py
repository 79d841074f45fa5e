"""The account of one encounter: what was charged and coded, its claims by payer order and version, what is
open.

Facts of other services arrive in any order across topics; `request_build` decides when enough is there to
build.
"""

import hashlib
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure
from rcm_shared.contracts.intake import ClaimForm, CoverageRef, Setting
from rcm_shared.money import Cents

from rcm_billing.domain import ledger
from rcm_billing.domain.claim import (
    DECIDED,
    IN_FLIGHT,
    LIVE,
    UNSENT,
    AttemptState,
    ClaimState,
    ReceivableState,
    move_claim,
)
from rcm_billing.domain.denial import OPEN, DenialMove, DenialState
from rcm_billing.domain.errors import OutOfBalance
from rcm_billing.domain.ledger import Totals, Transaction

ORDERS = ("P", "S", "T")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    def but(self, **changes: Any) -> Self:
        """Return a copy with other values (unchecked: the callers are this package)."""
        return self.model_copy(update=changes)


class Attempt(_Part):
    """One submission of one claim version, with the acknowledgements that reached it."""

    attempt_id: UUID
    interchange_control: str
    state: AttemptState = AttemptState.BUILT
    acknowledgements: tuple[str, ...] = ()


class Claim(_Part):
    """One claim version as the account sees it; the document lies in its own row."""

    claim_id: UUID
    order: str
    payer_id: str
    version: int
    frequency: str = "1"
    form: ClaimForm
    state: ClaimState
    claim_control: str
    payer_control: str = ""
    charge_cents: Cents
    case_version: int = 0
    reasons: tuple[str, ...] = ()
    owner_queue: str = ""
    attempts: tuple[Attempt, ...] = ()

    @property
    def adjudicated(self) -> bool:
        """Return whether the payer has decided this version."""
        decided = self.state in DECIDED or self.state is ClaimState.REVERSED
        return decided or any(attempt.state is AttemptState.ADJUDICATED for attempt in self.attempts)

    def move(self, to: ClaimState, **changes: Any) -> "Claim":
        """Return the claim in another state.

        Raises: IllegalTransition when the table does not list the step.
        """
        return self.but(state=move_claim(self.state, to), **changes)


class Denial(_Part):
    """One denial case, per claim line (0: the whole claim) and CARC."""

    denial_id: UUID
    claim_id: UUID
    order: str
    line: int
    group: str
    carc: str
    category: str
    cents: Cents
    state: DenialState
    level: int = 0
    denied_at: datetime
    deadline_at: datetime | None = None
    remarks: tuple[str, ...] = ()
    root_cause: str = ""
    owner: str = ""  # queue: coder, biller, registration, provider
    action: str = ""  # what to do first
    assignee: str = ""
    outcome: str = ""  # the last state that ended the case, kept when it is closed
    settled_by: UUID | None = None  # ledger transaction of a write-off or a transfer that a person asked for
    warn_at: datetime | None = None
    clock_level: int = -1  # for which level the deadline was set; -1: not yet
    warned: bool = False
    expired: bool = False


class Coding(_Part):
    """The final codes, as coding published them."""

    case_version: int
    setting: Setting
    form: ClaimForm
    service_from: date
    service_through: date
    release: str
    diagnoses: tuple[FinalDiagnosis, ...]
    procedures: tuple[FinalProcedure, ...]
    drg: str | None = None
    not_evaluated: tuple[str, ...] = ()
    automatic: bool | None = None  # no person looked at the codes; None: coding did not say


class BuildReason(StrEnum):
    """Why a claim is to be built."""

    CODED = "coded"
    CORRECTED = "corrected"
    RECODED = "recoded"
    SECONDARY = "secondary"
    REPLACED = "replaced"  # a person sends what the payer decided again, with what changed since
    VOIDED = "voided"  # a person takes it back from the payer


class Build(_Part):
    """A claim that waits to be built. `serial` tells an older request from the current one."""

    serial: int
    order: str
    reason: BuildReason
    actor: str


class Account(_Part):
    """The aggregate, one per encounter. `unposted` are ledger transactions and `moves` steps of denial
    cases that saving writes; they are not state.
    """

    encounter_id: UUID
    facility_id: str = ""
    setting: Setting | None = None
    form: ClaimForm | None = None
    cancelled: str = ""
    captured_cents: Cents | None = None
    captured_version: int = 0
    coverages: tuple[CoverageRef, ...] | None = None
    coverage_version: int = 0
    coding: Coding | None = None
    recoding: bool = False
    open_queries: tuple[UUID, ...] = ()
    ended_queries: tuple[UUID, ...] = ()
    build: Build | None = None
    builds: int = 0
    rebuild_after_answer: bool = False
    late_charges: bool = False
    recodes_asked: tuple[str, ...] = ()  # digests of what coding was asked to look at again
    claims: tuple[Claim, ...] = ()
    denials: tuple[Denial, ...] = ()
    totals: Totals = Totals()
    booked: UUID | None = None  # the charge transaction in force
    closed: bool = False
    coders: tuple[tuple[int, str], ...] = ()  # (case version, who finalised it)
    unposted: tuple[Transaction, ...] = Field(default=(), exclude=True)
    moves: tuple[DenialMove, ...] = Field(default=(), exclude=True)

    # --- reading ---------------------------------------------------------------------------------------

    def claims_of(self, order: str) -> tuple[Claim, ...]:
        """Return the versions for one payer order, oldest first."""
        return tuple(claim for claim in self.claims if claim.order == order)

    def latest(self, order: str) -> Claim | None:
        """Return the newest version for one payer order."""
        versions = self.claims_of(order)
        return versions[-1] if versions else None

    def claim(self, claim_id: UUID) -> Claim | None:
        """Return a claim of this account."""
        return next((claim for claim in self.claims if claim.claim_id == claim_id), None)

    def next_order(self, order: str) -> str | None:
        """Return the order of the payer after this one, when a coverage has it."""
        later = [c.order for c in self.coverages or () if c.order in ORDERS and c.order > order]
        return min(later, key=ORDERS.index, default=None)

    def coverage_of(self, order: str) -> CoverageRef | None:
        """Return the coverage in one order."""
        return next((c for c in self.coverages or () if c.order == order), None)

    @property
    def current(self) -> Claim | None:
        """Return the claim that the account waits on: the newest of the highest order that was built."""
        if len(self.claims) < 2:
            return self.claims[0] if self.claims else None
        standing = [c for c in self.claims if c.state not in (ClaimState.REPLACED, ClaimState.VOIDED)]
        return max(standing or self.claims, key=lambda claim: (ORDERS.index(claim.order), claim.version))

    @property
    def acknowledgements(self) -> tuple[str, ...]:
        """Return what reached the attempts of the current payer's claims, in the order of arrival, each
        once.
        """
        current = self.current
        if current is None:
            return ()
        found = [label for claim in self.claims for a in claim.attempts for label in a.acknowledgements]
        return tuple(dict.fromkeys(found))

    @property
    def receivable(self) -> ReceivableState:
        """Return who owes what is open."""
        totals = self.totals
        if not any(claim.state in LIVE for claim in self.claims) and not totals.charged:
            return ReceivableState.UNBILLED
        if totals.insurance_p:
            return ReceivableState.INSURANCE
        if totals.insurance_s or totals.insurance_t:
            return ReceivableState.SECONDARY
        return ReceivableState.PATIENT if totals.patient else ReceivableState.CLOSED

    @property
    def claim_state(self) -> str:
        """Return the state shown to people."""
        current = self.current
        if self.cancelled and not any(claim.state in IN_FLIGHT | DECIDED for claim in self.claims):
            return "voided"
        if current is None:
            return "draft"
        if current.order != "P" and current.state in UNSENT | IN_FLIGHT | {ClaimState.REJECTED}:
            return "secondary_pending"
        if current.state not in DECIDED:
            return current.state.value
        open_denials = [denial for denial in self.denials if denial.state in OPEN]
        if any(denial.state is DenialState.APPEAL_SUBMITTED for denial in open_denials):
            return "appealed"
        match self.receivable:
            case ReceivableState.INSURANCE:
                return "partially_paid" if self.totals.paid or not open_denials else "denied"
            case ReceivableState.SECONDARY:
                if current.state is ClaimState.CROSSED_OVER:
                    return "crossed_over"
                decided = current.order != "P"
                return ("denied" if open_denials else "partially_paid") if decided else "secondary_pending"
            case ReceivableState.PATIENT:
                return "patient_responsibility"
            case _:
                return "closed"

    @property
    def waiting_for(self) -> str | None:
        """Return what has to happen next, null when nothing has to."""
        if self.cancelled:
            return None if self.claim_state == "voided" else "cancelled"
        current = self.current
        if self.recoding and (current is None or current.state in UNSENT | {ClaimState.REJECTED}):
            return "awaiting_provider" if self.open_queries else "coding"
        if self.build is not None:
            return "secondary_pending" if self.build.order != "P" else "coded"
        if current is None:
            return self._before_claim()
        state = self.claim_state
        if current.state is ClaimState.HELD:
            return _HELD_WAITS.get(current.reasons[0] if current.reasons else "", "edit_failed")
        if current.state is ClaimState.READY:
            return "ready"
        if current.state is ClaimState.REJECTED:
            return "rejected"
        if current.order != "P" and current.state in IN_FLIGHT:
            return "secondary_pending"
        return _WAITS[state]

    def _before_claim(self) -> str:
        if self.open_queries:
            return "awaiting_provider"
        if self.coding is None:
            return "coding"
        return "bill_hold"

    # --- deciding --------------------------------------------------------------------------------------

    def with_claim(self, claim: Claim) -> "Account":
        """Return the account with a claim put in its place, or added."""
        if self.claim(claim.claim_id) is None:
            return self.but(claims=(*self.claims, claim))
        return self.but(claims=tuple(claim if c.claim_id == claim.claim_id else c for c in self.claims))

    def with_denial(self, denial: Denial) -> "Account":
        """Return the account with a denial case put in its place, or added."""
        if any(d.denial_id == denial.denial_id for d in self.denials):
            return self.but(
                denials=tuple(denial if d.denial_id == denial.denial_id else d for d in self.denials)
            )
        return self.but(denials=(*self.denials, denial))

    def posted(self, transaction: Transaction, *, patient_credit: bool = False) -> "Account":
        """Return the account after a ledger transaction; with `patient_credit` the patient may end with a credit.

        Raises: OutOfBalance when it would take more off a receivable than is open there (permanent; to a
        person).
        """
        totals = self.totals.plus(transaction.entries)
        for before, after in (
            (self.totals.insurance_p, totals.insurance_p),
            (self.totals.insurance_s, totals.insurance_s),
            (self.totals.insurance_t, totals.insurance_t),
            (
                Cents(0) if patient_credit else self.totals.patient,
                Cents(0) if patient_credit else totals.patient,
            ),
        ):
            if after < 0 and after < before:
                raise OutOfBalance("more-than-open")
        return self.but(totals=totals, unposted=(*self.unposted, transaction))

    def ready_to_build(self, *, charges_required: bool = True) -> bool:
        """Return whether codes, coverage and charges are there and nothing forbids a claim."""
        return (
            self.coding is not None
            and bool(self.coverages)
            and (self.captured_cents is not None or not charges_required)
            and not self.recoding
            and not self.open_queries
            and not self.cancelled
        )

    def request_build(self, order: str, reason: BuildReason, actor: str) -> "Account":
        """Return the account with a build of the next version for one payer order asked for."""
        serial = self.builds + 1
        return self.but(builds=serial, build=Build(serial=serial, order=order, reason=reason, actor=actor))


def recode_digest(coding: Coding, reasons: tuple[str, ...]) -> str:
    """Return what makes two requests to code again the same: the reasons and the final codes they are about."""
    said = coding.model_dump_json(include={"release", "diagnoses", "procedures"})
    return hashlib.sha256(f"{sorted(reasons)}|{said}".encode()).hexdigest()[:16]


_HELD_WAITS = {"recode": "coding", "query": "awaiting_provider", "CDI-01": "awaiting_provider"}
_WAITS: dict[str, str | None] = {
    "submitted": "submitted",
    "accepted": "in_adjudication",
    "pended": "in_adjudication",
    "denied": "denied",
    "partially_paid": "partially_paid",
    "appealed": "appealed",
    "secondary_pending": "secondary_pending",
    "crossed_over": "secondary_pending",
    "patient_responsibility": "patient_open",
    "reversed": "in_adjudication",
    "closed": None,
    "voided": None,
    "replaced": "in_adjudication",
}


def book_charge(account: Account, transaction_id: UUID, cents: Cents, claim_id: UUID) -> Account:
    """Return the account with its charge booked once; another amount undoes the former booking first.

    `transaction_id` names the new booking; a re-booking is two transactions in one, so that the sums never
    gap. Raises: OutOfBalance when the former charge is already settled in part (a person replaces the claim).
    """
    if account.booked is not None and account.totals.charged == cents:
        return account
    difference = Cents(cents - account.totals.charged)
    if difference == 0:
        return account
    booked = account.posted(ledger.charge(transaction_id, difference, claim_id))
    return booked.but(booked=transaction_id)
