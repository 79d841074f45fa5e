"""Repeated denials propose scrubber rules: found and tried on past claims, turned into a draft by a person."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from rcm_shared.auth import Principal
from rcm_shared.errors import NotFound, Refused
from rcm_shared.ids import uuid7
from rcm_shared.messaging.uow import UnitOfWork

from rcm_billing.domain.rule_proposal import Condition, Key, Outcome, Proposal, Repeated, propose, rule_of
from rcm_billing.handlers import payer_rules
from rcm_billing.handlers.deps import Deps
from rcm_billing.repository import rule_proposals
from rcm_billing.repository.payer_rules import PayerRuleRow

MAX_GROUPS = 200
MAX_PAST = 20_000  # claims of one payer and facility, the newest first


@dataclass(frozen=True, slots=True)
class Search:
    """Which denials to look at, and how often one must repeat."""

    since: date
    until: date  # the last day, included
    at_least: int


async def find_proposals(deps: Deps, search: Search, who: Principal, today: date) -> list[Proposal]:
    """Return the rules that repeated denials of the caller's facilities propose, each tried on past claims."""
    repeated = await rule_proposals.list_repeated(
        deps.pool,
        since=search.since,
        until=search.until + timedelta(days=1),
        facilities=who.facility_filter(),
        at_least=search.at_least,
        limit=MAX_GROUPS,
    )
    by_place: dict[tuple[str, str], list[Repeated]] = {}
    for one in repeated:
        by_place.setdefault((one.key.facility_id, one.key.payer_id), []).append(one)
    found: list[Proposal] = []
    for (facility_id, payer_id), groups in sorted(by_place.items()):
        past = await rule_proposals.list_past(
            deps.pool, payer_id=payer_id, facility_id=facility_id, since=search.since, limit=MAX_PAST
        )
        found += await asyncio.to_thread(_propose_all, groups, past, today, search.at_least)
    return found


def _propose_all(
    groups: Sequence[Repeated], past: Sequence[Outcome], today: date, at_least: int
) -> list[Proposal]:
    proposals = (propose(one, past, today=today, min_denials=at_least) for one in groups)
    return [one for one in proposals if one is not None]


async def keep_proposals(
    uow: UnitOfWork, proposals: Sequence[Proposal], search: Search, who: Principal
) -> list[Any]:
    """Store what was found and return what waits for a person."""
    await rule_proposals.save_proposals(
        uow.conn,
        [(uuid7(), one) for one in proposals],
        since=search.since,
        until=search.until,
        created_by=who.subject,
        created_at=uow.now,
    )
    return await rule_proposals.list_proposals(
        uow.conn, state="proposed", facilities=who.facility_filter(), limit=200
    )


async def _waiting(uow: UnitOfWork, proposal_id: UUID, who: Principal) -> Any:
    row = await rule_proposals.find_proposal(uow.conn, proposal_id)
    if row is None or not who.sees(row["facility_id"]):
        raise NotFound("proposal")
    if row["state"] != "proposed":
        raise Refused("proposal-decided", f"this proposal is {row['state']}")
    return row


async def accept(uow: UnitOfWork, proposal_id: UUID, who: Principal) -> PayerRuleRow:
    """Make the proposal a draft of a payer rule; it judges nothing until another person activates it."""
    row = await _waiting(uow, proposal_id, who)
    key = Key(row["facility_id"], row["payer_id"], row["carc"], row["rarc"], row["code"])
    condition = Condition(row["code"], row["modifiers"], row["diagnosis"])
    rule = rule_of(key, row["denied"], row["owner"], condition, uow.now.date())
    tested = json.loads(row["back_test"])
    drafted = await payer_rules.draft(
        uow,
        payer_rules.Draft(
            rule_id=rule.rule_id,
            title=rule.title,
            expression=row["expression"],
            severity=rule.severity,
            owner=rule.owner,
            authority=f"{rule.authority}; back-test: {tested['caught']} of {tested['denied']} denied,"
            f" {tested['held_paid']} of {tested['paid']} paid held",
            fix=rule.fix,
            effective_from=uow.now.date(),
            facility_id=row["facility_id"],
            payers=(row["payer_id"],),
        ),
        who,
    )
    await rule_proposals.decide_proposal(
        uow.conn, proposal_id, state="accepted", decided_by=who.subject, decided_at=uow.now
    )
    return drafted


async def dismiss(uow: UnitOfWork, proposal_id: UUID, who: Principal) -> Any:
    """Put a proposal away; it does not come back."""
    await _waiting(uow, proposal_id, who)
    await rule_proposals.decide_proposal(
        uow.conn, proposal_id, state="dismissed", decided_by=who.subject, decided_at=uow.now
    )
    return await rule_proposals.find_proposal(uow.conn, proposal_id)
