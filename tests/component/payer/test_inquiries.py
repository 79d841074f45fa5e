"""A 276 is answered by a 277 that says where each claim stands, and by nothing about other people's claims."""

from pathlib import Path

import pytest
from component.payer.oracles import pyx12_findings, segments_of
from component.payer.reading import Send, Wait, of_kind, payer_controls, segments, statuses
from component.payer.status_oracle import status_maps
from hypothesis import given
from hypothesis import strategies as st
from rcm_deploy.payer.answering import Desk
from rcm_deploy.payer.ledger import Ledger
from rcm_deploy.payer.rules import Rules
from unit.deploy.payer.samples import Question, emergency, inquiry, visit


def ask(desk: Desk, *questions: Question, control: str = "000000901", day: str = "20260928") -> bytes:
    answers = desk.answer(inquiry(*questions, control=control, day=day), "0" * 64)
    assert [one.kind for one in answers] == ["999", "277"]
    assert pyx12_findings(answers[0].body) == []
    assert ["AK9", "A", "1", "1", "1"] in segments_of(answers[0].body)
    assert pyx12_findings(answers[1].body, status_maps()) == []
    return answers[1].body


def status(desk: Desk, member: str, control: str, payer_control: str = "", number: int = 901) -> list[str]:
    body = ask(desk, Question(member, control, payer_control), control=f"{number:09d}")
    return next(one for one in segments_of(body) if one[0] == "STC")


@pytest.mark.parametrize(
    ("member", "expected", "paid"),
    [
        ("PF1", "F0:65", "172.5"),
        ("ZP1", "F0:65", "0"),
        ("DN1", "F2:104", "0"),
        ("AU1", "F2:48", "0"),
        ("MI1", "F2:21", "0"),
        ("NR1", "P1:20", "0"),
        ("LT1", "P1:20", "0"),
        ("MR1", "R4:297", "0"),
        ("RJ1", "A4:35", "0"),
    ],
)
def test_claim_is_told_by_where_it_stands(
    desk: Desk, sent: Send, member: str, expected: str, paid: str
) -> None:
    sent(visit("C1", member))
    found = status(desk, member, "C1")
    assert (found[1], found[5]) == (expected, paid)


def test_paid_claim_names_its_check_and_day(desk: Desk, sent: Send) -> None:
    answers = sent(visit("C1", "PF1"))
    (trace,) = segments(answers, "835", "TRN")
    found = status(desk, "PF1", "C1")
    assert found[2:] == ["20260928", "", "230", "172.5", "20260928", "", "20260928", trace[2]]


def test_payers_number_alone_finds_the_claim(desk: Desk, sent: Send) -> None:
    (number,) = payer_controls(sent(visit("C1", "PF1")))
    body = ask(desk, Question("PF1", payer_control=number))
    assert ["REF", "1K", number] in segments_of(body)
    assert ["REF", "EJ", "C1"] in segments_of(body)


def test_unknown_claim_is_not_found(desk: Desk) -> None:
    assert status(desk, "PF1", "NONE")[1] == "A4:35"


def test_claim_of_another_member_is_not_found(desk: Desk, sent: Send) -> None:
    sent(visit("C1", "PF1"))
    assert status(desk, "PF2", "C1")[1] == "A4:35"


@pytest.mark.parametrize(("payer", "paid"), [("DHP01", "147.2"), ("SUP01", "36.8"), ("DMC01", "0")])
def test_each_payer_tells_of_its_own_claim_after_a_crossover(
    desk: Desk, sent: Send, payer: str, paid: str
) -> None:
    sent(visit("C1", "XO1"))
    body = desk.answer(inquiry(Question("XO1", "C1"), payer=payer), "0" * 64)[1].body
    assert next(one[5] for one in segments_of(body) if one[0] == "STC") == paid


def test_dependent_is_found_under_its_subscriber(desk: Desk, sent: Send) -> None:
    sent(visit("C1", "PF1"))
    changes = {
        "HL*4*3*22*0~\nDMG*D8*19600102*F~\n": "HL*4*3*22*1~\n",
        "TRN*1*TRACE1": "HL*5*4*23~\nDMG*D8*20100102*F~\nNM1*QC*1*ZQDOE*KIM~\nTRN*1*TRACE1",
        "SE*15": "SE*17",
    }
    answers = desk.answer(inquiry(Question("PF1", "C1"), changes=changes), "0" * 64)
    assert [one[1] for one in segments(answers, "277", "STC")] == ["F0:65"]
    assert pyx12_findings(answers[1].body, status_maps()) == []


def test_reversed_claim_is_told_as_revised(desk: Desk, sent: Send) -> None:
    (number,) = payer_controls(sent(visit("C1", "PF1")))
    sent(visit("C2", "PF1", frequency="8", payer_control=number), control="000000102")
    assert status(desk, "PF1", "C1")[1] == "F3:101"


def test_held_payment_is_final_once_its_day_has_come(desk: Desk, sent: Send, wait_until: Wait) -> None:
    sent(visit("C1", "LT1"))
    assert status(desk, "LT1", "C1", number=901)[1] == "P1:20"
    wait_until("20261227")
    assert status(desk, "LT1", "C1", number=902)[1] == "F0:65"


def test_several_questions_are_answered_in_their_order(desk: Desk, sent: Send) -> None:
    sent(visit("C1", "PF1"), visit("C2", "DN2"), visit("C3", "NR3"))
    questions = [
        Question("PF1", "C1", trace="A"),
        Question("DN2", "C2", trace="B"),
        Question("NR3", "C3", trace="C"),
        Question("PF9", "C9", trace="D"),
    ]
    body = ask(desk, *questions)
    assert [one[2] for one in segments_of(body) if one[0] == "TRN"] == ["A", "B", "C", "D"]
    assert [one[1] for one in segments_of(body) if one[0] == "STC"] == ["F0:65", "F2:104", "P1:20", "A4:35"]


def test_institutional_claim_repeats_its_bill_type(desk: Desk, sent: Send) -> None:
    sent(emergency("E1", "PF1"))
    assert ["REF", "BLT", "131"] in segments_of(ask(desk, Question("PF1", "E1")))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("BHT*0010*13", "BHT*0019*00", ["IK3", "BHT", "2", "", "8"]),
        ("HL*4*3*22", "HL*4*2*22", ["IK3", "HL", "9", "2000", "8"]),
        ("HL*4*3*22", "HL*4*3*77", ["IK3", "HL", "9", "2000", "8"]),
        ("NM1*1P", "NM1*85", ["IK3", "NM1", "8", "2000", "8"]),
        ("TRN*1*TRACE1~\n", "", ["IK3", "TRN", "14", "2000", "3"]),
        ("REF*EJ*C1", "REF*EJ*", ["IK3", "REF", "13", "2000", "8"]),
    ],
)
def test_broken_inquiry_is_rejected_by_the_999(desk: Desk, old: str, new: str, fault: list[str]) -> None:
    changes = {old: new}
    if not new:
        changes["SE*15"] = "SE*14"
    answers = desk.answer(inquiry(Question("PF1", "C1"), changes=changes), "0" * 64)
    assert [one.kind for one in answers] == ["999"]
    assert fault in segments_of(answers[0].body)
    assert ["AK9", "R", "1", "1", "0"] in segments_of(answers[0].body)
    assert pyx12_findings(answers[0].body) == []


def test_oracle_refuses_a_broken_277(desk: Desk) -> None:
    body = ask(desk, Question("PF1", "C1"))
    assert pyx12_findings(body.replace(b"STC*A4", b"XXX*A4"), status_maps())
    assert pyx12_findings(body.replace(b"NM1*1P", b"NM1*QQ"), status_maps())


def test_inquiry_under_a_claims_guide_is_not_taken(desk: Desk) -> None:
    content = inquiry(Question("PF1", "C1"), changes={"X*005010X212": "X*005010X222A1"})
    answers = desk.answer(content, "0" * 64)
    assert [one.kind for one in answers] == ["999"]
    assert of_kind(answers, "277") == []
    assert statuses(answers, "277") == []


SEGMENTS = inquiry(Question("PF1", "C1"), Question("DN2", payer_control="N2")).split(b"~\n")


@given(
    at=st.integers(1, len(SEGMENTS) - 1),
    element=st.integers(0, 9),
    text=st.sampled_from(["", "0", "-1", "x", "99999999", "CLM", "SE", "HL", "22", "é"]),
    action=st.sampled_from(["replace", "delete", "repeat", "cut"]),
)
def test_no_damaged_inquiry_breaks_the_desk(at: int, element: int, text: str, action: str) -> None:
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
        answers = Desk(ledger, Rules()).answer(b"~\n".join(segments) + b"~\n", "0" * 64)
    finally:
        ledger.close()
    assert {one.kind for one in answers} <= {"ta1", "999", "277"}
    assert answers or action == "replace"
