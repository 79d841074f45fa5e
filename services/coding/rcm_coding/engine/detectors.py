"""Compares codes that somebody chose with what the record supports: missed, too vague, too aggressive.

The codes may be a coder's, a superbill's or the charges of the encounter. Findings ask a person to look; they
change nothing.
"""

from collections.abc import Collection, Iterable

from rcm_coding.engine.evidence import Evidence, Finding, Suggestion, Suggestions
from rcm_coding.engine.refine import is_unspecified
from rcm_coding.engine.tabular import Tabular

#: Suggestions below this miss nothing that is sure.
_SURE = 0.5
_UNSUPPORTED = {
    "negated": "denied",
    "family": "of-a-relative",
    "uncertain-outpatient": "uncertain",
    "uncertain-confirmed-only": "uncertain",
    "history": "in-the-past",
    "hypothetical": "hypothetical",
}


def judge_codes(codes: Collection[str], found: Suggestions, tabular: Tabular) -> list[Finding]:
    """Return the findings about chosen codes (without dots; diagnoses and procedures together)."""
    diagnoses = [item for item in found.suggestions if item.system == "ICD-10-CM"]
    findings = [
        finding
        for code in codes
        if tabular.resolve(code) is not None and not code[0].isdigit()
        for finding in _diagnosis(code, codes, diagnoses, found, tabular)
    ]
    findings.extend(_missed(codes, found.suggestions))
    return findings


def missed_charges(
    charged: Collection[str], found: Suggestions, implants: Iterable[Evidence]
) -> list[Finding]:
    """Return documented procedures, supplies and implants that no charge stands for.

    The rule behind it: what is documented as done and used is charged (the hernia repaired with the gallbladder).
    """
    findings = _missed(charged, [item for item in found.suggestions if item.role == "procedure"])
    if not any(code.startswith(("C17", "C18", "L86", "V26")) or code.startswith("278") for code in charged):
        findings.extend(Finding("missed", "", "implant-without-charge", "", (place,)) for place in implants)
    return findings


def _missed(codes: Collection[str], suggestions: Iterable[Suggestion]) -> list[Finding]:
    chosen = {code[:3] for code in codes}
    return [
        Finding("missed", item.code, "documented-not-coded", item.code, item.evidence)
        for item in suggestions
        if item.score >= _SURE
        and item.code not in codes
        and (item.role == "procedure" or item.code[:3] not in chosen)
        and not (item.code.startswith("99") and any(code.startswith("99") for code in codes))
    ]


def _diagnosis(
    code: str, codes: Collection[str], diagnoses: list[Suggestion], found: Suggestions, tabular: Tabular
) -> list[Finding]:
    if any(item.code == code for item in diagnoses):
        return []
    same = [item for item in diagnoses if item.code[:3] == code[:3] and item.code not in codes]
    if same:
        item = max(same, key=lambda other: other.score)
        if is_unspecified(tabular.title(code)) and not is_unspecified(tabular.title(item.code)):
            return [Finding("too-vague", code, "record-says-more", item.code, item.evidence)]
        if is_unspecified(tabular.title(item.code)) and not is_unspecified(tabular.title(code)):
            return [Finding("too-aggressive", code, "more-than-documented", item.code, item.evidence)]
        return [Finding("too-aggressive", code, "record-says-otherwise", item.code, item.evidence)]
    refused = next((item for item in found.suppressed if item.code[:3] == code[:3]), None)
    if refused and refused.why in _UNSUPPORTED:
        return [Finding("too-aggressive", code, _UNSUPPORTED[refused.why], "", refused.evidence)]
    if refused:
        return [Finding("too-aggressive", code, refused.why, "", refused.evidence)]
    return [Finding("too-aggressive", code, "no-evidence")]
