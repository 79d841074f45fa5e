"""Versions of a claim: originals, replacements and voids, with the payer's number that they refer to."""

import pytest
from rcm_billing.domain.account import Account, Attempt, Build, BuildReason, Claim, book_charge
from rcm_billing.domain.claim import (
    ORIGINAL,
    REPLACEMENT,
    VOID,
    AttemptState,
    ClaimState,
    claim_control_of,
    claim_id_of,
)
from rcm_billing.domain.claim_build import void_of
from rcm_billing.domain.document import Adjustment
from rcm_billing.domain.posting import Posted, post_payment, post_reversal
from rcm_billing.domain.remittance import PaidClaim
from rcm_billing.domain.rules import RULES
from rcm_billing.domain.scrubbing import ScrubContext, in_force, scrub
from rcm_billing.handlers.building import frequency_of
from rcm_shared.contracts.intake import ClaimForm, CoverageRef
from rcm_shared.money import Cents
from unit.billing import cases

KEY = cases.encounter_id(1)
CHARGE = 21000


def version(
    number: int, state: ClaimState, *, decided: bool = False, control: str = "", frequency: str = "1"
) -> Claim:
    claim_id = claim_id_of(KEY, "P", number)
    attempt = AttemptState.ADJUDICATED if decided else AttemptState.ACCEPTED
    return Claim(
        claim_id=claim_id,
        order="P",
        payer_id="DHP01",
        version=number,
        frequency=frequency,
        form=ClaimForm.PROFESSIONAL,
        state=state,
        claim_control=claim_control_of(claim_id),
        payer_control=control,
        charge_cents=Cents(CHARGE),
        attempts=(
            Attempt(attempt_id=cases.encounter_id(70 + number), interchange_control="1", state=attempt),
        ),
    )


def an_account(*claims: Claim) -> Account:
    coverage = CoverageRef(cases.encounter_id(50), "DHP01", "P")
    return Account(encounter_id=KEY, facility_id="DEMO-GENERAL", coverages=(coverage,), claims=claims)


@pytest.mark.parametrize(
    ("claims", "reason", "expected"),
    [
        ((), BuildReason.CODED, (ORIGINAL, "")),
        ((version(1, ClaimState.REJECTED),), BuildReason.CORRECTED, (ORIGINAL, "")),
        ((version(1, ClaimState.HELD),), BuildReason.CORRECTED, (ORIGINAL, "")),
        (
            (version(1, ClaimState.PAID, decided=True, control="ICN1"),),
            BuildReason.REPLACED,
            (REPLACEMENT, "ICN1"),
        ),
        ((version(1, ClaimState.DENIED, decided=True, control="ICN1"),), BuildReason.VOIDED, (VOID, "ICN1")),
        (
            (version(1, ClaimState.REVERSED, decided=True, control="ICN1"),),
            BuildReason.RECODED,
            (REPLACEMENT, "ICN1"),
        ),
        (
            # a replacement that is held or rejected stays a replacement of what the payer has
            (
                version(1, ClaimState.REPLACED, decided=True, control="ICN1"),
                version(2, ClaimState.REJECTED, frequency=REPLACEMENT),
            ),
            BuildReason.CORRECTED,
            (REPLACEMENT, "ICN1"),
        ),
        (
            (
                version(1, ClaimState.REPLACED, decided=True, control="ICN1"),
                version(2, ClaimState.PAID, decided=True, control="ICN2", frequency=REPLACEMENT),
            ),
            BuildReason.VOIDED,
            (VOID, "ICN2"),
        ),
    ],
)
def test_what_follows_a_decision_refers_to_the_newest_that_the_payer_decided(
    claims: tuple[Claim, ...], reason: BuildReason, expected: tuple[str, str]
) -> None:
    assert frequency_of(an_account(*claims), Build(serial=1, order="P", reason=reason, actor="b")) == expected


def test_a_void_repeats_the_services_under_its_own_numbers() -> None:
    decided = cases.a_claim()
    void = void_of(decided, claim_id_of(KEY, "P", 2), 2, "ICN1")
    assert (void.frequency, void.original_reference, void.version) == (VOID, "ICN1", 2)
    assert void.claim_control != decided.claim_control
    assert {line.control for line in void.lines}.isdisjoint(line.control for line in decided.lines)
    assert [(line.code, line.charge_cents) for line in void.lines] == [
        (line.code, line.charge_cents) for line in decided.lines
    ]
    assert "REF*F8*ICN1" in cases.wire_of(void).subscriber


def test_a_void_is_judged_by_its_form_and_parties_only() -> None:
    void = void_of(cases.a_claim(), claim_id_of(KEY, "P", 2), 2, "ICN1")
    judged = {rule.rule_id for rule in in_force(RULES, void.form, void.service_through, "DHP01", VOID)}
    assert judged >= {"FMT-01", "FRQ-01", "PRV-01"}
    assert not any(rule_id.startswith(("DX", "PX", "MN", "TF", "CDI")) for rule_id in judged)
    late = ScrubContext(
        today=void.service_through.replace(year=2031), payer=cases.MASTER.payers["DHP01"], open_queries=1
    )
    assert scrub(void, late, RULES).reasons == ()


def decision(control: str, sign: int = 1, status: str = "1") -> PaidClaim:
    return PaidClaim(
        ordinal=1,
        claim_control=control,
        status=status,
        charge_cents=Cents(sign * CHARGE),
        paid_cents=Cents(sign * 16000),
        patient_cents=Cents(0),
        adjustments=(Adjustment(group="CO", code="45", cents=Cents(sign * 5000)),),
        payer_control="ICN1",
    )


def test_the_payers_reversal_of_a_voided_claim_takes_the_charge_back() -> None:
    first = version(1, ClaimState.ACCEPTED)
    account = book_charge(an_account(first), cases.encounter_id(60), Cents(CHARGE), first.claim_id)
    paid = decision(first.claim_control)
    step = post_payment(
        account,
        first,
        paid,
        transaction_id=cases.encounter_id(61),
        now=cases.NOW,
        appeal_days=90,
        payer_id="DHP01",
    )
    replaced = step.account.claims[0].move(ClaimState.REPLACED)
    void = version(2, ClaimState.ACCEPTED, frequency=VOID)
    account = step.account.with_claim(replaced).with_claim(void)
    posted = Posted("P", paid, step.account.unposted[-1])
    back = post_reversal(
        account,
        account.claims[0],
        decision(first.claim_control, -1, "22"),
        original=posted,
        transaction_id=cases.encounter_id(62),
        now=cases.NOW,
    )
    assert back.problem == ""
    assert [claim.state for claim in back.account.claims] == [ClaimState.REPLACED, ClaimState.VOIDED]
    totals = back.account.totals
    assert (totals.charged, totals.paid, totals.adjusted, totals.insurance) == (0, 0, 0, 0)
    assert back.account.claim_state == "voided"
