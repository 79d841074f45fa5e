"""Run the rules in force on the claim's date of service; say what was found and what could not be
evaluated.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from rcm_shared.contracts.intake import ClaimForm

from rcm_billing.domain.code_set import NO_CODE_SETS, CodeSets
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.master import Payer

CHART_OPEN = "CDI-01"  # the rule that waits for a query or the coder; it asks nobody for anything


class Severity(StrEnum):
    """R the payer would reject it, H a person has to look, W worth knowing."""

    REJECT = "R"
    HOLD = "H"
    WARN = "W"


class Owner(StrEnum):
    """Whose worklist a hit goes to."""

    CODER = "coder"
    BILLER = "biller"
    REGISTRATION = "registration"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class ScrubContext:
    """What the rules know beside the claim. A date that no code set covers is "not evaluated", never "clean"."""

    today: date
    payer: Payer | None
    code_sets: CodeSets = NO_CODE_SETS
    open_queries: int = 0
    recoding: bool = False
    duplicate: bool = False


class NotEvaluatedError(Exception):
    """A rule lacks the data it judges by."""


#: Where the rule found something: positions and element names, never values. Empty: nothing found.
Places = list[str]
Check = Callable[[ClaimDocument, ScrubContext], Places]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the rule table."""

    rule_id: str
    version: int
    effective_from: date
    effective_to: date | None
    severity: Severity
    owner: Owner
    authority: str
    fix: str
    check: Check
    form: ClaimForm | None = None  # None: both
    payers: frozenset[str] | None = None  # None: all

    def applies(self, claim: ClaimDocument) -> bool:
        """Return whether the rule is in force for this claim."""
        on = claim.service_through
        return (
            (self.form is None or self.form is claim.form)
            and self.effective_from <= on
            and (self.effective_to is None or on <= self.effective_to)
            and (self.payers is None or claim.coverage.payer_id in self.payers)
        )


class Hit(NamedTuple):
    """One finding, with what a person needs to act."""

    rule_id: str
    rule_version: int
    severity: str
    where: str
    fix: str
    owner: str
    authority: str


@dataclass(frozen=True, slots=True)
class ScrubRun:
    """The outcome of one run over one claim version."""

    hits: tuple[Hit, ...]
    not_evaluated: tuple[str, ...]

    @property
    def blocking(self) -> tuple[Hit, ...]:
        """Return the hits that keep the claim from leaving."""
        return tuple(hit for hit in self.hits if hit.severity != Severity.WARN)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return the blocking rule ids, each once, in table order."""
        return tuple(dict.fromkeys(hit.rule_id for hit in self.blocking))

    @property
    def owner(self) -> str:
        """Return the queue of the first blocking hit."""
        return next((hit.owner for hit in self.blocking), "")


def reasons_for_coder(hits: Iterable[Hit]) -> tuple[str, ...]:
    """Return the blocking rule ids that only a coder can answer, each once, in table order."""
    return tuple(
        dict.fromkeys(
            found.rule_id
            for found in hits
            if found.severity != Severity.WARN and found.owner == Owner.CODER and found.rule_id != CHART_OPEN
        )
    )


def hit(rule: Rule, where: str) -> Hit:
    """Make the hit of one rule at one place."""
    return Hit(rule.rule_id, rule.version, rule.severity, where, rule.fix, rule.owner, rule.authority)


def scrub(claim: ClaimDocument, context: ScrubContext, rules: tuple[Rule, ...]) -> ScrubRun:
    """Run every rule that applies to the claim."""
    hits: list[Hit] = []
    missing: list[str] = []
    for rule in rules:
        if not rule.applies(claim):
            continue
        try:
            places = rule.check(claim, context)
        except NotEvaluatedError:
            missing.append(rule.rule_id)
            continue
        if places:
            hits.extend(hit(rule, place) for place in places)
    return ScrubRun(tuple(hits), tuple(missing))
