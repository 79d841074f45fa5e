"""Reads the claims out of a checked 837P (005010X222A1) or 837I (005010X223A2) transaction set."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rcm_shared.money import cents_from_decimal

from rcm_deploy.payer.parser import Delimiters, Segment, element

#: First two digits of the types of bill paid per stay: hospital, swing bed, skilled nursing inpatient.
INPATIENT_FACILITY_TYPES = frozenset({"11", "18", "21"})


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One CAS triple: group CO, PR, OA or PI, reason code, cents with the sign of the wire."""

    group: str
    carc: str
    cents: int


@dataclass(slots=True)
class Party:
    """A name as NM1 gives it."""

    entity: str = ""
    last: str = ""
    first: str = ""
    qualifier: str = ""
    identifier: str = ""


@dataclass(slots=True)
class PriorPayment:
    """What another payer did before: cents paid and its adjustments."""

    paid_cents: int = 0
    adjustments: list[Adjustment] = field(default_factory=list)

    def patient_cents(self) -> int:
        """Sum what the other payer left to the patient (group PR)."""
        return sum(adjustment.cents for adjustment in self.adjustments if adjustment.group == "PR")


@dataclass(slots=True)
class ServiceLine:
    """One 2400 loop; `code` is "" when an institutional line has only a revenue code."""

    number: int
    control: str = ""
    qualifier: str = "HC"
    code: str = ""
    modifiers: tuple[str, ...] = ()
    revenue: str = ""
    charge_cents: int = 0
    units: str = ""
    date_from: str = ""
    date_to: str = ""
    prior: PriorPayment | None = None
    pointers: tuple[int, ...] = ()
    has_drug_code: bool = False


@dataclass(slots=True)
class Provider:
    """The billing provider of loop 2010AA, payee of the remittance."""

    name: str = ""
    npi: str = ""
    tax_id: str = ""
    hierarchy: int = 0


@dataclass(slots=True)
class Claim:
    """One claim as submitted. Dates are CCYYMMDD texts as on the wire."""

    control: str
    form: str
    charge_cents: int
    facility_type: str
    frequency: str
    provider: Provider
    order: str
    filing_indicator: str
    subscriber: Party
    patient: Party
    payer: Party
    payer_control: str = ""
    trace: str = ""
    authorization: str = ""
    drg: str = ""
    diagnoses: list[str] = field(default_factory=list)
    npis: list[tuple[str, str]] = field(default_factory=list)
    statement_from: str = ""
    statement_to: str = ""
    prior: PriorPayment | None = None
    lines: list[ServiceLine] = field(default_factory=list)

    @property
    def inpatient(self) -> bool:
        """Whether the claim is paid per stay, at claim level."""
        return self.form == "837I" and self.facility_type in INPATIENT_FACILITY_TYPES

    @property
    def first_code(self) -> str:
        """The procedure code of the first line that has one, "" when none has."""
        return next((line.code for line in self.lines if line.code), "")

    def diagnoses_of(self, line: ServiceLine) -> list[str]:
        """Return the diagnoses a line points to, all of the claim when it points to none."""
        found = [self.diagnoses[at - 1] for at in line.pointers if 0 < at <= len(self.diagnoses)]
        return found or self.diagnoses

    def service_dates(self) -> tuple[str, str]:
        """Return the first and last date of service, ("", "") when none is given."""
        first = [line.date_from for line in self.lines if line.date_from]
        last = [line.date_to for line in self.lines if line.date_to]
        return (
            self.statement_from or min(first, default=""),
            self.statement_to or max(last, default=""),
        )


@dataclass(slots=True)
class Batch:
    """The claims of one transaction set with the names of submitter and receiver."""

    reference: str = ""
    submitter: Party = field(default_factory=Party)
    receiver: Party = field(default_factory=Party)
    claims: list[Claim] = field(default_factory=list)


def read_adjustments(segment: Segment) -> Iterator[Adjustment]:
    """Yield the up to six reason and amount pairs of a CAS segment."""
    for at in range(2, len(segment) - 1, 3):
        if segment[at] and segment[at + 1]:
            yield Adjustment(segment[1], segment[at], cents_from_decimal(segment[at + 1]))


def read_batch(segments: list[Segment], delimiters: Delimiters) -> Batch:
    """Read every claim of a set that passed the 999 checks.

    Raises: ValueError when an amount is no decimal (the checks refuse such a set before).
    """
    reader = _Reader(delimiters, "837I" if "X223" in element(segments[0], 3) else "837P")
    for segment in segments:
        handler = _HANDLERS.get(segment[0])
        if handler is not None:
            handler(reader, segment)
    return reader.batch


class _Reader:
    def __init__(self, delimiters: Delimiters, form: str) -> None:
        self.component = delimiters.component
        self.repetition = delimiters.repetition
        self.form = form
        self.batch = Batch()
        self.provider = Provider()
        self.order = self.filing = ""
        self.subscriber = self.patient = self.payer = Party()
        self.claim: Claim | None = None
        self.line: ServiceLine | None = None
        self.in_other_payer = False
        self.hierarchies = 0

    def hl(self, segment: Segment) -> None:
        self.claim = self.line = None
        self.in_other_payer = False
        level = element(segment, 3)
        if level == "20":
            self.hierarchies += 1
            self.provider = Provider(hierarchy=self.hierarchies)
        elif level == "22":
            self.order = self.filing = ""
            self.subscriber = self.patient = self.payer = Party()

    def sbr(self, segment: Segment) -> None:
        if self.claim is None:
            self.order, self.filing = element(segment, 1), element(segment, 9)
        else:
            self.in_other_payer = True
            self.claim.prior = self.claim.prior or PriorPayment()

    def nm1(self, segment: Segment) -> None:
        party = Party(*(element(segment, at) for at in (1, 3, 4, 8, 9)))
        if self.claim is not None:
            if party.qualifier == "XX" and not self.in_other_payer:
                self.claim.npis.append((party.entity, party.identifier))
        elif party.entity == "85":
            self.provider.name = f"{party.last} {party.first}".strip()
            self.provider.npi = party.identifier
        elif party.entity == "IL":
            self.subscriber = self.patient = party
        elif party.entity == "QC":
            self.patient = party
        elif party.entity == "PR":
            self.payer = party
        elif party.entity == "41":
            self.batch.submitter = party
        elif party.entity == "40":
            self.batch.receiver = party

    def ref(self, segment: Segment) -> None:
        qualifier, value = element(segment, 1), element(segment, 2)
        if self.line is not None:
            if qualifier == "6R":
                self.line.control = value
        elif self.claim is not None:
            if self.in_other_payer:
                return
            if qualifier == "F8":
                self.claim.payer_control = value
            elif qualifier == "D9":
                self.claim.trace = value
            elif qualifier == "G1":
                self.claim.authorization = value
        elif qualifier in ("EI", "SY"):
            self.provider.tax_id = self.provider.tax_id or value

    def clm(self, segment: Segment) -> None:
        place = [*element(segment, 5).split(self.component), "", ""]
        self.line, self.in_other_payer = None, False
        self.claim = Claim(
            control=element(segment, 1),
            form=self.form,
            charge_cents=cents_from_decimal(element(segment, 2)),
            facility_type=place[0],
            frequency=place[2],
            provider=self.provider,
            order=self.order,
            filing_indicator=self.filing,
            subscriber=self.subscriber,
            patient=self.patient,
            payer=self.payer,
        )
        self.claim.npis.append(("85", self.provider.npi))
        self.batch.claims.append(self.claim)

    def hi(self, segment: Segment) -> None:
        if self.claim is None:
            return
        for value in segment[1:]:
            qualifier, _, rest = value.partition(self.component)
            code = rest.split(self.component)[0]
            if qualifier in ("ABK", "ABF", "ABJ", "APR", "ABN"):
                self.claim.diagnoses.append(code)
            elif qualifier == "DR":
                self.claim.drg = code

    def dtp(self, segment: Segment) -> None:
        if self.claim is None:
            return
        qualifier, value = element(segment, 1), element(segment, 3)
        first, _, last = value.partition("-")
        if self.line is not None and qualifier == "472":
            self.line.date_from, self.line.date_to = first[:8], (last or first)[:8]
        elif self.line is None and qualifier == "434":
            self.claim.statement_from, self.claim.statement_to = first[:8], (last or first)[:8]

    def lx(self, segment: Segment) -> None:
        if self.claim is not None:
            self.in_other_payer = False
            self.line = ServiceLine(int(element(segment, 1)))
            self.claim.lines.append(self.line)

    def sv1(self, segment: Segment) -> None:
        if self.line is not None:
            self._procedure(element(segment, 1))
            self.line.charge_cents = cents_from_decimal(element(segment, 2))
            self.line.units = element(segment, 4)
            pointers = element(segment, 7).split(self.component)
            self.line.pointers = tuple(int(pointer) for pointer in pointers if pointer.isdigit())

    def lin(self, segment: Segment) -> None:
        if self.line is not None and element(segment, 2) == "N4":
            self.line.has_drug_code = True

    def sv2(self, segment: Segment) -> None:
        if self.line is not None:
            self.line.revenue = element(segment, 1)
            self._procedure(element(segment, 2))
            self.line.charge_cents = cents_from_decimal(element(segment, 3))
            self.line.units = element(segment, 5)

    def _procedure(self, composite: str) -> None:
        if composite and self.line is not None:
            parts = composite.split(self.component)
            self.line.qualifier, self.line.code = parts[0], [*parts, ""][1]
            self.line.modifiers = tuple(part for part in parts[2:6] if part)

    def amt(self, segment: Segment) -> None:
        if self.claim is not None and self.line is None and element(segment, 1) == "D" and self.claim.prior:
            self.claim.prior.paid_cents += cents_from_decimal(element(segment, 2))

    def svd(self, segment: Segment) -> None:
        if self.line is not None:
            self.line.prior = self.line.prior or PriorPayment()
            self.line.prior.paid_cents += cents_from_decimal(element(segment, 2))

    def cas(self, segment: Segment) -> None:
        prior = self.line.prior if self.line is not None else self.claim.prior if self.claim else None
        if prior is not None:
            prior.adjustments.extend(read_adjustments(segment))

    def bht(self, segment: Segment) -> None:
        self.batch.reference = element(segment, 3)


_HANDLERS = {
    "AMT": _Reader.amt,
    "BHT": _Reader.bht,
    "CAS": _Reader.cas,
    "CLM": _Reader.clm,
    "DTP": _Reader.dtp,
    "HI": _Reader.hi,
    "HL": _Reader.hl,
    "LIN": _Reader.lin,
    "LX": _Reader.lx,
    "NM1": _Reader.nm1,
    "REF": _Reader.ref,
    "SBR": _Reader.sbr,
    "SV1": _Reader.sv1,
    "SV2": _Reader.sv2,
    "SVD": _Reader.svd,
}
