"""The NPI's check digit in detail."""

import pytest
from rcm_billing.domain.rules import valid_npi


@pytest.mark.parametrize(
    ("npi", "valid"),
    [
        ("1912301953", True),
        ("1245319599", True),
        ("1234567893", True),
        ("1234567894", False),
        ("123456789", False),
        ("", False),
        ("12345678９3", False),
    ],
)
def test_npi_check_digit(npi: str, valid: bool) -> None:
    assert valid_npi(npi) is valid
