"""Patient data stays where it belongs: every canary of every test patient is searched for in every artefact.

The same search must find the canaries where they do belong, or it would prove nothing.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer
from rcm_shared.contracts.topics import INBOUND_TOPIC, TOPICS
from rcm_shared.ids import uuid7
from rcm_testkit.system import Running, canaries

pytestmark = pytest.mark.usefixtures("played")

TOKENS = canaries()
ANY = re.compile("|".join(re.escape(token) for token in TOKENS), re.IGNORECASE)
SERVICES = ("intake", "coding", "query", "billing", "audit")
#: tables that hold facts, their traces and their failures, never the patient
CLEAN_TABLES = ("event_log", "timer", "work", "access_log", "operator_action", "position", "stream")


def found_in(*parts: object) -> set[str]:
    """Return the canaries that occur in bytes or text."""
    hits: set[str] = set()
    for part in parts:
        text = part.decode("latin-1") if isinstance(part, bytes) else str(part)
        hits.update(match.upper() for match in ANY.findall(text))
    return hits


async def read_topic(bootstrap: str, topic: str) -> list[Any]:
    """Read a topic from its beginning to its end."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = list(consumer.assignment())
        ends = await consumer.end_offsets(places)
        records: list[Any] = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                records += batch
        return records
    finally:
        await consumer.stop()


def parts_of(record: Any) -> Iterator[object]:
    yield record.key or b""
    yield record.value or b""
    for name, value in record.headers:
        yield name
        yield value or b""


async def rows_of(dsn: str, table: str, columns: str = "*") -> list[str]:
    """Return a table's rows as text, bytes decoded."""
    conn = await asyncpg.connect(dsn)
    try:
        rows = await conn.fetch(f"SELECT {columns} FROM {table}")
    finally:
        await conn.close()
    return [
        " ".join(value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in row)
        for row in rows
    ]


@pytest.fixture
async def provoked(running: Running) -> list[str]:
    """Bad requests full of canaries at every service, and what they were answered."""
    said: list[str] = []
    name = TOKENS[0]
    roles = {
        "intake": ("integration", "registration"),
        "coding": ("coder",),
        "query": ("provider",),
        "billing": ("biller",),
        "audit": ("auditor",),
    }
    encounter = str(uuid7())
    bodies: dict[str, list[tuple[str, str]]] = {
        "intake": [
            ("/v1/encounters", json.dumps({"patient": {"last_name": name, name: name}, name: 1})),
            ("/v1/encounters", json.dumps({"encounter": {"external_id": f"{name}\u0000", "setting": name}})),
            ("/fhir", json.dumps({"resourceType": name, "entry": [{"resource": {"id": name}}]})),
            ("/v1/encounters/lookup", json.dumps({"facility_id": f"{name} ", "source": name, name: name})),
        ],
        "coding": [(f"/v1/cases/{encounter}/decisions", json.dumps({"add": [{"code": name, name: name}]}))],
        "query": [(f"/v1/queries/{encounter}/answer", json.dumps({"option": [name], "text": name, name: 1}))],
        "billing": [(f"/v1/accounts/{encounter}/payments", json.dumps({"amount_cents": name}))],
        "audit": [(f"/v1/encounters?waiting_for={name}", ""), (f"/v1/encounters/{name}", "")],
    }
    for service, requests in bodies.items():
        async with running.client(service, *roles[service]) as client:
            for path, body in requests:
                answer = await client.request(
                    "POST" if body else "GET",
                    path,
                    content=body or None,
                    headers={"content-type": "application/json", "idempotency-key": str(uuid7())},
                )
                assert 400 <= answer.status_code < 500, (service, path, answer.status_code)
                said.append(f"{answer.headers} {answer.text}")
            for hostile in (f"/{name}", f"/v1/{name}/x?{name}={name}", f"/static/{name}"):
                answer = await client.get(hostile)
                said.append(f"{answer.headers} {answer.text}")
    said.append(await _refused_over_mllp(running, name))
    return said


async def _refused_over_mllp(running: Running, name: str) -> str:
    head = f"MSH|^~\\&|demo-ehr|DEMO-GENERAL|X|X|20260902||ADT^A04|{uuid7().hex[:12]}|P|2.5.1"
    message = f"{head}\rPID|1||{name}||{name}\r"
    reader, writer = await asyncio.open_connection("127.0.0.1", running.system.mllp_port)
    writer.write(b"\x0b" + message.encode() + b"\x1c\r")
    await writer.drain()
    try:
        async with asyncio.timeout(20):
            return (await reader.readuntil(b"\x1c\r")).decode()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_search_finds_the_canaries_where_they_belong(running: Running) -> None:
    inbound = await read_topic(running.system.kafka_bootstrap, INBOUND_TOPIC)
    assert "ZQPRESSLEY" in found_in(*(part for record in inbound for part in parts_of(record)))
    stored = found_in(*await rows_of(running.system.dsn("intake"), "encounter"))
    raw = found_in(*await rows_of(running.system.dsn("intake"), "raw_message"))
    assert stored | raw == {token.upper() for token in TOKENS}


async def test_our_topics_hold_no_canary_in_keys_headers_or_bodies(running: Running) -> None:
    for topic in TOPICS:
        records = await read_topic(running.system.kafka_bootstrap, topic.name)
        assert records or topic.owner == "audit", topic.name
        assert found_in(*(part for record in records for part in parts_of(record))) == set(), topic.name


@pytest.mark.parametrize("service", SERVICES)
async def test_event_log_and_platform_tables_hold_no_canary(running: Running, service: str) -> None:
    for table in CLEAN_TABLES:
        assert found_in(*await rows_of(running.system.dsn(service), table)) == set(), table


async def test_audit_database_holds_no_canary_anywhere(running: Running) -> None:
    dsn = running.system.dsn("audit")
    tables = await rows_of(dsn, "pg_tables", "tablename, schemaname")
    ours = [row.split()[0] for row in tables if row.endswith(" public")]
    assert {"journal", "encounter_view"} <= set(ours)
    for table in ours:
        if table not in {"dead_letter", "alembic_version"}:
            assert found_in(*await rows_of(dsn, table)) == set(), table


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.usefixtures("provoked")
async def test_dead_letters_name_their_cause_without_a_value(running: Running, service: str) -> None:
    columns = "consumer, state, key, type, topic, error_class, error_code"
    assert found_in(*await rows_of(running.system.dsn(service), "dead_letter", columns)) == set()


async def test_answers_to_bad_requests_echo_no_canary(provoked: list[str]) -> None:
    assert len(provoked) > 20
    assert found_in(*provoked) == set()


@pytest.mark.usefixtures("provoked")
async def test_logs_hold_no_canary(running: Running) -> None:
    logs: dict[str, Path] = {path.name: path for path in running.system.home.logs.iterdir() if path.is_file()}
    assert {f"{name}.log" for name in (*SERVICES, "payer", "postgres", "kafka")} <= set(logs)
    for name, path in logs.items():
        assert found_in(path.read_bytes()) == set(), name
    assert any(path.stat().st_size for path in logs.values())


@pytest.mark.usefixtures("provoked")
async def test_exported_spans_hold_no_canary(running: Running) -> None:
    seen: set[str] = set()
    async with asyncio.timeout(30):  # exported every five seconds
        while seen < set(SERVICES):
            seen = {
                name for name in SERVICES if any(f"rcm-{name}".encode() in body for body in running.spans)
            }
            await asyncio.sleep(0.5)
    assert found_in(*running.spans) == set()
    assert any(b"process rcm.intake.encounter" in body for body in running.spans)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.usefixtures("provoked")
async def test_metrics_hold_no_canary(running: Running, service: str) -> None:
    async with running.client(service) as anybody:
        metrics = (await anybody.get("/metrics")).text
    assert "rcm_" in metrics
    assert found_in(metrics) == set()


@pytest.mark.usefixtures("provoked")
async def test_process_titles_and_command_lines_hold_no_canary(running: Running) -> None:
    started = running.system.processes()
    assert {*SERVICES, "payer", "postgres", "kafka"} <= set(started)
    seen = 0
    for name, told in started.items():
        parent = psutil.Process(told["pid"])
        for process in (parent, *parent.children(recursive=True)):
            try:
                shown = (process.name(), process.cmdline(), process.environ())
            except psutil.NoSuchProcess:
                continue
            seen += 1
            assert found_in(*shown) == set(), name
    assert seen >= len(started)
