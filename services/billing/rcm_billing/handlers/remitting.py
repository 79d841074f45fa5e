"""Apply payments (835): match each claim payment, post it once, put aside what may not be posted."""

from collections.abc import Sequence
from uuid import UUID

from rcm_shared.ids import derived_uuid
from rcm_shared.messaging.uow import UnitOfWork

from rcm_billing import repository
from rcm_billing.domain import ledger
from rcm_billing.domain.remittance import PaidClaim, Payment
from rcm_billing.handlers.contents import word
from rcm_billing.handlers.deposits import reconcile_payment
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.matching import find_matches
from rcm_billing.handlers.poster import Poster
from rcm_billing.repository import Unmatched, payer_files

CHUNK = 200
_NOBODY = UUID(int=0)


async def apply_payments(
    deps: Deps,
    uow: UnitOfWork,
    digest: bytes,
    payment: Payment,
    claims: Sequence[PaidClaim],
    *,
    source: str = "835",
    entered_by: str | None = None,
) -> None:
    """Apply one chunk of a payment's claims in the order in which they stand."""
    conn, key = uow.conn, payment.key
    fresh, content = await repository.insert_remittance(
        conn, payment, digest, source=source, entered_by=entered_by
    )
    if fresh:
        await _open_payment(uow, payment)
    elif content and content != payment.content:
        await repository.insert_unmatched(conn, [_other_content(digest, payment)])
        return
    if not fresh:
        places = [paid.ordinal for paid in claims]
        applied = await repository.list_applied(conn, key, places)
        aside = await payer_files.list_aside_of(conn, key, places)
        claims = [
            paid
            for paid in claims
            if (paid.claim_control, paid.payer_control, paid.status, paid.ordinal) not in applied
            and paid.ordinal not in aside
        ]
    if not claims:
        return
    found = await find_matches(conn, claims)
    poster = await Poster.over(deps, uow, digest, found)
    for one in found:
        poster.take(payment, one)
    await poster.save()


async def _open_payment(uow: UnitOfWork, payment: Payment) -> None:
    """Book what belongs to the payment as a whole: its provider adjustments, and its deposit when that came first."""
    if payment.provider_adjustments:
        adjustments = tuple((one.reason, one.cents) for one in payment.provider_adjustments)
        transaction = ledger.provider_level(derived_uuid(_NOBODY, f"plb|{payment.key}"), adjustments)
        await repository.insert_transactions(uow.conn, [(None, "", transaction)])
    await reconcile_payment(uow, payment)


def _other_content(digest: bytes, payment: Payment) -> Unmatched:
    return Unmatched(
        derived_uuid(_NOBODY, f"other-content|{payment.key}|{digest.hex()}"),
        digest,
        "835",
        derived_uuid(_NOBODY, payment.key).int & 0x3FFFFFFF,
        "payment-known-with-other-claims",
        word(payment.trace),
        payment.payment_cents,
        segment="TRN",
        rule="one payment (TRN03, TRN02, BPR16, BPR02) is explained once",
    )
