"""A partner's SFTP server: upload under a temporary name, rename; download; remove what is stored here."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncssh

from rcm_billing.gateways.channels import SftpChannel

CONNECT_TIMEOUT_S = 20.0


@dataclass(slots=True)
class SftpPartner:
    """An open SFTP session."""

    settings: SftpChannel
    connection: asyncssh.SSHClientConnection
    client: asyncssh.SFTPClient

    async def put(self, name: str, body: bytes) -> None:
        """Upload a file; the partner sees it only when it is whole."""
        target = f"{self.settings.outbound.rstrip('/')}/{name}"
        partial = f"{target}.tmp"
        async with self.client.open(partial, "wb") as file:
            await file.write(body)
        if await self.client.exists(target):
            await self.client.remove(target)
        await self.client.rename(partial, target)

    async def list_names(self) -> Sequence[str]:
        """Return the names of whole files in the inbound folder, sorted."""
        found = []
        for entry in await self.client.readdir(self.settings.inbound):
            name = (
                entry.filename
                if isinstance(entry.filename, str)
                else entry.filename.decode("utf-8", "replace")
            )
            if entry.attrs.type == asyncssh.FILEXFER_TYPE_REGULAR and not name.endswith((".tmp", ".part")):
                found.append(name)
        return sorted(found)

    async def get(self, name: str, limit: int) -> bytes:
        """Return at most `limit` bytes of a file."""
        async with self.client.open(f"{self.settings.inbound.rstrip('/')}/{name}", "rb") as file:
            data = await file.read(limit)
            return data if isinstance(data, bytes) else data.encode()

    async def done(self, name: str) -> None:
        """Remove a file that is stored here, when the partner lets us."""
        if self.settings.remove:
            await self.client.remove(f"{self.settings.inbound.rstrip('/')}/{name}")

    async def close(self) -> None:
        """End the session."""
        self.client.exit()
        self.connection.close()
        await self.connection.wait_closed()


async def connect(settings: SftpChannel) -> SftpPartner:
    """Open a session. The server's host key must be known: a stranger gets nothing.

    Raises: OSError, asyncssh.Error when the partner is away, is not who it should be, or refuses us.
    """
    password = settings.password_file.read_text().strip() if settings.password_file else None
    connection = await asyncssh.connect(
        settings.host,
        settings.port,
        username=settings.username,
        password=password,
        client_keys=[str(settings.key_file)] if settings.key_file else None,
        known_hosts=str(settings.known_hosts_file),
        connect_timeout=CONNECT_TIMEOUT_S,
        agent_path=None,
        config=None,
    )
    try:
        client = await connection.start_sftp_client()
    except BaseException:
        connection.close()
        raise
    return SftpPartner(settings, connection, client)
