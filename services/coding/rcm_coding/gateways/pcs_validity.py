"""The ICD-10-PCS codes in force on a day: of the order file in force, else what the installed grouper knows."""

from datetime import date

from rcm_coding.codesets.releases import Status
from rcm_coding.gateways.codeset_store import CodesetStore
from rcm_coding.gateways.validity import procedure_codes_on

SYSTEM = "icd10pcs-order"
_LENGTH = 7  # characters of a whole code; shorter rows are headers of tables


def pcs_codes_on(store: CodesetStore, day: date) -> frozenset[str]:
    """Return the whole codes of the active release in force on a day, else the installed ones; empty without both.

    Raises: StoreError when the store cannot be read.
    """
    fits = [
        kept
        for kept in store.list()
        if kept.release.system == SYSTEM
        and kept.release.status is Status.ACTIVE
        and kept.release.effective_from <= day
        and day <= kept.release.effective_to
    ]
    if not fits:
        return procedure_codes_on(day) or frozenset()
    return frozenset(row.key for row in store.rows(fits[-1]) if len(row.key) == _LENGTH)
