"""Hostile and broken input over real HTTP, MLLP, Kafka and the payer's folder.

Each is refused with a code, nothing is stored but the refusal, no answer is a 5xx, and no value comes back.
"""

import asyncio
import base64
import copy
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey
from rcm_deploy.demo.publish import SAMPLES
from rcm_shared.auth import TOKEN_TYPE
from rcm_shared.contracts.topics import ENCOUNTER, INBOUND_TOPIC
from rcm_shared.ids import uuid7
from rcm_testkit.system import FACILITY, Played, Running

pytestmark = pytest.mark.usefixtures("played")

EVIL = "ZQEVIL"  # in every value that is sent here
SUPERBILL = (SAMPLES / "superbill.json").read_bytes()
JSON = "application/json"

Table = dict[str, int]


async def count_rows(running: Running, service: str) -> Table:
    """Count the rows of every table of a service."""
    conn = await asyncpg.connect(running.system.dsn(service))
    try:
        names = await conn.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'checkpoint%'"
        )  # audit signs a checkpoint whenever a minute is over
        union = " UNION ALL ".join(
            f"SELECT '{name}' AS t, count(*) AS n FROM \"{name}\"" for (name,) in names
        )
        return {row["t"]: row["n"] for row in await conn.fetch(union)}
    finally:
        await conn.close()


@asynccontextmanager
async def stores(running: Running, service: str, **allowed: int) -> AsyncIterator[None]:
    """Require that the block adds exactly the given rows to a service's tables, and no others."""
    await running.until_quiet(looks=1)
    before = await count_rows(running, service)
    yield
    after = await count_rows(running, service)
    added = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert {name: n for name, n in added.items() if name != "feed"} == allowed


def check_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is a problem document with this code which repeats nothing that was sent."""
    assert answer.status_code == status, (answer.status_code, answer.text[:300])
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "code", "detail", "request_id"} <= set(said)
    assert (said["status"], said["code"]) == (status, code), said
    assert said["type"] == f"urn:claimstream:problem:{code}"
    assert answer.headers["x-request-id"] == said["request_id"]
    assert EVIL not in f"{answer.headers}{answer.text}".upper()
    return said


def superbill(**changes: Any) -> dict[str, Any]:
    """Return the superbill sample as an evil twin of another visit, with changes at its top."""
    body: dict[str, Any] = json.loads(SUPERBILL)
    body = copy.deepcopy(body) | {"message_id": f"{EVIL}-{uuid7().hex}"}
    body["encounter"]["external_id"] = f"{EVIL}-{uuid7().hex[:12]}"
    body["patient"]["last_name"] = EVIL
    return body | changes


def spliced(old: str, new: str) -> bytes:
    """Return the evil twin's bytes with one piece of JSON replaced by what no JSON writer would write."""
    text = json.dumps(superbill())
    assert old in text
    return text.replace(old, new, 1).encode("utf-8", "surrogatepass")


async def post(
    running: Running, body: Any, *, path: str = "/v1/encounters", media: str = JSON, **headers: str
) -> httpx.Response:
    """Send one message to intake as a hospital does."""
    async with running.client("intake", "integration", subject="evil-feed") as client:
        given = {"content-type": media, "idempotency-key": str(uuid7())} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return await client.post(path, content=body, headers={k: v for k, v in given.items() if v})


# --- JSON over HTTP (9-13, 16, 17) ------------------------------------------------------------------------------

BROKEN_JSON: dict[str, tuple[Callable[[], bytes], str]] = {
    "9-hundred-thousand-brackets": (lambda: b"[" * 100_000, "json-too-deep"),
    "9-deep-objects": (lambda: b'{"ZQEVIL":' * 40_000 + b"1" + b"}" * 40_000, "json-too-deep"),
    "10-five-thousand-digits": (lambda: spliced("13200", "9" * 5_000), "json-number"),
    "11-nan": (lambda: spliced("13200", "NaN"), "json-number"),
    "11-infinity": (lambda: spliced("13200", "-Infinity"), "json-number"),
    "11-beyond-floats": (lambda: spliced("13200", "1e999"), "json-number"),
    "11-fraction-of-a-cent": (lambda: spliced("13200", "13200.5"), "invalid-value"),
    "11-negative-amount": (lambda: spliced("13200", "-13200"), "invalid-value"),
    "12-duplicate-key": (
        lambda: spliced('{"message_id"', '{"source": "ZQEVIL", "message_id"'),
        "json-duplicate-key",
    ),
    "13-lone-surrogate": (lambda: spliced('"ZQEVIL"', '"ZQEVIL\\ud800"'), "lone-surrogate"),
    "13-lone-surrogate-in-bytes": (lambda: spliced('"ZQEVIL"', '"ZQEVIL\ud800"'), "charset-mismatch"),
    "13-escaped-nul": (lambda: spliced('"ZQEVIL"', '"ZQEVIL\\u0000"'), "control-character"),
    "13-bare-nul": (lambda: spliced('"ZQEVIL"', '"ZQEVIL\x00"'), "json-malformed"),
    "13-terminal-escape": (lambda: spliced('"ZQEVIL"', '"ZQEVIL\\u001b[2J"'), "control-character"),
    "13-direction-marks": (lambda: spliced('"ZQEVIL"', '"ZQEVIL\u202e"'), "invalid-value"),
    "17-unknown-field": (lambda: json.dumps(superbill(is_admin=EVIL)).encode(), "unknown-field"),
    "17-field-named-by-the-sender": (lambda: json.dumps(superbill(**{EVIL: 1})).encode(), "unknown-field"),
    "31-roles-in-the-body": (lambda: json.dumps(superbill(roles=["admin"])).encode(), "unknown-field"),
    "id-with-path": (lambda: spliced(f'"{EVIL}-', f'"../{EVIL}-'), "invalid-value"),
    "id-overlong": (lambda: spliced(f'"{EVIL}-', f'"{EVIL * 50}-'), "invalid-value"),
    "no-object": (lambda: b'"ZQEVIL"', "json-malformed"),
    "cut-short": (lambda: json.dumps(superbill()).encode()[:200], "json-malformed"),
    "empty": (lambda: b"", "json-malformed"),
}


@pytest.mark.parametrize("case", BROKEN_JSON)
async def test_broken_json_is_refused_with_a_code(running: Running, case: str) -> None:
    make, code = BROKEN_JSON[case]
    async with stores(running, "intake", raw_message=1):
        check_problem(await post(running, make()), 422, code)


@pytest.mark.parametrize("depth", [40_000, 100])
async def test_broken_bundle_is_refused_with_a_code(running: Running, depth: int) -> None:
    body = b'{"resourceType":"Bundle","entry":' + b"[" * depth + b'"ZQEVIL"' + b"]" * depth + b"}"
    async with stores(running, "intake", raw_message=1):
        answer = await post(running, body, path="/fhir", media="application/fhir+json")
        check_problem(answer, 422, "json-too-deep")


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
@pytest.mark.parametrize("path", ["/v1/encounters", "/fhir"])
async def test_wrong_content_type_is_refused_before_the_body_is_read(
    running: Running, path: str, media: str
) -> None:
    async with stores(running, "intake"):
        answer = await post(running, json.dumps(superbill()).encode(), path=path, media=media)
        check_problem(answer, 415, "media-type")


# --- XML (1-6): not read by this system -------------------------------------------------------------------------

XML = {
    "1-billion-laughs": b'<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "ZQEVIL"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><z>&c;</z>',
    "2-quadratic": b'<!DOCTYPE z [<!ENTITY a "' + b"ZQEVIL" * 10_000 + b'">]><z>' + b"&a;" * 10_000 + b"</z>",
    "3-external-entity": b'<!DOCTYPE z [<!ENTITY a SYSTEM "file:///etc/passwd">]><z>ZQEVIL&a;</z>',
    "4-external-dtd": b'<!DOCTYPE z SYSTEM "http://127.0.0.1:1/ZQEVIL.dtd"><z/>',
    "5-deep": b"<ZQEVIL>" * 100_000,
    "6-wrong-encoding": '<?xml version="1.0" encoding="UTF-7"?><z>+AFo-ZQEVIL</z>'.encode("utf-16"),
}


@pytest.mark.parametrize("case", XML)
@pytest.mark.parametrize(
    "media", ["application/xml", "text/xml", "application/fhir+xml", "application/hl7-cda+xml"]
)
async def test_xml_is_refused_as_unsupported_media_type(running: Running, case: str, media: str) -> None:
    async with stores(running, "intake"):
        for path in ("/v1/encounters", "/fhir", "/v1/messages"):
            check_problem(await post(running, XML[case], path=path, media=media), 415, "media-type")


@pytest.mark.parametrize("case", XML)
async def test_xml_disguised_as_json_or_hl7_is_refused(running: Running, case: str) -> None:
    async with stores(running, "intake", raw_message=2):
        answer = await post(running, XML[case])
        check_problem(answer, 422, "charset-mismatch" if case.startswith("6") else "json-malformed")
        assert await mllp(running, XML[case]) == ("AR", "not-hl7")


# --- sizes and slowness (14, 15) --------------------------------------------------------------------------------


async def test_fifty_megabytes_are_refused_by_their_declared_length(running: Running) -> None:
    async with stores(running, "intake"):
        head = b"POST /v1/encounters HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        head += b"content-length: 52428800\r\n\r\n"
        status, body = await raw_request(running, "intake", head)
        assert status == 413
        assert json.loads(body)["code"] == "too-large"


async def test_endless_chunked_body_is_cut_off(running: Running) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b'"ZQEVIL"' * 131_072
            await asyncio.sleep(0)

    async with stores(running, "intake"):
        try:
            answer = await post(running, endless())
        except httpx.WriteError:
            return  # the server had answered and closed before everything was sent
        check_problem(answer, 413, "too-large")


@pytest.fixture(scope="session", autouse=True)
def trickling(running: Running) -> Iterator[Future[tuple[int, str]]]:
    """A body that comes a byte at a time, sent beside the other tests: it takes half a minute to be given up."""
    token = running.system.keys.token("slow-feed", ("integration",), (FACILITY,))
    head = (
        "POST /v1/encounters HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {token}\r\nidempotency-key: {uuid7()}\r\ncontent-length: 1000\r\n\r\n"
    )
    began = running.begin_in_its_loop(raw_request(running, "intake", head.encode(), trickle=b"Z"))
    yield began
    began.cancel()


async def test_trickling_body_is_given_up(running: Running, trickling: Future[tuple[int, str]]) -> None:
    status, body = await asyncio.wait_for(asyncio.wrap_future(trickling), 45)
    assert status == 408
    assert json.loads(body)["code"] == "body-too-slow"
    conn = await asyncpg.connect(running.system.dsn("intake"))
    try:
        assert await conn.fetchval("SELECT count(*) FROM raw_message WHERE source = 'slow-feed'") == 0
    finally:
        await conn.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /v1/encounters HTTP/1.1\r\nhost: x\r\nx-evil: " + b"ZQEVIL" * 4_000 + b"\r\n\r\n", 431),
        (b"GET /v1/encounters?state=" + b"ZQEVIL" * 1_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 414),
        (b"GET /v1/encounters/%00ZQEVIL HTTP/1.1\r\nhost: x\r\n\r\n", 0),
        (b"POST /v1/encounters HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", 0),
        (b"POST /v1/encounters HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n", 0),
    ],
    ids=["huge-header", "huge-url", "nul-in-path", "negative-length", "broken-chunk"],
)
async def test_broken_http_is_answered_4xx_and_stores_nothing(
    running: Running, head: bytes, status: int
) -> None:
    async with stores(running, "intake"):
        got, body = await raw_request(running, "intake", head)
    assert 400 <= got < 500, got
    assert got == status or not status
    assert EVIL not in body


async def raw_request(
    running: Running, service: str, head: bytes, *, trickle: bytes = b""
) -> tuple[int, str]:
    """Send bytes as they are and return (status, body) of the answer."""
    url = httpx.URL(running.system.urls[service])
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(head)
        await writer.drain()
        feeding = asyncio.create_task(_trickle(writer, trickle)) if trickle else None
        async with asyncio.timeout(50):
            answer = await reader.readuntil(b"\r\n\r\n")
            lengths = [
                int(line.split(b":")[1])
                for line in answer.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            ]
            body = await reader.readexactly(lengths[0]) if lengths else await reader.read(10_000)
        if feeding:
            feeding.cancel()
        return int(answer.split()[1]), body.decode()
    finally:
        writer.close()


async def _trickle(writer: asyncio.StreamWriter, byte: bytes) -> None:
    while True:
        writer.write(byte)
        await asyncio.sleep(2)


# --- idempotency (18-20) ----------------------------------------------------------------------------------------


async def test_missing_and_overlong_keys_are_refused(running: Running) -> None:
    body = json.dumps(superbill()).encode()
    async with stores(running, "intake"):
        check_problem(await post(running, body, idempotency_key=""), 400, "idempotency-key-missing")
        for key in (EVIL * 50, f"{EVIL} {EVIL}"):
            check_problem(await post(running, body, idempotency_key=key), 400, "idempotency-key-invalid")


async def test_key_used_for_another_body_is_refused(running: Running) -> None:
    key = str(uuid7())
    first = await post(running, SUPERBILL, idempotency_key=key)
    assert first.json()["outcome"] == "duplicate"
    async with stores(running, "intake"):
        answer = await post(running, json.dumps(superbill()).encode(), idempotency_key=key)
        check_problem(answer, 422, "idempotency-key-reused")


async def test_same_key_at_once_has_one_effect_and_one_answer(running: Running) -> None:
    key = str(uuid7())
    async with stores(running, "intake", idempotency_key=1, raw_message=1):
        answers = await asyncio.gather(*(post(running, SUPERBILL, idempotency_key=key) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1


# --- paths, queries, headers (21-24) ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        b"/v1/encounters/../../etc/passwd",
        b"/v1/encounters/%2e%2e/%2e%2e/ZQEVIL",
        b"/static/../auth.py",
        b"/static/%2e%2e/auth.py",
        b"/static/..%2f..%2fauth.py",
        b"/static/%252e%252e/auth.py",
        b"//ZQEVIL.example/",
        b"/v1/encounters/" + b"ZQEVIL" * 100,
        b"/v1/cases/1 OR 1=1".replace(b" ", b"%20"),
    ],
)
@pytest.mark.parametrize("service", ["intake", "query", "audit"])
async def test_paths_lead_nowhere(running: Running, service: str, path: bytes) -> None:
    token = running.system.keys.token("someone", ("coder", "auditor", "provider"), (FACILITY,))
    head = b"GET " + path + b" HTTP/1.1\r\nhost: x\r\nauthorization: Bearer " + token.encode() + b"\r\n\r\n"
    status, body = await raw_request(running, service, head)
    assert status in {404, 422}, (status, body)
    assert json.loads(body)["code"] in {"not-found", "invalid-request", "encounter-not-found"}
    assert EVIL not in body


SQL = "received' OR '1'='1'; DROP TABLE encounter; --ZQEVIL"
FORGED = base64.urlsafe_b64encode(b"ZQEVIL" * 3).decode()


@pytest.mark.parametrize(
    ("service", "role", "path", "query"),
    [
        ("intake", "auditor", "/v1/encounters", {"state": SQL}),
        ("intake", "auditor", "/v1/encounters", {"after": FORGED}),
        ("intake", "auditor", "/v1/encounters", {"limit": "1000000"}),
        ("intake", "auditor", "/v1/encounters", {"limit": SQL}),
        ("coding", "auditor", "/v1/cases", {"state": SQL}),
        ("query", "auditor", "/v1/queries", {"state": SQL}),
        ("query", "auditor", "/v1/queries", {"encounter_id": SQL}),
        ("billing", "auditor", "/v1/claims", {"state": SQL}),
        ("billing", "auditor", "/v1/denials", {"state": SQL}),
        ("audit", "auditor", "/v1/encounters", {"waiting_for": SQL}),
        ("audit", "auditor", "/operations/encounters", {"waiting_for": SQL}),
    ],
)
async def test_sql_and_forged_cursors_in_queries_are_refused(
    running: Running, service: str, role: str, path: str, query: Mapping[str, str]
) -> None:
    async with running.client(service, role) as client, stores(running, service):
        check_problem(await client.get(path, params=query), 422, "invalid-request")


async def test_sql_in_a_free_filter_finds_nothing(running: Running) -> None:
    async with running.client("query", "auditor") as client, stores(running, "query"):
        answer = await client.get("/v1/queries", params={"provider_id": SQL})
    assert (answer.status_code, answer.json()) == (200, {"queries": []})


@pytest.mark.parametrize("service", ["audit", "query"])
async def test_spoofed_host_and_forwarding_headers_are_not_believed(running: Running, service: str) -> None:
    spoofed = {"host": "zqevil.example", "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "zqevil.example"}
    async with running.client(service) as nobody:
        led = await nobody.get("/", headers=spoofed)
        shown = await nobody.get("/sign-in", headers=spoofed)
        status = await nobody.get("/ops/status", headers=spoofed)
    assert led.headers["location"].startswith("/")
    assert EVIL not in f"{led.headers}{shown.headers}{shown.text}".upper()
    check_problem(status, 401, "token-missing")


async def test_cookie_does_not_work_from_another_site(running: Running) -> None:
    async with running.client("query") as browser:
        await browser.post("/sign-in", data={"person": "prv-7f5805502f79"})
        assert (await browser.get("/inbox")).status_code == 200
        for origin in ("https://zqevil.example", "null", ""):
            headers = {"origin": origin} if origin else {}
            answer = await browser.post(f"/inbox/{uuid7()}", data={"text": EVIL}, headers=headers)
            check_problem(answer, 403, "cross-site")


# --- facilities (25) --------------------------------------------------------------------------------------------

FOREIGN_READS = [
    ("intake", "auditor", "/v1/encounters/{id}?purpose=audit"),
    ("coding", "coder", "/v1/cases/{id}"),
    ("billing", "biller", "/v1/accounts/{id}"),
    ("audit", "auditor", "/v1/encounters/{id}"),
    ("audit", "auditor", "/v1/encounters/{id}/timeline"),
    ("audit", "auditor", "/operations/encounters/{id}"),
]
FOREIGN_WRITES: list[tuple[str, str, str, str, dict[str, Any]]] = [
    ("intake", "biller", "PUT", "/v1/encounters/{id}/coverages/P", {"member_id": EVIL}),
    ("coding", "coder", "POST", "/v1/cases/{id}/start", {}),
    ("coding", "coder", "POST", "/v1/cases/{id}/decisions", {"decisions": []}),
    ("billing", "biller", "POST", "/v1/accounts/{id}/payments", {"amount_cents": 100}),
]


@pytest.mark.parametrize(("service", "role", "path"), FOREIGN_READS)
async def test_other_facilitys_encounter_looks_like_none(
    running: Running, played: Played, service: str, role: str, path: str
) -> None:
    theirs = played.row("mole-cryoablation")["encounter_id"]
    async with running.client(service, role, facility="OTHER") as client, stores(running, service):
        foreign = await client.get(path.format(id=theirs))
        unknown = await client.get(path.format(id=uuid7()))
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}


@pytest.mark.parametrize(("service", "role", "method", "path", "body"), FOREIGN_WRITES)
async def test_other_facilitys_encounter_cannot_be_changed(
    running: Running, played: Played, service: str, role: str, method: str, path: str, body: dict[str, Any]
) -> None:
    theirs = played.row("mole-cryoablation")["encounter_id"]
    async with running.client(service, role, facility="OTHER") as client, stores(running, service):
        answer = await client.request(
            method, path.format(id=theirs), json=body, headers={"idempotency-key": str(uuid7())}
        )
    assert answer.status_code == 404, answer.text


async def test_feed_of_one_facility_cannot_write_to_another(running: Running) -> None:
    async with running.client("intake", "integration", facility="OTHER") as client, stores(running, "intake"):
        headers = {"content-type": JSON, "idempotency-key": str(uuid7())}
        answer = await client.post("/v1/encounters", content=json.dumps(superbill()), headers=headers)
        check_problem(answer, 404, "not-found")


# --- tokens (26-30) ---------------------------------------------------------------------------------------------


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a token that would be good, but for the changes; None takes a claim away."""
    now = int(time.time())
    good: dict[str, Any] = {
        "iss": "https://claimstream.local",
        "aud": "claimstream",
        "sub": EVIL,
        "iat": now,
        "exp": now + 600,
        "roles": ["operations", "auditor", "admin"],
        "facilities": ["*"],
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def _unsigned(header: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, payload))
    return b".".join(parts).decode()


def signed(key: ECKey, payload: Mapping[str, Any], **header: Any) -> str:
    """Sign claims as our issuer does; `header` adds to the good one, checks of the signing library are off."""
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    good = {"alg": "ES256", "typ": TOKEN_TYPE, "kid": key.kid}
    return jws.serialize_compact(good | header, json.dumps(payload), key, registry=registry)


def forge(running: Running, case: str) -> str:
    """Return a token that must not be accepted."""
    key = ECKey.import_key(json.loads(running.system.keys.private.read_text()))
    own = ECKey.generate_key("P-256", {"kid": key.kid or ""}, private=True)
    match case:
        case "26-alg-none":
            return _unsigned({"alg": "none", "typ": TOKEN_TYPE}, claims()) + "."
        case "27-hs256-with-the-public-key":
            public = OctKey.import_key(running.system.keys.public.read_bytes())
            return jwt.encode({"alg": "HS256", "typ": TOKEN_TYPE}, claims(), public, algorithms=["HS256"])
        case "30-key-of-the-attacker":
            return signed(own, claims())
        case "30-jku-to-the-attacker":
            return signed(own, claims(), jku="http://127.0.0.1:1/keys", jwk=own.as_dict(private=False))
        case "id-token":
            return signed(key, claims(), typ="JWT")
        case "changed-signature":
            good = signed(key, claims())
            return good[:-8] + ("AAAAAAAA" if good[-8:] != "AAAAAAAA" else "BBBBBBBB")
        case _:
            changed: dict[str, Any] = {
                "28-other-audience": {"aud": f"{EVIL}-other"},
                "28-other-issuer": {"iss": "https://zqevil.example"},
                "29-exp-as-text": {"exp": str(int(time.time()) + 600)},
                "29-no-exp": {"exp": None},
                "29-expired": {"exp": int(time.time()) - 120},
                "no-subject": {"sub": None},
                "roles-as-text": {"roles": "admin"},
                "overlong": {"facilities": [EVIL] * 700},
            }
            return signed(key, claims(**changed[case]))


TOKENS = {
    "26-alg-none": "token-invalid",
    "27-hs256-with-the-public-key": "token-invalid",
    "28-other-audience": "token-invalid",
    "28-other-issuer": "token-invalid",
    "29-exp-as-text": "token-invalid",
    "29-no-exp": "token-invalid",
    "29-expired": "token-invalid",
    "30-key-of-the-attacker": "token-invalid",
    "30-jku-to-the-attacker": "token-invalid",
    "no-subject": "token-invalid",
    "roles-as-text": "token-claims",
    "id-token": "token-type",
    "changed-signature": "token-invalid",
    "overlong": "token-too-long",
}


async def test_the_token_that_the_forgeries_vary_is_good(running: Running) -> None:
    key = ECKey.import_key(json.loads(running.system.keys.private.read_text()))
    good = signed(key, claims())
    async with running.client("audit") as client:
        answer = await client.get("/ops/status", headers={"authorization": f"Bearer {good}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("case", TOKENS)
async def test_forged_token_is_refused_everywhere(running: Running, case: str) -> None:
    token = forge(running, case)
    for service in running.system.urls:
        async with running.client(service) as client:
            answer = await client.get("/ops/status", headers={"authorization": f"Bearer {token}"})
        check_problem(answer, 401, TOKENS[case])
        assert answer.headers["www-authenticate"] == "Bearer"


# --- HL7 v2 over MLLP (33, 34) ----------------------------------------------------------------------------------


async def mllp(running: Running, message: bytes) -> tuple[str, str]:
    """Send one framed message; return (MSA-1, MSA-3) of an answer that repeats nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.system.mllp_port)
    try:
        writer.write(b"\x0b" + message + b"\x1c\r")
        await writer.drain()
        async with asyncio.timeout(30):
            answer = (await reader.readuntil(b"\x1c\r")).decode()
    finally:
        writer.close()
    assert EVIL not in answer
    separator = answer.lstrip("\x0b")[3]
    fields = next(line for line in answer.split("\r") if line.startswith("MSA")).split(separator)
    return fields[1], fields[3] if len(fields) > 3 else ""


def a04(
    *, head: str = "MSH|^~\\&", name: str = "ZQEVIL^Ann", pid: str = "", tail: str = "", charset: str = ""
) -> bytes:
    """Return a registration of an evil visit."""
    visit = uuid7().hex[:12]
    lines = [
        f"{head}|demo-ehr|DEMO-GENERAL|CLAIMSTREAM|X|20260902200500+0000||ADT^A04^ADT_A01|M{visit}|P|2.5.1||||||{charset}",
        pid or f"PID|1||ZQEVIL-{visit}^^^DEMOGENERAL^MR||{name}||19890621|M",
        f"PV1|1|E|ED^12^A|E|||||||||||||||V{visit}^^^DEMOGENERAL^VN|||||||||||||||||||||||||20260902200500+0000",
    ]
    return ("\r".join(lines) + "\r" + tail).encode()


BAD_HL7: dict[str, tuple[Callable[[], bytes], tuple[str, str]]] = {
    "33-second-header": (lambda: a04(name="ZQEVIL\rMSH|^~\\&|x|ZQEVIL"), ("AE", "second-header")),
    "33-text-becomes-a-segment": (lambda: a04(tail="ZQEVIL was here\r"), ("AE", "segment-malformed")),
    "33-lower-case-segment": (lambda: a04(tail="zqevil|1\r"), ("AE", "segment-malformed")),
    "33-nul-in-a-name": (lambda: a04(name="ZQEVIL\x00"), ("AE", "control-character")),
    "33-hex-escape-brings-a-control": (lambda: a04(name="ZQEVIL\\X1B\\[2J"), ("AE", "control-character")),
    "34-no-header": (lambda: b"PID|1||ZQEVIL\r", ("AR", "not-hl7")),
    "34-delimiters-alike": (lambda: a04(head="MSH|^^\\&"), ("AR", "delimiters-invalid")),
    "34-delimiters-are-letters": (lambda: a04(head="MSH|ZQEV"), ("AR", "delimiters-invalid")),
    "34-header-cut-short": (lambda: b"MSH|^~\\&", ("AR", "not-hl7")),
    "charset-unknown": (lambda: a04(charset="ZQEVIL"), ("AR", "charset-unsupported")),
    "charset-wrong": (
        lambda: a04(charset="UNICODE UTF-8").replace(b"Ann", b"\xff\xfe"),
        ("AE", "charset-mismatch"),
    ),
    "too-large": (lambda: a04(tail="ZQV|" + EVIL * 800_000), ("AR", "message-too-large")),
}


@pytest.mark.parametrize("case", BAD_HL7)
async def test_bad_hl7_is_answered_with_a_code(running: Running, case: str) -> None:
    make, expected = BAD_HL7[case]
    stored = {} if case == "too-large" else {"raw_message": 1}
    async with stores(running, "intake", **stored):
        assert await mllp(running, make()) == expected


async def test_same_bad_message_over_http_is_a_problem(running: Running) -> None:
    async with stores(running, "intake", raw_message=1):
        body = a04(name="ZQEVIL\rMSH|^~\\&|x|ZQEVIL")
        check_problem(
            await post(running, body, path="/v1/messages", media="text/plain"), 422, "second-header"
        )


@pytest.mark.parametrize("name", ["ZQEVIL\\", "ZQEVIL\\F", "\\\\ZQEVIL", "\\Q\\ZQEVIL", "\\XZZ\\ZQEVIL"])
async def test_bare_and_unclosed_escapes_do_not_stop_the_feed(running: Running, name: str) -> None:
    code, _ = await mllp(running, a04(name=name))
    assert code in {"AA", "AE"}
    assert await mllp(running, b"PID|1\r") == ("AR", "not-hl7")
    await running.until_quiet()


# --- X12 (32, 34-36) --------------------------------------------------------------------------------------------


async def send_injected(running: Running, **coverage: str) -> str:
    """Send a billable encounter with X12 delimiters in its names; return its id."""
    body = superbill()
    mark = uuid7().hex[-10:].upper()
    body["patient"] |= {
        "last_name": "DOE*JOHN~CLM*ZQEVIL*1~",
        "first_name": "A:B^C",
        "medical_record_number": f"M{mark}~CLM*ZQEVIL*2~",
        "birth_date": (date(1930, 1, 1) + timedelta(days=int(mark, 16) % 20_000)).isoformat(),
    }
    body["coverages"][0] |= {"member_id": f"PF{mark}"} | coverage
    accepted = await post(running, json.dumps(body).encode())
    assert accepted.status_code == 202, accepted.text
    return str(accepted.json()["encounter_id"])


async def account_when(running: Running, encounter_id: str, *states: str) -> dict[str, Any]:
    """Wait until billing's account is in one of these states."""
    async with running.client("billing", "biller") as biller, asyncio.timeout(30):
        while True:
            answer = await biller.get(f"/v1/accounts/{encounter_id}")
            if answer.status_code == 200 and answer.json()["claim_state"] in states:
                found: dict[str, Any] = answer.json()
                return found
            await asyncio.sleep(0.1)


async def test_delimiters_in_a_name_cannot_make_segments_on_the_claim(running: Running) -> None:
    encounter_id = await send_injected(running)
    account = await account_when(running, encounter_id, "closed", "paid", "held", "rejected", "denied")
    assert account["claim_state"] == "closed", account["claims"][0]["reasons"]
    conn = await asyncpg.connect(running.system.dsn("billing"))
    try:
        frozen: bytes = await conn.fetchval(
            "SELECT i.body FROM interchange i JOIN submission_attempt a USING (interchange_id)"
            " WHERE a.encounter_id = $1",
            encounter_id,
        )
    finally:
        await conn.close()
    segments = [segment.strip().split("*") for segment in frozen.decode().split("~")]
    names = [segment for segment in segments if any(EVIL in element for element in segment)]
    assert [segment[:2] for segment in names] == [["NM1", "IL"]]
    charges = {segment[1]: segment[2] for segment in segments if segment[0] == "CLM"}
    assert charges[account["claims"][0]["claim_control"]] == "132"
    assert not {"ZQEVIL", ""} & set(charges)
    await running.until_quiet()


async def test_delimiters_in_an_identifier_hold_the_claim(running: Running) -> None:
    encounter_id = await send_injected(running, group_number="G~REF*ZQEVIL*2")
    account = await account_when(running, encounter_id, "held", "closed", "submitted", "rejected")
    assert account["claim_state"] == "held"
    assert "FMT-01" in account["claims"][0]["reasons"]
    assert EVIL not in json.dumps(account)
    await running.until_quiet()


ISA = "ISA*00*          *00*          *ZZ*DHP01          *ZZ*CLAIMSTREAM    *260928*0900*^*00501*{control}*0*T*:~"


def x12_277ca(control: str = "900000001", *, isa: str = ISA, count: str = "3", se: str = "0001") -> str:
    """Return a small claim acknowledgement that names a claim nobody sent."""
    return (
        isa.format(control=control)
        + "GS*HN*DHP01*CLAIMSTREAM*20260928*0900*1*X*005010X214~"
        + "ST*277*0001*005010X214~BHT*0085*08*ZQEVIL*20260928*0900*TH~"
        + f"SE*{count}*{se}~GE*1*1~IEA*1*{control}~"
    )


def x12_835(*, paid: str, claim_paid: str) -> str:
    return (
        ISA.format(control="900000002")
        + "GS*HP*DHP01*CLAIMSTREAM*20260928*0900*1*X*005010X221A1~ST*835*0001~"
        + f"BPR*I*{paid}*C*ACH************20260928~TRN*1*ZQEVILTRACE*1999999999~"
        + "N1*PR*Demo Health Plan~N1*PE*Demo General~LX*1~"
        + f"CLP*ZQEVIL*1*100*{claim_paid}*0*12*ZQEVIL~NM1*QC*1*ZQEVIL~"
        + "SE*9*0001~GE*1*1~IEA*1*900000002~"
    )


PAYER_FILES: dict[str, tuple[Callable[[], str], str]] = {
    "34-isa-of-105-characters": (lambda: x12_277ca(isa=ISA.replace("*00*          *ZZ", "*ZZ")), "isa-"),
    "34-isa-cut-short": (lambda: ISA[:80], "isa-cut-short"),
    "34-letters-as-delimiters": (lambda: x12_277ca().replace("*", "Q"), "isa-"),
    "34-no-isa": (lambda: "ZQEVIL", "no-isa"),
    "34-other-delimiters": (
        lambda: x12_277ca().replace("*", "|").replace("~", "\n").replace("^", "!"),
        "no-claim-status",
    ),
    "35-segment-count-wrong": (lambda: x12_277ca(count="99"), "incomplete-set"),
    "35-control-number-differs": (lambda: x12_277ca(se="0009"), "incomplete-set"),
    "35-no-trailer": (lambda: x12_277ca().split("SE*")[0], "incomplete-set"),
    "36-does-not-balance": (lambda: x12_835(paid="500", claim_paid="100"), "out-of-balance"),
    "36-amount-is-no-number": (lambda: x12_835(paid="ZQEVIL", claim_paid="100"), ""),
    "36-overflowing-amount": (lambda: x12_835(paid="9" * 40, claim_paid="9" * 40), ""),
    "36-unknown-claim": (lambda: x12_835(paid="100", claim_paid="100"), ""),
    "binary": (lambda: "\x00ÿZQEVIL\x1b[2J" * 100, "no-isa"),
}


async def hand_in(running: Running, text: str) -> list[asyncpg.Record]:
    """Put a file into the payer's outgoing folder; return what billing put aside of it when it is archived."""
    folder = running.system.exchange_dir / "from_payer"
    data = text.encode()
    name = f"bad-{uuid7().hex}"
    (folder / f"{name}.tmp").write_bytes(data)
    (folder / f"{name}.tmp").rename(folder / f"{name}.x12")
    conn = await asyncpg.connect(running.system.dsn("billing"))
    try:
        async with asyncio.timeout(20):
            while (folder / f"{name}.x12").exists():
                await asyncio.sleep(0.05)
        rows: list[asyncpg.Record] = await conn.fetch(
            "SELECT u.kind, u.reason, u.reference, f.state FROM inbound_file f"
            " LEFT JOIN unmatched u USING (sha256) WHERE f.sha256 = sha256($1)",
            data,
        )
        return rows
    finally:
        await conn.close()


@pytest.mark.parametrize("case", PAYER_FILES)
async def test_bad_payer_file_moves_no_money_and_is_put_aside_with_its_reason(
    running: Running, case: str
) -> None:
    make, reason = PAYER_FILES[case]
    await running.until_quiet(looks=1)
    before = await count_rows(running, "billing")
    rows = await hand_in(running, make())
    after = await count_rows(running, "billing")
    changed = {name for name in after if after[name] != before[name]}
    # money that came for nobody we know stands unapplied; no account and no claim has any of it
    unapplied = {"ledger_transaction", "ledger_entry"} if case == "36-unknown-claim" else set()
    assert changed <= {"inbound_file", "unmatched", "remittance"} | unapplied, changed
    assert rows
    assert all(row["reason"] for row in rows), rows
    assert any(row["reason"].startswith(reason) for row in rows), rows
    assert not any(EVIL in row["reason"] for row in rows)


async def test_same_payer_file_twice_is_one_file(running: Running) -> None:
    text = x12_277ca("900000077", count="77")
    await hand_in(running, text)
    async with stores(running, "billing"):
        await hand_in(running, text)


# --- Kafka (39) -------------------------------------------------------------------------------------------------


async def produce(
    running: Running, topic: str, value: bytes, headers: list[tuple[str, bytes]], key: bytes
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=running.system.kafka_bootstrap, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=key, headers=headers)
    finally:
        await producer.stop()


def headers_of(**changes: bytes) -> list[tuple[str, bytes]]:
    """Return an envelope from a producer that nobody knows."""
    good = {
        "ce_specversion": b"1.0",
        "ce_id": str(uuid7()).encode(),
        "ce_source": b"/zqevil/producer",
        "ce_type": b"rcm.intake.zqevil.v9",
        "ce_time": b"2026-09-28T08:00:00+00:00",
        "ce_sequence": b"1",
        "ce_correlationid": str(uuid7()).encode(),
        "ce_facilityid": b"DEMO-GENERAL",
    }
    return list((good | changes).items())


READERS_OF_ENCOUNTERS = ("coding", "billing", "query", "audit")


async def set_aside(running: Running, service: str, key: str | None, body: bytes) -> list[tuple[str, str]]:
    """Return (class, code) of what a service set aside of this record."""
    conn = await asyncpg.connect(running.system.dsn(service))
    try:
        rows = await conn.fetch("SELECT error_class, error_code, key FROM dead_letter WHERE body = $1", body)
    finally:
        await conn.close()
    return [(row["error_class"], row["error_code"]) for row in rows if key is None or str(row["key"]) == key]


UNREADABLE: dict[str, tuple[Callable[[], list[tuple[str, bytes]]], str]] = {
    "no-envelope": (lambda: [], "envelope-ce_id"),
    "sequence-beyond-bigint": (lambda: headers_of(ce_sequence=b"9" * 400), "envelope-ce_sequence"),
    "undecodable-type": (lambda: headers_of(ce_type=b"\xff\xfeZQEVIL"), "envelope-ce_type"),
    "id-is-no-uuid": (lambda: headers_of(ce_id=b"ZQEVIL"), "envelope-ce_id"),
    "time-without-zone": (lambda: headers_of(ce_time=b"2026-09-28T08:00:00"), "envelope-ce_time"),
}


@pytest.mark.parametrize("case", UNREADABLE)
async def test_record_with_an_unreadable_envelope_is_set_aside_by_every_reader(
    running: Running, case: str
) -> None:
    make, code = UNREADABLE[case]
    key, body = str(uuid7()), f'{{"evil": "ZQEVIL-{uuid7()}"}}'.encode()
    await running.until_quiet()
    before = {service: await count_rows(running, service) for service in READERS_OF_ENCOUNTERS}
    await produce(running, ENCOUNTER.name, body, make(), UUID(key).bytes)
    await eventually(lambda: _all_set_aside(running, body))
    await running.until_quiet()
    for service in READERS_OF_ENCOUNTERS:
        assert await set_aside(running, service, None, body) == [("Poison", code)], service
        after = await count_rows(running, service)
        changed = {
            name: after[name] - before[service][name]
            for name in after
            if after[name] != before[service][name]
        }
        assert changed == {"dead_letter": 1}, service


async def _all_set_aside(running: Running, body: bytes) -> bool:
    found = [await set_aside(running, service, None, body) for service in READERS_OF_ENCOUNTERS]
    return all(found)


async def eventually(holds: Callable[[], Awaitable[bool]], patience_s: float = 30) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(patience_s):
        while not await holds():
            await asyncio.sleep(0.1)


async def test_event_of_a_future_type_is_passed_over_and_its_encounter_goes_on(running: Running) -> None:
    key, body = str(uuid7()), b'{"claim": "ZQEVIL", "facility_id": "DEMO-GENERAL"}'
    await running.until_quiet()
    before = {service: await count_rows(running, service) for service in ("coding", "billing", "query")}
    huge = headers_of(ce_claim=b"ZQEVIL" * 10_000)
    await produce(running, ENCOUNTER.name, body, huge, UUID(key).bytes)
    await eventually(lambda: _in_inbox(running, dict(huge)["ce_id"].decode()))
    await running.until_quiet()
    for service, rows in before.items():
        after = await count_rows(running, service)
        changed = {name for name in after if after[name] != rows[name]}
        assert changed <= {"inbox", "position"}, service
        assert await set_aside(running, service, key, body) == []


async def _in_inbox(running: Running, event_id: str) -> bool:
    conn = await asyncpg.connect(running.system.dsn("coding"))
    try:
        return bool(await conn.fetchval("SELECT true FROM inbox WHERE event_id::text = $1", event_id))
    finally:
        await conn.close()


@pytest.mark.parametrize(
    ("service", "event_type"),
    [
        ("coding", b"rcm.intake.documentation-completed.v1"),
        ("billing", b"rcm.intake.encounter-registered.v1"),
    ],
)
async def test_known_type_with_a_broken_body_is_set_aside_with_its_key(
    running: Running, service: str, event_type: bytes
) -> None:
    key = str(uuid7())
    body = f'{{"setting": "ZQEVIL-{uuid7()}"}}'.encode()
    await running.until_quiet()
    await produce(running, ENCOUNTER.name, body, headers_of(ce_type=event_type), UUID(key).bytes)

    async def there() -> bool:
        return bool(await set_aside(running, service, key, body))

    await eventually(there)
    assert await set_aside(running, service, key, body) == [("Poison", "body-invalid")]
    await running.until_quiet()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"ZQEVIL\xff", "charset-mismatch"),
        (b"[" * 100_000, "json-too-deep"),
        (b'{"evil": "ZQEVIL"}', "missing-field"),
        (b"", "json-malformed"),
    ],
)
async def test_bad_encounter_on_the_inbound_topic_is_kept_and_the_feed_goes_on(
    running: Running, body: bytes, code: str
) -> None:
    body = body + b" " * (uuid7().int % 97) if body else body
    await running.until_quiet()
    async with stores(running, "intake", raw_message=2, dead_letter=1):
        await produce(running, INBOUND_TOPIC, body, [], b"demo-ehr")
        await produce(running, INBOUND_TOPIC, SUPERBILL, [], b"demo-ehr")
        await running.until_quiet()
    assert ("Poison", code) in await set_aside(running, "intake", None, body)


async def test_forged_source_on_the_inbound_topic_is_refused(running: Running) -> None:
    body = json.dumps(superbill()).encode()
    await running.until_quiet()
    async with stores(running, "intake", raw_message=1, dead_letter=1):
        await produce(running, INBOUND_TOPIC, body, [], b"zqevil-hospital")

        async def there() -> bool:
            return bool(await set_aside(running, "intake", None, body))

        await eventually(there)
    assert await set_aside(running, "intake", None, body) == [("Poison", "source-mismatch")]


# --- afterwards -------------------------------------------------------------------------------------------------


async def test_logs_and_metrics_repeat_nothing_of_it(running: Running) -> None:
    for path in running.system.home.logs.iterdir():
        text = path.read_text(errors="replace")
        assert EVIL not in text.upper(), path.name
        assert "Traceback" not in text, path.name
    for service in running.system.urls:
        async with running.client(service) as anybody:
            assert EVIL not in (await anybody.get("/metrics")).text.upper()
