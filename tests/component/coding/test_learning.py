"""Learning on a real PostgreSQL: decisions, refit, shadow, promotion, another suggestion, and the way back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import asyncpg
import httpx
import pytest
from integration.conftest import address, create_database, drop_database
from rcm_coding import api, consumers, repository
from rcm_coding.domain.case import CodingCase
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.engine.evidence import Evidence
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.gateways.model_registry import ModelRegistry, Stage
from rcm_coding.gateways.serving import ServedModels
from rcm_coding.handlers import charts, commands, facts, learning, routing
from rcm_coding.handlers.charts import Circumstances, Command
from rcm_coding.repository import learning as rows
from rcm_coding.training import refit as refitting
from rcm_coding.training.refit import Material
from rcm_coding.training.trials import safety_cases
from rcm_shared.auth import Principal, TokenIssuer
from rcm_shared.contracts.intake import DocumentRef
from rcm_shared.contracts.topics import owned_by
from rcm_shared.errors import Transient
from rcm_shared.ids import uuid7
from rcm_shared.messaging.decide import Decision, Moment
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.messaging.work import WorkItem
from rcm_shared.postgres.migrate import migrate
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.settings import ServiceSettings, SharedSettings
from rcm_shared.web.app import create_app
from rcm_testkit.engines import TestEngines
from rcm_testkit.services import write_keys
from unit.coding.charts import charge, charged, completed

pytestmark = pytest.mark.timeout(400)  # a refit reads hundreds of notes

TEMPLATE = "learning_template"
NIGHT = datetime(2026, 9, 28, 2, tzinfo=UTC)
BARE = CodeSets(())
#: Words that no rule reads as a condition, and what this facility's coders mean by them.
WORDS, CODE = "painful arch syndrome", "M722"
NOTE = "HPI: pain in the foot.\n\nASSESSMENT:\n1. Painful arch syndrome, better.\n2. Hypertension, stable.\n"
DENIAL = (
    "HPI: comes back for a check.\n\nASSESSMENT:\n1. No painful arch syndrome.\n2. Hypertension, stable.\n"
)


class Texts:
    """Intake: the same note for every document, or what was put there."""

    def __init__(self) -> None:
        self.put: dict[UUID, str] = {}

    async def documents(self, keys: list[tuple[UUID, int]]) -> dict[tuple[UUID, int], Any]:
        return {key: SimpleNamespace(kind="office-note", text=self.put.get(key[0], NOTE)) for key in keys}


@dataclass
class Clinic:
    """A service's database and models with the verbs of a day's work."""

    pool: asyncpg.Pool
    texts: Texts
    registry: ModelRegistry
    served: ServedModels
    knowledge: Knowledge
    now: datetime = NIGHT

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        async with self.pool.acquire() as conn, conn.transaction():
            uow = UnitOfWork(conn, now=self.now, service="coding", topic=owned_by("coding").name)
            yield uow
            await uow.flush()

    async def arrive(self, facility: str = "F1", text: str = NOTE) -> CodingCase:
        """A chart comes in and is read, as the service does it."""
        key, document = uuid7(), uuid7()
        self.texts.put[document] = text
        moment = Moment(self.now, key)
        event = completed(
            facility_id=facility, documents=(DocumentRef(document, 1, "office-note", "0" * 64),)
        )
        case = facts.documentation_completed(None, event, moment, BARE).state
        assert case is not None
        case = facts.charges_captured(case, charged(charge()), moment, BARE).state
        assert case is not None
        kind = consumers.suggest_work(
            cast(Any, self.texts),
            lambda day: self.knowledge,
            lambda: BARE,
            lambda: self.served.live,
            lambda: self.served.shadow,
        )
        work = facts.suggest_work(case)
        item = WorkItem(key, work.kind, 1, cast(Any, work.payload), 0)
        results = await kind.compute([item])
        async with self.begin() as uow:
            await routing.save_cases(uow.conn, {key: case})
            await kind.apply(uow, cast(Any, results))
        return await self.case(key)

    async def case(self, key: UUID) -> CodingCase:
        async with self.pool.acquire() as conn:
            found = await repository.find_case(conn, key)
        assert found is not None
        return found

    async def work(self, case: CodingCase, coder: str, code: str = CODE, *, against: bool = False) -> None:
        """A coder keeps what is suggested, cites the words for the code that is missing, and finishes.

        `against`: turns down what the model was sure of.
        """
        who = Principal(coder, frozenset({"coder"}), frozenset({case.facility_id}))

        def begin(case: CodingCase, now: Circumstances) -> Decision[CodingCase]:
            return commands.start(case, coder, now.now, now.policy.lock)

        def finish(case: CodingCase, now: Circumstances) -> Decision[CodingCase]:
            document = case.documents[0].document_id
            start = self.texts.put[document].lower().find(WORDS)
            place = Evidence(document, 1, start, start + len(WORDS), "assessment", "diagnosis")
            there = {item.code for item in case.assignments}
            add = (
                []
                if code in there or start < 0 or not code
                else [commands.Add("ICD-10-CM", code, evidence=(place,))]
            )
            choices = [
                commands.Decide(item.id, "reject", reason="not supported")
                if against and item.code == "I10"
                else commands.Decide(item.id, "accept")
                for item in case.assignments
            ]
            if against:
                add.append(commands.Add("ICD-10-CM", "Z0000", evidence=(place,)))
            decided = commands.decide(case, coder, choices, add, BARE).state
            assert decided is not None
            return commands.finalise(
                decided, coder, now.now, BARE, grouping=None, payment_seen=now.payment_seen
            )

        for action, act in (("start", begin), ("finalise", finish)):
            async with self.begin() as uow:
                await charts.change(uow, who, case.encounter_id, Command(action, act))

    async def days(self, back: int, count: int, **more: Any) -> None:
        """Work a number of charts by two coders, some days before tonight."""
        self.now = NIGHT - timedelta(days=back)
        for at in range(count):
            case = await self.arrive(more.get("facility", "F1"))
            await self.work(case, ("ann", "bob")[at % 2], against=more.get("against", False))
        self.now = NIGHT

    def learner(self, apart: bool = False) -> learning.Learner:
        workshop = learning.Workshop(self.registry.root, None, None, "")
        return learning.Learner(
            cast(Any, self.texts), workshop, self.begin, None if apart else learning.learn
        )

    async def refit(self, apart: bool = False) -> rows.Run | None:
        async with self.pool.acquire() as turn:
            return await learning.run_refit(self.learner(apart), turn)

    async def fetch(self, statement: str) -> list[Any]:
        async with self.pool.acquire() as conn:
            return list(await conn.fetch(statement))


def codes(case: CodingCase) -> set[str]:
    return {item.code for item in case.assignments if item.system == "ICD-10-CM"}


@pytest.fixture(scope="module")
def learning_template(engines: TestEngines) -> str:
    """A migrated database of coding that each test's own is copied from."""

    async def prepare() -> None:
        await drop_database(engines, TEMPLATE)
        await create_database(engines, TEMPLATE)
        await migrate(address(engines, "owner", TEMPLATE), "rcm_coding.migrations")

    asyncio.run(prepare())
    return TEMPLATE


@pytest.fixture(autouse=True)
def small_suites(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge by fewer generated notes; a refit in a process of its own has them all."""
    monkeypatch.setattr(refitting, "GOLDEN_NOTES", 40)
    monkeypatch.setattr(refitting, "safety_cases", partial(safety_cases, count=40))


@pytest.fixture
async def clinic(
    engines: TestEngines, learning_template: str, tmp_path: Path, knowledge: Knowledge
) -> AsyncIterator[Clinic]:
    name = f"it_{uuid7().hex[8:]}"
    await create_database(engines, name, template=learning_template)
    pool = await asyncpg.create_pool(address(engines, "app", name), min_size=1, max_size=6)
    registry = ModelRegistry(tmp_path / "registry")
    served = ServedModels("", registry)
    served.load()
    try:
        yield Clinic(pool, Texts(), registry, served, knowledge)
    finally:
        pool.terminate()
        await drop_database(engines, name)


async def test_decisions_become_a_shadow_then_another_suggestion_and_back(clinic: Clinic) -> None:
    assert CODE not in codes(await clinic.arrive())
    await clinic.days(40, 8)
    await clinic.days(10, 22)
    run = await clinic.refit(apart=True)
    assert run is not None
    assert (run.verdict["passed"], run.verdict["reasons"]) == (True, [])
    assert run.verdict["figures"]["holdout-f1"] > run.verdict["figures"]["holdout-f1-before"]
    assert clinic.registry.entry(run.model).stage is Stage.SHADOW
    standings = {
        row["phrase"]: row for row in await clinic.fetch("SELECT * FROM alias_standing WHERE promoted")
    }
    alias = standings[WORDS]
    assert (alias["facility_id"], alias["code"]) == ("F1", CODE)
    assert (alias["encounters"], alias["coders"]) == (30, 2)
    assert await clinic.refit() is None  # nothing was decided since

    assert clinic.served.changed()
    clinic.served.load()
    case = await clinic.arrive()
    assert CODE not in codes(case)  # the shadow speaks to nobody
    await clinic.work(case, "ann")
    async with clinic.pool.acquire() as conn:
        counts = await rows.agreement(conn, run.model)
    assert (counts["charts"], counts["both"], counts["live_only"], counts["shadow_only"]) == (1, 1, 0, 1)
    assert (counts["finished"], counts["live_right"], counts["shadow_right"]) == (1, 1, 2)

    assert clinic.registry.promote(run.model) is Stage.ACTIVE
    clinic.served.load()
    case = await clinic.arrive()
    (found,) = [item for item in case.assignments if item.code == CODE]
    assert (found.rules, found.source, case.model) == (("alias:facility",), "cac", run.model)
    start, end = found.evidence[0].start, found.evidence[0].end
    assert NOTE[start:end].lower() == WORDS
    assert CODE not in codes(await clinic.arrive(facility="F2"))  # an alias is its facility's own
    assert CODE not in codes(await clinic.arrive(text=DENIAL))

    assert clinic.registry.rollback("en") == (run.model, "")
    clinic.served.load()
    assert CODE not in codes(await clinic.arrive())


async def test_the_state_of_learning_is_shown_to_leads_only(clinic: Clinic, tmp_path: Path) -> None:
    await clinic.days(3, 2)
    run = await clinic.refit()
    assert run is not None
    private, public_keys = write_keys(tmp_path)
    settings = ServiceSettings(
        dsn="postgresql://nobody@127.0.0.1:1/none",
        shared=SharedSettings(auth_jwks=public_keys, auth_key=private),
    )
    spec = ServiceSpec(name="coding", migrations="rcm_coding.migrations", routers=(api.router,))
    runtime = Runtime(spec, settings)
    runtime.http_pool = clinic.pool
    clinic.served.shadow = clinic.registry.model(run.model)
    runtime.state["served"] = clinic.served
    issuer, transport = TokenIssuer(private), httpx.ASGITransport(app=create_app(runtime))
    answers = {}
    async with httpx.AsyncClient(transport=transport, base_url="http://coding.test") as http:
        for role in ("admin", "coder"):
            headers = {"authorization": f"Bearer {issuer.token('somebody', [role])}"}
            answers[role] = await http.get("/v1/learning", headers=headers)
    assert answers["coder"].status_code == 403
    body = answers["admin"].json()
    assert (body["shadow"], body["agreement"]["charts"]) == (run.model, 0)
    assert [(item["model"], item["passed"]) for item in body["runs"]] == [(run.model, False)]
    assert WORDS not in answers["admin"].text


async def test_the_same_log_gives_the_same_bytes(clinic: Clinic, tmp_path: Path) -> None:
    await clinic.days(40, 6)
    await clinic.days(5, 4)
    run = await clinic.refit()
    assert run is not None
    assert "too-few-notes" in {reason["name"] for reason in run.verdict["reasons"]}  # 4 charts are no holdout
    assert clinic.registry.entry(run.model).stage is Stage.CANDIDATE
    async with clinic.pool.acquire() as conn:
        lines = await rows.lines(conn, run.last)
        finished = await rows.finished(conn, 100)
    notes = await learning._notes(cast(Any, clinic.texts), finished)
    elsewhere = learning.Workshop(tmp_path / "other", None, None, "")
    again = learning.learn(elsewhere, Material(tuple(reversed(lines)), 0, (), tuple(reversed(notes)), NIGHT))
    registry = ModelRegistry(elsewhere.registry)
    manifest = registry.add(again.model, clinic.registry.entry(run.model).manifest.events, NIGHT)
    assert (manifest.name, manifest.sha256) == (run.model, run.sha256)


async def test_a_poisoned_batch_is_blocked_and_the_other_facility_learns(clinic: Clinic) -> None:
    await clinic.days(3, 34, against=True)  # turns down what was promised at .95, and cites a code of its own
    await clinic.days(3, 6, facility="F2")
    run = await clinic.refit()
    assert run is not None
    assert [(refusal.facility, refusal.reasons) for refusal in run.refusals] == [
        ("F1", ("labels-contradict",))
    ]
    learned = await clinic.fetch("SELECT DISTINCT facility_id FROM alias_standing")
    assert [row["facility_id"] for row in learned] == ["F2"]
    assert set(clinic.registry.model(run.model).aliases) == {"F2"}
    await clinic.days(2, 1, facility="F2")
    later = await clinic.refit()
    assert later is not None
    assert set(clinic.registry.model(later.model).aliases) == {"F2"}  # what was refused stays refused


async def test_one_refit_at_a_time(clinic: Clinic) -> None:
    await clinic.days(3, 1)
    async with clinic.pool.acquire() as other:
        assert await rows.take_turn(other)
        with pytest.raises(Transient):
            await clinic.refit()
        await rows.end_turn(other)
        assert await rows.unread(other, 10)  # nothing was read meanwhile


@pytest.mark.parametrize(
    ("hour", "now", "last", "expected"),
    [
        (None, 5, None, False),
        (2, 1, None, False),
        (2, 2, None, True),
        (2, 23, None, True),
        (2, 5, 3, False),
        (2, 5, 1, True),
    ],
)
def test_a_refit_is_due_once_a_day_from_its_hour(
    hour: int | None, now: int, last: int | None, expected: bool
) -> None:
    tried = None if last is None else NIGHT.replace(hour=last)
    assert learning.due(hour, NIGHT.replace(hour=now), (), tried) is expected
