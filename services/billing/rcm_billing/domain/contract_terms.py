"""The terms of a payer's contract, as master data gives them: dated, per form, priced in one of four ways."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from rcm_shared.money import Cents

BASIS_POINTS = 10_000


class Method(StrEnum):
    """How a contract prices."""

    PERCENT = "percent-of-charge"
    FEE_SCHEDULE = "fee-schedule"
    PER_DIEM = "per-diem"
    DRG = "drg"


class FeeRow(BaseModel):
    """The price of one unit of a code; rows with modifiers go before the row without."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    modifiers: tuple[str, ...] = ()
    allowed_cents: Cents
    effective_from: date | None = None
    effective_to: date | None = None


class Contract(BaseModel):
    """The terms of one payer for some time; `percent_bp` and `weights_bp` are in hundredths of a percent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    contract_id: str
    effective_from: date
    effective_to: date | None = None
    forms: tuple[str, ...] = ()  # 837P, 837I; empty: both
    method: Method
    percent_bp: int | None = None  # of the charge; with a fee schedule: for codes that it does not list
    fees: tuple[FeeRow, ...] = ()
    per_diem_cents: Cents | None = None
    base_rate_cents: Cents | None = None
    weights_bp: Mapping[str, int] = {}
    tolerance_cents: Cents = Cents(100)
    tolerance_bp: int = 0
