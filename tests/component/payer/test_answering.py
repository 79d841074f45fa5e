"""One inbound file in, its TA1, 999, 277CA and 835 out; the outside oracles judge what is written."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from component.payer.oracles import (
    PaidClaim,
    assert_balanced,
    oxedi_findings,
    pyx12_findings,
    read_checks,
    segments_of,
)
from hypothesis import given
from hypothesis import strategies as st
from rcm_deploy.payer.adjudicate import Met
from rcm_deploy.payer.answering import Desk
from rcm_deploy.payer.ledger import Answer, Ledger
from rcm_deploy.payer.rules import Rules
from unit.deploy.payer.samples import File, Sample, emergency, scan, secondary_visit, stay, visit

Send = Callable[..., dict[str, bytes]]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    ledger = Ledger(tmp_path / "payer.sqlite3")
    yield Desk(ledger, Rules())
    ledger.close()


def kinds(answers: list[Answer]) -> dict[str, bytes]:
    """The X12 files by kind; deposit records and the like have tests of their own."""
    return {one.kind: one.body for one in answers if one.body.startswith(b"ISA")}


@pytest.fixture
def send(desk: Desk) -> Send:
    def run(*samples: Sample, control: str = "000000101", file: File | None = None) -> dict[str, bytes]:
        content = (file or File([list(samples)], control=control)).encode()
        return kinds(desk.answer(content, hashlib.sha256(content).hexdigest()))

    return run


def claims_of(body: bytes) -> list[PaidClaim]:
    return [claim for check in read_checks(body) for claim in check.claims]


def statuses(body: bytes) -> dict[str, tuple[str, str]]:
    """CLM01 -> STC01 and the payer's control number of a 277CA."""
    found: dict[str, tuple[str, str]] = {}
    control = ""
    for segment in segments_of(body):
        if segment[0] == "HL":
            control = ""
            patient = segment[3] == "PT"
        elif segment[0] == "TRN" and patient:
            control = segment[2]
        elif segment[0] == "STC" and control:
            found[control] = (segment[1], "")
        elif segment[:2] == ["REF", "1K"]:
            found[control] = (found[control][0], segment[2])
    return found


EVERY_OUTCOME = [
    visit("C1", "PD1"),
    scan("C2", "PD2"),
    visit("C3", "PF1"),
    visit("C4", "RJ1"),
    visit("C5", "DN1"),
    visit("C6", "SC1"),
    secondary_visit("C7", "SS1"),
    visit("C8", "NR1"),
    visit("C9", "DU1"),
    visit("C10", "DE1"),
]


def test_professional_batch_is_answered_in_files_the_oracles_accept(send: Send) -> None:
    answers = send(*EVERY_OUTCOME)
    assert list(answers) == ["999", "277ca", "835-DHP01", "835-SUP01"]
    for kind in ("999", "835-DHP01", "835-SUP01"):
        assert pyx12_findings(answers[kind]) == []
    for kind in ("835-DHP01", "835-SUP01"):
        assert oxedi_findings(answers[kind]) == []
        assert_balanced(answers[kind])
    outcomes = {claim.control: (claim.status, claim.paid) for claim in claims_of(answers["835-DHP01"])}
    assert outcomes == {
        "C1": ("1", Decimal(159)),
        "C2": ("1", Decimal(256)),
        "C3": ("1", Decimal("172.5")),
        "C5": ("4", Decimal(0)),
        "C6": ("1", Decimal("147.2")),
        "C9": ("4", Decimal(0)),
        "C10": ("1", Decimal("67.2")),
    }
    (secondary,) = claims_of(answers["835-SUP01"])
    assert (secondary.status, secondary.paid, secondary.patient) == ("2", Decimal("36.8"), Decimal(0))
    assert secondary.totals() == {"OA 23": Decimal("193.2")}


def test_institutional_batch_is_answered_in_files_the_oracles_accept(send: Send) -> None:
    answers = send(emergency("E1", "PF1"), emergency("E2", "PD1"), stay("I1", "PF1"), stay("I2", "DN1"))
    remittance = answers["835-DHP01"]
    assert pyx12_findings(remittance) == []
    assert pyx12_findings(answers["999"]) == []
    assert oxedi_findings(remittance) == []
    assert_balanced(remittance)
    claims = {claim.control: claim for claim in claims_of(remittance)}
    assert claims["E2"].patient == 25
    assert [line.control for line in claims["E1"].lines] == ["E1L1", "E1L2"]
    assert (claims["I1"].lines, claims["I1"].adjustments) == ([], [("CO", "45", Decimal(2375))])
    assert claims["I2"].adjustments == [("CO", "50", Decimal(9500))]


def test_277ca_names_every_claim_and_its_totals_agree(send: Send) -> None:
    body = send(*EVERY_OUTCOME)["277ca"]
    found = statuses(body)
    assert list(found) == [sample.control for sample in EVERY_OUTCOME]
    assert found["C4"] == ("A7:164:IL", "")
    assert all(status == "A2:20" and number for key, (status, number) in found.items() if key != "C4")
    assert len({number for _, number in found.values()}) == len(found)
    totals = {
        (segment[0], segment[1]): segment[2] for segment in segments_of(body) if segment[0] in ("QTY", "AMT")
    }
    assert (totals["QTY", "90"], totals["QTY", "AA"]) == ("9", "1")
    assert (totals["AMT", "YU"], totals["AMT", "YY"]) == ("2240", "230")
    assert ["TRN", "2", "B0000001"] in segments_of(body)


def test_277ca_hierarchy_and_counts_hold(send: Send) -> None:
    segments = segments_of(send(*EVERY_OUTCOME)["277ca"])
    levels = [segment for segment in segments if segment[0] == "HL"]
    assert [level[1] for level in levels] == [str(at) for at in range(1, len(levels) + 1)]
    assert all(level[2] == "3" for level in levels[3:])
    start, end = (next(at for at, one in enumerate(segments) if one[0] == tag) for tag in ("ST", "SE"))
    assert segments[start] == ["ST", "277", "0001", "005010X214"]
    assert segments[end][1] == str(end - start + 1)


def test_ta1_comes_only_when_asked_for(send: Send) -> None:
    answers = send(file=File([[visit("C1", "PF1")]], wants_ta1="1"))
    assert list(answers) == ["ta1", "999", "277ca", "835-DHP01"]
    assert ["TA1", "000000101", "260928", "0830", "A", "000"] in segments_of(answers["ta1"])


def test_bad_envelope_gets_a_ta1_and_nothing_else(send: Send) -> None:
    answers = send(file=File([[visit("C1", "PF1")]], changes={"IEA*1*000000101": "IEA*1*000000102"}))
    assert list(answers) == ["ta1"]
    assert segments_of(answers["ta1"])[1][4:] == ["R", "001"]


def test_reused_interchange_number_is_refused_as_duplicate(send: Send) -> None:
    send(visit("C1", "PF1"))
    answers = send(visit("C2", "PF1"))
    assert list(answers) == ["ta1"]
    assert segments_of(answers["ta1"])[1][4:] == ["R", "025"]


def test_rejected_set_is_not_received_but_its_neighbour_is(send: Send) -> None:
    answers = send(file=File([[visit("C1", "PF1", charge="231")], [visit("C2", "PF1")]]))
    assert pyx12_findings(answers["999"]) == []
    assert list(statuses(answers["277ca"])) == ["C2"]
    assert [claim.control for claim in claims_of(answers["835-DHP01"])] == ["C2"]


def test_wholly_rejected_file_gets_only_a_999(send: Send) -> None:
    answers = send(visit("C1", "PF1", charge="231"))
    assert list(answers) == ["999"]
    assert ["AK9", "R", "1", "1", "0"] in segments_of(answers["999"])


def test_unanswered_prefix_is_acknowledged_but_never_paid(send: Send) -> None:
    assert list(send(visit("C1", "NR1"))) == ["999", "277ca"]


def test_rejected_claim_may_come_again_as_original(send: Send) -> None:
    send(visit("C1", "RJ1"))
    (claim,) = claims_of(send(visit("C1", "PF1"), control="000000102")["835-DHP01"])
    assert (claim.status, claim.totals()) == ("1", {"CO 45": Decimal("57.5")})


def test_original_sent_twice_is_denied_oa_18(send: Send) -> None:
    send(visit("C1", "PF1"))
    (claim,) = claims_of(send(visit("C1", "PF1"), control="000000102")["835-DHP01"])
    assert (claim.status, claim.totals()) == ("4", {"OA 18": Decimal(230)})


def test_zero_payment_is_a_non_check(send: Send) -> None:
    body = send(visit("C1", "DN1"))["835-DHP01"]
    (check,) = read_checks(body)
    assert (check.amount, check.method) == (Decimal(0), "NON")
    assert pyx12_findings(body) == []
    assert oxedi_findings(body) == []


def test_corrected_claim_reverses_and_pays_anew(send: Send) -> None:
    first = send(visit("C1", "PF1"))
    number = statuses(first["277ca"])["C1"][1]
    corrected = visit("C2", "PF1", frequency="7", payer_control=number)
    body = send(corrected, control="000000102")["835-DHP01"]
    back, again = claims_of(body)
    assert (back.control, back.status, back.paid, back.payer_control) == (
        "C1",
        "22",
        Decimal("-172.5"),
        number,
    )
    assert back.totals() == {"CO 45": Decimal("-57.5")}
    assert (again.control, again.status, again.paid) == ("C2", "1", Decimal("172.5"))
    assert_balanced(body)
    assert pyx12_findings(body) == []
    assert oxedi_findings(body) == []
    assert ["REF", "F8", number] in segments_of(body)
    refused = send(corrected, control="000000103")
    assert statuses(refused["277ca"])["C2"][0] == "A3:464"


@pytest.mark.parametrize("frequency", ["7", "8"])
def test_number_of_another_providers_claim_is_not_known(send: Send, frequency: str) -> None:
    number = statuses(send(visit("C1", "PF1"))["277ca"])["C1"][1]
    sample = visit("C2", "PF1", frequency=frequency, payer_control=number)
    file = File([[sample]], control="000000102", changes={"XX*1912301953": "XX*1234567893"})
    answers = send(file=file)
    assert statuses(answers["277ca"])["C2"] == ("A3:464", "")
    assert list(answers) == ["999", "277ca"]


def test_void_is_carried_forward_and_taken_back_later(send: Send) -> None:
    number = statuses(send(visit("C1", "PF1"))["277ca"])["C1"][1]
    void = send(visit("C2", "PF1", frequency="8", payer_control=number), control="000000102")["835-DHP01"]
    (check,) = read_checks(void)
    assert [claim.status for claim in check.claims] == ["22"]
    assert [amount for _, amount in check.provider_adjustments] == [Decimal("-172.5")]
    later = send(visit("C3", "PF1"), control="000000103")["835-DHP01"]
    (check,) = read_checks(later)
    assert (check.amount, [amount for _, amount in check.provider_adjustments]) == (
        Decimal(0),
        [Decimal("172.5")],
    )
    for body in (void, later):
        assert_balanced(body)
        assert pyx12_findings(body) == []
        assert oxedi_findings(body) == []


def test_reversal_gives_the_deductible_back(desk: Desk, send: Send) -> None:
    number = statuses(send(visit("C1", "DE1"))["277ca"])["C1"][1]
    assert desk.ledger.met("DHP01", "DE1", "2026") == Met(10000, 11680)
    send(visit("C2", "DE1", frequency="8", payer_control=number), control="000000102")
    assert desk.ledger.met("DHP01", "DE1", "2026") == Met(0, 0)


def test_payees_get_separate_checks(desk: Desk) -> None:
    content = File([[visit("C1", "PF1")], [visit("C2", "PF1")]]).encode()
    head, _, tail = content.rpartition(b"XX*1912301953")
    body = kinds(desk.answer(head + b"XX*1234567893" + tail, "0" * 64))["835-DHP01"]
    assert [check.payee for check in read_checks(body)] == ["1912301953", "1234567893"]
    assert_balanced(body)
    assert pyx12_findings(body) == []


def test_fixed_date_stamps_every_answer(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "dated.sqlite3")
    content = File([[visit("C1", "PF1")]]).encode()
    answers = kinds(Desk(ledger, Rules(), date(2026, 10, 5)).answer(content, "0" * 64))
    ledger.close()
    assert ["DTM", "405", "20261005"] in segments_of(answers["835-DHP01"])
    assert segments_of(answers["999"])[0][9] == "261005"


def test_delimiters_in_names_do_not_break_the_answers(send: Send) -> None:
    file = File([[visit("C1", "PF1")]], changes={"ZQDOE": "ZQ|D>OE"})
    assert oxedi_findings(send(file=file)["835-DHP01"]) == []


def test_999_with_many_faults_still_follows_its_guide(send: Send) -> None:
    changes = {
        "11:B:1*Y": "11:A:5*X",
        "HI*ABK": "HI*BK",
        "LX*2": "LX*7",
        "REF*D9*TC1": "XYZ*D9*TC1",
        "N4*SPRINGFIELD*IL*627010001": "N4*SPRINGFIELD*IL*62701",
        "PER*IC*BILLING*TE*2175550100~\n": "",
    }
    body = send(file=File([[visit("C1", "PF1")], [visit("C2", "PF1")]], changes=changes))["999"]
    assert pyx12_findings(body) == []
    assert ["IK4", "5:2", "1332", "7"] in segments_of(body)
    assert [segment[1] for segment in segments_of(body) if segment[0] == "IK5"] == ["R", "A"]


SEGMENTS = File([[visit("C1", "PD1"), secondary_visit("C2", "SS1")]]).encode().split(b"~\n")


@given(
    at=st.integers(1, len(SEGMENTS) - 1),
    element=st.integers(0, 9),
    text=st.sampled_from(["", "0", "-1", "x", "99999999", "20260230", "CLM", "SE", "HL", "LX", "9.999", "é"]),
    action=st.sampled_from(["replace", "delete", "repeat", "cut"]),
)
def test_no_damaged_file_breaks_the_desk(at: int, element: int, text: str, action: str) -> None:
    segments = list(SEGMENTS)
    parts = segments[at].split(b"*")
    parts[min(element, len(parts) - 1)] = text.encode()
    match action:
        case "replace":
            segments[at] = b"*".join(parts)
        case "delete":
            del segments[at]
        case "repeat":
            segments.insert(at, segments[at])
        case "cut":
            del segments[at:]
    ledger = Ledger(Path(":memory:"))
    try:
        answers = kinds(Desk(ledger, Rules()).answer(b"~\n".join(segments) + b"~\n", "0" * 64))
    finally:
        ledger.close()
    assert answers
    for kind, body in answers.items():
        if kind.startswith("835"):
            assert_balanced(body)
