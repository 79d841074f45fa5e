"""rcm chaos and rcm bench: prove that nothing is lost under faults, and measure."""

from typing import Annotated

import typer

from rcm_deploy.cli.output import USAGE, Json, fail

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


@bench.command()
def remit(
    claims: Annotated[int, typer.Option(min=1, max=120_000, help="Claims in the one 835.")] = 20_000,
    as_json: Json = False,
) -> None:
    """Post one large 835 through billing's handlers on a real PostgreSQL; time and growth of memory."""
    from rcm_deploy.bench.remit import main

    raise typer.Exit(main(claims=claims, json=as_json))


@bench.command("claims")
def claims(
    sizes: Annotated[
        str, typer.Option(metavar="N,N,…", help="How many claims; every size has a database of its own.")
    ] = "1000,10000,100000",
    as_json: Json = False,
) -> None:
    """Measure billing from final codes to frozen 837 bytes; cost is CPU time of the service and PostgreSQL."""
    from rcm_deploy.bench.claims import main

    try:
        chosen = [int(size) for size in sizes.split(",")]
    except ValueError:
        chosen = []
    if not chosen or min(chosen) < 1:
        fail(USAGE, "--sizes is one or more numbers above 0, with commas between them")
    raise typer.Exit(main(sizes=chosen, json=as_json))
