"""rcm remit: post an 835 to the running system and say what became of it, or show beforehand what it would post."""

import hashlib
import time
from typing import Annotated, Any

import typer
from rcm_shared.money import dollars

from rcm_deploy.cli.output import FAILED, NOT_REACHABLE, Json, fail, show
from rcm_deploy.cli.running import Running, the_running_system

app = typer.Typer(no_args_is_help=True, help="Remittances (835).")

ROLES = ("biller",)
POLL_S = 0.2


@app.callback()
def remittances() -> None:
    """Remittances (835)."""


@app.command()
def post(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An 835, or - for standard input.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be posted, without any server.")
    ] = False,
    next_payer: Annotated[
        bool,
        typer.Option("--next-payer", help="Dry run: the patient's share goes to a next payer."),
    ] = False,
    wait: Annotated[int, typer.Option(min=1, max=600, help="Seconds to wait for the posting.")] = 60,
    as_json: Json = False,
) -> None:
    """Post an 835 to the running system. The same file again posts nothing twice.

    Exit 1 when a payment or a claim of it was set aside for a person. Nothing of a payment that does not balance is
    posted.
    """
    from rcm_billing.cli.remit import read_file, show_plan

    data = read_file(file)
    if dry_run:
        show_plan(file, data, next_payer=next_payer, as_json=as_json)
        return
    outcome = _post(the_running_system(), data, wait)
    show(as_json, {"file": file, **outcome}, lambda: _in_words(file, outcome))
    if outcome["aside"] or outcome["state"] != "applied":
        raise typer.Exit(FAILED)


def _post(system: Running, data: bytes, wait: int) -> dict[str, Any]:
    path = f"/v1/payer-files/{hashlib.sha256(data).hexdigest()}"
    system.send("billing", "/v1/payer-files", ROLES, data)
    until = time.monotonic() + wait
    while time.monotonic() < until:
        found = system.find("billing", path, ROLES)
        if found is not None and found["state"] != "stored":
            outcome: dict[str, Any] = found
            return outcome
        time.sleep(POLL_S)
    fail(NOT_REACHABLE, f"the file is not posted after {wait} s; billing goes on with it")


def _in_words(file: str, outcome: dict[str, Any]) -> None:
    print(f"{file}: {outcome['state']}")
    for one in outcome["payments"]:
        print(
            f"  payment {one['trace']}: {dollars(one['payment_cents'])}, {one['posted']} of {one['claims']} claims"
            f" posted, {one['waiting']} for a person"
        )
    for one in outcome["aside"]:
        money = f" of {dollars(one['amount_cents'])}" if one["amount_cents"] is not None else ""
        rule = f"; {one['rule']}" if one["rule"] else ""
        print(f"  set aside{money}: {one['reason']} ({one['segment'] or one['kind']}{rule})")
