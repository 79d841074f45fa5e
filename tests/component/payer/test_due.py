"""What the virtual clock brings: late and batched remittances, take-backs, audits, unanswered requests."""

import hashlib
import json
from datetime import date
from decimal import Decimal

from component.payer.oracles import segments_of
from component.payer.reading import (
    Send,
    Wait,
    checks_of,
    claims_of,
    of_kind,
    payer_controls,
    records,
    segments,
)
from rcm_deploy.payer.answering import Desk
from rcm_deploy.payer.ledger import Answer
from rcm_deploy.payer.responses import answer_records
from unit.deploy.payer.samples import File, visit


def test_late_remittance_comes_on_its_day_and_not_before(sent: Send, wait_until: Wait) -> None:
    assert of_kind(sent(visit("C1", "LT1")), "835") == []
    assert wait_until("20261226") == []
    answers = wait_until("20261227")
    (claim,) = claims_of(answers)
    assert (claim.control, claim.paid) == ("C1", Decimal("172.5"))
    assert segments(answers, "835", "DTM")[0] == ["DTM", "405", "20261227"]
    assert wait_until("20271231") == []


def test_later_input_moves_the_clock(desk: Desk, sent: Send) -> None:
    sent(visit("C1", "LT1"))
    assert not desk.ledger.has_due()
    sent(visit("C2", "PF2"), control="000000102", day="20261228")
    assert desk.ledger.has_due()


def test_daily_payer_pays_a_day_with_one_check_for_each_payee(
    desk: Desk, sent: Send, wait_until: Wait
) -> None:
    desk.daily = True
    for number in range(3):
        answers = sent(visit(f"C{number}", "PF1"), control=f"{number:09d}")
        assert of_kind(answers, "835") == []
    sent(visit("C9", "PF1", payer="DMC01"), control="000000009")
    assert wait_until("20260928") == []
    answers = wait_until("20260929")
    first, second = checks_of(answers)
    assert [claim.control for claim in first.claims] == ["C0", "C1", "C2"]
    assert [claim.control for claim in second.claims] == ["C9"]
    assert len(of_kind(answers, "835")) == 2
    assert len(records(answers, "deposit")) == 2


def test_take_back_with_correction_is_carried_forward_and_collected(sent: Send, wait_until: Wait) -> None:
    sent(visit("C1", "TB1"))
    (check,) = checks_of(wait_until("20261012"))
    back, corrected = check.claims
    assert (back.status, back.paid, back.totals()) == ("22", Decimal(-184), {"CO 45": Decimal(-46)})
    assert (corrected.control, corrected.status, corrected.paid) == ("C1", "1", Decimal("149.5"))
    assert check.provider_adjustments == [(f"FB:{check.trace}", Decimal("-34.5"))]
    (later,) = checks_of(sent(visit("C2", "PF2"), control="000000102", day="20261013"))
    assert later.provider_adjustments == [(f"FB:{check.trace}", Decimal("34.5"))]
    assert later.amount == Decimal(138)
    (last,) = checks_of(sent(visit("C3", "PF2"), control="000000103", day="20261014"))
    assert (last.provider_adjustments, last.amount) == ([], Decimal("172.5"))


def test_forward_balance_takes_two_cycles_when_one_check_does_not_cover_it(
    sent: Send, wait_until: Wait
) -> None:
    sent(visit("C1", "TC1"))
    (check,) = checks_of(wait_until("20261012"))
    assert ([claim.status for claim in check.claims], check.amount) == (["22"], Decimal(0))
    reference = f"FB:{check.trace}"
    assert check.provider_adjustments == [(reference, Decimal(-184))]
    cycles = [
        checks_of(sent(visit(f"C{number}", "PF2"), control=f"{number:09d}", day="20261013"))[0]
        for number in (2, 3)
    ]
    assert [cycle.provider_adjustments for cycle in cycles] == [
        [(reference, Decimal("172.5"))],
        [(reference, Decimal("11.5"))],
    ]
    assert [cycle.amount for cycle in cycles] == [Decimal(0), Decimal(161)]


def test_reversal_alone_is_followed_by_the_corrected_claim(sent: Send, wait_until: Wait) -> None:
    (number,) = payer_controls(sent(visit("C1", "TC1")))
    first, second = (claims_of(wait_until(day)) for day in ("20261012", "20261026"))
    assert [(one.status, one.payer_control) for one in first] == [("22", number)]
    assert [(one.status, one.paid) for one in second] == [("1", Decimal("149.5"))]
    assert second[0].payer_control != number


def test_corrected_claim_names_the_decision_it_replaces(sent: Send, wait_until: Wait) -> None:
    numbers = payer_controls(sent(visit("C1", "TB1"), visit("C2", "TC1")))
    answers = wait_until("20261026")
    named = [one[2] for one in segments(answers, "835", "REF") if one[1] == "F8"]
    assert named == numbers
    assert len(claims_of(answers)) == 4


def test_recouped_money_is_deferred_and_then_taken_by_wo(sent: Send, wait_until: Wait) -> None:
    (number,) = payer_controls(sent(visit("C1", "TW1")))
    (check,) = checks_of(wait_until("20261012"))
    assert check.provider_adjustments == [(f"WO:{number}", Decimal(-184))]
    assert (check.amount, check.method) == (Decimal(0), "NON")
    cycles = [
        checks_of(sent(visit(f"C{at}", "PF2"), control=f"{at:09d}", day="20261013"))[0] for at in (2, 3)
    ]
    assert [cycle.provider_adjustments for cycle in cycles] == [
        [(f"WO:{number}", Decimal("172.5"))],
        [(f"WO:{number}", Decimal("11.5"))],
    ]


def test_claim_that_was_voided_is_not_taken_back_again(sent: Send, wait_until: Wait) -> None:
    (number,) = payer_controls(sent(visit("C1", "TW1")))
    sent(visit("C2", "TW1", frequency="8", payer_control=number), control="000000102")
    assert wait_until("20261231") == []


def test_payment_is_taken_back_once(sent: Send, wait_until: Wait) -> None:
    sent(visit("C1", "TB1"))
    assert len(checks_of(wait_until("20261012"))) == 1
    assert wait_until("20281231") == []


def respond(desk: Desk, request_id: str, day: str = "2026-10-05") -> list[Answer]:
    return answer_records(desk, json.dumps({"request_id": request_id, "answered_on": day}).encode())


def test_records_are_asked_for_and_lead_to_payment(desk: Desk, sent: Send, wait_until: Wait) -> None:
    answers = sent(visit("C1", "MR1"))
    assert of_kind(answers, "835") == []
    (request,) = records(answers, "request")
    (number,) = payer_controls(answers)
    assert request == {
        "request_id": "RQ260928000001",
        "claim_control": "C1",
        "payer_control": number,
        "payer_id": "DHP01",
        "kind": "medical-records",
        "due_on": "2026-10-28",
        "reason_code": "297",
    }
    paid = respond(desk, request["request_id"])
    (claim,) = claims_of(paid)
    assert (claim.control, claim.status, claim.payer_control) == ("C1", "1", number)
    assert segments(paid, "835", "DTM")[0] == ["DTM", "405", "20261005"]
    assert respond(desk, request["request_id"]) == []
    assert wait_until("20261231") == []


def test_records_that_never_come_lead_to_a_denial(desk: Desk, sent: Send, wait_until: Wait) -> None:
    (request,) = records(sent(visit("C1", "MR1")), "request")
    assert wait_until("20261027") == []
    answers = wait_until("20261028")
    (claim,) = claims_of(answers)
    assert (claim.status, claim.totals()) == ("4", {"CO 226": Decimal(230)})
    assert segments(answers, "835", "LQ") == [["LQ", "HE", "N29"]] * 2
    assert respond(desk, request["request_id"]) == []


def test_answer_to_no_open_request_changes_nothing(desk: Desk) -> None:
    assert respond(desk, "RQ1") == []
    assert answer_records(desk, b"{") == []


def test_audited_payment_stays_when_the_audit_is_answered(desk: Desk, sent: Send, wait_until: Wait) -> None:
    (number,) = payer_controls(sent(visit("C1", "AR1")))
    answers = wait_until("20261012")
    (request,) = records(answers, "request")
    assert (request["kind"], request["payer_control"], request["due_on"]) == ("audit", number, "2026-11-11")
    assert of_kind(answers, "835") == []
    assert respond(desk, request["request_id"]) == []
    assert wait_until("20261231") == []


def test_audit_that_nobody_answers_recoups_the_payment(sent: Send, wait_until: Wait) -> None:
    sent(visit("C1", "AR1"))
    (check,) = checks_of(wait_until("20261111"))
    assert [claim.status for claim in check.claims] == ["22"]
    assert check.provider_adjustments[0][0].startswith("WO:")


def test_due_days_come_in_order_and_are_dated_by_themselves(sent: Send, wait_until: Wait) -> None:
    sent(visit("C1", "LT1"), visit("C2", "TB2"))
    answers = wait_until("20270601")
    assert [one[2] for one in segments(answers, "835", "DTM") if one[1] == "405"] == ["20261012", "20261227"]
    assert {one.stem for one in answers} == {
        "DEMOGENERAL-20261012-due000001",
        "DEMOGENERAL-20261227-due000002",
    }


def test_two_senders_get_their_own_files(desk: Desk, wait_until: Wait) -> None:
    for sender, control in (("DEMOGENERAL", "000000101"), ("OTHERCLINIC", "000000102")):
        content = File([[visit(f"C{control}", "LT1")]], control=control).encode()
        content = content.replace(b"DEMOGENERAL    *ZZ", sender.encode() + b"    *ZZ")
        desk.answer(content, hashlib.sha256(content).hexdigest())
    bodies = of_kind(wait_until("20270101"), "835")
    assert [segments_of(body)[0][8].strip() for body in bodies] == ["DEMOGENERAL", "OTHERCLINIC"]


def test_fixed_day_dates_the_answer_to_a_response(desk: Desk, sent: Send) -> None:
    (request,) = records(sent(visit("C1", "MR1")), "request")
    desk.today = date(2026, 10, 9)
    answers = respond(desk, request["request_id"])
    assert segments(answers, "835", "DTM")[0] == ["DTM", "405", "20261009"]
