"""E/M levels from decision making and time."""

from collections.abc import Callable

import pytest
from rcm_coding.engine.evidence import Suggestions

Read = Callable[..., Suggestions]


def visit(found: Suggestions) -> str:
    return found.visit.code if found.visit else ""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("HPI: Here for a sore throat.\nAssessment: Acute pharyngitis.\nPlan: Fluids, ibuprofen.", "99213"),
        (
            "HPI: Follow-up visit.\nAssessment: COPD, stable.\nPlan: Continue tiotropium, prescription renewed.",
            "99213",
        ),
        (
            "HPI: Follow-up.\nAssessment: COPD, stable. Hypertension, stable.\nPlan: Continue lisinopril 10 mg.",
            "99214",
        ),
        ("HPI: Follow-up.\nAssessment: Asthma, worsening.\nPlan: Start prednisone 40 mg.", "99214"),
        ("HPI: New patient seen for cough.\nAssessment: Acute bronchitis.\nPlan: Fluids.", "99203"),
        ("HPI: Here for a cold.\nAssessment: Common cold.\nPlan: Rest.", "99212"),
        (
            "HPI: Seen today.\nAssessment: Migraine.\nPlan: Rest. Total time spent today was 42 minutes.",
            "99215",
        ),
        (
            "HPI: Seen today.\nAssessment: Migraine, stable.\nPlan: Rest. Total time spent was 5 minutes.",
            "99213",
        ),
    ],
)
def test_office_level(read: Read, text: str, code: str) -> None:
    assert visit(read(text)) == code


def test_emergency_physician_level_has_no_time_option(read: Read) -> None:
    found = read(
        "HPI: Ankle sprain.\nAssessment: Sprain of ligament of left ankle.\nPlan: Ice. Time spent 60 minutes.",
        setting="ed",
        kind="ed-note",
    )
    assert visit(found) == "99283"
    assert found.visit is not None
    assert found.visit.basis == "mdm"


def test_procedure_alone_is_no_visit(read: Read) -> None:
    found = read(
        "HPI: Here for removal of a mole.\nAssessment: Mole.\nProcedure: The mole was frozen with liquid nitrogen."
    )
    assert found.visit is None


def test_time_beyond_the_highest_level_is_a_line_of_its_own(read: Read) -> None:
    text = "HPI: Seen today.\nAssessment: Migraine.\nPlan: Rest. Total time spent today was {} minutes."
    found = read(text.format(72))
    lines = [(item.code, item.units) for item in found.suggestions if item.system == "CPT"]
    assert lines == [("99215", 1), ("99417", 2)]
    assert found.visit is not None
    assert found.visit.basis == "time"
    assert [item.code for item in read(text.format(54)).suggestions if item.system == "CPT"] == ["99215"]


def test_what_is_documented_below_the_next_level_is_named_and_never_asked_for(read: Read) -> None:
    found = read("HPI: Here for a sore throat.\nAssessment: Acute pharyngitis.\nPlan: Fluids, ibuprofen.")
    assert found.visit is not None
    assert found.visit.below == ("problems", "data", "risk")
    assert all("visit" not in gap.rule for gap in found.gaps)
    more = read("HPI: Follow-up.\nAssessment: Asthma, worsening.\nPlan: Rest.")
    assert more.visit is not None
    assert more.visit.below == ("data", "risk")
