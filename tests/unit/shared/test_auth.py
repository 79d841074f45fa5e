"""Tokens: only one issuer, one audience, asymmetric algorithms and unexpired claims are good enough."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from rcm_shared.auth import (
    LEEWAY_S,
    MAX_TOKEN_BYTES,
    SESSION_COOKIE,
    Allow,
    Principal,
    Public,
    Role,
    TokenIssuer,
    Unauthenticated,
    Verifier,
    allow,
    public,
    rule_of,
)
from rcm_testkit.services import write_keys

ISSUER, AUDIENCE = "https://claimstream.local", "claimstream"


class Keys:
    """A key pair with the verifier that trusts it."""

    def __init__(self, folder: Path) -> None:
        self.private_path, self.public_path = write_keys(folder)
        self.private = ECKey.import_key(json.loads(self.private_path.read_text()))
        self.verifier = Verifier(self.public_path, issuer=ISSUER, audience=AUDIENCE)

    def sign(
        self, *, without: str = "", key: Any = None, header: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """Sign a token that is good but for what the arguments change."""
        now = int(time.time())
        all_claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "demo-coder",
            "iat": now,
            "exp": now + 600,
            "roles": ["coder"],
            "facilities": ["DEMO-GENERAL"],
            **claims,
        }
        all_claims.pop(without, None)
        head = {"alg": "ES256", "typ": "at+jwt", "kid": "test", **(header or {})}
        return jwt.encode(head, all_claims, key or self.private, algorithms=[str(head["alg"])])

    def forge(self, header: dict[str, Any], signature: bytes = b"", **claims: Any) -> str:
        """Put a token together by hand, as an attacker would."""
        payload = self.sign(**claims).split(".")[1]
        return f"{_b64(json.dumps(header).encode())}.{payload}.{_b64(signature)}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


def test_good_token_gives_its_principal(keys: Keys) -> None:
    principal = keys.verifier.verify(keys.sign())
    assert principal == Principal("demo-coder", frozenset({"coder"}), frozenset({"DEMO-GENERAL"}))


def test_issued_token_is_good(keys: Keys) -> None:
    token = TokenIssuer(keys.private_path).token("service:billing", ["service"])
    principal = keys.verifier.verify(token)
    assert principal.roles == {"service"}
    assert principal.facility_filter() is None


def test_role_nobody_knows_is_dropped(keys: Keys) -> None:
    assert keys.verifier.verify(keys.sign(roles=["coder", "root"])).roles == {"coder"}


def test_token_just_past_its_end_is_good_within_the_leeway(keys: Keys) -> None:
    now = int(time.time())
    keys.verifier.verify(keys.sign(exp=now - LEEWAY_S // 2))


def _bad_tokens(keys: Keys) -> dict[str, str]:
    now = int(time.time())
    good = keys.sign()
    head, payload, signature = good.split(".")
    other = ECKey.generate_key("P-256", parameters={"kid": "test"})
    return {
        "empty": "",
        "garbage": "not-a-token",
        "two parts": f"{head}.{payload}",
        "tampered": f"{head}.{_b64(json.dumps({'sub': 'x'}).encode())}.{signature}",
        "other key": keys.sign(key=other),
        "other key id": keys.sign(key=other, header={"kid": "elsewhere"}),
        "alg none": keys.forge({"alg": "none", "typ": "at+jwt"}),
        "alg None": keys.forge({"alg": "None", "typ": "at+jwt", "kid": "test"}),
        "no alg": keys.forge({"typ": "at+jwt", "kid": "test"}),
        "alg not allowed": keys.forge({"alg": "ES384", "typ": "at+jwt", "kid": "test"}, b"x" * 96),
        "wrong audience": keys.sign(aud="elsewhere"),
        "no audience": keys.sign(without="aud"),
        "wrong issuer": keys.sign(iss="https://evil.example"),
        "no issuer": keys.sign(without="iss"),
        "expired": keys.sign(exp=now - LEEWAY_S - 5),
        "no exp": keys.sign(without="exp"),
        "exp as text": keys.sign(exp=str(now + 600)),
        "exp as list": keys.sign(exp=[now + 600]),
        "not yet valid": keys.sign(nbf=now + 3_600),
        "issued tomorrow": keys.sign(iat=now + 86_400),
        "no subject": keys.sign(without="sub"),
        "subject is a number": keys.sign(sub=7),
        "roles as text": keys.sign(roles="admin"),
        "roles hold a number": keys.sign(roles=[1]),
        "facilities as text": keys.sign(facilities="*"),
        "other media type": keys.sign(header={"typ": "JWT"}),
        "no media type": keys.sign(header={"typ": ""}),
        "unknown crit": keys.forge(
            {"alg": "ES256", "typ": "at+jwt", "kid": "test", "crit": ["exotic"], "exotic": 1}, b"x" * 64
        ),
        "oversize": keys.sign(padding="x" * MAX_TOKEN_BYTES),
        "nested deeply": f"{_b64(b'[' * 3_000)}.{payload}.{signature}",
        "not ascii": good + "é",
    }


BAD = sorted(
    {
        "empty", "garbage", "two parts", "tampered", "other key", "other key id", "alg none", "alg None", "no alg",
        "alg not allowed", "wrong audience", "no audience", "wrong issuer", "no issuer", "expired", "no exp",
        "exp as text", "exp as list", "not yet valid", "issued tomorrow", "no subject", "subject is a number",
        "roles as text", "roles hold a number", "facilities as text", "other media type", "no media type",
        "unknown crit", "oversize", "nested deeply", "not ascii",
    }
)  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_token_is_refused_without_echo(keys: Keys, name: str) -> None:
    with pytest.raises(Unauthenticated) as raised:
        keys.verifier.verify(_bad_tokens(keys)[name])
    assert raised.value.status == 401
    assert "demo-coder" not in str(raised.value)


def test_signed_unknown_crit_is_refused_although_the_signature_holds(keys: Keys) -> None:
    header = {"alg": "ES256", "typ": "at+jwt", "kid": "test", "crit": ["exotic"], "exotic": 1}
    payload = keys.sign().split(".")[1]
    signing_input = f"{_b64(json.dumps(header).encode())}.{payload}"
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    private = keys.private.private_key
    assert private is not None
    der = private.sign(signing_input.encode(), ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(der)
    token = f"{signing_input}.{_b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
    with pytest.raises(Unauthenticated):
        keys.verifier.verify(token)


@pytest.mark.parametrize("secret", ["jwks text", "public pem", "x coordinate"])
def test_hs256_with_the_public_key_as_secret_is_refused(keys: Keys, secret: str) -> None:
    material = {
        "jwks text": keys.public_path.read_bytes(),
        "public pem": keys.private.as_pem(private=False),
        "x coordinate": json.loads(keys.public_path.read_text())["keys"][0]["x"].encode(),
    }[secret]
    header = {"alg": "HS256", "typ": "at+jwt", "kid": "test"}
    payload = keys.sign(roles=["admin"]).split(".")[1]
    signing_input = f"{_b64(json.dumps(header).encode())}.{payload}"
    signature = hmac.new(material, signing_input.encode(), hashlib.sha256).digest()
    with pytest.raises(Unauthenticated):
        keys.verifier.verify(f"{signing_input}.{_b64(signature)}")


@pytest.mark.parametrize("where", ["jku", "jwk", "x5u"])
def test_key_offered_by_the_token_itself_is_not_used(keys: Keys, where: str) -> None:
    attacker = RSAKey.generate_key(2048, parameters={"kid": "test"})
    offered: Any = attacker.as_dict(private=False) if where == "jwk" else "https://evil.example/keys"
    token = keys.sign(key=attacker, header={"alg": "RS256", where: offered})
    with pytest.raises(Unauthenticated):
        keys.verifier.verify(token)


def test_token_goes_stale_although_its_signature_was_checked_before(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = keys.sign(exp=int(time.time()) + 5)
    keys.verifier.verify(token)
    later = time.time() + 5 + LEEWAY_S + 5
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(Unauthenticated):
        keys.verifier.verify(token)


def test_facilities_limit_what_a_principal_sees() -> None:
    one = Principal("p", frozenset(), frozenset({"B", "A"}))
    assert (one.sees("A"), one.sees("C"), one.facility_filter()) == (True, False, ["A", "B"])
    nobody = Principal("p", frozenset(), frozenset())
    assert (nobody.sees("A"), nobody.facility_filter()) == (False, [])


def test_allow_refuses_a_role_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="root"):
        allow("root")
    assert allow("coder").roles == {Role.CODER}


def test_rule_of_knows_rules_from_other_dependencies() -> None:
    assert isinstance(rule_of(allow("coder")), Allow)
    assert isinstance(rule_of(public()), Public)
    assert rule_of(lambda: None) is None


async def test_role_in_the_body_is_ignored(client: httpx.AsyncClient, platform: Any) -> None:
    headers = {"authorization": f"Bearer {platform.token('coder')}"}
    refused = await client.post("/bill", json={"roles": ["biller", "admin"]}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    headers = {"authorization": f"Bearer {platform.token('biller')}"}
    answer = await client.post("/bill", json={"roles": ["admin"]}, headers=headers)
    assert answer.json() == {"subject": "demo-biller", "roles": ["biller"]}


@pytest.mark.parametrize("header", [{}, {"authorization": "Basic eDp5"}, {"authorization": "Bearer "}])
async def test_call_without_a_token_is_challenged(client: httpx.AsyncClient, header: dict[str, str]) -> None:
    answer = await client.post("/bill", json={}, headers=header)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_page_without_a_session_leads_to_sign_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/ops/status", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


@pytest.mark.parametrize(
    ("origin", "status"),
    [(None, 403), ("https://evil.example", 403), ("null", 403), ("http://coding.test", 200)],
)
async def test_form_with_a_session_cookie_must_come_from_this_site(
    client: httpx.AsyncClient, platform: Any, origin: str | None, status: int
) -> None:
    headers = {"cookie": f"{SESSION_COOKIE}={platform.token('biller')}"} | (
        {"origin": origin} if origin else {}
    )
    answer = await client.post("/bill", json={}, headers=headers)
    assert answer.status_code == status


async def test_spoofed_forwarding_headers_change_nothing(client: httpx.AsyncClient, platform: Any) -> None:
    headers = {
        "cookie": f"{SESSION_COOKIE}={platform.token('biller')}",
        "origin": "https://evil.example",
        "x-forwarded-host": "evil.example",
        "x-forwarded-for": "127.0.0.1",
    }
    assert (await client.post("/bill", json={}, headers=headers)).status_code == 403
