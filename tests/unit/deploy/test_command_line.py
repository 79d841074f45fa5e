import json
from pathlib import Path
from typing import Any

import pytest
from rcm_deploy.cli import quality, running
from rcm_deploy.cli.main import app
from rcm_deploy.engines.databases import SERVICES
from rcm_deploy.engines.home import Home
from rcm_deploy.engines.keys import ensure_keys
from rcm_deploy.engines.process import identity
from typer.testing import CliRunner

ENCOUNTER = "0190e0c8-0000-7000-8000-000000000000"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("RCM_HOME", str(tmp_path))
    home = Home(tmp_path)
    home.prepare()
    return home


@pytest.fixture
def calls(home: Home, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A running system whose services answer from a table."""
    import os

    calls: list[tuple[Any, ...]] = []
    urls = {service: f"http://127.0.0.1:{number}" for number, service in enumerate(SERVICES, 1)}
    home.write_state({"status": "ready", "supervisor": identity(os.getpid()), "urls": urls})
    letter = {"consumer": "billing.coding-chart", "error_code": "ledger", "dead": 1, "ids": [ENCOUNTER]}

    def call(_self: object, method: str, service: str, path: str, _roles: object, body: object) -> Any:
        calls.append((method, service, path, body))
        if path == "/ops/dead-letters":
            return {"groups": [letter] if service == "billing" else []}
        if path.endswith("/redrive"):
            return {"keys": [{"key": ENCOUNTER, "applied": 0, "still_set_aside": 1}], "dry_run": False}
        if path.endswith("/timeline"):
            return {"events": [{"time": "2026-09-28T00:00:00Z", "type": "encounter-registered"}]}
        return {"claim_state": "paid", "balance_cents": 0}

    monkeypatch.setattr(running.Running, "_call", call)
    ensure_keys(home)
    return calls


def _run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def test_help_names_every_command() -> None:
    answer = _run("--help")
    assert answer.exit_code == 0
    for name in (
        "up",
        "down",
        "status",
        "doctor",
        "reset",
        "migrate",
        "publish",
        "case",
        "dlq",
        "demo",
        "chaos",
    ):
        assert name in answer.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("dlq", "ls"),
        ("case", "show", ENCOUNTER),
        ("dlq", "show", ENCOUNTER, "--service", "audit"),
    ],
)
def test_commands_without_a_running_system_exit_3(home: Home, arguments: tuple[str, ...]) -> None:
    answer = _run(*arguments)
    assert answer.exit_code == 3
    assert "rcm up" in answer.stderr
    assert answer.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("case", "show", "not-an-id"),
        ("dlq", "ls", "--service", "nope"),
        ("publish", "/no/such/file"),
    ],
)
def test_wrong_usage_exits_2(home: Home, arguments: tuple[str, ...]) -> None:
    assert _run(*arguments).exit_code == 2


def test_status_as_json_says_that_nothing_runs(home: Home) -> None:
    answer = _run("status", "--json")
    assert answer.exit_code == 3
    assert json.loads(answer.stdout) == {"running": False, "home": str(home.root)}


def test_up_and_reset_are_refused_while_a_system_runs(home: Home, calls: list[tuple[Any, ...]]) -> None:
    assert _run("up").exit_code == 4
    assert _run("reset", "--yes").exit_code == 4
    assert home.state_file.exists()


def test_reset_deletes_our_files_and_nothing_else(home: Home) -> None:
    (home.root / "notes.txt").write_text("mine")
    home.write_state({"status": "stopped"})
    answer = _run("reset", "--yes", "--json")
    assert answer.exit_code == 0
    assert "state.json" in json.loads(answer.stdout)["deleted"]
    assert sorted(path.name for path in home.root.iterdir()) == ["lock", "notes.txt"]


def test_reset_asks_first(home: Home) -> None:
    answer = CliRunner().invoke(app, ["reset"], input="n\n")
    assert answer.exit_code == 4
    assert home.keys.exists()


def test_dlq_lists_every_service(calls: list[tuple[Any, ...]]) -> None:
    answer = _run("dlq", "ls", "--json")
    assert answer.exit_code == 0
    assert [group["service"] for group in json.loads(answer.stdout)["groups"]] == ["billing"]
    assert [call[1] for call in calls] == list(SERVICES)


def test_redrive_that_fails_anew_exits_1(calls: list[tuple[Any, ...]]) -> None:
    answer = _run("dlq", "redrive", "billing.coding-chart", "--reason", "rule mended", "--key", ENCOUNTER)
    assert answer.exit_code == 1
    body = {"consumer": "billing.coding-chart", "reason": "rule mended", "dry_run": False, "key": ENCOUNTER}
    assert calls == [("POST", "billing", "/ops/dead-letters/redrive", body)]


def test_discard_names_the_letter_and_the_reason(calls: list[tuple[Any, ...]]) -> None:
    _run("dlq", "discard", ENCOUNTER, "--service", "billing", "--reason", "sent twice")
    body = {"letter_id": ENCOUNTER, "reason": "sent twice"}
    assert calls == [("POST", "billing", "/ops/dead-letters/discard", body)]


def test_case_shows_timeline_and_account(calls: list[tuple[Any, ...]]) -> None:
    answer = _run("case", "show", ENCOUNTER)
    assert answer.exit_code == 0
    assert "encounter-registered" in answer.stdout
    assert "claim_state" in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], (["tests"], [])),
        (["unit"], (["tests/unit"], [])),
        (["unit/deploy", "-x"], (["tests/unit/deploy"], ["-x"])),
        (["-k", "ports"], (["tests"], ["-k", "ports"])),
        (["tests/unit", "-k", "a b"], (["tests/unit"], ["-k", "a b"])),
    ],
)
def test_test_command_passes_on_what_pytest_understands(
    arguments: list[str], expected: tuple[list[str], list[str]]
) -> None:
    assert quality._targets(arguments) == expected
