"""Claims that a payer has accepted, on a real PostgreSQL, and the verbs of a remittance desk."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from component.billing.conftest import BillingWorld
from rcm_billing import repository
from rcm_billing.domain.account import Account, Attempt, Claim, book_charge
from rcm_billing.domain.claim import AttemptState, ClaimState
from rcm_billing.domain.contract_terms import Contract
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.handlers.answers import apply_file
from rcm_billing.handlers.deps import Deps, MoneyPolicy
from rcm_billing.repository import ClaimRow, ledger, payer_files
from rcm_shared.auth import Principal
from rcm_shared.contracts.intake import CoverageRef
from rcm_shared.ids import derived_uuid
from unit.billing import cases
from unit.billing.remits import Line, Paid, Triple

BILLER = Principal("biller-1", frozenset({"biller"}), frozenset({"DEMO-GENERAL"}))
SECOND = Principal("biller-2", frozenset({"biller"}), frozenset({"DEMO-GENERAL"}))
STRANGER = Principal("biller-3", frozenset({"biller"}), frozenset({"ELSEWHERE"}))


@dataclass
class Ward:
    """Billing's remittance desk over one database."""

    world: BillingWorld
    contracts: tuple[Contract, ...] = ()
    policy: MoneyPolicy = field(default_factory=MoneyPolicy)
    documents: dict[str, ClaimDocument] = field(default_factory=dict)

    @property
    def deps(self) -> Deps:
        payers = dict(cases.MASTER.payers)
        payers["DHP01"] = payers["DHP01"].model_copy(update={"contracts": self.contracts})
        master = cases.MASTER.model_copy(update={"payers": payers})
        found = SimpleNamespace(master=master, pool=self.world.pool, policy=self.policy)
        return cast(Deps, found)

    async def claim(
        self, number: int = 1, *, state: ClaimState = ClaimState.ACCEPTED, secondary: bool = False
    ) -> ClaimDocument:
        """Store an accepted claim of 210.00 with its charge booked."""
        member = f"PDZQ{number:04d}"
        record = cases.an_office_record(number, coverages=(cases.a_coverage(member_id=member),))
        document = cases.a_claim(record)
        claim = Claim(
            claim_id=document.claim_id,
            order="P",
            payer_id="DHP01",
            version=1,
            form=document.form,
            state=state,
            claim_control=document.claim_control,
            charge_cents=document.charge_cents,
            attempts=(
                Attempt(
                    attempt_id=derived_uuid(document.claim_id, "attempt"),
                    interchange_control="000000001",
                    state=AttemptState.SENT,
                ),
            ),
        )
        key = document.encounter_id
        coverages = [CoverageRef(derived_uuid(key, "p"), "DHP01", "P")]
        if secondary:
            coverages.append(CoverageRef(derived_uuid(key, "s"), "SUP01", "S"))
        account = Account(
            encounter_id=key,
            facility_id="DEMO-GENERAL",
            coverages=tuple(coverages),
            coding=cases.an_office_coding(),
        ).with_claim(claim)
        account = book_charge(account, derived_uuid(key, "charge"), claim.charge_cents, claim.claim_id)
        row = ClaimRow(
            claim_id=claim.claim_id,
            encounter_id=key,
            facility_id="DEMO-GENERAL",
            payer_id="DHP01",
            payer_order="P",
            version=1,
            form=document.form.value,
            frequency="1",
            claim_control=claim.claim_control,
            charge_cents=claim.charge_cents,
            document=document.model_dump_json(),
            wire_subscriber="",
            wire_dependent="",
            hits="[]",
            not_evaluated=[],
            fingerprint=claim.claim_id.bytes,
            state=state.value,
            owner_queue="",
        )
        async with self.world.begin() as uow:
            await repository.insert_claims(uow.conn, [row])
            await repository.save_accounts(uow.conn, {key: account})
        self.documents[claim.claim_control] = document
        return document

    async def take(self, data: bytes, name: str = "835.x12") -> str:
        """Let a payer's file come in; return what became of it."""
        state = await repository.store_inbound(self.world.pool, name, data)
        if state == "stored":
            await apply_file(self.deps, self.world.begin, data)
        row = await payer_files.find_inbound(self.world.pool, repository.digest_of(data))
        assert row is not None
        return str(row["state"])

    async def account(self, document: ClaimDocument) -> Account:
        found = await repository.read_accounts(self.world.pool, [document.encounter_id])
        return found[document.encounter_id]

    async def unmatched(self) -> list[Any]:
        return list(await self.world.pool.fetch("SELECT * FROM unmatched ORDER BY created_at, ordinal"))

    async def reasons(self) -> list[str]:
        return [row["reason"] for row in await self.unmatched()]

    async def matches(self) -> list[tuple[UUID, str, int]]:
        rows = await self.world.pool.fetch(
            "SELECT claim_id, tier, score FROM remittance_claim ORDER BY applied_at, ordinal"
        )
        return [(row["claim_id"], row["tier"], row["score"]) for row in rows]

    async def books(self) -> dict[str, int]:
        """Return the ledger's balances; they always add up to nothing."""
        found = await ledger.sum_by_account(self.world.pool)
        assert sum(found.values()) == 0
        return {name: cents for name, cents in found.items() if cents}

    async def types(self) -> list[str]:
        rows = await self.world.events()
        return [row["type"].removeprefix("rcm.billing.").removesuffix(".v1") for row in rows]


def paid(
    document: ClaimDocument,
    *adjustments: Triple,
    control: str | None = None,
    own_line: bool = True,
    **changes: Any,
) -> Paid:
    """Return the decision on a one-line claim: what is not adjusted is paid."""
    line = document.lines[0]
    return Paid(
        document.claim_control if control is None else control,
        (Line(line.code, line.charge_cents, adjustments, line.control if own_line else ""),),
        **changes,
    )


def with_line(claim: Paid, **changes: Any) -> Paid:
    """Return the decision with another line."""
    return replace(claim, lines=(replace(claim.lines[0], **changes),))
