"""Edits at coding time: what blocks, what warns, what says that it was not evaluated."""

from datetime import date

import pytest
from rcm_coding.domain.code_set import CodeSets, governing_date, release_name
from rcm_coding.domain.edits import Edit, Severity, blocking, code_fault, evaluate
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
    assert {"MCE", "NCCI-PTP"} <= rules(edits, Severity.NOT_EVALUATED)


def test_missing_sets_say_not_evaluated(tabular: Tabular) -> None:
    edits = run(tabular, lead("I10"))
    assert rules(edits, Severity.NOT_EVALUATED) == {"NCCI-PTP", "MUE", "LCD", "CPT-HCPCS-validity"}
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
