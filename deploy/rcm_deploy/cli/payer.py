"""rcm payer: the payer stand-in alone, for people who want answers to their own 837 and 276 files."""

import logging
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from rcm_deploy.cli.output import USAGE, Json, fail, say, show, table
from rcm_deploy.payer.faults import DESCRIPTIONS, PREFIXES, FaultName, FaultRule

app = typer.Typer(no_args_is_help=True, help="The payer stand-in: try your own claim files against it.")

POLL_S = 0.2


@app.command("run")
def run(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder with your 837 and 276 files.")],
    out: Annotated[Path, typer.Option("--from", metavar="DIR", help="Folder for the payer's answers.")],
    fault: Annotated[
        list[FaultName] | None, typer.Option("--fault", help="What goes wrong with every file; repeatable.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Answer what waits, then end.")] = False,
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="The payer's day; else the date in each file."),
    ] = None,
    daily: Annotated[bool, typer.Option("--daily", help="One remittance a day for each payee.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Draws the outcomes of member ids MX...")] = 0,
    payer: Annotated[
        list[str] | None, typer.Option("--payer", metavar="ID=NAME", help="A further payer; repeatable.")
    ] = None,
    any_payer: Annotated[bool, typer.Option("--any-payer", help="Know every payer id.")] = False,
    database: Annotated[
        Path | None, typer.Option("--db", metavar="FILE", help="Its memory; DIR/payer.sqlite3 of --to.")
    ] = None,
) -> None:
    """Answer claim files as a payer does: TA1, 999, 277CA, 835; 277 for a 276. Files move to done/.

    faults.json and a file `clock` with a date are looked for in the folder of --to.
    """
    from rcm_deploy.payer.exchange import Folders
    from rcm_deploy.payer.rules import Payer
    from rcm_deploy.payer.running import Settings, serve, stopped_by_signals

    if not to.is_dir():
        fail(USAGE, f"{to} is not a folder")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    names = [text.partition("=") for text in payer or []]
    settings = Settings(
        folders=Folders(to, out, to),
        database=database or to / "payer.sqlite3",
        today=day.date() if day else None,
        seed=seed,
        daily=daily,
        payers=tuple(Payer(payer_id, name or payer_id) for payer_id, _, name in names),
        any_payer=any_payer,
        faults=tuple(FaultRule(fault=name) for name in fault or []),
    )
    with stopped_by_signals() as stop:
        answered = serve(settings, stop, once=once, poll_s=POLL_S)
    say(f"rcm: {answered} inputs answered, answers are in {out}; rcm x12 show FILE explains one")


@app.command("prefixes")
def prefixes(as_json: Json = False) -> None:
    """List the member-id prefixes and what the payer does with their claims."""
    from rcm_deploy.payer.outcomes import OUTCOMES

    show(as_json, OUTCOMES, lambda: table(("prefix", "outcome"), list(OUTCOMES.items())))


@app.command("faults")
def faults(as_json: Json = False) -> None:
    """List the faults that can be asked for, each with the member-id prefix that brings it."""
    prefix = {fault: text for text, fault in PREFIXES.items()}
    rows = [(name.value, prefix[name], DESCRIPTIONS[name]) for name in FaultName]
    data = [dict(zip(("fault", "prefix", "what"), row, strict=True)) for row in rows]
    show(as_json, data, lambda: table(("fault", "prefix", "what"), rows))
