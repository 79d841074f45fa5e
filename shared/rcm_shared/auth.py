"""Who may do what: bearer tokens (RFC 9068 style), roles, facilities; every route declares its rule."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from joserfc.jws import JWSRegistry

from rcm_shared.errors import Refused

ALGORITHMS = ["ES256", "RS256", "EdDSA"]
MAX_TOKEN_BYTES = 8 * 1024
LEEWAY_S = 30
TOKEN_LIFETIME_S = 15 * 60
SESSION_COOKIE = "rcm_session"
TOKEN_TYPE = "at+jwt"  # noqa: S105 — a media type


class Role(StrEnum):
    """What a person or program may be."""

    INTEGRATION = "integration"
    CODER = "coder"
    PROVIDER = "provider"
    BILLER = "biller"
    REGISTRATION = "registration"
    AUDITOR = "auditor"
    OPERATIONS = "operations"
    PRIVACY = "privacy"
    ADMIN = "admin"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: opaque subject, roles, and the facilities it may see ("*" for all)."""

    subject: str
    roles: frozenset[str]
    facilities: frozenset[str]

    def sees(self, facility_id: str) -> bool:
        """Tell whether the caller may know of things of a facility; where not, they do not exist for it."""
        return "*" in self.facilities or facility_id in self.facilities

    def facility_filter(self) -> list[str] | None:
        """Return the facilities to select by in SQL, or None for all."""
        return None if "*" in self.facilities else sorted(self.facilities)


class Unauthenticated(Refused):
    """No token, or one that does not hold."""

    def __init__(self, code: str) -> None:
        super().__init__(code, "a valid bearer token is needed", status=401)


class Forbidden(Refused):
    """The caller is known and may not do this."""

    def __init__(self) -> None:
        super().__init__("forbidden", "this role may not do this", status=403)


class TokenIssuer:
    """Signs short-lived tokens with a private key; used by services for themselves and by the demo's sign-in."""

    def __init__(
        self,
        key_path: Path,
        *,
        issuer: str = "https://claimstream.local",
        audience: str = "claimstream",
    ) -> None:
        self._key = ECKey.import_key(json.loads(key_path.read_text()))
        self._issuer = issuer
        self._audience = audience

    def token(
        self,
        subject: str,
        roles: Iterable[str],
        facilities: Iterable[str] = ("*",),
        *,
        lifetime_s: int = TOKEN_LIFETIME_S,
    ) -> str:
        """Return a signed token."""
        issued = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "iat": issued,
            "exp": issued + lifetime_s,
            "roles": sorted(roles),
            "facilities": sorted(facilities),
        }
        header: dict[str, Any] = {"alg": "ES256", "typ": TOKEN_TYPE, "kid": self._key.kid}
        return jwt.encode(header, claims, self._key, algorithms=["ES256"])


class Verifier:
    """Checks tokens against a fixed issuer, audience, algorithm list and key set."""

    def __init__(self, jwks_path: Path, *, issuer: str, audience: str) -> None:
        self._keys = KeySet.import_key_set(json.loads(jwks_path.read_text()))
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        self._registry = JWSRegistry(algorithms=ALGORITHMS)
        self._verify = lru_cache(maxsize=1024)(self._decode)

    def verify(self, token: str) -> Principal:
        """Return the caller that a token names.

        Raises: Unauthenticated with a code; the token is never echoed.
        """
        if len(token) > MAX_TOKEN_BYTES:
            raise Unauthenticated("token-too-long")
        try:
            claims = self._verify(token)
            self._claims.validate(claims)
            roles, facilities = claims.get("roles", []), claims.get("facilities", [])
            if not isinstance(claims["sub"], str) or not _strings(roles) or not _strings(facilities):
                raise Unauthenticated("token-claims")
        except (JoseError, ValueError, KeyError, TypeError):
            raise Unauthenticated("token-invalid") from None
        known = frozenset(roles) & frozenset(Role)
        return Principal(claims["sub"], frozenset(known), frozenset(facilities))

    def _decode(self, token: str) -> dict[str, Any]:
        """Check the signature (cached: the time claims are checked on every call)."""
        decoded = jwt.decode(token, self._keys, algorithms=ALGORITHMS, registry=self._registry)
        if str(decoded.header.get("typ", "")).lower().removeprefix("application/") != TOKEN_TYPE:
            raise Unauthenticated("token-type")
        return dict(decoded.claims)


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


class Allow:
    """A route's rule: which roles may call it. Use as a FastAPI dependency; it gives the Principal."""

    def __init__(self, roles: Iterable[Role]) -> None:
        self.roles = frozenset(roles)

    async def __call__(self, request: Request) -> Principal:
        token = _bearer(request)
        principal: Principal = request.app.state.verifier.verify(token)
        if not principal.roles & self.roles:
            raise Forbidden
        request.state.principal = principal
        return principal


class Public:
    """A route's rule: anybody may call it (health, sign-in, static files)."""

    async def __call__(self) -> None:
        return None


def allow(*roles: str) -> Allow:
    """Declare the roles of a route.

    Raises: ValueError for a role that does not exist.
    """
    return Allow(Role(role) for role in roles)


def public() -> Public:
    """Declare a route open to anybody."""
    return Public()


def _bearer(request: Request) -> str:
    header = request.headers.get("authorization", "")
    if header[:7].lower() == "bearer ":
        return header[7:].strip()
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie:
        if request.method not in {"GET", "HEAD"} and not _same_origin(request):
            raise Refused("cross-site", "a form must come from this site", status=403)
        return cookie
    raise Unauthenticated("token-missing")


def _same_origin(request: Request) -> bool:
    origin = request.headers.get("origin") or request.headers.get("referer") or ""
    return (
        bool(origin)
        and urlsplit(origin).hostname == urlsplit(f"//{request.headers.get('host', '')}").hostname
    )


def rule_of(call: Callable[..., Any]) -> Allow | Public | None:
    """Return the rule that a dependency is, if it is one."""
    return call if isinstance(call, Allow | Public) else None
