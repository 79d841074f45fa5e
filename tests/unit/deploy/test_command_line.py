import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from rcm_deploy.cli import quality, running
from rcm_deploy.cli.main import app
from rcm_deploy.engines.databases import SERVICES
from rcm_deploy.engines.home import Home
from rcm_deploy.engines.keys import ensure_keys
from rcm_deploy.engines.process import identity
from typer.testing import CliRunner

ENCOUNTER = "0190e0c8-0000-7000-8000-000000000000"
NO_ACCOUNT = "0190e0c8-0000-7000-8000-000000000001"
TIMELINE = [
    {
        "kind": "event",
        "time": "2026-09-28T00:00:00.123Z",
        "type": "encounter-registered",
        "actor": "hospital",
        "summary": {"setting": "office", "total_cents": "13200"},
    },
    {"kind": "gap", "topic": "rcm.coding.chart", "gap_first": 2, "gap_last": 3},
]
CLAIM = {"claim_control": "C1", "payer_id": "DHP01", "order": "P", "state": "held", "charge_cents": 13200}
ACCOUNT = {
    "claim_state": "held",
    "waiting_for": None,
    "balance_cents": 13200,
    "codes": [],
    "claims": [CLAIM | {"reasons": ["FMT-01", "FMT-02"]}],
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("RCM_HOME", str(tmp_path))
    home = Home(tmp_path)
    home.prepare()
    return home


@pytest.fixture
def calls(home: Home, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A running system whose services answer from a table."""
    calls: list[tuple[Any, ...]] = []
    urls = {service: f"http://127.0.0.1:{number}" for number, service in enumerate(SERVICES, 1)}
    home.write_state({"status": "ready", "supervisor": identity(os.getpid()), "urls": urls})
    letter = {"consumer": "billing.coding-chart", "error_code": "ledger", "dead": 1, "ids": [ENCOUNTER]}

    def call(
        _self: object, method: str, service: str, path: str, _roles: object, body: object, **_: bool
    ) -> Any:
        calls.append((method, service, path, body))
        if path == "/ops/dead-letters":
            return {"groups": [letter] if service == "billing" else []}
        if path.endswith("/redrive"):
            return {"keys": [{"key": ENCOUNTER, "applied": 0, "still_set_aside": 1}], "dry_run": False}
        if path.endswith("/timeline"):
            return {"timeline": TIMELINE}
        return None if path.endswith(NO_ACCOUNT) else ACCOUNT

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


def test_case_shows_timeline_account_and_claims_for_people(calls: list[tuple[Any, ...]]) -> None:
    answer = _run("case", "show", ENCOUNTER)
    assert answer.exit_code == 0
    assert [line.split() for line in answer.stdout.splitlines()] == [
        ["time", "what", "by", "details"],
        ["2026-09-28T00:00:00", "encounter-registered", "hospital", "setting", "office,", "total", "132.00"],
        ["missing", "rcm.coding.chart", "events", "2", "to", "3"],
        [],
        ["account"],
        ["claim_state", "held"],
        ["balance", "132.00"],
        [],
        ["claim_control", "payer_id", "order", "state", "charge", "reasons"],
        ["C1", "DHP01", "P", "held", "132.00", "FMT-01,", "FMT-02"],
    ]


def test_case_without_an_account_shows_its_timeline(calls: list[tuple[Any, ...]]) -> None:
    answer = _run("case", "show", NO_ACCOUNT)
    assert answer.exit_code == 0
    assert "encounter-registered" in answer.stdout
    assert "no account" in answer.stdout
    assert json.loads(_run("case", "show", NO_ACCOUNT, "--json").stdout)["account"] is None


@pytest.mark.parametrize("command", ["up", "down", "status", "reset", "migrate", "doctor"])
def test_home_that_is_a_file_is_wrong_usage(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("RCM_HOME", str(tmp_path / "file"))
    answer = _run(command)
    assert answer.exit_code == 2
    assert "RCM_HOME" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_home_that_cannot_be_made_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RCM_HOME", "/dev/null/home")
    assert _run("up").exit_code == 2


def test_clock_that_is_no_date_is_wrong_usage(home: Home) -> None:
    answer = _run("up", "--clock", "yesterday")
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "ISO date" in answer.stderr


def test_reset_without_an_answer_deletes_nothing(home: Home) -> None:
    answer = CliRunner().invoke(app, ["reset"], input="")
    assert answer.exit_code == 4
    assert home.keys.exists()


def _answering(monkeypatch: pytest.MonkeyPatch, home: Home, answer: httpx.Response | Exception) -> None:
    """Let every service of a running system give one answer."""

    def request(*_: Any, **__: Any) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    urls = {service: "http://127.0.0.1:1" for service in SERVICES}
    home.write_state({"status": "ready", "supervisor": identity(os.getpid()), "urls": urls})
    ensure_keys(home)
    monkeypatch.setattr(httpx, "request", request)


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (httpx.ConnectError("no"), 3, "rcm: intake does not answer at http://127.0.0.1:1 (ConnectError)"),
        (httpx.Response(500), 3, "rcm: intake answers 500; see its log"),
        (httpx.Response(404, json={"detail": "none"}), 4, "rcm: intake refuses (404): none"),
        (httpx.Response(403, text="<html>"), 4, "rcm: intake refuses (403): Forbidden"),
        (
            httpx.Response(422, json={"detail": "bad", "errors": [{"pointer": "/a", "code": "short"}]}),
            4,
            "rcm: intake refuses (422): bad (/a short)",
        ),
    ],
)
def test_answer_of_a_service_decides_status_and_sentence(
    home: Home, monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception, status: int, said: str
) -> None:
    _answering(monkeypatch, home, answer)
    result = _run("dlq", "ls", "--service", "intake")
    assert (result.exit_code, result.stdout, result.stderr) == (status, "", f"{said}\n")


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
