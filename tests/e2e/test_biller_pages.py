"""A biller's workplace in a real browser: pages at two widths, a held claim and lost money, by keys, without script."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from e2e.test_pages import WIDTHS, browser, check_page, tab_through
from playwright.async_api import Browser, Page
from rcm_deploy.demo.people import BILLER, Person
from rcm_deploy.demo.publish import SAMPLES
from rcm_shared.ids import uuid7
from rcm_testkit.system import Played, Running
from unit.billing.remits import Line, Paid, a_file

__all__ = ["browser"]
pytestmark = pytest.mark.usefixtures("played")

FIX = "Verify the coverage for the dates."
LATE = "2026-10-01"  # after the service


async def feed(running: Running, **coverage: str) -> str:
    """Publish a superbill of a new patient with changes to its coverage; return its encounter."""
    mark = uuid7().hex[-10:]
    body: dict[str, Any] = json.loads((SAMPLES / "superbill.json").read_text())
    body["message_id"] = f"BP-{mark}"
    body["encounter"]["external_id"] = f"BP-{mark}"
    body["patient"]["medical_record_number"] = f"ZQMRN-{mark}"
    body["coverages"][0] |= {"member_id": f"PFZQ{mark.upper()}"} | coverage
    hospital = Person(running.system, "page-hospital", "integration")
    try:
        return str((await hospital.do("intake", "/v1/encounters", body))["encounter_id"])
    finally:
        await hospital.close()


async def claim_of(running: Running, encounter_id: str, state: str) -> str:
    """Wait until the encounter's newest claim is in a state; return the claim."""
    biller = Person(running.system, BILLER, "biller")
    try:
        account = await biller.wait(
            "billing",
            f"/v1/accounts/{encounter_id}",
            lambda found: bool(found["claims"]) and found["claims"][-1]["state"] == state,
            f"a claim that is {state}",
        )
        return str(account["claims"][-1]["claim_id"])
    finally:
        await biller.close()


async def held(running: Running) -> tuple[str, str]:
    encounter_id = await feed(running, active_from=LATE)
    return encounter_id, await claim_of(running, encounter_id, "held")


async def lose(running: Running, number: int) -> str:
    """Let a payment come in that fits no claim; return the number that its payer repeats."""
    reference = f"CLOST{uuid7().hex[-10:].upper()}"
    lost = Paid(reference, (Line("36415", 2500, (("CO", "45", 1200),), day="20260911"),), icn=reference)
    folder = running.system.exchange_dir / "from_payer"
    part = folder / f"{reference}.tmp"
    part.write_bytes(a_file(lost, trace=reference, isa13=number))
    part.rename(folder / f"{reference}.x12")
    biller = Person(running.system, BILLER, "biller")
    try:
        await biller.wait(
            "billing",
            "/v1/unmatched",
            lambda found: any(one["reference"] == reference for one in found["unmatched"]),
            "the payment in the queue",
        )
    finally:
        await biller.close()
    return reference


@asynccontextmanager
async def at_work(
    running: Running, browser: Browser, width: str = "desk", *, script: bool = True
) -> AsyncIterator[Page]:
    """Sign in as the demonstration's biller; the browser may complain about nothing but refused forms."""
    across, down = WIDTHS[width]
    context = await browser.new_context(
        viewport={"width": across, "height": down}, java_script_enabled=script, reduced_motion="reduce"
    )
    complaints: list[str] = []
    page = await context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    base = running.system.urls["billing"]
    await page.goto(f"{base}/sign-in")
    await page.get_by_role("radio", name=BILLER).check()
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(f"{base}/billing")
    await page.get_by_role("heading", name="Billing: what waits").wait_for()
    yield page
    await context.close()
    assert [text for text in complaints if "422" not in text and "409" not in text] == []


@pytest.mark.parametrize("width", WIDTHS)
async def test_every_page_reads_well_and_fits(
    running: Running, played: Played, browser: Browser, width: str
) -> None:
    _, claim_id = running.in_its_loop(held(running))
    running.in_its_loop(lose(running, 801 if width == "desk" else 802))
    base = running.system.urls["billing"]
    account = played.row("secondary-payer")["encounter_id"]
    async with at_work(running, browser, width) as page:
        await check_page(page, "billing", width)
        await page.get_by_role("link", name="Held claims").click()
        await page.wait_for_url("**/billing/claims?state=held")
        assert FIX in await page.locator("main").inner_text()
        await check_page(page, "billing-held", width)
        await page.goto(f"{base}/billing/claims/{claim_id}")
        await check_page(page, "billing-claim-held", width)
        for name in ("Claims", "Denials", "Remittances", "Receivables"):
            await page.get_by_role("navigation", name="Billing").get_by_role("link", name=name).click()
            await page.wait_for_url(f"**/billing/{name.lower()}")  # and its style is there
            await check_page(page, f"billing-{name.lower()}", width)
        await page.goto(f"{base}/billing/accounts/{account}")
        assert "insurance receivable, secondary" in await page.locator("main").inner_text()
        await check_page(page, "billing-account", width)
        await page.goto(f"{base}/billing/claims?view=filing")
        await check_page(page, "billing-filing", width)


@pytest.mark.parametrize("width", WIDTHS)
async def test_claim_shows_its_attempts_answers_and_denial(
    running: Running, played: Played, browser: Browser, width: str
) -> None:
    base = running.system.urls["billing"]
    denied = played.row("denied-appealed")["encounter_id"]
    claim_id = running.in_its_loop(claim_of(running, denied, "appealed"))
    async with at_work(running, browser, width) as page:
        await page.goto(f"{base}/billing/claims/{claim_id}")
        way = await page.locator(".trail").inner_text()
        assert all(word in way for word in ("Interchange", "TA1:A", "999:A", "277CA:A2"))
        await check_page(page, "billing-claim", width)
        await page.get_by_role("link", name="CO 50").click()
        await page.wait_for_url("**/billing/denials/*")
        await page.get_by_role("heading", name="History").wait_for()
        text = await page.locator("main").inner_text()
        assert "appeal submitted" in text
        assert "The payer decides now." in text
        await check_page(page, "billing-denial", width)


async def test_keys_alone_lead_from_the_worklist_to_a_corrected_claim(
    running: Running, browser: Browser
) -> None:
    encounter_id, claim_id = running.in_its_loop(held(running))
    async with at_work(running, browser) as page:
        await page.get_by_role("link", name="Held claims").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/billing/claims?state=held")
        await page.locator(f'a[href="/billing/claims/{claim_id}"]').focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/billing/claims/{claim_id}")
        assert FIX in await page.locator(".hits").inner_text()
        stops = await tab_through(page)
        assert {"Build again and send", "Release after a look", "Account and ledger"} <= set(stops)
        await page.get_by_role("button", name="Build again and send").focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("status").wait_for()
        assert "A new version is being built" in await page.get_by_role("status").inner_text()
    biller = Person(running.system, BILLER, "biller")
    try:
        running.in_its_loop(
            biller.wait(
                "billing",
                f"/v1/accounts/{encounter_id}",
                lambda found: len(found["claims"]) == 2,
                "the claim's next version",
            )
        )
    finally:
        running.in_its_loop(biller.close())


async def test_held_claim_is_released_and_lost_money_dismissed_without_script(
    running: Running, browser: Browser
) -> None:
    encounter_id, claim_id = running.in_its_loop(held(running))
    reference = running.in_its_loop(lose(running, 803))
    base = running.system.urls["billing"]
    async with at_work(running, browser, "phone", script=False) as page:
        await page.goto(f"{base}/billing/claims/{claim_id}")
        await page.get_by_role("button", name="Release after a look").click()
        assert "The claim was released." in await page.get_by_role("status").inner_text()
        await page.goto(f"{base}/billing/remittances")
        row = page.locator("tr", has_text=reference)
        await row.get_by_text("Match or dismiss").click()
        await row.get_by_label("Claim id").fill("no-claim")
        await row.get_by_role("button", name="Match", exact=True).click()
        assert "claim_id" in await page.get_by_role("alert").inner_text()
        row = page.locator("tr", has_text=reference)
        await row.get_by_text("Match or dismiss").click()
        await row.get_by_label("Reason").fill("not-ours")
        await row.get_by_role("button", name="Dismiss").click()
        assert "taken off the queue" in await page.get_by_role("status").inner_text()
        assert reference not in await page.locator("#unmatched ~ .scroll").all_inner_texts()
    assert UUID(running.in_its_loop(claim_of(running, encounter_id, "paid"))) == UUID(claim_id)
    await running.until_quiet()
