"""Chosen codes and charges beside what the record supports: missed, too vague, too aggressive."""

from rcm_coding.domain.case import Choice, CodingCase
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.engine.detectors import judge_codes, missed_charges
from rcm_coding.engine.evidence import Finding, Suggestion, Suggestions, Suppressed


def findings_of(case: CodingCase, code_sets: CodeSets) -> tuple[Finding, ...]:
    """Return what a person should look at in the codes chosen so far and in the captured charges.

    A code that a coder added with words of the record is not called unsupported.
    """
    edition = code_sets.on(case.day)
    if edition is None:
        return case.noticed
    found = _as_suggested(case)
    chosen = [item for item in case.assignments if item.counts]
    cited = {item.code for item in chosen if item.choice is Choice.ADDED and item.evidence}
    rejected = {item.code for item in case.assignments if item.choice is Choice.REJECTED}
    judged = list(judge_codes([item.code for item in chosen], found, edition)) if chosen else []
    if case.charges:
        judged += missed_charges([line.code for line in case.charges], found, ())
    kept = [
        item
        for item in judged
        if item.code not in rejected and not (item.why == "no-evidence" and item.code in cited)
    ]
    return tuple(dict.fromkeys((*case.noticed, *kept)))


def _as_suggested(case: CodingCase) -> Suggestions:
    """Return the suggestions as they were before anybody decided."""
    return Suggestions(
        suggestions=tuple(
            Suggestion(
                item.system,
                item.suggested_code or item.code,
                item.description,
                item.score,
                item.role,
                item.evidence,
                item.modifiers,
            )
            for item in case.assignments
            if item.source == "cac" and item.evidence
        ),
        suppressed=tuple(Suppressed(item.code, item.why, item.evidence) for item in case.suppressed),
        gaps=(),
        visit=None,
        release=case.release,
        engine=case.engine,
        service_date=case.day,
    )
