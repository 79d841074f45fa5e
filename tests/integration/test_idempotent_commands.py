"""A command sent again over HTTP has one effect and one answer, whatever was lost on the way."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, Request, Response
from integration.ledger import Ledger, World, escalated
from pydantic import BaseModel, ConfigDict
from rcm_shared import failpoints
from rcm_shared.auth import Principal, TokenIssuer, allow
from rcm_shared.errors import Refused
from rcm_shared.ids import uuid7
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.web.app import create_app
from rcm_shared.web.idempotency import idempotent
from rcm_testkit.services import write_keys


class Command(BaseModel):
    model_config = ConfigDict(extra="forbid")

    level: int
    slow: float = 0.0


class Answer(BaseModel):
    number: str
    level: int


@dataclass
class Service:
    """The running service behind an HTTP client, and what its handler saw."""

    http: httpx.AsyncClient
    world: World
    issuer: TokenIssuer
    calls: list[int] = field(default_factory=list)
    refuse: bool = False

    async def send(
        self, key: str | None = "k-1", *, level: int = 1, slow: float = 0.0, subject: str = "biller-1"
    ) -> httpx.Response:
        """Send the command."""
        headers = {"authorization": f"Bearer {self.issuer.token(subject, ['biller'])}"}
        if key is not None:
            headers["idempotency-key"] = key
        return await self.http.post("/notes", json={"level": level, "slow": slow}, headers=headers)

    async def effects(self) -> tuple[int, int, int]:
        """Return how many rows, events and sequence numbers the commands left."""
        row = await self.world.pool.fetchrow(
            "SELECT (SELECT count(*) FROM applied), (SELECT count(*) FROM event_log),"
            " (SELECT coalesce(max(last_seq), 0) FROM stream)"
        )
        return tuple(row)


@pytest.fixture
async def service(database_world: World, tmp_path: Path) -> AsyncIterator[Service]:
    """A service whose pools are open; nothing of Kafka is needed."""
    world, target = database_world, uuid7()
    router = APIRouter()
    private, public = write_keys(tmp_path)

    @router.post("/notes")
    async def notes(
        request: Request, command: Command, who: Annotated[Principal, Depends(allow("biller"))]
    ) -> Response:
        async def run(uow: UnitOfWork) -> tuple[int, BaseModel]:
            found.calls.append(command.level)
            await asyncio.sleep(command.slow)
            await uow.conn.execute("INSERT INTO applied (key, level) VALUES ($1, $2)", target, command.level)
            uow.emit(target, escalated(command.level))
            if found.refuse:
                raise Refused("held", "the claim is held")
            return 201, Answer(number=str(uuid7()), level=command.level)

        return await idempotent(request, who, run)

    runtime = world.runtime(Ledger(), consumers={}, routers=(router,), jwks=public)
    runtime.http_pool = world.pool
    transport = httpx.ASGITransport(app=create_app(runtime))
    async with httpx.AsyncClient(transport=transport, base_url="http://ledger.test") as http:
        found = Service(http, world, TokenIssuer(private))
        yield found


async def test_same_command_again_gets_the_identical_answer_and_no_second_effect(service: Service) -> None:
    first = await service.send()
    second = await service.send()
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert service.calls == [1]
    assert await service.effects() == (1, 1, 1)


async def test_same_key_for_another_body_is_refused(service: Service) -> None:
    await service.send(level=1)
    other = await service.send(level=2)
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency-key-reused"
    assert other.headers["content-type"] == "application/problem+json"
    assert await service.effects() == (1, 1, 1)


async def test_same_key_of_another_caller_is_another_command(service: Service) -> None:
    one, two = await service.send(subject="biller-1"), await service.send(subject="biller-2")
    assert one.json()["number"] != two.json()["number"]
    assert await service.effects() == (2, 2, 2)


async def test_twins_in_flight_have_one_effect_and_one_answer(service: Service) -> None:
    answers = await asyncio.gather(*(service.send(slow=0.3) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [201] * 5
    assert len({answer.content for answer in answers}) == 1
    assert sorted("idempotency-replayed" in answer.headers for answer in answers) == [False] + [True] * 4
    assert await service.effects() == (1, 1, 1)


async def test_twin_in_flight_with_another_body_is_refused(service: Service) -> None:
    first = asyncio.create_task(service.send(level=1, slow=0.3))
    await asyncio.sleep(0.1)
    other = await service.send(level=2)
    assert other.status_code == 422
    assert (await first).status_code == 201
    assert await service.effects() == (1, 1, 1)


async def test_refused_command_leaves_nothing_and_may_be_sent_again(service: Service) -> None:
    service.refuse = True
    assert (await service.send()).status_code == 409
    assert await service.effects() == (0, 0, 0)
    service.refuse = False
    assert (await service.send()).status_code == 201
    assert await service.effects() == (1, 1, 1)


async def test_twin_of_a_refused_command_runs_itself(service: Service) -> None:
    service.refuse = True
    answers = await asyncio.gather(service.send(slow=0.2), service.send(slow=0.2))
    assert [answer.status_code for answer in answers] == [409, 409]
    assert service.calls == [1, 1]
    assert await service.effects() == (0, 0, 0)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency-key-missing"),
        ("", "idempotency-key-missing"),
        ("k" * 300, "idempotency-key-invalid"),
        ("k" * 256, "idempotency-key-invalid"),
        ("two words", "idempotency-key-invalid"),
    ],
)
async def test_missing_or_impossible_key_is_a_bad_request(
    service: Service, key: str | None, code: str
) -> None:
    answer = await service.send(key)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert not key or key not in answer.text
    assert await service.effects() == (0, 0, 0)


async def test_longest_key_is_taken(service: Service) -> None:
    assert (await service.send("k" * 255)).status_code == 201
    assert (await service.send("k" * 255)).headers["idempotency-replayed"] == "true"


async def test_answer_lost_after_the_commit_is_the_same_on_retry(service: Service) -> None:
    failpoints.configure("command.after_commit=raise", 0)
    try:
        lost = await service.send()
    finally:
        failpoints.configure("", 0)
    assert lost.status_code == 500
    stored = await service.world.pool.fetchval("SELECT body FROM idempotency_key")
    again = await service.send()
    assert again.status_code == 201
    assert again.content == stored
    assert service.calls == [1]
    assert await service.effects() == (1, 1, 1)


async def test_caller_that_hangs_up_during_the_command_leaves_all_or_nothing(service: Service) -> None:
    call = asyncio.create_task(service.send(slow=0.5))
    await asyncio.sleep(0.2)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    again: Any = await service.send(slow=0.5)
    assert again.status_code == 201
    assert await service.effects() == (1, 1, 1)
