"""HTTP in: the list that says where denials go, read, replaced as a whole, version by version."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field
from rcm_shared.auth import Principal, allow
from rcm_shared.errors import NotFound, Refused
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.web.idempotency import idempotent

from rcm_billing.api.deps import Body, Reader, Running
from rcm_billing.domain.denial_routing import (
    MAX_ROUTES,
    BadRoute,
    Route,
    RouteTable,
    check_routes,
    read_routes,
)
from rcm_billing.repository import denial_routes

router = APIRouter(prefix="/v1", tags=["denials"])
MAX_BODY_BYTES = 8 * 1024 * 1024  # 20,000 rows as JSON
Lead = Annotated[Principal, Depends(allow("biller", "admin"))]
Cell = Annotated[str, Field(min_length=1, max_length=40)]


class RouteRow(Body):
    """One row: which denials (`*`: any), and what is done with them."""

    payer: Cell
    group: Cell
    carc: Cell
    rarc: Cell
    category: Cell
    root_cause: Cell
    owner: Cell
    action: Cell


class RouteList(Body):
    """One version of the list; version 0 is what ships."""

    version: int
    routes: tuple[RouteRow, ...]


class RoutesIn(Body):
    """The whole new list, as rows or as CSV; `version` is the one that it follows."""

    version: Annotated[int, Field(ge=0)]
    routes: Annotated[tuple[RouteRow, ...], Field(max_length=MAX_ROUTES)] | None = None
    csv: Annotated[str, Field(max_length=5_000_000)] | None = None


class VersionOut(Body):
    """Who stored a version when."""

    version: int
    source: str
    created_by: str
    created_at: datetime


class VersionList(Body):
    versions: tuple[VersionOut, ...]


def _out(table: RouteTable) -> RouteList:
    return RouteList(
        version=table.version, routes=tuple(RouteRow(**route._asdict()) for route in table.routes)
    )


@router.get("/denial-routes")
async def get_routes(
    who: Reader, runtime: Running, version: Annotated[int | None, Query(ge=0)] = None
) -> RouteList:
    """Show the list in force, or one version of it."""
    table = await denial_routes.get_route_table(runtime.http_pool, version)
    if table is None:
        raise NotFound("version")
    return _out(table)


@router.get("/denial-routes/versions")
async def list_versions(who: Reader, runtime: Running) -> VersionList:
    """List the versions, newest first."""
    rows = await denial_routes.list_route_versions(runtime.http_pool)
    return VersionList(versions=tuple(VersionOut(**dict(row)) for row in rows))


@router.put("/denial-routes")
async def put_routes(body: RoutesIn, request: Request, who: Lead) -> Response:
    """Store a new list. It is refused as a whole when one row may not stand; the answer names row and column."""
    if (body.routes is None) == (body.csv is None):
        raise Refused("routes-or-csv", "send either routes or csv", status=422)
    try:
        if body.csv is not None:
            routes = read_routes(body.csv)
        else:
            routes = check_routes([Route(**row.model_dump()) for row in body.routes or ()])
    except BadRoute as error:
        raise Refused("route-refused", f"the list may not stand: {error.code}", status=422) from None

    async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
        current = await denial_routes.get_route_table(uow.conn)
        stored = current is not None and current.version == body.version
        stored = stored and await denial_routes.insert_routes(
            uow.conn,
            body.version + 1,
            routes,
            source="api",
            created_by=who.subject,
            created_at=uow.now,
        )
        if not stored:
            raise Refused("routes-changed", "somebody stored another version meanwhile")
        return 201, _out(RouteTable(body.version + 1, routes))

    return await idempotent(request, who, run)
