"""rcm demo and rcm publish: the shipped encounters, or anyone's messages, through the whole system."""

from pathlib import Path
from typing import Annotated

import typer

from rcm_deploy.cli.output import Json

app = typer.Typer()


@app.command()
def demo(as_json: Json = False) -> None:
    """Run the shipped encounters from publication to a paid or waiting claim, and account for every cent."""
    from rcm_deploy.demo.run import main

    raise typer.Exit(main(json=as_json))


@app.command()
def publish(
    files: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, help="HL7 v2, FHIR, C-CDA or JSON.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and judge only; needs no running system.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Send encounters from files to the running system and say what became of each message."""
    from rcm_deploy.demo.publish import main

    raise typer.Exit(main(files=files, dry_run=dry_run, json=as_json))
