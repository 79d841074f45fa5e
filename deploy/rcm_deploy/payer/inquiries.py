"""Claim status: reads the 276 (005010X212) and writes the 277 that tells where each claim stands."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rcm_shared.money import decimal_from_cents

from rcm_deploy.payer.adjudicate import DENIED
from rcm_deploy.payer.ledger import Ledger, Standing
from rcm_deploy.payer.parser import Group, Segment, element
from rcm_deploy.payer.requests import REASON_CODES
from rcm_deploy.payer.segments import Address, clean

GUIDE = "005010X212"

PENDING, NOT_FOUND, FINAL, DENIAL, REVISED = "P1:20", "A4:35", "F0:65", "F2", "F3:101"

#: Claim status codes of the CARCs we deny with.
STATUS_OF_CARC = {
    "16": "21",
    "18": "54",
    "22": "171",
    "27": "90",
    "29": "718",
    "31": "33",
    "50": "104",
    "97": "107",
    "109": "116",
    "197": "48",
    "226": "297",
}
OTHER_DENIAL = "104"


@dataclass(slots=True)
class Asked:
    """One claim asked about, by the payer's number, by CLM01, or by both."""

    trace: str
    control: str = ""
    payer_control: str = ""


@dataclass(slots=True)
class Level:
    """One HL with its NM1 and the claims asked about under it."""

    number: str
    parent: str
    code: str
    name: Segment = field(default_factory=list)
    claims: list[Asked] = field(default_factory=list)

    @property
    def identifier(self) -> str:
        """NM109: the payer, receiver, provider or member by its number."""
        return element(self.name, 9)


@dataclass(slots=True)
class Inquiry:
    """One 276 transaction set."""

    levels: list[Level] = field(default_factory=list)

    def above(self, level: Level, code: str) -> Level | None:
        """Return the nearest level of a kind at or above a level."""
        by_number = {one.number: one for one in self.levels}
        found: Level | None = level
        for _ in self.levels:
            if found is None or found.code == code:
                return found
            found = by_number.get(found.parent)
        return None


def is_inquiry(group: Group) -> bool:
    """Tell whether a functional group carries status inquiries."""
    return element(group.header, 1) == "HR"


def read_inquiry(segments: list[Segment]) -> Inquiry:
    """Read a 276 that passed the 999 checks."""
    inquiry = Inquiry()
    for segment in segments:
        tag, level = segment[0], inquiry.levels[-1] if inquiry.levels else None
        if tag == "HL":
            inquiry.levels.append(Level(element(segment, 1), element(segment, 2), element(segment, 3)))
        elif level is None:
            continue
        elif tag == "NM1":
            level.name = segment
        elif tag == "TRN":
            level.claims.append(Asked(element(segment, 2)))
        elif tag == "REF" and level.claims:
            if element(segment, 1) == "1K":
                level.claims[-1].payer_control = element(segment, 2)
            elif element(segment, 1) == "EJ":
                level.claims[-1].control = element(segment, 2)
    return inquiry


def write_277(inquiry: Inquiry, ledger: Ledger, *, reference: str, address: Address) -> list[Segment]:
    """Return the body of the 277: the hierarchy of the 276 with a status for each claim asked about."""
    body = [["BHT", "0010", "08", clean(reference), address.date, address.time, "DG"]]
    parents = {level.parent for level in inquiry.levels}
    for level in inquiry.levels:
        leaf = "" if level.code == "23" else "1" if level.number in parents else "0"
        body.append(["HL", clean(level.number), clean(level.parent), clean(level.code), leaf])
        body.append(_named(level))
        payer, subscriber = inquiry.above(level, "20"), inquiry.above(level, "22")
        for asked in level.claims:
            standing = None
            if payer is not None and subscriber is not None:
                standing = _find(asked, payer.identifier, subscriber.identifier, ledger)
            body.extend(_claim(asked, standing, address))
    return body


def _named(level: Level) -> Segment:
    return [clean(text) for text in level.name] or ["NM1"]


def _find(asked: Asked, payer_id: str, member: str, ledger: Ledger) -> Standing | None:
    """Find a claim by the payer's number, else by CLM01; no word about another member's claim."""
    found = ledger.find_status(payer_id, claim_control=asked.control, payer_control=asked.payer_control)
    if found is None and asked.payer_control and asked.control:
        found = ledger.find_status(payer_id, claim_control=asked.control)
    return found if found is not None and found.claim.subscriber.identifier == member else None


def _claim(asked: Asked, standing: Standing | None, address: Address) -> Iterator[Segment]:
    yield ["TRN", "2", clean(asked.trace)]
    if standing is None:
        yield ["STC", NOT_FOUND, address.date, "", "0", "0"]
        if asked.control:
            yield ["REF", "EJ", clean(asked.control)]
        return
    claim, remit = standing.claim, standing.remit
    charge = decimal_from_cents(claim.charge_cents)
    if remit is None or not standing.trace:
        status = f"R4:{REASON_CODES[standing.asked_for]}" if standing.asked_for else PENDING
        yield ["STC", status, address.date, "", charge, "0"]
    else:
        paid = decimal_from_cents(0 if standing.reversed else remit.paid_cents)
        payment = [standing.issued_on, "", standing.issued_on, clean(standing.trace)]
        yield ["STC", _final(standing), address.date, "", charge, paid, *payment]
    yield ["REF", "1K", standing.payer_control]
    if claim.form == "837I":
        yield ["REF", "BLT", f"{clean(claim.facility_type)}{claim.frequency}"]
    yield ["REF", "EJ", clean(claim.control)]
    first, last = claim.service_dates()
    if first:
        yield ["DTP", "472", *(("D8", first) if first == last else ("RD8", f"{first}-{last}"))]


def _final(standing: Standing) -> str:
    remit = standing.remit
    if remit is None or standing.reversed:
        return REVISED
    if remit.status != DENIED:
        return FINAL
    adjustments = [*remit.adjustments, *(one for line in remit.lines for one in line.adjustments)]
    carc = next((one.carc for one in adjustments), "")
    return f"{DENIAL}:{STATUS_OF_CARC.get(carc, OTHER_DENIAL)}"
