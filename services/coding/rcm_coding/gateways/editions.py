"""The knowledge that governs a day: a loaded tabular list, the installed edition, or the year after it.

The year after is made from spans of validity until its own tabular list is loaded.
"""

from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from rcm_coding.codesets.next_year import carry_forward
from rcm_coding.codesets.releases import Release, Status, in_force
from rcm_coding.domain.case import Grouping
from rcm_coding.domain.code_set import CodeSets, Procedures
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.lexicon import Lexicon, Term
from rcm_coding.engine.tabular import BadCodeSetError, Tabular
from rcm_coding.gateways.codeset_store import CodesetStore, Kept
from rcm_coding.gateways.pcs_validity import pcs_codes_on
from rcm_coding.gateways.releases import load_installed, load_knowledge_of, load_tabular_of
from rcm_coding.gateways.validity import installed_validity, procedure_codes_on
from rcm_coding.gateways.weights import Weigh, weights_of

_ORDER = "icd10cm-order"
_TABULAR = "icd10cm-tabular"
_CHANGES = ("icd10cm-addenda", "icd10cm-delta")
_NAMING = frozenset({"add", "revise-to"})  # changes that say what a code is called


def next_year(knowledge: Knowledge, titles: dict[str, str] | None = None) -> Knowledge | None:
    """Return the knowledge of the year after an edition, or None when no installed data reaches so far.

    Terms of codes that the year drops go; codes that it adds are found by number until their titles are loaded.
    """
    validity = installed_validity()
    if validity is None:
        return None
    try:
        tabular = carry_forward(knowledge.tabular, validity, titles)
    except BadCodeSetError:
        return None
    return Knowledge(tabular, _lexicon(knowledge.lexicon, tabular)) if tabular else None


class Editions:
    """What a process reads notes and judges codes by: the installed edition, loaded ones, and the year after.

    `load` replaces all of it at once, so that work under way keeps what it began with.
    """

    def __init__(self, cache_dir: Path | None = None, store: CodesetStore | None = None) -> None:
        self._cache_dir = cache_dir
        self._store = store
        self._loaded: tuple[Knowledge, ...] = ()
        self._seen: tuple[Kept, ...] = ()
        self._procedures: Procedures = procedure_codes_on
        self._weigh: Weigh = lambda grouping, _day: grouping

    def load(self) -> tuple[Release, ...]:
        """Read the editions with the store's active files; return those active releases.

        Raises: BadCodeSetError, StoreError, BrokenFileError; what was loaded before then stays.
        """
        kept = self._store.list() if self._store else ()
        known = self._loaded[0].tabular if self._loaded else None
        base = (
            load_knowledge_of(self._store, self._cache_dir, known)
            if self._store
            else load_installed(self._cache_dir, known)
        )
        (base,) = _shared((base,), self._loaded)
        loaded = loaded_tabulars(self._store, base, self._cache_dir) if self._store else ()
        self._loaded = _shared((base, *loaded, *_year_after(base, loaded, self._store)), self._loaded)
        self._seen = kept
        if self._store:
            self._procedures = _procedures_in(self._store)
            self._weigh = weights_of(self._store)
        return tuple(item.release for item in kept if item.release.status is Status.ACTIVE)

    def changed(self) -> bool:
        """Tell whether the store's list is another than what was loaded."""
        return self._store is not None and self._store.list() != self._seen

    def on(self, day: date) -> Knowledge:
        """Return the knowledge that governs a day; the installed one when none does, which then says so."""
        return _governing(self._loaded, day) or self._loaded[0]

    def weigh(self, grouping: Grouping, day: date) -> Grouping:
        """Return a grouping with the relative weight of the table in force on the discharge date, when one is."""
        return self._weigh(grouping, day)

    def code_sets(self) -> CodeSets:
        """Return the editions for judging codes."""
        return CodeSets(tuple(item.tabular for item in self._loaded), procedures=self._procedures)


@lru_cache(maxsize=1)
def _default() -> tuple[Knowledge, ...]:
    base = load_knowledge_of(CodesetStore())
    return (base, *loaded_tabulars(CodesetStore(), base))


@lru_cache(maxsize=1)
def _default_following() -> tuple[Knowledge, ...]:
    base, *loaded = _default()
    return _year_after(base, tuple(loaded), CodesetStore())


def default_knowledge(day: date | None = None) -> Knowledge:
    """Return what governs a day by the user's own store, loaded once for the process; without a day the installed.

    A day that no edition covers gets the installed one, which then says so.
    Raises: BadCodeSetError, StoreError, BrokenFileError.
    """
    if day is None:
        return _default()[0]
    return _governing(_default(), day) or _governing(_default_following(), day) or _default()[0]


def loaded_tabulars(
    store: CodesetStore, base: Knowledge, cache_dir: Path | None = None
) -> tuple[Knowledge, ...]:
    """Return the editions of the tabular lists that are active in a store, except the installed one's own file."""
    return tuple(
        load_tabular_of(store, kept, cache_dir)
        for kept in store.list()
        if kept.release.system == _TABULAR
        and kept.release.status is Status.ACTIVE
        and kept.release.sha256 != base.tabular.sha256
    )


def _shared(fresh: tuple[Knowledge, ...], before: tuple[Knowledge, ...]) -> tuple[Knowledge, ...]:
    """Return what was loaded with the lists of codes that did not change as they are in memory already."""
    known = {(item.tabular.edition, item.tabular.sha256): item.tabular for item in before}
    shared = []
    for item in fresh:
        same = known.get((item.tabular.edition, item.tabular.sha256))
        shared.append(Knowledge(same, item.lexicon) if same == item.tabular else item)
    return tuple(shared)


def _governing(loaded: tuple[Knowledge, ...], day: date) -> Knowledge | None:
    covering = [item for item in loaded if item.tabular.effective_from <= day <= item.tabular.effective_to]
    return max(covering, key=lambda item: item.tabular.edition, default=None)


def _year_after(
    base: Knowledge, loaded: tuple[Knowledge, ...], store: CodesetStore | None
) -> tuple[Knowledge, ...]:
    """Return the year after the installed edition, unless its own tabular list is loaded."""
    first = base.tabular.effective_to + timedelta(days=1)
    if _governing(loaded, first) is not None:
        return ()
    following = next_year(base, order_titles(store, first) if store else None)
    return (following,) if following else ()


def _procedures_in(store: CodesetStore) -> Procedures:
    """Look ICD-10-PCS codes up in a store; each day's list is read once."""

    @lru_cache(maxsize=4)
    def on(day: date) -> frozenset[str] | None:
        return pcs_codes_on(store, day) or None

    return on


def order_titles(store: CodesetStore, day: date) -> dict[str, str]:
    """Return titles by code as a store has them for a day: of the code list in force, else of the year's changes."""
    kept = {(item.release.system, item.release.sha256): item for item in store.list()}
    for system in (_ORDER, *_CHANGES):
        release = in_force((item.release for item in kept.values()), system, day)
        if release is None:
            continue
        rows = store.rows(kept[system, release.sha256])
        if system == _ORDER:
            return {row.key: row.text for row in rows}
        return {row.key.split(" ")[0]: row.text for row in rows if row.flag in _NAMING and row.text}
    return {}


def _lexicon(lexicon: Lexicon, tabular: Tabular) -> Lexicon:
    def kept() -> list[Term]:
        found = []
        for term in lexicon.terms:
            if all(code in tabular.concepts for code in term.codes):
                found.append(term)
            elif codes := tuple(code for code in term.codes if code in tabular.concepts):
                found.append(Term(term.stems, codes, term.curated))
        return found

    return Lexicon(kept())
