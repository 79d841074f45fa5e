"""Asks coding for the rows of a released table, page by page."""

from dataclasses import dataclass

from rcm_shared.errors import Poison, Transient
from rcm_shared.web.client import ServiceClient

from rcm_billing.domain.errors import BadCodeSetError

PAGE = 50_000
_NOT_FOUND = "http-404"


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page without their line of column names; `last` when there are no more."""

    heads: str
    lines: list[str]
    last: bool


@dataclass(frozen=True, slots=True)
class ReleasedRows:
    """Coding's tables, called as a service."""

    client: ServiceClient
    base_url: str

    async def page(self, system: str, edition: str, sha256: str, offset: int) -> Page:
        """Return the rows from an offset.

        Raises: Transient when coding is away or does not have the release; BadCodeSetError when it sends another.
        """
        path = f"/v1/codesets/{sha256}/rows?offset={offset}&limit={PAGE}&system={system}"
        try:
            text, headers = await self.client.get_text(self.base_url, path)
        except Poison as error:
            if error.code == _NOT_FOUND:
                raise Transient("code-set-not-there") from None
            raise
        if headers.get("x-release") != f"{system}:{edition}":
            raise BadCodeSetError("code-set-release")
        heads, *lines = text.split("\n")
        if not heads or not lines or lines.pop():
            raise BadCodeSetError("code-set-form")  # no names of columns, or cut off
        return Page(heads, lines, "x-next-offset" not in headers)
