"""The file exchange with a payer: whole files by atomic rename out, files picked up and archived in."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

INCOMING = "*.x12"


@dataclass(frozen=True, slots=True)
class PayerExchange:
    """One exchange directory with its folders to_payer, from_payer and from_payer/archive."""

    directory: Path

    def prepare(self) -> None:
        """Make the folders."""
        for folder in ("to_payer", "from_payer/archive"):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)

    async def send(self, name: str, body: bytes) -> None:
        """Put a whole file into to_payer; repeating it writes the same bytes under the same name."""
        await asyncio.to_thread(_write, self.directory / "to_payer" / name, body)

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
    return sorted(folder.glob(INCOMING))[:limit]


def _write(path: Path, body: bytes) -> None:
    partial = path.with_name(path.name + ".tmp")
    with partial.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
