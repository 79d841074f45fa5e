"""Code-set releases in a folder: the files as they came, by their hash, and a list that is replaced whole.

The list is the pointer: readers see the old releases or the new ones, never a mixture.
"""

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

from platformdirs import user_data_path

from rcm_coding.codesets.catalog import SYSTEMS, Reading, Row
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
from rcm_coding.codesets.tables import TABLES, Entry, Files, Layout, entries
from rcm_coding.gateways.codeset_files import Kept, StoreError, Wanted, open_files, read_release

__all__ = ["CodesetStore", "Kept", "StoreError", "default_store"]

FEW_ROWS = 200_000  # up to which two releases are compared code by code


def default_store() -> Path:
    """Return the user's own store."""
    return user_data_path("claimstream") / "codesets"


def differences(folder: Path, old: Kept, new: Kept) -> Difference:
    """Compare two releases whose files a store has.

    Raises: BrokenFileError.
    """
    store = CodesetStore(folder)
    return compare(store.rows(old), store.rows(new))


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
        wanted = Wanted(effective_from, effective_to, label, column_map or {}, delimiter)
        kept, how = read_release(path, system, wanted)
        with self._locked():
            known = self.list()
            same = next((item for item in known if _same(item.release, kept.release)), None)
            if same is not None:
                return same, how
            self.keep(path, kept.release.sha256)
            self._write([*known, kept])
        if system in TABLES:
            self._index(kept)
        return kept, how

    def adopt(self, releases: Iterable[Kept]) -> None:
        """Take another place's releases as the list, whole; their files are kept already.

        Raises: StoreError.
        """
        with self._locked():
            self._write(releases)

    def check(self, name: str) -> tuple[Release, tuple[str, ...], Difference | None]:
        """Check a staged release against its predecessor; only one without faults becomes checked."""
        with self._locked():
            kept = self.find(name)
            known = self.list()
            before = predecessor(kept.release, [item.release for item in known])
            difference = None
            if before is not None and before.rows < FEW_ROWS:
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

    def table(
        self, kept: Kept, keys: Iterable[str], others: Iterable[str] | None = None
    ) -> tuple[Entry, ...]:
        """Return the rows of a table under any of the keys, beside any of `others` when they are given.

        Raises: BrokenFileError, StoreError.
        """
        path = self._folder / "tables" / f"{kept.release.system}-{kept.release.sha256}.sqlite"
        if not path.exists():
            self._index(kept)
        wanted = sorted(set(keys))
        beside = sorted(set(others or ()))
        query = f"SELECT key, other, at, line FROM line WHERE key IN ({_marks(wanted)})"
        if others is not None:
            query += f" AND other IN ({_marks(beside)})"
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
                rows = database.execute(f"{query} ORDER BY at", [*wanted, *beside])
                return tuple(Entry(*row) for row in rows)
        except sqlite3.Error:
            reason = f"the table of {kept.release.name} is damaged: delete it to have it made anew"
            raise StoreError(reason) from None

    def _index(self, kept: Kept) -> None:
        """Write a release's rows where they are found by their key, whole or not at all."""
        path = self._folder / "tables" / f"{kept.release.system}-{kept.release.sha256}.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.tmp")
        partial.unlink(missing_ok=True)
        with closing(sqlite3.connect(partial)) as database:
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            database.execute(
                "CREATE TABLE line (key TEXT, other TEXT, at INTEGER, line TEXT, PRIMARY KEY (key, other, at))"
                " WITHOUT ROWID"
            )
            database.executemany("INSERT INTO line VALUES (?, ?, ?, ?)", self.entries(kept))
            database.commit()
        partial.replace(path)

    def entries(self, kept: Kept) -> Iterator[Entry]:
        """Read the rows of a table again, each under its key."""
        return entries(kept.release.system, self.files(kept), Layout(kept.column_map, kept.delimiter))

    def _file(self, digest: str) -> Path:
        return self._folder / "files" / digest

    def keep(self, path: Path, digest: str) -> None:
        """Copy a file under its hash, unless it is there."""
        target = self._file(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            return
        partial = target.with_suffix(f".{os.getpid()}.tmp")
        with path.open("rb") as source, partial.open("wb") as sink:
            while block := source.read(1 << 20):
                sink.write(block)
        partial.replace(target)

    def path_of(self, kept: Kept) -> Path:
        """Return where the file of a release lies."""
        return self._file(kept.release.sha256)

    @property
    def folder(self) -> Path:
        """Where the releases lie."""
        return self._folder

    def has(self, digest: str) -> bool:
        """Tell whether a file is kept."""
        return self._file(digest).exists()

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


def _marks(values: list[str]) -> str:
    return ",".join("?" * len(values))


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
