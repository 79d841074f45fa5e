"""What the handlers need besides a transaction; made once in app.py and passed on."""

from dataclasses import dataclass

import asyncpg

from rcm_billing.domain.master import Master
from rcm_billing.gateways.intake import IntakeRecords
from rcm_billing.gateways.payer_exchange import PayerExchange
from rcm_billing.handlers.code_sets import LoadedCodeSets


@dataclass(frozen=True, slots=True)
class Deps:
    """Master data, the pool for reads outside a transaction, intake, the payer exchange, code sets."""

    master: Master
    pool: asyncpg.Pool
    intake: IntakeRecords
    exchange: PayerExchange
    batch_claims: int
    code_sets: LoadedCodeSets
