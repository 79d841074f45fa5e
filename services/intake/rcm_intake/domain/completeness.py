"""Which documents an encounter needs before coding may begin, and which of them are missing.

Rule: minimum document set by setting (domain.md 2.1); a required document counts only when it is signed.
"""

from collections.abc import Iterable

from rcm_shared.contracts.intake import CapturedCharge, Setting

from rcm_intake.domain.encounter import Encounter

#: Any one of the kinds of a group satisfies it; the first is the name that people are shown.
NOTE = ("office-note", "progress-note", "consultation", "procedure-note")
ED_NOTE = ("ed-note",)
OPERATIVE = ("operative-note", "procedure-note")
PATHOLOGY = ("pathology-report",)
HISTORY = ("history-and-physical",)
DISCHARGE = ("discharge-summary",)
ORDER = ("order",)
IMAGING = ("imaging-report",)
LAB = ("lab-report",)

_ALWAYS: dict[Setting, tuple[tuple[str, ...], ...]] = {
    Setting.OFFICE: (NOTE,),
    Setting.ED: (ED_NOTE,),
    Setting.SURGERY: (OPERATIVE,),
    Setting.INPATIENT: (HISTORY, DISCHARGE),
    Setting.IMAGING: (ORDER, IMAGING),
    Setting.LAB: (LAB,),
}


def required_documents(
    setting: Setting, charges: Iterable[CapturedCharge], expected: Iterable[str] = ()
) -> tuple[tuple[str, ...], ...]:
    """Return the groups of document kinds that must each have a signed member.

    A charged operating room (revenue 036x) on an inpatient stay asks for the operative report; a charged
    specimen examination (revenue 0312 or surgical pathology 88300-88309) asks for the pathology report.
    """
    groups = list(_ALWAYS[setting])
    lines = list(charges)
    if setting is Setting.INPATIENT and any((line.revenue_code or "").startswith("036") for line in lines):
        groups.append(OPERATIVE)
    if setting in (Setting.SURGERY, Setting.INPATIENT) and any(
        line.revenue_code == "0312" or "88300" <= line.code <= "88309" for line in lines
    ):
        groups.append(PATHOLOGY)
    covered = {kind for group in groups for kind in group}
    groups.extend((kind,) for kind in expected if kind not in covered)
    return tuple(groups)


def missing_documents(encounter: Encounter) -> tuple[str, ...]:
    """Return the kinds that still lack a signed document; empty when the set is complete.

    A precoded encounter (a superbill) needs none: its codes came with it.
    """
    if encounter.precoded:
        return ()
    present = {ref.kind for ref in encounter.current_documents()}
    groups = required_documents(encounter.setting, encounter.charges, encounter.expected_documents)
    return tuple(group[0] for group in groups if present.isdisjoint(group))
