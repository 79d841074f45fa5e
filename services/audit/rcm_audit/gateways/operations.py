"""What the other services say of themselves: `/ops/status` and `/ops/dead-letters`, with little patience."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rcm_shared.errors import RcmError
from rcm_shared.settings import SharedSettings
from rcm_shared.web.client import ServiceClient

SERVICES = ("intake", "coding", "query", "billing", "audit")
TIMEOUT_S = 1.5


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """One service's own word, or None where it was not reachable."""

    service: str
    status: dict[str, Any] | None
    dead_letters: Sequence[dict[str, Any]] | None


class OperationsGateway:
    """Asks all services at once."""

    def __init__(self, client: ServiceClient, shared: SharedSettings) -> None:
        self._client = client
        self._shared = shared

    async def reports(self) -> list[ServiceReport]:
        """Return a report of every service, in a fixed order."""
        return list(await asyncio.gather(*(self._report(service) for service in SERVICES)))

    async def _report(self, service: str) -> ServiceReport:
        base = self._shared.url_of(service)
        status, letters = await asyncio.gather(
            self._ask(base, "/ops/status"), self._ask(base, "/ops/dead-letters")
        )
        return ServiceReport(service, status, None if letters is None else letters.get("groups", []))

    async def _ask(self, base: str, path: str) -> dict[str, Any] | None:
        try:
            answer = await self._client.get_json(base, path)
        except (RcmError, ValueError):
            return None
        return answer if isinstance(answer, dict) else None
