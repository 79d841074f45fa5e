"""Code-set editions from the installed package, compiled once and kept as a content-addressed artefact.

The artefact's name holds the file's hash and the engine's own, so that neither a new edition nor a new
engine can meet an old artefact.
"""

import hashlib
import inspect
import os
from collections.abc import Callable
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import TypeVar

from rcm_coding.codesets import alphabetic
from rcm_coding.codesets import index_terms as index_terms_module
from rcm_coding.codesets.alphabetic import read_index
from rcm_coding.codesets.catalog import INDEXES
from rcm_coding.codesets.index_terms import index_terms, merge_terms
from rcm_coding.codesets.releases import Status
from rcm_coding.engine.knowledge import Knowledge, compile_knowledge, dump_knowledge, load_knowledge
from rcm_coding.engine.tabular import BadCodeSetError, Tabular, read_installed_xml
from rcm_coding.gateways.codeset_store import CodesetStore, Kept

T = TypeVar("T")


def default_cache() -> Path:
    """Return the user's cache folder for compiled artefacts."""
    return Path.home() / ".cache" / "claimstream" / "codesets"


def load_installed(cache_dir: Path | None, known: Tabular | None = None) -> Knowledge:
    """Return the installed edition, from its artefact when there is one. `known`: its list, when in memory already.

    A cache that cannot be written is no error.
    Raises: BadCodeSetError when the installed file is no complete edition.
    """
    edition, xml = read_installed_xml()
    name = f"icd10cm-{edition}-{hashlib.sha256(xml).hexdigest()[:16]}-{engine_hash()[:12]}.json"
    return from_artefact(
        (cache_dir or default_cache()) / name,
        lambda artefact: load_knowledge(artefact, known),
        lambda: compile_knowledge(xml, edition),
        dump_knowledge,
    )


def load_knowledge_of(
    store: CodesetStore, cache_dir: Path | None = None, known: Tabular | None = None
) -> Knowledge:
    """Return the installed edition with the terms of the index files that are active in a store.

    An index of an earlier year serves: its terms are kept only under codes of the edition.
    Raises: BadCodeSetError, StoreError, BrokenFileError.
    """
    indexes = active_indexes(store)
    if not indexes:
        return load_installed(cache_dir, known)
    edition, xml = read_installed_xml()
    digest = hashlib.sha256(xml)
    for module in (alphabetic, index_terms_module):
        digest.update(inspect.getsource(module).encode())
    for kept in indexes:
        digest.update(kept.release.sha256.encode() + kept.release.system.encode())
    name = f"icd10cm-{edition}-{digest.hexdigest()[:16]}-{engine_hash()[:12]}.json"
    return from_artefact(
        (cache_dir or default_cache()) / name,
        lambda artefact: load_knowledge(artefact, known),
        lambda: compile_knowledge(xml, edition, lambda tabular: index_extra(store, tabular)),
        dump_knowledge,
    )


def load_tabular_of(store: CodesetStore, kept: Kept, cache_dir: Path | None = None) -> Knowledge:
    """Return the edition of a tabular list in a store, with the terms of the active index files.

    Raises: BadCodeSetError, StoreError, BrokenFileError.
    """
    edition = kept.release.effective_from.isoformat()
    digest = hashlib.sha256(kept.release.sha256.encode())
    for index in active_indexes(store):
        digest.update(index.release.sha256.encode() + index.release.system.encode())
    name = f"icd10cm-{edition}-{digest.hexdigest()[:16]}-{engine_hash()[:12]}.json"

    def make() -> Knowledge:
        xml = b"".join(next(iter(store.files(kept).values()))())
        return compile_knowledge(xml, edition, lambda tabular: index_extra(store, tabular))

    return from_artefact((cache_dir or default_cache()) / name, load_knowledge, make, dump_knowledge)


def index_extra(store: CodesetStore, tabular: Tabular) -> tuple[tuple[frozenset[str], str], ...]:
    """Return the lexicon terms of the index files that are active in a store."""
    return merge_terms(
        index_terms(read_index(b"".join(next(iter(store.files(kept).values()))())), tabular)
        for kept in active_indexes(store)
    )


def active_indexes(store: CodesetStore) -> list[Kept]:
    """Return the index files that are active in a store, the newest of each kind."""
    newest: dict[str, Kept] = {}
    for kept in store.list():
        if kept.release.system in INDEXES and kept.release.status is Status.ACTIVE:
            newest[kept.release.system] = kept  # the list is in the order of first days
    return [newest[system] for system in INDEXES if system in newest]


def billable_codes(edition: Tabular) -> str:
    """Return every code that may stand on a claim, 7th characters expanded, sorted and one a line.

    The same edition gives the same text everywhere.
    """
    codes: list[str] = []
    for concept in edition.concepts.values():
        if concept.leaf and concept.seventh:
            stem = concept.code.ljust(6, "X")
            codes.extend(stem + character for character in edition.seventh_characters(concept.code))
        elif concept.leaf:
            codes.append(concept.code)
    return "\n".join(sorted(codes))


def engine_hash() -> str:
    """Return a hash over the engine's source, which decides what an artefact contains."""
    digest = hashlib.sha256()
    for item in sorted(resources.files("rcm_coding.engine").iterdir(), key=lambda item: item.name):
        if item.name.endswith(".py"):
            digest.update(item.read_bytes())
    return digest.hexdigest()


def from_artefact(
    artefact: Path, read: Callable[[bytes], T], make: Callable[[], T], write: Callable[[T], bytes]
) -> T:
    """Read an artefact; where it is absent or damaged, make what it holds and keep it for the next time."""
    try:
        return read(artefact.read_bytes())
    except (OSError, BadCodeSetError):
        made = make()
        keep_artefact(artefact, write(made))
        return made


def keep_artefact(artefact: Path, body: bytes) -> None:
    """Write an artefact whole or not at all; a folder that cannot be written is no error."""
    partial = artefact.with_suffix(f".{os.getpid()}.tmp")
    try:
        artefact.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(body)
        partial.replace(artefact)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
