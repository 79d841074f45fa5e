"""Where an encounter stands, folded from every service's facts: states, money, and what it waits for.

Facts of one topic come in order, facts of different topics in any: each handler touches only what its own
topic says, and what the encounter waits for is derived from all of it afterwards.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from rcm_shared.contracts import billing, coding, intake, query
from rcm_shared.contracts.event import Event


class Waiting(StrEnum):
    """What an encounter waits for. CLOSED, CANCELLED and MERGED are terminal: it waits for nothing."""

    RECEIVED = "received"
    HELD_MISSING_DOCUMENT = "held_missing_document"
    CODING = "coding"
    AWAITING_PROVIDER = "awaiting_provider"
    CODED = "coded"
    EDIT_FAILED = "edit_failed"
    BILL_HOLD = "bill_hold"
    READY = "ready"
    SUBMITTED = "submitted"
    IN_ADJUDICATION = "in_adjudication"
    REJECTED = "rejected"
    DENIED = "denied"
    APPEALED = "appealed"
    PARTIALLY_PAID = "partially_paid"
    SECONDARY_PENDING = "secondary_pending"
    PATIENT_OPEN = "patient_open"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    MERGED = "merged"


TERMINAL = frozenset({Waiting.CLOSED, Waiting.CANCELLED, Waiting.MERGED})

#: After which time a state counts as stuck. Starting values; people act within these, machines far sooner.
LIMITS: Mapping[Waiting, timedelta] = MappingProxyType(
    {
        Waiting.RECEIVED: timedelta(days=2),
        Waiting.HELD_MISSING_DOCUMENT: timedelta(days=5),
        Waiting.CODING: timedelta(days=4),
        Waiting.AWAITING_PROVIDER: timedelta(days=6),
        Waiting.CODED: timedelta(hours=1),
        Waiting.EDIT_FAILED: timedelta(days=2),
        Waiting.BILL_HOLD: timedelta(days=5),
        Waiting.READY: timedelta(days=1),
        Waiting.SUBMITTED: timedelta(days=2),
        Waiting.IN_ADJUDICATION: timedelta(days=30),
        Waiting.REJECTED: timedelta(days=2),
        Waiting.DENIED: timedelta(days=5),
        Waiting.APPEALED: timedelta(days=60),
        Waiting.PARTIALLY_PAID: timedelta(days=15),
        Waiting.SECONDARY_PENDING: timedelta(days=30),
        Waiting.PATIENT_OPEN: timedelta(days=120),
    }
)


class ClaimState(StrEnum):
    """The claim's life as people see it (domain model of the claim)."""

    DRAFT = "draft"
    HELD = "held"
    READY = "ready"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PAID = "paid"
    PARTIALLY_PAID = "partially_paid"
    PAID_ZERO = "paid_zero"
    DENIED = "denied"
    APPEALED = "appealed"
    SECONDARY_PENDING = "secondary_pending"
    CROSSED_OVER = "crossed_over"
    REVERSED = "reversed"
    PATIENT_RESPONSIBILITY = "patient_responsibility"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class FinalCode:
    """One final code with its role."""

    system: str
    code: str
    role: str


@dataclass(frozen=True, slots=True)
class QueryView:
    """One provider query as far as its events tell."""

    query_id: UUID
    rule: str
    state: str  # requested, sent, escalated, answered, expired, retracted
    blocks_coding: bool
    level: int = 0
    outcome: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Sequence numbers of a topic that were never seen."""

    topic: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class EncounterView:
    """The read model of one encounter. Money in cents."""

    encounter_id: UUID
    facility_id: str
    first_event_at: datetime
    last_event_at: datetime
    last_type: str = ""
    events: int = 0
    setting: str = ""
    claim_form: str = ""
    source: str = ""
    source_format: str = ""
    service_through: date | None = None
    intake_state: str = ""  # registered, documentation_complete, cancelled, merged
    charges_captured: bool = False
    payers: tuple[str, ...] = ()  # responsible orders: P, S, T
    coding_state: str = ""  # coding, coded, reopened
    codes: tuple[FinalCode, ...] = ()
    drg: str | None = None
    requested: tuple[QueryView, ...] = ()  # as coding asked for them
    sent: tuple[QueryView, ...] = ()  # as query reports them
    claim_id: UUID | None = None
    claim_state: str = ""
    payer_order: str = ""
    hold_reasons: tuple[str, ...] = ()
    owner_queue: str = ""
    acknowledgements: tuple[str, ...] = ()
    charged_cents: int = 0
    paid_cents: int = 0
    adjusted_cents: int = 0
    patient_cents: int = 0  # moved to the patient
    patient_paid_cents: int = 0
    closed: bool = False
    closing_difference_cents: int = 0  # closing totals of billing against the postings seen here
    sequences: tuple[tuple[str, int], ...] = ()
    gaps: tuple[Gap, ...] = ()
    waiting: Waiting = Waiting.RECEIVED
    waiting_since: datetime | None = None

    @property
    def open_cents(self) -> int:
        """What is charged and neither paid nor adjusted: with insurance and with the patient."""
        return self.charged_cents - self.paid_cents - self.adjusted_cents

    @property
    def patient_open_cents(self) -> int:
        """What the patient still owes."""
        return self.patient_cents - self.patient_paid_cents

    @property
    def balance_cents(self) -> int:
        """What is open with insurance."""
        return self.open_cents - self.patient_open_cents

    @property
    def waiting_for(self) -> str | None:
        """The waiting state, or None when it is terminal."""
        return None if self.waiting in TERMINAL else self.waiting.value

    def queries(self) -> tuple[QueryView, ...]:
        """Return every query once; what the query service says goes before what coding asked."""
        known = {query.query_id for query in self.sent}
        return (*self.sent, *(query for query in self.requested if query.query_id not in known))

    @property
    def query_state(self) -> str:
        """The state of the latest query, or empty."""
        queries = self.queries()
        return queries[-1].state if queries else ""


Changes = dict[str, Any]


def _registered(_view: EncounterView, event: intake.EncounterRegistered) -> Changes:
    return {
        "setting": event.setting.value,
        "claim_form": event.claim_form.value,
        "source": event.source,
        "source_format": event.source_format,
        "service_through": event.service_through,
        "intake_state": "registered",
    }


def _completed(_view: EncounterView, event: intake.DocumentationCompleted) -> Changes:
    return {
        "setting": event.setting.value,
        "claim_form": event.claim_form.value,
        "service_through": event.service_through,
        "intake_state": "documentation_complete",
    }


def _cancelled(_view: EncounterView, _event: intake.EncounterCancelled) -> Changes:
    return {"intake_state": "cancelled"}


def _merged(view: EncounterView, event: intake.EncountersMerged) -> Changes:
    return {"intake_state": "merged"} if event.merged_id == view.encounter_id else {}


def _charges(_view: EncounterView, _event: intake.ChargesCaptured) -> Changes:
    return {"charges_captured": True}


def _coverage(_view: EncounterView, event: intake.CoverageVerified) -> Changes:
    return {"payers": tuple(coverage.order for coverage in event.coverages)}


def _coding_started(_view: EncounterView, _event: coding.CodingStarted) -> Changes:
    return {"coding_state": "coding"}


def _query_requested(view: EncounterView, event: coding.QueryRequested) -> Changes:
    asked = QueryView(event.query_id, event.rule, "requested", event.blocks_coding)
    return {"requested": (*(q for q in view.requested if q.query_id != event.query_id), asked)}


def _finalised(_view: EncounterView, event: coding.CodingFinalised) -> Changes:
    diagnoses = tuple(FinalCode("ICD-10-CM", d.code, d.role) for d in event.diagnoses)
    procedures = tuple(FinalCode(p.system, p.code, "procedure") for p in event.procedures)
    return {
        "coding_state": "coded",
        "codes": diagnoses + procedures,
        "drg": event.drg,
        "setting": event.setting.value,
        "claim_form": event.claim_form.value,
        "service_through": event.service_through,
    }


def _reopened(_view: EncounterView, _event: coding.CodingReopened) -> Changes:
    return {"coding_state": "reopened"}


def _with_query(view: EncounterView, query_id: UUID, **changes: Any) -> Changes:
    known = next((q for q in view.queries() if q.query_id == query_id), None)
    updated = replace(known or QueryView(query_id, "", "", True), **changes)
    return {"sent": (*(q for q in view.sent if q.query_id != query_id), updated)}


def _query_sent(view: EncounterView, event: query.QuerySent) -> Changes:
    return _with_query(
        view,
        event.query_id,
        rule=event.rule,
        state="sent",
        blocks_coding=event.blocks_coding,
        due_at=event.due_at,
    )


def _query_answered(view: EncounterView, event: query.QueryAnswered) -> Changes:
    return _with_query(view, event.query_id, state="answered", outcome=event.outcome, due_at=None)


def _query_escalated(view: EncounterView, event: query.QueryEscalated) -> Changes:
    return _with_query(view, event.query_id, state="escalated", level=event.level, due_at=event.due_at)


def _query_expired(view: EncounterView, event: query.QueryExpired) -> Changes:
    return _with_query(view, event.query_id, state="expired", due_at=None)


def _query_retracted(view: EncounterView, event: query.QueryRetracted) -> Changes:
    return _with_query(view, event.query_id, state="retracted", due_at=None)


def _drafted(_view: EncounterView, event: billing.ClaimDrafted) -> Changes:
    return {
        "claim_id": event.claim_id,
        "claim_state": ClaimState.DRAFT if event.payer_order == "P" else ClaimState.SECONDARY_PENDING,
        "payer_order": event.payer_order,
        "hold_reasons": (),
        "owner_queue": "",
        "closed": False,
    }


def _held(_view: EncounterView, event: billing.ClaimHeld) -> Changes:
    return {
        "claim_id": event.claim_id,
        "claim_state": ClaimState.HELD,
        "hold_reasons": event.reasons,
        "owner_queue": event.owner_queue,
    }


def _on_the_way(state: ClaimState) -> Callable[[EncounterView, Any], Changes]:
    """A step of the claim towards the payer; for a later payer's claim it stays "secondary pending"."""

    def apply(view: EncounterView, _event: Any) -> Changes:
        later = view.payer_order in ("S", "T")
        return {
            "claim_state": ClaimState.SECONDARY_PENDING if later else state,
            "hold_reasons": (),
            "owner_queue": "",
        }

    return apply


def _with_acknowledgement(view: EncounterView, label: str) -> tuple[str, ...]:
    """Return what reached the claims in the order of arrival, each once."""
    return tuple(dict.fromkeys((*view.acknowledgements, label)))


def _acknowledged(view: EncounterView, event: billing.ClaimAcknowledged) -> Changes:
    changes: Changes = {"acknowledgements": _with_acknowledgement(view, event.acknowledgement)}
    if event.acknowledgement == "277CA:A2" and view.claim_state == ClaimState.SUBMITTED:
        changes["claim_state"] = ClaimState.ACCEPTED
    return changes


def _rejected(view: EncounterView, event: billing.ClaimRejected) -> Changes:
    return {
        "claim_state": ClaimState.REJECTED,
        "acknowledgements": _with_acknowledgement(view, event.acknowledgement),
    }


_FORWARDED = frozenset({"19", "20", "21"})
_REVERSAL, _DENIAL = "22", "4"


def _adjudicated(_view: EncounterView, event: billing.ClaimAdjudicated) -> Changes:
    if event.status == _REVERSAL:
        state = ClaimState.REVERSED
    elif event.status == _DENIAL:
        state = ClaimState.DENIED
    elif event.status in _FORWARDED:
        state = ClaimState.CROSSED_OVER
    else:
        state = ClaimState.PAID if event.paid_cents else ClaimState.PAID_ZERO
    return {"claim_state": state}


#: Sources whose money is the patient's own; elsewhere `to_patient_cents` tells how the patient's share changes.
_PATIENT_MONEY = frozenset({"patient", "refund"})
#: A share that an 835 moves to the patient is no adjustment; what is written off is one, whatever group denied it.
_WRITTEN_OFF = frozenset({"write-off", "undo"})


def _posted(view: EncounterView, event: billing.PaymentPosted) -> Changes:
    every = event.source in _WRITTEN_OFF
    adjusted = sum(a.cents for a in event.adjustments if every or a.group != "PR")
    by_patient = event.paid_cents if event.source in _PATIENT_MONEY else 0
    return {
        "charged_cents": view.charged_cents + event.charged_cents,
        "paid_cents": view.paid_cents + event.paid_cents,
        "adjusted_cents": view.adjusted_cents + adjusted,
        "patient_cents": view.patient_cents + event.to_patient_cents,
        "patient_paid_cents": view.patient_paid_cents + by_patient,
        "closed": False,
    }


def _denied(_view: EncounterView, _event: billing.ClaimDenied) -> Changes:
    return {"claim_state": ClaimState.DENIED}


def _appealed(_view: EncounterView, _event: billing.AppealFiled) -> Changes:
    return {"claim_state": ClaimState.APPEALED}


def _closed(view: EncounterView, event: billing.AccountClosed) -> Changes:
    return {
        "closed": True,
        "closing_difference_cents": abs(event.charged_cents - view.charged_cents)
        + abs(event.paid_cents - view.paid_cents)
        + abs(event.adjusted_cents - view.adjusted_cents)
        + abs(view.open_cents),
    }


def _nothing(_view: EncounterView, _event: Event) -> Changes:
    return {}


FOLD: Mapping[type[Event], Callable[[EncounterView, Any], Changes]] = MappingProxyType(
    {
        intake.EncounterRegistered: _registered,
        intake.DocumentationCompleted: _completed,
        intake.DocumentationAmended: _nothing,
        intake.EncounterCancelled: _cancelled,
        intake.EncountersMerged: _merged,
        intake.ChargesCaptured: _charges,
        intake.CoverageVerified: _coverage,
        coding.CodingStarted: _coding_started,
        coding.SuggestionsProposed: _nothing,
        coding.QueryRequested: _query_requested,
        coding.CodingFinalised: _finalised,
        coding.CodingReopened: _reopened,
        query.QuerySent: _query_sent,
        query.QueryAnswered: _query_answered,
        query.QueryEscalated: _query_escalated,
        query.QueryExpired: _query_expired,
        query.QueryRetracted: _query_retracted,
        billing.ClaimDrafted: _drafted,
        billing.ClaimHeld: _held,
        billing.ClaimReleased: _on_the_way(ClaimState.READY),
        billing.ClaimSubmitted: _on_the_way(ClaimState.SUBMITTED),
        billing.ClaimAcknowledged: _acknowledged,
        billing.ClaimRejected: _rejected,
        billing.ClaimAdjudicated: _adjudicated,
        billing.PaymentPosted: _posted,
        billing.ClaimDenied: _denied,
        billing.AppealFiled: _appealed,
        billing.RecodeRequested: _nothing,
        billing.ClaimStatusReported: _nothing,
        billing.TimelyFilingWarned: _nothing,
        billing.UnderpaymentFound: _nothing,
        billing.DenialMoved: _nothing,
        billing.StatementIssued: _nothing,
        billing.PayerRequestReceived: _nothing,
        billing.AccountClosed: _closed,
    }
)

#: Bodies that change nothing in the view; their events are counted without being decoded.
COUNTED_ONLY = frozenset(cls.TYPE for cls, handler in FOLD.items() if handler is _nothing)
#: Types whose key is no encounter; all others, also those that this release does not know, are about one.
NOT_ABOUT_ENCOUNTERS = frozenset({coding.CodesetReleaseActivated.TYPE})

_OPEN_QUERY = frozenset({"requested", "sent", "escalated"})
_BILL_HOLD = frozenset({"bill-hold", "bill_hold"})
_QUERY_HOLD = frozenset({"query"})
_BY_CLAIM_STATE: Mapping[str, Waiting] = MappingProxyType(
    {
        ClaimState.READY: Waiting.READY,
        ClaimState.DRAFT: Waiting.CODED,
        ClaimState.SUBMITTED: Waiting.SUBMITTED,
        ClaimState.ACCEPTED: Waiting.IN_ADJUDICATION,
        ClaimState.REJECTED: Waiting.REJECTED,
        ClaimState.DENIED: Waiting.DENIED,
        ClaimState.APPEALED: Waiting.APPEALED,
        ClaimState.SECONDARY_PENDING: Waiting.SECONDARY_PENDING,
        ClaimState.CROSSED_OVER: Waiting.SECONDARY_PENDING,
        ClaimState.REVERSED: Waiting.PARTIALLY_PAID,
    }
)


def waiting_of(view: EncounterView) -> Waiting:
    """Derive what an encounter waits for from the states of all services."""
    if view.intake_state in ("cancelled", "merged"):
        return Waiting(view.intake_state)
    if view.closed:
        return Waiting.CLOSED
    asked = any(query.state in _OPEN_QUERY and query.blocks_coding for query in view.queries())
    if view.coding_state == "reopened":
        return Waiting.AWAITING_PROVIDER if asked else Waiting.CODING
    if view.claim_state == ClaimState.HELD:
        if set(view.hold_reasons) & _QUERY_HOLD or view.owner_queue == "provider":
            return Waiting.AWAITING_PROVIDER
        held_by_time = bool(view.hold_reasons) and set(view.hold_reasons) <= _BILL_HOLD
        return Waiting.BILL_HOLD if held_by_time else Waiting.EDIT_FAILED
    if view.claim_state in _BY_CLAIM_STATE:
        return _BY_CLAIM_STATE[view.claim_state]
    if view.claim_state:
        return Waiting.PATIENT_OPEN if view.patient_open_cents > 0 else Waiting.PARTIALLY_PAID
    if view.coding_state == "coded":
        return Waiting.CODED
    if asked:
        return Waiting.AWAITING_PROVIDER
    if view.coding_state or view.intake_state == "documentation_complete":
        return Waiting.CODING
    return Waiting.HELD_MISSING_DOCUMENT if view.charges_captured else Waiting.RECEIVED


def shown_claim_state(view: EncounterView) -> str:
    """Return the claim state for people: what a paid claim has become on the patient's side comes first."""
    if view.closed:
        return ClaimState.CLOSED
    if view.claim_state == ClaimState.PAID and view.patient_open_cents > 0:
        return ClaimState.PATIENT_RESPONSIBILITY
    if view.claim_state == ClaimState.PAID and view.balance_cents > 0:
        return ClaimState.PARTIALLY_PAID
    return view.claim_state


@dataclass(frozen=True, slots=True)
class Fact:
    """One event as the fold needs it; `event` is None for types that are only counted or cannot be read."""

    type: str
    topic: str
    sequence: int
    time: datetime
    facility_id: str
    event: Event | None


def apply_fact(view: EncounterView | None, key: UUID, fact: Fact, *, now: datetime) -> EncounterView:
    """Fold one event into the view; sequence numbers left out become gaps, late ones fill them."""
    if view is None:
        view = EncounterView(key, fact.facility_id, first_event_at=fact.time, last_event_at=fact.time)
    changes: Changes = {}
    if fact.event is not None:
        handler = FOLD.get(type(fact.event))
        if handler is not None:
            changes = handler(view, fact.event)
    seen = dict(view.sequences)
    last = seen.get(fact.topic, 0)
    if fact.sequence > last + 1:
        changes["gaps"] = (*view.gaps, Gap(fact.topic, last + 1, fact.sequence - 1))
    elif fact.sequence <= last:
        changes["gaps"] = _fill(view.gaps, fact.topic, fact.sequence)
    seen[fact.topic] = max(last, fact.sequence)
    after = replace(
        view,
        facility_id=fact.facility_id or view.facility_id,
        first_event_at=min(view.first_event_at, fact.time),
        last_event_at=max(view.last_event_at, fact.time),
        last_type=fact.type if fact.time >= view.last_event_at else view.last_type,
        events=view.events + 1,
        sequences=tuple(sorted(seen.items())),
        **changes,
    )
    waiting = waiting_of(after)
    if waiting is not view.waiting or view.waiting_since is None:
        return replace(after, waiting=waiting, waiting_since=now)
    return after


def _fill(gaps: tuple[Gap, ...], topic: str, sequence: int) -> tuple[Gap, ...]:
    result: list[Gap] = []
    for gap in gaps:
        if gap.topic != topic or not gap.first <= sequence <= gap.last:
            result.append(gap)
            continue
        if gap.first < sequence:
            result.append(Gap(topic, gap.first, sequence - 1))
        if sequence < gap.last:
            result.append(Gap(topic, sequence + 1, gap.last))
    return tuple(result)


def stuck_after(waiting: Waiting) -> timedelta | None:
    """Return the limit of a waiting state, or None for a terminal one."""
    return LIMITS.get(waiting)


def is_stuck(view: EncounterView, now: datetime) -> bool:
    """Tell whether the encounter has stood in its state for longer than the state's limit."""
    limit = LIMITS.get(view.waiting)
    return limit is not None and view.waiting_since is not None and now - view.waiting_since > limit
