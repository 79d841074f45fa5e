"""The provider's pages: an inbox, and one screen per query with quotes, options and one submit."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from rcm_shared.auth import Principal, allow
from rcm_shared.errors import NotFound, Refused
from rcm_shared.runtime import Runtime
from rcm_shared.web.app import runtime_of
from rcm_shared.web.pages import page

from rcm_query import repository
from rcm_query.domain.provider_query import SENT, WAITING, QueryState
from rcm_query.handlers import answer_one, open_one

router = APIRouter(include_in_schema=False)

ANSWERABLE = WAITING | {QueryState.EXPIRED}
INBOX_LIMIT = 100


@router.get("/inbox")
async def inbox(
    request: Request,
    who: Annotated[Principal, Depends(allow("provider"))],
    runtime: Annotated[Runtime, Depends(runtime_of)],
) -> HTMLResponse:
    """List the provider's own queries, the most pressing first."""
    async with runtime.http_pool.acquire() as conn:
        lines = await repository.list_queries(
            conn,
            facilities=who.facility_filter(),
            provider_id=who.subject,
            encounter_id=None,
            states=[state.value for state in SENT],
            limit=INBOX_LIMIT,
        )
    waiting = [line for line in lines if line.state in ANSWERABLE]
    done = [line for line in lines if line.state not in ANSWERABLE]
    return page(request, "query_inbox.html", waiting=waiting, done=done)


@router.get("/inbox/{query_id}")
async def one_query(
    query_id: UUID,
    request: Request,
    who: Annotated[Principal, Depends(allow("provider"))],
    runtime: Annotated[Runtime, Depends(runtime_of)],
) -> HTMLResponse:
    """Show one query on one screen and mark it as viewed."""
    return await _show(request, who, runtime, query_id, problem="")


@router.post("/inbox/{query_id}")
async def submit_answer(
    query_id: UUID,
    request: Request,
    who: Annotated[Principal, Depends(allow("provider"))],
    runtime: Annotated[Runtime, Depends(runtime_of)],
    option: Annotated[str, Form(max_length=100)] = "",
    text: Annotated[str, Form(max_length=4_000)] = "",
) -> Response:
    """Take the answer from the form; a refused one comes back with the reason."""
    try:
        async with runtime.transaction(who.subject) as uow:
            await answer_one(uow, who, query_id, option or None, text)
    except NotFound:
        raise
    except Refused as refusal:
        return await _show(request, who, runtime, query_id, problem=str(refusal), status=refusal.status)
    return RedirectResponse(f"/inbox/{query_id}", status_code=303)


async def _show(
    request: Request, who: Principal, runtime: Runtime, query_id: UUID, *, problem: str, status: int = 200
) -> HTMLResponse:
    async with runtime.transaction(who.subject) as uow:
        _, query = await open_one(uow, who, query_id)
    if query.provider_id != who.subject or query.content is None:
        raise NotFound("query")
    return page(
        request,
        "query_detail.html",
        query=query,
        content=query.content,
        answerable=query.state in ANSWERABLE,
        problem=problem,
        status_code=status,
    )
