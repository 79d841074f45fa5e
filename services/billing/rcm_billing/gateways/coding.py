"""Asks coding for the billable codes of a release that it announced."""

from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel, ConfigDict
from rcm_shared.errors import Poison, Transient
from rcm_shared.web.client import ServiceClient

_NOT_FOUND = "http-404"


class BillableCodes(BaseModel):
    """Coding's answer: the release it speaks of, and its codes one a line with a SHA-256 of their own."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    system: str
    edition: str
    effective_from: date
    effective_to: date | None
    sha256: str
    codes_sha256: str
    codes: str


@dataclass(frozen=True, slots=True)
class CodingReleases:
    """Coding's code-set API, called as a service."""

    client: ServiceClient
    base_url: str

    async def billable(self, sha256: str) -> BillableCodes:
        """Return the codes of the release with this hash, not verified yet.

        Raises: Transient when coding is away or does not have the release (another replica may have).
        """
        try:
            return await self.client.get(self.base_url, f"/v1/codesets/{sha256}/billable", BillableCodes)
        except Poison as error:
            if error.code == _NOT_FOUND:
                raise Transient("code-set-not-there") from None
            raise
