"""What one file of a payer says, read before anything is applied; what cannot be read is put aside with its reason."""

import hashlib
import re
from dataclasses import dataclass, field

from rcm_shared.ids import uuid7

from rcm_billing.domain.acknowledgement import Acknowledgement, Effect
from rcm_billing.domain.errors import OutOfBalance, Unreadable
from rcm_billing.domain.remittance import Remittance, check_balance
from rcm_billing.repository import Unmatched
from rcm_billing.x12.ack_277ca import read_277ca
from rcm_billing.x12.ack_999 import read_999
from rcm_billing.x12.ack_ta1 import DUPLICATE_INTERCHANGE, read_ta1
from rcm_billing.x12.reader import Interchange, TransactionSet, read_interchanges
from rcm_billing.x12.remittance_835 import read_835

GUIDE_277CA = "005010X214"


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
    """What one file says."""

    digest: bytes
    acks: list[Addressed] = field(default_factory=list)
    remittances: list[Remittance] = field(default_factory=list)
    aside: list[Unmatched] = field(default_factory=list)

    def put_aside(
        self, kind: str, reason: str, reference: str = "", cents: int | None = None, body: str = ""
    ) -> None:
        """Note something for a person."""
        ordinal = len(self.aside) + 1
        self.aside.append(Unmatched(uuid7(), self.digest, kind, ordinal, reason, reference, cents, body))


def read_contents(data: bytes) -> Contents:
    """Read a payer's file; what cannot be read or does not balance is put aside with its reason."""
    contents = Contents(hashlib.sha256(data).digest())
    try:
        interchanges = read_interchanges(data)
    except Unreadable as error:
        contents.put_aside("file", error.code)
        return contents
    for interchange in interchanges:
        _read_interchange(interchange, contents)
    return contents


def _read_interchange(interchange: Interchange, contents: Contents) -> None:
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
            contents.put_aside(word(transaction.kind), "incomplete-set", word(transaction.control))
            continue
        _read_set(transaction, contents)


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
        case "835":
            try:
                remittance = read_835(transaction)
            except Unreadable as error:
                contents.put_aside("835", error.code, word(transaction.control))
                return
            try:
                check_balance(remittance)
            except OutOfBalance as error:
                contents.put_aside(
                    "835", f"out-of-balance:{error.code}", remittance.trace, remittance.payment_cents
                )
                return
            contents.remittances.append(remittance)
        case kind:
            contents.put_aside(word(kind), "unsupported-transaction", word(transaction.control))


def word(value: str) -> str:
    """A foreign control number as it may stand in a worklist."""
    return re.sub(r"[^A-Za-z0-9.-]", "", value)[:50]
