"""GET /v1/claim-views: one claim version by its id, our number or the payer's, for those who may see it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from component.billing.conftest import BillingWorld
from component.billing.office import Office, open_office
from rcm_billing.cli.claim_words import in_words


@pytest.fixture
async def office(billing: BillingWorld, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(billing, tmp_path) as opened:
        yield opened


async def test_claim_is_found_by_id_and_by_either_number(office: Office) -> None:
    claim = await office.claim()
    await office.world.pool.execute("UPDATE claim SET payer_control = 'ICN-9'")
    found = [
        await office.ask("GET", f"/v1/claim-views/{reference}")
        for reference in (claim.claim_id, claim.claim_control, "ICN-9")
    ]
    assert [answer.status_code for answer in found] == [200, 200, 200]
    assert found[0].json() == found[1].json() == found[2].json()
    said = found[0].json()
    assert (said["charge_cents"], said["lines"][0]["code"]) == (21000, "17110")
    assert sum(line["charge_cents"] for line in said["lines"]) == said["charge_cents"]
    assert "ZQ" not in found[0].text  # nothing of the patient
    assert f"Claim {claim.claim_control}, version 1 (original)" in "\n".join(in_words(said))


async def test_claim_of_another_facility_or_of_nobody_is_not_there(office: Office) -> None:
    claim = await office.claim()
    path = f"/v1/claim-views/{claim.claim_control}"
    assert (await office.ask("GET", path, facility="ELSEWHERE")).status_code == 404
    assert (await office.ask("GET", "/v1/claim-views/CNOBODY")).status_code == 404
    assert (await office.ask("GET", "/v1/claim-views/a*b")).status_code == 422
    assert (await office.ask("GET", path, role="registration")).status_code == 403
