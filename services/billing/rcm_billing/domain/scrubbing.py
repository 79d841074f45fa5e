"""Run the rules in force on the claim's date of service; say what was found and what could not be
evaluated.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from rcm_shared.contracts.intake import ClaimForm

from rcm_billing.domain.claim import VOID
from rcm_billing.domain.code_set import NO_CODE_SETS, CodeSets
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.history import PriorClaim
from rcm_billing.domain.master import Payer
from rcm_billing.domain.reference import NO_REFERENCE, Reference
from rcm_billing.domain.reference import NotEvaluatedError as NotEvaluatedError

_WARNING = "warn:"
VOID_FAMILIES = ("FMT-", "FRQ-", "SUB-01", "SUB-03", "PRV-01", "PRV-04")
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


class Grouped(NamedTuple):
    """The DRG that a grouper gives to a claim, and its version."""

    drg: str
    version: str


#: Groups a claim again; None: the grouper does not know the claim's date or gives no DRG.
Regroup = Callable[[ClaimDocument], Grouped | None]


@dataclass(frozen=True, slots=True)
class ScrubContext:
    """What the rules know beside the claim. A date that no code set covers is "not evaluated", never "clean".

    `history` None: nobody looked for other claims of the patient.
    """

    today: date
    payer: Payer | None
    code_sets: CodeSets = NO_CODE_SETS
    open_queries: int = 0
    recoding: bool = False
    duplicate: bool = False
    reference: Reference = NO_REFERENCE
    history: tuple[PriorClaim, ...] | None = None
    regroup: Regroup | None = None


#: Where the rule found something: positions and element names, never values. After an `@` stands the edition that it
#: was judged by; `warn:` before it makes the hit a warning, whatever the rule's severity. Empty: nothing found.
Places = list[str]
Check = Callable[[ClaimDocument, ScrubContext], Places]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One row of the rule table; two rows are never equal, which makes a tuple of them a cheap key."""

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
    needs: tuple[str, ...] = ()  # reference sets; without them the rule is not evaluated

    def applies(self, form: ClaimForm, on: date, payer_id: str) -> bool:
        """Return whether the rule is in force for claims of a form to a payer, by their last day of service."""
        return (
            (self.form is None or self.form is form)
            and self.effective_from <= on
            and (self.effective_to is None or on <= self.effective_to)
            and (self.payers is None or payer_id in self.payers)
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
    edition: str = ""  # of the reference table that it was judged by


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
    place, _, edition = where.partition("@")
    severity = Severity.WARN if place.startswith(_WARNING) else rule.severity
    return Hit(
        rule.rule_id,
        rule.version,
        severity,
        place.removeprefix(_WARNING),
        rule.fix,
        rule.owner,
        rule.authority,
        edition,
    )


@lru_cache(maxsize=4096)
def in_force(
    rules: tuple[Rule, ...], form: ClaimForm, on: date, payer_id: str, frequency: str = "1"
) -> tuple[Rule, ...]:
    """Return the rules that judge claims of a form and frequency to a payer with a last day of service.

    A void repeats what the payer has decided: only its form, its numbers and its parties are judged.
    """
    chosen = (rule for rule in rules if rule.applies(form, on, payer_id))
    if frequency == VOID:
        chosen = (rule for rule in chosen if rule.rule_id.startswith(VOID_FAMILIES))
    return _same(tuple(chosen))


@lru_cache(maxsize=256)
def _same(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return one tuple for the same rules, whatever the day and payer: what hangs on it is made once."""
    return rules


def scrub(claim: ClaimDocument, context: ScrubContext, rules: tuple[Rule, ...]) -> ScrubRun:
    """Run every rule that applies to the claim."""
    hits: list[Hit] = []
    missing: list[str] = []
    payer_id, on = claim.coverage.payer_id, claim.service_through
    for rule in in_force(rules, claim.form, on, payer_id, claim.frequency):
        try:
            places = rule.check(claim, context)
        except NotEvaluatedError as error:
            missing.append(rule.rule_id)
            places = error.places
        if places:
            hits.extend(hit(rule, place) for place in places)
    return ScrubRun(tuple(hits), tuple(missing))


def hits_of(stored: str) -> list[Hit]:
    """Read the hits that were stored with a claim."""
    return [Hit(**found) for found in json.loads(stored)]
