"""rcm claim: one claim version as billing knows it."""

from typing import Annotated
from urllib.parse import quote

import typer

from rcm_deploy.cli.output import REFUSED, Json, fail, show
from rcm_deploy.cli.running import the_running_system

app = typer.Typer(
    no_args_is_help=True, help="One claim: what it bills, where it stands and what happened to it."
)


@app.callback()
def claim() -> None:
    """One claim of the running system."""


@app.command("show")
def show_claim(
    reference: Annotated[
        str, typer.Argument(metavar="ID", help="The claim's id, its control number, or the payer's number.")
    ],
    as_json: Json = False,
) -> None:
    """Show one claim: state, codes, lines, edits, submissions with their answers, and the money."""
    from rcm_billing.cli.claim_words import in_words

    found = the_running_system().find(
        "billing", f"/v1/claim-views/{quote(reference, safe='')}", ("biller", "auditor")
    )
    if found is None:
        fail(REFUSED, "billing knows no such claim")
    show(as_json, found, lambda: print("\n".join(in_words(found)), flush=True))
