"""MS-DRG grouping of a claim behind the scrubber's port: the installed grouper when there is one, else nothing."""

import atexit
import threading
from datetime import date
from functools import lru_cache
from importlib import import_module
from typing import Any

from rcm_billing.domain.document import ClaimDocument, Diagnosis
from rcm_billing.domain.rules.diagnosis import age_on
from rcm_billing.domain.scrubbing import Grouped, Regroup

#: MS-DRG versions by their first day; each is in force until the next one.
_VERSIONS: tuple[tuple[date, int], ...] = (
    (date(2022, 10, 1), 400),
    (date(2023, 4, 1), 401),
    (date(2023, 10, 1), 410),
    (date(2024, 4, 1), 411),
    (date(2024, 10, 1), 420),
    (date(2025, 4, 1), 421),
    (date(2025, 10, 1), 430),
    (date(2026, 4, 1), 431),
    (date(2026, 10, 1), 440),
)
_LAST_DAY = date(2027, 3, 31)  # of the installed tables
_SEX = {"M": 0, "F": 1}
_UNKNOWN_SEX = 2
_EXEMPT = "1"
_NOT_SECONDARY = frozenset({"principal", "admitting", "reason-for-visit"})


@lru_cache(maxsize=1)
def load_grouper() -> Regroup | None:
    """Return the process's grouping function, or None without the package. It loads on the first stay."""
    try:
        engine: Any = import_module("msdrg").MsdrgGrouper()
    except (ImportError, OSError):
        return None
    atexit.register(engine.close)
    lock = threading.Lock()

    def regroup(claim: ClaimDocument) -> Grouped | None:
        version = _version_on(claim.service_through)
        principal = next((d for d in claim.diagnoses if d.role == "principal"), None)
        if version is None or principal is None:
            return None
        status = claim.discharge_status
        stay: dict[str, Any] = {
            "version": version,
            "age": age_on(claim.patient.birth_date, claim.service_from),
            "sex": _SEX.get(claim.patient.sex, _UNKNOWN_SEX),
            "discharge_status": int(status) if status.isdigit() else 1,
            "pdx": _diagnosis(principal),
            "sdx": [_diagnosis(d) for d in claim.diagnoses if d.role not in _NOT_SECONDARY],
            "procedures": [{"code": procedure.code} for procedure in claim.procedures],
        }
        with lock:
            found = engine.group(stay)
        drg = found.get("final_drg")
        if found.get("return_code") != "OK" or drg is None:
            return None
        return Grouped(f"{int(drg):03d}", f"ms-drg:v{version // 10}.{version % 10}")

    return regroup


def _version_on(day: date) -> int | None:
    if day > _LAST_DAY:
        return None
    return next((number for first, number in reversed(_VERSIONS) if first <= day), None)


def _diagnosis(diagnosis: Diagnosis) -> dict[str, str]:
    poa = {"poa": diagnosis.poa} if diagnosis.poa and diagnosis.poa != _EXEMPT else {}
    return {"code": diagnosis.code} | poa
