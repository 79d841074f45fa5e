"""Every fault on demand shows in what is written, and a sound control shows that it is the fault that does it."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import oxedi
import pytest
from component.payer.folders import answered, drop, kinds, published, run_once
from component.payer.oracles import (
    assert_balanced,
    oxedi_findings,
    pyx12_findings,
    read_checks,
    segments_of,
)
from rcm_deploy.payer.damage import UNKNOWN_CONTROL, OutFile, apply_faults
from rcm_deploy.payer.faults import DESCRIPTIONS, PREFIXES, ActiveFault, FaultName, FaultRule
from rcm_deploy.payer.filler import fill_up
from unit.deploy.payer.samples import File, visit

Kinds = list[tuple[str, bytes]]


def two_payers(prefix: str) -> bytes:
    """Two claims of one payer and one of another, all with a member prefix."""
    samples = [visit("C1", f"{prefix}1"), visit("C2", f"{prefix}2"), visit("C3", f"{prefix}3", payer="DMC01")]
    return File([samples]).encode()


def remits(files: Kinds) -> list[bytes]:
    return [body for kind, body in files if kind.startswith("835")]


def names(files: Kinds) -> list[str]:
    return [kind for kind, _ in files]


def counted(body: bytes) -> bool:
    """Whether SE01 of the first set is the number of its segments."""
    segments = segments_of(body)
    start, end = (next(at for at, one in enumerate(segments) if one[0] == tag) for tag in ("ST", "SE"))
    return segments[end][1] == str(end - start + 1)


def balanced(body: bytes) -> bool:
    try:
        assert_balanced(body)
    except AssertionError:
        return False
    return True


SOUND = ["999", "277ca", "835-DHP01", "835-DMC01"]

#: How each fault shows. Each is false of the sound answers.
SHOWS: dict[FaultName, Callable[[Kinds], bool]] = {
    FaultName.ACK_MISSING: lambda files: names(files) == ["835-DHP01", "835-DMC01"],
    FaultName.CA277_BEFORE_999: lambda files: names(files)[:2] == ["277ca", "999"],
    FaultName.REMIT_BEFORE_277CA: lambda files: names(files)[-1] == "277ca",
    FaultName.SAME_FILE_TWICE: lambda files: len(remits(files)) == 4 and len(set(remits(files))) == 2,
    FaultName.SAME_CONTENT_NEW_ISA13: lambda files: len(set(remits(files))) == 4,
    FaultName.TWO_PAYERS_ONE_ISA: lambda files: names(files) == ["999", "277ca", "835-all"],
    FaultName.HUGE_FILE: lambda files: max(map(len, remits(files))) >= 50_000_000,
    FaultName.TRUNCATED: lambda files: all(b"IEA*" not in body for body in remits(files)),
    FaultName.WRONG_SE01: lambda files: not any(map(counted, remits(files))),
    FaultName.UNBALANCED_BPR: lambda files: not any(map(balanced, remits(files))),
    FaultName.UNKNOWN_CLP01: lambda files: UNKNOWN_CONTROL.encode() in remits(files)[0],
    FaultName.PIPE_DELIMITERS: lambda files: all(body.startswith(b"ISA|00|") for _, body in files),
    FaultName.NO_NEWLINE: lambda files: all(b"\n" not in body for _, body in files),
    FaultName.CRLF: lambda files: all(body.count(b"~\r\n") == body.count(b"~") for _, body in files),
    FaultName.BOM: lambda files: all(body.startswith(b"\xef\xbb\xbfISA") for _, body in files),
    FaultName.LATE: lambda files: names(files) == ["999", "277ca"],
    FaultName.BATCHED: lambda files: names(files) == ["999", "277ca"],
    FaultName.SPLIT_FILES: lambda files: (
        names(files) == ["999", *["277ca"] * 3, "835-DHP01", "835-DHP01", "835-DMC01"]
    ),
}


def test_every_fault_has_a_prefix_a_description_and_a_test() -> None:
    assert set(PREFIXES.values()) == set(DESCRIPTIONS) == set(SHOWS) == set(FaultName)


@pytest.mark.parametrize("fault", list(FaultName))
def test_fault_comes_by_its_prefix_by_settings_and_by_argument(tmp_path: Path, fault: FaultName) -> None:
    prefix = next(prefix for prefix, name in PREFIXES.items() if name is fault)
    shows = SHOWS[fault]
    sound = answered(tmp_path / "sound", content=two_payers("PF"))
    assert names(sound) == SOUND
    assert not shows(sound)
    assert shows(answered(tmp_path / "prefix", content=two_payers(prefix)))
    assert shows(answered(tmp_path / "settings", fault, two_payers("PF"), member_prefix="PF"))
    drop(tmp_path / "argument", "1.837", two_payers("PF"))
    run_once(tmp_path / "argument", [FaultRule(fault=fault)])
    assert shows(kinds(tmp_path / "argument"))


#: These change which checks are paid, and so their deposits.
OTHER_CHECKS = (FaultName.LATE, FaultName.BATCHED, FaultName.SPLIT_FILES)


@pytest.mark.parametrize("fault", [fault for fault in FaultName if fault not in OTHER_CHECKS])
def test_fault_never_touches_the_files_beside_the_835(tmp_path: Path, fault: FaultName) -> None:
    for folder, name in (("sound", None), ("faulty", fault)):
        answered(tmp_path / folder, name, two_payers("PF"))
    sound, faulty = (
        sorted(path.read_bytes() for path in (tmp_path / folder / "from_payer").glob("*.deposit.json"))
        for folder in ("sound", "faulty")
    )
    assert len(sound) == 2
    assert sound == faulty


HARMLESS = [
    FaultName.ACK_MISSING,
    FaultName.CA277_BEFORE_999,
    FaultName.REMIT_BEFORE_277CA,
    FaultName.SAME_FILE_TWICE,
    FaultName.SAME_CONTENT_NEW_ISA13,
    FaultName.TWO_PAYERS_ONE_ISA,
    FaultName.SPLIT_FILES,
    FaultName.NO_NEWLINE,
    FaultName.CRLF,
    FaultName.PIPE_DELIMITERS,
]


@pytest.mark.parametrize("fault", HARMLESS)
def test_odd_but_lawful_files_still_pass_both_oracles(tmp_path: Path, fault: FaultName) -> None:
    files = answered(tmp_path, fault, two_payers("PD"))
    for kind, body in files:
        if kind != "277ca":
            assert pyx12_findings(body) == []
        if kind.startswith("835"):
            assert oxedi_findings(body) == []
            if fault is not FaultName.PIPE_DELIMITERS:
                assert_balanced(body)


@pytest.mark.parametrize("fault", [FaultName.TRUNCATED, FaultName.WRONG_SE01, FaultName.UNBALANCED_BPR])
def test_broken_files_are_broken_for_the_oracle_too(tmp_path: Path, fault: FaultName) -> None:
    for body in remits(answered(tmp_path, fault, two_payers("PD"))):
        assert oxedi_findings(body)


def test_two_payers_in_one_isa_keep_their_groups(tmp_path: Path) -> None:
    (body,) = remits(answered(tmp_path, "two-payers-one-isa", two_payers("PF")))
    segments = segments_of(body)
    assert segments[-1] == ["IEA", "2", segments[0][13]]
    assert [one[2] for one in segments if one[:2] == ["REF", "2U"]] == ["DHP01", "DMC01"]
    assert [one[0] for one in segments].count("GS") == 2


def test_one_payer_alone_is_left_as_it_is(tmp_path: Path) -> None:
    assert names(answered(tmp_path, "two-payers-one-isa")) == ["999", "277ca", "835-DHP01"]


def test_late_files_come_once_the_clock_file_says_so(tmp_path: Path) -> None:
    answered(tmp_path, "late-90-days")
    before = set(published(tmp_path))
    (tmp_path / "clock").write_text("2026-12-26")
    run_once(tmp_path)
    assert set(published(tmp_path)) == before
    (tmp_path / "clock").write_text("2026-12-27")
    (tmp_path / "faults.json").unlink()
    run_once(tmp_path)
    (name,) = set(published(tmp_path)) - before
    assert name == "DEMOGENERAL-20261227-due000001-1-835-DHP01.x12"
    (check,) = read_checks(published(tmp_path)[name])
    assert [claim.control for claim in check.claims] == ["C1", "C2"]


def test_late_hits_only_the_claims_it_names(tmp_path: Path) -> None:
    files = answered(tmp_path, "late-90-days", claim_control="C2")
    (check,) = read_checks(remits(files)[0])
    assert [claim.control for claim in check.claims] == ["C1"]


def test_batched_files_of_a_day_come_as_one(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text('[{"fault": "batched"}]')
    for number in (1, 2, 3):
        content = File([[visit(f"C{number}", "PF1")]], control=f"{number:09d}").encode()
        drop(tmp_path, f"{number}.837", content)
    run_once(tmp_path)
    assert not [name for name in published(tmp_path) if "835" in name]
    drop(tmp_path, "4.837", File([[visit("C4", "PF1")]], control="000000004", day="20260929").encode())
    run_once(tmp_path)
    (name,) = [name for name in published(tmp_path) if "835" in name]
    (check,) = read_checks(published(tmp_path)[name])
    assert [claim.control for claim in check.claims] == ["C1", "C2", "C3"]


def test_split_files_hold_one_claim_each_and_balance(tmp_path: Path) -> None:
    bodies = remits(answered(tmp_path, "split-files", two_payers("PD")))
    checks = [check for body in bodies for check in read_checks(body)]
    assert [[claim.control for claim in check.claims] for check in checks] == [["C1"], ["C2"], ["C3"]]
    assert len({check.trace for check in checks}) == 3


def test_huge_file_is_sound_and_keeps_its_own_claims(tmp_path: Path) -> None:
    body = remits(answered(tmp_path, "huge-file"))[0]
    assert 50_000_000 <= len(body) < 50_600_000
    assert oxedi.parse(body).diagnostics == []
    assert body.startswith(b"ISA*")
    assert re.findall(rb"CLP\*(C\d)\*", body) == [b"C1", b"C2"]


def test_filled_file_passes_pyx12_and_balances(tmp_path: Path) -> None:
    body = dict(answered(tmp_path))["835-DHP01"]
    filled = fill_up(body, 200_000)
    assert len(filled) >= 200_000
    assert pyx12_findings(filled) == []
    assert_balanced(filled)
    assert len(read_checks(filled)) > 1


def test_size_of_a_huge_file_can_be_set(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text('[{"fault": "huge-file", "megabytes": 2}]')
    assert 2_000_000 <= len(remits(answered(tmp_path))[0]) < 2_600_000


def test_fault_is_a_pure_function_of_files() -> None:
    files = [OutFile("S", "999", b"ISA*1~\n"), OutFile("S", "835-X", b"ISA*2~\n")]
    assert apply_faults(files, [ActiveFault(FaultName.NO_NEWLINE)]) == [
        OutFile("S", "999", b"ISA*1~"),
        OutFile("S", "835-X", b"ISA*2~"),
    ]
    assert apply_faults(files, []) == files


def test_faults_and_answers_are_the_same_on_every_run(tmp_path: Path) -> None:
    digests = []
    for run in ("one", "two"):
        answered(tmp_path / run, "same-content-new-isa13", two_payers("MX"))
        bodies = b"".join(published(tmp_path / run).values())
        digests.append(hashlib.sha256(bodies).hexdigest())
    assert digests[0] == digests[1]


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


def test_without_the_fault_the_same_file_brings_the_sound_answers(tmp_path: Path) -> None:
    broken = dict(answered(tmp_path, "truncated", nth_file=1))
    (tmp_path / "faults.json").unlink()
    sound = dict(answered(tmp_path))
    assert len(sound["835-DHP01"]) > len(broken["835-DHP01"])
    assert oxedi_findings(sound["835-DHP01"]) == []
