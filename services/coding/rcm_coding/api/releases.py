"""HTTP in: code-set releases. An administrator loads, checks and activates them; services fetch the rows of tables.

A release comes as the published file (or a zip of its files) in the body. It is read whole first: a broken,
truncated or wrong-year file is refused with line and reason, and what is in force stays. Nothing stops meanwhile.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from rcm_shared.auth import Principal, allow
from rcm_shared.errors import NotFound, Refused
from rcm_shared.web.app import runtime_of

from rcm_coding.api.codesets import Sha256
from rcm_coding.api.deps import Body, deps_of
from rcm_coding.codesets.lines import BrokenFileError
from rcm_coding.codesets.releases import Difference, Status
from rcm_coding.codesets.tables import TABLES
from rcm_coding.gateways.apart import apart
from rcm_coding.gateways.codeset_files import Kept, StoreError, Wanted, read_release, systems_in
from rcm_coding.handlers import releases
from rcm_coding.handlers.releases import FileRefused
from rcm_coding.repository.releases import StoredRelease, list_releases
from rcm_coding.repository.tables import read_page

router = APIRouter(prefix="/v1/codesets", tags=["coding"])

#: Largest file that is taken, in bytes. The four parts of the NCCI pairs have about 40 MB as a zip.
MAX_FILE = 128 * 1024 * 1024
UPLOAD_PATH = "/v1/codesets/releases"
PAGE = 100_000
MAX_PAGE = 250_000
_BLOCK = 10_000  # rows read from the database at once

Admin = Annotated[Principal, Depends(allow("admin"))]
System = Annotated[str, Query(pattern=r"^[a-z0-9-]{2,40}$")]


class ReleaseLine(Body):
    """One release. `status` is staged, checked, active or superseded; both days belong to its span."""

    system: str
    label: str
    effective_from: date
    effective_to: date
    sha256: str
    rows: int
    billable: int
    licence: str
    status: Status
    source: str


class ReleaseLines(Body):
    """Releases by system and first day."""

    releases: tuple[ReleaseLine, ...]


class StagedOut(Body):
    """What a file gave. `left` counts rows that were not taken, by reason, such as dental codes."""

    staged: ReleaseLine
    left: dict[str, int]


class CheckedOut(Body):
    """What a check found. Without a fault the release may be activated."""

    release: ReleaseLine
    faults: tuple[str, ...]
    added: int | None
    retired: int | None
    revised: int | None


class DifferenceOut(Body):
    """What a release changes over another: codes only, since texts may be licensed."""

    added: tuple[str, ...]
    deleted: tuple[str, ...]
    to_header: tuple[str, ...]
    to_billable: tuple[str, ...]
    revised: tuple[str, ...]


@router.get("/releases")
async def get_releases(
    request: Request,
    _who: Annotated[Principal, Depends(allow("service", "coder", "biller", "auditor", "admin"))],
    system: System | None = None,
    status: Status | None = None,
) -> ReleaseLines:
    """List the releases of all sets, or of one system or status."""
    async with runtime_of(request).http_pool.acquire() as conn:
        found = await list_releases(conn, system, status)
    return ReleaseLines(releases=tuple(map(_line, found)))


@router.post("/releases", status_code=201)
async def stage_release(
    request: Request,
    who: Admin,
    name: Annotated[str, Query(pattern=r"^[\w.() -]{1,120}$", description="The file's name as published.")],
    system: System | None = None,
    effective_from: Annotated[date | None, Query(alias="from")] = None,
    effective_to: Annotated[date | None, Query(alias="to")] = None,
    label: Annotated[str, Query(pattern=r"^[\w.-]{0,40}$")] = "",
    columns: Annotated[str, Query(max_length=500, description="CPT: FIELD=HEAD,FIELD=HEAD.")] = "",
    delimiter: Annotated[str, Query(min_length=1, max_length=1)] = "\t",
) -> StagedOut:
    """Read a file whole and stage it. Sending the same file again gives the same release.

    Raises: FileRefused with line and reason.
    """
    deps = deps_of(request)
    wanted = Wanted(effective_from, effective_to, label, _column_map(columns), delimiter)
    with tempfile.TemporaryDirectory(prefix="rcm-upload-") as folder:
        path = Path(folder) / "file"
        with path.open("wb") as sink:
            async for piece in request.stream():
                sink.write(piece)
        try:
            kept, left = await asyncio.to_thread(_read, path, name, system, wanted)
        except (BrokenFileError, StoreError) as error:
            raise FileRefused(error) from None
        await asyncio.to_thread(deps.store.keep, path, kept.release.sha256)
    async with runtime_of(request).transaction(who.subject) as uow:
        staged = await releases.stage(uow, kept, deps.store)
    return StagedOut(staged=_line(staged), left=left)


@router.post("/releases/{sha256}/check")
async def check_release(
    sha256: Sha256, request: Request, who: Admin, system: System | None = None
) -> CheckedOut:
    """Compare a staged release with the one before; only one without a fault becomes checked."""
    async with runtime_of(request).transaction(who.subject) as uow:
        found = await releases.find(uow.conn, sha256, system)
        found, faults, difference = await releases.check(uow.conn, found, deps_of(request).store)
    return CheckedOut(
        release=_line(found),
        faults=faults,
        added=len(difference.added) if difference else None,
        retired=len(difference.retired) if difference else None,
        revised=len(difference.revised) if difference else None,
    )


@router.post("/releases/{sha256}/activate")
async def activate_release(
    sha256: Sha256, request: Request, who: Admin, system: System | None = None
) -> ReleaseLine:
    """Put a checked release in force for its span and publish it, in one transaction; all processes follow.

    Raises: ReleaseRefused; what was in force then stays.
    """
    async with runtime_of(request).transaction(who.subject) as uow:
        found = await releases.find(uow.conn, sha256, system)
        active = await releases.put_in_force(uow, found)
    deps_of(request).follow()
    return _line(replace(found, release=active))


@router.get("/releases/{sha256}/diff")
async def compare_releases(
    sha256: Sha256,
    request: Request,
    _who: Annotated[Principal, Depends(allow("admin", "auditor", "coder"))],
    against: Annotated[str, Query(pattern=r"^[0-9a-f]{64}$", description="The earlier release's SHA-256.")],
    system: System | None = None,
) -> DifferenceOut:
    """Say which codes a release adds, deletes, turns into headings or revises over an earlier one."""
    async with runtime_of(request).http_pool.acquire() as conn:
        new = await releases.find(conn, sha256, system)
        old = await releases.find(conn, against, new.release.system)
        found: Difference = await releases.differ(conn, old, new, deps_of(request).store)
    return DifferenceOut(
        added=found.added,
        deleted=found.deleted,
        to_header=found.to_header,
        to_billable=found.to_billable,
        revised=found.revised,
    )


@router.get("/{sha256}/rows")
async def get_rows(
    sha256: Sha256,
    request: Request,
    _who: Annotated[Principal, Depends(allow("service"))],
    offset: Annotated[int, Query(ge=0, le=100_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = PAGE,
    system: System | None = None,
) -> StreamingResponse:
    """Stream the rows of a checked, active or superseded table as plain lines.

    Line 1 of every page has the names of the columns, tab-separated; then follow at most `limit` rows from row
    `offset` (from 0). The order of a SHA-256's rows never changes. Nothing is quoted: no value holds a tab or line
    end; an empty one is absent; days are YYYY-MM-DD; no descriptors. Later versions may add columns at the end.
    Headers: `X-Release` (system:label), `X-Total-Rows`, `X-Next-Offset` (absent on the last page), `ETag`.

    | system | columns |
    |---|---|
    | ncci-ptp, ncci-ptp-hospital | column1, column2, effective, deleted (last day in force), modifier (0, 1, 9) |
    | ncci-mue, ncci-mue-hospital, ncci-mue-dme | code, units, mai (1 line, 2 day and absolute, 3 day) |
    | ncci-aoc | add_on, primary (empty: the contractor's), type (1, 2, 3), effective, deleted |
    | mpfs-rvu | code, modifier, status, work, pe_office, pe_facility, malpractice, pctc, global_days, multiple, bilateral, assistant, cosurgeon, team, factor |
    | mcd-articles | article, version, effective, ended, kind (procedure, covered, noncovered, contractor), code, grp |
    | hcpcs | code, kind (code, modifier), coverage, added, effective, ended |
    | poa-exempt | code |
    | cpt | code, effective, ended |
    """  # noqa: E501
    runtime = runtime_of(request)
    async with runtime.http_pool.acquire() as conn:
        found = await releases.find(conn, sha256, system)
    table = TABLES.get(found.release.system)
    if table is None or found.release.status is Status.STAGED:
        raise NotFound("table")
    end = min(offset + limit, found.line_count)

    async def lines() -> AsyncIterator[str]:
        yield "\t".join(table.columns) + "\n"
        for first in range(offset, end, _BLOCK):
            async with runtime.http_pool.acquire() as conn:
                yield await read_page(conn, found.table_no, first, min(first + _BLOCK, end))

    headers = {
        "X-Release": found.release.name,
        "X-Total-Rows": str(found.line_count),
        "ETag": f'"{sha256}:{found.release.system}"',
        "Cache-Control": "private, max-age=86400",
    }
    if end < found.line_count:
        headers["X-Next-Offset"] = str(end)
    return StreamingResponse(lines(), media_type="text/tab-separated-values", headers=headers)


def _read(path: Path, name: str, system: str | None, wanted: Wanted) -> tuple[Kept, dict[str, int]]:
    if system is None:
        named = systems_in(path, name)
        if len(named) != 1:
            reason = f"the name tells {', '.join(named) or 'no system'}: say which with system="
            raise Refused("system-unclear", reason, status=422, pointer="/system")
        system = named[0]
    kept, how = apart(read_release, path, system, wanted, name)
    return kept, dict(how.left)


def _column_map(text: str) -> dict[str, str]:
    pairs = [item.partition("=") for item in text.split(",") if item]
    if any(not mark or not head for _, mark, head in pairs):
        raise Refused(
            "columns-invalid", "columns is written FIELD=HEAD,FIELD=HEAD", status=422, pointer="/columns"
        )
    return {name.strip(): head.strip() for name, _, head in pairs}


def _line(found: StoredRelease) -> ReleaseLine:
    release = found.release
    data: dict[str, Any] = {
        "system": release.system,
        "label": release.label,
        "effective_from": release.effective_from,
        "effective_to": release.effective_to,
        "sha256": release.sha256,
        "rows": release.rows,
        "billable": release.billable,
        "licence": release.licence,
        "status": release.status,
        "source": found.source,
    }
    return ReleaseLine(**data)
