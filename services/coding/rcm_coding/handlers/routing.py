"""Charts and the worklist's rules: every saved chart gets its place, new rules move all open ones."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import asyncpg
from rcm_shared.errors import Refused

from rcm_coding import repository
from rcm_coding.domain.case import CodingCase
from rcm_coding.domain.errors import CredentialMissing
from rcm_coding.domain.worklist import DEFAULT_POLICY, AutoCloseMode, Policy, may_code, policy_faults, route
from rcm_coding.repository import history, worklist

BATCH = 1000  # charts moved by one statement


class PolicyFaulty(Refused):
    """The rules cannot be used."""

    def __init__(self, code: str, pointer: str) -> None:
        super().__init__(f"policy-{code}", "these rules cannot be used", status=422, pointer=pointer)


class AutoCloseUntested(Refused):
    """Closing by rule was not tested enough, or agreed too rarely with the coders."""

    def __init__(self) -> None:
        super().__init__(
            "auto-close-untested",
            "closing by rule needs enough agreeing trials in test mode for every allowed work type",
            pointer="/auto_close/mode",
        )


async def active_policy(conn: asyncpg.Connection) -> Policy:
    """Return the rules in force; the built-in ones are version 0."""
    return await worklist.newest_policy(conn) or DEFAULT_POLICY


async def save_cases(conn: asyncpg.Connection, cases: dict[UUID, CodingCase]) -> None:
    """Write changed charts with their places under the rules in force."""
    policy = await active_policy(conn)
    await repository.save_cases(conn, cases, {key: route(case, policy) for key, case in cases.items()})


async def change_policy(conn: asyncpg.Connection, policy: Policy, who: str, now: datetime) -> Policy:
    """Put a new version of the rules in force and move every open chart by it, all in one transaction.

    Raises: PolicyFaulty, AutoCloseUntested; StaleVersion is for the caller, who names the version replaced.
    """
    for pointer, code in policy_faults(policy):
        raise PolicyFaulty(code, pointer)
    current = await active_policy(conn)
    policy = replace(policy, version=current.version + 1)
    auto = policy.auto_close
    if auto.mode is AutoCloseMode.LIVE:
        trials = {item.work_type: item for item in await history.count_trials(conn) if item.mode == "test"}
        for work_type in auto.work_types:
            seen = trials.get(work_type)
            if (
                seen is None
                or seen.judged < auto.min_trials
                or seen.agreed < seen.judged * auto.min_agreement
            ):
                raise AutoCloseUntested
    await worklist.add_policy(conn, policy, who, now)
    while keys := await worklist.outdated(conn, policy.version, BATCH):
        cases = await repository.load_cases(conn, keys)
        await worklist.move(conn, {key: route(case, policy) for key, case in cases.items()})
    return policy


async def refuse_unqualified(
    conn: asyncpg.Connection, case: CodingCase, subject: str, policy: Policy, now: datetime
) -> None:
    """Refuse someone whose certificates in force today do not fit the chart's work type.

    Raises: CredentialMissing.
    """
    if not policy.enforce_credentials:
        return
    held = await worklist.credentials_of(conn, subject, now.date())
    if not may_code(held, route(case, policy).work_type, policy):
        raise CredentialMissing


async def permitted_work_types(
    conn: asyncpg.Connection, subject: str, policy: Policy, now: datetime
) -> list[str] | None:
    """Return the work types that someone may code, or None when certificates are not enforced."""
    if not policy.enforce_credentials:
        return None
    held = await worklist.credentials_of(conn, subject, now.date())
    known = {rule.work_type for rule in policy.rules}
    return sorted(work_type for work_type in known if may_code(held, work_type, policy))
