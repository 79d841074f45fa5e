"""rcm payer: the stand-in alone, with folders of one's own."""

import json
from pathlib import Path

import pytest
from rcm_deploy.cli.main import app
from rcm_deploy.payer.faults import FaultName
from rcm_deploy.payer.outcomes import OUTCOMES
from typer.testing import CliRunner
from unit.deploy.payer.samples import File, visit

README = Path(__file__).parents[4] / "deploy" / "rcm_deploy" / "payer" / "README.md"


def payer(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["payer", *map(str, arguments)])
    return result.exit_code, result.output


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    to = tmp_path / "mine"
    to.mkdir()
    (to / "1.837").write_bytes(File([[visit("C1", "PD1"), visit("C2", "LT1", payer="XYZ01")]]).encode())
    return to, tmp_path / "theirs"


def kinds(folder: Path) -> list[str]:
    return sorted(path.name.split("-", 4)[-1] for path in folder.iterdir())


def test_run_answers_own_files_in_own_folders(folders: tuple[Path, Path]) -> None:
    to, out = folders
    status, said = payer("run", "--to", to, "--from", out, "--once")
    assert status == 0
    assert "1 inputs answered" in said
    assert kinds(out) == ["277ca.x12", "835-DHP01.x12", "999.x12", "DHP01-DHP0100000001.deposit.json"]
    assert [path.name for path in (to / "done").iterdir()] == ["1.837"]


def test_run_with_a_later_date_brings_what_was_late(folders: tuple[Path, Path]) -> None:
    to, out = folders
    payer("run", "--to", to, "--from", out, "--once", "--any-payer")
    assert not list(out.glob("*835-XYZ01.x12"))
    payer("run", "--to", to, "--from", out, "--once", "--date", "2027-01-05")
    assert list(out.glob("*due000001-1-835-XYZ01.x12"))


def test_run_takes_faults_and_payers_as_options(folders: tuple[Path, Path]) -> None:
    to, out = folders
    options = ["--once", "--fault", "bom", "--fault", "ack-missing", "--payer", "XYZ01=XYZ HEALTH"]
    assert payer("run", "--to", to, "--from", out, *options)[0] == 0
    (path,) = out.glob("*.x12")
    assert path.read_bytes().startswith(b"\xef\xbb\xbfISA")


def test_run_refuses_an_unknown_fault_and_a_missing_folder(folders: tuple[Path, Path]) -> None:
    to, out = folders
    assert payer("run", "--to", to, "--from", out, "--once", "--fault", "explode")[0] == 2
    assert payer("run", "--to", to / "none", "--from", out, "--once")[0] == 2


def test_lists_name_every_prefix_and_fault() -> None:
    assert json.loads(payer("prefixes", "--json")[1]) == OUTCOMES
    assert [row["fault"] for row in json.loads(payer("faults", "--json")[1])] == [
        one.value for one in FaultName
    ]
    assert "late-90-days" in payer("faults")[1]


def test_readme_names_every_prefix_and_fault() -> None:
    text = README.read_text()
    assert [prefix for prefix in OUTCOMES if prefix and f"`{prefix}`" not in text] == []
    assert [fault.value for fault in FaultName if f"`{fault.value}`" not in text] == []
