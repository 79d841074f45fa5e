"""rcm bench remit: one large 835 through billing's own handlers on a real PostgreSQL, with the memory it takes.

The claims are made beforehand, each sent and accepted; the file is one payment of all of them.
"""

import json as jsonlib
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import asyncpg
from rcm_billing import repository
from rcm_billing.domain.account import Account, Attempt, Claim, book_charge
from rcm_billing.domain.claim import AttemptState, ClaimState, claim_control_of, claim_id_of
from rcm_billing.domain.master import Master
from rcm_billing.handlers.answers import apply_file
from rcm_billing.handlers.deps import Deps
from rcm_billing.repository import ClaimRow
from rcm_shared.contracts.intake import ClaimForm, CoverageRef, Setting
from rcm_shared.contracts.topics import CLAIM
from rcm_shared.ids import derived_uuid, uuid7
from rcm_shared.messaging.uow import UnitOfWork
from rcm_shared.money import Cents, decimal_from_cents
from rcm_shared.postgres.migrate import migrate
from rcm_shared.runtime import settle_memory

from rcm_deploy.bench.machine import machine
from rcm_deploy.engines import signals
from rcm_deploy.engines.failures import EngineError
from rcm_deploy.engines.home import default_home
from rcm_deploy.engines.system import engines_only

CLAIMS = 20_000
FACILITY, PAYER = "DEMO-GENERAL", "DHP01"
DAY = date(2026, 9, 2)
NOW = datetime(2026, 9, 28, 12, tzinfo=UTC)
SEED_BATCH = 1_000
FIRST_LINE, SECOND_LINE = 12_500, 7_500  # cents charged
FIRST_CUT, SECOND_CUT, SHARE = 2_000, 1_500, 500  # CO 45 on both lines, PR 3 on the first
MASTER = Path(__file__).parents[1] / "demo" / "master.json"

Begin = Callable[[], AbstractAsyncContextManager[UnitOfWork]]


def main(*, claims: int = CLAIMS, json: bool = False) -> int:
    """Measure and print."""
    try:
        return signals.run(_run(claims, json))
    except EngineError as error:
        print(f"rcm: {error}", file=sys.stderr)
        return 3


async def _run(claims: int, as_json: bool) -> int:
    home = default_home().root / "bench-remit"
    shutil.rmtree(home, ignore_errors=True)
    async with engines_only(home, services=("billing",), say=_say) as engines:
        await migrate(engines.owner_dsn("billing"), "rcm_billing.migrations")
        async with asyncpg.create_pool(engines.dsn("billing"), min_size=1, max_size=4) as pool:
            _say(f"{claims} claims are sent and accepted")
            controls = await seed(pool, claims)
            _say("the payer's 835 is posted")
            figures = await post(pool, controls)
    result = {**figures, "machine": machine()}
    print(jsonlib.dumps(result, indent=None if as_json else 2), flush=True)
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def begin_on(pool: asyncpg.Pool) -> Begin:
    """Return what opens a unit of work as the running service does."""

    @asynccontextmanager
    async def begin() -> AsyncIterator[UnitOfWork]:
        async with pool.acquire() as conn, conn.transaction():
            uow = UnitOfWork(conn, now=NOW, service="billing", topic=CLAIM.name)
            yield uow
            await uow.flush()

    return begin


async def seed(pool: asyncpg.Pool, count: int) -> list[str]:
    """Make accounts with one accepted claim each; return the claims' control numbers."""
    controls: list[str] = []
    for start in range(0, count, SEED_BATCH):
        accounts = [_account() for _ in range(min(SEED_BATCH, count - start))]
        async with pool.acquire() as conn, conn.transaction():
            await repository.save_accounts(conn, {account.encounter_id: account for account in accounts})
            await repository.insert_claims(conn, [_row(account) for account in accounts])
        controls += [account.claims[0].claim_control for account in accounts]
    return controls


def _account() -> Account:
    key = uuid7()
    claim_id = claim_id_of(key, "P", 1)
    claim = Claim(
        claim_id=claim_id,
        order="P",
        payer_id=PAYER,
        version=1,
        form=ClaimForm.PROFESSIONAL,
        state=ClaimState.ACCEPTED,
        claim_control=claim_control_of(claim_id),
        charge_cents=Cents(FIRST_LINE + SECOND_LINE),
        attempts=(
            Attempt(
                attempt_id=derived_uuid(key, "attempt"),
                interchange_control="000000001",
                state=AttemptState.ACCEPTED,
                acknowledgements=("TA1:A", "999:A", "277CA:A2"),
            ),
        ),
    )
    account = Account(
        encounter_id=key,
        facility_id=FACILITY,
        setting=Setting.OFFICE,
        form=ClaimForm.PROFESSIONAL,
        coverages=(CoverageRef(derived_uuid(key, "coverage"), PAYER, "P"),),
    ).with_claim(claim)
    return book_charge(account, derived_uuid(claim_id, "charge"), claim.charge_cents, claim_id)


def _row(account: Account) -> ClaimRow:
    claim = account.claims[0]
    return ClaimRow(
        claim_id=claim.claim_id,
        encounter_id=account.encounter_id,
        facility_id=FACILITY,
        payer_id=PAYER,
        payer_order="P",
        version=1,
        form=claim.form.value,
        frequency="1",
        claim_control=claim.claim_control,
        charge_cents=claim.charge_cents,
        document=f'{{"service_from":"{DAY}"}}',
        wire_subscriber="",
        wire_dependent="",
        hits="[]",
        not_evaluated=[],
        fingerprint=claim.claim_id.bytes,
        state=claim.state.value,
        owner_queue="",
    )


def remittance_of(controls: list[str], *, trace: str = "BENCH1", plb: str = "") -> bytes:
    """Write one 835 that pays every claim, two lines each, with a contractual cut and a copay.

    `plb` is one provider adjustment such as "*L6:INT*-1", in whole dollars.
    """
    first = FIRST_LINE - FIRST_CUT - SHARE
    second = SECOND_LINE - SECOND_CUT
    day = f"{DAY:%Y%m%d}"
    charge, paid = decimal_from_cents(FIRST_LINE + SECOND_LINE), decimal_from_cents(first + second)
    body = "".join(
        f"CLP*{control}*1*{charge}*{paid}*{decimal_from_cents(SHARE)}*12*{trace}{number:010d}*11*1~"
        f"NM1*QC*1*PATIENT*TEST****MI*PD{number:010d}~NM1*82*2*DEMO GENERAL*****XX*1912301953~"
        f"NM1*IL*1*SUBSCRIBER*TEST****MI*PD{number:010d}~REF*EA*{number:015d}~REF*1L*GROUP0001~"
        f"DTM*232*{day}~DTM*050*20260905~PER*CX*CLAIMS DESK*TE*8005550100~AMT*AU*165~"
        f"SVC*HC:99213*{decimal_from_cents(FIRST_LINE)}*{decimal_from_cents(first)}**1~DTM*472*{day}~"
        f"CAS*CO*45*{decimal_from_cents(FIRST_CUT)}~CAS*PR*3*{decimal_from_cents(SHARE)}~"
        f"REF*6R*{control}L1~AMT*B6*105~LQ*HE*N130~"
        f"SVC*HC:20610:RT*{decimal_from_cents(SECOND_LINE)}*{decimal_from_cents(second)}**1~DTM*472*{day}~"
        f"CAS*CO*45*{decimal_from_cents(SECOND_CUT)}~REF*6R*{control}L2~AMT*B6*60~"
        for number, control in enumerate(controls, 1)
    )
    taken = int(plb.rpartition("*")[2]) * 100 if plb else 0
    total = decimal_from_cents((first + second) * len(controls) - taken)
    body += f"PLB*1912301953*20261231{plb}~" if plb else ""
    middle = (
        f"ST*835*0001~BPR*I*{total}*C*ACH*CCP*01*021000021*DA*1000001*1999999999**01*011000015*DA*2000002*20260928~"
        f"TRN*1*{trace}*1999999999~DTM*405*20260928~N1*PR*DEMO HEALTH PLAN~N1*PE*DEMO GENERAL*XX*1912301953~LX*1~{body}"
    )
    return (
        "ISA*00*          *00*          *ZZ*DHP01          *ZZ*DEMOGENERAL    *260928*1200*^*00501*000000001*0*T*:~"
        "GS*HP*DHP01*DEMOGENERAL*20260928*1200*1*X*005010X221A1~"
        f"{middle}SE*{middle.count('~') + 1}*0001~GE*1*1~IEA*1*000000001~"
    ).encode()


def deps_on(pool: asyncpg.Pool) -> Deps:
    """Return what posting needs: the demo's master data and this database."""
    return Deps(
        master=Master.model_validate_json(MASTER.read_bytes()),
        pool=pool,
        intake=cast(Any, None),
        exchange=cast(Any, None),
        batch_claims=200,
        code_sets=cast(Any, None),
    )


async def post(pool: asyncpg.Pool, controls: list[str]) -> dict[str, Any]:
    """Store and apply the file as the exchange does; return the time, the memory and what was posted."""
    deps = deps_on(pool)
    begin = begin_on(pool)
    data = remittance_of(controls)
    await apply_file(deps, begin, remittance_of([], trace="WARM"))
    await repository.store_inbound(pool, "bench.x12", data)
    settle_memory()
    before = _reset_peak()
    started, cpu = time.perf_counter(), time.process_time()
    await apply_file(deps, begin, data)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    growth = _memory_kib("VmHWM") - before
    cents, _transactions = await repository.ledger_summary(pool)
    posted = await pool.fetchval("SELECT count(*) FROM remittance_claim")
    aside = await pool.fetchval("SELECT count(*) FROM unmatched WHERE remit_key IS NOT NULL")
    return {
        "claims": len(controls),
        "megabytes": round(len(data) / 1e6, 2),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "claims_per_s": round(len(controls) / seconds),
        "peak_rss_growth_mib": round(growth / 1024, 1),
        "posted": posted,
        "unmatched": aside,
        "ledger_sum_cents": cents,
    }


def _reset_peak() -> int:
    """Forget the peak of the resident memory so far; return what is resident now, in KiB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _memory_kib("VmRSS")


def _memory_kib(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise OSError(f"{name} is not known here")
