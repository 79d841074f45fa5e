import json
from pathlib import Path

import pytest
from rcm_deploy.engines.environment import service_environment
from rcm_deploy.engines.home import Home
from rcm_deploy.engines.keys import ensure_keys
from rcm_shared.auth import Principal, Verifier

SETTINGS = {"issuer": "https://claimstream.local", "audience": "claimstream"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.prepare()
    return home


def test_keys_are_made_once_and_the_private_one_is_private(home: Home) -> None:
    keys = ensure_keys(home)
    before = keys.private.read_text()
    assert ensure_keys(home) == keys
    assert keys.private.read_text() == before
    assert keys.private.stat().st_mode & 0o777 == 0o600


def test_public_set_holds_no_private_part(home: Home) -> None:
    keys = ensure_keys(home)
    (public,) = json.loads(keys.public.read_text())["keys"]
    assert "d" not in public
    assert public["kid"] == json.loads(keys.private.read_text())["kid"]


def test_token_is_accepted_by_the_services_check(home: Home) -> None:
    keys = ensure_keys(home)
    who = Verifier(keys.public, **SETTINGS).verify(keys.token("anna", ["coder"], ["DEMO-GENERAL"]))
    assert who == Principal("anna", frozenset({"coder"}), frozenset({"DEMO-GENERAL"}))


def test_environment_names_every_service_and_lets_the_caller_win(home: Home) -> None:
    composed = service_environment(
        home=home,
        services=("intake", "billing"),
        ports={"intake": 1, "billing": 2, "mllp": 3},
        dsns={"intake": ("data", "owner"), "billing": ("data2", "owner2")},
        bootstrap="broker:9092",
        keys=ensure_keys(home),
        clock=("2026-09-28", 12.5),
        extra={"RCM_LOG_LEVEL": "DEBUG", "RCM_FAILPOINTS": "shutdown=exit"},
    )
    wanted = {
        "RCM_KAFKA_BOOTSTRAP": "broker:9092",
        "RCM_INTAKE_DSN": "data",
        "RCM_INTAKE_OWNER_DSN": "owner",
        "RCM_BILLING_HTTP_HOST": "127.0.0.1",
        "RCM_BILLING_HTTP_PORT": "2",
        "RCM_BILLING_URL": "http://127.0.0.1:2",
        "RCM_INTAKE_MLLP_PORT": "3",
        "RCM_CLOCK_START": "2026-09-28",
        "RCM_CLOCK_EPOCH": "12.5",
        "RCM_REPLICA": "0",
        "RCM_MIGRATE_ON_START": "1",
        "RCM_EXCHANGE_DIR": str(home.exchange),
        "RCM_LOG_LEVEL": "DEBUG",
        "RCM_FAILPOINTS": "shutdown=exit",
    }
    assert {name: composed.get(name) for name in wanted} == wanted
    assert composed["RCM_MASTER_FILE"].endswith("demo/master.json")
    assert "PATH" in composed


def test_environment_without_a_demo_clock_uses_real_time(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RCM_CLOCK_START", raising=False)
    composed = service_environment(
        home=home,
        services=(),
        ports={},
        dsns={},
        bootstrap="b",
        keys=ensure_keys(home),
        clock=None,
        extra={},
    )
    assert "RCM_CLOCK_START" not in composed
