"""`rcm remit post --dry-run`: the entries of each claim payment balance; what does not balance is set aside whole."""

import json
from pathlib import Path

from rcm_billing.cli.remit import app, plan
from typer.testing import CliRunner
from unit.billing.x12 import files

run = CliRunner()


def test_every_posted_claim_sums_to_zero_and_denials_open_cases() -> None:
    (payment,), reason = plan(files.EVERY_TYPE["835"], None)
    assert (reason, payment["reason"], payment["payment_cents"]) == ("", "", 6500)
    for claim in payment["claims"]:
        assert sum(entry["cents"] for entry in claim["entries"]) == 0
    reversal, _, denied, paid = payment["claims"]
    assert reversal["entries"] == []
    assert [(one["code"], one["cents"]) for one in denied["denied"]] == [("50", 20000)]
    assert any(entry["cents"] == 10000 for entry in paid["entries"])


def test_payment_out_of_balance_is_set_aside_whole(tmp_path: Path) -> None:
    path = tmp_path / "off.835"
    path.write_bytes(files.EVERY_TYPE["835"].replace(b"WO:ICN0*10", b"WO:ICN0*11"))
    result = run.invoke(app, ["post", str(path), "--dry-run", "--json"])
    assert result.exit_code == 1
    (payment,) = json.loads(result.stdout)["payments"]
    assert (payment["reason"], payment["claims"]) == ("transaction", [])


def test_words_name_claim_and_amount(tmp_path: Path) -> None:
    path = tmp_path / "good.835"
    path.write_bytes(files.EVERY_TYPE["835"])
    result = run.invoke(app, ["post", str(path), "--dry-run"])
    assert result.exit_code == 0
    assert "claim C0002 (status 4)" in result.stdout
    assert "denied 200.00" in result.stdout
    assert "ZQ" not in result.stdout


def test_posting_without_dry_run_is_a_usage_error(tmp_path: Path) -> None:
    result = run.invoke(app, ["post", str(tmp_path / "any.835")])
    assert (result.exit_code, result.stdout) == (2, "")


def test_file_without_an_835_says_so() -> None:
    assert plan(files.EVERY_TYPE["999"], None) == ([], "no-835")
    assert plan(b"", None) == ([], "no-isa")
