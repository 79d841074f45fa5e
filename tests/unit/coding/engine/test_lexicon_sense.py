"""Words that official terms share with everyday notes, and causes that change the code."""

import pytest
from unit.coding.conftest import Read


@pytest.mark.parametrize(
    ("assessment", "codes"),
    [
        ("CKD stage 3a", ["N1831"]),
        ("Iron deficiency anemia due to chronic blood loss", ["D500"]),
        ("Iron deficiency anemia", ["D509"]),
        ("COPD exacerbation with accessory muscle use", ["J441"]),
    ],
)
def test_assessment_gives_its_codes(read: Read, assessment: str, codes: list[str]) -> None:
    found = read(f"ASSESSMENT:\n1. {assessment}\n")
    assert [item.code for item in found.suggestions if item.system == "ICD-10-CM"] == codes
