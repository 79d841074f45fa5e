"""What one file of a payer says, read before anything is applied; what cannot be read is put aside with its reason."""

import hashlib
import re
from dataclasses import dataclass, field

from rcm_shared.ids import uuid7

from rcm_billing.domain.acknowledgement import Acknowledgement, Effect
from rcm_billing.domain.errors import Unreadable
from rcm_billing.domain.remittance import Payment
from rcm_billing.repository import Unmatched
from rcm_billing.x12.ack_277ca import read_277ca
from rcm_billing.x12.ack_999 import read_999
from rcm_billing.x12.ack_ta1 import DUPLICATE_INTERCHANGE, read_ta1
from rcm_billing.x12.reader import Interchange, TransactionSet, read_interchanges
from rcm_billing.x12.remittance_835 import FirstPass
from rcm_billing.x12.status_277 import ClaimReport, read_277

GUIDE_277CA = "005010X214"
_ENVELOPE_RULE = "a file begins with one ISA of 16 elements that names its delimiters"
_TRAILER_RULE = "SE01 counts ST to SE, SE02 = ST02"


@dataclass(frozen=True, slots=True)
class Addressed:
    """An acknowledgement with the numbers of what it speaks about; exactly one of them is set."""

    ack: Acknowledgement
    isa13: str = ""
    gs06: str = ""
    st02: str = ""
    bht03: str = ""
    claim_control: str = ""

    @property
    def names(self) -> tuple[str, str]:
        """What kind of number it names, and the number."""
        if self.claim_control:
            return "claim", self.claim_control
        if self.isa13:
            return "isa", self.isa13
        return ("gs", self.gs06) if self.gs06 else ("bht", self.bht03)


@dataclass(slots=True)
class Contents:
    """What one file says. `remittances` are the payments that may be posted, by the number of their 835 in the file;
    their claims stay in the file until they are posted.
    """

    digest: bytes
    acks: list[Addressed] = field(default_factory=list)
    reports: list[ClaimReport] = field(default_factory=list)
    remittances: dict[int, Payment] = field(default_factory=dict)
    aside: list[Unmatched] = field(default_factory=list)

    def put_aside(
        self,
        kind: str,
        reason: str,
        reference: str = "",
        cents: int | None = None,
        body: str = "",
        *,
        segment: str = "",
        rule: str = "",
    ) -> None:
        """Note something for a person; `segment` and `rule` say where in the file and against what."""
        ordinal = len(self.aside) + 1
        self.aside.append(
            Unmatched(
                uuid7(),
                self.digest,
                kind,
                ordinal,
                reason,
                reference,
                cents,
                body,
                segment=segment,
                rule=rule,
            )
        )


def read_contents(data: bytes) -> Contents:
    """Read a payer's file; what cannot be read or does not balance is put aside with its reason."""
    contents = Contents(hashlib.sha256(data).digest())
    try:
        interchanges = read_interchanges(data, {"835": FirstPass})
    except Unreadable as error:
        contents.put_aside("file", error.code, segment="ISA", rule=_ENVELOPE_RULE)
        return contents
    payments = 0
    for interchange in interchanges:
        payments = _read_interchange(interchange, contents, payments)
    return contents


def _read_interchange(interchange: Interchange, contents: Contents, payments: int) -> int:
    """Read one interchange; `payments` counts the 835 before it in the file, the new count comes back."""
    if not interchange.ta1 and not interchange.sets:
        contents.put_aside("interchange", "empty", interchange.control)
    for segment in interchange.ta1:
        answer = read_ta1(segment)
        if answer.acknowledgement.effect is Effect.REJECTED and (
            DUPLICATE_INTERCHANGE in answer.acknowledgement.status_codes
        ):
            # we sent the same bytes again after a crash; the first copy stands
            contents.put_aside("TA1", "duplicate-interchange", answer.interchange_control)
        else:
            contents.acks.append(Addressed(answer.acknowledgement, isa13=answer.interchange_control))
    for transaction in interchange.sets:
        if not transaction.count_holds:
            contents.put_aside(
                word(transaction.kind),
                "incomplete-set",
                word(transaction.control),
                segment="SE",
                rule=_TRAILER_RULE,
            )
        elif transaction.kind == "835":
            _read_payment(transaction, contents, payments)
        else:
            _read_set(transaction, contents)
        payments += transaction.kind == "835"
    return payments


def _read_payment(transaction: TransactionSet, contents: Contents, number: int) -> None:
    first = transaction.sink
    if not isinstance(first, FirstPass):
        raise TypeError("an 835 is read by its first pass")
    payment, fault = first.finish(), first.fault
    if payment is not None and fault is None:
        contents.remittances[number] = payment
        return
    reference = payment.trace if payment is not None else transaction.control
    contents.put_aside(
        "835",
        fault.code if fault is not None else "835-no-payment",
        word(reference),
        payment.payment_cents if payment is not None else None,
        segment=fault.segment if fault is not None else "",
        rule=fault.rule if fault is not None else "",
    )


def _read_set(transaction: TransactionSet, contents: Contents) -> None:
    match transaction.kind:
        case "999":
            for verdict in read_999(transaction):
                contents.acks.append(
                    Addressed(verdict.acknowledgement, gs06=verdict.group_control, st02=verdict.set_control)
                )
        case "277" if transaction.guide.startswith(GUIDE_277CA):
            found = read_277ca(transaction)
            for decision in found:
                contents.acks.append(
                    Addressed(
                        decision.acknowledgement, bht03=decision.batch, claim_control=decision.claim_control
                    )
                )
            if not found:
                contents.put_aside("277CA", "no-claim-status", word(transaction.control))
        case "277":
            reports = read_277(transaction)
            contents.reports += reports
            if not reports:
                contents.put_aside("277", "no-claim-status", word(transaction.control))
        case kind:
            contents.put_aside(word(kind), "unsupported-transaction", word(transaction.control))


def word(value: str) -> str:
    """A foreign control number as it may stand in a worklist."""
    return re.sub(r"[^A-Za-z0-9.-]", "", value)[:50]
