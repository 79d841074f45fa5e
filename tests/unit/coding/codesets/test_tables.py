"""Published tables in their real layouts with own-made rows: what is read, and what is refused with its line."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date

import pytest
from rcm_coding.codesets import fees, hcpcs, licensed, ncci
from rcm_coding.codesets.catalog import SYSTEMS, begins_in
from rcm_coding.codesets.lines import BrokenFileError
from rcm_coding.codesets.poa import read_poa_exempt
from rcm_coding.codesets.tables import LISTING, TABLES, Cells, Entry, Layout, entries

BOM = b"\xef\xbb\xbf"
NONE = Layout({}, "\t")


def crlf(text: str) -> list[bytes]:
    return [f"{line}\r\n".encode() for line in text.strip("\n").split("\n")]


def rows(system: str, name: str, lines: list[bytes]) -> list[Cells]:
    return list(TABLES[system].read({name: lambda: lines}, NONE))


# --- HCPCS Level II, csv and fixed width

ANWEB = """
HCPC,SEQNUM,RECID,LONG DESCRIPTION,SHORT DESCRIPTION,PRICE1,COV,BETOS,ADD DT,ACT EFF DT,TERM DT,ACTION CD
   A1,0010,7,"Made dressing, one",Made dressing,,C,,20020701,20020701,,N
A0021,0010,3,"Made transport, per mile",Made transport,00,I,O1A,19850401,19970101,,N
D0120,0010,3,Made tooth,Made tooth,,D,,20000101,20000101,,N
99213,0010,3,Made visit,Made visit,,D,,20000101,20000101,,N
G9999,0010,3,Made service,Made service,,C,,20190101,20200101,20191231,N
"""


def test_anweb_csv_is_read_with_byte_order_mark_and_crlf() -> None:
    lines = crlf(ANWEB)
    assert rows("hcpcs", "HCPC2026_OCT_ANWEB.csv", [BOM + lines[0], *lines[1:]]) == [
        ("A1", "modifier", "C", "2002-07-01", "2002-07-01", ""),
        ("A0021", "code", "I", "1985-04-01", "1997-01-01", ""),
        ("G9999", "code", "C", "2019-01-01", "2020-01-01", "2019-12-31"),
    ]


def test_anweb_refuses_dental_and_cpt_rows_and_says_how_many() -> None:
    left: Counter[str] = Counter()
    kept = [row.code for row in hcpcs.read_anweb_csv(crlf(ANWEB), left)]
    assert kept == ["A1", "A0021", "G9999"]
    assert left == {hcpcs.DENTAL: 1, hcpcs.CPT: 1}


def anweb_line(code: str, record: str, title: str) -> bytes:
    line = [" "] * 320
    place = {0 if record in "34" else 3: code, 5: "00100", 10: record, 11: title, 91: title[:28], 229: "C"}
    for at, text in {**place, 268: "20200101", 276: "20200101"}.items():
        line[at : at + len(text)] = text
    return ("".join(line) + "\r\n").encode()


def test_anweb_text_passes_over_the_continuation_of_a_refused_row() -> None:
    lines = [
        anweb_line("A0021", "3", "Made"),
        anweb_line("D0120", "3", "Not"),
        anweb_line("D0120", "4", "ours"),
        anweb_line("RT", "7", "Side"),
    ]
    assert [row.code for row in hcpcs.read_anweb_text(lines)] == ["A0021", "RT"]
    with pytest.raises(BrokenFileError, match="continuation") as caught:
        list(hcpcs.read_anweb_text([lines[0], lines[2]]))
    assert caught.value.line == 2


# --- NCCI

PTP_HEAD = """
Made notice.\t\t\t\t\t\t
Column1/Column2 Edits\t\t\t\t\t\t
Column 1\tColumn 2\t*=in existence\tEffective\tDeletion\tModifier\tPTP Edit Rationale
\t\tprior to 1996\tDate\tDate\t0=not allowed\t
\t\t\t\t*=no data\t1=allowed\t
\t\t\t\t\t9=not applicable\t
"""
PTP = f"""{PTP_HEAD.rstrip()}
0001A\tG0008\t\t20220101\t20220101\t9\tMade reason
0001U\t0029U\t\t20180701\t20260630\t1\tMade reason
0001U\t0030U\t*\t20180701\t*\t1\tMade reason
"""


def test_pairs_keep_ended_and_never_valid_rows() -> None:
    assert rows("ncci-ptp", "ccipra-v322r0-f1.txt", crlf(PTP)) == [
        ("0001A", "G0008", "2022-01-01", "2022-01-01", "9"),
        ("0001U", "0029U", "2018-07-01", "2026-06-30", "1"),
        ("0001U", "0030U", "2018-07-01", "", "1"),
    ]


MUE = """
"Made notice.

More of the notice.",,,
"HCPCS/
CPT Code",Practitioner Services MUE Values,MUE Adjudication Indicator,MUE Rationale
0001U,1,2 Date of Service Edit: Policy,Code Descriptor / CPT Instruction
0009U,2,3 Date of Service Edit: Clinical,Nature of Analyte
0012X,3,1 Line Edit,Made reason
"""


def test_unit_limits_skip_the_notice_over_several_lines() -> None:
    assert rows("ncci-mue", "MCR_MUE.csv", crlf(MUE)) == [
        ("0001U", "1", "2"),
        ("0009U", "2", "3"),
        ("0012X", "3", "1"),
    ]


AOC = """
Edit Type\tAdd-On Code\tPrimary Code\tEffective\tDeletion
1\tG0005\tG0004\t20200101\t
2\tG0006\tCCCCC\t20200101\t
3\tG0007\tG0004\t20200101\t20251231
"""


def test_add_ons_of_type_two_have_no_listed_primary() -> None:
    assert rows("ncci-aoc", "AOC_V2026Q3.txt", crlf(AOC)) == [
        ("G0005", "G0004", "1", "2020-01-01", ""),
        ("G0006", "", "2", "2020-01-01", ""),
        ("G0007", "G0004", "3", "2020-01-01", "2025-12-31"),
    ]


# --- fee schedule: heads stacked over several lines, 32 columns in 2026

_HEADS = """
,,,,NOT USED,,,,,,,,,,,,,,,,,,,,,,PHYSICIAN,,DIAGNOSTIC,PE USED,PE USED,MP USED
,,,,FOR,,,NON-FAC,,FACILITY,,,,,,,,,,,,,,,,,SUPERVISION OF,,IMAGING,FOR OPPS,FOR OPPS,FOR OPPS
,,,STATUS,MEDICARE,WORK,NON-FAC,NA,FACILITY,NA,MP,NON-FACILITY,FACILITY,PCTC,GLOB,PRE,INTRA,POST,MULT,BILAT,ASST,CO-,TEAM,PRIC,ENDO,CONV,DIAGNOSTIC,CALCULATION,FAMILY,PAYMENT,PAYMENT,PAYMENT
HCPCS,MOD,DESCRIPTION,CODE,PAYMENT,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,DAYS,OP,OP,OP,PROC,SURG,SURG,SURG,SURG,IND,BASE,FACTOR,PROCEDURES,FLAG,INDICATOR,AMOUNT,AMOUNT,AMOUNT
"""  # noqa: E501
MPFS = f"""
,,2026 Made Fee Schedule,{"," * 28}
{_HEADS.strip()}
G0101,,"MADE, SERVICE",A,,0.45,0.58,,0.18,,0.04,1.07,0.67,0,XXX,0.00,0.00,0.00,2,1,0,9,3,0,,33.4009,09,0,99,0.00,0.00,0.00
G0101,26,MADE,A,,0.45,0.18,,0.18,,0.04,0.67,0.67,1,010,0.00,0.00,0.00,4,3,2,1,0,0,,33.4009,09,0,99,0.00,0.00,0.00
"""  # noqa: E501


def test_fee_schedule_finds_its_columns_by_their_stacked_heads() -> None:
    first, second = fees.read_relative_values(crlf(MPFS))
    assert (first.code, first.modifier, second.modifier) == ("G0101", "", "26")
    values = (first.work, first.practice_office, first.practice_facility, first.malpractice, first.factor)
    assert [str(value) for value in values] == ["0.45", "0.58", "0.18", "0.04", "33.4009"]
    policy = (first.pctc, first.global_days, first.multiple, first.bilateral)
    assert policy == ("0", "XXX", "2", "1")
    assert (first.assistant, first.cosurgeon, first.team) == ("0", "9", "3")


def test_fee_schedule_without_one_of_its_columns_is_refused() -> None:
    lines = crlf(MPFS.replace("BILAT", "OTHER"))
    with pytest.raises(BrokenFileError, match="no column bilateral"):
        list(fees.read_relative_values(lines))


# --- coverage articles

PARTS = {
    "article": "article_id,article_version,title,article_eff_date,article_end_date\n50000,3,Made,2026-01-01 00:00:00,",
    "article_x_hcpc_code": "article_id,article_version,hcpc_code_id,hcpc_code_group\n50000,3,G0003,1",
    "article_x_icd10_covered": "article_id,article_version,icd10_code_id,icd10_covered_group\n50000,3,E11.9,1",
    "article_x_icd10_noncovered": "article_id,article_version,icd10_code_id\n50000,3,R05.9",
    "article_x_contractor": "article_id,article_version,contractor_id\n50000,3,250",
}


def articles(**changes: str) -> list[Entry]:
    def bytes_of(text: str) -> Callable[[], Iterable[bytes]]:
        return lambda: crlf(text)

    files = {f"x/{name}.csv": bytes_of(text) for name, text in {**PARTS, **changes}.items() if text}
    return list(entries("mcd-articles", files, NONE))


def test_articles_give_their_codes_and_say_which_list_covered_diagnoses() -> None:
    found = articles()
    assert [row.line.split("\t")[4:] for row in found if row.at >= 0] == [
        ["procedure", "G0003", "1"],
        ["covered", "E119", "1"],
        ["noncovered", "R059", ""],
        ["contractor", "250", ""],
    ]
    assert found[0].line.startswith("50000\t3\t2026-01-01\t\t")
    assert found[-1] == Entry(LISTING, "50000", -1, "")


@pytest.mark.parametrize(
    ("part", "text", "reason"),
    [
        ("article_x_icd10_covered", "", "lacks article_x_icd10_covered"),
        ("article_x_hcpc_code", "article_id,article_version,hcpc_code_id\n59999,3,G0003", "does not have"),
        ("article_x_hcpc_code", "article_id,article_version\n50000,3", "no column hcpc_code_id"),
        ("article", "article_id,article_version\nabc,3", "no number"),
    ],
)
def test_incomplete_article_archive_is_refused(part: str, text: str, reason: str) -> None:
    with pytest.raises(BrokenFileError, match=reason):
        articles(**{part: text})


# --- CARC and RARC


def test_reason_codes_are_read_with_their_spans() -> None:
    lines = crlf('Code,Description,Start,Stop\n1,"Made, reason",01/01/1995,\n45,Made,1995-01-01,06/30/2020')
    open_, stopped = licensed.read_reason_codes([BOM + lines[0], *lines[1:]])
    assert (open_.code, open_.start, open_.stop) == ("1", date(1995, 1, 1), None)
    assert stopped.stop == date(2020, 6, 30)
    remarks = crlf(
        "Code,Description,Start Date\nM15,Made,01/01/1997\nMA01,Made,01/01/1997\nN362,Made,01/01/2004"
    )
    assert [row.code for row in licensed.read_reason_codes(remarks, remarks=True)] == ["M15", "MA01", "N362"]


# --- every reader refuses a broken file whole, with its line

GOOD: dict[str, tuple[str, list[bytes]]] = {
    "hcpcs": ("HCPC2026_OCT_ANWEB.csv", crlf(ANWEB)),
    "ncci-ptp": ("ccipra-v322r0-f1.txt", crlf(PTP)),
    "ncci-mue": ("MCR_MUE_PractitionerServices_Eff_07-01-2026.csv", crlf(MUE)),
    "ncci-aoc": ("AOC_V2026Q3-MCR.txt", crlf(AOC)),
    "mpfs-rvu": ("PPRRVU2026_Jul_nonQPP.csv", crlf(MPFS)),
    "poa-exempt": (
        "POAexemptCodesFY26.txt",
        crlf("Order26\tPOAexemptCode\tDescription\n01238\tB90.0\tMade sequelae"),
    ),
}


@pytest.mark.parametrize("system", GOOD)
def test_good_file_is_read_and_any_cut_of_it_is_refused(system: str) -> None:
    name, lines = GOOD[system]
    whole = rows(system, name, lines)
    assert whole
    cut = [*lines[:-1], lines[-1][: len(lines[-1]) // 2]]
    with pytest.raises(BrokenFileError) as caught:
        rows(system, name, cut)
    assert caught.value.line >= len(lines) - 4  # records may span lines
    with pytest.raises(BrokenFileError):
        rows(system, name, [])
    with pytest.raises(BrokenFileError):
        rows(system, name, [b"<html>\r\n"] * 40)


@pytest.mark.parametrize("system", GOOD)
def test_line_ends_and_a_byte_order_mark_change_nothing(system: str) -> None:
    name, lines = GOOD[system]
    plain = [line.replace(b"\r\n", b"\n") for line in lines]
    assert rows(system, name, plain) == rows(system, name, lines)
    assert rows(system, name, [BOM + plain[0], *plain[1:]]) == rows(system, name, lines)


@pytest.mark.parametrize("system", GOOD)
def test_rows_have_the_published_columns(system: str) -> None:
    name, lines = GOOD[system]
    assert {len(cells) for cells in rows(system, name, lines)} == {len(TABLES[system].columns)}


@pytest.mark.parametrize(
    ("name", "day", "system"),
    [
        ("ccipra-v322r0-f1.txt", date(2026, 7, 1), "ncci-ptp"),
        ("ccioph-v323r0-f4.txt", date(2026, 10, 1), "ncci-ptp-hospital"),
        ("MCR_MUE_PractitionerServices_Eff_07-01-2026.csv", date(2026, 7, 1), "ncci-mue"),
        ("MCR_MUE_OutpatientHospitalServices_Eff_07-01-2026.csv", date(2026, 7, 1), "ncci-mue-hospital"),
        ("MCR_MUE_DMESupplierServices_Eff_07-01-2026.csv", date(2026, 7, 1), "ncci-mue-dme"),
        ("HCPC2026_OCT_ANWEB.csv", date(2026, 10, 1), "hcpcs"),
        ("PPRRVU2026_Jul_nonQPP.csv", date(2026, 7, 1), "mpfs-rvu"),
        ("AOC_V2026Q3-MCR.txt", date(2026, 7, 1), "ncci-aoc"),
        ("icd10cm-order-2027.txt", None, "icd10cm-order"),
    ],
)
def test_names_tell_system_and_first_day(name: str, day: date | None, system: str) -> None:
    import re

    assert begins_in(name) == day
    fits = [
        key for key, kind in SYSTEMS.items() if key != "cpt" and re.fullmatch(kind.names, name, re.IGNORECASE)
    ]
    assert fits == [system]


def test_list_of_another_year_is_refused() -> None:
    with pytest.raises(BrokenFileError, match="FY2026, not of FY2027"):
        list(read_poa_exempt(GOOD["poa-exempt"][1], year=2027))


def test_pairs_in_force_follow_the_file() -> None:
    never, ended, still = ncci.read_pairs(crlf(PTP))
    assert not never.in_force(date(2022, 1, 1))
    assert ended.in_force(date(2026, 6, 30))
    assert not ended.in_force(date(2026, 7, 1))
    assert still.in_force(date(2026, 11, 22))
