"""Code-set releases in the service: staged whole, checked against the one before, put in force, compared, followed.

The database holds each release with its file; every process follows it. A folder of releases that an operator keeps
is another way in.
"""

import asyncio
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

import asyncpg
from rcm_shared.contracts.coding import CodesetReleaseActivated
from rcm_shared.errors import NotFound, Refused
from rcm_shared.messaging.uow import UnitOfWork

from rcm_coding.codesets.lines import BrokenFileError
from rcm_coding.codesets.releases import (
    ActivationError,
    Difference,
    Release,
    Status,
    activate,
    faults,
    predecessor,
)
from rcm_coding.codesets.tables import TABLES
from rcm_coding.domain.case import SYSTEM
from rcm_coding.gateways.apart import apart
from rcm_coding.gateways.codeset_files import Kept, StoreError
from rcm_coding.gateways.codeset_store import FEW_ROWS, CodesetStore, differences
from rcm_coding.repository import releases as stored
from rcm_coding.repository.releases import StoredRelease
from rcm_coding.repository.tables import copy_lines, encode

_PIECE = 1 << 20
#: The system under which an installed edition is recorded; its file is a package's, not ours.
INSTALLED = "ICD-10-CM"


class FileRefused(Refused):
    """The file is refused whole; the active release stays."""

    def __init__(self, error: BrokenFileError | StoreError) -> None:
        super().__init__("file-refused", str(error), status=422)


class ReleaseRefused(Refused):
    """The release may not become active; the active one stays."""

    def __init__(self, reason: str) -> None:
        super().__init__("release-refused", reason, status=409)


def release_key(system: str, sha256: str) -> UUID:
    """Return the id of a release of a system: the same file has the same id everywhere."""
    return uuid5(NAMESPACE_URL, f"urn:claimstream:codeset:{system}:{sha256}")


async def stage(uow: UnitOfWork, kept: Kept, store: CodesetStore) -> StoredRelease:
    """Keep a release that was read whole, with its file and its rows; the same file again changes nothing.

    Nothing looks at the rows before the release is active.
    """
    release = kept.release
    known = await stored.find_release(uow.conn, release.sha256, release.system)
    if known is not None:
        return known
    staged = await stored.stage(
        uow.conn,
        release_key(release.system, release.sha256),
        replace(release, status=Status.STAGED),
        kept.source,
        {"columns": kept.column_map, "delimiter": kept.delimiter},
        uow.now,
    )
    if staged is None:  # a twin was faster
        return await find(uow.conn, release.sha256, release.system)
    await _keep_file(uow.conn, release.sha256, store.path_of(kept))
    if release.system in TABLES:
        blocks = encode(staged.table_no, store.entries(kept))
        shown = 0
        while block := await asyncio.to_thread(next, blocks, None):
            shown += block[0]
            await copy_lines(uow.conn, block[1])
        await stored.set_line_count(uow.conn, staged.table_no, shown)
        staged = replace(staged, line_count=shown)
    return staged


async def find(conn: asyncpg.Connection, sha256: str, system: str | None = None) -> StoredRelease:
    """Return a release by its file.

    Raises: NotFound.
    """
    found = await stored.find_release(conn, sha256, system)
    if found is None:
        raise NotFound("code set")
    return found


async def check(
    conn: asyncpg.Connection, found: StoredRelease, store: CodesetStore
) -> tuple[StoredRelease, tuple[str, ...], Difference | None]:
    """Compare a staged release with the one before; only one without faults becomes checked."""
    await stored.lock_releases(conn)
    known = {item.release.sha256: item for item in await stored.list_releases(conn, found.release.system)}
    releases = [item.release for item in known.values()]
    before = predecessor(found.release, releases)
    difference = None
    if before is not None and before.rows < FEW_ROWS and found.release.rows < FEW_ROWS:
        difference = await differ(conn, known[before.sha256], found, store)
    told = faults(found.release, releases, difference)
    if found.release.status is Status.STAGED and not told:
        await stored.set_checked(conn, found.release)
        found = replace(found, release=replace(found.release, status=Status.CHECKED))
    return found, told, difference


async def differ(
    conn: asyncpg.Connection, old: StoredRelease, new: StoredRelease, store: CodesetStore
) -> Difference:
    """Return what a release changes over another of its system.

    Raises: ReleaseRefused when they cannot be compared.
    """
    if old.release.system != new.release.system:
        raise ReleaseRefused(f"{old.release.system} and {new.release.system} cannot be compared")
    if max(old.release.rows, new.release.rows) >= FEW_ROWS:
        raise ReleaseRefused(f"releases of {FEW_ROWS} rows and more are not compared code by code")
    for item in (old, new):
        await fetch_file(conn, item, store)
    return await asyncio.to_thread(apart, differences, store.folder, kept_of(old), kept_of(new))


async def put_in_force(uow: UnitOfWork, found: StoredRelease) -> Release:
    """Make a checked release active and say so, in one transaction.

    Raises: ReleaseRefused; the active releases then stay as they were.
    """
    await stored.lock_releases(uow.conn)
    found = await find(uow.conn, found.release.sha256, found.release.system)
    if found.release.status is Status.ACTIVE:
        return found.release
    known = [item.release for item in await stored.list_releases(uow.conn, found.release.system)]
    try:
        activate(found.release, known)
    except ActivationError as error:
        raise ReleaseRefused(str(error)) from None
    await tell(uow, found.release)
    return replace(found.release, status=Status.ACTIVE)


async def tell(uow: UnitOfWork, release: Release) -> bool:
    """Put a kept release in force and publish it; return whether anything changed."""
    if not await stored.put_in_force(uow.conn, release, uow.now):
        return False
    uow.emit(
        release_key(release.system, release.sha256),
        CodesetReleaseActivated(
            actor=SYSTEM,
            system=release.system,
            edition=release.label,
            effective_from=release.effective_from,
            effective_to=release.effective_to,
            sha256=release.sha256,
        ),
    )
    return True


async def take_over(uow: UnitOfWork, releases: Iterable[Kept], store: CodesetStore) -> int:
    """Take what is active in an operator's folder: all of it in one transaction. Return how many were new."""
    told = 0
    for kept in sorted(releases, key=lambda item: (item.release.system, item.release.effective_from)):
        await stage(uow, kept, store)
        told += await tell(uow, kept.release)
    return told


async def known_files(conn: asyncpg.Connection) -> frozenset[tuple[str, str]]:
    """Return (system, sha256) of every release that was ever put in force here."""
    found = await stored.list_releases(conn)
    return frozenset((item.release.system, item.release.sha256) for item in found if item.activated_at)


async def followed(conn: asyncpg.Connection, store: CodesetStore) -> tuple[Kept, ...]:
    """Fetch what notes are read by (everything active but tables) into a process's own store; return its releases."""
    active = [
        item
        for item in await stored.list_releases(conn, status="active")
        if item.release.system != INSTALLED and item.release.system not in TABLES
    ]
    for item in active:
        await fetch_file(conn, item, store)
    return tuple(kept_of(item) for item in active)


async def fetch_file(conn: asyncpg.Connection, found: StoredRelease, store: CodesetStore) -> None:
    """Have a release's file in a process's own store.

    Raises: ReleaseRefused for an installed edition, which has no file here.
    """
    digest = found.release.sha256
    if store.has(digest):
        return
    with tempfile.TemporaryDirectory(prefix="rcm-codeset-") as folder:
        path = Path(folder) / "file"
        with path.open("wb") as sink:
            async for piece in stored.read_parts(conn, digest):
                sink.write(piece)
        if not path.stat().st_size:
            raise ReleaseRefused(f"{found.release.name} has no file here")
        await asyncio.to_thread(store.keep, path, digest)


def kept_of(found: StoredRelease) -> Kept:
    """Return a release with what reading its file needs."""
    return Kept(found.release, found.source, found.column_map, found.delimiter)


async def _keep_file(conn: asyncpg.Connection, sha256: str, path: Path) -> None:
    with path.open("rb") as source:
        part = 0
        while piece := await asyncio.to_thread(source.read, _PIECE):
            await stored.keep_part(conn, sha256, part, piece)
            part += 1
