"""Facts that billing publishes on `rcm.billing.claim`, keyed by encounter id."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from pydantic.dataclasses import dataclass

from rcm_shared.contracts.event import Event, Linked, Plain
from rcm_shared.money import Cents


@dataclass(frozen=True, slots=True)
class AppliedAdjustment:
    """One posted adjustment: group CO, PR, OA or PI with its reason code."""

    group: Plain[str]
    code: Plain[str]
    cents: Linked[Cents]


class ClaimDrafted(Event):
    """A claim version was built from codes, charges and coverage."""

    TYPE: ClassVar[str] = "rcm.billing.claim-drafted.v1"
    facility_id: Plain[str]
    claim_id: Plain[UUID]
    version: Plain[int]
    payer_id: Plain[str]
    payer_order: Plain[str]  # P, S, T
    form: Plain[str]  # 837P, 837I
    frequency: Plain[str]  # 1, 7, 8
    charge_cents: Linked[Cents]


class ClaimHeld(Event):
    """The scrubber or a state holds the claim; every reason names its rule and the queue that owns it."""

    TYPE: ClassVar[str] = "rcm.billing.claim-held.v1"
    facility_id: Plain[str]
    claim_id: Plain[UUID]
    reasons: Plain[tuple[str, ...]]  # rule ids such as "DX-01", or "query", "coverage"
    owner_queue: Plain[str]  # coder, biller, registration, provider


class ClaimReleased(Event):
    """The claim passed its edits and may go into a batch."""

    TYPE: ClassVar[str] = "rcm.billing.claim-released.v1"
    facility_id: Plain[str]
    claim_id: Plain[UUID]
    version: Plain[int]


class ClaimSubmitted(Event):
    """The claim's bytes are frozen with their control numbers in an interchange."""

    TYPE: ClassVar[str] = "rcm.billing.claim-submitted.v1"
    facility_id: Plain[str]
    claim_id: Plain[UUID]
    version: Plain[int]
    attempt_id: Plain[UUID]
    claim_control: Plain[str]  # CLM01
    interchange_control: Plain[str]  # ISA13


class ClaimAcknowledged(Event):
    """An acknowledgement reached the claim."""

    TYPE: ClassVar[str] = "rcm.billing.claim-acknowledged.v1"
    facility_id: Plain[str]
    claim_id: Plain[UUID]
    attempt_id: Plain[UUID]
    acknowledgement: Plain[str]  # "TA1:A", "999:A", "277CA:A2"


class ClaimRejected(Event):
    """The claim was refused before adjudication: it does not count as filed; correct it and send it as an original."""

    TYPE: ClassVar[str] = "rcm.billing.claim-rejected.v1"
    facility_id: Plain[str]
    claim_id: Plain[UUID]
    attempt_id: Plain[UUID]
    acknowledgement: Plain[str]
    status_codes: Plain[tuple[str, ...]]  # claim status codes such as "164"


class ClaimAdjudicated(Event):
    """The payer decided; `status` is CLP02."""

    TYPE: ClassVar[str] = "rcm.billing.claim-adjudicated.v1"
    facility_id: Plain[str]
    claim_id: Plain[UUID]
    payer_id: Plain[str]
    status: Plain[str]
    payer_control: Plain[str]
    charge_cents: Linked[Cents]
    paid_cents: Linked[Cents]
    patient_cents: Linked[Cents]


class PaymentPosted(Event):
    """Money reached the ledger: a balanced transaction."""

    TYPE: ClassVar[str] = "rcm.billing.payment-posted.v1"
    facility_id: Plain[str]
    transaction_id: Plain[UUID]
    source: Plain[str]  # "charge", "835", "patient", "reversal", "write-off", "refund", "transfer", "undo"
    paid_cents: Linked[Cents]
    adjustments: Linked[tuple[AppliedAdjustment, ...]] = ()
    charged_cents: Linked[Cents] = Cents(0)  # set by the transaction that books the charge
    to_patient_cents: Linked[Cents] = Cents(0)


class ClaimDenied(Event):
    """The payer denied a line or the whole claim; a denial case is open. Never written off by itself."""

    TYPE: ClassVar[str] = "rcm.billing.claim-denied.v1"
    facility_id: Plain[str]
    claim_id: Plain[UUID]
    denial_id: Plain[UUID]
    group: Plain[str]
    carc: Plain[str]
    denied_cents: Linked[Cents]
    category: Plain[str]


class AppealFiled(Event):
    """An appeal left for the payer."""

    TYPE: ClassVar[str] = "rcm.billing.appeal-filed.v1"
    facility_id: Plain[str]
    claim_id: Plain[UUID]
    denial_id: Plain[UUID]
    level: Plain[int]
    deadline_at: Plain[datetime | None] = None


class RecodeRequested(Event):
    """A scrubber hit or denial goes back to the coder."""

    TYPE: ClassVar[str] = "rcm.billing.recode-requested.v1"
    facility_id: Plain[str]
    claim_id: Plain[UUID]
    reasons: Plain[tuple[str, ...]]


class ClaimStatusReported(Event):
    """The payer answered a claim status inquiry, or told the status of its own accord (277)."""

    TYPE: ClassVar[str] = "rcm.billing.claim-status-reported.v1"
    facility_id: Plain[str]
    claim_id: Plain[UUID]
    attempt_id: Plain[UUID]
    category: Plain[str]  # claim status category such as "P1", "F2", "R4", "A4"
    status_codes: Plain[tuple[str, ...]]


class TimelyFilingWarned(Event):
    """A claim that no payer has accepted has used most of its filing window, or all of it."""

    TYPE: ClassVar[str] = "rcm.billing.timely-filing-warned.v1"
    facility_id: Plain[str]
    claim_id: Plain[UUID | None]  # None: no claim was built yet
    payer_id: Plain[str]
    last_day: Linked[date]
    expired: Plain[bool]


class UnderpaymentFound(Event):
    """A payer allowed less than the contract or fee schedule says; a variance case is open."""

    TYPE: ClassVar[str] = "rcm.billing.underpayment-found.v1"
    facility_id: Plain[str]
    claim_id: Plain[UUID]
    variance_id: Plain[UUID]
    payer_id: Plain[str]
    expected_cents: Linked[Cents]
    allowed_cents: Linked[Cents]


class DenialMoved(Event):
    """A denial case went to another state: triaged, worked, resubmitted, appealed, decided, written off, closed."""

    TYPE: ClassVar[str] = "rcm.billing.denial-moved.v1"
    facility_id: Plain[str]
    claim_id: Plain[UUID]
    denial_id: Plain[UUID]
    state: Plain[str]
    level: Plain[int] = 0
    reason: Plain[str] = ""  # a code, such as "routed", "payer-decision", "deadline-expired"


class StatementIssued(Event):
    """A statement of the patient's share was issued."""

    TYPE: ClassVar[str] = "rcm.billing.statement-issued.v1"
    facility_id: Plain[str]
    statement_id: Plain[UUID]
    serial: Plain[int]  # first, second, … statement of this account
    due_on: Linked[date]
    open_cents: Linked[Cents]


class PayerRequestReceived(Event):
    """A payer asks for records or audits a claim; a request case with a due date is open."""

    TYPE: ClassVar[str] = "rcm.billing.payer-request-received.v1"
    facility_id: Plain[str]
    claim_id: Plain[UUID]
    request_id: Plain[UUID]
    kind: Plain[str]  # "medical-records", "audit"
    due_on: Linked[date]


class AccountClosed(Event):
    """Nothing is open with any insurance or the patient; the account's balance is zero."""

    TYPE: ClassVar[str] = "rcm.billing.account-closed.v1"
    facility_id: Plain[str]
    charged_cents: Linked[Cents]
    paid_cents: Linked[Cents]
    adjusted_cents: Linked[Cents]
