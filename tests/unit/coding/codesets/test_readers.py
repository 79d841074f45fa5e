"""Readers of published files over small own-made ones in the real layouts."""

from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest
from rcm_coding.codesets import hcpcs, licensed, ncci, order
from rcm_coding.codesets.alphabetic import read_index
from rcm_coding.codesets.drg_tables import read_exclusions, read_table5
from rcm_coding.codesets.lines import BrokenFileError
from rcm_coding.codesets.poa import read_poa_exempt


def _row(at: int, code: str, flag: int, title: str) -> bytes:
    return f"{at:05d} {code:<7} {flag} {title:<60} {title}\r\n".encode()


LETTERS = sorted(order.CM_LETTERS)


def _cm(rows: list[bytes] | None = None) -> list[bytes]:
    return rows or [
        _row(at, f"{letter}01", 1, f"Made disease {letter}") for at, letter in enumerate(LETTERS, 1)
    ]


def test_order_file_gives_code_flag_and_titles() -> None:
    rows = list(order.read_order(_cm()))
    assert (rows[3].code, rows[3].billable, rows[3].title) == ("D01", True, "Made disease D")


@pytest.mark.parametrize(
    ("rows", "line", "reason"),
    [
        (lambda: _cm()[:9], 9, "truncated"),
        (lambda: [*_cm()[:3], *_cm()[4:]], 4, "rows are missing"),
        (lambda: [*_cm()[:-1], _cm()[-1][:40]], 26, "cut off|no row"),
        (lambda: [*_cm(), _row(27, "A01", 1, "Again")], 27, "twice"),
        (lambda: [b"<html>\n"], 1, "no row"),
        (lambda: [], 0, "empty"),
    ],
)
def test_broken_order_file_is_refused_with_line_and_reason(
    rows: Callable[[], list[bytes]], line: int, reason: str
) -> None:
    with pytest.raises(BrokenFileError, match=reason) as caught:
        list(order.read_order(rows()))
    assert caught.value.line == line


def test_a_second_character_may_be_a_letter() -> None:
    rows = _cm()
    rows[16] = _row(17, "QA00101", 1, "Made syndrome")
    assert list(order.read_order(rows))[16].code == "QA00101"


def test_addendum_without_its_counts_is_refused() -> None:
    lines = [b"Add:         1 B8801   Made mite" + b" " * 52 + b"Made mite\r\n"]
    with pytest.raises(BrokenFileError, match="truncated"):
        list(order.read_addenda(lines))
    changes = list(order.read_addenda([*lines, b"Codes\n", b"      1 additions\n", b"      0 deletions\n"]))
    assert [(item.action, item.code, item.billable) for item in changes] == [("add", "B8801", True)]


def test_poa_list_of_another_year_is_refused() -> None:
    lines = [b"Order26\tPOAexemptCode\tDescription\r\n", b"01238\tB90.0\tMade sequelae\r\n"]
    assert list(read_poa_exempt(lines, year=2026)) == [("B900", "Made sequelae")]
    with pytest.raises(BrokenFileError, match="not of FY2027"):
        list(read_poa_exempt(lines, year=2027))


def test_table5_reads_capped_weight_and_needs_the_last_drg() -> None:
    head = b'"Table 5 of a made rule\nsecond line"\n'.splitlines(keepends=True)
    row = b"193\tYes\tNo\t04\tMEDICAL\tMade lungs\t1.3000\t1.3144\t4.0\t5.0\n"
    last = b"999\tNo\tNo\t\t\tUngroupable\t0\t0\t0\t0\n"
    found = list(read_table5([*head, row, last]))
    assert (found[0].drg, str(found[0].weight)) == ("193", "1.3144")
    with pytest.raises(BrokenFileError, match="DRG 999"):
        list(read_table5([*head, row]))


def test_table6k_collection_must_have_its_size() -> None:
    lines = [b"A000 MCC 1:2 codes\n", b"PDX collection 1\n", b"A000 made\n", b"A001 made\n"]
    rows, collections = read_exclusions(lines)
    assert rows[0].collection == 1
    assert collections[1] == {"A000", "A001"}
    with pytest.raises(BrokenFileError, match="truncated"):
        read_exclusions(lines[:-1])


def _anweb(code: str, record: str, title: str, start: str = "20200101", end: str = "") -> bytes:
    line = [" "] * 320
    place = {0 if record in "34" else 3: code, 5: "00100", 10: record, 11: title, 91: title[:28], 229: "C"}
    for at, text in {**place, 268: start, 276: start, 284: end}.items():
        line[at : at + len(text)] = text
    return ("".join(line) + "\n").encode()


def test_anweb_text_joins_long_titles_and_refuses_dental_and_cpt_rows() -> None:
    left: Counter[str] = Counter()
    lines = [
        _anweb("A0001", "3", "Made supply"),
        _anweb("A0001", "4", "of a kind"),
        _anweb("D0120", "3", "Not ours"),
        _anweb("99213", "3", "Not ours"),
        _anweb("RT", "7", "Made side", end="20260630"),
    ]
    rows = list(hcpcs.read_anweb_text(lines, left))
    assert [(row.code, row.title) for row in rows] == [
        ("A0001", "Made supply of a kind"),
        ("RT", "Made side"),
    ]
    assert left == {hcpcs.DENTAL: 1, hcpcs.CPT: 1}
    assert rows[1].in_force(date(2026, 6, 30))
    assert not rows[1].in_force(date(2026, 7, 1))


def test_anweb_csv_finds_columns_by_name() -> None:
    head = b"HCPC,SEQNUM,LONG DESCRIPTION,SHORT DESCRIPTION,COV,ADD DT,TERM DT,ACT EFF DT\n"
    left: Counter[str] = Counter()
    rows = list(
        hcpcs.read_anweb_csv([head, b"J1000,1,Made drug,Made,C,20200101,,20200101\n", b"D1,1\n"][:2], left)
    )
    assert rows[0].code == "J1000"
    with pytest.raises(BrokenFileError, match="cell is missing"):
        list(hcpcs.read_anweb_csv([head, b"J1000,1\n"]))


PTP = [b"made notice\n"] * 6 + [
    b"0001U\t0030U\t \t20180701\t*\t1\tMade\n",
    b"0001U\t0029U\t \t20180701\t20260630\t1\tMade\n",
    b"0001A\tG0008\t \t20220101\t20220101\t9\tMade\n",
]


def test_pairs_are_in_force_until_their_deletion_date() -> None:
    still, ended, never = ncci.read_pairs(PTP)
    assert still.in_force(date(2026, 11, 22))
    assert ended.in_force(date(2026, 6, 30))
    assert not ended.in_force(date(2026, 7, 1))
    assert not never.in_force(date(2022, 1, 1))


def test_cut_pair_is_refused_with_its_line() -> None:
    with pytest.raises(BrokenFileError) as caught:
        list(ncci.read_pairs([*PTP[:7], b"0001U\t00\n"]))
    assert caught.value.line == 8


def test_mue_skips_the_notice_with_line_breaks() -> None:
    notice = b'"Made notice\nmore of it",,,\n"HCPCS/\nCPT Code",Units,Indicator,Rationale\n'.splitlines(
        keepends=True
    )
    rows = list(ncci.read_unit_limits([*notice, b"0001A,2,2 Date of Service Edit: Policy,Made\n"]))
    assert (rows[0].units, rows[0].adjudication) == (2, "2")


def test_cpt_texts_never_show() -> None:
    lines = [b"Code\tDesc\n", b"0001A\tZQSECRET\n"]
    (row,) = licensed.read_cpt(lines, {"code": "Code", "short": "Desc"})
    assert row.short == "ZQSECRET"
    assert "ZQSECRET" not in repr(row)
    with pytest.raises(BrokenFileError) as caught:
        list(licensed.read_cpt([*lines, b"ZQSECRET\tx\n"], {"code": "Code", "short": "Desc"}))
    assert "ZQSECRET" not in str(caught.value)


INDEX = b"""<?xml version="1.0"?>
<ICD10CM.index><version>2026</version><title>INDEX TO DISEASES</title><letter><title>A</title>
<mainTerm><title>Abscess<nemod>(acute)</nemod></title><code>L02.91</code>
<term level="1"><title>brain</title><code>G06.0</code></term></mainTerm>
<mainTerm><title>Ache</title><see>Pain</see></mainTerm></letter></ICD10CM.index>
"""


def test_index_words_follow_the_path() -> None:
    index = read_index(INDEX, least=1)
    assert [(term.path, term.codes) for term in index.terms] == [
        (("Abscess",), ((1, "L0291"),)),
        (("Abscess", "brain"), ((1, "G060"),)),
        (("Ache",), ()),
    ]


@pytest.mark.parametrize(
    ("body", "reason"), [(INDEX[:200], "well-formed"), (INDEX, "truncated"), (b"<a/>", "no ICD-10-CM index")]
)
def test_broken_index_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(BrokenFileError, match=reason):
        read_index(body)
