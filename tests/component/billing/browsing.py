"""Looking at the biller's pages and sending their forms, as a browser without script does."""

import re
from typing import Any

import httpx
from component.billing.office import Office
from rcm_billing.handlers import exchanging
from unit.billing.remits import Line, Paid, a_file


async def look(office: Office, path: str, status: int = 200, **who: Any) -> str:
    """Return a page's text without its markup."""
    answer = await office.ask("GET", path, **who)
    assert answer.status_code == status, answer.text[-400:]
    if status == 200:
        assert answer.text.count("<h1") == 1
    return words(answer)


def words(answer: httpx.Response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text))


async def send(office: Office, path: str, **form: Any) -> httpx.Response:
    """Post a form of a page as a person."""
    who = {name: form.pop(name) for name in ("who", "role", "facility") if name in form}
    return await office.ask("POST", path, data={name: str(value) for name, value in form.items()}, **who)


async def done(office: Office, path: str, **form: Any) -> str:
    """Post a form, follow to the page that shows the result, return its words."""
    answer = await send(office, path, **form)
    assert answer.status_code == 303, words(answer)
    return await look(office, answer.headers["location"].partition("#")[0])


async def refused(office: Office, path: str, status: int, why: str, **form: Any) -> None:
    """Post a form that is refused: the same page comes back and says why."""
    answer = await send(office, path, **form)
    alert = re.search(r'role="alert">([^<]*)<', answer.text)
    assert (answer.status_code, alert is not None) == (status, True), words(answer)
    assert alert is not None
    assert why in alert.group(1)


def decision(claim: Any, *adjustments: tuple[str, str, int], control: str = "") -> Paid:
    own = "" if control else f"{claim.claim_control}L1"
    return Paid(control or claim.claim_control, (Line("17110", 21000, adjustments, own),), icn="ICN9")


async def remit(office: Office, *claims: Paid, number: int = 1, **more: Any) -> None:
    path = office.folder / "from_payer" / f"835-{number}.x12"
    path.write_bytes(a_file(*claims, trace=f"T{number}", isa13=number, **more))
    await exchanging.take_file(office.deps, office.world.begin, path)
