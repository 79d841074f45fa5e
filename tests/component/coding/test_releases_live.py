"""Code-set releases in a running service on a real PostgreSQL and Kafka: both ways in, the event, what is judged."""

import asyncio
import json
import os
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from integration.conftest import address, create_database, drop_database
from rcm_coding.app import build
from rcm_coding.domain.case import CodingCase
from rcm_coding.engine.tabular import Tabular, read_installed_xml
from rcm_coding.gateways.codeset_store import CodesetStore
from rcm_coding.handlers import facts, following, routing
from rcm_coding.handlers.tables import tables_for
from rcm_coding.repository import find_case
from rcm_coding.repository.tables import active_tables, find_rows
from rcm_coding.settings import CodingSettings
from rcm_shared.auth import TokenIssuer
from rcm_shared.ids import uuid7
from rcm_shared.messaging.decide import Moment
from rcm_shared.postgres.migrate import migrate
from rcm_shared.runtime import Runtime
from rcm_shared.settings import KafkaSettings, SharedSettings
from rcm_shared.web.app import create_app
from rcm_testkit.engines import TestEngines
from rcm_testkit.services import write_keys
from unit.coding.charts import NOW, charge, charged, superbill
from unit.coding.codesets.test_tables import crlf

EVENT_S = 30.0
HEADS = [f"head {at}" for at in range(6)]
PAIRS = "\n".join([*HEADS, "99213\t20610\t\t20180701\t*\t0\tmade", "99213\t36415\t\t20180701\t*\t1\tmade"])
MUE = "HCPCS/ CPT Code,Practitioner Services MUE Values,MUE Adjudication Indicator,MUE Rationale\n99213,1,2 Day,made"


@dataclass
class Room:
    """A running coding service with its administrator."""

    runtime: Runtime
    http: httpx.AsyncClient
    issuer: TokenIssuer

    async def ask(self, method: str, path: str, role: str = "admin", **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.issuer.token('somebody', [role], ('F1',))}"}
        return await self.http.request(method, path, headers={**headers, **more.pop("headers", {})}, **more)

    async def stage(self, name: str, body: bytes, **query: str) -> httpx.Response:
        return await self.ask("POST", "/v1/codesets/releases", params={"name": name, **query}, content=body)

    async def activated(self, name: str, body: bytes, **query: str) -> dict[str, Any]:
        staged = await self.stage(name, body, **query)
        assert staged.status_code == 201, staged.text
        path = f"/v1/codesets/releases/{staged.json()['staged']['sha256']}"
        checked = await self.ask("POST", f"{path}/check")
        assert (checked.status_code, checked.json()["faults"]) == (200, []), checked.text
        active = await self.ask("POST", f"{path}/activate")
        assert active.status_code == 200, active.text
        found: dict[str, Any] = active.json()
        return found


@pytest.fixture
async def database(engines: TestEngines) -> AsyncIterator[str]:
    name = f"ct_{uuid7().hex[8:]}"
    await create_database(engines, name)
    await migrate(address(engines, "owner", name), "rcm_coding.migrations")
    yield name
    await drop_database(engines, name)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled editions, shared by the services of these tests."""
    return tmp_path_factory.mktemp("cache")


@asynccontextmanager
async def running(
    engines: TestEngines, database: str, folder: Path, cache: Path, store: Path | None = None
) -> AsyncIterator[Room]:
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240
    private, public = write_keys(folder)
    settings = CodingSettings(
        dsn=address(engines, "app", database),
        cache_dir=cache,
        codesets_dir=store,
        model="none",
        shared=SharedSettings(auth_jwks=public, auth_key=private),
        kafka=KafkaSettings(bootstrap=engines.bootstrap),
    )
    runtime = Runtime(build(settings), settings)
    transport = httpx.ASGITransport(app=create_app(runtime))
    await runtime.start()
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://coding.test", timeout=60) as http:
            yield Room(runtime, http, TokenIssuer(private))
    finally:
        await runtime.stop()


@pytest.fixture
async def room(engines: TestEngines, database: str, tmp_path: Path, cache: Path) -> AsyncIterator[Room]:
    async with running(engines, database, tmp_path / "keys", cache) as made:
        yield made


async def published(engines: TestEngines, sha256: str) -> dict[str, Any]:
    """Wait for the event of a release on coding's topic."""
    consumer = AIOKafkaConsumer(
        "rcm.coding.chart", bootstrap_servers=engines.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(EVENT_S):
            async for record in consumer:
                body: dict[str, Any] = json.loads(record.value or b"{}")
                if body.get("sha256") == sha256:
                    return body
    finally:
        await consumer.stop()
    raise AssertionError


def lines(text: str) -> bytes:
    return b"".join(crlf(text))


def fresh(text: str) -> str:
    """Return a file with a notice of its own: the topic is shared, and a file is known by its hash."""
    return f"notice {uuid7()}\n{text}"


async def test_release_goes_from_upload_to_judging_without_a_restart(
    room: Room, engines: TestEngines
) -> None:
    body = lines(fresh(PAIRS))
    staged = (await room.stage("ccipra-v322r0.txt", body)).json()["staged"]
    assert (staged["status"], staged["rows"], staged["effective_from"]) == ("staged", 2, "2026-07-01")
    path = f"/v1/codesets/{staged['sha256']}/rows"
    assert (await room.ask("GET", path, "service")).status_code == 404
    early = await room.ask("POST", f"/v1/codesets/releases/{staged['sha256']}/activate")
    assert (early.status_code, early.json()["code"]) == (409, "release-refused")
    before = await _finalised(room, "99213", "20610")
    assert before.final is not None
    assert "NCCI-PTP" in before.final.not_evaluated

    active = await room.activated("ccipra-v322r0.txt", body)
    assert active["status"] == "active"
    event = await published(engines, staged["sha256"])
    assert (event["system"], event["effective_to"]) == ("ncci-ptp", "2026-09-30")

    after = await _finalised(room, "99213", "20610")
    assert after.final is None
    (stop,) = [edit for edit in after.edits if edit.rule == "NCCI-PTP"]
    assert (stop.severity, stop.code, stop.version, stop.effective) == (
        "block",
        "20610",
        f"ncci-ptp:{active['label']}",
        date(2018, 7, 1),
    )


async def _finalised(room: Room, *codes: str) -> Any:
    """Finalise a superbill by the consumer's own decisions, with the rows that its transaction reads."""
    key = uuid7()
    moment = Moment(NOW, key)
    loaded = room.runtime.state["deps"].code_sets()
    first = facts.documentation_completed(None, superbill("J02.9"), moment, loaded).state
    assert first is not None
    charges = charged(*(charge(code, diagnoses=("J029",)) for code in codes))
    async with room.runtime.background_transaction() as uow:
        tables = await tables_for(uow.conn, {key: replace(first, charges=charges.charges)}, ())
        case: CodingCase | None = facts.charges_captured(first, charges, moment, loaded.beside(tables)).state
        assert case is not None
        await routing.save_cases(uow.conn, {key: case})
    async with room.runtime.pool.acquire() as conn:
        return await find_case(conn, key)


async def test_rows_come_page_by_page_under_one_head(room: Room) -> None:
    made = await room.activated("MCR_MUE_PractitionerServices_Eff_07-01-2026.csv", lines(MUE))
    rows = "\n".join([*HEADS, *(f"99213\t{10000 + at}\t\t20200101\t*\t1\tmade" for at in range(25))])
    pairs = await room.activated("ccipra-v322r0.txt", lines(rows))
    answer = await room.ask("GET", f"/v1/codesets/{made['sha256']}/rows", "service")
    assert answer.text == "code\tunits\tmai\n99213\t1\t2\n"
    assert answer.headers["x-total-rows"] == "1"
    assert "x-next-offset" not in answer.headers
    found: list[str] = []
    offset = 0
    while True:
        page = await room.ask(
            "GET", f"/v1/codesets/{pairs['sha256']}/rows", "service", params={"offset": offset, "limit": 10}
        )
        head, *body = page.text.splitlines()
        assert head == "column1\tcolumn2\teffective\tdeleted\tmodifier"
        found += body
        if "x-next-offset" not in page.headers:
            break
        offset = int(page.headers["x-next-offset"])
    assert found == [f"99213\t{10000 + at}\t2020-01-01\t\t1" for at in range(25)]
    past = await room.ask("GET", f"/v1/codesets/{pairs['sha256']}/rows", "service", params={"offset": 99})
    assert past.text.count("\n") == 1
    assert (await room.ask("GET", f"/v1/codesets/{pairs['sha256']}/rows", "coder")).status_code == 403
    assert (await room.ask("GET", f"/v1/codesets/{'0' * 64}/rows", "service")).status_code == 404


@pytest.mark.parametrize(
    ("name", "body", "query", "reason"),
    [
        ("ccipra-v322r0.txt", lines(PAIRS)[:-20], {}, "line 8"),
        ("ccipra-v322r0.txt", lines(PAIRS), {"from": "2026-10-01"}, "2026-07-01, not of 2026-10-01"),
        ("ccipra-v322r0-f1.txt", lines(PAIRS), {}, "all parts"),
        ("ccipra-v322r0.zip", b"PK\x03\x04 cut off", {"system": "ncci-ptp"}, "damaged"),
        ("POAexemptCodesFY26.txt", lines("Order26\tPOAexemptCode\tDescription\nx"), {}, "line 2"),
    ],
)
async def test_broken_file_is_refused_whole_and_the_active_release_stays(
    room: Room, name: str, body: bytes, query: dict[str, str], reason: str
) -> None:
    await room.activated("ccipra-v321r0.txt", lines(PAIRS.replace("20610", "20605")))
    answer = await room.stage(name, body, **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "file-refused")
    assert reason in answer.json()["detail"]
    kept = (await room.ask("GET", "/v1/codesets/releases", "biller")).json()["releases"]
    assert [(item["system"], item["status"]) for item in kept if item["system"] != "ICD-10-CM"] == [
        ("ncci-ptp", "active")
    ]


async def test_successor_is_compared_and_takes_over_at_its_first_day(room: Room) -> None:
    more = "\n".join([PAIRS, *(f"99214\t{10000 + at}\t\t20200101\t*\t1\tmade" for at in range(9))])
    old = await room.activated("ccipra-v321r0.txt", lines(more))
    new = await room.activated("ccipra-v322r0.txt", lines(more.replace("36415", "36416")))
    spans = {
        item["sha256"]: (item["status"], item["effective_to"])
        for item in (await room.ask("GET", "/v1/codesets/releases?system=ncci-ptp", "auditor")).json()[
            "releases"
        ]
    }
    assert spans == {old["sha256"]: ("active", "2026-06-30"), new["sha256"]: ("active", "2026-09-30")}
    difference = await room.ask(
        "GET", f"/v1/codesets/releases/{new['sha256']}/diff", "auditor", params={"against": old["sha256"]}
    )
    assert difference.json()["added"] == ["99213 36416 2018-07-01"]
    assert difference.json()["deleted"] == ["99213 36415 2018-07-01"]


async def test_only_an_administrator_loads_checks_and_activates(room: Room) -> None:
    for method, path in (
        ("POST", "/v1/codesets/releases?name=x.txt"),
        ("POST", f"/v1/codesets/releases/{'0' * 64}/check"),
        ("POST", f"/v1/codesets/releases/{'0' * 64}/activate"),
    ):
        for role in ("coder", "biller", "auditor", "service"):
            assert (await room.ask(method, path, role)).status_code == 403


def next_tabular() -> bytes:
    """Return the installed tabular list as if of the next year, with one more code."""
    _, xml = read_installed_xml()
    made = b"<diag><name>D22.8</name><desc>Made nevus of elsewhere</desc></diag>"
    after = b"<diag>\r\n          <name>D22.9</name>"
    return xml.replace(b"<version>2026", b"<version>2027", 1).replace(after, made + after, 1)


@pytest.mark.timeout(180)
async def test_tabular_list_of_the_next_year_reaches_a_running_service(
    room: Room, engines: TestEngines, tabular: Tabular
) -> None:
    body = next_tabular() + f"<!-- {uuid7()} -->".encode()
    assert b"Made nevus" in body
    path = "/v1/codes/icd10cm/D22.8?date=2026-10-02"
    assert (await room.ask("GET", path, "coder")).status_code in (404, 422)
    active = await room.activated("icd10cm-tabular-2027.xml", body)
    await published(engines, active["sha256"])
    for _ in range(150):
        if (answer := await room.ask("GET", path, "coder")).status_code == 200:
            break
        await asyncio.sleep(0.2)
    assert answer.json()["card"]["title"] == "Made nevus of elsewhere"
    assert (await room.ask("GET", "/v1/codes/icd10cm/D22.8?date=2026-09-02", "coder")).status_code == 404
    listed = (await room.ask("GET", "/v1/codesets", "service")).json()["codesets"]
    assert [item["edition"] for item in listed] == ["2026-04-01", "2026-10-01"]
    assert listed[0]["sha256"] == tabular.sha256


@pytest.mark.timeout(180)
async def test_folder_of_an_operator_is_followed(
    engines: TestEngines, database: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "POLL_S", 0.3)
    store = CodesetStore(tmp_path / "store")
    first = _into(store, tmp_path / "ccipra-v322r0.txt", PAIRS)
    async with running(engines, database, tmp_path / "keys", cache, tmp_path / "store") as room:
        await published(engines, first)
        second = _into(store, tmp_path / "MCR_MUE_PractitionerServices_Eff_07-01-2026.csv", MUE)
        await published(engines, second)
        rows = await room.ask("GET", f"/v1/codesets/{second}/rows", "service")
        assert rows.text.splitlines()[1:] == ["99213\t1\t2"]
        third = _into(store, tmp_path / "ccipra-v322r1.txt", PAIRS)
        event = await published(engines, third)
        assert event["system"] == "ncci-ptp"
    async with running(engines, database, tmp_path / "keys", cache, tmp_path / "store") as again:
        found = (await again.ask("GET", "/v1/codesets/releases?system=ncci-ptp", "auditor")).json()[
            "releases"
        ]
        assert {item["sha256"]: item["status"] for item in found} == {first: "superseded", third: "active"}


def _into(store: CodesetStore, path: Path, text: str) -> str:
    path.write_bytes(lines(fresh(text)))
    system = "ncci-mue" if "MUE" in path.name else "ncci-ptp"
    kept, _ = store.load(path, system, label=path.stem)
    store.check(kept.release.name)
    return store.activate(kept.release.name).sha256


@pytest.mark.timeout(600)
async def test_table_of_many_pairs_is_taken_in_bounded_memory_and_looked_up_at_once(
    room: Room, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    count = int(os.environ.get("RCM_TEST_PAIRS", "120000"))
    path = tmp_path / "ccipra-v322r0.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for part in range(1, 5):
            with archive.open(f"ccipra-v322r0-f{part}.txt", "w", force_zip64=True) as sink:
                sink.write(lines("\n".join(HEADS)))
                for at in range((part - 1) * count // 4, part * count // 4):
                    first, second = 10000 + at // 1200, 20000 + at % 1200
                    sink.write(f"{first}\t{second}\t\t20180701\t*\t{at % 2}\tmade\r\n".encode())
    before = memory_kb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # noqa: ASYNC240  (the peak is counted anew)
    started = time.perf_counter()
    made = await room.activated("ccipra-v322r0.zip", path.read_bytes())
    taken = time.perf_counter() - started
    grown = (memory_kb("VmHWM") - before) // 1024
    assert made["rows"] == count
    async with room.runtime.pool.acquire() as conn:
        spent = []
        for at in range(50):
            started = time.perf_counter()
            releases = await active_tables(conn, date(2026, 8, 1), date(2026, 8, 1))
            codes = [str(10000 + at), *(str(20000 + other) for other in range(20))]
            tables = await find_rows(conn, releases, codes, [])
            spent.append(1000 * (time.perf_counter() - started))
            assert sum(map(len, tables.loaded[0].rows.values())) == 20
    record_property("pairs", count)
    record_property("seconds", round(taken, 1))
    record_property("grown_mb", grown)
    record_property("lookup_ms", round(statistics.median(spent), 2))
    print(f"{count} pairs: {taken:.1f} s, {grown} MB more, look-up {statistics.median(spent):.2f} ms")
    assert grown < 120
    assert statistics.median(spent) < 30


def memory_kb(name: str) -> int:
    """Return a figure of this process's memory in kB."""
    text = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name}:"))
