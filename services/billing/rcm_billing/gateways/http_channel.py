"""A partner's HTTP interface to the same exchange of whole files."""

import hashlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict

from rcm_billing.gateways.channels import HttpChannel

TIMEOUT_S = 60.0


class _Listed(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    files: tuple[str, ...]


@dataclass(slots=True)
class HttpPartner:
    """A client of the partner's interface.

    PUT to-payer/NAME with the file and `Idempotency-Key` (its SHA-256), answered 200, 201 or 204.
    GET from-payer -> {"files": [NAME, ...]}; GET from-payer/NAME -> the file; DELETE from-payer/NAME once it is stored.
    """

    client: httpx.AsyncClient

    async def put(self, name: str, body: bytes) -> None:
        """Give the partner a file."""
        headers = {"Idempotency-Key": hashlib.sha256(body).hexdigest(), "Content-Type": "application/edi-x12"}
        answer = await self.client.put(f"to-payer/{quote(name, safe='')}", content=body, headers=headers)
        answer.raise_for_status()

    async def list_names(self) -> Sequence[str]:
        """Return the names of the files that wait for us."""
        answer = await self.client.get("from-payer")
        answer.raise_for_status()
        return _Listed.model_validate_json(answer.content).files

    async def get(self, name: str, limit: int) -> bytes:
        """Return at most `limit` bytes of a file."""
        found = bytearray()
        async with self.client.stream("GET", f"from-payer/{quote(name, safe='')}") as answer:
            answer.raise_for_status()
            async for piece in answer.aiter_bytes():
                found += piece
                if len(found) >= limit:
                    break
        return bytes(found[:limit])

    async def done(self, name: str) -> None:
        """Tell the partner that a file is stored here; one that is gone already is fine."""
        answer = await self.client.delete(f"from-payer/{quote(name, safe='')}")
        if answer.status_code != httpx.codes.NOT_FOUND:
            answer.raise_for_status()

    async def close(self) -> None:
        """End the client."""
        await self.client.aclose()


async def connect(settings: HttpChannel) -> HttpPartner:
    """Make a client; the first request shows whether the partner is there."""
    headers = {}
    if settings.token_file:
        headers["Authorization"] = f"Bearer {settings.token_file.read_text().strip()}"
    verify = ssl.create_default_context(cafile=settings.ca_file) if settings.ca_file else True
    base = settings.base_url.rstrip("/") + "/"
    return HttpPartner(httpx.AsyncClient(base_url=base, headers=headers, verify=verify, timeout=TIMEOUT_S))
