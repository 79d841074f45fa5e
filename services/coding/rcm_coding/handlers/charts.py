"""One command on one locked chart, with everything that belongs to it in the same transaction."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from rcm_shared.auth import Principal, Role
from rcm_shared.errors import NotFound
from rcm_shared.ids import uuid7
from rcm_shared.messaging.decide import Moment, record
from rcm_shared.messaging.uow import UnitOfWork

from rcm_coding import repository
from rcm_coding.domain.case import SYSTEM, CaseState, Choice, CodingCase
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.domain.errors import StaleVersion
from rcm_coding.domain.tables import Tables
from rcm_coding.domain.worklist import AutoCloseMode, Policy, route
from rcm_coding.handlers import handling, routing
from rcm_coding.handlers.commands import CaseDecision
from rcm_coding.handlers.tables import tables_of
from rcm_coding.repository import history, worklist

LEADS = frozenset({Role.AUDITOR, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a command is judged by beside the chart."""

    now: datetime
    policy: Policy
    payment_seen: bool
    tables: Tables = field(default_factory=Tables)  # the rows of loaded sets that concern the chart's codes


Act = Callable[[CodingCase, Circumstances], CaseDecision]


@dataclass(frozen=True, slots=True)
class Command:
    """What is asked: `action` names it in the chart's handling; `expected` is the version that was read."""

    action: str
    act: Act
    expected: int | None = None
    reason: str | None = None
    for_coder: str | None = None  # whose certificates must fit the chart
    quiet: bool = False  # leaves no line in the handling
    judges: bool = False  # runs the edits, for which the rows of loaded sets are read


def is_lead(who: Principal) -> bool:
    """Tell whether someone may act on other coders' charts."""
    return bool(who.roles & LEADS)


async def change(uow: UnitOfWork, who: Principal, encounter_id: UUID, command: Command) -> CodingCase:
    """Run a command and return the chart as it stands then.

    Raises: NotFound also for a chart of another facility; StaleVersion; CredentialMissing; what the command
    raises. Nothing is changed then.
    """
    case = (await repository.load_cases(uow.conn, [encounter_id])).get(encounter_id)
    if case is None or not who.sees(case.facility_id):
        raise NotFound("case")
    if command.expected is not None and command.expected != case.version:
        raise StaleVersion
    policy = await routing.active_policy(uow.conn)
    if command.for_coder:
        await routing.refuse_unqualified(uow.conn, case, command.for_coder, policy, uow.now)
    seen = case.final is not None and await history.payment_was_seen(uow.conn, encounter_id)
    tables = await tables_of(uow.conn, [case]) if command.judges else Tables()
    decision = command.act(case, Circumstances(uow.now, policy, seen, tables))
    record(uow, Moment(uow.now, encounter_id), decision)
    after = decision.state or case
    if after.state is CaseState.IN_PROGRESS and after.assignee == who.subject:
        after = replace(after, lock_until=uow.now + policy.lock)
    if after != case:
        await routing.save_cases(uow.conn, {encounter_id: after})
    before = {item.id: item for item in case.assignments}
    decided = [item for item in after.assignments if before.get(item.id) != item]
    if after.state is CaseState.FINAL_CODED and case.state is not CaseState.FINAL_CODED:
        decided += [item for item in after.assignments if item.choice is Choice.SUGGESTED]  # left undecided
    if decided and after.state is not CaseState.UNASSIGNED:
        await repository.log_decisions(uow.conn, after, who.subject, uow.now, decided)
    if not command.quiet and (after.version != case.version or after.assignee != case.assignee):
        await history.log_handling(uow.conn, after, who.subject, command.action, command.reason, uow.now)
    if after.state is CaseState.FINAL_CODED and case.state is not CaseState.FINAL_CODED:
        await history.judge_trial(uow.conn, encounter_id, handling.claim_codes(after), uow.now)
    await show(uow, who, after)
    return after


async def show(uow: UnitOfWork, who: Principal, case: CodingCase) -> None:
    """Record that someone reads a chart, and that a coder of a final one now knows what it pays."""
    uow.record_access(encounter_id=case.encounter_id, subject=who.subject, purpose="coding", what="chart")
    if case.state is CaseState.FINAL_CODED and Role.CODER in who.roles:
        await history.see_payment(uow.conn, case, who.subject, uow.now)


async def read(uow: UnitOfWork, who: Principal, encounter_id: UUID) -> CodingCase:
    """Return a chart for showing; the reading is written to the access log.

    Raises: NotFound also for a chart of another facility.
    """
    case = await repository.find_case(uow.conn, encounter_id)
    if case is None or not who.sees(case.facility_id):
        raise NotFound("case")
    await show(uow, who, case)
    return case


async def say(uow: UnitOfWork, who: Principal, case: CodingCase, kind: str, body: str) -> None:
    """Append to the chart's second-opinion thread."""
    await history.add_comment(uow.conn, case, history.Comment(uuid7(), who.subject, kind, body, uow.now))


async def take_next(uow: UnitOfWork, who: Principal, queue: str | None, act: Act) -> CodingCase | None:
    """Take up the most pressing free chart that fits the coder's certificates, or return None.

    Twins never get the same chart: each skips what the other has locked.
    """
    policy = await routing.active_policy(uow.conn)
    found = await worklist.lock_next(
        uow.conn,
        now=uow.now,
        facilities=who.facility_filter(),
        queue=queue,
        work_types=await routing.permitted_work_types(uow.conn, who.subject, policy, uow.now),
    )
    if found is None:
        return None
    return await change(uow, who, found, Command("take-next", act))


async def close_if_allowed(
    uow: UnitOfWork, case: CodingCase, policy: Policy, code_sets: CodeSets
) -> CodingCase:
    """Close a chart by rule when the facility allows it; in test mode keep only what would have been done."""
    rules = policy.auto_close
    if rules.mode is AutoCloseMode.OFF:
        return case
    work_type = route(case, policy).work_type
    code_sets = code_sets.beside(await tables_of(uow.conn, [handling.accepted(case)]))
    closed = handling.would_close(case, rules, work_type, code_sets)
    if closed is None:
        await history.drop_trial(uow.conn, case.encounter_id)
        return case
    codes = handling.claim_codes(closed)
    await history.keep_trial(uow.conn, case, work_type, rules.mode.value, codes, uow.now)
    if rules.mode is AutoCloseMode.TEST:
        return case
    decision = handling.close_by_rule(closed, uow.now, code_sets)
    record(uow, Moment(uow.now, case.encounter_id), decision)
    after = decision.state or case
    await repository.log_decisions(uow.conn, after, SYSTEM, uow.now, after.assignments)
    await history.log_handling(uow.conn, after, SYSTEM, "auto-close", None, uow.now)
    return after
