"""rcm dlq: events that a service set aside; look at their causes, apply them again when these are mended."""

from typing import Annotated, Any
from uuid import UUID

import typer

from rcm_deploy.cli.output import FAILED, OK, USAGE, Json, fail, show, table
from rcm_deploy.cli.running import the_running_system
from rcm_deploy.engines.databases import SERVICES

app = typer.Typer(no_args_is_help=True, help="Events set aside: list, show, apply again.")
_ROLES = ("operations",)
Service = Annotated[str, typer.Option("--service", "-s", help=f"One of {', '.join(SERVICES)}.")]


@app.command()
def ls(service: Service = "", as_json: Json = False) -> None:
    """List what is set aside in every service (or one), grouped by cause."""
    names = [_known(service)] if service else list(SERVICES)
    system = the_running_system()
    groups: list[dict[str, Any]] = []
    for name in names:
        groups += [
            {"service": name, **group} for group in system.get(name, "/ops/dead-letters", _ROLES)["groups"]
        ]

    def in_words() -> None:
        if not groups:
            print("nothing is set aside")
            return
        heads = [head for head in groups[0] if head != "ids"]
        table(heads, [[group.get(head) for head in heads] for group in groups])

    show(as_json, {"groups": groups}, in_words)


@app.command("show")
def show_letter(
    letter: Annotated[UUID, typer.Argument(metavar="ID", help="One of the ids that `ls --json` shows.")],
    service: Service,
    as_json: Json = False,
) -> None:
    """Show one set-aside event without its body."""
    name = _known(service)
    found = the_running_system().get(name, f"/ops/dead-letters/{letter}", _ROLES)
    show(as_json, found, lambda: table(("field", "value"), list(found.items())))


@app.command()
def redrive(
    consumer: Annotated[
        str, typer.Argument(metavar="CONSUMER", help="As ls shows it, such as billing.coding-chart.")
    ],
    reason: Annotated[str, typer.Option(help="Why it will work now; kept in the operators' log.")],
    key: Annotated[UUID | None, typer.Option(help="Only this encounter.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be applied.")] = False,
    as_json: Json = False,
) -> None:
    """Apply set-aside events again, in order per encounter; exit 1 when some are set aside anew."""
    body: dict[str, Any] = {"consumer": consumer, "reason": reason, "dry_run": dry_run}
    if key is not None:
        body["key"] = str(key)
    service = _known(consumer.partition(".")[0])
    answer = the_running_system().post(service, "/ops/dead-letters/redrive", _ROLES, body)

    def in_words() -> None:
        results = answer["keys"]
        if not results:
            print("nothing to apply")
            return
        if dry_run:
            results = [{"key": one["key"], **event} for one in results for event in one["would_apply"]]
        heads = list(results[0])
        table(heads, [[result.get(head) for head in heads] for result in results])

    show(as_json, answer, in_words)
    raise typer.Exit(FAILED if any(result.get("still_set_aside") for result in answer["keys"]) else OK)


@app.command()
def discard(
    letter: Annotated[UUID, typer.Argument(metavar="ID", help="One of the ids that `ls --json` shows.")],
    service: Service,
    reason: Annotated[str, typer.Option(help="Why nobody needs it; kept in the operators' log.")],
    as_json: Json = False,
) -> None:
    """Give up one set-aside event for good; what waits behind it can then be redriven."""
    body = {"letter_id": str(letter), "reason": reason}
    answer = the_running_system().post(_known(service), "/ops/dead-letters/discard", _ROLES, body)
    show(as_json, answer, lambda: print("discarded"))


def _known(service: str) -> str:
    if service not in SERVICES:
        fail(USAGE, f"no service {service!r}; there are {', '.join(SERVICES)}")
    return service
