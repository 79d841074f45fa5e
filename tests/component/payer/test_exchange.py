"""Files in, files out, and killed at every step."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from component.payer.folders import FIRST, SECOND, answered, drop, published, run_once
from component.payer.oracles import read_checks
from rcm_deploy.payer.__main__ import main
from rcm_deploy.payer.ledger import Ledger
from unit.deploy.payer.samples import File, Question, inquiry, visit


def test_answers_appear_in_order_and_the_input_moves_to_done(tmp_path: Path) -> None:
    assert [kind for kind, _ in answered(tmp_path)] == ["999", "277ca", "835-DHP01"]
    assert [path.name for path in (tmp_path / "to_payer" / "done").iterdir()] == ["first.837"]
    assert not list((tmp_path / "to_payer").glob("*.837"))


def test_unfinished_and_foreign_files_are_left_alone(tmp_path: Path) -> None:
    for name in ("first.837.tmp", "notes.txt"):
        drop(tmp_path, name, b"ISA")
    run_once(tmp_path)
    assert published(tmp_path) == {}
    assert len(list((tmp_path / "to_payer").glob("*.*"))) == 2


def test_unreadable_file_is_put_away_without_an_answer(tmp_path: Path) -> None:
    drop(tmp_path, "first.837", b"no x12 at all")
    drop(tmp_path, "second.837", SECOND.encode())
    run_once(tmp_path)
    assert {name.split("-")[1] for name in published(tmp_path)} == {"000000102"}
    assert len(list((tmp_path / "to_payer" / "done").iterdir())) == 2


def test_same_bytes_again_give_the_same_files_again(tmp_path: Path) -> None:
    answered(tmp_path)
    before = published(tmp_path)
    for path in (tmp_path / "from_payer").iterdir():
        path.unlink()
    drop(tmp_path, "first.837", FIRST.encode())
    run_once(tmp_path)
    assert published(tmp_path) == before


def test_appeal_file_is_answered_once(tmp_path: Path) -> None:
    drop(tmp_path, "first.837", File([[visit("C1", "DNX1")]]).encode())
    run_once(tmp_path)
    drop(
        tmp_path, "c1.appeal.json", b'{"claim_control": "C1", "payer_control": "260928000000001", "level": 1}'
    )
    run_once(tmp_path)
    (name,) = [name for name in published(tmp_path) if name.startswith("appeal-")]
    (check,) = read_checks(published(tmp_path)[name])
    assert [(claim.status, claim.paid) for claim in check.claims] == [("22", 0), ("1", Decimal("172.5"))]
    assert not list((tmp_path / "to_payer").glob("*.json"))


class Killed(BaseException):
    """Stands for a kill: nothing in the stand-in may catch it."""


@pytest.mark.parametrize("survived", range(12))
def test_killed_at_any_step_and_restarted_gives_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for directory in (whole, broken):
        drop(directory, "1.837", FIRST.encode())
        drop(directory, "2.837", SECOND.encode())
    run_once(whole)
    left = survived

    def step() -> None:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1

    def killing(do: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object) -> object:
            step()
            return do(*arguments)

        return run

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killing(Path.replace))
        patch.setattr(Ledger, "mark_published", killing(Ledger.mark_published))
        patch.setattr(Ledger, "record_input", killing(Ledger.record_input))
        with pytest.raises(Killed):
            run_once(broken)
    run_once(broken)
    assert published(broken) == published(whole)
    assert len(list((broken / "to_payer" / "done").iterdir())) == 2
    assert not list((broken / "to_payer").glob("*.837"))


def test_process_killed_with_sigkill_loses_and_doubles_nothing(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for directory in (whole, broken):
        for number in range(1, 31):
            samples = [visit(f"C{number}N{at}", "PD1") for at in range(20)]
            drop(directory, f"{number:03d}.837", File([samples], control=f"{number:09d}").encode())
    command = [sys.executable, "-m", "rcm_deploy.payer", "--exchange-dir", str(broken), "--poll-ms", "5"]
    for goal in (5, 15):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 30
            while len(list((broken / "to_payer" / "done").glob("*.837"))) < goal:
                assert time.monotonic() < deadline
                time.sleep(0.002)
            os.kill(process.pid, signal.SIGKILL)
    assert main(["--exchange-dir", str(broken), "--once"]) == 0
    assert main(["--exchange-dir", str(whole), "--once"]) == 0
    assert published(broken) == published(whole)
    assert len(published(whole)) == 90


def test_broken_fault_file_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text('[{"fault": "explode"}]')
    assert [kind for kind, _ in answered(tmp_path)] == ["999", "277ca", "835-DHP01"]


def test_unknown_payer_can_be_added_on_the_command_line(tmp_path: Path) -> None:
    drop(tmp_path, "1.837", File([[visit("C1", "PF1", payer="XYZ01")]]).encode())
    assert main(["--exchange-dir", str(tmp_path), "--once", "--payer", "XYZ01=XYZ HEALTH"]) == 0
    assert [name for name in published(tmp_path) if name.endswith("835-XYZ01.x12")]


def test_inquiry_is_answered_whatever_its_file_is_called(tmp_path: Path) -> None:
    drop(tmp_path, "1.837", FIRST.encode())
    drop(tmp_path, "2.276", inquiry(Question("PD1", "C1")))
    drop(tmp_path, "3.edi", inquiry(Question("DN1", "C2"), control="000000902"))
    run_once(tmp_path)
    bodies = [body for name, body in published(tmp_path).items() if name.endswith("-2-277.x12")]
    assert [b"STC*F0:65*" in body or b"STC*F2:104*" in body for body in bodies] == [True, True]
    assert len(list((tmp_path / "to_payer" / "done").iterdir())) == 3


def test_request_is_a_json_file_and_its_answer_too(tmp_path: Path) -> None:
    drop(tmp_path, "1.837", File([[visit("C1", "MR1")]]).encode())
    run_once(tmp_path)
    (path,) = (tmp_path / "from_payer").glob("*.request.json")
    request = json.loads(path.read_bytes())
    assert not [name for name in published(tmp_path) if "835" in name]
    drop(tmp_path, "1.response.json", json.dumps({"request_id": request["request_id"]}).encode())
    run_once(tmp_path)
    (name,) = [name for name in published(tmp_path) if "835" in name]
    (check,) = read_checks(published(tmp_path)[name])
    assert [(claim.control, claim.status) for claim in check.claims] == [("C1", "1")]


def test_lost_appeal_is_told_in_a_json_file(tmp_path: Path) -> None:
    drop(tmp_path, "1.837", File([[visit("C1", "DNU1")]]).encode())
    drop(tmp_path, "2.appeal.json", b'{"claim_control": "C1", "level": 2, "filed_on": "2026-10-01"}')
    run_once(tmp_path)
    (path,) = (tmp_path / "from_payer").glob("*.appeal-answer.json")
    assert json.loads(path.read_bytes()) == {
        "claim_control": "C1",
        "payer_control": "260928000000001",
        "level": 2,
        "outcome": "upheld",
        "decided_on": "2026-10-01",
    }


def test_killed_while_a_due_day_is_published_and_restarted_gives_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for directory in (whole, broken):
        drop(directory, "1.837", File([[visit("C1", "LT1")]]).encode())
        run_once(directory)
        (directory / "clock").write_text("2027-01-01")
    run_once(whole)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "mark_published", _kill)
        with pytest.raises(Killed):
            run_once(broken)
    run_once(broken)
    assert published(broken) == published(whole)
    assert len([name for name in published(whole) if "835" in name]) == 1


def _kill(*_: object) -> None:
    raise Killed


def test_wrong_clock_file_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "clock").write_text("tomorrow")
    assert [kind for kind, _ in answered(tmp_path)] == ["999", "277ca", "835-DHP01"]


def test_clock_file_dates_the_answers(tmp_path: Path) -> None:
    (tmp_path / "clock").write_text("2026-10-05\n")
    assert b"DTM*405*20261005~" in dict(answered(tmp_path))["835-DHP01"]


def test_daily_payer_writes_one_remittance_for_a_day(tmp_path: Path) -> None:
    for number in (1, 2):
        content = File([[visit(f"C{number}", "PF1")]], control=f"{number:09d}").encode()
        drop(tmp_path, f"{number}.837", content)
    assert main(["--exchange-dir", str(tmp_path), "--once", "--daily"]) == 0
    assert main(["--exchange-dir", str(tmp_path), "--once", "--daily", "--date", "2026-09-29"]) == 0
    (name,) = [name for name in published(tmp_path) if "835" in name]
    (check,) = read_checks(published(tmp_path)[name])
    assert [claim.control for claim in check.claims] == ["C1", "C2"]


def test_fault_on_the_command_line_hits_every_input(tmp_path: Path) -> None:
    drop(tmp_path, "1.837", FIRST.encode())
    assert main(["--exchange-dir", str(tmp_path), "--once", "--fault", "bom", "--fault", "crlf"]) == 0
    assert all(body.startswith(b"\xef\xbb\xbf") for body in published(tmp_path).values())
    assert all(b"\r\n" in body for body in published(tmp_path).values())


def test_acknowledgements_of_ours_are_taken_and_never_answered(tmp_path: Path) -> None:
    (body,) = [body for kind, body in answered(tmp_path / "one") if kind == "999"]
    drop(tmp_path / "two", "1.x12", body)
    run_once(tmp_path / "two")
    assert published(tmp_path / "two") == {}
    assert [path.name for path in (tmp_path / "two" / "to_payer" / "done").iterdir()] == ["1.x12"]


def test_letter_goes_away_with_its_appeal(tmp_path: Path) -> None:
    drop(tmp_path, "a1.appeal.json", b'{"claim_control": "C1"}')
    for name in ("a1.appeal.pdf", "a1.note.txt", "a2.appeal.pdf", "a1.x.tmp"):
        drop(tmp_path, name, b"-")
    run_once(tmp_path)
    left = sorted(path.name for path in (tmp_path / "to_payer").glob("*.*"))
    assert left == ["a1.x.tmp", "a2.appeal.pdf"]
