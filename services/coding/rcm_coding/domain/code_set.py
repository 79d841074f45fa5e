"""Which code-set edition governs a date, and what may be said when none does."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import date

from rcm_shared.contracts.intake import Setting

from rcm_coding.domain.tables import Tables
from rcm_coding.engine.tabular import Tabular

Procedures = Callable[[date], Collection[str] | None]


def _none(_day: date) -> None:
    return None


@dataclass(frozen=True)
class CodeSets:
    """The loaded editions of ICD-10-CM. Look-up is by the governing date, never by today.

    `tables` are the rows of other loaded sets that concern the charts at hand; `procedures` gives the ICD-10-PCS
    codes in force on a day, None when nothing loaded knows.
    """

    editions: tuple[Tabular, ...] = ()
    tables: Tables = field(default_factory=Tables)
    procedures: Procedures = field(default=_none, compare=False)

    def beside(self, tables: Tables) -> "CodeSets":
        """Return the editions with the rows that concern other charts."""
        return replace(self, tables=tables)

    def on(self, day: date) -> Tabular | None:
        """Return the newest edition that is in force on a day, or None."""
        covering = [item for item in self.editions if item.effective_from <= day <= item.effective_to]
        return max(covering, key=lambda item: item.edition, default=None)


def governing_date(setting: Setting, service_from: date, service_through: date) -> date:
    """Return the date that selects the edition: discharge for inpatient, else the date of service.

    Rule: ICD-10-CM/PCS are valid by discharge date for inpatient facility claims (45 CFR 162.1002; CMS).
    """
    return service_through if setting is Setting.INPATIENT else service_from


def release_name(edition: Tabular | None) -> str:
    """Return the name of an edition as claims carry it, such as "ICD-10-CM:2026-04-01"."""
    return f"ICD-10-CM:{edition.edition}" if edition else "ICD-10-CM:none"
