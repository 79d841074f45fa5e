"""Master data of an installation: who bills, from where, to whom, at which price on which date."""

from datetime import date
from functools import cached_property
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict
from rcm_shared.contracts.records import Address
from rcm_shared.money import Cents

from rcm_billing.domain.contract_terms import Contract


class _Master(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Submitter(_Master):
    """The sender of the interchange (loop 1000A)."""

    name: str
    etin: str
    qualifier: str = "ZZ"
    contact_name: str
    contact_phone: str


class BillingProvider(_Master):
    """The organisation that is paid (loop 2010AA)."""

    name: str
    npi: str
    tax_id: str
    taxonomy: str
    address: Address
    pay_to: Address | None = None  # loop 2010AB, when payments go to another address


class Facility(_Master):
    """One place of care with the codes that its settings stand for on a claim."""

    billing: BillingProvider
    place_of_service: dict[str, str]  # setting -> CLM05-1 of an 837P
    bill_type: dict[str, str]  # setting -> first two digits of the type of bill (without the leading 0)
    admission_type: dict[str, str] = {}  # setting -> CL101 where the source names none
    admission_source: str = "1"
    outpatient_discharge_status: str = "01"


class AppealLevel(_Master):
    """One level of appeal: how long after the denial, or after the level before, and from which amount on."""

    name: str
    days: int
    floor_cents: Cents = Cents(0)
    warn_days: int = 14  # before the deadline


class Payer(_Master):
    """One payer with its own limits."""

    name: str
    receiver_id: str
    receiver_qualifier: str = "ZZ"
    member_id_pattern: str = "^[A-Z0-9-]{4,30}$"
    timely_filing_days: int = 365
    timely_filing_calendar_year: bool = False  # Medicare: one year by the calendar instead of days
    acknowledgement_hours: int = 24  # without any answer after them, an attempt is overdue
    inquire_after_days: int | None = (
        None  # ask for an undecided claim's status (276); None: this payer answers none
    )
    trace: bool = False  # repeat our claim number as REF*D9 for its clearinghouse
    channel: str = ""  # of the exchange; empty: the file drop
    appeal_days: int = 120
    contracts: tuple[Contract, ...] = ()  # what it owes us; without one nothing is compared
    appeal_levels: tuple[AppealLevel, ...] = ()  # empty: one level of `appeal_days`


class ChargemasterRow(_Master):
    """One priced code; `charge_cents` is for one unit."""

    code: str
    label: str
    charge_cents: Cents
    revenue_code: str = ""
    effective_from: date
    effective_to: date | None = None


class Master(_Master):
    """Everything above, with its edition. `usage` is ISA15: T test, P production."""

    edition: str
    usage: str = "T"
    denial_write_off_limit_cents: Cents = Cents(10_000)  # above it a second person approves
    submitter: Submitter
    facilities: dict[str, Facility]
    payers: dict[str, Payer]
    chargemaster: tuple[ChargemasterRow, ...]

    @cached_property
    def _rows(self) -> MappingProxyType[str, tuple[ChargemasterRow, ...]]:
        rows: dict[str, tuple[ChargemasterRow, ...]] = {}
        for row in self.chargemaster:
            rows[row.code] = (*rows.get(row.code, ()), row)
        return MappingProxyType(rows)

    def price(self, code: str, on: date) -> ChargemasterRow | None:
        """Return the row in force for a code on a date of service, or None."""
        for row in self._rows.get(code, ()):
            if row.effective_from <= on and (row.effective_to is None or on <= row.effective_to):
                return row
        return None
