"""How a running process keeps to the releases in force: what others activate reaches it without a restart."""

import asyncio
import gc
from contextlib import suppress
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from rcm_shared.contracts.coding import CodesetReleaseActivated
from rcm_shared.runtime import Runtime
from rcm_shared.telemetry import log

from rcm_coding import repository
from rcm_coding.codesets.lines import BrokenFileError
from rcm_coding.codesets.releases import Status
from rcm_coding.domain.case import SYSTEM
from rcm_coding.engine.tabular import BadCodeSetError, Tabular
from rcm_coding.gateways.apart import apart, give_back_memory, make_artefacts
from rcm_coding.gateways.codeset_store import CodesetStore, Kept, StoreError
from rcm_coding.gateways.editions import Editions
from rcm_coding.gateways.encoder import encoder_of, keep_only
from rcm_coding.handlers import releases

POLL_S = 15.0  # how soon an activation elsewhere, or in an operator's folder, reaches this process


class Following:
    """The releases that one process reads notes by.

    `mirror` is the process's own store, filled from the database; `folder` is an operator's, which is only read.
    """

    def __init__(
        self,
        editions: Editions,
        mirror: CodesetStore,
        folder: CodesetStore | None,
        cache_dir: Path | None = None,
    ) -> None:
        self._editions = editions
        self._mirror = mirror
        self._folder = folder
        self._cache_dir = cache_dir
        self._loaded: tuple[Kept, ...] = ()
        self._seen: frozenset[tuple[str, str]] = frozenset()  # what is active in the folder
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look now, not at the next turn."""
        self._wake.set()

    async def start(self, runtime: Runtime) -> None:
        """Take what the folder has and the database never had, then load what is in force."""
        if self._folder is not None:
            async with runtime.pool.acquire() as conn:
                self._seen = await releases.known_files(conn)
            await self._take_over(runtime)
        await self._load(runtime, first=True)

    async def follow(self, runtime: Runtime) -> None:
        """Run until cancelled. What cannot be read is told; what was loaded before stays."""
        await asyncio.to_thread(self._warm)
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL_S)
            self._wake.clear()
            try:
                await self._take_over(runtime)
                await self._load(runtime)
            except (StoreError, BrokenFileError, BadCodeSetError) as error:
                log().error("code-set release cannot be taken", error=type(error).__name__)

    async def _take_over(self, runtime: Runtime) -> None:
        if self._folder is None:
            return
        active = {
            (item.release.system, item.release.sha256): item
            for item in await asyncio.to_thread(self._folder.list)
            if item.release.status is Status.ACTIVE
        }
        fresh = [item for key, item in active.items() if key not in self._seen]
        if fresh:
            async with runtime.background_transaction() as uow:
                await releases.take_over(uow, fresh, self._folder)
        self._seen = frozenset(active)

    async def _load(self, runtime: Runtime, *, first: bool = False) -> None:
        async with runtime.pool.acquire() as conn:
            found = await releases.followed(conn, self._mirror)
        if found == self._loaded and not first:
            return
        await asyncio.to_thread(self._mirror.adopt, found)
        if not first:
            await asyncio.to_thread(apart, make_artefacts, self._cache_dir, self._mirror.folder)
        await asyncio.to_thread(self._editions.load)
        self._loaded = found
        if not first:
            await asyncio.to_thread(self._warm)
        for edition in self._editions.code_sets().editions:
            await record_edition(runtime, edition)

    def _warm(self) -> None:
        """Have the encoder of every edition ready before anybody asks, with the words of the index files."""
        editions = self._editions.code_sets().editions
        keep_only(editions)
        for edition in editions:
            encoder_of(edition, self._cache_dir, self._mirror)
        gc.collect()
        give_back_memory()


async def record_edition(runtime: Runtime, edition: Tabular) -> None:
    """Record an edition as active and say so once, under an id that follows from the file itself."""
    release_id = edition_key(edition.sha256)
    async with runtime.background_transaction() as uow:
        if await repository.activate_release(uow.conn, release_id, edition, uow.now):
            uow.emit(
                release_id,
                CodesetReleaseActivated(
                    actor=SYSTEM,
                    system=releases.INSTALLED,
                    edition=edition.edition,
                    effective_from=edition.effective_from,
                    effective_to=edition.effective_to,
                    sha256=edition.sha256,
                ),
            )


def edition_key(sha256: str) -> UUID:
    """Return the id of an edition: the same file has the same id everywhere."""
    return uuid5(NAMESPACE_URL, f"urn:claimstream:codeset:{sha256}")
