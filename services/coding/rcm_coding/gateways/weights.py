"""Relative weights of MS-DRGs: Table 5 of the release that is in force on the discharge date, from a store."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import lru_cache

from rcm_coding.codesets.releases import in_force
from rcm_coding.domain.case import Grouping
from rcm_coding.gateways.codeset_store import CodesetStore

SYSTEM = "drg-weights"
Weigh = Callable[[Grouping, date], Grouping]


def weights_of(store: CodesetStore) -> Weigh:
    """Make what puts the relative weight beside a DRG; a table is read once. Without one the weight stays open."""

    @lru_cache(maxsize=4)
    def table(sha256: str) -> dict[str, str]:
        kept = next(
            item for item in store.list() if item.release.sha256 == sha256 and item.release.system == SYSTEM
        )
        return {row.key: row.flag for row in store.rows(kept)}

    def weigh(grouping: Grouping, day: date) -> Grouping:
        release = in_force((item.release for item in store.list()), SYSTEM, day)
        if grouping.drg is None or release is None:
            return grouping
        return replace(grouping, weight=table(release.sha256).get(grouping.drg), weight_release=release.name)

    return weigh
