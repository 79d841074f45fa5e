"""The statement cycle: begun when something is open with the patient, ended when nothing is."""

from collections.abc import Sequence
from datetime import timedelta

from rcm_shared.contracts.billing import StatementIssued
from rcm_shared.ids import derived_uuid
from rcm_shared.messaging.decide import FiredTimer, take_timers
from rcm_shared.messaging.uow import SetTimer, UnitOfWork
from rcm_shared.money import Cents

from rcm_billing import repository
from rcm_billing.domain.account import Account
from rcm_billing.domain.statement import Cycle, write_statement
from rcm_billing.domain.submission import SYSTEM
from rcm_billing.repository import statements
from rcm_billing.repository.statements import StatementRow

STATEMENT = "statement"


def follow_balance(cycle: Cycle, uow: UnitOfWork, before: Account, after: Account) -> None:
    """Begin or end the cycle as the patient's balance opens or closes."""
    was, now = before.totals.patient > 0, after.totals.patient > 0
    if now and not was:
        uow.set_timer(after.encounter_id, SetTimer(STATEMENT, uow.now + timedelta(days=cycle.first_days)))
    elif was and not now:
        uow.cancel_timer(after.encounter_id, STATEMENT)


async def issue_statements(uow: UnitOfWork, fired: Sequence[FiredTimer], cycle: Cycle) -> None:
    """Issue what is due, each in its own words, and set the next one until the last."""
    live = await take_timers(uow.conn, fired)
    keys = sorted({timer.key for timer in live})
    accounts = await repository.load_accounts(uow.conn, keys)
    owing = {key: account for key, account in accounts.items() if account.totals.patient > 0}
    if not owing:
        return
    issued = await statements.count_statements(uow.conn, list(owing))
    postings = await statements.list_postings(uow.conn, list(owing))
    rows: list[StatementRow] = []
    for key, account in owing.items():
        serial = issued.get(key, 0) + 1
        if serial > cycle.at_most:
            continue
        statement = write_statement(
            account,
            [(row["posted_at"].date(), transaction) for row, transaction in postings.get(key, [])],
            serial=serial,
            cycle=cycle,
            on=uow.now.date(),
        )
        statement_id = derived_uuid(key, f"statement-{serial}")
        rows.append(StatementRow(statement_id, key, account.facility_id, statement))
        uow.emit(
            key,
            StatementIssued(
                actor=SYSTEM,
                facility_id=account.facility_id,
                statement_id=statement_id,
                serial=serial,
                due_on=statement.due_on,
                open_cents=Cents(statement.open_cents),
            ),
        )
        if not statement.final:
            uow.set_timer(key, SetTimer(STATEMENT, uow.now + timedelta(days=cycle.every_days)))
    await statements.insert_statements(uow.conn, rows)
