"""rcm claim show against a running system: words, JSON, and a claim that nobody knows."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from rcm_deploy.cli import claim
from rcm_deploy.cli.main import app
from typer.testing import CliRunner
from unit.billing.test_claim_words import CLAIM

RUNNER = CliRunner()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A running system that knows one claim; gives what it was asked."""
    asked: list[tuple[Any, ...]] = []

    def find(service: str, path: str, roles: tuple[str, ...]) -> dict[str, Any] | None:
        asked.append((service, path, roles))
        return CLAIM if path.endswith(CLAIM["claim_control"]) else None

    monkeypatch.setattr(claim, "the_running_system", lambda: SimpleNamespace(find=find))
    return asked


def test_claim_show_tells_a_person_where_the_claim_stands(asked: list[tuple[Any, ...]]) -> None:
    result = RUNNER.invoke(app, ["claim", "show", CLAIM["claim_control"]])
    assert result.exit_code == 0
    assert result.stdout.startswith("Claim C0548AMRJTM820QX, version 2 (replacement)")
    assert asked == [("billing", f"/v1/claim-views/{CLAIM['claim_control']}", ("biller", "auditor"))]


def test_claim_show_prints_json_for_machines(asked: list[tuple[Any, ...]]) -> None:
    result = RUNNER.invoke(app, ["claim", "show", CLAIM["claim_control"], "--json"])
    assert json.loads(result.stdout) == CLAIM
    assert asked


def test_claim_show_refuses_a_claim_that_nobody_knows(asked: list[tuple[Any, ...]]) -> None:
    result = RUNNER.invoke(app, ["claim", "show", "../x"])
    assert result.exit_code == 4
    assert asked[0][1] == "/v1/claim-views/..%2Fx"
