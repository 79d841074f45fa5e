"""The entry point `rcm`. Quick by rule: a command's own imports happen when it runs."""

import sys

import typer
from rcm_billing.cli import x12
from rcm_coding.cli import cac, code, codes, codesets, models

from rcm_deploy.cli import case, claim, demo, dlq, doctor, lifecycle, measure, payer, quality, remit
from rcm_deploy.cli.output import NOT_REACHABLE, REFUSED, say
from rcm_deploy.engines.failures import AlreadyRunningError, EngineError

app = typer.Typer(
    name="rcm",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Claimstream: from a hospital encounter to a claim at zero balance. "
    "Exit status: 0 ok, 1 a check failed, 2 usage, 3 not reachable, 4 refused.",
)
for group in (demo, lifecycle, doctor, measure, quality):
    app.registered_commands += group.app.registered_commands
    app.registered_groups += group.app.registered_groups
app.registered_commands += code.app.registered_commands
app.add_typer(cac.app, name="cac")
measure.bench.command("cac")(cac.bench_cac)
measure.bench.command("learning")(models.bench_learning)
measure.bench.command("encoder")(codes.bench_encoder)
app.add_typer(case.app, name="case")
app.add_typer(dlq.app, name="dlq")
app.add_typer(codes.app, name="codes")
app.add_typer(codesets.app, name="codesets")
app.add_typer(x12.app, name="x12")
app.add_typer(remit.app, name="remit")
app.add_typer(payer.app, name="payer")
app.add_typer(claim.app, name="claim")


def main() -> None:
    """Run the command line."""
    try:
        app(prog_name="rcm")
    except AlreadyRunningError as error:
        say(f"rcm: {error}")
        sys.exit(REFUSED)
    except EngineError as error:
        say(f"rcm: {error}")
        sys.exit(NOT_REACHABLE)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
