"""rcm case: one encounter as the services know it."""

from typing import Annotated, Any
from uuid import UUID

import typer

from rcm_deploy.cli.output import Json, show, table
from rcm_deploy.cli.running import the_running_system

app = typer.Typer(no_args_is_help=True, help="One encounter: its timeline, claim and money.")


@app.command("show")
def show_case(
    encounter: Annotated[UUID, typer.Argument(metavar="ID", help="The encounter id, as publish prints it.")],
    as_json: Json = False,
) -> None:
    """Show what happened to one encounter (from audit) and its account (from billing)."""
    system = the_running_system()
    timeline = system.get("audit", f"/v1/encounters/{encounter}/timeline", ("auditor", "operations"))
    account = system.get("billing", f"/v1/accounts/{encounter}", ("biller", "auditor"))
    show(
        as_json,
        {"encounter_id": str(encounter), "timeline": timeline, "account": account},
        lambda: _in_words(timeline, account),
    )


def _in_words(timeline: Any, account: Any) -> None:
    facts = _rows_of(timeline)
    heads = [
        name for name in ("time", "at", "type", "fact", "actor", "summary") if any(name in f for f in facts)
    ]
    table(heads, [[fact.get(name) for name in heads] for fact in facts])
    print()
    plain = [(name, value) for name, value in account.items() if not isinstance(value, list | dict)]
    table(("account", ""), plain)


def _rows_of(answer: Any) -> list[dict[str, Any]]:
    """Return the list in an answer, whatever its envelope calls it."""
    if isinstance(answer, list):
        return answer
    return next((value for value in answer.values() if isinstance(value, list)), [])
