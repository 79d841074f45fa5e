"""HTTP in: appeals with their letters, and the templates of letters."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from rcm_shared.auth import Principal, allow
from rcm_shared.errors import NotFound, Refused
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.web.idempotency import idempotent

from rcm_billing.api.accounts import AccountOut, account_out
from rcm_billing.api.denials import Code, WishIn
from rcm_billing.api.deps import Biller, Body, Reader, Running, deps_of
from rcm_billing.domain.denial_letters import FIELDS, SHIPPED, LetterRefused, LetterTemplate, check_template
from rcm_billing.handlers import appealing
from rcm_billing.handlers.appealing import Attachment, Letter
from rcm_billing.handlers.denying import Wish
from rcm_billing.repository import appeals, denials
from rcm_billing.repository.appeals import StoredTemplate

router = APIRouter(prefix="/v1", tags=["denials"])
Lead = Annotated[Principal, Depends(allow("biller", "admin"))]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]


class AppealIn(Body):
    """Why the denial is wrong, as a code of the facility's own."""

    reason_code: Code


class AttachmentIn(Body):
    """A document of the record by its id, and how the letter names it."""

    document_id: UUID
    kind: Code
    label: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[\x20-\x7e]+$")]


class DraftIn(WishIn):
    """What goes into the letter."""

    argument: Annotated[str, Field(max_length=8000)] = ""
    template: Name | None = None
    attachments: Annotated[tuple[AttachmentIn, ...], Field(max_length=50)] = ()


class DraftOut(Body):
    """A drafted appeal; its letter lies at /v1/appeals/{id}/letter.txt and .pdf."""

    appeal_id: UUID
    account: AccountOut


class AppealOut(Body):
    """One level of appeal."""

    appeal_id: UUID
    level: int
    state: str
    template_name: str
    template_version: int
    letter_sha256: str | None
    attachments: tuple[dict[str, str], ...]
    drafted_by: str
    drafted_at: datetime | None
    filed_by: str | None
    filed_at: datetime | None
    sent_at: datetime | None
    outcome: str
    answered_at: datetime | None


class AppealList(Body):
    appeals: tuple[AppealOut, ...]


class TemplateIn(Body):
    """A new version of a template; `version` is the one that it follows, 0 for the first."""

    version: Annotated[int, Field(ge=0)]
    payer_id: Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]{1,40}|\*)$")] = "*"
    category: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9-]{0,39}|\*)$")] = "*"
    level: Annotated[int, Field(ge=0, le=9)] = 0
    subject: Annotated[str, Field(max_length=200)]
    body: Annotated[str, Field(max_length=20_000)]
    retired: bool = False


class TemplateOut(Body):
    """One template as it is in force; version 0 is what ships."""

    name: str
    version: int
    payer_id: str
    category: str
    level: int
    subject: str
    body: str
    retired: bool = False


class TemplateList(Body):
    """Every template, and every merge field with what it holds."""

    templates: tuple[TemplateOut, ...]
    fields: dict[str, str]


@router.post("/denials/{denial_id}/appeal")
async def appeal_denial(denial_id: UUID, body: AppealIn, request: Request, who: Biller) -> Response:
    """File the next level of appeal; without a draft its letter is written from the fitting template."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        wish = Wish(denial_id, body.reason_code)
        return 201, account_out(await appealing.file_appeal(deps_of(request), uow, wish, who))

    return await idempotent(request, who, run)


@router.post("/denials/{denial_id}/appeal-draft")
async def draft_appeal(denial_id: UUID, body: DraftIn, request: Request, who: Biller) -> Response:
    """Draft the next level of appeal with its letter; again takes the place of the former draft."""
    attachments = tuple(Attachment(one.kind, one.label, one.document_id) for one in body.attachments)
    letter = Letter(body.argument, body.template, attachments)

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        found = await appealing.draft_appeal(deps_of(request), uow, body.wish(denial_id), who, letter)
        return 201, DraftOut(appeal_id=found[1], account=account_out(found[0]))

    return await idempotent(request, who, run)


@router.post("/denials/{denial_id}/appeal-draft/withdraw")
async def withdraw_draft(denial_id: UUID, body: WishIn, request: Request, who: Biller) -> Response:
    """Put a drafted appeal away."""

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        found = await appealing.withdraw_draft(deps_of(request), uow, body.wish(denial_id), who)
        return 200, account_out(found)

    return await idempotent(request, who, run)


@router.get("/denials/{denial_id}/appeals")
async def list_appeals(denial_id: UUID, who: Reader, runtime: Running) -> AppealList:
    """List the appeals of a denial, oldest first."""
    found = await denials.find_denial(runtime.http_pool, denial_id)
    if found is None or not who.sees(found[1]):
        raise NotFound("denial")
    rows = await appeals.list_appeals(runtime.http_pool, denial_id)
    return AppealList(appeals=tuple(_appeal_out(row) for row in rows))


def _appeal_out(row: Any) -> AppealOut:
    shown = {name: row[name] for name in AppealOut.model_fields}
    return AppealOut(**shown | {"attachments": tuple(json.loads(row["attachments"]))})


@router.get("/appeals/{appeal_id}/letter.{kind}")
async def get_letter(
    appeal_id: UUID, kind: Literal["txt", "pdf"], request: Request, who: Biller, runtime: Running
) -> Response:
    """Return the letter as it was, or will be, sent. Every reading is recorded."""
    async with runtime.transaction(who.subject) as uow:
        row = await appeals.get_letter(uow.conn, appeal_id)
        if row is None or not who.sees(row["facility_id"]) or row["letter_pdf"] is None:
            raise NotFound("letter")
        uow.record_access(
            encounter_id=row["encounter_id"], subject=who.subject, purpose="appeal", what="letter"
        )
    if kind == "pdf":
        return Response(bytes(row["letter_pdf"]), media_type="application/pdf")
    return Response(row["letter_text"], media_type="text/plain; charset=utf-8")


def _template_out(template: StoredTemplate | LetterTemplate) -> TemplateOut:
    return TemplateOut(**{name: getattr(template, name, False) for name in TemplateOut.model_fields})


@router.get("/letter-templates")
async def list_templates(who: Lead, runtime: Running) -> TemplateList:
    """List the templates, what ships and the operator's own, with the merge fields that they may use."""
    stored = await appeals.list_templates(runtime.http_pool)
    own = {one.name for one in stored}
    shown = [_template_out(one) for one in stored]
    shown += [_template_out(one) for one in SHIPPED if one.name not in own]
    return TemplateList(templates=tuple(shown), fields=dict(FIELDS))


@router.put("/letter-templates/{name}")
async def put_template(name: Name, body: TemplateIn, request: Request, who: Lead) -> Response:
    """Add the next version of a template; letters that were written keep theirs."""
    try:
        check_template(body.subject, body.body)
    except LetterRefused as error:
        raise Refused("template-refused", f"the template cannot be used: {error.code}", status=422) from None

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        newest = await appeals.get_template(uow.conn, name, None)
        if body.version != (newest.version if newest else 0):
            raise Refused("template-changed", "somebody changed this template meanwhile")
        stored = StoredTemplate(
            name,
            body.version + 1,
            body.payer_id,
            body.category,
            body.level,
            body.subject,
            body.body,
            body.retired,
            who.subject,
            uow.now,
        )
        if not await appeals.insert_template(uow.conn, stored):
            raise Refused("template-changed", "somebody changed this template meanwhile")
        return 201, _template_out(stored)

    return await idempotent(request, who, run)
