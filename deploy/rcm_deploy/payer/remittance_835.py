"""Writes the 835 remittance (005010X221A1): one check for one payee, balanced at all three levels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rcm_shared.money import decimal_from_cents

from rcm_deploy.payer.adjudicate import REVERSAL, RemitClaim, RemitLine
from rcm_deploy.payer.claims import Adjustment, Provider
from rcm_deploy.payer.parser import Segment
from rcm_deploy.payer.rules import Payer
from rcm_deploy.payer.segments import clean
from rcm_deploy.payer.settlement import ProviderAdjustment

GUIDE = "005010X221A1"

#: Made-up bank details; only their form matters.
PAYER_ROUTING, PAYER_ACCOUNT = "021000021", "1000001"
PAYEE_ROUTING, PAYEE_ACCOUNT = "011000015", "2000002"

MAX_REASONS_PER_CAS = 6

#: CLP06 knows fewer filing indicators than SBR09: commercial and Blue plans are reported as a PPO.
FILING_INDICATORS = frozenset(
    {
        "12",
        "13",
        "14",
        "15",
        "16",
        "17",
        "AM",
        "CH",
        "DS",
        "HM",
        "LM",
        "MA",
        "MB",
        "MC",
        "OF",
        "TV",
        "VA",
        "WC",
    }
)
PREFERRED_PROVIDER, MUTUALLY_DEFINED = "12", "ZZ"


@dataclass(frozen=True, slots=True)
class Check:
    """One payment: payer, payee, TRN02, day (CCYYMMDD), its claims and provider-level adjustments."""

    payer: Payer
    payee: Provider
    trace: str
    date: str
    claims: tuple[RemitClaim, ...]
    provider_adjustments: tuple[ProviderAdjustment, ...] = ()
    next_payer: Payer | None = None  # where claims cross over to

    @property
    def paid_cents(self) -> int:
        """Return BPR02: the claims' payments minus the provider-level adjustments."""
        claims = sum(claim.paid_cents for claim in self.claims)
        return claims - sum(adjustment.cents for adjustment in self.provider_adjustments)


def write_835(check: Check) -> list[Segment]:
    """Return the body of one transaction set.

    Rule: 835 TR3 005010X221A1, Balancing; the numbers come balanced from adjudication and settle().
    """
    payer, payee = check.payer, check.payee
    body = [
        _payment(check),
        ["TRN", "1", check.trace, f"1{payer.tax_id}"],
        ["DTM", "405", check.date],
        ["N1", "PR", payer.name],
        ["N3", payer.street],
        ["N4", payer.city, payer.state, payer.postal_code],
        ["REF", "2U", payer.payer_id],
        ["PER", "BL", payer.name, "TE", payer.phone],
        ["N1", "PE", clean(payee.name), "XX", clean(payee.npi)],
    ]
    if payee.tax_id:
        body.append(["REF", "TJ", clean(payee.tax_id)])
    if check.claims:
        body.append(["LX", "1"])
    for claim in check.claims:
        body.extend(_claim(claim, check))
    if check.provider_adjustments:
        entries = [
            text
            for one in check.provider_adjustments
            for text in (f"{one.reason}:{one.reference}", decimal_from_cents(one.cents))
        ]
        body.append(["PLB", clean(payee.npi), f"{check.date[:4]}1231", *entries])
    return body


def _payment(check: Check) -> Segment:
    if check.paid_cents == 0:
        return ["BPR", "H", "0", "C", "NON", *[""] * 11, check.date]
    originator = f"1{check.payer.tax_id}"
    ours = ["01", PAYER_ROUTING, "DA", PAYER_ACCOUNT, originator, ""]
    theirs = ["01", PAYEE_ROUTING, "DA", PAYEE_ACCOUNT]
    return ["BPR", "I", decimal_from_cents(check.paid_cents), "C", "ACH", "CCP", *ours, *theirs, check.date]


def _claim(claim: RemitClaim, check: Check) -> Iterator[Segment]:
    reversal = claim.status == REVERSAL
    yield [
        "CLP",
        clean(claim.control),
        claim.status,
        decimal_from_cents(claim.charge_cents),
        decimal_from_cents(claim.paid_cents),
        "" if reversal or not claim.patient_cents else decimal_from_cents(claim.patient_cents),
        _filing_indicator(claim.filing_indicator),
        claim.payer_control,
        clean(claim.facility_type),
        claim.frequency,
        "",
        clean(claim.drg),
    ]
    yield from _adjustments(claim.adjustments)
    member = ["MI", clean(claim.member_id)]
    yield ["NM1", "QC", "1", clean(claim.patient_last), clean(claim.patient_first), "", "", "", *member]
    if (claim.subscriber_last, claim.subscriber_first) != (claim.patient_last, claim.patient_first):
        subscriber = [clean(claim.subscriber_last), clean(claim.subscriber_first)]
        yield ["NM1", "IL", "1", *subscriber, "", "", "", *member]
    if claim.crosses_to and check.next_payer is not None:
        yield ["NM1", "TT", "2", check.next_payer.name, "", "", "", "", "PI", check.next_payer.payer_id]
    yield from _stay_or_outpatient(claim)
    if claim.replaces:
        yield ["REF", "F8", clean(claim.replaces)]
    if claim.date_from:
        yield ["DTM", "232", claim.date_from]
        yield ["DTM", "233", claim.date_to]
    yield ["DTM", "050", check.date]
    if claim.interest_cents:
        yield ["AMT", "I", decimal_from_cents(claim.interest_cents)]
    for line in claim.lines:
        yield from _line(line)


def _stay_or_outpatient(claim: RemitClaim) -> Iterator[Segment]:
    if claim.covered_days:
        of_drg = decimal_from_cents(claim.allowed_cents) if claim.drg and claim.allowed_cents else ""
        first, *more = claim.remarks or ("",)
        yield ["MIA", str(claim.covered_days), "", "", of_drg, first, *[""] * 14, *more[:4]]
    elif claim.remarks:
        yield ["MOA", "", "", *claim.remarks[:5]]


def _filing_indicator(submitted: str) -> str:
    if submitted in FILING_INDICATORS:
        return submitted
    return PREFERRED_PROVIDER if submitted in ("CI", "BL") else MUTUALLY_DEFINED


def _line(line: RemitLine) -> Iterator[Segment]:
    procedure = (line.qualifier, line.code, *line.modifiers) if line.code else ("NU", line.revenue)
    revenue = clean(line.revenue) if line.code else ""
    units = clean(line.units) if line.paid_cents or line.allowed_cents else ""
    yield [
        "SVC",
        ":".join(map(clean, procedure)),
        decimal_from_cents(line.charge_cents),
        decimal_from_cents(line.paid_cents),
        revenue,
        units,
        ":".join((line.qualifier, clean(line.submitted))) if line.submitted else "",
        clean(line.submitted_units) if line.submitted_units != units else "",
    ]
    if line.date_from and line.date_from == line.date_to:
        yield ["DTM", "472", line.date_from]
    elif line.date_from:
        yield ["DTM", "150", line.date_from]
        yield ["DTM", "151", line.date_to]
    yield from _adjustments(line.adjustments)
    if line.control:
        yield ["REF", "6R", clean(line.control)]
    if line.allowed_cents:
        yield ["AMT", "B6", decimal_from_cents(line.allowed_cents)]
    if line.remark:
        yield ["LQ", "HE", line.remark]


def _adjustments(adjustments: Sequence[Adjustment]) -> Iterator[Segment]:
    groups: dict[str, list[Adjustment]] = {}
    for adjustment in adjustments:
        groups.setdefault(adjustment.group, []).append(adjustment)
    for group, members in groups.items():
        for start in range(0, len(members), MAX_REASONS_PER_CAS):
            segment = ["CAS", group]
            for one in members[start : start + MAX_REASONS_PER_CAS]:
                segment += [one.carc, decimal_from_cents(one.cents), ""]
            yield segment
