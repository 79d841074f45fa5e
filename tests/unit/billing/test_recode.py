"""A claim that waits for its coder sends the chart back, and never goes round in circles."""

from typing import Any, cast
from uuid import UUID

import pytest
from rcm_billing import repository
from rcm_billing.domain.account import Account, Build, BuildReason, Coding, recode_digest
from rcm_billing.domain.claim import ClaimState, claim_id_of
from rcm_billing.domain.claim_build import BuildOrder, build_claim
from rcm_billing.domain.judging import Circumstances, Judging
from rcm_billing.domain.rules import RULES
from rcm_billing.domain.scrubbing import CHART_OPEN, ScrubRun, hit, reasons_for_coder
from rcm_billing.handlers import facts, placing
from rcm_billing.handlers.building import NO_WIRE, Built
from rcm_billing.handlers.placing import apply_builds
from rcm_coding.domain.case import CaseState, CodingCase
from rcm_coding.handlers.facts import recode_requested
from rcm_shared.contracts.billing import ClaimHeld, RecodeRequested
from rcm_shared.contracts.coding import CodingFinalised, CodingReopened, FinalDiagnosis
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.intake import CoverageRef
from rcm_shared.messaging.decide import Moment
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.money import Cents
from unit.billing import cases

KEY = cases.encounter_id(1)
MOMENT = Moment(cases.NOW, KEY)
BY_ID = {rule.rule_id: rule for rule in RULES}


class Books:
    """The accounts of a test in place of the database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, account: Account) -> None:
        self.account = account
        self.published: list[Event] = []

        async def load(_conn: object, _keys: object) -> dict[UUID, Account]:
            return {KEY: self.account}

        async def save(_conn: object, accounts: dict[UUID, Account]) -> None:
            # as stored: what is not state does not come back
            self.account = Account.model_validate_json(accounts[KEY].model_dump_json())

        async def insert(_conn: object, _rows: object) -> None:
            return None

        monkeypatch.setattr(repository, "load_accounts", load)
        monkeypatch.setattr(repository, "save_accounts", save)
        monkeypatch.setattr(repository, "insert_claims", insert)
        monkeypatch.setattr(placing, "insert_history", insert)
        monkeypatch.setattr(placing, "insert_authors", insert)
        monkeypatch.setattr(placing, "insert_runs", insert)

    async def build(self, *rule_ids: str) -> list[Event]:
        """Apply the build that the account asks for, with hits of these rules; return what it publishes."""
        if self.account.build is None:
            self.account = self.account.request_build("P", BuildReason.CORRECTED, "biller-1")
        return await self.apply(a_built(self.account, *rule_ids))

    async def apply(self, built: Built) -> list[Event]:
        """Apply a computed build."""
        uow = UnitOfWork(cast(Any, None), now=cases.NOW, service="billing", topic="rcm.billing.claim")
        await apply_builds(uow, {KEY: built})
        events = [item.event for item in uow._emitted]
        self.published += events
        return events

    def take(self, decide: Any, event: Event) -> None:
        """Apply a fact of coding."""
        self.account = decide(self.account, event, MOMENT).state or self.account


def a_built(account: Account, *rule_ids: str) -> Built:
    """Return a computed build with hits of these rules."""
    build = account.build
    assert build is not None
    assert account.coding is not None
    version = len(account.claims_of("P")) + 1
    order = BuildOrder(claim_id_of(KEY, "P", version), "P", version)
    document = build_claim(cases.an_office_record(), account.coding, order, cases.MASTER)
    assert document is not None
    run = ScrubRun(tuple(hit(BY_ID[rule_id], "diagnosis-1") for rule_id in rule_ids), ())
    scrubbed = Judging(cases.TODAY, cases.MASTER.payers).scrub(document, Circumstances())
    return Built(build.serial, document, run, NO_WIRE, b"", account.coding.case_version, scrubbed)


def an_account() -> Account:
    """Return a coded account that waits for its first build."""
    return Account(
        encounter_id=KEY,
        facility_id="DEMO-GENERAL",
        captured_cents=Cents(21000),
        coverages=(CoverageRef(cases.encounter_id(50), "DHP01", "P"),),
        coding=cases.an_office_coding(),
        builds=1,
        build=Build(serial=1, order="P", reason=BuildReason.CODED, actor="system:billing"),
    )


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch) -> Books:
    """The books with one account."""
    return Books(monkeypatch, an_account())


def requests(events: list[Event]) -> list[tuple[str, ...]]:
    """Return the reasons of each request to code again."""
    return [event.reasons for event in events if isinstance(event, RecodeRequested)]


def final(version: int, coding: Coding | None = None) -> CodingFinalised:
    """Return coding's decision."""
    coding = coding or cases.an_office_coding()
    return CodingFinalised(
        actor="coder-1",
        facility_id="DEMO-GENERAL",
        case_version=version,
        setting=coding.setting,
        claim_form=coding.form,
        service_from=coding.service_from,
        service_through=coding.service_through,
        release=coding.release,
        diagnoses=coding.diagnoses,
        procedures=coding.procedures,
    )


def opened(version: int) -> CodingReopened:
    """Return that the chart is back with the coder."""
    return CodingReopened(
        actor="system:coding", facility_id="DEMO-GENERAL", case_version=version, reason="recode-requested"
    )


@pytest.mark.parametrize(
    ("rule_ids", "reasons"),
    [
        (("DX-01",), [("DX-01",)]),
        (("DX-02", "PX-17", "DX-02"), [("DX-02", "PX-17")]),
        (("DX-01", "DUP-01"), [("DX-01",)]),  # what is for a biller is not the coder's to answer
        ((), []),
        (("DUP-01",), []),
        (("SUB-01", "DX-01"), []),  # registration comes first; the next version is scrubbed anew
        (("CHG-01",), []),  # a warning does not hold
        (("CDI-01",), []),
        (("DX-01", "CDI-01"), []),  # the chart is open already
    ],
)
async def test_coder_is_asked_when_the_claim_waits_for_one(
    books: Books, rule_ids: tuple[str, ...], reasons: list[tuple[str, ...]]
) -> None:
    assert requests(await books.build(*rule_ids)) == reasons


async def test_request_names_the_held_claim(books: Books) -> None:
    events = await books.build("DX-01")
    assert isinstance(events[-2], ClaimHeld)
    assert isinstance(events[-1], RecodeRequested)
    assert events[-1].claim_id == books.account.claims[0].claim_id
    assert events[-1].actor == "system:billing"


async def test_query_that_opened_while_building_asks_nobody(books: Books) -> None:
    built = a_built(books.account, "DX-01")
    books.account = books.account.but(open_queries=(cases.encounter_id(800),))
    assert requests(await books.apply(built)) == []


async def test_repeated_result_asks_nobody_again(books: Books) -> None:
    built = a_built(books.account, "DX-01")
    await books.apply(built)
    assert await books.apply(built) == []
    assert requests(books.published) == [("DX-01",)]


async def test_same_codes_and_reasons_are_asked_about_once_over_all_versions(books: Books) -> None:
    await books.build("DX-01")
    books.take(facts.reopen, opened(2))
    books.take(facts.finalise, final(3))
    await books.build("DX-01")
    assert [claim.state for claim in books.account.claims] == [ClaimState.REPLACED, ClaimState.HELD]
    assert books.account.claims[-1].owner_queue == "coder"
    await books.build("DX-01")
    assert requests(books.published) == [("DX-01",)]


async def test_other_reasons_or_other_codes_are_asked_about(books: Books) -> None:
    await books.build("DX-01")
    await books.build("DX-01", "PX-17")
    other = cases.an_office_coding(diagnoses=(FinalDiagnosis(code="D22", role="first-listed"),))
    books.take(facts.finalise, final(3, other))
    await books.build("DX-01")
    assert requests(books.published) == [("DX-01",), ("DX-01", "PX-17"), ("DX-01",)]


async def test_reopened_chart_itself_asks_for_nothing(books: Books) -> None:
    await books.build()
    decision = facts.reopen(books.account, opened(2), MOMENT)
    assert [type(event) for event in decision.events] == [ClaimHeld]


async def test_coder_that_always_confirms_is_asked_once(books: Books) -> None:
    """Play billing and coding against each other with somebody who finalises whatever comes back."""
    case = CodingCase(KEY, "DEMO-GENERAL", state=CaseState.FINAL_CODED, version=1)
    rounds = 0
    events = await books.build("DX-01")
    while wanted := [event for event in events if isinstance(event, RecodeRequested)]:
        rounds += 1
        assert rounds < 5
        decision = recode_requested(case, wanted[0], MOMENT)
        again = recode_requested(decision.state, wanted[0], MOMENT)  # the same request once more
        assert again.events == ()
        assert decision.state is not None
        case = decision.state
        (reopened,) = decision.events
        books.take(facts.reopen, reopened)
        assert books.account.waiting_for == "coding"
        case = CodingCase(KEY, "DEMO-GENERAL", state=CaseState.FINAL_CODED, version=case.version + 1)
        books.take(facts.finalise, final(case.version))
        events = await books.build("DX-01")
    assert rounds == 1
    assert books.account.claims[-1].state is ClaimState.HELD


def test_digest_is_of_codes_and_reasons_in_any_order() -> None:
    coding = cases.an_office_coding()
    assert recode_digest(coding, ("A", "B")) == recode_digest(coding.but(case_version=9), ("B", "A"))
    assert recode_digest(coding, ("A",)) != recode_digest(coding, ("A", "B"))
    assert recode_digest(coding, ("A",)) != recode_digest(coding.but(release="ICD-10-CM:2026-10-01"), ("A",))


def test_reasons_are_the_blocking_rules_of_coders() -> None:
    hits = [hit(BY_ID[rule_id], "x") for rule_id in ("FMT-01", "DX-01", "DX-01", "CDI-01", "CHG-01", "IP-01")]
    assert reasons_for_coder(hits) == ("DX-01", "IP-01")
    assert CHART_OPEN in BY_ID
