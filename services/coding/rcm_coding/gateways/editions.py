"""The knowledge that governs a day: the installed edition, or the year after it made from spans of validity."""

from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from rcm_coding.codesets.next_year import carry_forward
from rcm_coding.codesets.releases import Release, Status, in_force
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.lexicon import Lexicon, Term
from rcm_coding.engine.tabular import BadCodeSetError, Tabular
from rcm_coding.gateways.codeset_store import CodesetStore, Kept
from rcm_coding.gateways.releases import load_installed, load_knowledge_of
from rcm_coding.gateways.validity import installed_validity

_ORDER = "icd10cm-order"


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
    """What a process reads notes and judges codes by: the installed edition and the year after it.

    `load` replaces all of it at once, so that work under way keeps what it began with.
    """

    def __init__(self, cache_dir: Path | None = None, store: CodesetStore | None = None) -> None:
        self._cache_dir = cache_dir
        self._store = store
        self._loaded: tuple[Knowledge, ...] = ()
        self._seen: tuple[Kept, ...] = ()

    def load(self) -> tuple[Release, ...]:
        """Read the editions with the store's active files; return those active releases.

        Raises: BadCodeSetError, StoreError, BrokenFileError; what was loaded before then stays.
        """
        kept = self._store.list() if self._store else ()
        base = (
            load_knowledge_of(self._store, self._cache_dir)
            if self._store
            else load_installed(self._cache_dir)
        )
        first = base.tabular.effective_to + timedelta(days=1)
        following = next_year(base, order_titles(self._store, first) if self._store else None)
        self._loaded = (base, following) if following else (base,)
        self._seen = kept
        return tuple(item.release for item in kept if item.release.status is Status.ACTIVE)

    def changed(self) -> bool:
        """Tell whether the store's list is another than what was loaded."""
        return self._store is not None and self._store.list() != self._seen

    def on(self, day: date) -> Knowledge:
        """Return the knowledge that governs a day; the installed one when none does, which then says so."""
        covering = (
            item for item in self._loaded if item.tabular.effective_from <= day <= item.tabular.effective_to
        )
        return next(covering, self._loaded[0])

    def code_sets(self) -> CodeSets:
        """Return the editions for judging codes."""
        return CodeSets(tuple(item.tabular for item in self._loaded))


@lru_cache(maxsize=1)
def _default() -> Knowledge:
    return load_knowledge_of(CodesetStore())


@lru_cache(maxsize=1)
def _default_following() -> Knowledge | None:
    base = _default()
    first = base.tabular.effective_to + timedelta(days=1)
    return next_year(base, order_titles(CodesetStore(), first))


def default_knowledge(day: date | None = None) -> Knowledge:
    """Return what governs a day by the user's own store, loaded once for the process; without a day the installed.

    Raises: BadCodeSetError, StoreError, BrokenFileError.
    """
    base = _default()
    if day is None or day <= base.tabular.effective_to:
        return base
    following = _default_following()
    return following if following is not None and day <= following.tabular.effective_to else base


def order_titles(store: CodesetStore, day: date) -> dict[str, str]:
    """Return the titles of the code list that is in force on a day in a store, by code; empty without one."""
    kept = {item.release.sha256: item for item in store.list() if item.release.system == _ORDER}
    release = in_force((item.release for item in kept.values()), _ORDER, day)
    return {row.key: row.text for row in store.rows(kept[release.sha256])} if release else {}


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
