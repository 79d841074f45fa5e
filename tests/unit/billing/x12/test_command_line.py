"""`rcm x12`: exit statuses, JSON on stdout only, and never a traceback."""

import json
from pathlib import Path

import pytest
from rcm_billing.cli.x12 import app
from typer.testing import CliRunner
from unit.billing.x12 import files

run = CliRunner()


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "good.837"
    path.write_bytes(files.EVERY_TYPE["837P"])
    return str(path)


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = tmp_path / "broken.837"
    path.write_bytes(files.EVERY_TYPE["837P"][:-60])
    return str(path)


def test_show_json_has_the_documented_shape(good: str) -> None:
    result = run.invoke(app, ["show", good, "--json"])
    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    assert shown["file"] == good
    (part,) = shown["interchanges"]
    assert {"type", "version", "problems", "claims"} <= part.keys()
    assert {
        "control_number",
        "payer_control_number",
        "status",
        "charged_cents",
        "paid_cents",
        "patient_cents",
        "adjustments",
        "balances",
        "lines",
    } <= part["claims"][0].keys()


def test_show_in_words_names_claim_and_money(good: str) -> None:
    result = run.invoke(app, ["show", good])
    assert result.exit_code == 0
    assert "claim C0001" in result.stdout
    assert "150.50" in result.stdout
    assert "ZQ" not in result.stdout


def test_check_passes_a_good_file_through_the_guide(good: str) -> None:
    result = run.invoke(app, ["check", good])
    assert (result.exit_code, result.exception) == (0, None)
    assert "holds: 0 errors, 0 warnings" in result.stdout


def test_check_refuses_a_broken_file_with_its_segment(broken: str) -> None:
    result = run.invoke(app, ["check", broken, "--no-guide", "--json"])
    assert result.exit_code == 1
    problems = json.loads(result.stdout)["interchanges"][0]["problems"]
    assert "cut-short" in {problem["code"] for problem in problems}
    assert all(problem["where"].startswith("segment ") for problem in problems)


def test_show_explains_what_is_readable_of_a_broken_file(broken: str) -> None:
    result = run.invoke(app, ["show", broken])
    assert result.exit_code == 0
    assert "claim C0001" in result.stdout


def test_warnings_fail_an_outgoing_file(tmp_path: Path) -> None:
    path = tmp_path / "npi.837"
    path.write_bytes(files.EVERY_TYPE["837P"].replace(b"1234567893", b"1234567890"))
    assert run.invoke(app, ["check", str(path), "--no-guide"]).exit_code == 0
    assert run.invoke(app, ["check", str(path), "--no-guide", "--outgoing"]).exit_code == 1


def test_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        result = run.invoke(app, ["show", str(path)])
        assert result.exit_code == 2
        assert result.stdout == ""


def test_standard_input_is_read(good: str) -> None:
    result = run.invoke(app, ["check", "-", "--no-guide"], input=Path(good).read_bytes())
    assert result.exit_code == 0


@pytest.mark.parametrize("content", [b"", b"hello", b"ISA*00*short~"])
def test_nothing_readable_exits_one_with_the_reason(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd"
    path.write_bytes(content)
    for command in ("show", "check"):
        result = run.invoke(app, [command, str(path), "--json"])
        assert result.exit_code == 1
        assert json.loads(result.stdout)["interchanges"][0]["problems"]
