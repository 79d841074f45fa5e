"""Whatever the claims, every file that the stand-in writes passes the outside oracles and balances."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from component.payer.oracles import (
    assert_balanced,
    oxedi_findings,
    pyx12_findings,
    read_checks,
    segments_of,
)
from component.payer.reading import Send, Wait, claims_of, of_kind, records, statuses
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_deploy.payer.answering import Desk
from rcm_deploy.payer.due import answer_due
from rcm_deploy.payer.ledger import Answer, Ledger
from rcm_deploy.payer.outcomes import OUTCOMES
from rcm_deploy.payer.rules import MIXED, PLANS, Rules, Verdict
from unit.deploy.payer.samples import (
    File,
    Line,
    Sample,
    claim,
    emergency,
    scan,
    secondary_visit,
    stay,
    visit,
)

#: Kinds of claims by name; the strict plan judges all of their codes.
MAKERS: dict[str, Callable[..., Sample]] = {
    "visit": visit,
    "scan": scan,
    "emergency": emergency,
    "stay": stay,
    "therapy": lambda control, member: claim(control, member, Line("97110", "75", f"{control}L1", units="3")),
    "secondary": secondary_visit,
}
PROFESSIONAL, INSTITUTIONAL = ("visit", "scan", "therapy", "secondary"), ("emergency", "stay")


def judge(answers: list[Answer]) -> None:
    """Assert what the oracles say of every file by its kind."""
    for one in answers:
        if one.kind in ("999", "277ca"):
            assert pyx12_findings(one.body) == []
        elif one.kind.startswith("835"):
            assert pyx12_findings(one.body) == []
            assert oxedi_findings(one.body) == []
            assert_balanced(one.body)


@pytest.mark.parametrize("prefix", [prefix for prefix in PLANS if prefix])
def test_every_prefix_writes_files_that_the_oracles_accept(sent: Send, wait_until: Wait, prefix: str) -> None:
    professional = sent(visit("C1", f"{prefix}01"), scan("C2", f"{prefix}02"))
    institutional = sent(emergency("E1", f"{prefix}03"), stay("I1", f"{prefix}04"), control="000000102")
    judge([*professional, *institutional, *wait_until("20270601")])
    expected = "A2:20"
    plan = PLANS[prefix]
    if plan.verdict is Verdict.REJECT:
        rejection = plan.rejection
        expected = ":".join((rejection.category, rejection.code, rejection.entity)).rstrip(":")
    assert statuses(professional) == [expected] * 2


@pytest.mark.parametrize("prefix", sorted(OUTCOMES))
def test_outcome_is_a_function_of_prefix_and_seed(prefix: str) -> None:
    bodies = []
    for _ in range(2):
        ledger = Ledger(Path(":memory:"))
        answers = Desk(ledger, Rules(seed=3)).answer(File([[visit("C1", f"{prefix}01")]]).encode(), "0" * 64)
        ledger.close()
        bodies.append([(one.kind, one.body) for one in answers])
    assert bodies[0] == bodies[1]


def test_prefixes_that_are_told_are_those_that_exist() -> None:
    assert set(OUTCOMES) == {*PLANS, MIXED}


def test_ta1_passes_pyx12(desk: Desk) -> None:
    content = File([[visit("C1", "PF1")]], wants_ta1="1").encode()
    (ta1,) = of_kind(desk.answer(content, "0" * 64), "ta1")
    assert pyx12_findings(ta1) == []


def test_277ca_passes_pyx12_too_although_its_map_is_strict(sent: Send) -> None:
    (body,) = of_kind(sent(visit("C1", "PF1"), visit("C2", "RJ1"), visit("C3", "RJI1")), "277ca")
    assert pyx12_findings(body) == []


def test_oracles_are_not_blind(sent: Send) -> None:
    (body,) = of_kind(sent(visit("C1", "PD1")), "835")
    unbalanced = body.replace(b"CAS*CO*45*30", b"CAS*CO*45*31")
    assert oxedi_findings(unbalanced)
    with pytest.raises(AssertionError):
        assert_balanced(unbalanced)
    assert pyx12_findings(body.replace(b"CLP*C1*1*", b"CLP*C1*99*"))


claims = st.lists(
    st.tuples(st.sampled_from([*PLANS, MIXED]), st.integers(1, 3), st.integers(0, len(MAKERS))),
    min_size=1,
    max_size=6,
)


@given(files=st.lists(claims, min_size=1, max_size=4), daily=st.booleans(), seed=st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_any_mix_of_claims_gives_remittances_that_balance_and_lose_no_money(
    files: list[list[tuple[str, int, int]]], daily: bool, seed: int
) -> None:
    ledger = Ledger(Path(":memory:"))
    desk = Desk(ledger, Rules(seed=seed), daily=daily)
    answers: list[Answer] = []
    for number, members in enumerate(files, start=1):
        names = (PROFESSIONAL, INSTITUTIONAL)[number % 2]
        samples = [
            MAKERS[names[kind % len(names)]](f"C{number}X{at}", f"{prefix}Z{member}")
            for at, (prefix, member, kind) in enumerate(members)
        ]
        content = File([samples], control=f"{number:09d}").encode()
        answers += desk.answer(content, hashlib.sha256(content).hexdigest())
    ledger.advance_clock("20280101")
    while ledger.has_due():
        answers += answer_due(desk)
    owed = sum(
        debt.cents for payer in ("DHP01", "DMC01", "SUP01") for debt in ledger.list_debts(payer, "1912301953")
    )
    ledger.close()
    paid = claim_money = interest = 0
    for body in of_kind(answers, "835"):
        assert_balanced(body)
        assert oxedi_findings(body) == []
        for check in read_checks(body):
            paid += int(check.amount * 100)
            claim_money += sum(int(one.paid * 100) for one in check.claims)
            interest -= sum(
                int(cents * 100) for reason, cents in check.provider_adjustments if reason[:2] == "L6"
            )
    assert paid == claim_money + interest + owed
    assert sum(one["amount_cents"] for one in records(answers, "deposit")) == paid


def test_every_claim_that_was_accepted_is_decided_once(sent: Send, wait_until: Wait) -> None:
    answers = sent(*(visit(f"C{at}", f"PF{at}") for at in range(20)))
    controls = [one.control for one in claims_of(answers)]
    assert controls == [f"C{at}" for at in range(20)]
    assert wait_until("20280101") == []
    assert len([one for one in segments_of(of_kind(answers, "277ca")[0]) if one[0] == "STC"]) == 22
