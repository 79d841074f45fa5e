"""The NCCI pairs, unit limits and coverage articles active in a store, as the edits at coding time take them."""

from collections.abc import Callable, Iterable

from rcm_coding.codesets.coverage import read_articles
from rcm_coding.codesets.ncci import read_pairs, read_unit_limits
from rcm_coding.codesets.releases import Status
from rcm_coding.domain.unbundling import CoverageTable, LimitTable, PairTable, Tables, pair_table
from rcm_coding.gateways.codeset_store import CodesetStore, Kept


def load_tables(store: CodesetStore) -> Tables:
    """Read every active release of the three sets; none of a set leaves its edits "not evaluated".

    Raises: StoreError, BrokenFileError.
    """
    pairs: list[PairTable] = []
    limits: list[LimitTable] = []
    coverage: list[CoverageTable] = []
    for kept in store.list():
        if kept.release.status is not Status.ACTIVE:
            continue
        if kept.release.system == "ncci-ptp":
            files = store.files(kept).values()
            pairs.append(pair_table(kept.release, (pair for lines in files for pair in read_pairs(lines()))))
        elif kept.release.system == "ncci-mue":
            found = {
                item.code: item for lines in store.files(kept).values() for item in read_unit_limits(lines())
            }
            limits.append(LimitTable(kept.release, found))
        elif kept.release.system == "mcd-articles":
            coverage.append(_articles(store, kept))
    return Tables(tuple(pairs), tuple(limits), tuple(coverage))


def _articles(store: CodesetStore, kept: Kept) -> CoverageTable:
    parts: dict[str, Callable[[], Iterable[bytes]]] = {
        name.lower().rsplit("/", 1)[-1].removesuffix(".csv"): lines
        for name, lines in store.files(kept).items()
    }
    denied = parts.get("article_x_icd10_noncovered")
    articles = read_articles(
        parts["article"](),
        parts["article_x_hcpc_code"](),
        parts["article_x_icd10_covered"](),
        denied() if denied else (),
    )
    return CoverageTable(kept.release, articles)
