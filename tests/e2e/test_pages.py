"""The console and the provider's inbox in a real browser: both widths, keyboard only, no script, no findings of axe.

`RCM_TEST_SCREENSHOTS=FOLDER` also keeps pictures, as those in docs/screenshots were made.
"""

import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, FloatRect, Page, async_playwright
from rcm_deploy.demo.people import CODER, Person
from rcm_deploy.demo.publish import SAMPLES
from rcm_shared.ids import uuid7
from rcm_testkit.system import Played, Running

pytestmark = pytest.mark.usefixtures("played")

AXE = Path(__file__).parents[1] / "rcm_testkit" / "vendor" / "axe.min.js"
OPERATOR = "demo-operator"
PROVIDER = "prv-7f5805502f79"  # the provider of the heart failure sample: only a treating one is asked
WIDTHS = {"desk": (1366, 768), "phone": (390, 844)}
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MANY_TABS = 60


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium. Without it the tests are skipped, on CI they fail."""
    path = shutil.which("chromium")
    if path is None:
        missing = "no Chromium in PATH: the pages are not tested in a browser (apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield chromium
        await chromium.close()


async def ask(running: Running) -> str:
    """Publish a heart failure note of a new patient and send its query to the treating provider; return its id."""
    mark = uuid7().hex[-10:]
    note = (SAMPLES / "heart-failure-query.json").read_text()
    note = note.replace("DG-26-091001", f"PG-{mark}").replace("ZQMRN-100107", f"ZQMRN-{mark}")
    coder = Person(running.system, CODER, "coder")
    provider = Person(running.system, PROVIDER, "provider")
    hospital = Person(running.system, "page-hospital", "integration")
    try:
        sent = await hospital.do("intake", "/v1/encounters", json.loads(note))
        chart = f"/v1/cases/{sent['encounter_id']}"
        case = await coder.wait("coding", chart, lambda case: bool(case["suggested"]), "suggestions")
        await coder.do("coding", f"{chart}/start", {})
        gap = next(gap for gap in case["gaps"] if gap["rule"] == "heart-failure-type")
        await coder.do("coding", f"{chart}/query", {"gap_id": gap["gap_id"], "provider_id": PROVIDER})
        listed = await provider.wait(
            "query",
            f"/v1/queries?encounter_id={sent['encounter_id']}",
            lambda found: bool(found["queries"]),
            "the query in the inbox",
        )
        await running.until_quiet()
        return str(listed["queries"][0]["query_id"])
    finally:
        for person in (coder, provider, hospital):
            await person.close()


@pytest.fixture(scope="session")
def waiting_query(running: Running, played: Played) -> str:
    """A query that nobody answers."""
    _ = played
    return running.in_its_loop(ask(running))


@asynccontextmanager
async def signed_in(
    running: Running, browser: Browser, person: str, width: str = "desk", *, script: bool = True
) -> AsyncIterator[Page]:
    """Sign in as a person does, and require on leaving that the browser found nothing to complain about."""
    across, down = WIDTHS[width]
    context = await browser.new_context(
        viewport={"width": across, "height": down}, java_script_enabled=script, reduced_motion="reduce"
    )
    complaints: list[str] = []
    page = await context.new_page()
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "response", lambda got: complaints.append(f"{got.status} {got.url}") if got.status >= 400 else None
    )
    await page.goto(running.system.urls["query" if person == PROVIDER else "audit"])
    await page.get_by_role("radio", name=person).check()
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Sign out").wait_for()
    yield page
    await context.close()
    assert complaints == []


async def check_accessible(page: Page) -> None:
    """Run axe in the page; nothing serious or critical may be found."""
    await page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = await page.evaluate(
        "axe.run({resultTypes: ['violations']}).then(result => result.violations)"
    )
    grave = [
        f"{one['id']} ({one['impact']}): {[node['target'] for node in one['nodes']][:3]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert grave == [], page.url


async def check_fits(page: Page) -> None:
    """Require that only tables scroll sideways, never the page."""
    overflow = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, f"{page.url} is {overflow} px too wide"


async def check_page(page: Page, name: str, width: str) -> None:
    assert await page.locator("h1").count() == 1
    await check_fits(page)
    await check_accessible(page)
    folder = os.environ.get("RCM_TEST_SCREENSHOTS")
    if folder:
        clip: FloatRect = {"x": 0, "y": 0, "width": WIDTHS[width][0], "height": 1000}
        file = Path(folder) / f"{name}{'' if width == 'desk' else f'-{width}'}.png"
        await page.screenshot(path=file, full_page=True, clip=clip)


@pytest.mark.parametrize("width", WIDTHS)
async def test_operations_page_shows_flow_services_and_leads_to_a_case(
    running: Running, played: Played, browser: Browser, waiting_query: str, width: str
) -> None:
    _ = waiting_query
    async with signed_in(running, browser, OPERATOR, width) as page:
        assert page.url.endswith("/operations")
        assert await page.get_by_role("heading", name="Encounters by state").is_visible()
        states = await page.locator("#flow tbody th").all_inner_texts()
        assert {"awaiting provider", "denied" if "denied" in states else "appealed"} <= {
            state.replace("done", "").strip() for state in states
        }
        services = await page.locator("#services tbody").first.inner_text()
        assert all(service in services for service in running.system.urls)
        async with page.expect_response("**/operations/services") as refreshed:
            pass  # the page renews itself
        assert (await refreshed.value).status == 200
        await check_page(page, "operations", width)

        await page.get_by_role("row", name="awaiting provider").get_by_role("link").first.click()
        await page.get_by_role("heading", name="Encounters").wait_for()
        await check_page(page, "encounters", width)
        await page.locator("tbody th a").first.click()
        await page.get_by_role("heading", name="Timeline").wait_for()

        encounter_id = played.row("rejected-277ca")["encounter_id"]
        await page.goto(f"{running.system.urls['audit']}/operations/encounters/{encounter_id}")
        text = await page.locator("main").inner_text()
        assert encounter_id in text
        assert "$132.00" in text or "132.00" in text
        assert "277CA:A7" in text
        assert "missing" not in text
        await check_page(page, "case", width)


@pytest.mark.parametrize("width", WIDTHS)
async def test_inbox_shows_the_query_with_quotes_and_options(
    running: Running, browser: Browser, waiting_query: str, width: str
) -> None:
    async with signed_in(running, browser, PROVIDER, width) as page:
        assert page.url.endswith("/inbox")
        await check_page(page, "inbox", width)
        await page.locator(f'a[href="/inbox/{waiting_query}"]').click()
        await page.get_by_role("group", name="Your answer").wait_for()
        quotes = " ".join(await page.locator("blockquote").all_inner_texts())
        assert "ejection fraction 30%" in quotes
        labels = await page.locator("fieldset label").all_inner_texts()
        assert "Chronic systolic heart failure" in labels
        assert any("determine" in label.lower() for label in labels)
        await check_page(page, "query", width)


async def test_sign_in_page_is_accessible_on_a_phone(running: Running, browser: Browser) -> None:
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page = await context.new_page()
    await page.goto(f"{running.system.urls['audit']}/sign-in")
    await check_page(page, "sign-in", "phone")
    await context.close()


async def tab_through(page: Page) -> list[str]:
    """Press Tab until the first stop comes again; return the stops' texts, each visibly focused."""
    stops: list[str] = []
    for _ in range(MANY_TABS):
        await page.keyboard.press("Tab")
        stop = await page.evaluate(
            """() => {
                const it = document.activeElement, style = getComputedStyle(it), box = it.getBoundingClientRect();
                return {
                    text: (it.innerText || it.labels?.[0]?.innerText || it.id || it.tagName).trim(),
                    seen: style.outlineStyle !== 'none' && box.width > 0 && box.right > 0,
                    outside: it === document.body,
                };
            }"""
        )
        if stop["outside"]:
            break
        assert stop["seen"], f"{stop['text']} has no visible focus"
        stops.append(stop["text"])
    return stops


async def test_keyboard_alone_reaches_everything_in_operations(
    running: Running, browser: Browser, waiting_query: str
) -> None:
    _ = waiting_query
    async with signed_in(running, browser, OPERATOR) as page:
        await page.goto(f"{running.system.urls['audit']}/operations")
        stops = await tab_through(page)
        assert stops[:6] == ["Skip to content", "claimstream", "Operations", "Worklist", "Inbox", "Billing"]
        assert await page.locator("#flow a").count() > 0
        assert sum(stop.isdigit() for stop in stops) >= await page.locator("#flow a").count()
        await page.goto(f"{running.system.urls['audit']}/operations")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")  # skips the navigation
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.closest('#flow') !== null")
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Encounters").wait_for()


async def test_keyboard_alone_answers_a_query(running: Running, browser: Browser) -> None:
    query = running.in_its_loop(ask(running))
    async with signed_in(running, browser, PROVIDER) as page:
        await page.goto(f"{running.system.urls['query']}/inbox/{query}")
        await page.locator("input[type=radio]").first.focus()
        await page.keyboard.press("Space")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.get_by_text("Answered on").wait_for()
    await running.until_quiet()


async def test_everything_works_without_script(running: Running, played: Played, browser: Browser) -> None:
    query = running.in_its_loop(ask(running))
    async with signed_in(running, browser, PROVIDER, "phone", script=False) as page:
        await page.locator(f'a[href="/inbox/{query}"]').click()
        await page.get_by_label("Chronic systolic heart failure", exact=True).check()
        await page.get_by_role("button", name="Submit answer").click()
        await page.get_by_text("Answered on").wait_for()
        await page.goto(f"{running.system.urls['query']}/inbox")
        assert await page.get_by_role("heading", name="Answered").is_visible()
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("button", name="Sign in").wait_for()
    async with signed_in(running, browser, OPERATOR, script=False) as page:
        await page.locator("#flow a").first.click()
        await page.locator("tbody th a").first.click()
        assert await page.get_by_role("heading", name="Timeline").is_visible()
        assert await page.locator("tbody tr").count() > 0
        shown = played.row("superbill")["encounter_id"]
        await page.goto(f"{running.system.urls['audit']}/operations/encounters/{shown}")
        assert await page.get_by_text(shown).first.is_visible()
    await running.until_quiet()
