"""Code-set releases in a folder: the files as they came, by their hash, and a list that is replaced whole.

The list is the pointer: readers see the old releases or the new ones, never a mixture.
"""

import fcntl
import hashlib
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

from platformdirs import user_data_path

from rcm_coding.codesets.catalog import SYSTEMS, Files, Reading, Row, count, spans, year_in
from rcm_coding.codesets.lines import BrokenFileError
from rcm_coding.codesets.releases import (
    ActivationError,
    Difference,
    Release,
    Status,
    activate,
    compare,
    faults,
    predecessor,
)
from rcm_coding.engine.tabular import fiscal_year

_LARGEST = 1 << 30


class StoreError(Exception):
    """What a person did wrong with the store, as one sentence."""


@dataclass(frozen=True)
class Kept:
    """One release of the store with what reading its file needs."""

    release: Release
    source: str
    column_map: dict[str, str]
    delimiter: str


def default_store() -> Path:
    """Return the user's own store."""
    return user_data_path("claimstream") / "codesets"


class CodesetStore:
    """The releases under one folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or default_store()

    def list(self) -> tuple[Kept, ...]:
        """Return every release, by system and first day."""
        try:
            body = json.loads((self._folder / "releases.json").read_bytes())
        except FileNotFoundError:
            return ()
        except (OSError, ValueError):
            raise StoreError(f"the list of releases in {self._folder} cannot be read") from None
        kept = [_kept(item) for item in body]
        return tuple(sorted(kept, key=lambda item: (item.release.system, item.release.effective_from)))

    def load(
        self,
        path: Path,
        system: str,
        *,
        effective_from: date | None = None,
        effective_to: date | None = None,
        label: str = "",
        column_map: dict[str, str] | None = None,
        delimiter: str = "\t",
    ) -> tuple[Kept, Reading]:
        """Read a file whole and keep it as a staged release; a broken file leaves the store as it was.

        Raises: StoreError, BrokenFileError.
        """
        kind = SYSTEMS.get(system)
        if kind is None:
            raise StoreError(f"no system {system}; there are {', '.join(sorted(SYSTEMS))}")
        try:
            files = open_files(path, system)
            digest = _hash(path)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror or 'cannot be read'}") from None
        stated = year_in(next(iter(files)).rsplit("/", 1)[-1])
        if kind.fiscal and effective_from is not None:
            wanted = effective_from.year + (effective_from.month >= 10)
            if stated is not None and stated != wanted:
                raise BrokenFileError(0, f"the file is of FY{stated}, not of FY{wanted}")
        if effective_from is None and kind.fiscal and stated is not None:
            effective_from = fiscal_year(stated)[0]
        if effective_from is None:
            raise StoreError("the file does not say from when it is effective: give --effective-from")
        year = stated if kind.fiscal else None
        how = Reading(year=year, column_map=column_map or {}, delimiter=delimiter)
        rows, billable = count(kind, files, how)
        release = Release(
            system,
            label
            or (
                f"FY{effective_from.year + (effective_from.month >= 10)}"
                if kind.fiscal
                else f"{effective_from}"
            ),
            effective_from,
            effective_to or spans(kind, effective_from),
            digest,
            rows,
            billable,
            kind.licence,
        )
        kept = Kept(release, path.name, dict(column_map or {}), delimiter)
        with self._locked():
            known = self.list()
            same = next((item for item in known if _same(item.release, release)), None)
            if same is not None:
                return same, how
            self._keep(path, digest)
            self._write([*known, kept])
        return kept, how

    def check(self, name: str) -> tuple[Release, tuple[str, ...], Difference | None]:
        """Check a staged release against its predecessor; only one without faults becomes checked."""
        with self._locked():
            kept = self.find(name)
            known = self.list()
            before = predecessor(kept.release, [item.release for item in known])
            difference = None
            if before is not None and before.rows < 500_000:
                old = next(item for item in known if _same(item.release, before))
                difference = compare(self.rows(old), self.rows(kept))
            found = faults(kept.release, [item.release for item in known], difference)
            if kept.release.status is Status.STAGED and not found:
                checked = replace(kept.release, status=Status.CHECKED)
                self._write(
                    [
                        replace(item, release=checked) if _same(item.release, kept.release) else item
                        for item in known
                    ]
                )
                return checked, found, difference
            return kept.release, found, difference

    def activate(self, name: str) -> Release:
        """Make a checked release active in one replacement of the list.

        Raises: StoreError; the active releases then stay as they were.
        """
        with self._locked():
            kept = self.find(name)
            known = self.list()
            try:
                after = activate(kept.release, [item.release for item in known])
            except ActivationError as error:
                raise StoreError(str(error)) from None
            by_hash = {(item.system, item.sha256): item for item in after}
            self._write(
                [replace(item, release=by_hash[item.release.system, item.release.sha256]) for item in known]
            )
            return by_hash[kept.release.system, kept.release.sha256]

    def find(self, name: str) -> Kept:
        """Return the release named "system:label", or by the start of its hash.

        Raises: StoreError when none or several fit.
        """
        fits = [
            item
            for item in self.list()
            if item.release.name == name or (len(name) >= 6 and item.release.sha256.startswith(name.lower()))
        ]
        if len(fits) != 1:
            raise StoreError(
                f"{'several releases' if fits else 'no release'} named {name}; see rcm codesets ls"
            )
        return fits[0]

    def rows(self, kept: Kept) -> Iterator[Row]:
        """Read the rows of a kept release again."""
        system = SYSTEMS[kept.release.system]
        how = Reading(column_map=kept.column_map, delimiter=kept.delimiter)
        return system.read(self.files(kept), how)

    def files(self, kept: Kept) -> Files:
        """Return the files of a kept release."""
        return open_files(self._file(kept.release.sha256), kept.release.system, kept.source)

    def _file(self, digest: str) -> Path:
        return self._folder / "files" / digest

    def _keep(self, path: Path, digest: str) -> None:
        target = self._file(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            return
        partial = target.with_suffix(".tmp")
        with path.open("rb") as source, partial.open("wb") as sink:
            while block := source.read(1 << 20):
                sink.write(block)
        partial.replace(target)

    def _write(self, kept: Iterable[Kept]) -> None:
        target = self._folder / "releases.json"
        partial = target.with_suffix(f".{os.getpid()}.tmp")
        partial.write_text(
            json.dumps([asdict(item) for item in kept], default=str, indent=1), encoding="utf-8"
        )
        partial.replace(target)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / "lock").open("w") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield
        except PermissionError:
            raise StoreError(f"{self._folder} cannot be written") from None


def systems_in(path: Path) -> list[str]:
    """Return the systems that a file's name, or the names in an archive, tell; licensed layouts are never guessed.

    Raises: BrokenFileError, OSError.
    """
    names = [path.name]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = [item.filename.rsplit("/", 1)[-1] for item in archive.infolist()]
    elif path.name.lower().endswith(".zip") and path.stat().st_size >= 0:
        raise BrokenFileError(0, "the archive is damaged or cut off")
    return [
        name
        for name, system in SYSTEMS.items()
        if name != "cpt" and any(re.fullmatch(system.names, item, re.IGNORECASE) for item in names)
    ]


def open_files(path: Path, system: str, name: str = "") -> Files:
    """Return the members of an archive that are of the system, or the plain file itself.

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
    return {item.filename: _member(path, item.filename) for item in members}


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


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _same(one: Release, other: Release) -> bool:
    return one.system == other.system and one.sha256 == other.sha256


def _kept(item: dict[str, object]) -> Kept:
    try:
        body = dict(item["release"])  # type: ignore[call-overload]
        body["effective_from"] = date.fromisoformat(body["effective_from"])
        body["effective_to"] = date.fromisoformat(body["effective_to"])
        body["status"] = Status(body["status"])
        columns = dict(item["column_map"])  # type: ignore[call-overload]
        return Kept(Release(**body), str(item["source"]), columns, str(item["delimiter"]))
    except (KeyError, TypeError, ValueError):
        raise StoreError("the list of releases is damaged") from None
