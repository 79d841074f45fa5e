"""One app around the platform's own edge, with routes that only tests need; nothing is started."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field
from rcm_shared.auth import Principal, TokenIssuer, allow, public
from rcm_shared.errors import NotFound, Poison, Refused, Transient
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.settings import ServiceSettings, SharedSettings
from rcm_shared.web.app import create_app
from rcm_testkit.services import write_keys

router = APIRouter()
Biller = Annotated[Principal, Depends(allow("biller"))]


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, Field(max_length=5)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cents: int = 0
    share: float = 0.0
    name: str = ""
    roles: tuple[str, ...] = ()
    parts: tuple[Inner, ...] = ()


@router.post("/echo", dependencies=[Depends(public())])
async def echo(body: Body) -> dict[str, int]:
    """Count what came."""
    return {"cents": body.cents, "characters": len(body.name), "parts": len(body.parts)}


@router.post("/store", dependencies=[Depends(public())])
async def store(body: Body) -> dict[str, int]:
    """Write the text as bytes."""
    return {"bytes": len(body.name.encode())}


@router.post("/swallow", dependencies=[Depends(public())])
async def swallow(request: Request) -> dict[str, int]:
    """Read any body."""
    return {"bytes": len(await request.body())}


@router.post("/bill")
async def bill(who: Biller, body: Body) -> dict[str, Any]:
    """Say who asks."""
    return {"subject": who.subject, "roles": sorted(who.roles)}


@router.get("/things/{number}", dependencies=[Depends(public())])
async def thing(number: int) -> dict[str, int]:
    """Return a number."""
    return {"number": number}


@router.get("/raise/{what}", dependencies=[Depends(public())])
async def raises(what: str) -> None:
    """Raise an error of a kind."""
    import asyncpg

    errors: dict[str, Exception] = {
        "refused": Refused("held", "the claim is held", pointer="/claim"),
        "missing": NotFound("claim"),
        "poison": Poison("broken-rule", "ZQCANARY"),
        "transient": Transient("http-503", "ZQCANARY"),
        "connection": ConnectionRefusedError("ZQCANARY"),
        "unexpected": RuntimeError("ZQCANARY"),
        "bad-data": asyncpg.exceptions.CharacterNotInRepertoireError("ZQCANARY"),
        "constraint": asyncpg.exceptions.UniqueViolationError("Key (mrn)=(ZQCANARY) already exists."),
        "deadlock": asyncpg.exceptions.DeadlockDetectedError("ZQCANARY"),
    }
    raise errors[what]


@dataclass(frozen=True)
class Platform:
    """The app with its keys."""

    app: FastAPI
    private_key: Path
    key_set: Path

    def token(self, *roles: str, subject: str = "demo-biller") -> str:
        """Return a good token."""
        return TokenIssuer(self.private_key).token(subject, roles)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    private, public_keys = write_keys(tmp_path_factory.mktemp("keys"))
    settings = ServiceSettings(
        dsn="postgresql://nobody@127.0.0.1:1/none",
        shared=SharedSettings(auth_jwks=public_keys, auth_key=private),
    )
    spec = ServiceSpec(
        name="coding", migrations="rcm_coding.migrations", routers=(router,), body_limits={"/swallow": 1_000}
    )
    return Platform(create_app(Runtime(spec, settings)), private, public_keys)


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=platform.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://coding.test") as http:
        yield http
