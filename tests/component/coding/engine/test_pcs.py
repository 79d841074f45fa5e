"""ICD-10-PCS by composition: whole codes, partial codes with legal values, only rows of the tables."""

import zipfile
from itertools import product
from pathlib import Path
from uuid import UUID

import pytest
from rcm_coding.engine.evidence import Document
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.pcs import OPEN, compose_pcs, legal_values
from rcm_coding.engine.pcs_tables import BREATHING, OPERATIONS
from rcm_coding.engine.reading import Record

ORDER = Path(__file__).parents[5] / "shared" / "reference" / "cms_2026_pr.zip"
VALID = frozenset({"0FT40ZZ", "0FT44ZZ", "0W9930Z", "0W9B30Z"})


def composed(
    knowledge: Knowledge, note: str, valid: frozenset[str] = frozenset()
) -> tuple[list[str], list[str]]:
    record = Record([Document(UUID(int=1), 1, "operative-note", note)], knowledge.lexicon, "inpatient")
    found = compose_pcs(record, valid)
    return [item.code for item in found.suggestions], [gap.code for gap in found.gaps]


@pytest.mark.parametrize(
    ("note", "code"),
    [
        ("Procedure: Laparoscopic cholecystectomy.", "0FT44ZZ"),
        ("Procedure: Cholecystectomy. The laparoscopic approach was converted to open.", "0FT40ZZ"),
        ("Procedure: Left total knee arthroplasty with cemented components.", "0SRD0J9"),
        ("Procedure: Right total hip replacement, cementless.", "0SR90JA"),
        ("Procedure: Chest tube placed on the left.", "0W9B30Z"),
        ("Hospital course: She received 2 units of PRBC.", "30233N1"),
        ("Hospital course: PICC line placed, tip at the cavoatrial junction.", "02HV33Z"),
        ("Hospital course: On BiPAP for 5 days.", "5A09557"),
        ("Procedure: Low transverse cesarean section.", "10D00Z1"),
        ("Hospital course: Underwent right thoracentesis.", "0W993ZZ"),
    ],
)
def test_documented_axes_make_a_code(knowledge: Knowledge, note: str, code: str) -> None:
    codes, gaps = composed(knowledge, note)
    assert code in codes
    assert gaps == []


def test_missing_axis_leaves_a_partial_code_with_its_legal_values(knowledge: Knowledge) -> None:
    codes, gaps = composed(knowledge, "Procedure: Cholecystectomy.", VALID)
    assert codes == []
    assert gaps == [f"0FT4{OPEN}ZZ"]
    assert legal_values(gaps[0], VALID) == ("0FT40ZZ", "0FT44ZZ")


def test_code_outside_the_edition_is_not_suggested(knowledge: Knowledge) -> None:
    assert composed(knowledge, "Procedure: Laparoscopic appendectomy.", VALID) == ([], [])


@pytest.mark.parametrize(
    "note",
    [
        "Plan: Will need cholecystectomy.",
        "Past surgical history: Laparoscopic cholecystectomy.",
        "Hospital course: History of right total knee replacement.",
        "Hospital course: Dialysis was discussed; the family declined hemodialysis.",
        "Hospital course: No chest tube was placed on the right.",
    ],
)
def test_what_was_not_done_now_is_not_coded(knowledge: Knowledge, note: str) -> None:
    assert composed(knowledge, note) == ([], [])


def test_every_combination_is_a_row_of_the_tables() -> None:
    if not ORDER.exists():
        pytest.skip("the order file is not in this environment")
    with zipfile.ZipFile(ORDER) as archive:
        lines = archive.read("icd10pcs_order_2026.txt").decode("latin-1").splitlines()
    valid = {line[6:13].strip() for line in lines if line[14:15] == "1"}
    for _, _, _, codes in BREATHING:
        assert set(codes) <= valid
    for operation in OPERATIONS:
        letters = list(operation.axes)
        values = [
            [*(character for _, character in axis.values), *([axis.default] if axis.default else [])]
            for axis in operation.axes.values()
        ]
        for choice in product(*values):
            code = operation.template
            for letter, character in zip(letters, choice, strict=True):
                code = code.replace(f"{{{letter}}}", character)
            assert code in valid, operation.rule
