"""The ICD-10-CM editions that billing knows, which of them governs a date, and what is wrong with a code."""

import hashlib
import re
from dataclasses import dataclass
from datetime import date

from rcm_billing.domain.errors import BadCodeSetError

ICD10CM = "ICD-10-CM"
_CODES = re.compile(rb"[A-Z][0-9A-Z]{2,6}(?:\n[A-Z][0-9A-Z]{2,6})*")
_SEVENTH = "ABCDEFGHJKMNPQRS0123456789"  # every 7th character that the tabular list defines somewhere
_PLACEHOLDER = "X"


@dataclass(frozen=True, slots=True)
class CodeSet:
    """One edition: the billable codes without the dot, 7th characters expanded."""

    edition: str  # its first day, such as "2026-04-01"
    effective_from: date
    effective_to: date | None
    codes: frozenset[str]

    def covers(self, day: date) -> bool:
        """Tell whether the edition's year covers a day."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


@dataclass(frozen=True, slots=True)
class CodeSets:
    """The editions at hand. Look-up is by the date that governs the claim, never by today."""

    editions: tuple[CodeSet, ...] = ()

    def on(self, day: date) -> CodeSet | None:
        """Return the newest edition that had begun by a day, or None when nothing at hand covers it.

        A mid-year edition stands in for the start of its own year when that one is not at hand, as in coding.
        """
        covering = [edition for edition in self.editions if edition.covers(day)]
        begun = [edition for edition in covering if edition.edition <= day.isoformat()]
        if begun:
            return max(begun, key=lambda edition: edition.edition)
        return min(covering, key=lambda edition: edition.edition, default=None)


NO_CODE_SETS = CodeSets()


def read_codes(body: bytes, sha256: str) -> frozenset[str]:
    """Read an artefact, one code a line.

    Raises: BadCodeSetError when it is not what the hash promises or no list of codes (permanent).
    """
    if hashlib.sha256(body).hexdigest() != sha256:
        raise BadCodeSetError("code-set-hash")
    if not _CODES.fullmatch(body):
        raise BadCodeSetError("code-set-form")
    return frozenset(body.decode("ascii").split("\n"))


def lacks_seventh(code: str, codes: frozenset[str]) -> bool:
    """Tell whether a code that is not billable would be with another 7th character or with placeholders.

    Rule: ICD-10-CM Official Guidelines I.A.4 and I.A.5.
    """
    stem = code[:6].ljust(6, _PLACEHOLDER)
    if any(stem + character in codes for character in _SEVENTH):
        return True
    return 3 < len(code) < 7 and code[:-1].ljust(6, _PLACEHOLDER) + code[-1] in codes
