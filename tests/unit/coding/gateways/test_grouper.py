"""MS-DRG grouping against published cases, and what happens without a version or a principal diagnosis."""

from datetime import date

import pytest
from rcm_coding.gateways.grouper import NOT_EVALUATED, Stay, load_grouper, version_on
from rcm_coding.gateways.intake import age_on
from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure

DISCHARGE = date(2026, 9, 12)
STAY = Stay(65, "M", "01", DISCHARGE)


def diagnoses(*codes: str) -> tuple[FinalDiagnosis, ...]:
    return tuple(
        FinalDiagnosis(code, "secondary" if at else "principal", "Y") for at, code in enumerate(codes)
    )


def procedure(code: str) -> FinalProcedure:
    return FinalProcedure("ICD-10-PCS", code, DISCHARGE)


@pytest.mark.parametrize(
    ("codes", "procedures", "drg"),
    [
        (("J189", "J9601", "E119"), ("5A09357",), "193"),
        (("J189", "N179"), (), "194"),
        (("J189", "I10"), (), "195"),
        (("A419", "J9601"), (), "871"),
        (("M1611",), ("0SR9019",), "470"),
        (("I5020", "E1165"), (), "293"),
        (("I420",), (), "316"),
    ],
)
def test_published_case_groups(codes: tuple[str, ...], procedures: tuple[str, ...], drg: str) -> None:
    found = load_grouper()(diagnoses(*codes), tuple(map(procedure, procedures)), STAY)
    assert (found.drg, found.version, found.fault) == (drg, "v43.1", "")


def test_hospital_acquired_condition_does_not_count() -> None:
    group = load_grouper()
    late = (FinalDiagnosis("J189", "principal", "Y"), FinalDiagnosis("T80211A", "secondary", "N"))
    assert group(late, (), STAY).drg == "195"
    assert group(diagnoses("J189", "T80211A"), (), STAY).drg == "194"


def test_ungroupable_stay_says_so() -> None:
    found = load_grouper()(diagnoses("I4201"), (), STAY)
    assert found.drg in (None, "999")


def test_nothing_is_guessed_without_principal_or_version() -> None:
    group = load_grouper()
    assert group((), (), STAY) == NOT_EVALUATED
    assert group(diagnoses("J189"), (), Stay(65, "M", "01", date(2031, 1, 1))) == NOT_EVALUATED


def test_version_follows_the_discharge_date() -> None:
    assert version_on(date(2026, 9, 30)) == (431, "v43.1")
    assert version_on(date(2026, 10, 1)) == (440, "v44.0")
    assert version_on(date(2020, 1, 1)) is None


def test_age_counts_whole_years() -> None:
    assert age_on(date(1961, 9, 12), date(2026, 9, 11)) == 64
    assert age_on(date(1961, 9, 12), date(2026, 9, 12)) == 65
    assert age_on(date(2026, 9, 12), date(2026, 9, 1)) == 0
