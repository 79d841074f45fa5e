"""Repair of format, never of meaning: blanks, case and punctuation that a payer would reject and nobody meant.

Codes, modifiers, units, money, dates and free text are never touched.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeVar

from pydantic import BaseModel
from rcm_shared.contracts.records import Address, CoverageRecord, PatientPhi, ProviderRecord

from rcm_billing.domain.document import ClaimDocument, ServiceLine
from rcm_billing.domain.master import BillingProvider, Submitter

REPAIR_VERSION = 1  # of this list; goes up with every change of it

M = TypeVar("M", bound=BaseModel)
Mend = Callable[[str], str]
_BLANKS = re.compile(r"\s+")
_NOT_DIGITS = re.compile(r"[\s().+/-]+")


class Repair(NamedTuple):
    """What was mended where; never the value."""

    element: str
    kind: str
    version: int = REPAIR_VERSION


@lru_cache(maxsize=16384)
def trimmed(text: str) -> str:
    """Return a text without outer blanks and with single inner ones."""
    return _BLANKS.sub(" ", text).strip()


@lru_cache(maxsize=4096)
def upper(text: str) -> str:
    """Return a code-like text without blanks, in capitals."""
    return _BLANKS.sub("", text).upper()


@lru_cache(maxsize=16384)
def joined(text: str) -> str:
    """Return an identifier without blanks; its case is the payer's."""
    return _BLANKS.sub("", text)


@lru_cache(maxsize=4096)
def digits(text: str) -> str:
    """Return a number without blanks and punctuation, unless something else stands in it."""
    bare = _NOT_DIGITS.sub("", text)
    return bare if bare.isascii() and bare.isdigit() else text


_TRIM, _CASE, _PUNCTUATION, _BLANK = "blanks", "case", "punctuation", "blanks-in-identifier"
_ADDRESS: dict[str, tuple[Mend, str]] = {
    "line": (trimmed, _TRIM),
    "city": (trimmed, _TRIM),
    "state": (upper, _CASE),
    "postal_code": (digits, _PUNCTUATION),
}
_PERSON: dict[str, tuple[Mend, str]] = {
    "last_name": (trimmed, _TRIM),
    "first_name": (trimmed, _TRIM),
    "middle_name": (trimmed, _TRIM),
    "medical_record_number": (trimmed, _TRIM),
}
_PROVIDER: dict[str, tuple[Mend, str]] = {
    "npi": (digits, _PUNCTUATION),
    "last_name": (trimmed, _TRIM),
    "first_name": (trimmed, _TRIM),
    "taxonomy": (upper, _CASE),
}
_COVERAGE: dict[str, tuple[Mend, str]] = {
    "member_id": (joined, _BLANK),
    "group_number": (trimmed, _TRIM),
    "authorization": (trimmed, _TRIM),
}
_BILLING: dict[str, tuple[Mend, str]] = {
    "name": (trimmed, _TRIM),
    "npi": (digits, _PUNCTUATION),
    "tax_id": (digits, _PUNCTUATION),
    "taxonomy": (upper, _CASE),
}
_SUBMITTER: dict[str, tuple[Mend, str]] = {
    "name": (trimmed, _TRIM),
    "contact_name": (trimmed, _TRIM),
    "contact_phone": (digits, _PUNCTUATION),
}


def _mend(part: M, place: str, mends: dict[str, tuple[Mend, str]], done: list[Repair]) -> M:
    changed: dict[str, str] = {}
    for name, (mend, kind) in mends.items():
        value: str = getattr(part, name)
        better = mend(value) if value else value
        if better != value:
            changed[name] = better
            done.append(Repair(f"{place}.{name}", kind))
    return part.model_copy(update=changed) if changed else part


def _address(address: Address | None, place: str, done: list[Repair]) -> Address | None:
    return _mend(address, f"{place}.address", _ADDRESS, done) if address is not None else None


def _person(person: PatientPhi, place: str, done: list[Repair]) -> PatientPhi:
    person = _mend(person, place, _PERSON, done)
    address = _address(person.address, place, done)
    return person if address is person.address else person.model_copy(update={"address": address})


def _coverage(coverage: CoverageRecord, place: str, done: list[Repair]) -> CoverageRecord:
    coverage = _mend(coverage, place, _COVERAGE, done)
    if coverage.subscriber is None:
        return coverage
    subscriber = _person(coverage.subscriber, "subscriber", done)
    return (
        coverage
        if subscriber is coverage.subscriber
        else coverage.model_copy(update={"subscriber": subscriber})
    )


def _billing(billing: BillingProvider, done: list[Repair]) -> BillingProvider:
    billing = _mend(billing, "billing", _BILLING, done)
    address = _mend(billing.address, "billing.address", _ADDRESS, done)
    return billing if address is billing.address else billing.model_copy(update={"address": address})


def _line(line: ServiceLine, done: list[Repair]) -> ServiceLine:
    if line.rendering is None:
        return line
    rendering: ProviderRecord = _mend(line.rendering, f"line-{line.number}.rendering", _PROVIDER, done)
    return line if rendering is line.rendering else line.model_copy(update={"rendering": rendering})


def repair(claim: ClaimDocument) -> tuple[ClaimDocument, tuple[Repair, ...]]:
    """Return the claim with its format mended, and what was mended; the same claim when nothing was."""
    done: list[Repair] = []
    parts = {
        "patient": _person(claim.patient, "patient", done),
        "coverage": _coverage(claim.coverage, "coverage", done),
        "billing": _billing(claim.billing, done),
        "providers": tuple(
            _mend(p, f"provider-{n}", _PROVIDER, done) for n, p in enumerate(claim.providers, 1)
        ),
        "lines": tuple(_line(line, done) for line in claim.lines),
    }
    return (claim.model_copy(update=parts), tuple(done)) if done else (claim, ())


def repair_submitter(submitter: Submitter) -> tuple[Submitter, tuple[Repair, ...]]:
    """Return the sender of the interchange with its format mended, and what was mended."""
    done: list[Repair] = []
    return _mend(submitter, "submitter", _SUBMITTER, done), tuple(done)
