"""rcm test and rcm lock: what a developer runs before a change is sent."""

import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from rcm_deploy.cli.output import FAILED, OK, fail, say
from rcm_deploy.engines.home import CLONE

app = typer.Typer()
_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(context_settings=_PASS_ON, add_help_option=True)
def test(context: typer.Context) -> None:
    """Run all checks and tests; `test unit` only the fast ones, `test -k NAME` and the like go to pytest.

    Without arguments: ruff, formatting, mypy, import rules, then the whole of tests/. The first argument may
    be a folder of tests/ (unit, integration, ...) or a file.
    """
    arguments = [str(argument) for argument in context.args]
    failed = []
    if not arguments:
        for name, command in _checks():
            if _section(name, command) != 0:
                failed.append(name)
        if failed:
            say(f"rcm: failed so far: {', '.join(failed)}; the tests follow")
    targets, rest = _targets(arguments)
    status = _section("pytest", [sys.executable, "-m", "pytest", *_spread(targets, rest), *targets, *rest])
    raise typer.Exit(FAILED if failed or status else OK)


def _checks() -> list[tuple[str, list[str]]]:
    python = [sys.executable, "-m"]
    return [
        ("ruff check", [*python, "ruff", "check", "."]),
        ("ruff format --check", [*python, "ruff", "format", "--check", "."]),
        ("mypy", [*python, "mypy"]),
        ("lint-imports", [str(Path(sys.executable).with_name("lint-imports"))]),
    ]


def _targets(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split the arguments into folders of tests/ (all of it unless named) and what pytest gets as it is."""
    targets, rest = [], list(arguments)
    while rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        targets.append(f"tests/{name}" if (CLONE / "tests" / name).exists() else name)
    return targets or ["tests"], rest


def _spread(targets: Sequence[str], rest: Sequence[str]) -> list[str]:
    """Unit tests share nothing, so they run on every core, unless the caller narrows or spreads them."""
    return ["-n", "logical"] if targets == ["tests/unit"] and not rest else []


def _section(name: str, command: Sequence[str]) -> int:
    say(f"── {name}")
    began = time.monotonic()
    status = subprocess.run(command, cwd=CLONE, check=False).returncode
    if name != "pytest":  # its own last line closes the output
        say(f"── {name}: {'ok' if status == 0 else 'FAILED'} in {time.monotonic() - began:.1f} s")
    return status


@app.command()
def lock(
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Take the newest versions that pyproject allows.")
    ] = False,
) -> None:
    """Write deploy/*.lock anew from pyproject.toml: pinned, with hashes, for all platforms, no index."""
    project = tomllib.loads((CLONE / "pyproject.toml").read_text())
    build = "\n".join(project["build-system"]["requires"])
    locks = CLONE / "deploy"
    main, tests = locks / "requirements.lock", locks / "requirements-test.lock"
    _compile([str(CLONE / "pyproject.toml"), "-", "-o", str(main)], build, upgrade)
    extra = [str(CLONE / "pyproject.toml"), "-", "--extra", "test", "-c", str(main), "-o", str(tests)]
    _compile(extra, build, upgrade)
    installer = (locks / "requirements-uv.lock").read_text().split(" ")[0]
    _compile(["-", "-o", str(locks / "requirements-uv.lock")], "uv" if upgrade else installer, upgrade)


def _compile(arguments: list[str], requirements: str, upgrade: bool) -> None:
    uv = Path(sys.executable).with_name("uv")
    shape = ["--generate-hashes", "--universal", "--python-version", "3.11", "--quiet"]
    silent = ["--no-header", "--no-annotate", "--no-emit-index-url"]
    command = [str(uv), "pip", "compile", *arguments, *shape, *silent, *(["--upgrade"] if upgrade else [])]
    say(f"writing {arguments[-1]}")
    environment = {name: value for name, value in os.environ.items() if name != "UV_EXCLUDE_NEWER"}
    if subprocess.run(command, input=requirements, text=True, check=False, env=environment).returncode != 0:
        fail(FAILED, "the lock was not written")
