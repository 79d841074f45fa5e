"""The folders through which billing and its payers exchange files: the file drop itself, and the spool of channels.

Whole files by atomic rename out, files picked up and archived in. A channel (SFTP, HTTP) carries files between these
folders and a partner; the rest of billing only knows the folders.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

INCOMING = ("*.x12", "*.json")


@dataclass(frozen=True, slots=True)
class PayerExchange:
    """One exchange directory: to_payer, from_payer with its archive, and outbound/<channel> with its sent."""

    directory: Path

    def prepare(self) -> None:
        """Make the folders."""
        for folder in ("to_payer", "from_payer/archive"):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)

    async def send(self, name: str, body: bytes, channel: str = "") -> None:
        """Put a whole file into to_payer, or into the spool of a channel.

        Repeating it writes the same bytes under the same name; what its channel has carried away is not put again.
        """
        if not channel:
            await asyncio.to_thread(write_whole, self.directory / "to_payer" / name, body)
        elif not (self.outbound(channel) / "sent" / name).exists():
            await asyncio.to_thread(write_whole, self.outbound(channel) / name, body)

    def outbound(self, channel: str) -> Path:
        """Return the folder of files that wait for a channel; it exists, with its folder of sent files."""
        folder = self.directory / "outbound" / channel
        (folder / "sent").mkdir(parents=True, exist_ok=True)
        return folder

    async def put_incoming(self, name: str, body: bytes) -> None:
        """Put a partner's file where billing picks it up."""
        await asyncio.to_thread(write_whole, self.directory / "from_payer" / name, body)

    async def list_incoming(self, limit: int) -> Sequence[Path]:
        """Return files in from_payer, oldest name first."""
        return await asyncio.to_thread(_incoming, self.directory / "from_payer", limit)

    async def read(self, path: Path) -> bytes:
        """Return a file's bytes."""
        return await asyncio.to_thread(path.read_bytes)

    async def archive(self, path: Path) -> None:
        """Move a file that is safely stored out of the way."""
        await asyncio.to_thread(path.replace, self.directory / "from_payer" / "archive" / path.name)


def _incoming(folder: Path, limit: int) -> Sequence[Path]:
    return sorted(path for pattern in INCOMING for path in folder.glob(pattern))[:limit]


def write_whole(path: Path, body: bytes) -> None:
    """Write a file so that nobody ever sees a part of it, and it survives a crash."""
    partial = path.with_name(path.name + ".tmp")
    with partial.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
