"""The account's life: facts in any order, acknowledgements in any order, the three state machines."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_billing.consumers import CHART, ENCOUNTER, QUERY
from rcm_billing.domain.account import Account, BuildReason, Claim, book_charge
from rcm_billing.domain.acknowledgement import CATEGORY_EFFECTS, ClaimStatus, Effect, of_statuses, of_syntax
from rcm_billing.domain.claim import (
    ATTEMPT_STEPS,
    CLAIM_STEPS,
    AttemptState,
    ClaimState,
    claim_control_of,
    claim_id_of,
    move_attempt,
    move_claim,
)
from rcm_billing.domain.denial import DENIAL_STEPS, DenialState, move_denial
from rcm_billing.domain.errors import IllegalTransition
from rcm_billing.domain.submission import acknowledged, submitted, withdrawn
from rcm_billing.handlers import facts
from rcm_billing.handlers.building import frequency_of
from rcm_shared.contracts import topics
from rcm_shared.contracts.billing import ClaimHeld
from rcm_shared.contracts.coding import CodingFinalised, CodingReopened, QueryRequested
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.intake import (
    ChargesCaptured,
    ClaimForm,
    CoverageRef,
    CoverageVerified,
    EncounterCancelled,
    EncounterRegistered,
    Setting,
)
from rcm_shared.contracts.query import QueryAnswered
from rcm_shared.messaging.decide import Decision, FiredTimer, Moment
from rcm_shared.money import Cents
from unit.billing import cases

KEY = cases.encounter_id(1)
MOMENT = Moment(cases.NOW, KEY)
FACILITY = {"actor": "system:test", "facility_id": "DEMO-GENERAL"}
QUERY_ID = cases.encounter_id(800)
ATTEMPT = cases.encounter_id(70)
TABLE: dict[type[Event], Callable[..., Decision[Account]]] = {**ENCOUNTER, **CHART, **QUERY}


def registered() -> Event:
    """Return the encounter's registration."""
    return EncounterRegistered(
        **FACILITY,
        setting=Setting.OFFICE,
        claim_form=ClaimForm.PROFESSIONAL,
        service_from=cases.OFFICE_DAY,
        service_through=cases.OFFICE_DAY,
        source="demo-ehr",
        source_format="json",
    )


def charged(version: int = 1, cents: int = 21000) -> ChargesCaptured:
    """Return captured charges."""
    return ChargesCaptured(**FACILITY, record_version=version, charges=(), total_cents=Cents(cents))


def covered(version: int = 1) -> Event:
    """Return one coverage."""
    refs = (CoverageRef(cases.encounter_id(50), "DHP01", "P"),)
    return CoverageVerified(**FACILITY, record_version=version, coverages=refs)


def coded(version: int = 1) -> Event:
    """Return the final codes."""
    coding = cases.an_office_coding()
    return CodingFinalised(
        **FACILITY,
        case_version=version,
        setting=coding.setting,
        claim_form=coding.form,
        service_from=coding.service_from,
        service_through=coding.service_through,
        release=coding.release,
        diagnoses=coding.diagnoses,
        procedures=coding.procedures,
    )


def asked() -> Event:
    """Return a question that blocks coding."""
    return QueryRequested(**FACILITY, query_id=QUERY_ID, rule="r", indicators=(), provider_id=None)


def answered() -> Event:
    """Return its answer."""
    return QueryAnswered(
        **FACILITY, query_id=QUERY_ID, outcome="agreed", answer_id=KEY, answer_sha256="0", provider_id="p"
    )


def play(*events: Event, account: Account | None = None) -> tuple[Account, list[Decision[Account]]]:
    """Apply facts one after the other."""
    decisions = []
    for event in events:
        decision = TABLE[type(event)](account, event, MOMENT)
        account = decision.state or account
        decisions.append(decision)
    assert account is not None
    return account, decisions


def a_built(state: ClaimState, account: Account | None = None, **changes: Any) -> Account:
    """Return a coded account with a claim in one state."""
    if account is None:
        account, _ = play(registered(), charged(), covered(), coded())
    claim_id = claim_id_of(KEY, "P", 1)
    claim = Claim(
        claim_id=claim_id,
        order="P",
        payer_id="DHP01",
        version=1,
        form=ClaimForm.PROFESSIONAL,
        state=state,
        claim_control=claim_control_of(claim_id),
        charge_cents=Cents(21000),
        **changes,
    )
    return account.but(build=None).with_claim(claim)


def a_submitted() -> Account:
    """Return an account whose claim is frozen in an interchange."""
    account = a_built(ClaimState.READY)
    return submitted(account, account.claims[0], ATTEMPT, "000000905").account


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_claim_is_asked_for_once_when_the_last_fact_arrives_in_any_order(order: tuple[int, ...]) -> None:
    every = [registered(), charged(), covered(), coded()]
    account, decisions = play(*(every[place] for place in order))
    assert sum(len(decision.work) for decision in decisions) == 1
    assert account.build is not None
    assert (account.claim_state, account.waiting_for) == ("draft", "coded")


@pytest.mark.parametrize("order", list(permutations(range(5))))
def test_open_query_holds_the_claim_until_its_answer_in_any_order(order: tuple[int, ...]) -> None:
    every = [charged(), covered(), coded(), asked(), answered()]
    account, _ = play(*(every[place] for place in order))
    assert account.build is not None
    assert account.open_queries == ()


def test_open_query_is_what_the_account_waits_for() -> None:
    account, _ = play(charged(), covered(), asked(), coded())
    assert account.build is None
    assert account.waiting_for == "awaiting_provider"


def test_missing_charges_set_a_timer_that_builds_after_the_bill_hold() -> None:
    account, decisions = play(registered(), covered(), coded())
    assert account.waiting_for == "bill_hold"
    timers = [timer for decision in decisions for timer in decision.timers]
    assert [timer.kind for timer in timers] == [facts.CHARGES_WAIT]
    fired = FiredTimer(KEY, facts.CHARGES_WAIT, cases.NOW, {})
    decision = facts.charges_overdue(account, fired, MOMENT)
    assert decision.state is not None
    assert decision.state.build is not None


def test_older_record_version_changes_nothing() -> None:
    account, _ = play(charged(5, 100))
    assert facts.capture_charges(account, charged(4, 900), MOMENT).state is None


@pytest.mark.parametrize("state", [ClaimState.READY, ClaimState.HELD])
def test_reopened_chart_holds_what_was_not_sent_and_final_codes_build_anew(state: ClaimState) -> None:
    account, decisions = play(
        CodingReopened(**FACILITY, case_version=2, reason="coder"), account=a_built(state)
    )
    assert isinstance(decisions[0].events[0], ClaimHeld)
    assert (account.claim_state, account.waiting_for) == ("held", "coding")
    account, decisions = play(coded(2), account=account)
    assert account.build is not None
    assert frequency_of(account, account.build) == ("1", "")


def test_recoded_claim_in_flight_waits_for_the_answer() -> None:
    account, _ = play(CodingReopened(**FACILITY, case_version=2, reason="coder"), account=a_submitted())
    account, decisions = play(coded(2), account=account)
    assert decisions[0].work == ()
    assert account.rebuild_after_answer
    claim = account.claims[0]
    step = acknowledged(account, claim.claim_id, ATTEMPT, of_statuses((ClaimStatus("A3"),)))
    assert step.account.build is not None


def test_recoded_claim_after_a_decision_becomes_a_replacement() -> None:
    account = a_built(ClaimState.PAID, payer_control="ICN1")
    account, _ = play(coded(2), account=account)
    assert account.build is not None
    assert frequency_of(account, account.build) == ("7", "ICN1")


def test_rejected_claim_is_corrected_as_an_original() -> None:
    account = a_built(ClaimState.REJECTED, payer_control="ICN1").request_build(
        "P", BuildReason.CORRECTED, "biller-1"
    )
    assert account.build is not None
    assert frequency_of(account, account.build) == ("1", "")


def test_late_charges_on_a_sent_claim_are_marked() -> None:
    account, _ = play(charged(2, 99000), account=a_submitted())
    assert account.late_charges
    assert account.claim_state == "submitted"


def test_cancelled_encounter_voids_what_was_not_sent() -> None:
    event = EncounterCancelled(**FACILITY, reason="entered-in-error")
    built = a_built(ClaimState.READY)
    booked = book_charge(built, cases.encounter_id(60), Cents(21000), built.claims[0].claim_id)
    account, decisions = play(event, account=booked)
    assert (account.claim_state, account.waiting_for) == ("voided", None)
    assert account.totals.charged == account.totals.insurance == 0
    assert len(decisions[0].events) == 1
    sent, _ = play(event, account=a_submitted())
    assert (sent.claim_state, sent.waiting_for) == ("submitted", "cancelled")


def test_state_survives_storage() -> None:
    account = a_submitted()
    assert Account.model_validate_json(account.model_dump_json()) == account


@pytest.mark.parametrize(("category", "effect"), CATEGORY_EFFECTS.items())
def test_277ca_category_moves_the_claim_as_the_table_says(category: str, effect: Effect) -> None:
    account = a_submitted()
    ack = of_statuses((ClaimStatus(category, "164", "IL"),), "ICN7")
    step = acknowledged(account, account.claims[0].claim_id, ATTEMPT, ack)
    claim = step.account.claims[0]
    expected = {
        Effect.NOTED: (ClaimState.SUBMITTED, AttemptState.RECEIVED, "submitted"),
        Effect.ACCEPTED: (ClaimState.ACCEPTED, AttemptState.ACCEPTED, "in_adjudication"),
        Effect.REJECTED: (ClaimState.REJECTED, AttemptState.REJECTED, "rejected"),
    }[effect]
    assert (claim.state, claim.attempts[0].state, step.account.waiting_for) == expected
    assert claim.payer_control == "ICN7"
    assert step.account.acknowledgements == (f"277CA:{category}",)
    assert len(step.events) == (2 if effect is Effect.REJECTED else 1)
    again = acknowledged(step.account, claim.claim_id, ATTEMPT, ack)
    assert (again.account, again.events) == (step.account, ())


def test_illegal_category_moves_nothing() -> None:
    account = a_submitted()
    step = acknowledged(account, account.claims[0].claim_id, ATTEMPT, of_statuses((ClaimStatus("F2"),)))
    assert (step.account, step.problem) == (account, "illegal-category")


def test_999_rejection_rejects_the_claim() -> None:
    account = a_submitted()
    step = acknowledged(account, account.claims[0].claim_id, ATTEMPT, of_syntax("999", "R", ("5",)))
    assert step.account.claim_state == "rejected"


@pytest.mark.parametrize("order", list(permutations(["TA1", "999", "277CA"])))
def test_acknowledgements_in_any_order_end_in_the_same_state(order: tuple[str, ...]) -> None:
    acks = {
        "TA1": of_syntax("TA1", "A"),
        "999": of_syntax("999", "A"),
        "277CA": of_statuses((ClaimStatus("A2"),)),
    }
    account = a_submitted()
    for kind in order:
        account = acknowledged(account, account.claims[0].claim_id, ATTEMPT, acks[kind]).account
    assert account.claim_state == "accepted"
    assert set(account.acknowledgements) == {"TA1:A", "999:A", "277CA:A2"}


def test_answer_to_an_older_attempt_does_not_move_the_claim() -> None:
    account = a_submitted()
    claim = account.claims[0]
    back = withdrawn(account, claim, ATTEMPT, faulty=False).account
    newer = submitted(back, back.claims[0], cases.encounter_id(71), "000000906").account
    step = acknowledged(newer, claim.claim_id, ATTEMPT, of_syntax("999", "R"))
    assert step.account.claims[0].state is ClaimState.SUBMITTED


def test_gate_holds_the_faulty_claim_and_frees_its_neighbours() -> None:
    account = a_submitted()
    held = withdrawn(account, account.claims[0], ATTEMPT, faulty=True).account
    assert (held.claim_state, held.waiting_for) == ("held", "edit_failed")
    assert held.claims[0].reasons == ("X12-GATE",)
    assert withdrawn(account, account.claims[0], ATTEMPT, faulty=False).account.waiting_for == "ready"


def _walks(table: dict[Any, frozenset[Any]], move: Callable[[Any, Any], Any]) -> None:
    for state in table:
        for to in table:
            if to in table[state] or to is state:
                assert move(state, to) is to
            else:
                with pytest.raises(IllegalTransition):
                    move(state, to)


def test_steps_outside_the_tables_are_refused() -> None:
    assert set(CLAIM_STEPS) == set(ClaimState)
    assert set(ATTEMPT_STEPS) == set(AttemptState)
    assert set(DENIAL_STEPS) == set(DenialState)
    _walks(CLAIM_STEPS, move_claim)
    _walks(ATTEMPT_STEPS, move_attempt)
    _walks(DENIAL_STEPS, move_denial)


def test_replaced_and_voided_are_ends() -> None:
    assert CLAIM_STEPS[ClaimState.REPLACED] == CLAIM_STEPS[ClaimState.VOIDED] == frozenset()


@given(st.lists(st.sampled_from(["reg", "chg", "cov", "cod", "ask", "ans", "open", "cancel"]), max_size=10))
@settings(max_examples=80, deadline=None)
def test_no_order_of_facts_breaks_the_account(names: list[str]) -> None:
    make: dict[str, Callable[[], Event]] = {
        "reg": registered,
        "chg": charged,
        "cov": covered,
        "cod": coded,
        "ask": asked,
        "ans": answered,
        "open": lambda: CodingReopened(**FACILITY, case_version=1, reason="coder"),
        "cancel": lambda: EncounterCancelled(**FACILITY, reason="cancelled"),
    }
    account: Account | None = None
    for name in names:
        account, _ = play(make[name](), account=account)
        assert account.waiting_for is not None or account.cancelled
        # a question may open while the claim is being built: applying the build then holds it
        assert account.build is None or account.open_queries or account.ready_to_build()


def test_table_of_consumers_reads_only_facts_of_their_topics() -> None:
    assert set(ENCOUNTER) <= set(topics.ENCOUNTER.events)
    assert set(CHART) <= set(topics.CHART.events)
    assert set(QUERY) <= set(topics.QUERY.events)


def test_master_data_is_a_marked_demo_pack_of_at_most_eighty_codes() -> None:
    assert cases.MASTER.edition.startswith("demo")
    assert len({row.code for row in cases.MASTER.chargemaster}) <= 80
    assert cases.MASTER.usage == "T"
    for code in ("17110", "99213", "20610", "99283", "25605", "47562", "49591", "71260", "99214"):
        assert cases.MASTER.price(code, cases.OFFICE_DAY) is not None
    assert {"DHP01", "DMC01", "SUP01"} <= set(cases.MASTER.payers)
