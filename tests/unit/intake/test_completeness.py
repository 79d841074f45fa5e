"""The minimum document set by setting."""

import pytest
from rcm_intake.domain.completeness import missing_documents
from rcm_intake.domain.encounter import EncounterState
from rcm_shared.contracts.intake import DocumentationCompleted, Setting
from unit.intake.messages import a_charge, a_document, a_message, applied, names

SETS = {
    Setting.OFFICE: ["office-note"],
    Setting.ED: ["ed-note"],
    Setting.SURGERY: ["operative-note"],
    Setting.INPATIENT: ["history-and-physical", "discharge-summary"],
    Setting.IMAGING: ["order", "imaging-report"],
    Setting.LAB: ["lab-report"],
}


@pytest.mark.parametrize("setting", list(Setting))
def test_complete_only_with_every_required_document_signed(setting: Setting) -> None:
    kinds = SETS[setting]
    encounter = applied(None, a_message(setting=setting)).encounter
    assert encounter.state is EncounterState.DOCUMENTATION_PENDING
    for number, kind in enumerate(kinds, start=1):
        assert missing_documents(encounter) == tuple(kinds[number - 1 :])
        unsigned = applied(
            encounter, a_message(setting=setting, documents=(a_document(kind, kind, signed=False),))
        )
        assert names(unsigned) == []
        signed = applied(unsigned.encounter, a_message(setting=setting, documents=(a_document(kind, kind),)))
        last = number == len(kinds)
        assert names(signed) == (["documentation-completed"] if last else [])
        encounter = signed.encounter
    assert encounter.state is EncounterState.DOCUMENTATION_COMPLETE


def test_inpatient_waits_for_discharge() -> None:
    documents = tuple(a_document(kind, kind) for kind in SETS[Setting.INPATIENT])
    stay = applied(None, a_message(setting=Setting.INPATIENT, progress=None, documents=documents))
    assert "documentation-completed" not in names(stay)
    assert "documentation-completed" in names(applied(stay.encounter, a_message(setting=Setting.INPATIENT)))


def test_charged_operating_room_asks_for_the_operative_report() -> None:
    documents = tuple(a_document(kind, kind) for kind in SETS[Setting.INPATIENT])
    charge = a_charge(code="", revenue_code="0360")
    stay = applied(None, a_message(setting=Setting.INPATIENT, documents=documents, charges=(charge,)))
    assert missing_documents(stay.encounter) == ("operative-note",)


def test_charged_specimen_asks_for_the_pathology_report() -> None:
    message = a_message(
        setting=Setting.SURGERY,
        documents=(a_document("D1", "operative-note"),),
        charges=(a_charge(code="88304"),),
    )
    assert missing_documents(applied(None, message).encounter) == ("pathology-report",)


def test_announced_document_is_waited_for() -> None:
    message = a_message(documents=(a_document(),), expected_documents=("consent",))
    assert missing_documents(applied(None, message).encounter) == ("consent",)


def test_precoded_encounter_needs_no_document() -> None:
    message = a_message(precoded=True, diagnoses=("I10",), charges=(a_charge(),), charges_complete=True)
    change = applied(None, message)
    assert names(change) == ["encounter-registered", "charges-captured", "documentation-completed"]
    completed = change.events[-1]
    assert isinstance(completed, DocumentationCompleted)
    assert completed.precoded
    assert completed.diagnoses == ("I10",)
