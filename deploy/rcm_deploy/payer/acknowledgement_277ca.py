"""Writes the 277CA claim acknowledgement (005010X214) for one accepted 837 transaction set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rcm_shared.money import decimal_from_cents

from rcm_deploy.payer.claims import Batch, Claim, Party
from rcm_deploy.payer.parser import Segment
from rcm_deploy.payer.rules import Rules
from rcm_deploy.payer.screening import ClaimStatus
from rcm_deploy.payer.segments import Address, clean

GUIDE = "005010X214"


@dataclass(frozen=True, slots=True)
class Screened:
    """One claim with its status and, when accepted, the payer's control number."""

    claim: Claim
    status: ClaimStatus
    payer_control: str = ""


def write_277ca(
    batch: Batch, screened: Sequence[Screened], *, reference: str, address: Address, rules: Rules
) -> list[Segment]:
    """Return the body: source, receiver with totals to reconcile, provider, then one HL*PT per claim."""
    date = address.date
    body = [
        ["BHT", "0085", "08", reference, date, address.time, "TH"],
        ["HL", "1", "", "20", "1"],
        _source(batch.receiver, address, rules),
        ["TRN", "1", reference],
        ["DTP", "050", "D8", date],
        ["DTP", "009", "D8", date],
        ["HL", "2", "1", "21", "1"],
        [
            "NM1",
            "41",
            "2",
            clean(batch.submitter.last),
            "",
            "",
            "",
            "",
            "46",
            clean(batch.submitter.identifier),
        ],
        ["TRN", "2", clean(batch.reference)],
        ["STC", "A1:19:PR", date, "WQ", decimal_from_cents(_total(screened))],
        *_totals(screened, "90", "AA"),
    ]
    number = 2
    for claims in _by_provider(screened):
        number += 1
        parent = number
        provider = claims[0].claim.provider
        body.append(["HL", str(parent), "2", "19", "1"])
        body.append(["NM1", "85", "2", clean(provider.name), "", "", "", "", "XX", clean(provider.npi)])
        body.append(["TRN", "1", "0"])
        body.append(["STC", "A1:19:PR", "", "WQ", decimal_from_cents(_total(claims))])
        body.extend(_totals(claims, "QA", "QC"))
        for one in claims:
            number += 1
            body.extend(_claim(one, number, parent, date))
    return body


def _source(receiver: Party, address: Address, rules: Rules) -> Segment:
    payer = rules.payers.get(receiver.identifier)
    if payer is not None:
        return ["NM1", "PR", "2", payer.name, "", "", "", "", "PI", payer.payer_id]
    name = clean(receiver.last) or "CLEARINGHOUSE"
    return ["NM1", "AY", "2", name, "", "", "", "", "46", clean(receiver.identifier) or address.our_id]


def _by_provider(screened: Sequence[Screened]) -> Iterator[list[Screened]]:
    providers: dict[int, list[Screened]] = {}
    for one in screened:
        providers.setdefault(one.claim.provider.hierarchy, []).append(one)
    yield from providers.values()


def _total(screened: Sequence[Screened]) -> int:
    return sum(one.claim.charge_cents for one in screened)


def _totals(
    screened: Sequence[Screened], accepted_quantity: str, rejected_quantity: str
) -> Iterator[Segment]:
    accepted = [one for one in screened if one.status.accepted]
    rejected = [one for one in screened if not one.status.accepted]
    if accepted:
        yield ["QTY", accepted_quantity, str(len(accepted))]
    if rejected:
        yield ["QTY", rejected_quantity, str(len(rejected))]
    if accepted:
        yield ["AMT", "YU", decimal_from_cents(_total(accepted))]
    if rejected:
        yield ["AMT", "YY", decimal_from_cents(_total(rejected))]


def _claim(one: Screened, number: int, parent: int, date: str) -> Iterator[Segment]:
    claim, status = one.claim, one.status
    name = ["QC", "1", clean(claim.patient.last), clean(claim.patient.first)]
    yield ["HL", str(number), str(parent), "PT"]
    yield ["NM1", *name, "", "", "", "MI", clean(claim.subscriber.identifier)]
    yield ["TRN", "2", clean(claim.control)]
    composite = ":".join((status.category, status.code, status.entity)).rstrip(":")
    yield ["STC", composite, date, "WQ" if status.accepted else "U", decimal_from_cents(claim.charge_cents)]
    if one.payer_control:
        yield ["REF", "1K", one.payer_control]
    if claim.trace:
        yield ["REF", "D9", clean(claim.trace)]
    if claim.form == "837I":
        yield ["REF", "BLT", f"{clean(claim.facility_type)}{claim.frequency}"]
    first, last = claim.service_dates()
    if first:
        yield ["DTP", "472", *(("D8", first) if first == last else ("RD8", f"{first}-{last}"))]
