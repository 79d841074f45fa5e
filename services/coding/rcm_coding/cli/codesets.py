"""rcm codesets: load published files, check them, put them in force, compare them."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rcm_coding.codesets.index_terms import IndexTerms
    from rcm_coding.gateways.codeset_store import CodesetStore, Kept

app = typer.Typer(no_args_is_help=True, help="Code-set releases: list, load, check, activate, compare.")

FAILED = 1
USAGE = 2
_SHOWN = 20
_HEADS = ("release", "from", "to", "rows", "billable", "status", "sha256")

StoreDir = Annotated[
    str, typer.Option("--store", metavar="DIR", help="Folder of the releases. Left out: the user's own.")
]
Json = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON on stdout.")]
Name = Annotated[str, typer.Argument(metavar="RELEASE", help="SYSTEM:LABEL, or how its hash begins.")]


@app.command("ls")
def list_releases(store: StoreDir = "", as_json: Json = False) -> None:
    """List the releases with span and status, first those that the installed packages bring."""
    from rcm_coding.gateways.codeset_store import StoreError
    from rcm_coding.gateways.validity import installed_releases

    try:
        rows = [*installed_releases(), *(_row(item) for item in _store(store).list())]
    except StoreError as error:
        _end(FAILED, str(error))
    if as_json:
        print(json.dumps({"releases": rows}))
        return
    texts = [[str(row[head])[:12] if head == "sha256" else str(row[head]) for head in _HEADS] for row in rows]
    widths = [max(len(head), *(len(row[at]) for row in texts)) for at, head in enumerate(_HEADS)]
    for cells in [list(_HEADS), *texts]:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


@app.command("load")
def load_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Published files, or zips of them.")],
    system: Annotated[str, typer.Option(help="What the file is, when its name does not tell it.")] = "",
    first: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="First day in force.")] = "",
    last: Annotated[str, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day in force.")] = "",
    label: Annotated[str, typer.Option(help="Name of the release, such as 2026Q3.")] = "",
    columns: Annotated[
        str,
        typer.Option(metavar="FIELD=HEAD,...", help="CPT: the columns of code, short, long, effective, end."),
    ] = "",
    delimiter: Annotated[str, typer.Option(help="CPT: what separates the columns; left out, a tab.")] = "\t",
    store: StoreDir = "",
    as_json: Json = False,
) -> None:
    """Read files whole and stage them. A broken, cut-off or wrong-year file is refused with line and reason.

    A zip may hold files of several systems; each becomes its own release. The parts of the NCCI pairs are given
    together and become one. Of an index it is said how many terms the
    reading of notes gains from it, and why other entries give none.
    """
    from rcm_coding.codesets.lines import BrokenFileError
    from rcm_coding.gateways.codeset_store import StoreError

    how = {
        "effective_from": _day(first, "--from"),
        "effective_to": _day(last, "--to"),
        "label": label,
        "column_map": _column_map(columns),
        "delimiter": delimiter,
    }
    place = _store(store)
    staged: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        for path, name in _whole(files, system, Path(folder), refused):
            try:
                staged.append(_load(place, path, name, how))
            except BrokenFileError as error:
                refused.append(_refusal(path, name, error.line, error.reason))
            except StoreError as error:
                refused.append(_refusal(path, name, 0, str(error)))
    if as_json:
        print(json.dumps({"staged": staged, "refused": refused}))
    else:
        for row in staged:
            _show_staged(row)
    for fault in refused:
        where = f" line {fault['line']}" if fault["line"] else ""
        _say(
            f"{fault['file']}{where} refused{' as ' if fault['system'] else ''}{fault['system']}: {fault['reason']}"
        )
    if refused:
        raise typer.Exit(FAILED)


@app.command("check")
def check_release(release: Name, store: StoreDir = "", as_json: Json = False) -> None:
    """Compare a staged release with the one before; without a fault it may be activated."""
    from rcm_coding.codesets.lines import BrokenFileError
    from rcm_coding.gateways.codeset_store import StoreError

    try:
        checked, faults, difference = _store(store).check(release)
    except (StoreError, BrokenFileError, OSError) as error:
        _end(FAILED, _words(error))
    changes = {
        "added": len(difference.added) if difference else None,
        "retired": len(difference.retired) if difference else None,
        "revised": len(difference.revised) if difference else None,
    }
    if as_json:
        print(
            json.dumps(
                {
                    "release": checked.name,
                    "status": checked.status,
                    "faults": list(faults),
                    "changes": changes,
                }
            )
        )
    elif not faults:
        told = ", ".join(f"{count} {word}" for word, count in changes.items() if count is not None)
        print(f"{checked.name}: {checked.status}{f' ({told})' if told else ''}")
    for fault in faults:
        _say(f"{checked.name}: {fault}")
    if faults:
        raise typer.Exit(FAILED)


@app.command("activate")
def activate_release(release: Name, store: StoreDir = "", as_json: Json = False) -> None:
    """Put a checked release in force for its span. A refused activation changes nothing."""
    from rcm_coding.gateways.codeset_store import StoreError

    try:
        active = _store(store).activate(release)
    except StoreError as error:
        _end(FAILED, str(error))
    if as_json:
        print(json.dumps({"release": active.name, "status": active.status, **_span(active)}))
        return
    print(f"{active.name}: {active.status} from {active.effective_from} to {active.effective_to}")


@app.command("diff")
def compare_releases(
    old: Name,
    new: Annotated[str, typer.Argument(metavar="RELEASE", help="The later release.")],
    store: StoreDir = "",
    as_json: Json = False,
) -> None:
    """Say which codes a release adds, deletes, turns into headings or revises. Texts are never shown."""
    from rcm_coding.codesets.lines import BrokenFileError
    from rcm_coding.codesets.releases import compare
    from rcm_coding.gateways.codeset_store import StoreError

    try:
        place = _store(store)
        before, after = place.find(old), place.find(new)
        if before.release.system != after.release.system:
            _end(USAGE, f"{before.release.system} and {after.release.system} cannot be compared")
        found = compare(place.rows(before), place.rows(after))
    except (StoreError, BrokenFileError, OSError) as error:
        _end(FAILED, _words(error))
    parts = {
        "added": found.added,
        "deleted": found.deleted,
        "to_header": found.to_header,
        "to_billable": found.to_billable,
        "revised": found.revised,
    }
    if as_json:
        print(json.dumps(parts))
        return
    for name, codes in parts.items():
        more = f" … and {len(codes) - _SHOWN} more" if len(codes) > _SHOWN else ""
        print(f"{name.replace('_', ' ')}: {len(codes)}  {' '.join(codes[:_SHOWN])}{more}".rstrip())


def _whole(
    files: list[Path], system: str, folder: Path, refused: list[dict[str, Any]]
) -> list[tuple[Path, str]]:
    """Return (file, system) for each release; the parts of one that is published in parts are joined."""
    from rcm_coding.codesets.lines import BrokenFileError
    from rcm_coding.gateways.codeset_files import PARTED, join

    found = [(path, name) for path in files for name in _systems_of(path, system, refused)]
    for name in sorted(PARTED):
        parts = [path for path, other in found if other == name]
        if len(parts) < 2:
            continue
        found = [pair for pair in found if pair[1] != name]
        joined = folder / f"{parts[0].stem}-and-{len(parts) - 1}-more.zip"
        try:
            join(parts, name, joined)
        except (BrokenFileError, OSError) as error:
            refused.append(_refusal(parts[0], name, 0, _words(error)))
        else:
            found.append((joined, name))
    return found


def _systems_of(path: Path, system: str, refused: list[dict[str, Any]]) -> list[str]:
    from rcm_coding.codesets.lines import BrokenFileError
    from rcm_coding.gateways.codeset_files import systems_in

    if system:
        return [system]
    try:
        found = systems_in(path)
    except BrokenFileError as error:
        refused.append(_refusal(path, "", error.line, error.reason))
        return []
    except OSError as error:
        refused.append(_refusal(path, "", 0, error.strerror or "cannot be read"))
        return []
    if not found:
        refused.append(_refusal(path, "", 0, "the name tells no system: name it with --system"))
    return found


def _load(place: CodesetStore, path: Path, system: str, how: dict[str, Any]) -> dict[str, Any]:
    from rcm_coding.codesets.catalog import INDEXES

    kept, reading = place.load(path, system, **how)
    row = _row(kept)
    row["left"] = dict(reading.left)
    if system in INDEXES:
        found = _terms(place, kept)
        row["terms"] = len(found.terms)
        row["left"] = found.left
    return row


def _terms(place: CodesetStore, kept: Kept) -> IndexTerms:
    from rcm_coding.codesets.alphabetic import read_index
    from rcm_coding.codesets.index_terms import index_terms
    from rcm_coding.gateways.releases import load_installed

    lines = next(iter(place.files(kept).values()))
    return index_terms(read_index(b"".join(lines())), load_installed(None).tabular)


def _show_staged(row: dict[str, Any]) -> None:
    print(f"{row['release']}: {row['rows']} rows, {row['billable']} billable, {row['status']}")
    if "terms" in row:
        print(f"  {row['terms']:>7} terms kept")
    for reason, count in sorted(row["left"].items(), key=lambda pair: (-pair[1], pair[0])):
        print(f"  {count:>7} left: {reason}")


def _store(folder: str) -> CodesetStore:
    from rcm_coding.gateways.codeset_store import CodesetStore

    return CodesetStore(Path(folder) if folder else None)


def _row(kept: Kept) -> dict[str, Any]:
    release = kept.release
    return {
        "release": release.name,
        "system": release.system,
        "label": release.label,
        **_span(release),
        "rows": release.rows,
        "billable": release.billable,
        "licence": release.licence,
        "status": str(release.status),
        "source": kept.source,
        "sha256": release.sha256,
    }


def _span(release: Any) -> dict[str, str]:
    return {"from": release.effective_from.isoformat(), "to": release.effective_to.isoformat()}


def _refusal(path: Path, system: str, line: int, reason: str) -> dict[str, Any]:
    return {"file": path.name, "system": system, "line": line, "reason": reason}


def _column_map(text: str) -> dict[str, str]:
    pairs = [item.partition("=") for item in text.split(",") if item]
    if any(not mark or not head for _, mark, head in pairs):
        _end(USAGE, "--columns is written FIELD=HEAD,FIELD=HEAD")
    return {name.strip(): head.strip() for name, _, head in pairs}


def _day(text: str, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        _end(USAGE, f"{option} is a day as YYYY-MM-DD")


def _words(error: Exception) -> str:
    return (error.strerror or "cannot be read") if isinstance(error, OSError) else str(error)


def _say(text: str) -> None:
    print(f"rcm: {text}", file=sys.stderr, flush=True)


def _end(status: int, text: str) -> NoReturn:
    _say(text)
    raise typer.Exit(status)
