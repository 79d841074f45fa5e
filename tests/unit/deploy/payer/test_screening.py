"""Claims that never reach adjudication get their 277CA category, status code and entity."""

import pytest
from rcm_deploy.payer.claims import Claim, read_batch
from rcm_deploy.payer.parser import parse_file
from rcm_deploy.payer.rules import Rules
from rcm_deploy.payer.screening import ClaimStatus, is_npi, screen
from unit.deploy.payer.samples import File, Sample, emergency, visit


def claim_of(sample: Sample, changes: dict[str, str] | None = None) -> Claim:
    (interchange,) = parse_file(File([[sample]], changes=changes or {}).encode())
    return read_batch(interchange.groups[0].sets[0].segments, interchange.delimiters).claims[0]


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (visit("C1", "PF1"), ClaimStatus("A2", "20")),
        (visit("C1", "PF1", payer="NOONE"), ClaimStatus("A3", "116")),
        (visit("C1", "PF1", npi="1245319590"), ClaimStatus("A7", "562", "82")),
        (visit("C1", "RJ1"), ClaimStatus("A7", "164", "IL")),
        (visit("C1", "PF1", diagnosis="1X0"), ClaimStatus("A7", "255")),
        (visit("C1", "PF1", frequency="7"), ClaimStatus("A7", "464")),
        (visit("C1", "PF1", frequency="8"), ClaimStatus("A7", "464")),
        (visit("C1", "PF1", frequency="7", payer_control="X"), ClaimStatus("A3", "464")),
        (emergency("E1", "PF1"), ClaimStatus("A2", "20")),
    ],
)
def test_claim_gets_its_status(sample: Sample, expected: ClaimStatus) -> None:
    assert screen(claim_of(sample), Rules(), original_known=False) == expected


def test_bad_billing_npi_names_the_billing_provider() -> None:
    claim = claim_of(visit("C1", "PF1"), {"XX*1912301953": "XX*1912301954"})
    assert screen(claim, Rules(), original_known=False) == ClaimStatus("A7", "562", "85")


def test_institutional_claim_without_attending_provider_misses_information() -> None:
    claim = claim_of(emergency("E1", "PF1"), {"NM1*71*": "NM1*ZZ*"})
    assert screen(claim, Rules(), original_known=False) == ClaimStatus("A6", "562", "71")


def test_line_outside_the_statement_period_is_a_relational_error() -> None:
    claim = claim_of(emergency("E1", "PF1"), {"DTP*472*D8*20260903": "DTP*472*D8*20260904"})
    assert screen(claim, Rules(), original_known=False) == ClaimStatus("A8", "187")


def test_replacement_of_a_known_claim_is_accepted() -> None:
    claim = claim_of(visit("C1", "PF1", frequency="7", payer_control="260928000000001"))
    assert screen(claim, Rules(), original_known=True).accepted


@pytest.mark.parametrize("npi", ["1912301953", "1245319599", "1234567893"])
def test_check_digit_accepts_valid_npi(npi: str) -> None:
    assert is_npi(npi)


@pytest.mark.parametrize("npi", ["1912301954", "123456789", "123456789X", ""])
def test_check_digit_refuses_other_npi(npi: str) -> None:
    assert not is_npi(npi)
