"""HTTP in: which reference tables the scrubber has, so that "not evaluated" can be answered."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from rcm_shared.auth import Principal, allow

from rcm_billing.api.deps import Body, deps_of

router = APIRouter(prefix="/v1", tags=["billing"])


class ReleaseOut(Body):
    """One release from coding. It is used once it is complete."""

    system: str
    edition: str
    effective_from: date
    effective_to: date | None
    rows: int
    complete: bool


class TableOut(Body):
    """One of the operator's own tables; `keys` counts the codes or other keys in it."""

    table: str
    edition: str
    keys: int


class RefusedFileOut(Body):
    """A file that was refused whole; its table is as it was before."""

    file: str
    line: int
    reason: str


class ReferenceOut(Body):
    """Every table at hand, and what could not be read."""

    releases: tuple[ReleaseOut, ...]
    tables: tuple[TableOut, ...]
    refused: tuple[RefusedFileOut, ...]


@router.get("/references")
async def list_references(
    request: Request,
    _who: Annotated[Principal, Depends(allow("biller", "auditor", "operations", "admin"))],
) -> ReferenceOut:
    """List the reference tables that claims are judged by."""
    loaded = deps_of(request).references
    if loaded is None:
        return ReferenceOut(releases=(), tables=(), refused=())
    releases, tables, refused = await loaded.overview()
    return ReferenceOut(
        releases=tuple(
            ReleaseOut(
                system=release.system,
                edition=release.edition,
                effective_from=release.effective_from,
                effective_to=release.effective_to,
                rows=release.loaded,
                complete=release.complete,
            )
            for release in releases
        ),
        tables=tuple(
            TableOut(table=table.name.partition(":")[0], edition=table.name, keys=len(table.rows))
            for table in tables
        ),
        refused=tuple(
            RefusedFileOut(file=error.name, line=error.line, reason=error.reason) for error in refused
        ),
    )
