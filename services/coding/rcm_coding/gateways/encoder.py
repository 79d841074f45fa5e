"""The encoder of an edition, its index kept as an artefact so that the first answer comes at once.

The artefact's name holds a hash of the edition's titles, of the index files' terms and of the code that makes it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from threading import Lock

from rcm_coding.codesets.alphabetic import read_index
from rcm_coding.codesets.index_terms import said_terms
from rcm_coding.codesets.releases import in_force
from rcm_coding.engine.knowledge import Knowledge, dump_knowledge, load_knowledge
from rcm_coding.engine.lexicon import Lexicon
from rcm_coding.engine.search.encoder import Encoder, make_encoder
from rcm_coding.engine.search.index import (
    Entry,
    SearchIndex,
    build_index,
    dump_index,
    icd10cm_index,
    load_index,
)
from rcm_coding.engine.tabular import BadCodeSetError, Tabular, parse_tabular, read_installed_xml
from rcm_coding.gateways.codeset_store import CodesetStore, Kept
from rcm_coding.gateways.editions import next_year, order_titles
from rcm_coding.gateways.releases import (
    active_indexes,
    default_cache,
    engine_hash,
    from_artefact,
    keep_artefact,
)
from rcm_coding.gateways.validity import validity_source

#: Code sets that are searched from loaded files, and what their files are called in the store.
LOADED = {"icd10pcs": "icd10pcs-order", "hcpcs": "hcpcs"}

_MOST = 4  # encoders that one process keeps
_kept: list[tuple[str, Encoder]] = []  # with a hash of the index files whose words it has
_lock = Lock()


class NoEditionError(Exception):
    """No edition covers the day. The message is one sentence."""


def encoder_of(tabular: Tabular, cache_dir: Path | None = None, store: CodesetStore | None = None) -> Encoder:
    """Return the encoder of an edition, made at most once in a process and once in a cache folder.

    With a store, the words of its active index files are found too; it takes the place of one with other words.
    Raises: StoreError, BrokenFileError.
    """
    words = _words(store) if store else ""
    with _lock:
        for at, (known, encoder) in enumerate(_kept):
            if encoder.tabular is tabular:
                if store is None or known == words:
                    return encoder
                del _kept[at]
                break
        encoder = make_encoder(tabular, _index(tabular, cache_dir or default_cache(), store))
        _kept.append((words, encoder))
        del _kept[:-_MOST]
        return encoder


def keep_only(editions: Iterable[Tabular]) -> None:
    """Forget the encoders of editions that are no longer read by."""
    wanted = list(editions)
    with _lock:
        _kept[:] = [pair for pair in _kept if any(pair[1].tabular is item for item in wanted)]


def _words(store: CodesetStore) -> str:
    return " ".join(f"{kept.release.system}:{kept.release.sha256}" for kept in active_indexes(store))


@lru_cache(maxsize=4)
def default_encoder(day: date | None = None, cache_dir: Path | None = None) -> Encoder:
    """Return the encoder of what governs a day by the user's own store; without a day, of the installed edition.

    Raises: NoEditionError, BadCodeSetError, StoreError, BrokenFileError.
    """
    store = CodesetStore()
    base = _installed(cache_dir or default_cache())
    if day is None or base.effective_from <= day <= base.effective_to:
        return encoder_of(base, cache_dir, store)
    following = None
    if day > base.effective_to:
        following = _following(base, cache_dir or default_cache(), store)
    if following is None or not following.effective_from <= day <= following.effective_to:
        last = following.effective_to if following else base.effective_to
        raise NoEditionError(
            f"no edition of ICD-10-CM for {day}: the installed ones reach from {base.effective_from} to {last}"
        )
    return encoder_of(following, cache_dir, store)


def loaded_index(system: str, day: date, store: CodesetStore | None = None) -> SearchIndex:
    """Return the index of another code set, of the file that is active for a day.

    Raises: NoEditionError, StoreError, BrokenFileError.
    """
    store = store or CodesetStore()
    kind = LOADED.get(system)
    releases = {item.release.sha256: item for item in store.list() if item.release.system == kind}
    release = in_force((item.release for item in releases.values()), kind or "", day)
    if release is None:
        raise NoEditionError(
            f"no active release of {system} for {day}: load its file with rcm codesets load"
            if kind
            else f"the system is one of icd10cm, {', '.join(LOADED)}"
        )
    rows = store.rows(releases[release.sha256])
    entries = [Entry(row.key, row.key, row.text, row.flag not in ("0", "")) for row in rows]
    return build_index(system, release.label, entries)


def _installed(folder: Path) -> Tabular:
    """Return the installed edition without its lexicon, which look-ups do not need."""
    edition, xml = read_installed_xml()
    name = f"icd10cm-{edition}-{hashlib.sha256(xml).hexdigest()[:16]}-{engine_hash()[:12]}.tabular.json"
    knowledge = from_artefact(
        folder / name,
        load_knowledge,
        lambda: Knowledge(parse_tabular(xml, edition), Lexicon(())),
        dump_knowledge,
    )
    return knowledge.tabular


def _following(base: Tabular, folder: Path, store: CodesetStore) -> Tabular | None:
    """Return the year after the installed edition without its lexicon, or None when no installed data reaches it."""
    digest = hashlib.sha256(f"{base.sha256} {_source_hash()} {validity_source()}".encode())
    for kept in store.list():
        digest.update(f"{kept.release.system} {kept.release.sha256} {kept.release.status}".encode())
    path = folder / f"icd10cm-after-{base.edition}-{digest.hexdigest()[:16]}.tabular.json"
    try:
        return load_knowledge(path.read_bytes()).tabular
    except (OSError, BadCodeSetError):
        titles = order_titles(store, base.effective_to + timedelta(days=1))
        knowledge = next_year(Knowledge(base, Lexicon(())), titles)
        if knowledge is None:
            return None
        artefact = dump_knowledge(Knowledge(_in_order(knowledge.tabular), Lexicon(())))
        keep_artefact(path, artefact)
        return load_knowledge(artefact).tabular


def _in_order(tabular: Tabular) -> Tabular:
    """Return the edition with new codes behind their headings: an artefact keeps the order of codes, no numbers."""
    ordered = sorted(tabular.concepts.values(), key=lambda item: item.order)
    return replace(tabular, concepts={item.code: item for item in ordered}, _exclusions={})


def _said(store: CodesetStore, indexes: Iterable[Kept]) -> tuple[tuple[str, str], ...]:
    """Return (words, code) of index files."""
    found: dict[tuple[str, str], None] = {}
    for kept in indexes:
        index = read_index(b"".join(next(iter(store.files(kept).values()))()))
        found.update(dict.fromkeys(said_terms(index)))
    return tuple(found)


def _index(tabular: Tabular, folder: Path, store: CodesetStore | None) -> SearchIndex:
    indexes = active_indexes(store) if store else []
    name = f"encoder-{tabular.edition}-{_digest(tabular, indexes)[:16]}-{_source_hash()[:12]}.npz"
    return from_artefact(
        folder / name,
        load_index,
        lambda: icd10cm_index(tabular, _said(store, indexes) if store else ()),
        dump_index,
    )


def _digest(tabular: Tabular, indexes: Iterable[Kept]) -> str:
    digest = hashlib.sha256(tabular.sha256.encode())
    digest.update("\n".join(f"{item.code} {item.title}" for item in tabular.concepts.values()).encode())
    for kept in indexes:
        digest.update(f"{kept.release.system} {kept.release.sha256}".encode())
    return digest.hexdigest()


@cache
def _source_hash() -> str:
    digest = hashlib.sha256(engine_hash().encode())
    for package in ("rcm_coding.engine.search", "rcm_coding.codesets"):
        for item in sorted(resources.files(package).iterdir(), key=lambda item: item.name):
            if item.name.endswith(".py"):
                digest.update(item.read_bytes())
    return digest.hexdigest()
