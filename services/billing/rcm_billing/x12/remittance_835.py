"""Read 835 (005010X221A1): every payment with its claims, lines, adjustments, remarks and provider
adjustments.
"""

from dataclasses import dataclass, field
from datetime import date

from rcm_shared.money import Cents, cents_from_decimal

from rcm_billing.domain.document import Adjustment
from rcm_billing.domain.errors import Unreadable
from rcm_billing.domain.remittance import PaidClaim, PaidLine, ProviderAdjustment, Remittance
from rcm_billing.x12.reader import Segment, TransactionSet

_LINE_CONTROL = "6R"


@dataclass(slots=True)
class _Line:
    segment: Segment
    service_date: date | None = None
    control: str = ""
    adjustments: list[Adjustment] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Claim:
    segment: Segment
    adjustments: list[Adjustment] = field(default_factory=list)
    lines: list[_Line] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    crossover_payer: str = ""


def read_835(transaction: TransactionSet) -> Remittance:
    """Read one transaction set.

    Raises: Unreadable with the segment's position when an amount or date is none, or BPR or TRN is missing.
    """
    position = 0
    try:
        state = _Reading()
        for position, segment in enumerate(transaction.segments, 1):  # noqa: B007 — the position is for the error
            state.take(segment)
        return state.finish()
    except ValueError:
        raise Unreadable(f"835-segment-{position}") from None


class _Reading:
    def __init__(self) -> None:
        self.bpr: Segment | None = None
        self.trn: Segment | None = None
        self.claims: list[_Claim] = []
        self.line: _Line | None = None
        self.provider: list[ProviderAdjustment] = []

    def take(self, segment: Segment) -> None:
        claim = self.claims[-1] if self.claims else None
        match segment.tag:
            case "BPR":
                self.bpr = segment
            case "TRN":
                self.trn = segment
            case "CLP":
                self.claims.append(_Claim(segment))
                self.line = None
            case "SVC" if claim is not None:
                self.line = _Line(segment)
                claim.lines.append(self.line)
            case "CAS" if claim is not None:
                target = self.line.adjustments if self.line is not None else claim.adjustments
                target.extend(_adjustments(segment))
            case "DTM" if self.line is not None and segment.get(1) in ("472", "150"):
                self.line.service_date = _date(segment.get(2))
            case "REF" if self.line is not None and segment.get(1) == _LINE_CONTROL:
                self.line.control = segment.get(2)
            case "LQ" if self.line is not None and segment.get(1) == "HE":
                self.line.remarks.append(segment.get(2))
            case "MOA" if claim is not None:
                claim.remarks += [code for code in (segment.get(n) for n in range(3, 8)) if code]
            case "MIA" if claim is not None:
                claim.remarks += [code for code in (segment.get(n) for n in (5, 20, 21, 22, 23)) if code]
            case "NM1" if claim is not None and segment.get(1) == "TT":
                claim.crossover_payer = segment.get(9)
            case "LX":
                self.line = None
            case "PLB":
                self.line = None
                self.provider += _provider_adjustments(segment)
            case _:
                pass

    def finish(self) -> Remittance:
        if self.bpr is None or self.trn is None:
            raise Unreadable("835-no-payment")
        bpr, trn = self.bpr, self.trn
        cents = _cents(bpr.get(2))
        if bpr.get(3) == "D":
            cents = Cents(-cents)
        return Remittance(
            key="|".join((trn.get(3), trn.get(2), bpr.get(16), str(cents))),
            payment_cents=cents,
            method=bpr.get(4),
            trace=trn.get(2),
            payer_trace_id=trn.get(3),
            paid_on=_payment_date(bpr.get(16)),
            claims=tuple(_claim(ordinal, claim) for ordinal, claim in enumerate(self.claims, 1)),
            provider_adjustments=tuple(self.provider),
        )


def _cents(value: str) -> Cents:
    if not value:
        return Cents(0)
    return cents_from_decimal(f"0{value}" if value.startswith(".") else value.replace("-.", "-0."))


def _date(value: str) -> date:
    if len(value) < 8 or not value[:8].isdigit():
        raise ValueError("not a date")
    return date(int(value[:4]), int(value[4:6]), int(value[6:8]))


def _payment_date(value: str) -> date | None:
    """BPR16 only informs; a payer that puts something else there is still read."""
    try:
        return _date(value)
    except ValueError:
        return None


def _adjustments(segment: Segment) -> list[Adjustment]:
    """CAS carries up to six triples of reason, amount, quantity."""
    found = []
    for start in range(2, 20, 3):
        code, cents = segment.get(start), segment.get(start + 1)
        if code:
            found.append(Adjustment(group=segment.get(1), code=code, cents=_cents(cents)))
    return found


def _provider_adjustments(segment: Segment) -> list[ProviderAdjustment]:
    found = []
    for start in range(3, 15, 2):
        if segment.get(start):
            parts = [*segment.parts(start), ""]
            found.append(ProviderAdjustment(parts[0], parts[1], _cents(segment.get(start + 1))))
    return found


def _claim(ordinal: int, claim: _Claim) -> PaidClaim:
    clp = claim.segment
    return PaidClaim(
        ordinal=ordinal,
        claim_control=clp.get(1),
        status=clp.get(2),
        charge_cents=_cents(clp.get(3)),
        paid_cents=_cents(clp.get(4)),
        patient_cents=_cents(clp.get(5)),
        filing_indicator=clp.get(6),
        payer_control=clp.get(7),
        adjustments=tuple(claim.adjustments),
        lines=tuple(_line(line) for line in claim.lines),
        remarks=tuple(claim.remarks),
        crossover_payer=claim.crossover_payer,
    )


def _line(line: _Line) -> PaidLine:
    svc = line.segment
    qualifier, code, *modifiers = [*svc.parts(1), ""]
    original = [*svc.parts(6), "", ""]
    units = svc.get(5)
    revenue = svc.get(4)
    if qualifier == "NU":  # the line was billed by revenue code alone
        revenue, code = code, ""
    return PaidLine(
        code=code,
        charge_cents=_cents(svc.get(2)),
        paid_cents=_cents(svc.get(3)),
        modifiers=tuple(modifier for modifier in modifiers[:4] if modifier),
        revenue_code=revenue,
        units=int(units.split(".")[0]) if units else None,
        original_code=original[1] if original[0] not in ("", "NU") else "",
        service_date=line.service_date,
        control=line.control,
        adjustments=tuple(line.adjustments),
        remarks=tuple(line.remarks),
    )
