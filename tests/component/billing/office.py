"""A billing office over a real database: claims that stand with a payer, its 835 files, the routes that people use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import asyncpg
import httpx
from component.billing.conftest import BillingWorld
from rcm_billing import api, pages, repository
from rcm_billing.domain.account import Account, Attempt, Claim, book_charge
from rcm_billing.domain.claim import AttemptState, ClaimState
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.gateways.payer_exchange import PayerExchange
from rcm_billing.handlers import exchanging
from rcm_billing.handlers.building import fingerprint
from rcm_billing.handlers.code_sets import LoadedCodeSets
from rcm_billing.handlers.denial_triage import TRIAGE_DENIALS, apply_triage, compute_triage
from rcm_billing.handlers.deps import Deps, MoneyPolicy
from rcm_billing.repository import ClaimRow
from rcm_billing.repository.denial_reports import Author, insert_authors
from rcm_billing.timers import apply_timers
from rcm_shared.auth import TokenIssuer
from rcm_shared.contracts.intake import CoverageRef
from rcm_shared.ids import derived_uuid, uuid7
from rcm_shared.messaging.decide import FiredTimer
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.messaging.work import WorkItem
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.settings import ServiceSettings, SharedSettings
from rcm_shared.web.app import create_app
from rcm_testkit.services import write_keys
from unit.billing import cases

FACILITY = "DEMO-GENERAL"


@dataclass(slots=True)
class Office:
    """Billing with its exchange folders and its HTTP edge."""

    world: BillingWorld
    deps: Deps
    folder: Path
    http: httpx.AsyncClient
    issuer: TokenIssuer
    trace: int = 0

    async def claim(
        self, number: int = 1, *, coder: str = "coder-1", payer: str = "DHP01", **more: Any
    ) -> Claim:
        """Store a claim that its payer has accepted, with its charge on the books."""
        record = cases.an_office_record(number, coverages=(cases.a_coverage(payer_id=payer),))
        document = cases.a_claim(record, cases.an_office_coding())
        return await self.store(document, coder=coder, **more)

    async def store(
        self,
        document: ClaimDocument,
        *,
        coder: str = "coder-1",
        hits: str = "[]",
        state: ClaimState = ClaimState.ACCEPTED,
        queue: str = "",
    ) -> Claim:
        """Store a claim with this document, as `claim` does."""
        attempt = Attempt(
            attempt_id=derived_uuid(document.claim_id, "attempt"),
            interchange_control="000000905",
            state=AttemptState.ACCEPTED,
        )
        claim = Claim(
            claim_id=document.claim_id,
            order="P",
            payer_id=document.coverage.payer_id,
            version=1,
            form=document.form,
            state=state,
            claim_control=document.claim_control,
            charge_cents=document.charge_cents,
            case_version=1,
            attempts=(attempt,) if state is ClaimState.ACCEPTED else (),
        )
        account = Account(
            encounter_id=document.encounter_id,
            facility_id=FACILITY,
            coding=cases.an_office_coding(),
            coverages=(
                CoverageRef(coverage_id=document.coverage.coverage_id, payer_id=claim.payer_id, order="P"),
            ),
            claims=(claim,),
            coders=((1, coder),),
        )
        account = book_charge(
            account, derived_uuid(claim.claim_id, "charge"), document.charge_cents, claim.claim_id
        )
        row = ClaimRow(
            claim.claim_id,
            document.encounter_id,
            FACILITY,
            claim.payer_id,
            "P",
            1,
            document.form.value,
            "1",
            document.claim_control,
            document.charge_cents,
            document.model_dump_json(),
            "",
            "",
            hits,
            [],
            fingerprint(document),
            state.value,
            queue,
        )
        async with self.world.begin() as uow:
            await repository.open_accounts(uow.conn, [document.encounter_id])
            await repository.insert_claims(uow.conn, [row])
            await insert_authors(
                uow.conn,
                [Author(claim.claim_id, FACILITY, claim.payer_id, coder, document.providers[0].provider_id)],
            )
            await repository.save_accounts(uow.conn, {account.encounter_id: account})
        return claim

    async def decide(
        self, claim: Claim, *adjustments: str, status: str = "1", remarks: str = "", paid_cents: int = 0
    ) -> None:
        """Let the payer decide: `adjustments` such as "CO*50*210" on the first line; the rest is paid."""
        self.trace += 1
        row = await self.world.pool.fetchrow("SELECT document FROM claim WHERE claim_id = $1", claim.claim_id)
        document = ClaimDocument.model_validate_json(row["document"])
        line = document.lines[0]
        charge, paid = claim.charge_cents / 100, paid_cents / 100
        segments = [
            f"BPR*I*{paid:.2f}*C*ACH************20260930",
            f"TRN*1*T{self.trace}*1999999999",
            f"N1*PR*PAYER*XV*{claim.payer_id}",
            "N3*1 ST",
            "N4*CITY*IL*62702",
            "N1*PE*CLINIC*XX*1912301953",
            "LX*1",
            f"CLP*{claim.claim_control}*{status}*{charge:.2f}*{paid:.2f}**12*ICN{claim.claim_control[-6:]}*11",
            "NM1*QC*1*X*Y",
            f"SVC*HC:{line.code}*{charge:.2f}*{paid:.2f}**1",
            f"DTM*472*{line.service_date:%Y%m%d}",
            *(f"CAS*{one}" for one in adjustments),
            f"REF*6R*{line.control}",
            *(f"LQ*HE*{one}" for one in remarks.split()),
        ]
        await self.take(f"835-{self.trace}.x12", an_835(segments, self.trace))

    async def take(self, name: str, text: str) -> None:
        """Let a payer's file come in."""
        path = self.folder / "from_payer" / name
        path.write_text(text)
        await exchanging.take_file(self.deps, self.world.begin, path)

    async def triage(self) -> int:
        """Do the triage that waits; return for how many accounts."""
        rows = await self.world.pool.fetch("SELECT * FROM work WHERE kind = $1", TRIAGE_DENIALS)
        items = [WorkItem(row["key"], TRIAGE_DENIALS, row["version"], {}, 0) for row in rows]
        results = await compute_triage(self.deps, items)
        async with self.world.begin() as uow:
            done = {key: result for key, result in results.items() if not isinstance(result, Exception)}
            await apply_triage(self.deps, uow, done)
            await uow.conn.execute("DELETE FROM work WHERE kind = $1", TRIAGE_DENIALS)
        return len(items)

    async def denied(self, number: int = 1, *adjustments: str, **more: Any) -> UUID:
        """Have a claim denied and its case routed; return the case."""
        claim = await self.claim(number)
        await self.decide(claim, *(adjustments or ("CO*50*210",)), status="4", **more)
        await self.triage()
        return await self.case_of(claim)

    async def case_of(self, claim: Claim) -> UUID:
        """Return the newest denial case of a claim."""
        found: UUID = await self.world.pool.fetchval(
            "SELECT denial_id FROM denial WHERE claim_id = $1 ORDER BY denied_at DESC, denial_id LIMIT 1",
            claim.claim_id,
        )
        return found

    async def pass_days(self, days: int) -> None:
        """Let days go by and fire what is due."""
        self.world.now += timedelta(days=days)
        rows = await self.world.pool.fetch("SELECT * FROM timer WHERE due_at <= $1", self.world.now)
        fired = [FiredTimer(row["key"], row["kind"], row["due_at"], {}) for row in rows]
        async with self.world.begin() as uow:
            await apply_timers(uow, fired, self.deps.policy.statements)

    async def ask(
        self,
        method: str,
        path: str,
        who: str = "biller-1",
        role: str = "biller",
        facility: str = FACILITY,
        key: str | None = None,
        **more: Any,
    ) -> httpx.Response:
        """Call a route as a person."""
        headers = {
            "authorization": f"Bearer {self.issuer.token(who, [role], [facility])}",
            "idempotency-key": key or str(uuid7()),
        }
        return await self.http.request(method, path, headers=headers, **more)

    async def events(self) -> list[str]:
        """Return what was published, without the common parts of the names."""
        return [
            row["type"].removeprefix("rcm.billing.").removesuffix(".v1") for row in await self.world.events()
        ]

    async def row(self, denial_id: UUID) -> asyncpg.Record:
        """Return a case as it is stored."""
        return await self.world.pool.fetchrow("SELECT * FROM denial WHERE denial_id = $1", denial_id)

    async def unmatched(self) -> list[tuple[str, str]]:
        """Return what waits for a person."""
        found = await self.world.pool.fetch("SELECT kind, reason FROM unmatched ORDER BY created_at, ordinal")
        return [(row["kind"], row["reason"]) for row in found]


def an_835(segments: list[str], number: int) -> str:
    """Return a remittance file."""
    return an_interchange(["ST*835*0001", *segments], "HP", "005010X221A1", number)


def an_interchange(body: list[str], function: str, guide: str, number: int = 1) -> str:
    """Return a payer's file with one transaction set; `body` begins with its ST."""
    return "~".join(
        (
            "ISA*00*          *00*          *ZZ*DHP01          *ZZ*DEMOGENERAL    *260930*1200*^*00501*"
            f"{number:09d}*0*T*:",
            f"GS*{function}*DHP01*DEMOGENERAL*20260930*1200*{number}*X*{guide}",
            *body,
            f"SE*{len(body) + 1}*0001",
            f"GE*1*{number}",
            f"IEA*1*{number:09d}",
            "",
        )
    )


class OfficeRuntime(Runtime):
    """A runtime whose commands happen at the world's business time."""

    def __init__(self, spec: ServiceSpec, settings: ServiceSettings, world: BillingWorld) -> None:
        super().__init__(spec, settings)
        self._world = world

    @asynccontextmanager
    async def transaction(self, _actor: str = "") -> AsyncIterator[UnitOfWork]:
        async with self._world.begin() as uow:
            yield uow


@asynccontextmanager
async def open_office(world: BillingWorld, folder: Path) -> AsyncIterator[Office]:
    """Open the office: its routes over this database, nothing else of the service runs."""
    private, public = write_keys(folder)
    exchange = PayerExchange(folder / "exchange")
    exchange.prepare()
    payers = dict(cases.MASTER.payers)
    master = cases.MASTER.model_copy(update={"payers": payers})
    deps = cast(
        Deps,
        SimpleNamespace(
            master=master,
            pool=world.pool,
            exchange=exchange,
            batch_claims=200,
            policy=MoneyPolicy(),
            code_sets=LoadedCodeSets(world.pool),
            references=None,
            payer_rules=None,
            regroup=None,
        ),
    )
    settings = ServiceSettings(
        dsn="postgresql://nobody@127.0.0.1:1/none",
        shared=SharedSettings(auth_jwks=public, auth_key=private),
    )
    spec = ServiceSpec(
        name="billing", migrations="rcm_billing.migrations", routers=(*api.routers, *pages.routers)
    )
    runtime = OfficeRuntime(spec, settings, world)
    runtime.http_pool = world.pool
    runtime.state["deps"] = deps
    transport = httpx.ASGITransport(app=create_app(runtime))
    async with httpx.AsyncClient(transport=transport, base_url="http://billing.test") as http:
        yield Office(world, deps, folder / "exchange", http, TokenIssuer(private))


def with_payer(office: Office, payer_id: str, **changes: Any) -> None:
    """Change a payer's master data for one test."""
    payers = dict(office.deps.master.payers)
    payers[payer_id] = payers[payer_id].model_copy(update=changes)
    cast(Any, office.deps).master = office.deps.master.model_copy(update={"payers": payers})
