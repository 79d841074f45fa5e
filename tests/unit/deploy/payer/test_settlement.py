"""Provider-level adjustments never let a check go below zero, and every debt is collected once."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from rcm_deploy.payer.adjudicate import RemitClaim
from rcm_deploy.payer.settlement import Debt, ProviderAdjustment, settle


def paid(cents: int, number: str = "N1") -> RemitClaim:
    return RemitClaim(
        control="C1",
        status="22" if cents < 0 else "1",
        charge_cents=cents,
        paid_cents=cents,
        patient_cents=0,
        filing_indicator="CI",
        payer_control=number,
        facility_type="11",
        frequency="1",
        drg="",
        patient_last="ZQDOE",
        patient_first="PAT",
        member_id="PF1",
        subscriber_last="ZQDOE",
        subscriber_first="PAT",
        date_from="",
        date_to="",
        adjustments=(),
        lines=(),
    )


def test_sound_check_has_no_entries() -> None:
    assert settle([paid(100)], [], "T1") == ()


def test_negative_check_is_carried_forward() -> None:
    assert settle([paid(100), paid(-300)], [], "T1") == (ProviderAdjustment("FB", "T1", -200),)


def test_older_debt_is_collected_first_and_only_as_far_as_money_goes() -> None:
    debts = [Debt("FB", "T1", 200), Debt("WO", "N1", 300)]
    assert settle([paid(250)], debts, "T2") == (
        ProviderAdjustment("FB", "T1", 200),
        ProviderAdjustment("WO", "N1", 50),
    )


def test_recouped_reversal_is_deferred_by_wo() -> None:
    back = paid(-300, "N9")
    assert settle([paid(100), back], [], "T1", recouped=[back]) == (ProviderAdjustment("WO", "N9", -300),)


def test_interest_is_negative_because_it_raises_the_payment() -> None:
    assert settle([], [], "T1", interest=[("N1", 137), ("N2", 0)]) == (ProviderAdjustment("L6", "N1", -137),)


def test_debts_that_find_no_room_in_one_plb_wait() -> None:
    debts = [Debt("FB", f"T{number}", 1) for number in range(9)]
    entries = settle([paid(100)], debts, "T9", interest=[("N1", 5)])
    assert [entry.reference for entry in entries] == ["N1", "T0", "T1", "T2", "T3", "T4"]


def test_several_recouped_claims_share_an_entry() -> None:
    back = [paid(-30, "N1"), paid(-20, "N2")]
    assert settle(back, [], "T1", recouped=back) == (ProviderAdjustment("WO", "T1", -50),)


cents = st.integers(-100_000, 100_000)


@given(
    checks=st.lists(st.lists(cents, min_size=1, max_size=4), max_size=6),
    recoup=st.booleans(),
    interest=st.integers(0, 500),
)
def test_no_check_is_negative_and_no_money_is_lost_over_many_checks(
    checks: list[list[int]], recoup: bool, interest: int
) -> None:
    debts: dict[tuple[str, str], int] = {}
    total = 0
    for number, amounts in enumerate(checks):
        claims = [replace(paid(amount), payer_control=f"N{number}X{at}") for at, amount in enumerate(amounts)]
        owed = [Debt(*key, amount) for key, amount in debts.items() if amount]
        entries = settle(
            claims,
            owed,
            f"T{number}",
            interest=[("N", interest)],
            recouped=[one for one in claims if recoup and one.paid_cents < 0],
        )
        amount = sum(amounts) - sum(entry.cents for entry in entries)
        assert amount >= 0
        total += amount
        for entry in entries:
            if entry.reason in ("FB", "WO"):
                key = (entry.reason, entry.reference)
                debts[key] = debts.get(key, 0) - entry.cents
                assert debts[key] >= 0
    assert total == sum(map(sum, checks)) + interest * len(checks) + sum(debts.values())
