"""Files in, files out: fault by fault, and killed at every step."""

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
from rcm_deploy.payer.__main__ import main
from rcm_deploy.payer.answering import Desk
from rcm_deploy.payer.exchange import Exchange
from rcm_deploy.payer.faults import UNKNOWN_CONTROL
from rcm_deploy.payer.ledger import Ledger
from rcm_deploy.payer.rules import Rules
from unit.deploy.payer.oracles import oxedi_findings, pyx12_findings, read_checks, segments_of
from unit.deploy.payer.samples import File, visit

FIRST = File([[visit("C1", "PD1"), visit("C2", "DN1")]])
SECOND = File([[visit("C3", "PF1")]], control="000000102")


def drop(directory: Path, name: str, content: bytes) -> None:
    inbox = directory / "to_payer"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / name).write_bytes(content)


def run_once(directory: Path) -> None:
    ledger = Ledger(directory / "payer.sqlite3")
    try:
        exchange = Exchange(directory, ledger, Desk(ledger, Rules()))
        exchange.recover()
        exchange.poll()
    finally:
        ledger.close()


def published(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((directory / "from_payer").iterdir())}


def answered(directory: Path, fault: str | None = None, **match: object) -> list[tuple[str, bytes]]:
    """Answer FIRST under a fault; returns (kind, bytes) in the order of appearance."""
    if fault:
        directory.mkdir(exist_ok=True)
        (directory / "faults.json").write_text(json.dumps([{"match": match, "fault": fault}]))
    drop(directory, "first.837", FIRST.encode())
    run_once(directory)
    return [
        (name.split("-", 4)[4].removesuffix(".x12"), body)
        for name, body in sorted(published(directory).items())
    ]


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


def test_fault_ack_missing_leaves_only_the_remittance(tmp_path: Path) -> None:
    assert [kind for kind, _ in answered(tmp_path, "ack-missing", nth_file=1)] == ["835-DHP01"]


@pytest.mark.parametrize(
    ("fault", "order"),
    [
        ("277ca-before-999", ["277ca", "999", "835-DHP01"]),
        ("835-before-277ca", ["999", "835-DHP01", "277ca"]),
    ],
)
def test_fault_changes_the_order(tmp_path: Path, fault: str, order: list[str]) -> None:
    assert [kind for kind, _ in answered(tmp_path, fault, claim_control="C2")] == order


def test_fault_same_file_twice_repeats_the_bytes(tmp_path: Path) -> None:
    *_, (kind, first), (again, second) = answered(tmp_path, "same-file-twice", member_prefix="PD")
    assert (kind, again) == ("835-DHP01", "835-DHP01-again")
    assert first == second


def test_fault_new_isa13_changes_only_the_envelope(tmp_path: Path) -> None:
    *_, (_, first), (kind, second) = answered(tmp_path, "same-content-new-isa13", nth_file=1)
    assert kind == "835-DHP01-renumbered"
    assert segments_of(first)[1:-1] == segments_of(second)[1:-1]
    assert segments_of(second)[0][13] == segments_of(second)[-1][2] == "900000003"
    assert oxedi_findings(second) == []


@pytest.mark.parametrize("fault", ["truncated", "wrong-se01", "unbalanced-bpr"])
def test_fault_breaks_the_remittance_for_the_oracle(tmp_path: Path, fault: str) -> None:
    answers = dict(answered(tmp_path, fault, nth_file=1))
    assert oxedi_findings(answers["835-DHP01"])
    assert pyx12_findings(answers["999"]) == []


def test_fault_unknown_clp01_hits_the_named_claim(tmp_path: Path) -> None:
    answers = dict(answered(tmp_path, "unknown-clp01", claim_control="C2"))
    (check,) = read_checks(answers["835-DHP01"])
    assert [claim.control for claim in check.claims] == ["C1", UNKNOWN_CONTROL]


def test_fault_pipe_delimiters_still_reads(tmp_path: Path) -> None:
    for kind, body in answered(tmp_path, "pipe-delimiters", nth_file=1):
        assert body.startswith(b"ISA|")
        assert b"*" not in body
        if kind != "277ca":
            assert pyx12_findings(body) == []
    assert oxedi_findings(body) == []


def test_fault_no_newline_writes_one_line(tmp_path: Path) -> None:
    for _, body in answered(tmp_path, "no-newline", nth_file=1):
        assert b"\n" not in body


def test_fault_bom_starts_the_file(tmp_path: Path) -> None:
    for _, body in answered(tmp_path, "bom", nth_file=1):
        assert body.startswith(b"\xef\xbb\xbfISA*")


def test_fault_that_matches_nothing_changes_nothing(tmp_path: Path) -> None:
    plain = answered(tmp_path / "plain")
    assert answered(tmp_path / "other", "truncated", member_prefix="RJ") == plain


def test_faults_combine_and_delimiters_come_last(tmp_path: Path) -> None:
    rules = [{"fault": "pipe-delimiters"}, {"match": {"nth_file": 1}, "fault": "unbalanced-bpr"}]
    (tmp_path / "faults.json").write_text(json.dumps(rules))
    body = dict(answered(tmp_path))["835-DHP01"]
    assert b"BPR|I|160|" in body


def test_broken_fault_file_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text('[{"fault": "explode"}]')
    assert [kind for kind, _ in answered(tmp_path)] == ["999", "277ca", "835-DHP01"]


def test_without_the_fault_the_same_file_brings_the_sound_answers(tmp_path: Path) -> None:
    broken = dict(answered(tmp_path, "truncated", nth_file=1))
    (tmp_path / "faults.json").unlink()
    sound = dict(answered(tmp_path))
    assert len(sound["835-DHP01"]) > len(broken["835-DHP01"])
    assert oxedi_findings(sound["835-DHP01"]) == []


def test_unknown_payer_can_be_added_on_the_command_line(tmp_path: Path) -> None:
    drop(tmp_path, "1.837", File([[visit("C1", "PF1", payer="XYZ01")]]).encode())
    assert main(["--exchange-dir", str(tmp_path), "--once", "--payer", "XYZ01=XYZ HEALTH"]) == 0
    assert [name for name in published(tmp_path) if name.endswith("835-XYZ01.x12")]
