"""Published files of code sets on disk: what an archive holds, one file read whole, parts joined to one archive."""

import hashlib
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from rcm_coding.codesets.catalog import SYSTEMS, Reading, System, begins_in, count, spans, year_in
from rcm_coding.codesets.lines import BrokenFileError
from rcm_coding.codesets.releases import Release
from rcm_coding.codesets.tables import Files
from rcm_coding.engine.tabular import fiscal_year

_LARGEST = 1 << 30
_PART = re.compile(r"[-_]f(\d{1,2})\.txt$", re.IGNORECASE)
#: Systems that are published in several files, which only together are one release.
PARTED = frozenset({"ncci-ptp", "ncci-ptp-hospital"})


class StoreError(Exception):
    """What a person did wrong with a release, as one sentence."""


@dataclass(frozen=True)
class Kept:
    """One release with what reading its file needs."""

    release: Release
    source: str
    column_map: dict[str, str]
    delimiter: str


@dataclass(frozen=True)
class Wanted:
    """What a person says about a file; what is left out is taken from the file or its name."""

    effective_from: date | None = None
    effective_to: date | None = None
    label: str = ""
    column_map: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = "\t"


def read_release(path: Path, system: str, wanted: Wanted, name: str = "") -> tuple[Kept, Reading]:
    """Read a file whole and return it as a staged release. `name` is what it was called, when not its own name.

    Raises: StoreError; BrokenFileError when any row is broken or the file is of another time than wanted.
    """
    kind = SYSTEMS.get(system)
    if kind is None:
        raise StoreError(f"no system {system}; there are {', '.join(sorted(SYSTEMS))}")
    shown = name or path.name
    try:
        files = open_files(path, system, shown)
        digest = hash_of(path)
    except OSError as error:
        raise StoreError(f"{shown}: {error.strerror or 'cannot be read'}") from None
    if system in PARTED:
        _refuse_incomplete(list(files))
    stated = year_in(next(iter(files)).rsplit("/", 1)[-1])
    first = _first_day(kind, files, stated, wanted.effective_from)
    last = wanted.effective_to or spans(kind, first)
    if last < first:
        raise StoreError("its last day lies before its first")
    how = Reading(
        year=stated if kind.fiscal else None, column_map=wanted.column_map, delimiter=wanted.delimiter
    )
    rows, billable = count(kind, files, how)
    label = wanted.label or (f"FY{first.year + (first.month >= 10)}" if kind.fiscal else f"{first}")
    release = Release(system, label, first, last, digest, rows, billable, kind.licence)
    return Kept(release, shown, dict(wanted.column_map), wanted.delimiter), how


def _first_day(kind: System, files: Files, stated: int | None, wanted: date | None) -> date:
    if kind.fiscal:
        if wanted is not None:
            year = wanted.year + (wanted.month >= 10)
            if stated is not None and stated != year:
                raise BrokenFileError(0, f"the file is of FY{stated}, not of FY{year}")
        elif stated is not None:
            wanted = fiscal_year(stated)[0]
    else:
        begins = begins_in(next(iter(files)).rsplit("/", 1)[-1])
        if wanted is not None and begins is not None and wanted != begins:
            raise BrokenFileError(0, f"the file is of {begins}, not of {wanted}")
        wanted = wanted or begins
    if wanted is None:
        raise StoreError("the file does not say from when it is effective: give its first day")
    return wanted


def _refuse_incomplete(names: list[str]) -> None:
    parts = sorted(int(match[1]) for name in names if (match := _PART.search(name)))
    if parts and (parts != list(range(1, len(parts) + 1)) or len(parts) == 1):
        raise BrokenFileError(
            0, f"it holds part {', '.join(map(str, parts))}: load all parts of the release together"
        )


def systems_in(path: Path, name: str = "") -> list[str]:
    """Return the systems that a file's name, or the names in an archive, tell; licensed layouts are never guessed.

    Raises: BrokenFileError, OSError.
    """
    shown = name or path.name
    names = [shown]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = [item.filename.rsplit("/", 1)[-1] for item in archive.infolist()]
    elif shown.lower().endswith(".zip") and path.stat().st_size >= 0:
        raise BrokenFileError(0, "the archive is damaged or cut off")
    return [
        system
        for system, kind in SYSTEMS.items()
        if system != "cpt" and any(re.fullmatch(kind.names, item, re.IGNORECASE) for item in names)
    ]


def open_files(path: Path, system: str, name: str = "") -> Files:
    """Return the members of an archive that are of the system, in the order of their names, or the file itself.

    Raises: BrokenFileError when an archive is damaged or has none.
    """
    shown = name or path.name
    if not zipfile.is_zipfile(path):
        if shown.lower().endswith(".zip"):
            raise BrokenFileError(0, "the archive is damaged or cut off")
        return {shown: _plain(path)}
    pattern = re.compile(SYSTEMS[system].names, re.IGNORECASE)
    with zipfile.ZipFile(path) as archive:
        members = [item for item in archive.infolist() if pattern.fullmatch(item.filename.rsplit("/", 1)[-1])]
        if not members:
            raise BrokenFileError(0, f"the archive has no file of {system}")
        if any(item.file_size > _LARGEST for item in members):
            raise BrokenFileError(0, "a file of the archive is larger than 1 GiB")
    return {name: _member(path, name) for name in sorted(item.filename for item in members)}


def join(paths: Iterable[Path], system: str, target: Path) -> None:
    """Write the files of one system as one archive; the same files give the same bytes in any order.

    Raises: BrokenFileError, OSError.
    """
    members = {
        member.rsplit("/", 1)[-1]: lines
        for path in paths
        for member, lines in open_files(path, system).items()
    }
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(members):
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as sink:
                for line in members[name]():
                    sink.write(line)


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _plain(path: Path) -> Callable[[], Iterable[bytes]]:
    def lines() -> Iterator[bytes]:
        with path.open("rb") as handle:
            yield from handle

    return lines


def _member(path: Path, name: str) -> Callable[[], Iterable[bytes]]:
    def lines() -> Iterator[bytes]:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(name) as handle:
                yield from handle
        except (zipfile.BadZipFile, EOFError, OSError):
            raise BrokenFileError(0, "the archive is damaged or cut off") from None

    return lines
