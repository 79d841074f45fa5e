"""Reading what payers answer: foreign samples, odd envelopes, acknowledgement classes, 835 balance."""

import os
from pathlib import Path

import oxedi
import pytest
from rcm_billing.domain.acknowledgement import CATEGORY_EFFECTS, ClaimStatus, Effect, of_statuses
from rcm_billing.domain.errors import OutOfBalance, Unreadable
from rcm_billing.domain.remittance import Remittance, check_balance
from rcm_billing.handlers.contents import read_contents
from rcm_billing.x12.ack_277ca import read_277ca
from rcm_billing.x12.ack_999 import read_999
from rcm_billing.x12.reader import TransactionSet, read_interchanges
from rcm_billing.x12.remittance_835 import read_835
from unit.billing import cases

SHARED = Path(os.environ.get("RCM_SHARED_DIR") or cases.ROOT.parent / "shared") / "samples" / "x12"
NEEDS_SAMPLES = pytest.mark.skipif(
    not SHARED.is_dir(), reason="foreign X12 samples are not beside the repository"
)

ISA = (
    "ISA*00*          *00*          *ZZ*DHP01          *ZZ*DEMOGENERAL    "
    "*260928*1200*^*00501*000000001*0*T*:~"
)
GS_835 = "GS*HP*DHP01*DEMOGENERAL*20260928*1200*1*X*005010X221A1~"


def an_835(body: str, *, paid: str = "100", isa: str = ISA) -> bytes:
    """Return an 835 file around CLP loops and PLB segments."""
    middle = f"ST*835*0001~BPR*I*{paid}*C*ACH************20260928~TRN*1*T1*1999999999~{body}"
    count = middle.count("~") + 1
    return f"{isa}{GS_835}{middle}SE*{count}*0001~GE*1*1~IEA*1*000000001~".encode()


def the_set(data: bytes) -> TransactionSet:
    """Return the only transaction set of a file."""
    return read_interchanges(data)[0].sets[0]


def remittance_of(data: bytes) -> Remittance:
    """Return the only payment of a file."""
    return read_835(the_set(data))


PAID_LINE = "SVC*HC:99213*125*100~DTM*472*20260902~CAS*CO*45*20~CAS*PR*3*5~REF*6R*C1L1~LQ*HE*N115~"


def test_835_fields_are_read() -> None:
    remittance = remittance_of(an_835(f"LX*1~CLP*C1*1*125*100*5*12*ICN1~{PAID_LINE}"))
    claim = remittance.claims[0]
    line = claim.lines[0]
    assert remittance.key == "1999999999|T1|20260928|10000"
    assert (claim.claim_control, claim.status, claim.payer_control) == ("C1", "1", "ICN1")
    assert (claim.charge_cents, claim.paid_cents, claim.patient_cents) == (12500, 10000, 500)
    assert (line.code, line.control, line.remarks) == ("99213", "C1L1", ("N115",))
    assert [(a.group, a.code, a.cents) for a in line.adjustments] == [("CO", "45", 2000), ("PR", "3", 500)]
    check_balance(remittance)


def test_plb_reduces_the_payment_and_balances() -> None:
    body = f"LX*1~CLP*C1*1*125*100*5*12*ICN1~{PAID_LINE}PLB*1912301953*20261231*WO:X1*25*L6*-1.5~"
    remittance = remittance_of(an_835(body, paid="76.5"))
    check_balance(remittance)
    assert [(p.reason, p.cents) for p in remittance.provider_adjustments] == [("WO", 2500), ("L6", -150)]


@pytest.mark.parametrize(
    ("body", "paid", "code"),
    [
        (f"CLP*C1*1*125*100*5*12*I~{PAID_LINE}".replace("CO*45*20", "CO*45*21"), "100", "line-1-1"),
        (f"CLP*C1*1*125*100*5*12*I~CAS*CO*45*1~{PAID_LINE}", "100", "claim-1"),
        (f"CLP*C1*1*130*105*5*12*I~{PAID_LINE}", "105", "claim-charge-1"),
        (f"CLP*C1*1*125*100*5*12*I~{PAID_LINE}", "99", "transaction"),
        (f"CLP*C1*1*125*100*5*12*I~{PAID_LINE}PLB*1*20261231*WO:X*1~", "100", "transaction"),
    ],
)
def test_remittance_that_does_not_balance_is_refused(body: str, paid: str, code: str) -> None:
    data = an_835(f"LX*1~{body}", paid=paid)
    with pytest.raises(OutOfBalance) as caught:
        check_balance(remittance_of(data))
    assert caught.value.code == code
    contents = read_contents(data)
    assert contents.remittances == {}
    assert contents.aside[0].reason == f"out-of-balance:{code}"


@pytest.mark.parametrize("amount", ["1e3", "12.345", "NaN", "1O"])
def test_amount_that_is_none_is_unreadable_at_its_place(amount: str) -> None:
    with pytest.raises(Unreadable, match="835-segment"):
        remittance_of(an_835(f"LX*1~CLP*C1*1*{amount}*100**12*I~"))


def test_truncated_set_is_set_aside_not_posted() -> None:
    data = an_835(f"LX*1~CLP*C1*1*125*100*5*12*ICN1~{PAID_LINE}")
    cut = read_contents(data[: data.index(b"SE*")])
    wrong = read_contents(data.replace(b"SE*12*", b"SE*13*"))
    for contents in (cut, wrong):
        assert contents.remittances == {}
        assert contents.aside[0].reason == "incomplete-set"


def test_other_delimiters_bom_and_newlines_are_read() -> None:
    data = an_835(f"LX*1~CLP*C1*1*125*100*5*12*ICN1~{PAID_LINE}").decode()
    odd = data.replace(":", ">").replace("*", "|").replace("~", "'\r\n")
    remittance = remittance_of(b"\xef\xbb\xbf\r\n" + odd.encode())
    assert remittance.claims[0].lines[0].code == "99213"
    check_balance(remittance)


def test_two_interchanges_with_different_delimiters_in_one_file_are_read() -> None:
    first = an_835(f"LX*1~CLP*C1*1*125*100*5*12*ICN1~{PAID_LINE}")
    second = first.replace(b"*", b"|")
    found = read_interchanges(first + b"\n" + second)
    assert [len(interchange.sets) for interchange in found] == [1, 1]
    assert read_835(found[1].sets[0]) == read_835(found[0].sets[0])


@pytest.mark.parametrize("data", [b"", b"hello", b"ISA*00*", b"ISA" + b"A" * 200, b"\x00" * 50])
def test_no_interchange_is_set_aside_with_a_reason(data: bytes) -> None:
    contents = read_contents(data)
    assert len(contents.aside) == 1
    assert contents.aside[0].kind == "file"


@pytest.mark.parametrize(("category", "effect"), CATEGORY_EFFECTS.items())
def test_277ca_category_has_its_effect(category: str, effect: Effect) -> None:
    ack = of_statuses((ClaimStatus(category, "20"),))
    assert (ack.label, ack.effect) == (f"277CA:{category}", effect)


@pytest.mark.parametrize("category", ["P1", "R0", "F2", "E1", "ZZ"])
def test_277ca_category_outside_the_a_family_goes_to_a_person(category: str) -> None:
    assert of_statuses((ClaimStatus(category),)).effect is Effect.ILLEGAL


def test_gravest_status_of_a_claim_decides_and_all_codes_are_kept() -> None:
    ack = of_statuses((ClaimStatus("A2", "20"), ClaimStatus("A7", "164", "IL"), ClaimStatus("A3", "21")))
    assert ack.effect is Effect.REJECTED
    assert ack.status_codes == ("20", "164", "21")


def test_duplicate_interchange_answer_rejects_nothing() -> None:
    data = f"{ISA}TA1*000000905*260928*1200*R*025~IEA*0*000000001~".encode()
    contents = read_contents(data)
    assert contents.acks == []
    assert contents.aside[0].reason == "duplicate-interchange"


def test_unknown_transaction_is_set_aside() -> None:
    data = f"{ISA}GS*XX*A*B*20260928*1200*1*X*005010X999~ST*123*0001~SE*2*0001~GE*1*1~IEA*1*000000001~"
    assert read_contents(data.encode()).aside[0].reason == "unsupported-transaction"


@NEEDS_SAMPLES
def test_foreign_277ca_is_read() -> None:
    acks = read_277ca(the_set((SHARED / "imsweb_x12_277CA_accepted.txt").read_bytes()))
    assert [(a.claim_control, a.acknowledgement.label) for a in acks] == [("5781", "277CA:A2")]
    assert acks[0].acknowledgement.payer_control == "1107000000014420"


@NEEDS_SAMPLES
def test_foreign_999_is_read() -> None:
    acks = read_999(the_set((SHARED / "imsweb_x12_999_accepted.txt").read_bytes()))
    assert [(a.group_control, a.set_control, a.acknowledgement.label) for a in acks] == [
        ("17456", "0001", "999:A")
    ]


@NEEDS_SAMPLES
@pytest.mark.parametrize(
    ("name", "claims", "balances"),
    [
        ("managed-care.835", 2, True),
        ("secondary-payment.835", 2, True),
        ("tertiary-payment.835", 1, False),
        ("cob-contractural-adjustment.835", 1, True),
        ("medicare-part-a.835", 2, True),
    ],
)
def test_foreign_835_is_read_and_judged_as_oxedi_does(name: str, claims: int, balances: bool) -> None:
    data = (SHARED / name).read_bytes()
    remittance = remittance_of(data)
    other = oxedi.parse(data)
    assert len(remittance.claims) == other.count_claims() == claims
    assert f"{remittance.payment_cents / 100:.2f}" == str(other.sum_payments())
    faults = [d for d in other.diagnostics if "SNIP 3" in str(d)]
    assert bool(faults) is not balances
    if balances:
        check_balance(remittance)
    else:
        with pytest.raises(OutOfBalance):
            check_balance(remittance)


@NEEDS_SAMPLES
@pytest.mark.parametrize("path", sorted(SHARED.glob("*")) if SHARED.is_dir() else [], ids=lambda p: p.name)
def test_no_foreign_file_raises(path: Path) -> None:
    contents = read_contents(path.read_bytes())
    assert contents.acks or contents.reports or contents.remittances or contents.aside
