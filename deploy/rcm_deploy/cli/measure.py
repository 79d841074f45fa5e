"""rcm chaos and rcm bench: prove that nothing is lost under faults, and measure."""

from typing import Annotated

import typer

from rcm_deploy.cli.output import Json

app = typer.Typer()
bench = typer.Typer(no_args_is_help=True, help="Measure on this machine.")
app.add_typer(bench, name="bench")


@app.command()
def chaos(
    encounters: Annotated[int, typer.Option(min=1, help="How many encounters to send.")] = 2000,
    seed: Annotated[int, typer.Option(help="Chooses what is killed when; the same seed repeats a run.")] = 1,
    as_json: Json = False,
) -> None:
    """Kill services and engines at random under load; exit 1 if anything is lost, doubled or out of order."""
    from rcm_deploy.chaos.run import main

    raise typer.Exit(main(encounters=encounters, seed=seed, json=as_json))


@bench.command()
def flow(as_json: Json = False) -> None:
    """Measure the platform alone and the five real services, beside a plain consumer in the same run."""
    from rcm_deploy.bench.flow import main

    raise typer.Exit(main(json=as_json))
