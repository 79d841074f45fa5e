"""Questions between services: HTTP with the service's own identity, retried while the other side is away."""

import time
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from rcm_shared.auth import TOKEN_LIFETIME_S, TokenIssuer
from rcm_shared.errors import Poison, Transient
from rcm_shared.settings import ServiceSettings

M = TypeVar("M", bound=BaseModel)


class ServiceClient:
    """One service's client to all others; keeps connections open."""

    def __init__(self, settings: ServiceSettings, service: str, *, timeout_s: float = 10.0) -> None:
        shared = settings.shared
        self._subject = f"service:{service}"
        self._issuer = (
            TokenIssuer(shared.auth_key, issuer=shared.auth_issuer, audience=shared.auth_audience)
            if shared.auth_key
            else None
        )
        self._token = ""
        self._renew_at = 0.0
        self._http = httpx.AsyncClient(timeout=timeout_s, limits=httpx.Limits(max_connections=20))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def post(self, base_url: str, path: str, body: BaseModel, answer: type[M]) -> M:
        """Ask with a body.

        Raises: Transient when the other side is away or says 5xx or 429 (retry later); Poison("<status>") otherwise.
        """
        response = await self._send("POST", f"{base_url}{path}", content=body.model_dump_json())
        return _read(response, answer)

    async def get(self, base_url: str, path: str, answer: type[M]) -> M:
        """Ask without a body; errors as `post`."""
        return _read(await self._send("GET", f"{base_url}{path}"), answer)

    async def get_json(self, base_url: str, path: str) -> Any:
        """Ask for JSON that has no shared model; errors as `post`."""
        return (await self._send("GET", f"{base_url}{path}")).json()

    async def get_text(self, base_url: str, path: str) -> tuple[str, Mapping[str, str]]:
        """Ask for text: return it with the answer's headers; errors as `post`."""
        response = await self._send("GET", f"{base_url}{path}")
        return response.text, response.headers

    async def post_json(self, base_url: str, path: str, body: dict[str, Any]) -> Any:
        """Command another service's operations API; errors as `post`."""
        return (await self._send("POST", f"{base_url}{path}", json=body)).json()

    async def _send(self, method: str, url: str, **content: Any) -> httpx.Response:
        headers = {"content-type": "application/json", "authorization": f"Bearer {self._bearer()}"}
        try:
            response = await self._http.request(method, url, headers=headers, **content)
        except httpx.HTTPError as error:
            raise Transient(f"http-{type(error).__name__}") from None
        if response.status_code >= 500 or response.status_code == 429:
            raise Transient(f"http-{response.status_code}")
        if response.status_code >= 400:
            raise Poison(f"http-{response.status_code}")
        return response

    def _bearer(self) -> str:
        if self._issuer is None:
            raise Transient("no-service-identity")
        if time.monotonic() >= self._renew_at:
            self._token = self._issuer.token(self._subject, ["service"])
            self._renew_at = time.monotonic() + TOKEN_LIFETIME_S / 2
        return self._token


def _read(response: httpx.Response, answer: type[M]) -> M:
    try:
        return answer.model_validate_json(response.content)
    except ValidationError:
        raise Poison("answer-invalid") from None
