"""Edits at coding time. Each names its authority; an edit whose set is not loaded says so instead of passing.

Blocking edits stop finalising. An Excludes1 pair only warns: the guidelines exempt unrelated conditions and
send
the doubt to the provider.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure
from rcm_shared.contracts.intake import Setting

from rcm_coding.engine.refine import title_side
from rcm_coding.engine.tabular import Tabular

RULES_VERSION = "2026.1"
LEAD_ROLES = frozenset({"principal", "first-listed"})
POA_VALUES = frozenset({"Y", "N", "U", "W", "1"})
#: Edit sets that need files nobody has loaded.
NOT_LOADED = ("NCCI-PTP", "MUE", "LCD", "CPT-HCPCS-validity")
NOT_LOADED_INPATIENT = ("MCE", "POA-exempt", "ICD-10-PCS-validity")
_CPT = re.compile(r"^\d{4}[0-9FTU]$")
_HCPCS = re.compile(r"^[A-CE-V]\d{4}$")
_PCS = re.compile(r"^[0-9A-HJ-NP-Z]{7}$")
_SIDE_OF_MODIFIER = {"RT": "right", "LT": "left"}


class Severity(StrEnum):
    """What an edit does: stops finalising, asks for a look, or says that it could not be evaluated."""

    BLOCK = "block"
    WARN = "warn"
    NOT_EVALUATED = "not-evaluated"


@dataclass(frozen=True, slots=True)
class Edit:
    """One hit. `message` is ours and holds codes only; `authority` is where the rule comes from."""

    rule: str
    severity: Severity
    code: str
    message: str
    authority: str
    version: str = RULES_VERSION


def code_fault(system: str, code: str, edition: Tabular | None) -> str | None:
    """Return why a code may not stand on a claim ("unknown", "not-billable", "needs-7th", "malformed"), or
    None.

    CPT, HCPCS and ICD-10-PCS are judged by form only while no set is loaded.
    """
    if system == "ICD-10-CM":
        if edition is None:
            return None
        resolved = edition.resolve(code)
        if resolved is None:
            return "unknown"
        if resolved.needs_seventh:
            return "needs-7th"
        return None if resolved.billable else "not-billable"
    form = {"CPT": _CPT, "HCPCS": _HCPCS, "ICD-10-PCS": _PCS}.get(system)
    return "malformed" if form is None or not form.match(code) else None


def evaluate(
    diagnoses: tuple[FinalDiagnosis, ...],
    procedures: tuple[FinalProcedure, ...],
    *,
    setting: Setting,
    day: date,
    edition: Tabular | None,
    without_evidence: Iterable[str] = (),
) -> tuple[Edit, ...]:
    """Return every edit that the codes meet, blocking ones first."""
    found: list[Edit] = []
    if edition is None:
        found.append(
            Edit(
                "DX-01",
                Severity.NOT_EVALUATED,
                "",
                f"no ICD-10-CM release for {day.isoformat()}",
                "ICD-10-CM release",
            )
        )
    found.extend(_validity(diagnoses, procedures, edition))
    found.extend(_order(diagnoses, setting, edition))
    found.extend(_duplicates(diagnoses, procedures))
    if edition is not None:
        found.extend(_excludes(diagnoses, edition))
        found.extend(_sides(diagnoses, procedures, edition))
    if setting is Setting.INPATIENT:
        found.extend(_present_on_admission(diagnoses))
    found.extend(
        Edit("EV-01", Severity.BLOCK, code, "no evidence and no reason", "documentation supports every code")
        for code in without_evidence
    )
    found.extend(
        Edit(
            name, Severity.NOT_EVALUATED, "", f"not evaluated: no {name} release for {day.isoformat()}", name
        )
        for name in not_evaluated(setting)
    )
    order = {Severity.BLOCK: 0, Severity.WARN: 1, Severity.NOT_EVALUATED: 2}
    return tuple(sorted(found, key=lambda edit: order[edit.severity]))


def not_evaluated(setting: Setting) -> tuple[str, ...]:
    """Return the edit sets that are not loaded and therefore say nothing."""
    return NOT_LOADED + (NOT_LOADED_INPATIENT if setting is Setting.INPATIENT else ())


def blocking(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return the edits that stop finalising."""
    return tuple(edit for edit in edits if edit.severity is Severity.BLOCK)


def _validity(
    diagnoses: tuple[FinalDiagnosis, ...], procedures: tuple[FinalProcedure, ...], edition: Tabular | None
) -> Iterator[Edit]:
    rules = {"unknown": "DX-01", "not-billable": "DX-02", "needs-7th": "DX-03"}
    words = {
        "unknown": "not valid on the governing date",
        "not-billable": "a heading, not billable: choose a code below it",
        "needs-7th": "needs a 7th character",
    }
    for item in diagnoses:
        fault = code_fault("ICD-10-CM", item.code, edition)
        if fault:
            yield Edit(rules[fault], Severity.BLOCK, item.code, words[fault], "ICD-10-CM tabular list")
    for line in procedures:
        if code_fault(line.system, line.code, edition):
            yield Edit("PX-01", Severity.BLOCK, line.code, f"not of the form of {line.system}", line.system)


def _order(
    diagnoses: tuple[FinalDiagnosis, ...], setting: Setting, edition: Tabular | None
) -> Iterator[Edit]:
    leads = [item for item in diagnoses if item.role in LEAD_ROLES]
    if not leads:
        yield Edit(
            "SEQ-01", Severity.BLOCK, "", "no principal or first-listed diagnosis", "Guidelines II, IV.G"
        )
        return
    if len(leads) > 1:
        yield Edit(
            "SEQ-01", Severity.BLOCK, leads[1].code, "more than one leading diagnosis", "Guidelines II, IV.G"
        )
    lead = leads[0].code
    if lead[0] in "VWXY":
        yield Edit("SEQ-02", Severity.BLOCK, lead, "an external cause never leads", "Guidelines I.C.20.a.6")
    if (
        edition
        and "classified elsewhere" in edition.title(lead).lower()
        and "in diseases" in edition.title(lead).lower()
    ):
        yield Edit("SEQ-03", Severity.BLOCK, lead, "a manifestation never leads", "Guidelines I.A.13")
    if setting is Setting.INPATIENT and lead[0] == "R" and len(diagnoses) > 1:
        yield Edit(
            "SEQ-04", Severity.WARN, lead, "a symptom leads although diagnoses are coded", "Guidelines II.A"
        )


def _duplicates(
    diagnoses: tuple[FinalDiagnosis, ...], procedures: tuple[FinalProcedure, ...]
) -> Iterator[Edit]:
    seen: set[str] = set()
    for item in diagnoses:
        if item.code in seen and item.role not in ("admitting", "reason-for-visit"):
            yield Edit("DUP-01", Severity.BLOCK, item.code, "diagnosis twice", "Guidelines I.B.12")
        seen.add(item.code)
    lines: set[tuple[object, ...]] = set()
    for line in procedures:
        key = (line.code, line.service_date, line.modifiers)
        if key in lines:
            yield Edit(
                "DUP-02",
                Severity.BLOCK,
                line.code,
                "same procedure twice: use units or modifier 76",
                "CPT modifiers",
            )
        lines.add(key)


def _excludes(diagnoses: tuple[FinalDiagnosis, ...], edition: Tabular) -> Iterator[Edit]:
    codes = list(dict.fromkeys(item.code for item in diagnoses))
    for at, code in enumerate(codes):
        for other in codes[at + 1 :]:
            owner = edition.excluded_by(code, other) or edition.excluded_by(other, code)
            if owner:
                yield Edit(
                    "EX1-01",
                    Severity.WARN,
                    code,
                    f"Excludes1 at {owner} with {other}: unrelated, or ask",
                    "Guidelines I.A.12.a",
                )


def _sides(
    diagnoses: tuple[FinalDiagnosis, ...], procedures: tuple[FinalProcedure, ...], edition: Tabular
) -> Iterator[Edit]:
    for line in procedures:
        wanted = next((_SIDE_OF_MODIFIER[item] for item in line.modifiers if item in _SIDE_OF_MODIFIER), None)
        if wanted is None or {"RT", "LT"} <= set(line.modifiers):
            continue
        pointed = [diagnoses[at - 1] for at in line.pointers if 0 < at <= len(diagnoses)] or list(diagnoses)
        sides = {side for item in pointed if (side := title_side(edition.title(item.code)))}
        if sides and wanted not in sides and "bilateral" not in sides:
            yield Edit(
                "LAT-01",
                Severity.BLOCK,
                line.code,
                f"modifier says {wanted}, diagnosis says {' '.join(sorted(sides))}",
                "CPT modifiers RT, LT",
            )


def _present_on_admission(diagnoses: tuple[FinalDiagnosis, ...]) -> Iterator[Edit]:
    for item in diagnoses:
        if item.role != "admitting" and item.poa not in POA_VALUES:
            yield Edit(
                "POA-01",
                Severity.BLOCK,
                item.code,
                "present-on-admission indicator missing",
                "UB-04, Guidelines Appendix I",
            )
