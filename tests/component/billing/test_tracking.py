"""Acknowledgements, inquiries, filing windows and proofs on a real PostgreSQL, over a claim that really was frozen."""

import io
import zipfile
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest
from component.billing.conftest import BillingWorld
from rcm_billing import repository
from rcm_billing.domain.account import Account, Claim
from rcm_billing.domain.claim import ClaimState
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.gateways.payer_exchange import PayerExchange
from rcm_billing.handlers import exchanging, proving, submitting, tracking
from rcm_billing.handlers.building import fingerprint
from rcm_billing.handlers.deps import Deps
from rcm_billing.repository import ClaimRow
from rcm_billing.repository import tracking as rows
from rcm_shared.auth import Principal
from rcm_shared.errors import NotFound, Refused
from unit.billing import cases

BILLER = Principal("biller-1", frozenset({"biller"}), frozenset({"DEMO-GENERAL"}))
STRANGER = Principal("biller-2", frozenset({"biller"}), frozenset({"ELSEWHERE"}))


@dataclass(slots=True)
class Desk:
    """Billing with one payer that answers inquiries, and its exchange folders."""

    world: BillingWorld
    deps: Deps
    folder: Path

    async def add(self, document: ClaimDocument, **changes: Any) -> Claim:
        """Store a claim that is ready to leave."""
        claim = Claim(
            claim_id=document.claim_id,
            order="P",
            payer_id="DHP01",
            version=1,
            form=document.form,
            state=ClaimState.READY,
            claim_control=document.claim_control,
            charge_cents=document.charge_cents,
        )
        wire = cases.wire_of(document)
        row = ClaimRow(
            claim.claim_id,
            document.encounter_id,
            "DEMO-GENERAL",
            "DHP01",
            "P",
            1,
            document.form.value,
            "1",
            document.claim_control,
            document.charge_cents,
            document.model_dump_json(),
            wire.subscriber,
            wire.dependent,
            "[]",
            [],
            fingerprint(document),
            "ready",
            "",
            date(2026, 12, 1),
            date(2026, 12, 31),
        )
        account = Account(encounter_id=document.encounter_id, facility_id="DEMO-GENERAL", claims=(claim,))
        async with self.world.begin() as uow:
            await repository.open_accounts(uow.conn, [document.encounter_id])
            await repository.insert_claims(uow.conn, [replace(row, **changes)])
            await repository.save_accounts(uow.conn, {account.encounter_id: account})
        return claim

    async def freeze(self) -> int:
        """Freeze what is ready and mark it as sent, as the gate does after it passed a file."""
        async with self.world.begin() as uow:
            frozen = await submitting.freeze_batch(self.deps, uow)
        for built in await repository.list_built(self.world.pool, 9):
            await repository.mark_interchange(self.world.pool, built["interchange_id"], "sent")
        return frozen

    async def take(self, name: str, text: str) -> None:
        """Let a payer's file come in."""
        path = self.folder / "from_payer" / name
        path.write_text(text)
        await exchanging.take_file(self.deps, self.world.begin, path)

    async def state(self, claim: Claim) -> str:
        return str(
            await self.world.pool.fetchval("SELECT state FROM claim WHERE claim_id = $1", claim.claim_id)
        )

    async def unmatched(self) -> list[tuple[str, str]]:
        found = await self.world.pool.fetch("SELECT kind, reason FROM unmatched ORDER BY created_at, ordinal")
        return [(row["kind"], row["reason"]) for row in found]

    async def types(self) -> list[str]:
        return [
            row["type"].removeprefix("rcm.billing.").removesuffix(".v1") for row in await self.world.events()
        ]


@pytest.fixture
def desk(billing: BillingWorld, tmp_path: Path) -> Desk:
    payers = dict(cases.MASTER.payers)
    payers["DHP01"] = payers["DHP01"].model_copy(update={"inquire_after_days": 14})
    exchange = PayerExchange(tmp_path)
    exchange.prepare()
    deps = SimpleNamespace(
        master=cases.MASTER.model_copy(update={"payers": payers}),
        pool=billing.pool,
        exchange=exchange,
        batch_claims=200,
    )
    return Desk(billing, cast(Deps, deps), tmp_path)


def a_file(kind: str, guide: str, function: str, *segments: str) -> str:
    body = [f"ST*{kind}*0001*{guide}", *segments]
    return "~".join(
        (
            "ISA*00*          *00*          *ZZ*DHP01          *ZZ*DEMOGENERAL    *260928*1200*^*00501*000000001*0*T*:",
            f"GS*{function}*DHP01*DEMOGENERAL*20260928*1200*1*X*{guide}",
            *body,
            f"SE*{len(body) + 1}*0001",
            "GE*1*1",
            "IEA*1*000000001",
            "",
        )
    )


def a_277ca(control: str, status: str = "A2:20") -> str:
    return a_file(
        "277",
        "005010X214",
        "HN",
        "HL*1**20*1",
        "HL*2*1*21*1",
        "HL*3*2*19*1",
        "HL*4*3*PT",
        f"TRN*2*{control}",
        f"STC*{status}*20260928*WQ*210",
        "REF*1K*ICN1",
    )


def a_277(status: str, *, control: str = "", trace: str = "", payer_control: str = "") -> str:
    references = [f"REF*1K*{payer_control}"] if payer_control else []
    references += [f"REF*EJ*{control}"] if control else []
    return a_file(
        "277",
        "005010X212",
        "HN",
        "HL*1**20*1",
        "HL*2*1*21*1",
        "HL*3*2*19*1",
        "HL*4*3*22*0",
        f"TRN*2*{trace or 'X'}",
        f"STC*{status}*20260928**210*0",
        *references,
    )


async def test_what_reaches_an_attempt_is_kept_with_its_file_and_cannot_be_changed(desk: Desk) -> None:
    claim = await desk.add(cases.a_claim())
    assert await desk.freeze() == 1
    numbers = (await rows.list_submissions(desk.world.pool, claim.claim_id))[0]
    accepted = a_file(
        "999",
        "005010X231A1",
        "FA",
        f"AK1*HC*{numbers['gs06']}",
        f"AK2*837*{numbers['st02']}",
        "IK5*A",
        "AK9*A*1*1*1",
    )
    await desk.take("b.x12", a_277ca(claim.claim_control))
    await desk.take("a.x12", accepted)
    await desk.take("a2.x12", accepted)  # the same bytes once more
    found = await rows.list_acknowledgements(desk.world.pool, claim.claim_id)
    assert [(row["label"], row["name"]) for row in found] == [("277CA:A2", "b.x12"), ("999:A", "a.x12")]
    assert await desk.state(claim) == "accepted"
    with pytest.raises(asyncpg.RestrictViolationError):
        await desk.world.pool.execute("UPDATE acknowledgement SET label = 'x'")


async def test_a_999_for_another_transaction_set_is_not_ours(desk: Desk) -> None:
    claim = await desk.add(cases.a_claim())
    await desk.freeze()
    numbers = (await rows.list_submissions(desk.world.pool, claim.claim_id))[0]
    await desk.take(
        "a.x12",
        a_file(
            "999", "005010X231A1", "FA", f"AK1*HC*{numbers['gs06']}", "AK2*837*7777", "IK5*R*5", "AK9*R*1*1*0"
        ),
    )
    assert await desk.state(claim) == "submitted"
    assert await desk.unmatched() == [("acknowledgement", "unknown-control")]


@pytest.mark.parametrize("named_by", ["control", "trace", "payer_control"])
async def test_a_status_finds_its_claim_by_every_number_that_it_may_repeat(desk: Desk, named_by: str) -> None:
    claim = await desk.add(cases.a_claim())
    await desk.freeze()
    await desk.take("a.x12", a_277ca(claim.claim_control))
    async with desk.world.begin() as uow:
        inquiry = await tracking.ask_now(uow, desk.deps, claim.claim_id, BILLER)
    async with desk.world.begin() as uow:
        assert await tracking.freeze_inquiries(desk.deps, uow) == 1
    number = {"control": claim.claim_control, "trace": inquiry.trace, "payer_control": "ICN1"}[named_by]
    await desk.take("s.x12", a_277("P1:20", **{named_by: number}))
    assert await desk.state(claim) == "pended"
    asked = (await rows.list_inquiries(desk.world.pool, claim.claim_id))[0]
    answered = ("answered", "P1") if named_by == "trace" else ("sent", "")
    assert (asked["state"], asked["category"]) == answered
    assert "claim-status-reported" in await desk.types()


async def test_a_status_of_an_unknown_claim_is_put_aside(desk: Desk) -> None:
    await desk.take("s.x12", a_277("F1:65", control="C9"))
    assert await desk.unmatched() == [("277", "unknown-claim")]


async def test_undecided_claims_are_asked_about_once_in_their_interval(desk: Desk) -> None:
    claim = await desk.add(cases.a_claim())
    await desk.freeze()
    async with desk.world.begin() as uow:
        assert await tracking.ask_about_undecided(desk.deps, uow) == 0  # it left today
    await desk.world.pool.execute("UPDATE interchange SET sent_at = now() - interval '15 days'")
    async with desk.world.begin() as uow:
        assert await tracking.ask_about_undecided(desk.deps, uow) == 1
    async with desk.world.begin() as uow:
        assert await tracking.ask_about_undecided(desk.deps, uow) == 0  # it waits to be sent
        assert await tracking.freeze_inquiries(desk.deps, uow) == 1
    async with desk.world.begin() as uow:
        assert await tracking.ask_about_undecided(desk.deps, uow) == 0  # asked within the interval
    sent = await repository.list_built(desk.world.pool, 9)
    assert [row["form"] for row in sent] == ["276"]
    assert f"REF*EJ*{claim.claim_control}~" in bytes(sent[0]["body"]).decode()


async def test_a_question_that_makes_no_sense_is_refused(desk: Desk) -> None:
    claim = await desk.add(cases.a_claim())
    async with desk.world.begin() as uow:
        with pytest.raises(Refused, match="with its payer"):
            await tracking.ask_now(uow, desk.deps, claim.claim_id, BILLER)
        with pytest.raises(NotFound):
            await tracking.ask_now(uow, desk.deps, claim.claim_id, STRANGER)
        with pytest.raises(NotFound):
            await tracking.ask_now(uow, desk.deps, cases.encounter_id(99), BILLER)


async def test_a_filing_window_warns_once_and_tells_once_that_it_is_over(desk: Desk) -> None:
    claim = await desk.add(cases.a_claim())
    told = []
    for day in (
        date(2026, 11, 30),
        date(2026, 12, 1),
        date(2026, 12, 31),
        date(2027, 1, 1),
        date(2027, 1, 2),
    ):
        desk.world.now = desk.world.now.replace(year=day.year, month=day.month, day=day.day)
        async with desk.world.begin() as uow:
            told.append(await tracking.warn_of_filing(uow))
    assert told == [0, 1, 0, 1, 0]
    assert await desk.types() == ["timely-filing-warned", "timely-filing-warned"]
    listed = await rows.list_filing(desk.world.pool, until=date(2026, 12, 1), facilities=None, limit=9)
    assert [(row["claim_id"], row["filing_alert"]) for row in listed] == [(claim.claim_id, "expired")]


async def test_an_accepted_claim_warns_no_more_and_a_rejected_one_still_does(desk: Desk) -> None:
    first = await desk.add(cases.a_claim())
    second = await desk.add(cases.a_claim(cases.an_office_record(2)), filing_warn_day=date(2026, 9, 1))
    await desk.freeze()
    await desk.take("a.x12", a_277ca(first.claim_control))
    await desk.take("b.x12", a_277ca(second.claim_control, "A7:164:IL"))
    desk.world.now += timedelta(days=90)
    async with desk.world.begin() as uow:
        assert await tracking.warn_of_filing(uow) == 1
    rejected = await rows.list_filing(
        desk.world.pool, until=date(2027, 9, 1), facilities=["DEMO-GENERAL"], limit=9
    )
    assert [row["claim_id"] for row in rejected] == [second.claim_id]


async def test_what_nobody_answers_is_listed(desk: Desk) -> None:
    claim = await desk.add(cases.a_claim())
    await desk.freeze()
    soon = await desk.world.pool.fetchval("SELECT now() + interval '1 hour'")
    listed = await rows.list_unanswered(desk.world.pool, before=soon, facilities=None, limit=9)
    assert [row["claim_id"] for row in listed] == [claim.claim_id]
    await desk.take("a.x12", a_277ca(claim.claim_control, "A1:19"))
    assert await rows.list_unanswered(desk.world.pool, before=soon, facilities=None, limit=9) == []


async def test_the_proof_shows_this_claim_only_and_is_the_same_each_time(desk: Desk) -> None:
    claim = await desk.add(cases.a_claim())
    neighbour = await desk.add(
        cases.a_claim(
            cases.an_office_record(2, patient=cases.PATIENT.model_copy(update={"last_name": "ZQNEIGHBOUR"}))
        )
    )
    await desk.freeze()
    await desk.take("a.x12", a_277ca(claim.claim_control))
    proof = await proving.prove(desk.world.pool, claim.claim_id)
    assert proof is not None
    assert proof.verdict == "in-time"
    packed = proving.zipped(proof)
    assert packed == proving.zipped(proof)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        text = "".join(archive.read(name).decode() for name in archive.namelist())
    assert claim.claim_control in text
    assert "ZQMOLESON" in text
    assert "STC*A2:20" in text
    assert "ZQNEIGHBOUR" not in text
    assert neighbour.claim_control not in text
    assert await proving.prove(desk.world.pool, cases.encounter_id(99)) is None
