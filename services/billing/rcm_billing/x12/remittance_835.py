"""Read 835 (005010X221A1): every payment with its claims, lines, adjustments, remarks and provider
adjustments.
"""

import hashlib
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from datetime import date

from rcm_shared.money import Cents, cents_from_decimal

from rcm_billing.domain.document import Adjustment
from rcm_billing.domain.errors import Unreadable
from rcm_billing.domain.remittance import (
    TRANSACTION_RULE,
    Fault,
    PaidClaim,
    PaidLine,
    Payment,
    ProviderAdjustment,
    Remittance,
    claim_fault,
    payment_balances,
)
from rcm_billing.x12.reader import Segment, TransactionSet, read_segments

_LINE_CONTROL = "6R"
#: Segments that say something to us; the others of an 835 inform people.
_TELLING = frozenset("BPR TRN LX CLP CAS NM1 MIA MOA REF DTM SVC LQ PLB".split())
_WHOLE_DIGITS = 13  # of a whole amount that is surely in range


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
    member_id: str = ""
    service_date: date | None = None


def read_835(transaction: TransactionSet) -> Remittance:
    """Read one transaction set as a whole.

    Raises: Unreadable with the segment's position when an amount or date is none, or BPR or TRN is missing.
    """
    reading = _Reading()
    claims: list[PaidClaim] = []
    position = 0
    try:
        for position, segment in enumerate(transaction.segments, 1):  # noqa: B007 — the position is for the error
            claim = reading.take(segment)
            if claim is not None:
                claims.append(claim)
        last = reading.end_claim()
        if last is not None:
            claims.append(last)
        payment = reading.payment()
    except ValueError:
        raise Unreadable(f"835-segment-{position}") from None
    return Remittance(
        payment.key,
        payment.payment_cents,
        payment.method,
        payment.trace,
        payment.payer_trace_id,
        payment.paid_on,
        payment.provider_adjustments,
        len(claims),
        claims=tuple(claims),
    )


class FirstPass:
    """Reads one 835 without keeping it: its payment, and the first thing that keeps it from being posted."""

    def __init__(self) -> None:
        self._reading = _Reading()
        self._digest = hashlib.sha256()
        self._position = 0
        self._claim_at = 0
        self._paid = 0
        self._claims = 0
        self.fault: Fault | None = None

    def take(self, segment: Segment) -> None:
        """Take the next segment."""
        self._position += 1
        tag = segment.elements[0]
        if tag not in ("ST", "SE"):
            self._digest.update("\x1f".join(segment.elements).encode() + b"\x1e")
        if self.fault is not None:
            return
        try:
            claim = self._reading.take(segment)
        except ValueError:
            self.fault = Fault(
                f"835-segment-{self._position}",
                f"{segment.tag} at {self._position}",
                "amounts and dates are in the form of their data element",
            )
            return
        if claim is not None:
            self._check(claim)
        if tag == "CLP":
            self._claim_at = self._position

    def _check(self, claim: PaidClaim | None) -> None:
        if claim is None:
            return
        self._claims += 1
        self._paid += claim.paid_cents
        broken = claim_fault(claim)
        if broken is not None:
            code, rule = broken
            self.fault = Fault(f"out-of-balance:{code}", f"CLP at {self._claim_at}", rule)

    def finish(self) -> Payment | None:
        """Return the payment, None when `fault` says why it may not be posted.

        A payment that only fails to add up is returned with its fault, so that a worklist can name it.
        """
        if self.fault is None:
            try:
                self._check(self._reading.end_claim())
            except ValueError:
                self.fault = Fault(
                    f"835-segment-{self._claim_at}",
                    f"CLP at {self._claim_at}",
                    "amounts and dates are in the form of their data element",
                )
        try:
            payment = self._reading.payment(self._claims, self._digest.hexdigest())
        except (Unreadable, ValueError):
            self.fault = self.fault or Fault(
                "835-no-payment", "BPR, TRN", "an 835 has BPR with an amount, and TRN"
            )
            return None
        if self.fault is None and not payment_balances(payment, self._paid):
            self.fault = Fault("out-of-balance:transaction", "BPR", TRANSACTION_RULE)
        return payment


def stream_claims(data: bytes, wanted: Container[int]) -> Iterator[tuple[int, PaidClaim]]:
    """Yield (number of the 835 in the file, claim payment) of the wanted sets, one claim at a time.

    The sets were read before (FirstPass), so nothing here can be unreadable.
    """
    number = -1
    reading: _Reading | None = None
    for segment in read_segments(data):
        tag = segment.elements[0]
        if tag == "ST":
            reading = None
            if segment.get(1) == "835":
                number += 1
                reading = _Reading() if number in wanted else None
        elif reading is not None:
            claim = reading.end_claim() if tag == "SE" else reading.take(segment)
            if claim is not None:
                yield number, claim
            if tag == "SE":
                reading = None


class _Reading:
    """Builds claim payments from segments; one is finished when the next begins."""

    def __init__(self) -> None:
        self.bpr: Segment | None = None
        self.trn: Segment | None = None
        self.claim: _Claim | None = None
        self.ordinal = 0
        self.line: _Line | None = None
        self.provider: list[ProviderAdjustment] = []

    def end_claim(self) -> PaidClaim | None:
        """Return the claim payment that was being read, if there is one."""
        claim, self.claim, self.line = self.claim, None, None
        if claim is None:
            return None
        self.ordinal += 1
        return _claim(self.ordinal, claim)

    def take(self, segment: Segment) -> PaidClaim | None:
        """Take the next segment; return the claim payment that it ends."""
        tag = segment.elements[0]
        if tag not in _TELLING:
            return None
        match tag:
            case "BPR":
                self.bpr = segment
            case "TRN":
                self.trn = segment
            case "CLP":
                ended = self.end_claim()
                self.claim = _Claim(segment)
                return ended
            case "PLB":
                ended = self.end_claim()
                self.provider += _provider_adjustments(segment)
                return ended
            case _ if self.claim is not None:
                self._within(self.claim, segment)
            case _:
                pass
        return None

    def _within(self, claim: _Claim, segment: Segment) -> None:
        line = self.line
        match segment.elements[0]:
            case "SVC":
                self.line = _Line(segment)
                claim.lines.append(self.line)
            case "CAS":
                target = line.adjustments if line is not None else claim.adjustments
                target.extend(_adjustments(segment))
            case "DTM" if line is not None and segment.get(1) in ("472", "150"):
                line.service_date = _date(segment.get(2))
            case "DTM" if line is None and segment.get(1) == "232":
                claim.service_date = _date(segment.get(2))
            case "REF" if line is not None and segment.get(1) == _LINE_CONTROL:
                line.control = segment.get(2)
            case "LQ" if line is not None and segment.get(1) == "HE":
                line.remarks.append(segment.get(2))
            case "MOA":
                claim.remarks += [code for code in (segment.get(n) for n in range(3, 8)) if code]
            case "MIA":
                claim.remarks += [code for code in (segment.get(n) for n in (5, 20, 21, 22, 23)) if code]
            case "NM1" if segment.get(1) == "TT":
                claim.crossover_payer = segment.get(9)
            case "NM1" if segment.get(1) in ("QC", "IL", "74") and segment.get(9):
                claim.member_id = claim.member_id or segment.get(9)
            case "LX":
                self.line = None
            case _:
                pass

    def payment(self, claims: int = 0, content: str = "") -> Payment:
        """Return the payment itself.

        Raises: Unreadable without BPR or TRN; ValueError when BPR02 is no amount.
        """
        if self.bpr is None or self.trn is None:
            raise Unreadable("835-no-payment")
        bpr, trn = self.bpr, self.trn
        cents = _cents(bpr.get(2))
        if bpr.get(3) == "D":
            cents = Cents(-cents)
        return Payment(
            key="|".join((trn.get(3), trn.get(2), bpr.get(16), str(cents))),
            payment_cents=cents,
            method=bpr.get(4),
            trace=trn.get(2),
            payer_trace_id=trn.get(3),
            paid_on=_payment_date(bpr.get(16)),
            provider_adjustments=tuple(self.provider),
            claim_count=claims,
            content=content,
        )


def _cents(value: str) -> Cents:
    if not value:
        return Cents(0)
    if len(value) <= _WHOLE_DIGITS and value.isascii() and value.isdigit():
        return Cents(int(value) * 100)
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
        member_id=claim.member_id,
        service_date=claim.service_date,
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
