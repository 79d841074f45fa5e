"""The reader takes delimiters from the ISA and keeps broken structure visible."""

import pytest
from rcm_deploy.payer.parser import Delimiters, UnreadableInterchangeError, component, element, parse_file
from unit.deploy.payer.samples import File, visit

PLAIN = File([[visit("C1", "PF1")]]).encode()


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace(b"\n", b""),
        PLAIN.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + PLAIN,
        b"\n" + PLAIN,
        PLAIN.replace(b"~\n", b"\n"),
    ],
    ids=["line breaks", "none", "crlf", "bom", "leading break", "terminator is the line break"],
)
def test_reads_the_same_segments_whatever_the_line_breaks(content: bytes) -> None:
    (interchange,) = parse_file(content)
    (group,) = interchange.groups
    (transaction,) = group.sets
    assert transaction.closed
    assert [segment[0] for segment in transaction.segments[:3]] == ["ST", "BHT", "NM1"]
    assert interchange.trailer == ["IEA", "1", "000000101"]


def test_takes_delimiters_from_the_isa() -> None:
    (interchange,) = parse_file(PLAIN.translate(bytes.maketrans(b"*:~", b"|>'")))
    assert interchange.delimiters == Delimiters("|", "^", ">", "'")


def test_keeps_an_open_set_when_the_file_is_cut() -> None:
    (interchange,) = parse_file(PLAIN[: len(PLAIN) * 2 // 3])
    assert interchange.trailer is None
    assert not interchange.groups[0].sets[0].closed


def test_reads_several_interchanges_of_one_file() -> None:
    assert len(parse_file(PLAIN + PLAIN)) == 2


@pytest.mark.parametrize("content", [b"", b"ISA", b"GS*HC~", b"ISA*00*   ", PLAIN[:105]])
def test_refuses_bytes_without_a_whole_isa(content: bytes) -> None:
    with pytest.raises(UnreadableInterchangeError):
        parse_file(content)


def test_absent_elements_and_components_are_empty() -> None:
    assert element(["CLM", "1"], 5) == ""
    assert component(["CLM", "11:B"], 1, 3, ":") == ""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("TA1*000000001*260928*0830*A*000~IEA*0*000000101~", True),
        ("GS*FA*A*B*20260928*0830*1*X*005010X231A1~ST*999*0001~SE*2*0001~GE*1*1~IEA*1*000000101~", True),
        ("GS*HC*A*B*20260928*0830*1*X*005010X222A1~GE*0*1~IEA*1*000000101~", False),
        ("IEA*0*000000101~", False),
    ],
    ids=["TA1", "999", "837", "nothing"],
)
def test_answers_are_told_from_what_wants_an_answer(body: str, expected: bool) -> None:
    header = PLAIN[: PLAIN.index(b"\n") + 1]
    (interchange,) = parse_file(header + body.encode())
    assert interchange.only_answers is expected
    assert interchange.stray == 0
