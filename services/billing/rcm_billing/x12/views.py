"""What a file says about each claim, whatever the transaction type: the shape of `rcm x12 show --json`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class AdjustmentView:
    """One adjustment with its sign as on the wire; `payer` names the other payer that made it (837)."""

    group: str
    code: str
    cents: int
    payer: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the adjustment as JSON types."""
        shape: dict[str, Any] = {"group": self.group, "code": self.code, "cents": self.cents}
        return {**shape, "payer": self.payer} if self.payer else shape


@dataclass(slots=True)
class LineView:
    """One service line; amounts that the transaction does not carry are None."""

    number: int
    control_number: str = ""
    code: str = ""
    modifiers: list[str] = field(default_factory=list)
    revenue_code: str = ""
    units: str = ""
    service_from: str = ""
    service_to: str = ""
    status: str = ""
    charged_cents: int | None = None
    paid_cents: int | None = None
    adjustments: list[AdjustmentView] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    balances: bool = True
    more: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the line as JSON types."""
        return {
            "number": self.number,
            "control_number": self.control_number,
            "code": self.code,
            "modifiers": self.modifiers,
            "revenue_code": self.revenue_code,
            "units": self.units,
            "service_from": self.service_from,
            "service_to": self.service_to,
            "status": self.status,
            "charged_cents": self.charged_cents,
            "paid_cents": self.paid_cents,
            "adjustments": [adjustment.as_json() for adjustment in self.adjustments],
            "remarks": self.remarks,
            "balances": self.balances,
            **self.more,
        }


@dataclass(slots=True)
class ClaimView:
    """One claim, or one request or decision about a claim. `patient` is a name and stays out of JSON unless asked
    for.
    """

    control_number: str
    payer_control_number: str = ""
    status: str = ""
    charged_cents: int | None = None
    paid_cents: int | None = None
    patient_cents: int | None = None
    adjustments: list[AdjustmentView] = field(default_factory=list)
    lines: list[LineView] = field(default_factory=list)
    balances: bool = True
    more: dict[str, Any] = field(default_factory=dict)
    patient: str = ""

    def as_json(self, names: bool = False) -> dict[str, Any]:
        """Return the claim as JSON types."""
        shape = {
            "control_number": self.control_number,
            "payer_control_number": self.payer_control_number,
            "status": self.status,
            "charged_cents": self.charged_cents,
            "paid_cents": self.paid_cents,
            "patient_cents": self.patient_cents,
            "adjustments": [adjustment.as_json() for adjustment in self.adjustments],
            "balances": self.balances,
            "lines": [line.as_json() for line in self.lines],
            **self.more,
        }
        return {**shape, "patient": self.patient} if names else shape


@dataclass(slots=True)
class Explained:
    """What one transaction set says: its claims and what belongs to the set as a whole (`summary`)."""

    claims: list[ClaimView] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)


def person(last: str, first: str) -> str:
    """Write a name for a reader who asked for names."""
    return ", ".join(part for part in (last, first) if part)
