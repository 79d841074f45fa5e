"""Problem answers carry codes and positions, never what was sent or what an error said."""

from typing import Any

import httpx
import pytest

CANARY = "ZQCANARY"


def _problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"].endswith(code)
    assert body["request_id"] == answer.headers["x-request-id"]
    assert CANARY not in answer.text
    return body


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"cents": CANARY}, "/cents"),
        ({"name": {CANARY: CANARY}}, "/name"),
        ({CANARY: 1}, "/*"),
        ({"is_admin": CANARY}, "/*"),
        ({"parts": [{"code": CANARY}]}, "/parts/0/code"),
        ({"parts": [{"code": "a", CANARY: CANARY}]}, "/parts/0/*"),
        ([CANARY], "/"),
        (CANARY, "/"),
        (None, "/"),
    ],
)
async def test_invalid_body_is_answered_with_positions_only(
    client: httpx.AsyncClient, sent: object, pointer: str
) -> None:
    body = _problem(await client.post("/echo", json=sent), 422, "invalid-request")
    assert [error["pointer"] for error in body["errors"]] == [pointer]
    assert all(set(error) == {"pointer", "code"} for error in body["errors"])


async def test_many_faults_are_cut_off(client: httpx.AsyncClient) -> None:
    body = _problem(
        await client.post("/echo", json={f"{CANARY}{n}": 1 for n in range(500)}), 422, "invalid-request"
    )
    assert len(body["errors"]) == 50


async def test_bad_path_parameter_is_not_echoed(client: httpx.AsyncClient) -> None:
    _problem(await client.get(f"/things/{CANARY}"), 422, "invalid-request")


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("refused", 409, "held"),
        ("missing", 404, "not-found"),
        ("poison", 422, "broken-rule"),
        ("transient", 503, "unavailable"),
        ("connection", 503, "unavailable"),
        ("deadlock", 503, "unavailable"),
        ("bad-data", 422, "value-not-storable"),
        ("constraint", 500, "internal"),
        ("unexpected", 500, "internal"),
    ],
)
async def test_error_becomes_a_problem_without_its_text(
    client: httpx.AsyncClient, what: str, status: int, code: str
) -> None:
    answer = await client.get(f"/raise/{what}")
    body = _problem(answer, status, code)
    if what == "refused":
        assert body["errors"] == [{"pointer": "/claim", "code": "held"}]
    if status == 503:
        assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("what", ["unexpected", "connection", "constraint", "bad-data", "transient"])
async def test_error_text_does_not_reach_the_log(
    client: httpx.AsyncClient, capfd: pytest.CaptureFixture[str], what: str
) -> None:
    await client.get(f"/raise/{what}")
    captured = capfd.readouterr()
    assert CANARY not in captured.err + captured.out


async def test_refusal_is_a_page_for_a_browser(client: httpx.AsyncClient) -> None:
    answer = await client.get("/raise/refused", headers={"accept": "text/html,*/*"})
    assert answer.status_code == 409
    assert answer.headers["content-type"].startswith("text/html")
    assert "Not possible" in answer.text
    assert CANARY not in answer.text


async def test_unknown_path_and_method_are_problems(client: httpx.AsyncClient) -> None:
    _problem(await client.get(f"/{CANARY}"), 404, "not-found")
    _problem(await client.delete("/echo"), 405, "method-not-allowed")


@pytest.mark.parametrize(
    "path", ["/things/../../etc/passwd", "/things/%2e%2e/%2e%2e", "/static/%2e%2e/%2e%2e/app.py"]
)
async def test_path_tricks_lead_nowhere(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code in {404, 422}


@pytest.mark.parametrize(
    ("offered", "kept"), [("abc-1", True), ("x" * 65, False), ("a b", False), ("a\tb", False)]
)
async def test_request_id_is_kept_only_when_it_is_plain(
    client: httpx.AsyncClient, offered: str, kept: bool
) -> None:
    answer = await client.get("/health", headers={"x-request-id": offered})
    assert (answer.headers["x-request-id"] == offered) is kept


async def test_answers_are_not_cached_or_sniffed(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
