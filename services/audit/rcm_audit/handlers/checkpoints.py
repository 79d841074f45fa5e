"""Takes signed checkpoints in the background; verifies the journal against itself and the last of them."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rcm_shared.clock import business_time
from rcm_shared.telemetry import log

from rcm_audit import repository
from rcm_audit.domain.checkpoint import Checkpoint, CheckpointError, checkpoint_of, read, sign
from rcm_audit.domain.journal import Break, ChainCheck, ChainHead
from rcm_audit.gateways.state_folder import StateFolder
from rcm_audit.handlers.journal import Journal

LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class CheckpointReport:
    """The last checkpoint and whether it holds: signature, root, and the copy outside the database."""

    number: int
    taken_at: datetime
    chains: int
    records: int
    root: str
    signature_valid: bool
    root_matches: bool
    copy_matches: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of recomputing everything."""

    verified: bool
    records: int
    chains: int
    breaks: tuple[Break, ...]
    checkpoint: CheckpointReport | None


class Checkpoints:
    """The signing key, the folder of copies, and the pace."""

    def __init__(self, folder: StateFolder, journal: Journal, *, every_s: float, every_records: int) -> None:
        self._folder = folder
        self._journal = journal
        self._every_s = every_s
        self._every_records = every_records
        self._key: Ed25519PrivateKey | None = None
        self._refused = False

    def key(self) -> Ed25519PrivateKey:
        """Return the signing key, loaded or made at first use."""
        if self._key is None:
            self._key = self._folder.signing_key()
        return self._key

    async def run(self, pool: asyncpg.Pool) -> None:
        """Take a checkpoint after enough records or enough time, until cancelled."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            full = self._journal.appended >= self._every_records and not self._refused
            due = full or loop.time() - last >= self._every_s
            if due and self._journal.appended:
                last = loop.time()
                try:
                    await self.take(pool)
                    self._refused = False
                except CheckpointError as refusal:
                    self._refused = True
                    log().error("checkpoint refused", code=str(refusal))

    async def take(self, pool: asyncpg.Pool) -> int | None:
        """Sign the root over all chain heads as one snapshot sees them; None when a twin is at it.

        Raises: CheckpointError when the journal no longer extends the last checkpoint: signing would hide that.
        """
        before = self._journal.appended
        async with pool.acquire() as conn:
            if not await conn.fetchval("SELECT pg_try_advisory_lock($1)", repository.CHECKPOINT_LOCK):
                return None
            try:
                async with conn.transaction(isolation="repeatable_read"):
                    now = business_time(await conn.fetchval("SELECT now()"))
                    await self._require_extension(conn)
                    heads = await repository.list_heads(conn)
                    checkpoint = await asyncio.to_thread(checkpoint_of, heads.items())
                    note = sign(checkpoint, self.key())
                    number = await repository.add_checkpoint(
                        conn,
                        lengths={key: head.length for key, head in heads.items()},
                        taken_at=now,
                        chains=checkpoint.chains,
                        records=checkpoint.records,
                        root=checkpoint.root,
                        note=note,
                    )
            finally:
                with suppress(asyncpg.PostgresError, asyncpg.InterfaceError):
                    await conn.execute("SELECT pg_advisory_unlock($1)", repository.CHECKPOINT_LOCK)
        self._folder.keep(number, note)
        self._journal.appended = max(0, self._journal.appended - before)
        log().info("checkpoint taken", count=checkpoint.chains)
        return number

    async def _require_extension(self, conn: asyncpg.Connection) -> None:
        """Refuse unless the last checkpoint, in the table and in the folder, still follows from the journal."""
        copy, stored = self._folder.last_copy(), await repository.find_last_checkpoint(conn)
        if copy and await repository.find_checkpoint_note(conn, copy[0]) != copy[1]:
            raise CheckpointError("copy-differs")
        if stored is None:
            return
        try:
            before = read(stored.note, self.key().public_key())
        except CheckpointError:
            if copy:
                raise CheckpointError("signature-invalid") from None
            log().error(
                "the checkpoint key is new and no copies are left: earlier checkpoints cannot be checked"
            )
            return
        covered = await repository.list_covered_heads(conn)
        if await asyncio.to_thread(checkpoint_of, covered.items()) != before:
            raise CheckpointError("journal-does-not-extend")

    async def verify(self, pool: asyncpg.Pool) -> Verification:
        """Recompute every chain from the raw bodies, then the last checkpoint's root and signature."""
        async with pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
            heads = await repository.list_heads(conn)
            lengths = await repository.list_checkpoint_lengths(conn)
            stored = await repository.find_last_checkpoint(conn)
            copy = self._folder.last_copy()
            copy_note = await repository.find_checkpoint_note(conn, copy[0]) if copy else None
            marks = {key: ChainHead(length, b"") for key, length in lengths.items()}
            check = ChainCheck(heads, marks)
            async for entries in repository.stream_journal(conn):
                check.take(entries)
                await asyncio.sleep(0)
        check.finish()
        copy_matches = copy is None or copy[1] == copy_note
        report = None
        if stored is not None:
            report = await asyncio.to_thread(self._judge, stored, check.marked, marks, copy_matches)
        holds = report is None or (report.signature_valid and report.root_matches)
        return Verification(
            verified=not check.breaks and holds and copy_matches,
            records=check.records,
            chains=check.chains,
            breaks=tuple(check.breaks),
            checkpoint=report,
        )

    def _judge(
        self,
        stored: repository.StoredCheckpoint,
        marked: dict[UUID, ChainHead],
        marks: dict[UUID, ChainHead],
        copy_matches: bool,
    ) -> CheckpointReport:
        again = checkpoint_of(sorted(marked.items()))
        try:
            signed: Checkpoint | None = read(stored.note, self.key().public_key())
        except CheckpointError:
            signed = None
        return CheckpointReport(
            number=stored.id,
            taken_at=stored.taken_at,
            chains=again.chains,
            records=again.records,
            root=again.root.hex(),
            signature_valid=signed is not None,
            root_matches=signed == again and marked.keys() == marks.keys(),
            copy_matches=copy_matches,
        )
