"""Idempotency keys: what a key may look like, and what makes two requests the same."""

import pytest
from rcm_shared.errors import Refused
from rcm_shared.web.idempotency import fingerprint, idempotency_key
from starlette.requests import Request


def _request(
    key: bytes | None = None, *, method: str = "POST", path: str = "/v1/x", body: bytes = b""
) -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [] if key is None else [(b"idempotency-key", key)]
    scope = {
        "type": "http", "method": method, "path": path, "headers": headers, "query_string": b"", "scheme": "http",
        "server": ("coding.test", 80),
    }  # fmt: skip
    return Request(scope, receive)


@pytest.mark.parametrize("key", [b"a", b"x" * 255, b"4f1c-9", b"~!#$%"])
def test_plain_key_is_taken(key: bytes) -> None:
    assert idempotency_key(_request(key)) == key.decode()


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency-key-missing"),
        (b"", "idempotency-key-missing"),
        (b"x" * 256, "idempotency-key-invalid"),
        (b"x" * 300, "idempotency-key-invalid"),
        (b"a b", "idempotency-key-invalid"),
        (b"a\n", "idempotency-key-invalid"),
        (b"a\x00", "idempotency-key-invalid"),
        (b"\xe9", "idempotency-key-invalid"),
        (b"a\x7f", "idempotency-key-invalid"),
    ],
)
def test_missing_or_odd_key_is_refused_without_echo(key: bytes | None, code: str) -> None:
    with pytest.raises(Refused) as raised:
        idempotency_key(_request(key))
    assert (raised.value.code, raised.value.status) == (code, 400)


async def test_same_request_has_the_same_fingerprint() -> None:
    assert await fingerprint(_request(body=b"1")) == await fingerprint(_request(body=b"1"))


async def test_fingerprint_differs_by_method_path_and_body() -> None:
    prints = [
        await fingerprint(request)
        for request in (
            _request(body=b"1"),
            _request(body=b"2"),
            _request(body=b"1", path="/v1/y"),
            _request(body=b"1", method="PUT"),
        )
    ]
    assert len(set(prints)) == 4
