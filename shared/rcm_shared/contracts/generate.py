"""Write or check the generated documents: `python -m rcm_shared.contracts.generate [--check] [--unreleased]`.

A schema on disk is a promise: one that changed incompatibly is not overwritten. `--unreleased` does so all the same,
for a version that no release carries yet.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rcm_shared.contracts import asyncapi, compatibility
from rcm_shared.contracts.event import event_types

FOLDER = Path(__file__).parent
EVENTS_PAGE = Path(__file__).parents[3] / "docs" / "events.md"


def documents() -> dict[Path, str]:
    """Return every generated file with its text."""
    found = {
        FOLDER / "schemas" / f"{name}.json": _json(asyncapi.schema_of(event))
        for name, event in sorted(event_types().items())
        if event.__module__.startswith("rcm_shared.contracts.")
    }
    found[FOLDER / "asyncapi.json"] = _json(asyncapi.asyncapi())
    found[EVENTS_PAGE] = asyncapi.events_table()
    return found


def stale() -> list[Path]:
    """Return the files that differ from what the models say, and schemas that no model stands for."""
    wanted = documents()
    differing = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    return differing + [path for path in sorted((FOLDER / "schemas").glob("*.json")) if path not in wanted]


def incompatible() -> dict[Path, list[compatibility.Fault]]:
    """Return the faults of each schema against the one on disk."""
    found = {}
    for path, text in documents().items():
        if path.parent.name == "schemas" and path.exists():
            faults = compatibility.faults(json.loads(path.read_text()), json.loads(text))
            if faults:
                found[path] = faults
    return found


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the status is 1 when something is stale or incompatible."""
    parser = argparse.ArgumentParser(prog="python -m rcm_shared.contracts.generate")
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a file is out of date")
    parser.add_argument("--unreleased", action="store_true", help="overwrite incompatible schemas too")
    options = parser.parse_args(argv)
    broken = {} if options.unreleased else incompatible()
    for path, faults in broken.items():
        for fault in faults:
            print(f"{path.name}#{fault.pointer}: {fault.rule}; this needs a new version", file=sys.stderr)
    if broken:
        return 1
    outdated = stale()
    if options.check:
        for path in outdated:
            print(f"{path.name} is out of date", file=sys.stderr)
        return 1 if outdated else 0
    wanted = documents()
    for path in outdated:
        if path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path])
            print(f"wrote {path.name}")
        else:
            print(f"{path.name} has no model; keep it while events of its type are stored", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
