"""The rule table: every module's rows, in the order in which they run and in which they name an owner."""

from rcm_billing.domain.rules import (
    authorisation,
    chart,
    code_edits,
    diagnosis,
    drug,
    enrolment,
    filing,
    format,
    inpatient,
    modifiers,
    necessity,
    outpatient,
    provider,
    subscriber,
    units,
    visits,
)
from rcm_billing.domain.scrubbing import Rule


def _number(rule: Rule) -> str:
    return rule.rule_id


RULES: tuple[Rule, ...] = (
    *format.RULES,
    *subscriber.RULES,
    *provider.RULES,
    *diagnosis.RULES,
    *inpatient.RULES,
    *outpatient.RULES,
    *sorted((*code_edits.RULES, *modifiers.RULES, *visits.RULES, *units.RULES), key=_number),
    *drug.RULES,
    *necessity.RULES,
    *authorisation.RULES,
    *filing.RULES,
    *chart.RULES,
    *enrolment.RULES,
)
