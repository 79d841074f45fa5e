"""The result of a suggestion pass, put on the chart beside what people decided."""

from dataclasses import replace

from rcm_shared.contracts.coding import SuggestionsProposed
from rcm_shared.messaging.decide import Decision

from rcm_coding.domain.case import (
    SYSTEM,
    CaseState,
    Choice,
    CodeAssignment,
    CodingCase,
    OpenGap,
    SuppressedCode,
    assignment_id,
    gap_id,
)
from rcm_coding.engine.evidence import Suggestions
from rcm_coding.handlers.commands import CaseDecision


def suggested(case: CodingCase, found: Suggestions, record_version: int) -> CaseDecision:
    """Keep the result of a suggestion pass. What a person decided stays;
    support that vanished is asked about again.
    """
    if case.state is CaseState.CANCELLED or record_version < case.record_version:
        return Decision()
    decided = {item.id: item for item in case.assignments}
    fresh: list[CodeAssignment] = []
    for at, item in enumerate(found.suggestions):
        identity = assignment_id(case.encounter_id, item.system, item.code)
        earlier = decided.pop(identity, None)
        assignment = CodeAssignment(
            id=identity,
            system=item.system,
            code=item.code,
            description=item.description,
            role=item.role,
            choice=Choice.SUGGESTED,
            source="cac",
            evidence=item.evidence,
            score=item.score,
            modifiers=item.modifiers,
            units=item.units,
            poa=item.poa,
            serves=item.serves,
            rules=item.rules,
            alternatives=item.alternatives,
            position=at,
        )
        if earlier and earlier.choice is not Choice.SUGGESTED:
            assignment = replace(earlier, evidence=item.evidence or earlier.evidence, position=at)
        fresh.append(assignment)
    for kept in decided.values():
        if kept.source != "cac":
            fresh.append(kept)
        elif kept.choice in (Choice.ACCEPTED, Choice.OVERRIDDEN):
            fresh.append(
                replace(kept, choice=Choice.SUGGESTED, score=0.0, rules=(*kept.rules, "no-longer-suggested"))
            )
        elif kept.choice is Choice.REJECTED:
            fresh.append(kept)
    case = replace(
        case,
        version=case.version + 1,
        assignments=tuple(fresh),
        suppressed=tuple(SuppressedCode(item.code, item.why, item.evidence) for item in found.suppressed),
        gaps=tuple(
            OpenGap(gap_id(case.encounter_id, item.rule, item.code), item.rule, item.code, item.indicators)
            for item in found.gaps
        ),
        suggested_version=record_version,
        release=found.release,
        engine=found.engine,
        model=found.model,
        visit_basis=found.visit.basis if found.visit else "",
        not_evaluated=found.not_evaluated,
        noticed=found.findings,
        findings=found.findings,
    )
    event = SuggestionsProposed(
        actor=SYSTEM,
        facility_id=case.facility_id,
        case_version=case.version,
        release=found.release,
        engine=found.engine,
        suggested=len(found.suggestions),
        suppressed=len(found.suppressed),
        gaps=len(found.gaps),
    )
    return Decision(state=case, events=(event,))
