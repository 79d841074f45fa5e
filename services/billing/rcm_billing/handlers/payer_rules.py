"""Payer rules: what people do with them, and the versions that the scrubber holds in memory."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg
from rcm_shared.auth import Principal
from rcm_shared.contracts.intake import ClaimForm
from rcm_shared.errors import NotFound, Refused
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.telemetry import log

from rcm_billing import repository
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.expression import BadExpression
from rcm_billing.domain.payer_rule import (
    NO_PAYER_RULES,
    RULE_ID,
    STEPS,
    PayerRule,
    PayerRules,
    RuleState,
    Verdict,
    compile_rule,
    judge,
)
from rcm_billing.domain.scrubbing import Owner, Severity
from rcm_billing.repository import payer_rules as stored
from rcm_billing.repository.payer_rules import PayerRuleRow, RuleStep

REFRESH_S = 5.0


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person writes. `facility_id` and `payers` empty: all of them."""

    rule_id: str
    title: str
    expression: str
    severity: Severity
    owner: Owner
    authority: str
    fix: str
    effective_from: date
    effective_to: date | None = None
    form: ClaimForm | None = None
    facility_id: str = ""
    payers: tuple[str, ...] = ()


def rule_of(row: PayerRuleRow) -> PayerRule:
    """Return a stored version, compiled; one that this program no longer takes judges nothing and says so."""
    try:
        expression = compile_rule(row.expression)
    except BadExpression as error:
        log().error("payer rule refused", code=f"{row.rule_id}:{row.version}", reason=error.reason)
        expression = None
    return PayerRule(
        rule_id=row.rule_id,
        version=row.version,
        title=row.title,
        expression=expression,
        severity=Severity(row.severity),
        owner=Owner(row.owner),
        authority=row.authority,
        fix=row.fix,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
        form=ClaimForm(row.form) if row.form else None,
        facility_id=row.facility_id,
        payers=frozenset(row.payers),
    )


def states_of(steps: Iterable[RuleStep]) -> dict[tuple[str, int], RuleState]:
    """Return where each version stands after its steps, oldest first."""
    return {(step.rule_id, step.version): RuleState(step.state) for step in steps}


async def _versions(uow: UnitOfWork, rule_id: str, who: Principal) -> list[PayerRuleRow]:
    """Return the versions of a rule that the caller may know of.

    Raises: NotFound when there are none.
    """
    rows = await stored.list_versions(uow.conn, rule_ids=[rule_id], facilities=who.facility_filter())
    if not rows:
        raise NotFound("payer rule")
    return rows


def _may_change(who: Principal, facility_id: str) -> None:
    """Refuse a rule for other facilities; a rule for all of them needs somebody who sees all.

    Raises: Refused.
    """
    if not who.sees(facility_id or "*"):
        raise Refused("facility-not-yours", "this rule is for facilities that you do not see", status=403)


async def draft(uow: UnitOfWork, wanted: Draft, who: Principal) -> PayerRuleRow:
    """Write the first or the next version of a rule; it judges nothing until it is activated.

    Raises: Refused with the position in the expression.
    """
    _may_change(who, wanted.facility_id)
    if not RULE_ID.fullmatch(wanted.rule_id):
        raise Refused("rule-id", "a payer rule is named PR-PAYER or PR-PAYER-SUBJECT", pointer="/rule_id")
    if wanted.effective_to is not None and wanted.effective_to < wanted.effective_from:
        raise Refused("rule-dates", "the last day is before the first", pointer="/effective_to")
    try:
        compile_rule(wanted.expression)
    except BadExpression as error:
        at = f" at character {error.position}" if error.position else ""
        raise Refused(error.reason, f"the expression is not taken{at}", pointer="/expression") from error
    await stored.lock_rule(uow.conn, wanted.rule_id)
    earlier = await stored.list_versions(uow.conn, rule_ids=[wanted.rule_id])
    if any(row.facility_id != wanted.facility_id for row in earlier):
        raise Refused("rule-id-taken", "a rule of this name belongs to other facilities", pointer="/rule_id")
    row = PayerRuleRow(
        rule_id=wanted.rule_id,
        version=len(earlier) + 1,
        facility_id=wanted.facility_id,
        title=wanted.title,
        payers=sorted(set(wanted.payers)),
        form=wanted.form.value if wanted.form else None,
        effective_from=wanted.effective_from,
        effective_to=wanted.effective_to,
        severity=wanted.severity.value,
        owner=wanted.owner.value,
        authority=wanted.authority,
        fix=wanted.fix,
        expression=wanted.expression,
        written_by=who.subject,
        written_at=uow.now,
    )
    await stored.insert_version(uow.conn, row)
    return row


async def move(
    uow: UnitOfWork,
    rule_id: str,
    version: int,
    state: RuleState,
    who: Principal,
    *,
    reason: str = "",
    four_eyes: bool = True,
) -> PayerRuleRow:
    """Activate or retire a version. `four_eyes`: another person than the author activates it.

    Raises: NotFound, Refused.
    """
    await stored.lock_rule(uow.conn, rule_id)
    row = next((found for found in await _versions(uow, rule_id, who) if found.version == version), None)
    if row is None:
        raise NotFound("payer rule")
    _may_change(who, row.facility_id)
    now = states_of(await stored.list_steps(uow.conn, [rule_id]))[rule_id, version]
    if state not in STEPS[now]:
        raise Refused("rule-state", f"a version that is {now} cannot become {state}")
    if state is RuleState.ACTIVE and four_eyes and row.written_by == who.subject:
        raise Refused("four-eyes", "another person than its author activates a rule")
    await stored.insert_step(uow.conn, RuleStep(rule_id, version, state.value, who.subject, uow.now, reason))
    return row


async def try_on(uow: UnitOfWork, rule_id: str, version: int, claim_id: UUID, who: Principal) -> Verdict:
    """Return what a version, a draft included, says of a stored claim; the reading is written to the access log.

    Raises: NotFound.
    """
    row = next((found for found in await _versions(uow, rule_id, who) if found.version == version), None)
    claim = await repository.find_claim(uow.conn, claim_id)
    if row is None or claim is None or not who.sees(claim["facility_id"]):
        raise NotFound("payer rule" if row is None else "claim")
    documents = await repository.get_documents(uow.conn, [claim_id])
    uow.record_access(
        encounter_id=claim["encounter_id"], subject=who.subject, purpose="claim", what=f"rule-{rule_id}"
    )
    return judge(rule_of(row), ClaimDocument.model_validate_json(documents[claim_id]), uow.now.date())


def active_at(
    rows: Iterable[PayerRuleRow], steps: Iterable[RuleStep], at: datetime | None
) -> list[PayerRuleRow]:
    """Return the versions that were active at a moment; None: now."""
    states = states_of(step for step in steps if at is None or step.at <= at)
    return [row for row in rows if states.get((row.rule_id, row.version)) is RuleState.ACTIVE]


class LoadedPayerRules:
    """The active versions that this process holds, compiled once."""

    def __init__(self, pool: asyncpg.Pool, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._monotonic = monotonic
        self._look_at = float("-inf")
        self._step = -1
        self._rules = NO_PAYER_RULES

    async def current(self) -> PayerRules:
        """Return the active versions, looking for changes at most once in REFRESH_S seconds."""
        if self._monotonic() >= self._look_at:
            step = await stored.latest_step(self._pool)
            if step != self._step:
                rows, steps = await stored.list_versions(self._pool), await stored.list_steps(self._pool)
                self._rules = PayerRules(tuple(rule_of(row) for row in active_at(rows, steps, None)))
                self._step = step
            self._look_at = self._monotonic() + REFRESH_S
        return self._rules
