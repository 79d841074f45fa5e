"""What a 277 does to a claim, one test per category; inquiries; the filing window; the proof of filing."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rcm_billing.domain.account import Account, Attempt, Claim
from rcm_billing.domain.acknowledgement import ClaimStatus, Effect, of_statuses
from rcm_billing.domain.claim import CLAIM_STEPS, AttemptState, ClaimState
from rcm_billing.domain.master import Payer
from rcm_billing.domain.proof import Answer, Proof, Sent, claim_excerpt, status_excerpt, syntax_excerpt
from rcm_billing.domain.status import Meaning, meaning_of, report_of, reported
from rcm_billing.domain.submission import acknowledged
from rcm_billing.domain.timely_filing import filing_window, last_day, late_lines
from rcm_billing.handlers.contents import read_contents
from rcm_billing.x12.explain import explain
from rcm_billing.x12.inquiry_276 import Question, write_inquiries
from rcm_billing.x12.reader import read_interchanges, read_segments
from rcm_billing.x12.status_277 import read_277
from rcm_shared.contracts.intake import ClaimForm
from rcm_shared.contracts.records import PatientPhi
from rcm_shared.money import Cents
from unit.billing import cases

SAMPLES = Path(os.environ.get("RCM_SHARED_DIR") or cases.ROOT.parent / "shared") / "samples" / "x12"
NEEDS_SAMPLES = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="foreign X12 samples are not beside the repository"
)
KEY, CLAIM, ATTEMPT = (cases.encounter_id(n) for n in (1, 60, 70))


def an_account(state: ClaimState, attempt: AttemptState = AttemptState.SENT) -> Account:
    claim = Claim(
        claim_id=CLAIM,
        order="P",
        payer_id="DHP01",
        version=1,
        form=ClaimForm.PROFESSIONAL,
        state=state,
        claim_control="C1",
        charge_cents=Cents(12500),
        attempts=(Attempt(attempt_id=ATTEMPT, interchange_control="000000001", state=attempt),),
    )
    return Account(encounter_id=KEY, facility_id="F1", claims=(claim,))


#: category -> (claim state, attempt state, what a person is told), from a submitted claim (domain model 2.4).
TABLE_277 = {
    "A0": (ClaimState.SUBMITTED, AttemptState.SENT, ""),
    "A1": (ClaimState.SUBMITTED, AttemptState.SENT, ""),
    "A2": (ClaimState.ACCEPTED, AttemptState.ACCEPTED, ""),
    "A3": (ClaimState.SUBMITTED, AttemptState.SENT, "status-rejected"),
    "A4": (ClaimState.SUBMITTED, AttemptState.SENT, "status-not-found"),
    "A5": (ClaimState.SUBMITTED, AttemptState.SENT, ""),
    "A6": (ClaimState.SUBMITTED, AttemptState.SENT, "status-rejected"),
    "A7": (ClaimState.SUBMITTED, AttemptState.SENT, "status-rejected"),
    "A8": (ClaimState.SUBMITTED, AttemptState.SENT, "status-rejected"),
    "D0": (ClaimState.SUBMITTED, AttemptState.SENT, "status-not-found"),
    **{f"P{n}": (ClaimState.PENDED, AttemptState.ACCEPTED, "") for n in range(6)},
    **{f"R{n}": (ClaimState.PENDED, AttemptState.ACCEPTED, "status-information") for n in range(18)},
    **{f"F{n}": (ClaimState.ACCEPTED, AttemptState.ACCEPTED, "") for n in range(6)},
    **{f"E{n}": (ClaimState.SUBMITTED, AttemptState.SENT, "") for n in range(5)},
    "Z9": (ClaimState.SUBMITTED, AttemptState.SENT, "status-unknown"),
}


@pytest.mark.parametrize("category", TABLE_277)
def test_each_277_category_moves_the_claim_as_the_table_says(category: str) -> None:
    state, attempt, problem = TABLE_277[category]
    report = report_of((ClaimStatus(category, "20"),), "ICN9")
    step = reported(an_account(ClaimState.SUBMITTED), CLAIM, ATTEMPT, report)
    claim = step.account.claims[0]
    assert (claim.state, claim.attempts[0].state, step.problem) == (state, attempt, problem)
    assert claim.payer_control == "ICN9"
    assert [event.TYPE for event in step.events] == ["rcm.billing.claim-status-reported.v1"]
    assert step.account.totals == an_account(ClaimState.SUBMITTED).totals  # a status never moves money
    assert reported(step.account, CLAIM, ATTEMPT, report).events == ()


#: category -> (claim state, attempt state) from a submitted claim, for a batch 277CA.
TABLE_277CA = {
    "A0": (ClaimState.SUBMITTED, AttemptState.RECEIVED),
    "A1": (ClaimState.SUBMITTED, AttemptState.RECEIVED),
    "A2": (ClaimState.ACCEPTED, AttemptState.ACCEPTED),
    "A3": (ClaimState.REJECTED, AttemptState.REJECTED),
    "A4": (ClaimState.SUBMITTED, AttemptState.RECEIVED),
    "A5": (ClaimState.SUBMITTED, AttemptState.RECEIVED),
    "A6": (ClaimState.REJECTED, AttemptState.REJECTED),
    "A7": (ClaimState.REJECTED, AttemptState.REJECTED),
    "A8": (ClaimState.REJECTED, AttemptState.REJECTED),
}


@pytest.mark.parametrize("category", TABLE_277CA)
def test_each_277ca_category_moves_the_claim_as_the_table_says(category: str) -> None:
    ack = of_statuses((ClaimStatus(category, "20"),))
    claim = acknowledged(an_account(ClaimState.SUBMITTED), CLAIM, ATTEMPT, ack).account.claims[0]
    assert (claim.state, claim.attempts[0].state) == TABLE_277CA[category]


@pytest.mark.parametrize("category", ["P1", "F1", "R4", "D0", "E1", "Z9"])
def test_a_category_outside_the_a_family_is_illegal_in_a_277ca(category: str) -> None:
    assert of_statuses((ClaimStatus(category, "20"),)).effect is Effect.ILLEGAL


@pytest.mark.parametrize("category", TABLE_277)
@pytest.mark.parametrize("state", ClaimState)
def test_no_category_takes_a_claim_where_the_table_forbids(state: ClaimState, category: str) -> None:
    step = reported(
        an_account(state, AttemptState.ADJUDICATED), CLAIM, ATTEMPT, report_of((ClaimStatus(category),))
    )
    moved = step.account.claims[0].state
    assert moved is state or moved in CLAIM_STEPS[state]


def test_a_late_acceptance_does_not_take_a_pended_claim_back() -> None:
    pended = reported(
        an_account(ClaimState.SUBMITTED), CLAIM, ATTEMPT, report_of((ClaimStatus("P1"),))
    ).account
    step = acknowledged(pended, CLAIM, ATTEMPT, of_statuses((ClaimStatus("A2", "20"),)))
    assert step.account.claims[0].state is ClaimState.PENDED


@given(st.lists(st.sampled_from(sorted(TABLE_277)), min_size=1, max_size=3))
def test_the_gravest_of_several_statuses_decides_in_any_order(categories: list[str]) -> None:
    one = report_of(tuple(ClaimStatus(c) for c in categories))
    other = report_of(tuple(ClaimStatus(c) for c in reversed(categories)))
    assert one.meaning is other.meaning
    assert one.meaning in {meaning_of(category) for category in categories}


@NEEDS_SAMPLES
def test_a_foreign_277_is_read_claim_by_claim() -> None:
    data = (SAMPLES / "claim-level-status.277").read_bytes()
    reports = read_277(read_interchanges(data)[0].sets[0])
    assert [(r.trace, r.claim_control, r.report.category, r.report.meaning) for r in reports] == [
        ("ABCXYZ1", "SM123456", "P3", Meaning.PENDING),
        ("ABCXYZ2", "J0234567", "F0", Meaning.FINAL),
        ("ABCXYC3", "MA345678", "F2", Meaning.FINAL),
    ]
    assert [r.report.payer_control for r in reports] == ["05347006051", "0529675341", "051681010827"]
    assert len(read_contents(data).reports) == 3


def inquiries(*questions: Question) -> bytes:
    return write_inquiries(
        questions,
        billing=questions[0].claim.billing,
        submitter=cases.MASTER.submitter,
        payer=cases.MASTER.payers["DHP01"],
        payer_id="DHP01",
        usage="T",
        numbers=cases.NUMBERS,
        at=cases.NOW,
    )


def test_an_inquiry_names_the_claim_and_holds_by_its_guide() -> None:
    professional = Question("0" * 31 + "1", cases.a_claim(), "ICN1")
    institutional = Question(
        "0" * 31 + "2", cases.a_claim(cases.an_inpatient_record(), cases.an_inpatient_coding())
    )
    data = inquiries(professional, institutional)
    assert data == inquiries(professional, institutional)
    explained = explain(data)
    assert (explained.errors, [part.kind for part in explained.parts]) == (0, ["276"])
    claims = explained.parts[0].claims
    assert [claim.charged_cents for claim in claims] == [21000, 557750]
    assert [claim.control_number for claim in claims] == [
        professional.claim.claim_control,
        institutional.claim.claim_control,
    ]


def test_an_inquiry_about_a_dependent_stands_under_its_subscriber() -> None:
    subscriber = PatientPhi(last_name="ZQPARENT", first_name="Pat", birth_date=date(1950, 1, 1), sex="U")
    coverage = cases.a_coverage().model_copy(update={"relationship": "19", "subscriber": subscriber})
    claim = cases.a_claim(cases.an_office_record(coverages=(coverage,)))
    text = inquiries(Question("A1", claim)).decode()
    assert "HL*4*3*22*1~\nDMG" not in text
    assert "HL*5*4*23~\nDMG*D8*19810405*F~\nNM1*QC*1*ZQMOLESON*ANN~\nTRN*1*A1~" in text


PAYER = Payer(name="Plan", receiver_id="P1", timely_filing_days=90)
MEDICARE = Payer(name="Medicare", receiver_id="M1", timely_filing_calendar_year=True)


@pytest.mark.parametrize(
    ("start", "payer", "last"),
    [
        (date(2026, 9, 2), PAYER, date(2026, 12, 1)),
        (date(2026, 9, 2), MEDICARE, date(2027, 9, 2)),
        (date(2024, 2, 29), MEDICARE, date(2025, 2, 28)),
    ],
)
def test_the_last_day_of_filing(start: date, payer: Payer, last: date) -> None:
    assert last_day(start, payer) == last


def test_an_institutional_claim_counts_from_its_through_date_and_a_professional_one_from_each_line() -> None:
    stay = cases.a_claim(cases.an_inpatient_record(), cases.an_inpatient_coding())
    assert filing_window(stay, MEDICARE) == (date(2027, 6, 2), date(2027, 8, 14))
    visit = cases.a_claim()
    assert list(late_lines(visit, PAYER, date(2026, 12, 2))) == [1]
    assert list(late_lines(visit, PAYER, date(2026, 12, 1))) == []


def elements(data: bytes) -> list[tuple[str, ...]]:
    return [segment.elements for segment in read_segments(data)]


def test_the_proof_holds_this_claim_and_nothing_of_its_neighbours() -> None:
    other = cases.an_office_record(
        7,
        patient=cases.PATIENT.model_copy(
            update={"last_name": "ZQNEIGHBOUR", "medical_record_number": "ZQ777"}
        ),
        coverages=(cases.a_coverage(member_id="PDZQ0777"),),
    )
    mine, theirs = cases.a_claim(), cases.a_claim(other)
    for batch in ((mine, theirs), (theirs, mine)):
        excerpt = claim_excerpt(elements(cases.interchange_of(*batch)), mine.claim_control)
        text = "\n".join("*".join(segment) for segment in excerpt)
        assert "ZQMOLESON" in text
        assert mine.claim_control in text
        assert "ZQNEIGHBOUR" not in text
        assert "PDZQ0777" not in text
        assert theirs.claim_control not in text
        assert [segment[0] for segment in excerpt[:4]] == ["ISA", "GS", "ST", "BHT"]
        assert [segment[0] for segment in excerpt[-3:]] == ["SE", "GE", "IEA"]


def test_the_proof_takes_from_a_277ca_only_the_claims_own_loop() -> None:
    data = (
        "HL*1**20*1~NM1*PR*2*PLAN~HL*2*1*21*1~TRN*2*B1~HL*3*2*19*1~NM1*85*2*US~"
        "HL*4*3*PT~NM1*QC*1*ZQOTHER*EVE~TRN*2*C0~STC*A7:164:IL*20260928*U*125~"
        "HL*5*3*PT~NM1*QC*1*ZQMINE*ANN~TRN*2*C1~STC*A2:20*20260928*WQ*125~TRN*2*C9~STC*A2:20*20260928*WQ*9~SE*1*1~"
    )
    excerpt = status_excerpt([tuple(part.split("*")) for part in data.split("~") if part], "C1")
    text = "~".join("*".join(segment) for segment in excerpt)
    assert "ZQMINE" in text
    assert "C1" in text
    assert "PLAN" in text
    assert "ZQOTHER" not in text
    assert "C0" not in text
    assert "C9" not in text


def test_the_proof_takes_verdicts_from_a_999_but_no_data() -> None:
    data = (
        "AK1*HC*17~AK2*837*0017~IK3*NM1*8~CTX*CLM01:C0~IK4*3**6*ZQBAD~IK5*E~AK2*837*0018~IK5*A~AK9*E*2*2*2~"
        "AK1*HC*18~AK2*837*0017~IK5*R~AK9*R*1*1*0~"
    )
    excerpt = syntax_excerpt([tuple(p.split("*")) for p in data.split("~") if p], "000000905", "17", "0017")
    assert ["*".join(segment) for segment in excerpt] == ["AK1*HC*17", "AK2*837*0017", "IK5*E", "AK9*E*2*2*2"]


def a_proof(label: str, day: int, last: date | None) -> Proof:
    moment = datetime(2026, 9, day, tzinfo=UTC)
    sent = Sent("000000905", "17", "0017", moment, "ab", "")
    return Proof(
        "C1",
        "ICN1",
        "DHP01",
        date(2026, 9, 1),
        date(2026, 9, 1),
        last,
        (sent,),
        (Answer(label, moment, "f", "cd", ""),),
    )


@pytest.mark.parametrize(
    ("label", "last", "verdict"),
    [
        ("277CA:A2", date(2026, 9, 30), "in-time"),
        ("277CA:A2", date(2026, 9, 9), "late"),
        ("277:P1", date(2026, 9, 10), "in-time"),
        ("277CA:A2", None, "no-limit"),
        ("999:A", date(2026, 9, 30), "not-proven"),
        ("277CA:A7", date(2026, 9, 30), "not-proven"),
    ],
)
def test_only_an_acceptance_in_time_proves(label: str, last: date | None, verdict: str) -> None:
    assert a_proof(label, 10, last).verdict == verdict
