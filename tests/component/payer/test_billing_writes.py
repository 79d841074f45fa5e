"""Billing's own claims and inquiries are taken in by the stand-in, whose answers billing takes in again.

Two readers and two writers that share no code agree on every element both of them look at.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from component.payer.reading import of_kind, records, segments, statuses
from rcm_billing.handlers.appealing import AppealAnswer
from rcm_billing.handlers.contents import read_contents
from rcm_billing.handlers.deposits import DepositRecord
from rcm_billing.handlers.payer_requests import RequestFile
from rcm_billing.x12.inquiry_276 import Question, write_inquiries
from rcm_billing.x12.remittance_835 import stream_claims
from rcm_deploy.payer.answering import Desk
from rcm_deploy.payer.appeals import answer_appeal
from rcm_deploy.payer.due import answer_due
from rcm_deploy.payer.ledger import Answer
from unit.billing import cases
from unit.deploy.payer.samples import File, visit

GOLDEN = sorted((cases.ROOT / "tests" / "unit" / "billing" / "golden").glob("*.837"))


def paid(answers: list[Answer]) -> Iterator[tuple[str, int, int]]:
    """CLM01, charged and paid cents as billing reads them."""
    for body in of_kind(answers, "835"):
        for _, claim in stream_claims(body, read_contents(body).remittances):
            yield claim.claim_control, claim.charge_cents, claim.paid_cents


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_golden_claim_is_accepted_and_decided(desk: Desk, path: Path) -> None:
    answers = desk.answer(path.read_bytes(), "0" * 64)
    assert [one[1] for one in segments(answers, "999", "AK9")] == ["A"]
    assert statuses(answers) == ["A2:20"]
    ((_control, charged, _paid),) = paid(answers)
    assert charged > 0


def test_claim_is_paid_and_its_status_asked_and_told(desk: Desk) -> None:
    claim = cases.a_claim()
    (decided,) = paid(desk.answer(cases.interchange_of(claim), "0" * 64))
    assert decided[:2] == (claim.claim_control, claim.charge_cents)
    question = write_inquiries(
        [Question("TRACE1", claim)],
        billing=claim.billing,
        submitter=cases.MASTER.submitter,
        payer=cases.MASTER.payers["DHP01"],
        payer_id="DHP01",
        usage="T",
        numbers=cases.NUMBERS,
        at=cases.NOW,
    ).replace(cases.NUMBERS.isa13.encode(), b"000000999")
    answers = desk.answer(question, "1" * 64)
    assert [one[1] for one in segments(answers, "999", "AK9")] == ["A"]
    ((body,),) = [of_kind(answers, "277")]
    (report,) = read_contents(body).reports
    assert (report.trace, report.claim_control, report.report.category) == (
        "TRACE1",
        claim.claim_control,
        "F0",
    )


def test_replacement_and_void_of_billing_find_their_original(desk: Desk) -> None:
    first = cases.a_claim()
    answers = desk.answer(cases.interchange_of(first), "0" * 64)
    (number,) = [one[2] for one in segments(answers, "277ca", "REF") if one[1] == "1K"]
    second = cases.a_claim(version=2, frequency="7", original_reference=number)
    content = cases.interchange_of(second).replace(cases.NUMBERS.isa13.encode(), b"000000998")
    back, again = paid(desk.answer(content, "1" * 64))
    assert back == (first.claim_control, -first.charge_cents, -again[2])
    assert again[0] == second.claim_control


def test_files_beside_the_835_have_the_shape_billing_reads(desk: Desk) -> None:
    samples = [visit("C1", "PF1"), visit("C2", "MR1"), visit("C3", "AR1"), visit("C4", "DNU1")]
    answers = desk.answer(File([samples]).encode(), "0" * 64)
    desk.ledger.advance_clock("20261012")
    while desk.ledger.has_due():
        answers += answer_due(desk)
    appeal = json.dumps({"claim_control": "C4", "level": 1}).encode()
    answers += answer_appeal(desk, appeal, "1" * 64)
    deposits = [DepositRecord.model_validate(one) for one in records(answers, "deposit")]
    requests = [RequestFile.model_validate(one) for one in records(answers, "request")]
    told = [AppealAnswer.model_validate(one) for one in records(answers, "appeal-answer")]
    assert [one.amount_cents for one in deposits] == [34500]
    assert [(one.claim_control, one.kind) for one in requests] == [("C2", "medical-records"), ("C3", "audit")]
    assert [(one.claim_control, one.outcome) for one in told] == [("C4", "upheld")]
