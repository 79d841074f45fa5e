"""A coder's workplace in a real browser: a chart from the worklist to final codes, by keys alone, without script."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from e2e.test_pages import WIDTHS, browser, check_page, tab_through
from playwright.async_api import Browser, Page
from rcm_deploy.demo.people import CODER, Person
from rcm_deploy.demo.publish import SAMPLES
from rcm_shared.ids import uuid7
from rcm_testkit.system import Running

__all__ = ["browser"]

SAMPLE = "mole-cryoablation"
HOSTILE = "<img src=x onerror=alert(1)> said the patient.\n"


async def publish(running: Running) -> str:
    """Send a mole note of a new patient, with markup in it; return its encounter."""
    mark = uuid7().hex[-10:]
    text = (SAMPLES / f"{SAMPLE}.json").read_text()
    text = text.replace("DG-26-081801", f"CP-{mark}").replace("ZQMRN-100101", f"ZQMRN-{mark}")
    body = json.loads(text)
    for document in body["documents"]:
        document["text"] = HOSTILE + document["text"]
    hospital = Person(running.system, "page-hospital", "integration")
    coder = Person(running.system, CODER, "coder")
    try:
        sent = await hospital.do("intake", "/v1/encounters", body)
        path = f"/v1/cases/{sent['encounter_id']}"
        await coder.wait("coding", path, lambda case: bool(case["suggested"]), "suggestions")
        return str(sent["encounter_id"])
    finally:
        await hospital.close()
        await coder.close()


@asynccontextmanager
async def at_work(
    running: Running, browser: Browser, width: str = "desk", *, script: bool = True
) -> AsyncIterator[Page]:
    """Sign in as the demonstration's coder; nothing may be complained about but refused forms."""
    across, down = WIDTHS[width]
    context = await browser.new_context(
        viewport={"width": across, "height": down}, java_script_enabled=script, reduced_motion="reduce"
    )
    complaints: list[str] = []
    page = await context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    base = running.system.urls["coding"]
    await page.goto(f"{base}/sign-in")
    await page.get_by_role("radio", name=CODER).check()
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(f"{base}/worklist")
    await page.get_by_role("heading", name="Worklist").wait_for()
    yield page
    await context.close()
    assert [text for text in complaints if "422" not in text and "409" not in text] == []


async def state_of(running: Running, encounter_id: str) -> dict[str, Any]:
    async with running.client("coding", "auditor") as http:
        found: dict[str, Any] = (await http.get(f"/v1/cases/{encounter_id}")).json()
        return found


async def keep_picture(page: Page, part: str, name: str, width: str) -> None:
    """Keep a picture of one part of a long page, when pictures are wanted."""
    folder = os.environ.get("RCM_TEST_SCREENSHOTS")
    if folder:
        await page.locator(part).evaluate("it => it.scrollIntoView()")
        await page.screenshot(path=Path(folder) / f"{name}{'' if width == 'desk' else f'-{width}'}.png")


@pytest.mark.parametrize("width", WIDTHS)
async def test_chart_shows_words_beside_codes_and_is_coded(
    running: Running, browser: Browser, width: str
) -> None:
    encounter_id = running.in_its_loop(publish(running))
    async with at_work(running, browser, width) as page:
        assert await page.locator(f'a[href="/worklist/charts/{encounter_id}"]').count() == 1
        await check_page(page, "worklist", width)
        await page.locator(f'a[href="/worklist/charts/{encounter_id}"]').click()
        await page.get_by_role("button", name="Start this chart").click()
        await page.get_by_role("button", name="Complete").first.wait_for()
        marks = " ".join(await page.locator("mark").all_inner_texts())
        assert "pigmented mole" in marks
        note = await page.locator(".note").first.inner_text()
        assert "<img src=x onerror=alert(1)>" in note
        assert await page.locator(".note img").count() == 0
        assert "$" not in await page.locator("main").inner_text()
        await check_page(page, "chart", width)

        await page.locator("#words").fill("melanocytic nevi trunk")
        await page.get_by_role("button", name="Search").click()
        await page.locator("#found li").first.wait_for()
        assert "D22.5" in await page.locator("#found").inner_text()
        await keep_picture(page, "#encoder", "chart-encoder", width)
        while await page.locator("button[value=accept]").count():
            await page.locator("button[value=accept]").first.click()
            await page.wait_for_load_state()
        await page.get_by_role("button", name="Validate").click()
        table = await page.locator("#edits ~ .edits").inner_text()
        assert "not evaluated" in table
        assert "NCCI" in table
        await check_page(page, "chart-validated", width)
        await keep_picture(page, "#edits", "chart-edits", width)
        await page.get_by_role("button", name="Complete").first.click()
        await page.get_by_text("final coded").first.wait_for()
        assert "$" in await page.locator("#final + p ~ p").last.inner_text()
        await page.goto(f"{running.system.urls['coding']}/worklist/unfinished")
        await check_page(page, "unfinished", width)
    case = await state_of(running, encounter_id)
    assert case["state"] == "final_coded"
    await running.until_quiet()


async def test_refused_form_says_why_and_changes_nothing(running: Running, browser: Browser) -> None:
    encounter_id = running.in_its_loop(publish(running))
    async with at_work(running, browser) as page:
        await page.goto(f"{running.system.urls['coding']}/worklist/charts/{encounter_id}")
        await page.get_by_role("button", name="Start this chart").click()
        await page.locator("#add-code").fill("Z99.999")
        await page.locator("#add-reason").fill("a trial")
        await page.get_by_role("button", name="Add", exact=True).click()
        await page.get_by_role("alert").wait_for()
        assert "Nothing was changed" in await page.get_by_role("alert").inner_text()
        await page.locator("#add-code").fill("Z87.891")
        await page.locator("#add-quote").fill("liquid   nitrogen")
        await page.get_by_role("button", name="Add", exact=True).click()
        await page.get_by_role("heading", name="Z87.891").wait_for()
        await page.get_by_role("button", name="Return").click()
        await page.get_by_role("button", name="Start this chart").wait_for()
    case = await state_of(running, encounter_id)
    added = next(item for item in case["suggestions"] if item["code"] == "Z87891")
    assert added["evidence"][0]["end"] - added["evidence"][0]["start"] == len("liquid nitrogen")


async def test_keys_alone_take_decide_cite_and_validate(running: Running, browser: Browser) -> None:
    encounter_id = running.in_its_loop(publish(running))
    async with at_work(running, browser) as page:
        await page.goto(f"{running.system.urls['coding']}/worklist/charts/{encounter_id}")
        await page.get_by_role("button", name="Start this chart").focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Complete").first.wait_for()
        await page.wait_for_load_state()  # the keys work once the script is there
        await page.keyboard.press("j")
        assert await page.evaluate("document.activeElement.id") == "code-1"
        async with page.expect_navigation():
            await page.keyboard.press("a")
        assert "accepted" in await page.locator("#code-1").inner_text()
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        await page.keyboard.press("r")
        await page.keyboard.type("not done today")
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        await page.keyboard.press("/")
        assert await page.evaluate("document.activeElement.id") == "words"
        await page.evaluate(
            """() => {
                const mark = document.querySelector('mark'), range = document.createRange();
                range.selectNodeContents(mark);
                getSelection().removeAllRanges(); getSelection().addRange(range);
                document.activeElement.blur();
            }"""
        )
        await page.keyboard.press("c")
        quote = await page.locator("#add-quote").input_value()
        assert quote
        assert quote in (await page.locator("mark").first.inner_text())
        await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("v")
        await page.locator("#edits ~ .edits").wait_for()
        await page.goto(f"{running.system.urls['coding']}/worklist/charts/{encounter_id}")
        stops = await tab_through(page)
        assert {"Validate", "Complete", "Return", "Search", "Hold"} <= set(stops)


async def test_everything_of_a_chart_works_without_script(running: Running, browser: Browser) -> None:
    encounter_id = running.in_its_loop(publish(running))
    async with at_work(running, browser, "phone", script=False) as page:
        await page.goto(f"{running.system.urls['coding']}/worklist/charts/{encounter_id}")
        await page.get_by_role("button", name="Start this chart").click()
        await page.locator("#words").fill("nevi trunk")
        await page.get_by_role("button", name="Search").click()
        assert await page.locator("#found li").count() > 0
        await page.locator("button[value=accept]").first.click()
        await page.get_by_role("button", name="Hold").click()
        await page.get_by_text("On hold").first.wait_for()
        await page.get_by_role("button", name="Start this chart").wait_for()
    assert (await state_of(running, encounter_id))["state"] == "on_hold"
