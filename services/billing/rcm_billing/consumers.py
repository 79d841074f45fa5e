"""Which fact of which topic leads to which decision. Kafka in; nothing else happens here."""

from collections.abc import Mapping
from uuid import UUID

import asyncpg
from rcm_shared.contracts import coding, intake, query
from rcm_shared.contracts.event import Event
from rcm_shared.messaging.decide import Decide, fold
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.uow import UnitOfWork

from rcm_billing import repository
from rcm_billing.domain.account import Account
from rcm_billing.handlers import code_sets, facts

ENCOUNTER: Mapping[type[Event], Decide[Account]] = {
    intake.EncounterRegistered: facts.register,
    intake.ChargesCaptured: facts.capture_charges,
    intake.CoverageVerified: facts.verify_coverage,
    intake.EncounterCancelled: facts.cancel,
    intake.EncountersMerged: facts.merge,
}
CHART: Mapping[type[Event], Decide[Account]] = {
    coding.QueryRequested: facts.open_query,
    coding.CodingFinalised: facts.finalise,
    coding.CodingReopened: facts.reopen,
}
RELEASES: Mapping[type[Event], Decide[None]] = {coding.CodesetReleaseActivated: code_sets.activated}
_RELEASE_TYPES = frozenset(event.TYPE for event in RELEASES)
QUERY: Mapping[type[Event], Decide[Account]] = {
    query.QuerySent: facts.open_query,
    query.QueryAnswered: facts.end_query,
    query.QueryExpired: facts.end_query,
    query.QueryRetracted: facts.end_query,
}


async def on_encounter(uow: UnitOfWork, deliveries: list[Delivery]) -> None:
    """Apply facts of intake."""
    await fold(uow, deliveries, table=ENCOUNTER, load=repository.open_accounts, save=repository.save_accounts)


async def on_chart(uow: UnitOfWork, deliveries: list[Delivery]) -> None:
    """Apply facts of coding. A release is no encounter: it has no account, and its key must not get one."""
    releases = [delivery for delivery in deliveries if delivery.envelope.type in _RELEASE_TYPES]
    if releases:
        deliveries = [delivery for delivery in deliveries if delivery.envelope.type not in _RELEASE_TYPES]
        await fold(uow, releases, table=RELEASES, load=_no_state, save=_save_nothing)
    await fold(uow, deliveries, table=CHART, load=repository.open_accounts, save=repository.save_accounts)


async def on_query(uow: UnitOfWork, deliveries: list[Delivery]) -> None:
    """Apply facts of query."""
    await fold(uow, deliveries, table=QUERY, load=repository.open_accounts, save=repository.save_accounts)


async def _no_state(_conn: asyncpg.Connection, _keys: list[UUID]) -> dict[UUID, None]:
    return {}


async def _save_nothing(_conn: asyncpg.Connection, _states: dict[UUID, None]) -> None:
    return None
