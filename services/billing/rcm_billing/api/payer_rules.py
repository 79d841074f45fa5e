"""HTTP in: the payers' own rules: list, show, draft, try on a claim, activate, retire."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field
from rcm_shared.auth import Principal, allow
from rcm_shared.contracts.intake import ClaimForm
from rcm_shared.errors import NotFound
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.web.idempotency import idempotent

from rcm_billing.api.deps import Body, Running, deps_of
from rcm_billing.domain.payer_rule import RuleState
from rcm_billing.domain.scrubbing import Owner, Severity
from rcm_billing.handlers import payer_rules
from rcm_billing.repository import payer_rules as stored
from rcm_billing.repository.payer_rules import PayerRuleRow, RuleStep

router = APIRouter(prefix="/v1/payer-rules", tags=["billing"])

Keeper = Annotated[Principal, Depends(allow("biller", "admin"))]
RuleReader = Annotated[Principal, Depends(allow("biller", "admin", "auditor", "operations", "coder"))]
RuleId = Annotated[str, Path(pattern=r"^[A-Z0-9-]{4,42}$")]
Version = Annotated[int, Path(ge=1, le=100_000)]
Text = Annotated[str, Field(min_length=1, max_length=300)]


class DraftIn(Body):
    """A new rule, or the next version of one. Empty `payers` or `facility_id`: every one."""

    rule_id: Annotated[str, Field(max_length=42)]
    title: Text
    expression: Annotated[str, Field(min_length=1, max_length=1000)]
    severity: Severity
    owner: Owner
    authority: Text
    fix: Text
    effective_from: date
    effective_to: date | None = None
    form: ClaimForm | None = None
    facility_id: Annotated[str, Field(max_length=60)] = ""
    payers: Annotated[tuple[str, ...], Field(max_length=200)] = ()


class ReasonIn(Body):
    """Why."""

    reason: Annotated[str, Field(max_length=300)] = ""


class TryIn(Body):
    """The stored claim to try a rule on."""

    claim_id: UUID


class StepOut(Body):
    """Who moved a version to a state, when and why."""

    state: RuleState
    by: str
    at: datetime
    reason: str


class PayerRuleOut(Body):
    """One version with its steps."""

    rule_id: str
    version: int
    state: RuleState
    title: str
    expression: str
    severity: Severity
    owner: Owner
    authority: str
    fix: str
    effective_from: date
    effective_to: date | None
    form: ClaimForm | None
    facility_id: str
    payers: tuple[str, ...]
    steps: tuple[StepOut, ...]


class PayerRuleList(Body):
    rules: tuple[PayerRuleOut, ...]


class VerdictOut(Body):
    """What a rule says of a claim. `evaluated` false: `reason` is the code of why it could not judge."""

    hit: bool
    places: tuple[str, ...]
    evaluated: bool
    reason: str


def _out(row: PayerRuleRow, steps: Iterable[RuleStep]) -> PayerRuleOut:
    mine = [step for step in steps if (step.rule_id, step.version) == (row.rule_id, row.version)]
    return PayerRuleOut(
        rule_id=row.rule_id,
        version=row.version,
        state=RuleState(mine[-1].state),
        title=row.title,
        expression=row.expression,
        severity=Severity(row.severity),
        owner=Owner(row.owner),
        authority=row.authority,
        fix=row.fix,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
        form=ClaimForm(row.form) if row.form else None,
        facility_id=row.facility_id,
        payers=tuple(row.payers),
        steps=tuple(StepOut(state=RuleState(s.state), by=s.by, at=s.at, reason=s.reason) for s in mine),
    )


async def _shown(uow: UnitOfWork, row: PayerRuleRow) -> PayerRuleOut:
    return _out(row, await stored.list_steps(uow.conn, [row.rule_id]))


@router.get("")
async def list_rules(
    who: RuleReader,
    runtime: Running,
    state: RuleState | None = None,
    payer: Annotated[str | None, Query(max_length=60)] = None,
) -> PayerRuleList:
    """List the versions of payer rules; of one state, or that are for one payer."""
    rows = await stored.list_versions(runtime.http_pool, facilities=who.facility_filter())
    steps = await stored.list_steps(runtime.http_pool, sorted({row.rule_id for row in rows}))
    shown = (_out(row, steps) for row in rows if payer is None or not row.payers or payer in row.payers)
    return PayerRuleList(rules=tuple(rule for rule in shown if state is None or rule.state is state))


@router.get("/{rule_id}")
async def get_rule(rule_id: RuleId, who: RuleReader, runtime: Running) -> PayerRuleList:
    """Show every version of one rule with who changed what when."""
    rows = await stored.list_versions(runtime.http_pool, rule_ids=[rule_id], facilities=who.facility_filter())
    if not rows:
        raise NotFound("payer rule")
    steps = await stored.list_steps(runtime.http_pool, [rule_id])
    return PayerRuleList(rules=tuple(_out(row, steps) for row in rows))


@router.post("")
async def draft_rule(body: DraftIn, request: Request, who: Keeper) -> Response:
    """Write a new rule or the next version of one, as a draft."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        row = await payer_rules.draft(uow, payer_rules.Draft(**dict(body)), who)
        return 201, await _shown(uow, row)

    return await idempotent(request, who, run)


@router.post("/{rule_id}/versions/{version}/test")
async def test_rule(
    rule_id: RuleId, version: Version, body: TryIn, who: RuleReader, runtime: Running
) -> VerdictOut:
    """Try a version, a draft included, on a stored claim; nothing changes."""
    async with runtime.transaction(who.subject) as uow:
        verdict = await payer_rules.try_on(uow, rule_id, version, body.claim_id, who)
    return VerdictOut(
        hit=bool(verdict.places),
        places=verdict.places,
        evaluated=not verdict.reason,
        reason=verdict.reason,
    )


@router.post("/{rule_id}/versions/{version}/activate")
async def activate_rule(
    rule_id: RuleId, version: Version, body: ReasonIn, request: Request, who: Keeper
) -> Response:
    """Let a draft judge claims from now on."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        row = await payer_rules.move(
            uow,
            rule_id,
            version,
            RuleState.ACTIVE,
            who,
            reason=body.reason,
            four_eyes=deps_of(request).four_eyes,
        )
        return 200, await _shown(uow, row)

    return await idempotent(request, who, run)


@router.post("/{rule_id}/versions/{version}/retire")
async def retire_rule(
    rule_id: RuleId, version: Version, body: ReasonIn, request: Request, who: Keeper
) -> Response:
    """End a version; claims that were judged by it keep saying so."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        row = await payer_rules.move(uow, rule_id, version, RuleState.RETIRED, who, reason=body.reason)
        return 200, await _shown(uow, row)

    return await idempotent(request, who, run)
