"""Billing's own readers take in every file and every fault that the stand-in produces, without an exception."""

from pathlib import Path

import pytest
from component.payer.folders import answered, drop, published, run_once
from component.payer.reading import Send, Wait, of_kind
from rcm_billing.handlers.contents import Contents, read_contents
from rcm_billing.x12.explain import explain
from rcm_billing.x12.remittance_835 import stream_claims
from rcm_deploy.payer.answering import Desk
from rcm_deploy.payer.faults import FaultName
from rcm_deploy.payer.ledger import Answer
from rcm_deploy.payer.rules import PLANS, Verdict
from unit.deploy.payer.samples import (
    File,
    Question,
    emergency,
    inquiry,
    scan,
    secondary_visit,
    stay,
    visit,
)


def read(body: bytes) -> Contents:
    """Read a file as billing does when it arrives, and explain it as the command line does."""
    assert explain(body).parts
    contents = read_contents(body)
    list(stream_claims(body, contents.remittances))
    return contents


def reasons(contents: Contents) -> list[str]:
    return [one.reason for one in contents.aside]


def paid_claims(body: bytes) -> list[tuple[str, int]]:
    """CLM01 and paid cents of every claim that billing would post."""
    contents = read_contents(body)
    return [(claim.claim_control, claim.paid_cents) for _, claim in stream_claims(body, contents.remittances)]


@pytest.mark.parametrize("prefix", [prefix for prefix in PLANS if prefix])
def test_every_outcome_is_read_with_nothing_put_aside(sent: Send, wait_until: Wait, prefix: str) -> None:
    answers: list[Answer] = [
        *sent(visit("C1", f"{prefix}01"), scan("C2", f"{prefix}02"), secondary_visit("C3", f"{prefix}03")),
        *sent(emergency("E1", f"{prefix}04"), stay("I1", f"{prefix}05"), control="000000102"),
        *wait_until("20270601"),
    ]
    files = [one for one in answers if one.body.startswith(b"ISA")]
    assert [reasons(read(one.body)) for one in files] == [[]] * len(files)
    acknowledged = [one for body in of_kind(answers, "277ca") for one in read(body).acks if one.claim_control]
    assert [one.claim_control for one in acknowledged] == ["C1", "C2", "C3", "E1", "I1"]
    posted = {control for body in of_kind(answers, "835") for control, _ in paid_claims(body)}
    silent = PLANS[prefix].verdict in (Verdict.REJECT, Verdict.SILENCE)
    assert posted == (set() if silent else {"C1", "C2", "C3", "E1", "I1"})


def test_every_kind_of_file_is_explained_without_a_problem(desk: Desk, sent: Send) -> None:
    answers = [
        *sent(visit("C1", "PD1"), visit("C2", "RJ2")),
        *desk.answer(File([[visit("C3", "PF3")]], control="000000102", wants_ta1="1").encode(), "1" * 64),
        *desk.answer(inquiry(Question("PD1", "C1"), Question("PF9", "C9")), "2" * 64),
    ]
    found = {}
    for one in answers:
        if one.body.startswith(b"ISA"):
            explained = explain(one.body)
            assert [problem.message for part in explained.parts for problem in part.problems.listed()] == []
            found[one.kind.split("-")[0]] = [part.kind for part in explained.parts]
    assert found == {
        "ta1": ["TA1"],
        "999": ["999"],
        "277ca": ["277CA"],
        "277": ["277"],
        "835": ["835"],
    }


def test_claim_status_answers_are_read_for_each_claim(desk: Desk, sent: Send) -> None:
    sent(visit("C1", "PD1"), visit("C2", "DN1"), visit("C3", "NR1"))
    questions = [
        Question(member, control) for member, control in (("PD1", "C1"), ("DN1", "C2"), ("NR1", "C3"))
    ]
    (body,) = of_kind(desk.answer(inquiry(*questions), "0" * 64), "277")
    reports = read(body).reports
    assert [(one.claim_control, one.trace) for one in reports] == [
        ("C1", "TRACE1"),
        ("C2", "TRACE1"),
        ("C3", "TRACE1"),
    ]


#: Why billing puts a file aside under a fault; the others are sound, only odd.
PUT_ASIDE = {FaultName.TRUNCATED, FaultName.WRONG_SE01, FaultName.UNBALANCED_BPR}
LEFT_OUT = {FaultName.LATE, FaultName.BATCHED, FaultName.HUGE_FILE}
EXPECTED = [("C1", 15900), ("C2", 0)]


@pytest.mark.parametrize("fault", [fault for fault in FaultName if fault not in LEFT_OUT])
def test_every_fault_is_read_and_broken_files_post_nothing(tmp_path: Path, fault: FaultName) -> None:
    files = answered(tmp_path, fault)
    aside = [reason for _, body in files for reason in reasons(read(body))]
    posted = [claim for kind, body in files if kind.startswith("835") for claim in paid_claims(body)]
    if fault in PUT_ASIDE:
        assert aside
        assert posted == []
        return
    assert aside == []
    repeats = 2 if fault in (FaultName.SAME_FILE_TWICE, FaultName.SAME_CONTENT_NEW_ISA13) else 1
    if fault is FaultName.UNKNOWN_CLP01:
        assert [control for control, _ in posted] == ["UNKNOWN0001", "C2"]
    else:
        assert posted == EXPECTED * repeats


def test_two_payers_in_one_interchange_are_two_payments(tmp_path: Path) -> None:
    content = File([[visit("C1", "PF1"), visit("C2", "PF2", payer="DMC01")]]).encode()
    files = dict(answered(tmp_path, "two-payers-one-isa", content))
    contents = read(files["835-all"])
    assert [payment.payment_cents for payment in contents.remittances.values()] == [17250, 17250]
    assert paid_claims(files["835-all"]) == [("C1", 17250), ("C2", 17250)]


def test_late_and_batched_remittances_are_read_when_they_come(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text(
        '[{"fault": "late-90-days", "match": {"claim_control": "C1"}}, {"fault": "batched"}]'
    )
    drop(tmp_path, "1.837", File([[visit("C1", "PF1"), visit("C2", "PF2")]]).encode())
    run_once(tmp_path)
    (tmp_path / "clock").write_text("2027-01-01")
    run_once(tmp_path)
    bodies = [body for name, body in published(tmp_path).items() if "-835-" in name]
    assert [paid_claims(body) for body in bodies] == [[("C2", 17250)], [("C1", 17250)]]


def test_huge_file_is_read_and_its_filler_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text('[{"fault": "huge-file", "megabytes": 2}]')
    body = dict(answered(tmp_path))["835-DHP01"]
    claims = paid_claims(body)
    assert claims[:2] == EXPECTED
    assert len(claims) > 3000
    assert {paid for control, paid in claims if control.startswith("FILL")} == {0}
