"""Which fact of which topic leads to which decision. Kafka in; nothing else happens here."""

from collections.abc import Mapping

from rcm_shared.contracts import coding, intake, query
from rcm_shared.contracts.event import Event
from rcm_shared.messaging.decide import Decide, fold
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.messaging.uow import UnitOfWork

from rcm_billing import repository
from rcm_billing.domain.account import Account
from rcm_billing.handlers import facts

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
    """Apply facts of coding."""
    await fold(uow, deliveries, table=CHART, load=repository.open_accounts, save=repository.save_accounts)


async def on_query(uow: UnitOfWork, deliveries: list[Delivery]) -> None:
    """Apply facts of query."""
    await fold(uow, deliveries, table=QUERY, load=repository.open_accounts, save=repository.save_accounts)
