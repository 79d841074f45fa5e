"""Where an encounter stands: waiting states, money, gaps, and independence of the order between topics."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rcm_audit.domain.encounter_view import (
    FOLD,
    LIMITS,
    TERMINAL,
    EncounterView,
    Fact,
    Gap,
    Waiting,
    apply_fact,
    is_stuck,
    shown_claim_state,
)
from rcm_shared.contracts import billing, coding, intake, query
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.topics import read_by
from rcm_shared.money import Cents

KEY, CLAIM, QUERY, DENIAL, TX = (UUID(int=n) for n in range(1, 6))
NOW = datetime(2026, 9, 28, tzinfo=UTC)
DAY = date(2026, 9, 1)
BASE = {"actor": "system:test", "facility_id": "F"}

REGISTERED = intake.EncounterRegistered(
    **BASE,
    setting=intake.Setting.OFFICE,
    claim_form=intake.ClaimForm.PROFESSIONAL,
    service_from=DAY,
    service_through=DAY,
    source="demo-ehr",
    source_format="json",
)
COMPLETED = intake.DocumentationCompleted(
    **BASE,
    setting=intake.Setting.OFFICE,
    claim_form=intake.ClaimForm.PROFESSIONAL,
    service_from=DAY,
    service_through=DAY,
    record_version=1,
)
CHARGES = intake.ChargesCaptured(**BASE, record_version=1, charges=(), total_cents=Cents(0))
CANCELLED = intake.EncounterCancelled(**BASE, reason="cancelled")
STARTED = coding.CodingStarted(**BASE, case_version=1)
REQUESTED = coding.QueryRequested(
    **BASE, query_id=QUERY, rule="heart-failure-type", indicators=(), provider_id="P", blocks_coding=True
)
SENT = query.QuerySent(**BASE, query_id=QUERY, rule="heart-failure-type", provider_id="P", due_at=NOW)
ESCALATED = query.QueryEscalated(**BASE, query_id=QUERY, level=1, due_at=NOW)
ANSWERED = query.QueryAnswered(
    **BASE, query_id=QUERY, outcome="agreed", answer_id=TX, answer_sha256="0", provider_id="P"
)
FINALISED = coding.CodingFinalised(
    **BASE,
    case_version=1,
    setting=intake.Setting.OFFICE,
    claim_form=intake.ClaimForm.PROFESSIONAL,
    service_from=DAY,
    service_through=DAY,
    release="r",
    diagnoses=(coding.FinalDiagnosis("I10", "first-listed"),),
    procedures=(coding.FinalProcedure("CPT", "99213", DAY, modifiers=("25",)),),
)
REOPENED = coding.CodingReopened(**BASE, case_version=2, reason="recode-requested")


def drafted(order: str = "P") -> billing.ClaimDrafted:
    return billing.ClaimDrafted(
        **BASE,
        claim_id=CLAIM,
        version=1,
        payer_id="DHP01",
        payer_order=order,
        form="837P",
        frequency="1",
        charge_cents=Cents(10000),
    )


def held(*reasons: str, queue: str = "biller") -> billing.ClaimHeld:
    return billing.ClaimHeld(**BASE, claim_id=CLAIM, reasons=reasons, owner_queue=queue)


def posted(source: str, **cents: int) -> billing.PaymentPosted:
    adjusted = cents.pop("adjusted", 0)
    adjustments = (billing.AppliedAdjustment("CO", "45", Cents(adjusted)),) if adjusted else ()
    amounts = {f"{name}_cents": Cents(value) for name, value in cents.items()}
    amounts.setdefault("paid_cents", Cents(0))
    return billing.PaymentPosted.model_validate(
        {**BASE, "transaction_id": TX, "source": source, "adjustments": adjustments, **amounts}
    )


def adjudicated(status: str = "1", paid: int = 0, patient: int = 0) -> billing.ClaimAdjudicated:
    return billing.ClaimAdjudicated(
        **BASE,
        claim_id=CLAIM,
        payer_id="DHP01",
        status=status,
        payer_control="C",
        charge_cents=Cents(10000),
        paid_cents=Cents(paid),
        patient_cents=Cents(patient),
    )


RELEASED = billing.ClaimReleased(**BASE, claim_id=CLAIM, version=1)
SUBMITTED = billing.ClaimSubmitted(
    **BASE, claim_id=CLAIM, version=1, attempt_id=TX, claim_control="1", interchange_control="2"
)
REJECTED = billing.ClaimRejected(
    **BASE, claim_id=CLAIM, attempt_id=TX, acknowledgement="277CA:A7", status_codes=("164",)
)
DENIED = billing.ClaimDenied(
    **BASE, claim_id=CLAIM, denial_id=DENIAL, group="CO", carc="50", denied_cents=Cents(10000), category="m"
)
APPEALED = billing.AppealFiled(**BASE, claim_id=CLAIM, denial_id=DENIAL, level=1)


def acknowledged(code: str) -> billing.ClaimAcknowledged:
    return billing.ClaimAcknowledged(**BASE, claim_id=CLAIM, attempt_id=TX, acknowledgement=code)


def closed(charged: int, paid: int, adjusted: int) -> billing.AccountClosed:
    return billing.AccountClosed(
        **BASE, charged_cents=Cents(charged), paid_cents=Cents(paid), adjusted_cents=Cents(adjusted)
    )


ORDERS = {event: topic.name for topic in read_by("audit") for event in topic.events}


def fold(events: Sequence[Event]) -> EncounterView:
    """Fold events; each topic numbers its own."""
    counters: dict[str, int] = {}
    view: EncounterView | None = None
    for index, event in enumerate(events):
        topic = ORDERS[type(event)]
        counters[topic] = counters.get(topic, 0) + 1
        fact = Fact(event.TYPE, topic, counters[topic], NOW + timedelta(minutes=index), "F", event)
        view = apply_fact(view, KEY, fact, now=NOW)
    assert view is not None
    return view


CODED = [REGISTERED, COMPLETED, STARTED, FINALISED, posted("charge", charged=10000), drafted()]
FILED = [*CODED, RELEASED, SUBMITTED, acknowledged("TA1:A"), acknowledged("999:A"), acknowledged("277CA:A2")]


@pytest.mark.parametrize(
    ("events", "waiting"),
    [
        ([REGISTERED], "received"),
        ([REGISTERED, CHARGES], "held_missing_document"),
        ([REGISTERED, COMPLETED], "coding"),
        ([REGISTERED, COMPLETED, STARTED, REQUESTED], "awaiting_provider"),
        ([REGISTERED, COMPLETED, STARTED, REQUESTED, SENT, ESCALATED], "awaiting_provider"),
        ([REGISTERED, COMPLETED, STARTED, REQUESTED, SENT, ANSWERED], "coding"),
        ([REGISTERED, COMPLETED, STARTED, FINALISED], "coded"),
        (CODED, "coded"),
        ([*CODED, held("DX-01")], "edit_failed"),
        ([*CODED, held("bill-hold")], "bill_hold"),
        ([*CODED, held("query", queue="provider")], "awaiting_provider"),
        ([*CODED, RELEASED], "ready"),
        ([*CODED, RELEASED, SUBMITTED, acknowledged("999:A")], "submitted"),
        (FILED, "in_adjudication"),
        ([*CODED, RELEASED, SUBMITTED, REJECTED], "rejected"),
        ([*CODED, RELEASED, SUBMITTED, REJECTED, drafted(), RELEASED], "ready"),
        ([*FILED, adjudicated("4"), DENIED], "denied"),
        ([*FILED, adjudicated("4"), DENIED, APPEALED], "appealed"),
        ([*FILED, adjudicated("1", 8000, 2000), posted("835", paid=8000), drafted("S")], "secondary_pending"),
        (
            [
                *FILED,
                adjudicated("1", 8000, 2000),
                posted("835", paid=8000),
                drafted("S"),
                RELEASED,
                SUBMITTED,
            ],
            "secondary_pending",
        ),
        ([*FILED, adjudicated("19", 8000, 2000), posted("835", paid=8000)], "secondary_pending"),
        (
            [*FILED, adjudicated("1", 7000, 2000), posted("835", paid=7000, adjusted=1000, to_patient=2000)],
            "patient_open",
        ),
        ([*FILED, adjudicated("1", 7000), posted("835", paid=7000)], "partially_paid"),
        ([*FILED, REOPENED], "coding"),
        ([*FILED, REOPENED, REQUESTED], "awaiting_provider"),
        ([REGISTERED, CANCELLED], None),
        ([*FILED, adjudicated("1", 10000), posted("835", paid=10000), closed(10000, 10000, 0)], None),
    ],
)
def test_waiting_state(events: list[Event], waiting: str | None) -> None:
    assert fold(events).waiting_for == waiting


def test_paid_account_sums_to_zero_and_shows_its_codes() -> None:
    view = fold(
        [
            *FILED,
            adjudicated("1", 7000, 2000),
            posted("835", paid=7000, adjusted=1000, to_patient=2000),
            posted("patient", paid=2000),
            closed(10000, 9000, 1000),
        ]
    )
    assert (view.charged_cents, view.paid_cents, view.adjusted_cents) == (10000, 9000, 1000)
    assert (view.patient_cents, view.patient_open_cents, view.balance_cents) == (2000, 0, 0)
    assert view.closing_difference_cents == 0
    assert shown_claim_state(view) == "closed"
    assert [code.code for code in view.codes] == ["I10", "99213"]
    assert view.acknowledgements == ("TA1:A", "999:A", "277CA:A2")


def test_closing_totals_that_differ_are_seen() -> None:
    view = fold([*FILED, posted("835", paid=9000), closed(10000, 10000, 0)])
    assert view.closing_difference_cents == 2000


def test_patient_side_of_a_paid_claim_shows_first() -> None:
    view = fold([*FILED, adjudicated("1", 8000, 2000), posted("835", paid=8000, to_patient=2000)])
    assert shown_claim_state(view) == "patient_responsibility"
    assert (view.patient_open_cents, view.balance_cents, view.open_cents) == (2000, 0, 2000)


def test_acknowledgements_of_two_attempts_show_once_each_in_order() -> None:
    rejected = [*CODED, RELEASED, SUBMITTED, acknowledged("TA1:A"), acknowledged("277CA:A7"), REJECTED]
    view = fold([*rejected, drafted(), RELEASED, SUBMITTED, acknowledged("TA1:A"), acknowledged("277CA:A2")])
    assert view.acknowledgements == ("TA1:A", "277CA:A7", "277CA:A2")


def test_money_moving_again_reopens_a_closed_account() -> None:
    view = fold(
        [
            *FILED,
            adjudicated("1", 10000),
            posted("835", paid=10000),
            closed(10000, 10000, 0),
            adjudicated("22"),
            posted("reversal", paid=-10000),
        ]
    )
    assert view.waiting_for == "partially_paid"
    assert view.balance_cents == 10000


PATIENT_OWES = (
    *FILED,
    adjudicated("1", 7000, 2000),
    posted("835", paid=7000, adjusted=1000, to_patient=2000),
)


@pytest.mark.parametrize(
    ("events", "paid", "adjusted", "patient_open"),
    [
        ([posted("write-off", adjusted=2000, to_patient=-2000)], 7000, 3000, 0),
        ([posted("write-off", adjusted=500, to_patient=-500)], 7000, 1500, 1500),
        ([posted("patient", paid=2000)], 9000, 1000, 0),
        ([posted("patient", paid=2000), posted("undo", paid=-2000, to_patient=2000)], 7000, 1000, 2000),
        (
            [
                posted("patient", paid=2000),
                posted("reversal", paid=-7000, adjusted=-1000, to_patient=-2000),
                posted("835", paid=9000, adjusted=1000),
            ],
            11000,
            1000,
            -2000,
        ),
        (
            [
                posted("patient", paid=2000),
                posted("undo", paid=-7000, adjusted=-1000, to_patient=-2000),
                posted("835", paid=9000, adjusted=1000),
                posted("refund", paid=-2000),
            ],
            9000,
            1000,
            0,
        ),
    ],
)
def test_money_of_every_source_is_where_the_books_have_it(
    events: list[Event], paid: int, adjusted: int, patient_open: int
) -> None:
    view = fold([*PATIENT_OWES, *events])
    assert (view.paid_cents, view.adjusted_cents, view.patient_open_cents) == (paid, adjusted, patient_open)
    assert view.balance_cents == view.charged_cents - paid - adjusted - patient_open


def test_share_moved_from_insurance_to_the_patient_is_no_adjustment() -> None:
    denied = [*FILED, adjudicated("1", 6000), posted("835", paid=6000), posted("transfer", to_patient=4000)]
    view = fold(denied)
    assert (view.adjusted_cents, view.patient_open_cents, view.balance_cents) == (0, 4000, 0)


def test_denied_share_of_the_patient_that_is_written_off_is_adjusted() -> None:
    share = billing.AppliedAdjustment("PR", "204", Cents(2000))
    off = billing.PaymentPosted.model_validate(
        {
            **BASE,
            "transaction_id": TX,
            "source": "write-off",
            "paid_cents": Cents(0),
            "adjustments": (share,),
            "to_patient_cents": Cents(-2000),
        }
    )
    view = fold([*PATIENT_OWES, off])
    assert (view.adjusted_cents, view.patient_open_cents, view.open_cents) == (3000, 0, 0)


STREAMS = (
    (REGISTERED, COMPLETED, CHARGES),
    (STARTED, REQUESTED, FINALISED),
    (SENT, ESCALATED, ANSWERED),
    (posted("charge", charged=10000), drafted(), RELEASED, SUBMITTED, acknowledged("277CA:A2")),
)


@given(st.permutations([n for n, stream in enumerate(STREAMS) for _ in stream]))
def test_order_between_topics_does_not_matter(order: list[int]) -> None:
    iterators = [iter(stream) for stream in STREAMS]
    view = fold([next(iterators[n]) for n in order])
    straight = fold([event for stream in STREAMS for event in stream])
    for field in (
        "waiting",
        "claim_state",
        "coding_state",
        "codes",
        "query_state",
        "charged_cents",
        "sequences",
    ):
        assert getattr(view, field) == getattr(straight, field)
    assert view.waiting is Waiting.IN_ADJUDICATION


def test_gap_is_kept_until_it_is_filled() -> None:
    topic = "rcm.intake.encounter"

    def fact(sequence: int) -> Fact:
        return Fact(CHARGES.TYPE, topic, sequence, NOW, "F", CHARGES)

    view = apply_fact(None, KEY, fact(1), now=NOW)
    view = apply_fact(view, KEY, fact(5), now=NOW)
    assert view.gaps == (Gap(topic, 2, 4),)
    view = apply_fact(view, KEY, fact(3), now=NOW)
    assert view.gaps == (Gap(topic, 2, 2), Gap(topic, 4, 4))
    view = apply_fact(apply_fact(view, KEY, fact(2), now=NOW), KEY, fact(4), now=NOW)
    assert view.gaps == ()


def test_unreadable_event_is_counted_and_changes_no_state() -> None:
    view = fold([REGISTERED])
    fact = Fact("rcm.intake.something-new.v9", "rcm.intake.encounter", 2, NOW, "F", None)
    after = apply_fact(view, KEY, fact, now=NOW)
    assert (after.events, after.waiting) == (2, Waiting.RECEIVED)


def test_stuck_after_the_limit_of_its_state() -> None:
    view = fold([REGISTERED, COMPLETED])
    limit = LIMITS[Waiting.CODING]
    assert not is_stuck(view, NOW + limit)
    assert is_stuck(view, NOW + limit + timedelta(seconds=1))
    assert not is_stuck(fold([REGISTERED, CANCELLED]), NOW + timedelta(days=999))


def test_every_state_but_the_terminal_ones_has_a_limit() -> None:
    assert set(LIMITS) == set(Waiting) - TERMINAL


def test_every_fact_about_an_encounter_is_folded() -> None:
    consumed = {event for topic in read_by("audit") for event in topic.events}
    assert consumed - set(FOLD) == {coding.CodesetReleaseActivated}
