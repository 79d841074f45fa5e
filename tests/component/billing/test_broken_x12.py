"""Files that do not hold: the segment is named, nothing is raised, and odd but legal files pass."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_billing.x12.explain import FileExplained, explain
from rcm_billing.x12.problems import Problem
from unit.billing.x12 import files

GOOD = files.EVERY_TYPE["837P"]


def errors(data: bytes) -> list[Problem]:
    found = explain(data)
    return [
        problem for part in found.parts for problem in part.problems.listed() if problem.severity == "error"
    ]


def codes(data: bytes) -> set[str]:
    return {problem.code for problem in errors(data)}


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + GOOD,
        b"\r\n\r\n  " + GOOD,
        files.whole("837", files.P_GUIDE, files.CLAIM_837P, behind="\r\n"),
        files.whole("837", files.P_GUIDE, files.CLAIM_837P, behind="\n"),
        files.whole("837", files.P_GUIDE, files.CLAIM_837P, delimiters="|>!\x1c"),
        files.whole("837", files.P_GUIDE, files.CLAIM_837P, delimiters="*:^\n"),
        files.whole("837", files.P_GUIDE, files.CLAIM_837P, delimiters="*:^\r", behind="\n"),
        GOOD + b"\x1a",
        GOOD + b"\n" + files.whole("835", files.REMIT_GUIDE, files.REMITTANCE, delimiters="|>!'"),
    ],
    ids=["bom", "blank lines", "crlf", "lf", "odd delimiters", "lf only", "crlf only", "ctrl-z", "two"],
)
def test_odd_but_legal_file_holds(data: bytes) -> None:
    assert errors(data) == []
    assert explain(data).parts[0].claims[0].charged_cents == 15050


def test_interchanges_with_own_delimiters_are_parts_of_their_own() -> None:
    second = files.whole("835", files.REMIT_GUIDE, files.REMITTANCE, delimiters="|>!'", control="000000002")
    assert [part.kind for part in explain(GOOD + second).parts] == ["837P", "835"]


def test_two_groups_of_different_type_are_two_parts() -> None:
    content = [
        *files.group("837", files.P_GUIDE, [files.transaction("837", files.P_GUIDE, files.CLAIM_837P)]),
        *files.group(
            "835",
            files.REMIT_GUIDE,
            [files.transaction("835", files.REMIT_GUIDE, files.REMITTANCE)],
            control="2",
        ),
    ]
    data = files.interchange(content, groups=2)
    assert [part.kind for part in explain(data).parts] == ["837P", "835"]
    assert errors(data) == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b" \r\n ", "empty"),
        (b"PK\x03\x04\x00binary", "not-x12"),
        (b'{"resourceType": "Bundle"}', "not-x12"),
        (b"MSH|^~\\&|A|B", "no-isa"),
        (GOOD[106:], "no-isa"),
        (GOOD.decode().encode("utf-16"), "encoding"),
        (b"ISA", "isa-unreadable"),
        (GOOD[:60], "isa-unreadable"),
        (GOOD[:104], "isa-unreadable"),
        (GOOD.replace(b"ISA*00*          *00", b"ISA*00*00"), "isa-unreadable"),
        (GOOD.replace(b"SENDER         ", b"SENDER"), "isa-width"),
        (GOOD.replace(b"*:~", b"*:|", 1), "terminator"),
        (GOOD.replace(b"~LX*2", b"\nLX*2", 1), "line-break"),
    ],
)
def test_unreadable_file_is_refused_with_its_reason(data: bytes, code: str) -> None:
    assert code in codes(data)


@pytest.mark.parametrize(
    ("old", "new", "code", "tag"),
    [
        (b"SE*28*", b"SE*27*", "set-count", "SE"),
        (b"GE*1*1", b"GE*2*1", "group-count", "GE"),
        (b"IEA*1*", b"IEA*3*", "interchange-count", "IEA"),
        (b"IEA*1*000000001", b"IEA*1*000000002", "interchange-control", "IEA"),
        (b"GE*1*1~", b"GE*1*9~", "group-control", "GE"),
        (b"*0001~GE", b"*0002~GE", "set-control", "SE"),
        (b"GS*HC", b"GS*HP", "functional-group", "GS"),
        (b"HL*2*1*22", b"HL*3*1*22", "hl-number", "HL"),
        (b"HL*2*1*22", b"HL*2*7*22", "hl-parent", "HL"),
        (b"HL*1**20*1~", b"HL*1**20*0~", "hl-child", "HL"),
        (b"CLM*C0001*150.5*", b"CLM*C0001*150.4*", "claim-total", "CLM"),
        (b"CLM*C0001*150.5*", b"CLM*C0001*abc*", "amount", "CLM"),
        (b"CLM*C0001*150.5*", b"CLM*C0001*1E3*", "amount", "CLM"),
        (b"*1:2~", b"*1:3~", "pointer", "SV1"),
        (b"D8*20260901", b"D8*20260231", "date", "DTP"),
        (b"REF*6R*L1~", b"ZZZ*6R*L1~", "unknown-segment", "ZZZ"),
        (b"REF*6R*L1~", b"SBR*S~", "misplaced-segment", "SBR"),
        (b"N3*1 MAIN STREET~N4*BOSTON*MA*021110000~", b"N4*BOSTON~N3*X~", "misplaced-segment", "N3"),
        (b"~LX*1~", b"~*1~", "segment-name", "?"),
        (b"~LX*1~", b"~LX|1~", "element-separator", "LX"),
        (b"005010X222A1~ST", b"005010X999~ST", "guide", "ST"),
    ],
)
def test_fault_names_its_segment(old: bytes, new: bytes, code: str, tag: str) -> None:
    assert GOOD.count(old)
    found = [problem for problem in errors(GOOD.replace(old, new, 1)) if problem.code == code]
    assert found
    assert found[0].segment == tag
    assert f"segment {found[0].position}" in found[0].where


def test_npi_with_wrong_check_digit_is_a_warning() -> None:
    explained = explain(GOOD.replace(b"1234567893", b"1234567890"))
    assert [problem.code for problem in explained.parts[0].problems.listed()] == ["npi"]
    assert explained.errors == 0


def _survives(data: bytes) -> FileExplained:
    explained = explain(data)
    json.dumps([part.as_json() for part in explained.parts])
    return explained


@pytest.mark.parametrize("name", files.EVERY_TYPE)
def test_file_cut_short_anywhere_is_refused(name: str) -> None:
    data = files.EVERY_TYPE[name]
    for end in range(0, len(data), 13):
        assert _survives(data[:end]).errors


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(files.EVERY_TYPE)), data=st.data())
def test_damaged_file_is_explained_or_refused_never_raised(name: str, data: st.DataObject) -> None:
    content = bytearray(files.EVERY_TYPE[name])
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(("set", "cut", "put", "twice")))
        if kind == "set":
            content[place] = data.draw(st.sampled_from(b"*:~^>|\n\x00\xff9A-. "))
        elif kind == "cut":
            del content[place : place + data.draw(st.integers(1, 40))]
        elif kind == "put":
            content[place:place] = data.draw(st.sampled_from([b"~", b"*", b"~HL*1~", b"~CAS*CO~", b"~TA1~"]))
        else:
            content[place:place] = content[place : place + 60]
        if not content:
            break
    _survives(bytes(content))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_not_raised(data: bytes) -> None:
    assert _survives(data).errors
    _survives(GOOD[:106] + data)


def test_ten_megabytes_are_explained_with_a_bounded_list_of_problems() -> None:
    lines = ["BPR*I*0*C*NON************20260930", *files.REMITTANCE[1:9]]
    for number in range(20_000):
        lines += [f"CLP*C{number}*1*100*80*15*12*ICN{number}", "SVC*HC:99213*100*80", "CAS*CO*45*15**3*5"]
    data = files.whole("835", files.REMIT_GUIDE, lines)
    explained = explain(data)
    (part,) = explained.parts
    assert len(part.claims) == 20_000
    assert explained.errors == 1  # the payment; every claim balances
    assert len(part.problems.listed()) < 300
