"""The edge: sizes are refused by bytes received, and hostile JSON never becomes a 5xx."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from rcm_shared.web import limits
from rcm_shared.web.limits import DEFAULT_BODY_BYTES, MAX_HEADER_BYTES, MAX_URL_BYTES

JSON = {"content-type": "application/json"}


async def _chunks(size: int, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size


async def _raw(app: Any, *, headers: list[tuple[bytes, bytes]] = (), path: bytes = b"/swallow", query: bytes = b"",  # type: ignore[assignment]
               receive: Any = None) -> tuple[int, bytes]:  # fmt: skip
    """Call the app as a server would, with what no client library lets through."""
    sent: list[dict[str, Any]] = []

    async def nothing() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path.decode(), "raw_path": path, "query_string": query, "root_path": "",
        "headers": list(headers), "server": ("coding.test", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    await app(scope, receive or nothing, send)
    return sent[0]["status"], b"".join(m.get("body", b"") for m in sent[1:])


async def test_body_within_its_limit_passes(client: httpx.AsyncClient) -> None:
    answer = await client.post("/swallow", content=b"x" * 1_000)
    assert answer.json() == {"bytes": 1_000}


@pytest.mark.parametrize("length", [1_001, 50 * 1024 * 1024])
async def test_declared_length_over_the_limit_is_refused_unread(platform: Any, length: int) -> None:
    async def never() -> dict[str, Any]:
        raise AssertionError("the body was read")

    status, body = await _raw(
        platform.app, headers=[(b"content-length", str(length).encode())], receive=never
    )
    assert status == 413
    assert b"too-large" in body


@pytest.mark.parametrize("length", [b"-1", b"many", b"1e3", b"\xc2\xb2"])
async def test_length_that_is_no_number_is_refused(platform: Any, length: bytes) -> None:
    assert (await _raw(platform.app, headers=[(b"content-length", length)]))[0] == 400


async def test_chunked_body_over_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/swallow", content=_chunks(300, 5))
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


async def test_chunked_body_over_the_default_limit_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/echo", content=_chunks(64 * 1024, 40), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


async def test_endless_body_is_cut_off(platform: Any) -> None:
    received = 0

    async def endless() -> dict[str, Any]:
        nonlocal received
        received += 100
        return {"type": "http.request", "body": b"x" * 100, "more_body": True}

    status, _ = await asyncio.wait_for(_raw(platform.app, receive=endless), 5)
    assert status == 413
    assert received <= 1_100


async def test_slow_trickle_is_cut_off(platform: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_TIMEOUT_S", 0.05)

    async def trickle() -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    status, _ = await asyncio.wait_for(_raw(platform.app, receive=trickle), 5)
    assert status == 408


async def test_client_that_sends_nothing_at_all_is_cut_off(
    platform: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BODY_TIMEOUT_S", 0.05)

    async def silence() -> dict[str, Any]:
        await asyncio.sleep(3_600)
        raise AssertionError

    status, _ = await asyncio.wait_for(_raw(platform.app, receive=silence), 2)
    assert status == 408


async def test_long_url_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health", params={"q": "x" * MAX_URL_BYTES})
    assert (answer.status_code, answer.json()["code"]) == (414, "url-too-long")


async def test_large_headers_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health", headers={"x-large": "x" * MAX_HEADER_BYTES})
    assert (answer.status_code, answer.json()["code"]) == (431, "headers-too-large")


@pytest.mark.parametrize("query", [b"q=%00", b"q=\x00"])
async def test_nul_in_the_query_is_refused(platform: Any, query: bytes) -> None:
    assert (await _raw(platform.app, query=query))[0] == 400


REFUSED_BODIES = {
    "100,000 open brackets": b"[" * 100_000,
    "100,000 nested lists": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "5,000 digits": b'{"cents":' + b"9" * 5_000 + b"}",
    "NaN as a whole number": b'{"cents": NaN}',
    "infinity as a whole number": b'{"cents": 1e999}',
    "raw NUL": b'{"name": "\x00"}',
    "not utf-8": b'{"name": "\xff"}',
    "empty": b"",
    "half": b'{"name": ',
    "two values": b"{} {}",
    "a list": b"[]",
}


@pytest.mark.parametrize("name", REFUSED_BODIES)
async def test_hostile_json_is_refused_as_a_problem(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.post("/echo", content=REFUSED_BODIES[name], headers=JSON)
    assert answer.status_code in {400, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "999999" not in answer.text


async def test_wrong_content_type_is_refused(client: httpx.AsyncClient) -> None:
    for kind in ("text/plain", "application/xml", "multipart/form-data; boundary=x"):
        answer = await client.post("/echo", content=b"{}", headers={"content-type": kind})
        assert answer.status_code in {400, 415, 422}, kind


async def test_of_a_duplicate_key_the_last_counts(client: httpx.AsyncClient) -> None:
    answer = await client.post("/echo", content=b'{"cents": 1, "cents": 2}', headers=JSON)
    assert answer.json()["cents"] == 2


async def test_escaped_nul_reaches_the_handler_as_text(client: httpx.AsyncClient) -> None:
    answer = await client.post("/echo", content=b'{"name": "a\\u0000b"}', headers=JSON)
    assert answer.json()["characters"] == 3  # the database refuses it; see "bad-data" in test_problems


async def test_half_a_surrogate_pair_that_cannot_be_written_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/store", content=b'{"name": "\\ud800"}', headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "value-not-storable")


def test_default_limit_is_one_mebibyte() -> None:
    assert DEFAULT_BODY_BYTES == 1 << 20
