"""HTTP in: the worklist's rules, closing by rule and its trials, flagged charts, coders' certificates."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from rcm_shared.errors import Refused
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.runtime import Runtime
from rcm_shared.web.app import runtime_of
from rcm_shared.web.idempotency import idempotent

from rcm_coding.api.deps import Body
from rcm_coding.api.shapes import Subject
from rcm_coding.api.worklist import MAX_LINES, Lead, Worker
from rcm_coding.domain.errors import StaleVersion
from rcm_coding.domain.worklist import AutoClose, Credential, Policy, RouteRule
from rcm_coding.handlers import routing
from rcm_coding.repository import history, worklist
from rcm_coding.repository.history import TrialCount
from rcm_coding.repository.worklist import CredentialRow

router = APIRouter(prefix="/v1", tags=["coding"])


class PolicyIn(Body):
    """The whole set of rules; `replaces` is the version that it was made from."""

    replaces: Annotated[int, Field(ge=0)]
    rules: Annotated[tuple[RouteRule, ...], Field(min_length=1, max_length=200)]
    credentials: dict[str, tuple[Credential, ...]]
    enforce_credentials: bool
    lock_minutes: int
    assigned_hours: int
    filing_days: dict[str, int]
    default_filing_days: int
    filing_margin_days: int
    value_steps: tuple[tuple[int, int], ...]
    auto_close: AutoClose
    prebill_qa: tuple[str, ...] = ()


class PolicyOut(PolicyIn):
    version: int
    built_in: bool


class CredentialIn(Body):
    credential: Credential
    valid_from: date
    valid_to: date


class CredentialList(Body):
    credentials: tuple[CredentialRow, ...]


class TrialList(Body):
    trials: tuple[TrialCount, ...]


class FlaggedList(Body):
    encounter_ids: tuple[UUID, ...]


@router.get("/worklist/policy")
async def get_policy(runtime: Annotated[Runtime, Depends(runtime_of)], who: Worker) -> PolicyOut:
    """Show the rules in force."""
    _ = who
    async with runtime.http_pool.acquire() as conn:
        return _policy_out(await routing.active_policy(conn))


@router.put("/worklist/policy")
async def put_policy(body: PolicyIn, request: Request, who: Lead) -> Response:
    """Put new rules in force and move every open chart by them.

    Raises: StaleVersion when somebody else changed the rules meanwhile.
    """
    values = {name: getattr(body, name) for name in PolicyIn.model_fields if name != "replaces"}

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        await worklist.lock_policy(uow.conn)
        current = await routing.active_policy(uow.conn)
        if current.version != body.replaces:
            raise StaleVersion
        return 200, _policy_out(await routing.change_policy(uow.conn, Policy(**values), who.subject, uow.now))

    return await idempotent(request, who, run)


@router.get("/worklist/auto-close")
async def show_trials(runtime: Annotated[Runtime, Depends(runtime_of)], who: Lead) -> TrialList:
    """Show how closing by rule did in test mode, by work type."""
    _ = who
    async with runtime.http_pool.acquire() as conn:
        return TrialList(trials=tuple(await history.count_trials(conn)))


@router.get("/worklist/flagged")
async def list_flagged(runtime: Annotated[Runtime, Depends(runtime_of)], who: Lead) -> FlaggedList:
    """List final charts whose codes changed after a coder had seen what the earlier ones pay."""
    async with runtime.http_pool.acquire() as conn:
        found = await history.flagged(conn, who.facility_filter(), MAX_LINES)
    return FlaggedList(encounter_ids=tuple(key for key, _ in found))


@router.get("/coders/{subject}/credentials")
async def list_credentials(
    subject: Subject, runtime: Annotated[Runtime, Depends(runtime_of)], who: Lead
) -> CredentialList:
    """Show a coder's certificates."""
    _ = who
    async with runtime.http_pool.acquire() as conn:
        return CredentialList(credentials=tuple(await worklist.list_credentials(conn, subject)))


@router.post("/coders/{subject}/credentials")
async def grant_credential(subject: Subject, body: CredentialIn, request: Request, who: Lead) -> Response:
    """Record a certificate with its days; the same one from the same day gets the new last day."""
    if body.valid_to < body.valid_from:
        raise Refused("dates-reversed", "the last day lies before the first", status=422, pointer="/valid_to")

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        row = CredentialRow(subject, body.credential.value, body.valid_from, body.valid_to, who.subject)
        await worklist.grant(uow.conn, row, uow.now)
        return 200, CredentialList(credentials=tuple(await worklist.list_credentials(uow.conn, subject)))

    return await idempotent(request, who, run)


def _policy_out(policy: Policy) -> PolicyOut:
    values = {name: getattr(policy, name) for name in PolicyIn.model_fields if name != "replaces"}
    values["credentials"], values["filing_days"] = dict(policy.credentials), dict(policy.filing_days)
    return PolicyOut(replaces=policy.version, version=policy.version, built_in=policy.version == 0, **values)
