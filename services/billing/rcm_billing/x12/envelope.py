"""The interchange around a batch of claims: ISA, GS, ST, BHT and their trailers. Control numbers come in
as arguments.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice

from rcm_shared.contracts.intake import ClaimForm

from rcm_billing.domain.master import BillingProvider, Payer, Submitter
from rcm_billing.x12.claim_loops import ClaimWire
from rcm_billing.x12.claim_parties import address
from rcm_billing.x12.segment import (
    COMPONENT,
    ELEMENT,
    END,
    REPETITION,
    day,
    identifier,
    minute,
    name,
    segment,
    text,
)

MAX_SET_CLAIMS = 5000  # the guides' advice for one transaction set
GUIDES = {ClaimForm.PROFESSIONAL: "005010X222A1", ClaimForm.INSTITUTIONAL: "005010X223A2"}


@dataclass(frozen=True, slots=True)
class ControlNumbers:
    """The numbers of one interchange, allocated in the transaction that freezes its bytes."""

    interchange: int
    group: int
    transaction_set: int

    @property
    def isa13(self) -> str:
        """ISA13 and IEA02: nine digits."""
        return f"{self.interchange:09d}"

    @property
    def gs06(self) -> str:
        """GS06 and GE02."""
        return str(self.group)

    @property
    def st02(self) -> str:
        """ST02 and SE02: four digits or more."""
        return f"{self.transaction_set:04d}"

    @property
    def bht03(self) -> str:
        """BHT03: our batch id, echoed at the batch level of a 277CA."""
        return f"B{self.interchange:09d}"

    def of_set(self, number: int) -> tuple[str, str]:
        """Return ST02 and BHT03 of a transaction set of the group; the first has number 0."""
        if not number:
            return self.st02, self.bht03
        return f"{self.transaction_set + number:04d}", f"{self.bht03}-{number + 1}"


def write_interchange(
    claims: Iterable[ClaimWire],
    *,
    form: ClaimForm,
    billing: BillingProvider,
    submitter: Submitter,
    payer: Payer,
    usage: str,
    numbers: ControlNumbers,
    at: datetime,
) -> bytes:
    """Write one interchange of claims of one billing provider to one payer.

    The same arguments give the same bytes. Raises: WireRefused for master data that cannot be written.
    Wire: ISA*00*..., GS*HC*..., ST*837*0001*005010X222A1~
    """
    return b"".join(
        stream_interchange(
            claims,
            form=form,
            billing=billing,
            submitter=submitter,
            payer=payer,
            usage=usage,
            numbers=numbers,
            at=at,
        )
    )


def stream_interchange(
    claims: Iterable[ClaimWire],
    *,
    form: ClaimForm,
    billing: BillingProvider,
    submitter: Submitter,
    payer: Payer,
    usage: str,
    numbers: ControlNumbers,
    at: datetime,
) -> Iterator[bytes]:
    """Give the interchange in pieces, a claim at a time; a transaction set ends after MAX_SET_CLAIMS claims.

    Raises: WireRefused for master data that cannot be written, before the first piece.
    """
    guide = GUIDES[form]
    sender, receiver = _sender(submitter), _receiver(payer)
    opening = open_interchange(
        "HC", guide, submitter=submitter, payer=payer, usage=usage, numbers=numbers, at=at
    )
    parties = "".join(
        (
            segment("NM1", "41", "2", name(submitter.name, "NM103"), "", "", "", "", "46", sender),
            segment(
                "PER", "IC", text(submitter.contact_name), "TE", identifier(submitter.contact_phone, "PER04")
            ),
            segment("NM1", "40", "2", name(payer.name, "NM103"), "", "", "", "", "46", receiver),
            billing_loop(billing),
        )
    )
    yield opening.encode("ascii")
    waiting = iter(claims)
    sets = 0
    while (first := next(waiting, None)) is not None or not sets:
        st02, bht03 = numbers.of_set(sets)
        head = segment("BHT", "0019", "00", bht03, day(at), minute(at), "CH") + parties
        yield (segment("ST", "837", st02, guide) + head).encode("ascii")
        count = head.count(END)
        level = 1
        for claim in islice(chain(() if first is None else (first,), waiting), MAX_SET_CLAIMS):
            level += 1
            piece = claim.subscriber_loop(level)
            if claim.dependent:
                piece += claim.dependent_loop(level + 1, level)
                level += 1
            count += piece.count(END)
            yield piece.encode("ascii")
        yield segment("SE", str(count + 2), st02).encode("ascii")
        sets += 1
    yield close_interchange(sets, numbers).encode("ascii")


def open_interchange(
    function: str,
    guide: str,
    *,
    submitter: Submitter,
    payer: Payer,
    usage: str,
    numbers: ControlNumbers,
    at: datetime,
) -> str:
    """Write ISA and GS; `function` is GS01.

    Raises: WireRefused for master data that cannot be written.
    """
    sender, receiver = _sender(submitter), _receiver(payer)
    isa = ELEMENT.join(
        (
            "ISA",
            "00",
            " " * 10,
            "00",
            " " * 10,
            identifier(submitter.qualifier, "ISA05", 2).rjust(2),
            sender.ljust(15),
            identifier(payer.receiver_qualifier, "ISA07", 2).rjust(2),
            receiver.ljust(15),
            day(at)[2:],
            minute(at),
            REPETITION,
            "00501",
            numbers.isa13,
            "1",  # a TA1 is asked for
            identifier(usage, "ISA15", 1),
            COMPONENT,
        )
    )
    group = segment("GS", function, sender, receiver, day(at), minute(at), numbers.gs06, "X", guide)
    return isa + END + group


def close_interchange(sets: int, numbers: ControlNumbers) -> str:
    """Write GE and IEA."""
    return segment("GE", str(sets), numbers.gs06) + segment("IEA", "1", numbers.isa13)


def _sender(submitter: Submitter) -> str:
    return identifier(submitter.etin, "ISA06", 15)


def _receiver(payer: Payer) -> str:
    return identifier(payer.receiver_id, "ISA08", 15)


def billing_loop(billing: BillingProvider) -> str:
    """Write loops 2000A, 2010AA and, when payments go elsewhere, 2010AB."""
    parts = [segment("HL", "1", "", "20", "1")]
    if billing.taxonomy:
        parts.append(segment("PRV", "BI", "PXC", identifier(billing.taxonomy, "PRV03", 10)))
    parts += [
        segment(
            "NM1",
            "85",
            "2",
            name(billing.name, "NM103"),
            "",
            "",
            "",
            "",
            "XX",
            identifier(billing.npi, "NM109", 10),
        ),
        address(billing.address),
        segment("REF", "EI", identifier(billing.tax_id.replace("-", ""), "REF02-EI", 9)),
    ]
    if billing.pay_to is not None and billing.pay_to != billing.address:
        parts += [segment("NM1", "87", "2"), address(billing.pay_to)]
    return "".join(parts)
