"""The interchange around a batch of claims: ISA, GS, ST, BHT and their trailers. Control numbers come in
as arguments.
"""

from dataclasses import dataclass
from datetime import datetime

from rcm_shared.contracts.intake import ClaimForm

from rcm_billing.domain.master import BillingProvider, Payer, Submitter
from rcm_billing.x12.claim_loops import ClaimWire
from rcm_billing.x12.segment import (
    COMPONENT,
    ELEMENT,
    END,
    REPETITION,
    day,
    identifier,
    minute,
    segment,
    text,
)

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


def write_interchange(
    claims: tuple[ClaimWire, ...],
    *,
    form: ClaimForm,
    billing: BillingProvider,
    submitter: Submitter,
    payer: Payer,
    usage: str,
    numbers: ControlNumbers,
    at: datetime,
) -> bytes:
    """Write one interchange with one transaction set of claims of one billing provider to one payer.

    The same arguments give the same bytes. Raises: WireRefused for master data that cannot be written.
    Wire: ISA*00*..., GS*HC*..., ST*837*0001*005010X222A1~
    """
    guide = GUIDES[form]
    sender = identifier(submitter.etin, "ISA06", 15)
    receiver = identifier(payer.receiver_id, "ISA08", 15)
    isa = ELEMENT.join(
        (
            "ISA",
            "00",
            " " * 10,
            "00",
            " " * 10,
            submitter.qualifier[:2].rjust(2),
            sender.ljust(15),
            payer.receiver_qualifier[:2].rjust(2),
            receiver.ljust(15),
            day(at)[2:],
            minute(at),
            REPETITION,
            "00501",
            numbers.isa13,
            "1",  # a TA1 is asked for
            usage[:1],
            COMPONENT,
        )
    )
    body = [
        segment("BHT", "0019", "00", numbers.bht03, day(at), minute(at), "CH"),
        segment("NM1", "41", "2", text(submitter.name), "", "", "", "", "46", sender),
        segment(
            "PER", "IC", text(submitter.contact_name), "TE", identifier(submitter.contact_phone, "PER04")
        ),
        segment("NM1", "40", "2", text(payer.name), "", "", "", "", "46", receiver),
        billing_loop(billing),
    ]
    level = 1
    for claim in claims:
        level += 1
        body.append(claim.subscriber_loop(level))
        if claim.dependent:
            body.append(claim.dependent_loop(level + 1, level))
            level += 1
    content = "".join(body)
    count = content.count(END) + 2
    return "".join(
        (
            isa,
            END,
            segment("GS", "HC", sender, receiver, day(at), minute(at), numbers.gs06, "X", guide),
            segment("ST", "837", numbers.st02, guide),
            content,
            segment("SE", str(count), numbers.st02),
            segment("GE", "1", numbers.gs06),
            segment("IEA", "1", numbers.isa13),
        )
    ).encode("ascii")


def billing_loop(billing: BillingProvider) -> str:
    """Write loops 2000A and 2010AA."""
    address = billing.address
    parts = [segment("HL", "1", "", "20", "1")]
    if billing.taxonomy:
        parts.append(segment("PRV", "BI", "PXC", identifier(billing.taxonomy, "PRV03", 10)))
    parts += [
        segment(
            "NM1", "85", "2", text(billing.name), "", "", "", "", "XX", identifier(billing.npi, "NM109", 10)
        ),
        segment("N3", text(address.line, 55)),
        segment(
            "N4",
            text(address.city, 30),
            identifier(address.state, "N402", 2),
            identifier(address.postal_code.replace("-", ""), "N403", 15),
        ),
        segment("REF", "EI", identifier(billing.tax_id.replace("-", ""), "REF02", 9)),
    ]
    return "".join(parts)
