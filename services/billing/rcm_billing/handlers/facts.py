"""What billing does with the facts of intake, coding and query: one pure decision per event type.

Topics arrive in any order, so every decision only adds its fact and asks whether a claim can be built now.
"""

from datetime import timedelta
from uuid import UUID

from rcm_shared.contracts.billing import ClaimHeld
from rcm_shared.contracts.coding import CodingFinalised, CodingReopened, QueryRequested
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.intake import (
    ChargesCaptured,
    CoverageVerified,
    EncounterCancelled,
    EncounterRegistered,
    EncountersMerged,
)
from rcm_shared.contracts.query import QueryAnswered, QueryExpired, QueryRetracted, QuerySent
from rcm_shared.ids import derived_uuid
from rcm_shared.messaging.decide import Decision, FiredTimer, Moment
from rcm_shared.messaging.uow import SetTimer, Work

from rcm_billing.domain.account import Account, BuildReason, Coding
from rcm_billing.domain.claim import IN_FLIGHT, UNSENT, ClaimState
from rcm_billing.domain.posting import take_charge_back
from rcm_billing.domain.submission import SYSTEM

BUILD_CLAIM = "build-claim"
CHARGES_WAIT = "charges-wait"
CHARGES_WAIT_DAYS = 3  # the usual bill hold; after it the claim is built from codes and chargemaster
RECODE = "recode"

_Result = Decision[Account]


def _opened(account: Account | None, moment: Moment, facility_id: str) -> Account:
    account = account or Account(encounter_id=moment.key)
    return account if account.facility_id else account.but(facility_id=facility_id)


def _decide(account: Account, moment: Moment, reason: BuildReason | None = None) -> _Result:
    """Ask for the primary claim when everything is there and nothing was built yet (or `reason` wants
    another).
    """
    latest = account.latest("P")
    wanted = reason is not None or latest is None
    if wanted and account.build is None and account.ready_to_build():
        account = account.request_build("P", reason or BuildReason.CODED, SYSTEM)
        return Decision(account, work=(Work(BUILD_CLAIM),))
    waits = (
        latest is None and account.captured_cents is None and account.ready_to_build(charges_required=False)
    )
    if waits:
        due = moment.now + timedelta(days=CHARGES_WAIT_DAYS)
        return Decision(account, timers=(SetTimer(CHARGES_WAIT, due),))
    return Decision(account)


def _rebuild_unsent(account: Account) -> BuildReason | None:
    latest = account.latest("P")
    return BuildReason.CODED if latest is not None and latest.state in UNSENT else None


def register(account: Account | None, event: EncounterRegistered, moment: Moment) -> _Result:
    """Open the account."""
    opened = _opened(account, moment, event.facility_id)
    if opened.coding is not None:
        return Decision(opened)
    return Decision(opened.but(setting=event.setting, form=event.claim_form))


def capture_charges(account: Account | None, event: ChargesCaptured, moment: Moment) -> _Result:
    """Note the captured charges; unsent claims are built again, for sent ones the late charge is marked."""
    account = _opened(account, moment, event.facility_id)
    if event.record_version < account.captured_version:
        return Decision()
    changed = account.captured_cents is not None and account.captured_cents != event.total_cents
    latest = account.latest("P")
    sent = latest is not None and latest.state not in UNSENT
    account = account.but(
        captured_cents=event.total_cents,
        captured_version=event.record_version,
        late_charges=account.late_charges or (sent and changed),
    )
    return _again_when_building(account, moment)


def verify_coverage(account: Account | None, event: CoverageVerified, moment: Moment) -> _Result:
    """Note who pays in which order."""
    account = _opened(account, moment, event.facility_id)
    if event.record_version < account.coverage_version:
        return Decision()
    account = account.but(coverages=event.coverages, coverage_version=event.record_version)
    return _again_when_building(account, moment)


def _again_when_building(account: Account, moment: Moment) -> _Result:
    """A newer record outdates a build in progress and an unsent claim."""
    if account.build is not None:
        build = account.build
        account = account.request_build(build.order, build.reason, build.actor)
        return Decision(account, work=(Work(BUILD_CLAIM),))
    return _decide(account, moment, _rebuild_unsent(account))


def cancel(account: Account | None, event: EncounterCancelled, moment: Moment) -> _Result:
    """Void what was not sent; what was stays visible as cancelled until a person voids it with the payer."""
    return _cancelled(_opened(account, moment, event.facility_id), event.reason)


def merge(account: Account | None, event: EncountersMerged, moment: Moment) -> _Result:
    """Bill the survivor only."""
    if event.merged_id != moment.key:
        return Decision()
    return _cancelled(_opened(account, moment, event.facility_id), "merged")


def _cancelled(account: Account, reason: str) -> _Result:
    events: tuple[Event, ...] = ()
    for claim in account.claims:
        if claim.state in UNSENT or claim.state is ClaimState.REJECTED:
            account = account.with_claim(claim.move(ClaimState.VOIDED))
    account = account.but(cancelled=reason, build=None)
    if account.totals.charged and all(claim.state is ClaimState.VOIDED for claim in account.claims):
        # nothing of it is with a payer
        last = account.claims[-1]
        charge_id = derived_uuid(last.claim_id, "charge-cancelled")
        account, event = take_charge_back(account, charge_id, last.claim_id)
        events = (event,)
    return Decision(account, events)


def finalise(account: Account | None, event: CodingFinalised, moment: Moment) -> _Result:
    """Take the final codes; a later version of them leads to another claim version."""
    account = _opened(account, moment, event.facility_id)
    if account.coding is not None and event.case_version < account.coding.case_version:
        return Decision()
    coding = Coding.model_construct(
        case_version=event.case_version,
        setting=event.setting,
        form=event.claim_form,
        service_from=event.service_from,
        service_through=event.service_through,
        release=event.release,
        diagnoses=event.diagnoses,
        procedures=event.procedures,
        drg=event.drg,
        not_evaluated=event.edits_not_evaluated,
        automatic=event.automatic,
    )
    account = account.but(
        coding=coding,
        setting=event.setting,
        form=event.claim_form,
        recoding=False,
        coders=(
            *(c for c in account.coders if c[0] != event.case_version),
            (event.case_version, event.actor),
        ),
    )
    latest = account.latest("P")
    if account.build is not None:
        account = account.but(build=None)
    if latest is None:
        return _decide(account, moment)
    if latest.state in IN_FLIGHT:
        return Decision(account.but(rebuild_after_answer=True))
    return _decide(account, moment, BuildReason.RECODED)


def reopen(account: Account | None, event: CodingReopened, moment: Moment) -> _Result:
    """The chart is back with the coder: nothing unsent may leave."""
    account = _opened(account, moment, event.facility_id)
    if account.coding is not None and event.case_version < account.coding.case_version:
        return Decision()
    events: list[Event] = []
    for claim in account.claims:
        if claim.state is ClaimState.READY or (
            claim.state is ClaimState.HELD and RECODE not in claim.reasons
        ):
            held = claim.move(ClaimState.HELD, reasons=(RECODE, *claim.reasons), owner_queue="coder")
            account = account.with_claim(held)
            events.append(
                ClaimHeld(
                    actor=SYSTEM,
                    facility_id=account.facility_id,
                    claim_id=claim.claim_id,
                    reasons=held.reasons,
                    owner_queue="coder",
                )
            )
    return Decision(account.but(recoding=True, build=None), tuple(events))


def open_query(account: Account | None, event: QueryRequested | QuerySent, moment: Moment) -> _Result:
    """A question that blocks coding is open, unless its end was already seen on the other topic."""
    account = _opened(account, moment, event.facility_id)
    if (
        not event.blocks_coding
        or event.query_id in account.ended_queries
        or event.query_id in account.open_queries
    ):
        return Decision(account)
    return Decision(account.but(open_queries=(*account.open_queries, event.query_id)))


def end_query(
    account: Account | None, event: QueryAnswered | QueryExpired | QueryRetracted, moment: Moment
) -> _Result:
    """A question is over; a claim that waited for it may go on."""
    account = _opened(account, moment, event.facility_id)
    account = account.but(
        open_queries=_without(account.open_queries, event.query_id),
        ended_queries=(*_without(account.ended_queries, event.query_id), event.query_id),
    )
    latest = account.latest("P")
    held = latest is not None and latest.state is ClaimState.HELD and "CDI-01" in latest.reasons
    return _decide(account, moment, BuildReason.CODED if held else None)


def _without(ids: tuple[UUID, ...], one: UUID) -> tuple[UUID, ...]:
    return tuple(known for known in ids if known != one)


def charges_overdue(account: Account | None, timer: FiredTimer, moment: Moment) -> _Result:
    """No charge came within the bill hold: build from codes and chargemaster."""
    if (
        account is None
        or account.claims
        or account.build
        or not account.ready_to_build(charges_required=False)
    ):
        return Decision()
    return Decision(account.request_build("P", BuildReason.CODED, SYSTEM), work=(Work(BUILD_CLAIM),))
