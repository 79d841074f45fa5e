"""Rules that people of the installation write for their payers: data with versions, beside the built-in table."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from rcm_shared.contracts.intake import ClaimForm

from rcm_billing.domain.claim_view import NAMES, VIEW, longest_list, read_fields
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.expression import (
    BadExpression,
    Expression,
    NotJudged,
    compile_expression,
    context_of,
    evaluate,
)
from rcm_billing.domain.scrubbing import Hit, Owner, ScrubRun, Severity

RULE_ID = re.compile(r"PR-[A-Z0-9]{2,12}(?:-[A-Z0-9]{1,12}){0,2}")
_SAMPLE_DAY = "2026-01-01"


class RuleState(StrEnum):
    """A draft judges nothing yet, a retired version nothing any more."""

    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


#: Which state may follow which.
STEPS: dict[RuleState, frozenset[RuleState]] = {
    RuleState.DRAFT: frozenset({RuleState.ACTIVE, RuleState.RETIRED}),
    RuleState.ACTIVE: frozenset({RuleState.RETIRED}),
    RuleState.RETIRED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class PayerRule:
    """One version of one rule. `facility_id` and `payers` empty: all of them."""

    rule_id: str
    version: int
    title: str
    expression: Expression | None  # None: the program no longer takes it
    severity: Severity
    owner: Owner
    authority: str
    fix: str
    effective_from: date
    effective_to: date | None = None
    form: ClaimForm | None = None
    facility_id: str = ""
    payers: frozenset[str] = frozenset()

    def applies(self, claim: ClaimDocument) -> bool:
        """Return whether this version is for this claim and in force on its last day of service."""
        on = claim.service_through
        return (
            (not self.payers or claim.coverage.payer_id in self.payers)
            and (self.form is None or self.form is claim.form)
            and (not self.facility_id or self.facility_id == claim.facility_id)
            and self.effective_from <= on
            and (self.effective_to is None or on <= self.effective_to)
        )


class Verdict(NamedTuple):
    """What a rule says of a claim: the places that it hits, or the code of why it could not judge."""

    places: tuple[str, ...]
    reason: str = ""


def compile_rule(source: str) -> Expression:
    """Compile the expression of a rule and try it on a claim whose every field is filled.

    Raises: BadExpression with a code, and a position where there is one.
    """
    expression = compile_expression(source, NAMES)
    try:
        _places(evaluate(expression, context_of(_sample(expression.fields)), 2), 2)
    except NotJudged as error:
        raise BadExpression(f"expression-{error.reason}") from error
    return expression


def _sample(names: Iterable[str]) -> dict[str, Any]:
    """Return a value of its type for each field; lists have two entries."""
    values: dict[str, Any] = {}
    for name in names:
        field = VIEW[name]
        if field.members is None:
            values[name] = _value(field.type)
        else:
            entry = {member: _value(kind) for member, kind in field.members.items()}
            values[name] = [entry, entry]
    return values


def _value(kind: str) -> Any:
    first = kind.replace(",", " ").replace(":", " ").split()[0]
    samples = {"int": 1, "bool": True, "date": _SAMPLE_DAY, "list": ["1", "2"]}
    return samples.get(first, "1")


def _places(found: object, lines: int) -> tuple[str, ...]:
    """Read a result: true is a hit on the claim, a list of line numbers hits those lines.

    Raises: NotJudged for anything else.
    """
    if isinstance(found, bool):
        return ("claim",) if found else ()
    if not isinstance(found, list):
        raise NotJudged("wrong-result")
    places: dict[str, None] = {}
    for number in found:
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= lines:
            raise NotJudged("wrong-result")
        places[f"line-{number}"] = None
    return tuple(places)


def _judge(rule: PayerRule, claim: ClaimDocument, values: Any, longest: int) -> Verdict:
    if rule.expression is None:
        return Verdict((), "not-compiled")
    try:
        return Verdict(_places(evaluate(rule.expression, values, longest), len(claim.lines)))
    except NotJudged as error:
        return Verdict((), error.reason)


def _values(rules: Iterable[PayerRule], claim: ClaimDocument, today: date) -> Any:
    """Return what these rules read of a claim, as the engine takes it: once for all of them."""
    expressions = [rule.expression for rule in rules if rule.expression is not None]
    names = frozenset(name for expression in expressions for name in expression.fields)
    members = frozenset(member for expression in expressions for member in expression.members)
    return context_of(read_fields(claim, today, names, members))


def judge(rule: PayerRule, claim: ClaimDocument, today: date) -> Verdict:
    """Return what one rule says of one claim, whatever payers and dates it is for."""
    return _judge(rule, claim, _values((rule,), claim, today), longest_list(claim))


@dataclass(frozen=True, slots=True)
class PayerRules:
    """The active versions. Of one rule the highest version that is in force for a claim judges it."""

    rules: tuple[PayerRule, ...] = ()

    def applying(self, claim: ClaimDocument) -> list[PayerRule]:
        """Return the versions that judge a claim, in the order of their ids."""
        if not self.rules:
            return []
        found: dict[str, PayerRule] = {}
        for rule in self.rules:
            if rule.applies(claim) and (
                rule.rule_id not in found or found[rule.rule_id].version < rule.version
            ):
                found[rule.rule_id] = rule
        return [found[rule_id] for rule_id in sorted(found)]

    def run(self, claim: ClaimDocument, today: date) -> ScrubRun:
        """Judge a claim. A rule that fails or costs too much is "not evaluated", never "clean"."""
        rules = self.applying(claim)
        if not rules:
            return ScrubRun((), ())
        values, longest = _values(rules, claim, today), longest_list(claim)
        hits: list[Hit] = []
        missing: list[str] = []
        for rule in rules:
            verdict = _judge(rule, claim, values, longest)
            if verdict.reason:
                missing.append(rule.rule_id)
            hits += [_hit(rule, place) for place in verdict.places]
        return ScrubRun(tuple(hits), tuple(missing))


def _hit(rule: PayerRule, place: str) -> Hit:
    return Hit(rule.rule_id, rule.version, rule.severity, place, rule.fix, rule.owner, rule.authority)


NO_PAYER_RULES = PayerRules()
