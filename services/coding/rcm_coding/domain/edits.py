"""Edits at coding time. Each names its authority; an edit whose set is not loaded says so instead of passing.

Blocking edits stop finalising. An Excludes1 pair only warns: the guidelines exempt unrelated conditions and send
the doubt to the provider.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date

from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure
from rcm_shared.contracts.intake import ClaimForm, Setting

from rcm_coding.domain.edit import RULES_VERSION, Edit, Severity, missing
from rcm_coding.domain.tables import POA, Tables
from rcm_coding.domain.unbundling import line_edits
from rcm_coding.engine.conventions import is_manifestation
from rcm_coding.engine.refine import title_side
from rcm_coding.engine.search.targets import covers, targets_of
from rcm_coding.engine.tabular import Tabular

__all__ = ["RULES_VERSION", "Edit", "Severity", "blocking", "code_fault", "evaluate", "unevaluated"]

LEAD_ROLES = frozenset({"principal", "first-listed"})
#: Diagnoses that stand on a claim in order; the others have places of their own.
LISTED_ROLES = LEAD_ROLES | {"secondary"}
POA_VALUES = frozenset({"Y", "N", "U", "W"})
EXEMPT = "1"
MCE = "CMS Medicare Code Editor"
POA_LIST = "CMS POA-exempt list"
_CPT = re.compile(r"^\d{4}[0-9AFMTU]$")
_HCPCS = re.compile(r"^[A-CE-V]\d{4}$")
_PCS = re.compile(r"^[0-9A-HJ-NP-Z]{7}$")
_SIDE_OF_MODIFIER = {"RT": "right", "LT": "left"}
_ORDER = {Severity.BLOCK: 0, Severity.WARN: 1, Severity.NOT_EVALUATED: 2}


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
    tables: Tables | None = None,
    pcs: Collection[str] | None = None,
    form: ClaimForm = ClaimForm.PROFESSIONAL,
    stay_edits: tuple[Edit, ...] | None = None,
) -> tuple[Edit, ...]:
    """Return every edit that the codes meet, blocking ones first, then what could not be evaluated.

    `tables` are the rows of loaded sets, `pcs` the ICD-10-PCS codes in force on the day, `stay_edits` what the
    Medicare Code Editor said; None: not had.
    """
    tables = tables or Tables()
    found: list[Edit] = []
    if edition is None:
        reason = f"not evaluated: no ICD-10-CM release for {day.isoformat()}"
        found.append(Edit("DX-01", Severity.NOT_EVALUATED, "", reason, "ICD-10-CM release", "none"))
    found.extend(_validity(diagnoses, procedures, edition))
    found.extend(_order(diagnoses, setting, edition))
    found.extend(_duplicates(diagnoses, procedures))
    if edition is not None:
        found.extend(_excludes(diagnoses, edition))
        found.extend(_causes(diagnoses, edition))
        found.extend(_sides(diagnoses, procedures, edition))
    if setting is Setting.INPATIENT:
        found.extend(_present_on_admission(diagnoses, day, tables))
        found.extend(_procedures_in_force(procedures, day, pcs))
        found.extend((missing("MCE", day, MCE),) if stay_edits is None else stay_edits)
    found.extend(
        Edit("EV-01", Severity.BLOCK, code, "no evidence and no reason", "documentation supports every code")
        for code in without_evidence
    )
    found.extend(line_edits(procedures, diagnoses, tables, form))
    if edition is not None:
        since = edition.effective_from
        found = [replace(item, effective=item.effective or since) if _ours(item) else item for item in found]
    return tuple(sorted(dict.fromkeys(found), key=lambda edit: _ORDER[edit.severity]))


def unevaluated(edits: Iterable[Edit]) -> tuple[str, ...]:
    """Return the names of the sets that could not be evaluated."""
    names = ("ICD-10-CM" if edit.rule == "DX-01" else edit.rule for edit in edits if edit.severity is _SILENT)
    return tuple(dict.fromkeys(names))


_SILENT = Severity.NOT_EVALUATED


def _ours(edit: Edit) -> bool:
    return edit.severity is not _SILENT and edit.version == RULES_VERSION


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
    if edition and is_manifestation(edition.title(lead)):
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
                    f"ICD-10-CM:{edition.edition}",
                    edition.effective_from,
                )


def _causes(diagnoses: tuple[FinalDiagnosis, ...], edition: Tabular) -> Iterator[Edit]:
    """A code whose notes say "code first" stands after what they name, when that is coded (Guidelines I.A.13, I.A.17).

    A manifestation without any coded cause warns too; of other codes the note says "if known".
    """
    listed = [item.code for item in diagnoses if item.role in LISTED_ROLES]
    for at, code in enumerate(listed):
        notes = [text for _, text in edition.inherited_notes(code, "code-first")]
        targets = [target for text in notes for target in targets_of(text, edition)]
        examples = at > 0 and any("such as" in text for text in notes)  # what stands first may be the cause
        if not targets or examples:
            continue
        places = [
            place
            for place, other in enumerate(listed)
            if place != at and any(covers(target, other, edition) for target in targets)
        ]
        if places and min(places) < at:
            continue
        if places:
            words = f"stands before {listed[min(places)]}, which is coded first"
        elif is_manifestation(edition.title(code)):
            words = "a manifestation without its cause: code the cause first"
        else:
            continue
        yield Edit(
            "SEQ-05",
            Severity.WARN,
            code,
            words,
            "Guidelines I.A.13, I.A.17",
            f"ICD-10-CM:{edition.edition}",
            edition.effective_from,
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


def _present_on_admission(diagnoses: tuple[FinalDiagnosis, ...], day: date, tables: Tables) -> Iterator[Edit]:
    """Every listed diagnosis has an indicator; "1" or none is for exempt codes alone, when their list is loaded."""
    exempt = tables.on(POA, day)
    version = (exempt.release.name, exempt.release.effective_from) if exempt else (RULES_VERSION, None)
    for item in diagnoses:
        if item.role in ("admitting", "reason-for-visit") or item.poa in POA_VALUES:
            continue
        listed = exempt is not None and any(exempt.under(item.code))
        if listed or (exempt is None and item.poa == EXEMPT):
            continue
        words = "not exempt from present-on-admission reporting" if item.poa else "indicator missing"
        rule = "POA-02" if item.poa else "POA-01"
        authority = POA_LIST if item.poa else "UB-04, Guidelines Appendix I"
        yield Edit(rule, Severity.BLOCK, item.code, words, authority, *version)
    if exempt is None:
        yield missing("POA-exempt", day, POA_LIST)


def _procedures_in_force(
    procedures: tuple[FinalProcedure, ...], day: date, pcs: Collection[str] | None
) -> Iterator[Edit]:
    """ICD-10-PCS codes are valid by the discharge date."""
    if pcs is None:
        yield missing("ICD-10-PCS-validity", day, "ICD-10-PCS release")
        return
    for line in procedures:
        if line.system == "ICD-10-PCS" and line.code not in pcs:
            yield Edit("PX-03", Severity.BLOCK, line.code, f"not valid on {day}", "ICD-10-PCS release")
