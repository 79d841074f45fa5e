"""What the 835 says beside plain payments, judged by both oracles: remarks, interest, crossover, deposits."""

from decimal import Decimal

from component.payer.oracles import segments_of
from component.payer.reading import Send, checks_of, claims_of, of_kind, records, segments
from rcm_deploy.payer.adjudicate import Met
from rcm_deploy.payer.answering import Desk
from unit.deploy.payer.samples import Line, claim, scan, stay, visit


def test_several_claims_of_a_payee_share_one_check(sent: Send) -> None:
    (check,) = checks_of(sent(visit("C1", "PF1"), scan("C2", "PF2"), visit("C3", "DN3")))
    assert [one.control for one in check.claims] == ["C1", "C2", "C3"]
    assert check.amount == Decimal("472.5")


def test_deposit_record_repeats_the_trace_and_amount_of_its_check(sent: Send) -> None:
    answers = sent(visit("C1", "PF1"), visit("C2", "PF1", payer="DMC01"))
    checks = checks_of(answers)
    deposits = records(answers, "deposit")
    assert [one["trace"] for one in deposits] == [check.trace for check in checks]
    assert [Decimal(one["amount_cents"]) / 100 for one in deposits] == [check.amount for check in checks]
    traces = segments(answers, "835", "TRN")
    assert [one["addenda"] for one in deposits] == ["*".join(trace) + "~" for trace in traces]
    assert [one["originator"] for one in deposits] == [trace[3] for trace in traces]
    assert {one["effective_on"] for one in deposits} == {"2026-09-28"}


def test_check_without_money_brings_no_deposit(sent: Send) -> None:
    answers = sent(visit("C1", "DN1"))
    assert [check.method for check in checks_of(answers)] == ["NON"]
    assert records(answers, "deposit") == []


def test_claim_that_goes_to_the_deductible_is_processed_and_paid_nothing(sent: Send) -> None:
    (check,) = checks_of(sent(visit("C1", "ZP1")))
    assert (check.method, check.amount, check.claims[0].status) == ("NON", Decimal(0), "1")
    assert check.claims[0].totals() == {"CO 45": Decimal("57.5"), "PR 1": Decimal("172.5")}


def test_accumulators_count_within_one_member_and_year(desk: Desk, sent: Send) -> None:
    answers = sent(scan("C1", "OP1"), scan("C2", "OP1"), scan("C3", "OP2"), scan("C4", "OP1", day="20260101"))
    assert [one.patient for one in claims_of(answers)] == [150, 0, 150, 0]
    assert desk.ledger.met("DHP01", "OP1", "2026") == Met(10000, 15000)
    assert desk.ledger.met("DHP01", "OP1", "2025") == Met()


def test_remark_of_a_line_is_lq_and_of_an_outpatient_claim_moa(sent: Send) -> None:
    answers = sent(visit("C1", "MI1"))
    assert segments(answers, "835", "LQ") == [["LQ", "HE", "N290"]] * 2
    assert segments(answers, "835", "MOA") == [["MOA", "", "", "MA130"]]
    assert len(claims_of(answers)) == 1


def test_inpatient_claim_has_mia_with_days_drg_amount_and_remark(sent: Send) -> None:
    answers = sent(stay("I1", "PF1"), stay("I2", "DN1"))
    assert segments(answers, "835", "MIA") == [["MIA", "1", "", "", "7125"], ["MIA", "1", "", "", "", "N115"]]
    assert segments(answers, "835", "MOA") == []
    assert len(claims_of(answers)) == 2


def test_interest_raises_the_payment_and_not_the_claim(sent: Send) -> None:
    answers = sent(visit("C1", "IN1"), visit("C2", "PF1"))
    (check,) = checks_of(answers)
    assert [one.paid for one in check.claims] == [Decimal("172.5")] * 2
    assert check.provider_adjustments == [("L6:260928000000001", Decimal("-1.37"))]
    assert check.amount == Decimal("346.37")
    assert segments(answers, "835", "AMT").count(["AMT", "I", "1.37"]) == 1


def test_interest_alone_comes_in_a_file_with_plb_and_no_claim(sent: Send) -> None:
    answers = sent(visit("C1", "IP1"))
    first, alone = checks_of(answers)
    assert (first.provider_adjustments, first.amount) == ([], Decimal("172.5"))
    assert (alone.claims, alone.amount) == ([], Decimal("1.37"))
    assert not {"LX", "CLP"} & {one[0] for one in segments_of(of_kind(answers, "835")[1])}
    assert [one["amount_cents"] for one in records(answers, "deposit")] == [17250, 137]


def test_interest_of_several_claims_is_one_entry_under_the_check(sent: Send) -> None:
    (check,) = checks_of(sent(*(visit(f"C{at}", "IN1") for at in range(8))))
    assert check.provider_adjustments == [(f"L6:{check.trace}", Decimal("-10.96"))]
    assert check.amount == 8 * Decimal("173.87")


def test_crossover_is_status_19_and_the_next_payer_pays_too(sent: Send) -> None:
    answers = sent(visit("C1", "XO1"))
    first, second = claims_of(answers)
    assert (first.control, first.status, first.paid, first.patient) == (
        "C1",
        "19",
        Decimal("147.2"),
        Decimal("36.8"),
    )
    assert (second.control, second.status, second.paid, second.patient) == (
        "C1",
        "2",
        Decimal("36.8"),
        Decimal(0),
    )
    assert second.totals() == {"OA 23": Decimal("193.2")}
    names = [one for one in segments(answers, "835", "NM1") if one[1] == "TT"]
    assert names == [["NM1", "TT", "2", "DEMO SUPPLEMENT", "", "", "", "", "PI", "SUP01"]]


def test_denied_claim_does_not_cross_over(sent: Send) -> None:
    sent(visit("C1", "XO1"))
    (again,) = claims_of(sent(visit("C1", "XO1"), control="000000102"))
    assert (again.status, again.totals()) == ("4", {"OA 18": Decimal(230)})


def test_code_change_is_told_in_svc06(sent: Send) -> None:
    answers = sent(visit("C1", "CC1"))
    changed, plain = segments(answers, "835", "SVC")
    assert (changed[1], changed[6]) == ("HC:99212:25", "HC:99213")
    assert len(plain) == 6
    assert claims_of(answers)[0].totals() == {"CO 45": Decimal(46), "CO 150": Decimal(24)}


def test_line_split_comes_as_two_svc_with_the_units_submitted(sent: Send) -> None:
    answers = sent(claim("C1", "LS1", Line("97110", "75", "C1L1", units="3")))
    (paid,) = claims_of(answers)
    assert [(line.control, line.charge) for line in paid.lines] == [
        ("C1L1", Decimal("37.5")),
        ("C1L1", Decimal("37.5")),
    ]
    assert [one[7] for one in segments(answers, "835", "SVC")] == ["3", "3"]
