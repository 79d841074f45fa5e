"""Edits at coding time: what blocks, what warns, what says that it was not evaluated."""

from datetime import date

import pytest
from rcm_coding.codesets.releases import Release
from rcm_coding.domain.code_set import CodeSets, governing_date, release_name
from rcm_coding.domain.edits import Edit, Severity, blocking, code_fault, evaluate, unevaluated
from rcm_coding.domain.tables import Tables, loaded
from rcm_coding.engine.tabular import Tabular
from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure
from rcm_shared.contracts.intake import Setting

DAY = date(2026, 9, 1)


def lead(code: str, poa: str | None = None) -> FinalDiagnosis:
    return FinalDiagnosis(code, "first-listed", poa)


def more(code: str, poa: str | None = None) -> FinalDiagnosis:
    return FinalDiagnosis(code, "secondary", poa)


def line(code: str, *modifiers: str, pointers: tuple[int, ...] = (1,)) -> FinalProcedure:
    return FinalProcedure("CPT", code, DAY, modifiers=modifiers, pointers=pointers)


def run(
    tabular: Tabular | None,
    *codes: FinalDiagnosis,
    lines: tuple[FinalProcedure, ...] = (),
    setting: Setting = Setting.OFFICE,
) -> tuple[Edit, ...]:
    return evaluate(codes, lines, setting=setting, day=DAY, edition=tabular)


def rules(edits: tuple[Edit, ...], severity: Severity) -> set[str]:
    return {edit.rule for edit in edits if edit.severity is severity}


@pytest.mark.parametrize(
    ("codes", "rule"),
    [
        ((lead("ZZZ"),), "DX-01"),
        ((lead("E11"),), "DX-02"),
        ((lead("S52532"),), "DX-03"),
        ((more("I10"),), "SEQ-01"),
        ((lead("I10"), lead("E119")), "SEQ-01"),
        ((lead("W010XXA"),), "SEQ-02"),
        ((lead("G63"),), "SEQ-03"),
        ((lead("I10"), more("I10")), "DUP-01"),
    ],
)
def test_faulty_diagnoses_block(tabular: Tabular, codes: tuple[FinalDiagnosis, ...], rule: str) -> None:
    assert rule in rules(run(tabular, *codes), Severity.BLOCK)


def test_clean_codes_do_not_block(tabular: Tabular) -> None:
    assert blocking(run(tabular, lead("I10"), more("E119"), lines=(line("99213", "25"),))) == ()


def test_excludes1_pair_warns(tabular: Tabular) -> None:
    edits = run(tabular, lead("E119"), more("E109"))
    assert "EX1-01" in rules(edits, Severity.WARN)
    assert blocking(edits) == ()


def test_side_of_modifier_must_agree_with_the_diagnosis(tabular: Tabular) -> None:
    assert "LAT-01" in rules(run(tabular, lead("M1711"), lines=(line("20610", "LT"),)), Severity.BLOCK)
    assert blocking(run(tabular, lead("M1711"), lines=(line("20610", "RT"),))) == ()
    assert blocking(run(tabular, lead("M170"), lines=(line("20610", "LT"),))) == ()


def test_same_line_twice_blocks(tabular: Tabular) -> None:
    assert "DUP-02" in rules(run(tabular, lead("I10"), lines=(line("99213"), line("99213"))), Severity.BLOCK)


def test_inpatient_diagnosis_needs_present_on_admission(tabular: Tabular) -> None:
    first = FinalDiagnosis("J189", "principal", "Y")
    edits = run(tabular, first, more("J9601"), setting=Setting.INPATIENT)
    assert "POA-01" in rules(edits, Severity.BLOCK)
    assert rules(edits, Severity.NOT_EVALUATED) == {"MCE", "POA-exempt", "ICD-10-PCS-validity"}


def test_missing_sets_say_not_evaluated(tabular: Tabular) -> None:
    edits = run(tabular, lead("I10"), lines=(line("99213"),))
    sets = {"NCCI-PTP", "NCCI-AOC", "MUE", "LCD", "CPT-HCPCS-validity"}
    assert rules(edits, Severity.NOT_EVALUATED) == sets
    assert set(unevaluated(edits)) == sets
    assert all("2026-09-01" in edit.message for edit in edits if edit.severity is Severity.NOT_EVALUATED)


def test_date_without_edition_is_not_evaluated_and_not_clean() -> None:
    assert "DX-01" in rules(run(None, lead("ZZZ")), Severity.NOT_EVALUATED)


def test_code_without_evidence_blocks(tabular: Tabular) -> None:
    edits = evaluate(
        (lead("I10"),), (), setting=Setting.OFFICE, day=DAY, edition=tabular, without_evidence=("I10",)
    )
    assert "EV-01" in rules(edits, Severity.BLOCK)


@pytest.mark.parametrize(
    ("system", "code", "fault"),
    [
        ("CPT", "99213", None),
        ("CPT", "0001U", None),
        ("CPT", "9921", "malformed"),
        ("HCPCS", "J3301", None),
        ("HCPCS", "D0120", "malformed"),
        ("ICD-10-PCS", "5A09357", None),
        ("ICD-10-PCS", "5A0935O", "malformed"),
        ("other", "X", "malformed"),
    ],
)
def test_procedure_codes_are_judged_by_form(system: str, code: str, fault: str | None) -> None:
    assert code_fault(system, code, None) == fault


def test_governing_date_is_discharge_for_inpatient_only(code_sets: CodeSets) -> None:
    first, last = date(2026, 9, 28), date(2026, 10, 2)
    assert governing_date(Setting.INPATIENT, first, last) == last
    assert governing_date(Setting.OFFICE, first, last) == first
    assert code_sets.on(last) is None
    assert release_name(code_sets.on(first)) == "ICD-10-CM:2026-04-01"


def poa_list(*codes: str) -> Tables:
    release = Release("poa-exempt", "FY2026", date(2025, 10, 1), date(2026, 9, 30), "0" * 64, 1, 1, "public")
    return Tables((loaded(release, [(code,) for code in codes]),))


@pytest.mark.parametrize(
    ("poa", "listed", "rule"),
    [
        ("Y", False, None),
        (None, False, "POA-01"),
        ("1", False, "POA-02"),
        (None, True, None),
        ("1", True, None),
    ],
)
def test_exempt_diagnosis_needs_no_indicator(
    tabular: Tabular, poa: str | None, listed: bool, rule: str | None
) -> None:
    edits = evaluate(
        (FinalDiagnosis("J189", "principal", "Y"), more("Z87891", poa)),
        (),
        setting=Setting.INPATIENT,
        day=DAY,
        edition=tabular,
        tables=poa_list("Z87891") if listed else poa_list("B900"),
        pcs=frozenset(),
        stay_edits=(),
    )
    assert {edit.rule for edit in edits} == ({rule} if rule else set())
    assert all(edit.version == "poa-exempt:FY2026" for edit in edits)


def test_inpatient_procedure_is_judged_by_the_codes_in_force(tabular: Tabular) -> None:
    lines = tuple(FinalProcedure("ICD-10-PCS", code, DAY) for code in ("5A09357", "0SR9019"))
    first = FinalDiagnosis("J189", "principal", "Y")
    for pcs, expected in ((None, ("not-evaluated", "")), (frozenset({"5A09357"}), ("block", "0SR9019"))):
        edits = evaluate((first,), lines, setting=Setting.INPATIENT, day=DAY, edition=tabular, pcs=pcs)
        found = [edit for edit in edits if edit.rule in ("PX-03", "ICD-10-PCS-validity")]
        assert [(edit.severity.value, edit.code) for edit in found] == [expected]


def test_what_the_code_editor_says_is_part_of_the_edits(tabular: Tabular) -> None:
    said = (
        Edit("MCE:age-conflict", Severity.BLOCK, "O80", "age conflict", "CMS Medicare Code Editor", "v44.0"),
    )
    edits = evaluate(
        (FinalDiagnosis("J189", "principal", "Y"),),
        (),
        setting=Setting.INPATIENT,
        day=DAY,
        edition=tabular,
        stay_edits=said,
    )
    assert said[0] in blocking(edits)
    assert "MCE" not in unevaluated(edits)


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (("D638", "B760"), "stands before B760"),
        (("B760", "D638"), None),
        (("D638", "C189"), "a manifestation without its cause"),
        (("C189", "D638"), None),  # the note names examples only
        (("E1122", "N182"), None),
        (("N182", "E1122"), "stands before E1122"),
        (("N182", "J189"), None),  # "code first" only where the cause is known
    ],
)
def test_code_first_note_orders_cause_and_manifestation(
    tabular: Tabular, codes: tuple[str, str], words: str | None
) -> None:
    edits = [edit for edit in run(tabular, lead(codes[0]), more(codes[1])) if edit.rule == "SEQ-05"]
    assert [edit.severity for edit in edits] == ([Severity.WARN] if words else [])
    assert all(words in edit.message for edit in edits if words)
    assert all(edit.version == "ICD-10-CM:2026-04-01" for edit in edits)


def test_manifestation_never_leads(tabular: Tabular) -> None:
    assert "SEQ-03" in rules(run(tabular, lead("D638"), more("C189")), Severity.BLOCK)


def test_every_edit_has_authority_version_and_first_day(tabular: Tabular) -> None:
    edits = run(tabular, lead("V0001XA"), more("E119"), more("E109"), lines=(line("20610", "LT"),))
    for edit in edits:
        assert edit.authority
        assert edit.version
        if edit.severity is not Severity.NOT_EVALUATED:
            assert edit.effective == date(2025, 10, 1)
