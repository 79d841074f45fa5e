"""Channels to payers and clearinghouses: what the operator writes down of each, and the loop that carries files.

Delivery is at least once: a file counts as carried when the partner has it whole; a repetition has the same name and
bytes, and what came in twice is recognised by its bytes.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from rcm_shared.errors import RcmError
from rcm_shared.telemetry import log

from rcm_billing.gateways.payer_exchange import PayerExchange
from rcm_billing.x12.reader import MAX_BYTES

_SAFE = re.compile(r"[^A-Za-z0-9._-]")
_FIRST_PAUSE_S, _LAST_PAUSE_S = 1.0, 300.0


class ChannelSettingsError(RcmError):
    """The file of channels cannot be used."""

    code = "channels-file"


class _Channel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    poll_seconds: Annotated[float, Field(gt=0, le=86_400)] = 60.0


class SftpChannel(_Channel):
    """A partner's SFTP server. The host key must stand in `known_hosts_file`; secrets come from files."""

    kind: Literal["sftp"]
    host: str
    port: int = 22
    username: str
    key_file: Path | None = None
    password_file: Path | None = None
    known_hosts_file: Path
    outbound: str  # the partner's folder for our files
    inbound: str  # the partner's folder with files for us
    remove: bool = True  # take a file away from there once it is stored here


class HttpChannel(_Channel):
    """A partner's HTTP interface: PUT to-payer/NAME, GET from-payer, GET and DELETE from-payer/NAME."""

    kind: Literal["http"]
    base_url: Annotated[str, Field(pattern="^https?://")]
    token_file: Path | None = None
    ca_file: Path | None = None


Channel = Annotated[SftpChannel | HttpChannel, Field(discriminator="kind")]
_CHANNELS: TypeAdapter[dict[Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")], Channel]] = TypeAdapter(
    dict[Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")], Channel]
)


def read_channels(path: Path | None) -> Mapping[str, SftpChannel | HttpChannel]:
    """Read the operator's channels, {name: {"kind": "sftp" | "http", ...}}.

    Raises: ChannelSettingsError naming the entry, never a value.
    """
    if path is None:
        return {}
    try:
        return _CHANNELS.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ChannelSettingsError(message=f"channels file: {where}: {first['type']}") from None
    except (OSError, json.JSONDecodeError) as error:
        raise ChannelSettingsError(message=f"channels file: {type(error).__name__}") from None


class Partner(Protocol):
    """An open connection to a partner."""

    async def put(self, name: str, body: bytes) -> None:
        """Give the partner a whole file; repeating it is harmless."""

    async def list_names(self) -> Sequence[str]:
        """Return the names of the files that wait for us."""

    async def get(self, name: str, limit: int) -> bytes:
        """Return at most `limit` bytes of a file."""

    async def done(self, name: str) -> None:
        """Tell the partner that a file is safely stored here."""

    async def close(self) -> None:
        """End the connection."""


Connect = Callable[[], Awaitable[Partner]]


async def carry(name: str, connect: Connect, exchange: PayerExchange, poll_seconds: float) -> None:
    """Carry files both ways, again and again; a partner that is away is tried again with growing pauses."""
    pause = _FIRST_PAUSE_S
    seen: set[str] = set()
    while True:
        try:
            await carry_once(name, connect, exchange, seen)
        except Exception as error:
            log().warning("channel not available", channel=name, error=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LAST_PAUSE_S)
        else:
            pause = _FIRST_PAUSE_S
            await asyncio.sleep(poll_seconds)


async def carry_once(name: str, connect: Connect, exchange: PayerExchange, seen: set[str]) -> tuple[int, int]:
    """Carry everything that waits; return how many files went out and came in.

    `seen` are files that stay with the partner and are stored here already.
    """
    waiting = sorted(
        path for path in exchange.outbound(name).iterdir() if path.suffix != ".tmp" and path.is_file()
    )
    sent = taken = 0
    partner = await connect()
    try:
        for path in waiting:
            await partner.put(path.name, await exchange.read(path))
            path.replace(path.parent / "sent" / path.name)
            sent += 1
        for remote in await partner.list_names():
            if remote in seen:
                continue
            body = await partner.get(remote, MAX_BYTES + 1)
            await exchange.put_incoming(f"{name}-{_SAFE.sub('_', remote)[-120:]}{_suffix(remote)}", body)
            await partner.done(remote)
            seen.add(remote)
            taken += 1
    finally:
        await partner.close()
    return sent, taken


def _suffix(remote: str) -> str:
    """Partners name their X12 files as they like; billing picks up .x12 and .json."""
    return "" if remote.endswith((".x12", ".json")) else ".x12"
