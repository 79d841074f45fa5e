"""What the handlers need besides a transaction; made once in app.py and passed on."""

from dataclasses import dataclass, field

import asyncpg

from rcm_billing.domain.master import Master
from rcm_billing.domain.scrubbing import Regroup
from rcm_billing.domain.settling import Limits
from rcm_billing.domain.statement import Cycle
from rcm_billing.gateways.intake import IntakeRecords
from rcm_billing.gateways.payer_exchange import PayerExchange
from rcm_billing.handlers.code_sets import LoadedCodeSets
from rcm_billing.handlers.payer_rules import LoadedPayerRules
from rcm_billing.handlers.references import LoadedReferences


@dataclass(frozen=True, slots=True)
class MoneyPolicy:
    """What an installation decided about its patients' balances."""

    limits: Limits = field(default_factory=Limits)
    statements: Cycle = field(default_factory=Cycle)


@dataclass(frozen=True, slots=True)
class Deps:
    """Master data, the pool for reads outside a transaction, intake, the payer exchange, code sets."""

    master: Master
    pool: asyncpg.Pool
    intake: IntakeRecords
    exchange: PayerExchange
    batch_claims: int
    code_sets: LoadedCodeSets
    policy: MoneyPolicy = field(default_factory=MoneyPolicy)
    references: LoadedReferences | None = None  # None: rules that need a table are "not evaluated"
    payer_rules: LoadedPayerRules | None = None  # None: the payers have no rules of their own
    regroup: Regroup | None = None  # None: no grouper is installed
    four_eyes: bool = True  # another person than its author activates a payer rule
