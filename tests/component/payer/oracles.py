"""Judges of what the stand-in writes: pyx12 and oxedi, and a small reader and balance checker of our own."""

import functools
import io
import json
import logging
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import oxedi
import pyx12.map_if
import pyx12.params
import pyx12.x12n_document

_LOAD = pyx12.map_if.load_map_file


def segments_of(body: bytes) -> list[list[str]]:
    """Split a file written with `*` and `~`."""
    return [part.strip().split("*") for part in body.decode().split("~") if part.strip()]


@functools.cache
def _guide(name: str, folder: str | None) -> Any:
    """A guide's map, loaded once: pyx12 counts in its walker, so that a map stays as it is."""
    return _LOAD(name, pyx12.params.params(), folder)


def _load(name: str, _params: object, folder: str | None = None) -> Any:
    return _guide(name, folder)


def pyx12_findings(body: bytes, maps: str | None = None) -> list[str]:
    """Return pyx12's errors as short texts, [] when the file is valid; `maps` names other guides than its own."""
    logging.getLogger("pyx12").setLevel(logging.CRITICAL)
    report = io.StringIO()
    with patch("pyx12.map_if.load_map_file", _load):
        valid = pyx12.x12n_document.x12n_document(
            pyx12.params.params(), io.StringIO(body.decode()), None, None, fd_json=report, map_path=maps
        )
    if valid:
        return []
    return [json.dumps(json.loads(report.getvalue() or "{}"))]


def oxedi_findings(body: bytes) -> list[str]:
    """Return every finding oxedi has about an 835."""
    return [str(finding) for finding in oxedi.parse(body).diagnostics]


@dataclass
class PaidLine:
    """One SVC as read back."""

    code: str
    charge: Decimal
    paid: Decimal
    adjustments: list[tuple[str, str, Decimal]] = field(default_factory=list)
    control: str = ""


@dataclass
class PaidClaim:
    """One CLP as read back."""

    control: str
    status: str
    charge: Decimal
    paid: Decimal
    patient: Decimal
    payer_control: str
    adjustments: list[tuple[str, str, Decimal]] = field(default_factory=list)
    lines: list[PaidLine] = field(default_factory=list)

    def every_adjustment(self) -> list[tuple[str, str, Decimal]]:
        return [*self.adjustments, *(one for line in self.lines for one in line.adjustments)]

    def totals(self) -> dict[str, Decimal]:
        """Sum the adjustments by "GROUP CARC"."""
        totals: dict[str, Decimal] = {}
        for group, carc, amount in self.every_adjustment():
            totals[f"{group} {carc}"] = totals.get(f"{group} {carc}", Decimal(0)) + amount
        return totals


@dataclass
class PaidCheck:
    """One ST*835 as read back."""

    amount: Decimal
    method: str
    trace: str
    payee: str = ""
    claims: list[PaidClaim] = field(default_factory=list)
    provider_adjustments: list[tuple[str, Decimal]] = field(default_factory=list)


def read_checks(body: bytes) -> list[PaidCheck]:
    """Read an 835 file."""
    checks: list[PaidCheck] = []
    claim: PaidClaim | None = None
    line: PaidLine | None = None
    for segment in segments_of(body):
        match segment[0]:
            case "BPR":
                checks.append(PaidCheck(Decimal(segment[2]), segment[4], ""))
                claim = line = None
            case "TRN":
                checks[-1].trace = segment[2]
            case "N1" if segment[1] == "PE":
                checks[-1].payee = segment[4]
            case "CLP":
                charge, paid, patient = (Decimal(segment[at] or 0) for at in (3, 4, 5))
                claim, line = PaidClaim(segment[1], segment[2], charge, paid, patient, segment[7]), None
                checks[-1].claims.append(claim)
            case "SVC":
                assert claim is not None
                line = PaidLine(segment[1], Decimal(segment[2]), Decimal(segment[3]))
                claim.lines.append(line)
            case "CAS":
                assert claim is not None
                target = line.adjustments if line else claim.adjustments
                for at in range(2, len(segment), 3):
                    target.append((segment[1], segment[at], Decimal(segment[at + 1])))
            case "REF" if segment[1] == "6R" and line:
                line.control = segment[2]
            case "PLB":
                pairs = zip(segment[3::2], segment[4::2], strict=True)
                checks[-1].provider_adjustments += [(code, Decimal(amount)) for code, amount in pairs]
    return checks


def assert_balanced(body: bytes) -> None:
    """Assert the three 835 equations, CLP05, unique traces and a payment that is not negative."""
    checks = read_checks(body)
    for check in checks:
        for claim in check.claims:
            for line in claim.lines:
                assert line.charge - sum(amount for *_, amount in line.adjustments) == line.paid
            if claim.lines:
                assert sum(line.charge for line in claim.lines) == claim.charge
            assert claim.charge - sum(amount for *_, amount in claim.every_adjustment()) == claim.paid
            if claim.status != "22":
                patient = sum(amount for group, _, amount in claim.every_adjustment() if group == "PR")
                assert patient == claim.patient
        adjusted = sum(amount for _, amount in check.provider_adjustments)
        assert sum(claim.paid for claim in check.claims) - adjusted == check.amount
        assert check.amount >= 0
    assert len({check.trace for check in checks}) == len(checks)
