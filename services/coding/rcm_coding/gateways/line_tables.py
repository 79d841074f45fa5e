"""The rows of the sets active in a local store that concern one chart's codes, without a server."""

from collections.abc import Iterable

from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure

from rcm_coding.codesets.releases import Status
from rcm_coding.codesets.tables import LISTING
from rcm_coding.domain.tables import COVERAGE, JUDGED, LoadedTable, Tables, beside_of, keys_of, loaded
from rcm_coding.gateways.codeset_store import CodesetStore


def load_tables(
    store: CodesetStore, procedures: Iterable[FinalProcedure], diagnoses: Iterable[FinalDiagnosis]
) -> Tables:
    """Return the rows of every active release that is judged by; none of a set leaves its edits "not evaluated".

    Raises: StoreError, BrokenFileError.
    """
    lines = frozenset(item.code for item in procedures)
    codes = frozenset(item.code for item in diagnoses)
    found: list[LoadedTable] = []
    listing: set[str] = set()
    for kept in store.list():
        system = kept.release.system
        if kept.release.status is not Status.ACTIVE or system not in JUDGED:
            continue
        rows = store.table(kept, keys_of(system, lines, codes), beside_of(system, lines))
        table = loaded(kept.release, (tuple(row.line.split("\t")) for row in rows))
        found.append(table)
        if system == COVERAGE:
            articles = {row.other for row in rows}
            listing.update(row.other for row in store.table(kept, [LISTING], articles))
    return Tables(tuple(found), frozenset(listing))
