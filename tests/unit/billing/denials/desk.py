"""Accounts with denied claims, for the tests of denial cases."""

from datetime import datetime
from uuid import UUID

from rcm_billing.domain import denial_work
from rcm_billing.domain.account import Account, Attempt, Claim, Denial, book_charge
from rcm_billing.domain.claim import ClaimState, claim_control_of, claim_id_of
from rcm_billing.domain.denial import DenialState
from rcm_billing.domain.denial_work import Order
from rcm_billing.domain.document import Adjustment
from rcm_billing.domain.posting import post_payment
from rcm_billing.domain.remittance import PaidClaim, PaidLine
from rcm_billing.domain.submission import Step
from rcm_shared.contracts.intake import ClaimForm, CoverageRef
from rcm_shared.money import Cents
from unit.billing import cases

CHARGE = 20000
KEY = cases.encounter_id(1)
CAS = tuple[str, str, int]


def order(actor: str = "biller-1", now: datetime = cases.NOW) -> Order:
    """Return who asks and when."""
    return Order(actor, now, "because")


def an_account() -> Account:
    """Return an account whose primary claim is with the payer."""
    claim_id = claim_id_of(KEY, "P", 1)
    claim = Claim(
        claim_id=claim_id,
        order="P",
        payer_id="DHP01",
        version=1,
        form=ClaimForm.PROFESSIONAL,
        state=ClaimState.ACCEPTED,
        claim_control=claim_control_of(claim_id),
        charge_cents=Cents(CHARGE),
        case_version=1,
        attempts=(Attempt(attempt_id=cases.encounter_id(70), interchange_control="000000001"),),
    )
    account = Account(
        encounter_id=KEY,
        facility_id="DEMO-GENERAL",
        coding=cases.an_office_coding(),
        coverages=(CoverageRef(cases.encounter_id(50), "DHP01", "P"),),
        coders=((1, "coder-1"),),
        claims=(claim,),
    )
    return book_charge(account, cases.encounter_id(60), Cents(CHARGE), claim.claim_id)


def decide(
    account: Account, *adjustments: CAS, number: int = 1, status: str = "1", remarks: tuple[str, ...] = ()
) -> Step:
    """Post a one-line decision on the newest primary claim: what is not adjusted is paid."""
    claim = account.latest("P")
    assert claim is not None
    found = tuple(Adjustment(group=g, code=c, cents=Cents(cents)) for g, c, cents in adjustments)
    paid = CHARGE - sum(one.cents for one in found)
    line = PaidLine("99213", Cents(CHARGE), Cents(paid), adjustments=found, remarks=remarks)
    return post_payment(
        account,
        claim,
        PaidClaim(
            ordinal=number,
            claim_control=claim.claim_control,
            status=status,
            charge_cents=Cents(CHARGE),
            paid_cents=Cents(paid),
            patient_cents=Cents(sum(one.cents for one in found if one.group == "PR")),
            payer_control="ICN1",
            lines=(line,),
        ),
        transaction_id=cases.encounter_id(100 + number),
        now=cases.NOW,
        appeal_days=120,
        payer_id="DHP01",
    )


def denied(*adjustments: CAS) -> tuple[Account, Denial]:
    """Return an account with a denial in work, and the case."""
    account = decide(an_account(), *(adjustments or (("CO", "50", CHARGE),)), status="4").account
    account = in_state(account, DenialState.IN_WORK)
    return account, account.denials[0]


def in_state(account: Account, state: DenialState) -> Account:
    """Return the account with its first case put into a state."""
    return account.with_denial(account.denials[0].but(state=state, assignee="biller-1"))


def replaced(account: Account) -> Account:
    """Return the account after a corrected claim took the place of the denied one and went out."""
    old = account.claims[0]
    claim_id = claim_id_of(KEY, "P", 2)
    new = old.but(
        claim_id=claim_id,
        version=2,
        frequency="7",
        state=ClaimState.ACCEPTED,
        claim_control=claim_control_of(claim_id),
    )
    return account.with_claim(old.move(ClaimState.REPLACED)).with_claim(new).but(build=None)


def written_off(account: Account, case: Denial, number: int = 1) -> Step:
    """Write a case off."""
    return denial_work.write_off(account, case, order(), an_id(number))


def an_id(number: int) -> UUID:
    """Return a fixed id."""
    return cases.encounter_id(600 + number)
