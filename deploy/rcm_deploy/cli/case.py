"""rcm case: one encounter as the services know it."""

from typing import Annotated, Any
from uuid import UUID

import typer
from rcm_shared.money import dollars

from rcm_deploy.cli.output import Json, show, table
from rcm_deploy.cli.running import the_running_system

app = typer.Typer(no_args_is_help=True, help="One encounter: its timeline, claim and money.")

ADJUSTMENTS = ("CO-", "OA-", "PI-", "PR-")  # claim adjustment groups: their amounts are cents too


@app.command("show")
def show_case(
    encounter: Annotated[UUID, typer.Argument(metavar="ID", help="The encounter id, as publish prints it.")],
    as_json: Json = False,
) -> None:
    """Show what happened to one encounter (from audit) and its account (from billing)."""
    system = the_running_system()
    timeline = system.get("audit", f"/v1/encounters/{encounter}/timeline", ("auditor", "operations"))
    account = system.find("billing", f"/v1/accounts/{encounter}", ("biller", "auditor"))
    show(
        as_json,
        {"encounter_id": str(encounter), "timeline": timeline, "account": account},
        lambda: _in_words(timeline, account),
    )


def _in_words(timeline: dict[str, Any], account: dict[str, Any] | None) -> None:
    table(("time", "what", "by", "details"), [_line(fact) for fact in timeline["timeline"]])
    print()
    if account is None:
        print("billing has no account of it yet")
        return
    table(
        ("account", ""),
        [(_plain(name), _told(name, value)) for name, value in account.items() if _short(value)],
    )
    if account["claims"]:
        print()
        heads = ("claim_control", "payer_id", "order", "state", "charge_cents", "reasons")
        rows = [[_told(head, claim[head]) for head in heads] for claim in account["claims"]]
        table([_plain(head) for head in heads], rows)


def _line(fact: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return one row of the timeline: an event, or sequence numbers of which nobody has seen the event."""
    if fact["kind"] == "gap":
        return "", "missing", fact["topic"], f"events {fact['gap_first']} to {fact['gap_last']}"
    details = ", ".join(f"{_plain(name)} {_told(name, value)}" for name, value in fact["summary"].items())
    return str(fact["time"])[:19], fact["type"], fact["actor"], details


def _short(value: Any) -> bool:
    """Tell whether a value fits on a line and says something."""
    return value not in (None, "") and not isinstance(value, list | dict)


def _plain(name: str) -> str:
    return name.removesuffix("_cents")


def _told(name: str, value: Any) -> str:
    """Write a value for people: amounts in dollars, lists with commas. Adjustments are named as CO-45."""
    if name.endswith("_cents") or name[:3] in ADJUSTMENTS:
        return dollars(int(value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
