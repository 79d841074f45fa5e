"""What is wrong with a file, said to a person: where (segment number and name), by which rule, and how grave.

Messages carry amounts, counts, codes and control numbers; never names, member ids or birth dates.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from rcm_billing.x12.scan import Placed

_PER_CODE = 100  # of one kind, so that a file of one repeated fault stays readable


class Severity(StrEnum):
    """`error`: the file does not hold. `warning`: it holds, a person should look. `info`: what was left out."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding; `position` counts segments from 1 over the whole file, 0 when it has no place."""

    severity: Severity
    code: str
    segment: str
    position: int
    element: int
    message: str
    claim: str = ""

    @property
    def where(self) -> str:
        """The place in words, such as "segment 23, CLM02, claim A1"."""
        parts = []
        if self.position:
            name = f"{self.segment}{self.element:02d}" if self.element else self.segment
            parts.append(f"segment {self.position}, {name}")
        if self.claim:
            parts.append(f"claim {self.claim}")
        return ", ".join(parts) or "the whole file"

    def as_json(self) -> dict[str, object]:
        """Return the finding as the command line prints it."""
        return {
            "severity": self.severity.value,
            "code": self.code,
            "segment": self.segment,
            "where": self.where,
            "message": self.message,
            "position": self.position,
            "element": self.element,
        }


@dataclass(slots=True)
class Problems:
    """Collects findings; of one code only the first hundred are kept, the others are counted."""

    found: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    claim: str = ""

    def error(self, code: str, placed: Placed | None, message: str, element: int = 0) -> None:
        """Add what makes the file not hold."""
        self._add(Severity.ERROR, code, placed, message, element)

    def warning(self, code: str, placed: Placed | None, message: str, element: int = 0) -> None:
        """Add what a person should look at."""
        self._add(Severity.WARNING, code, placed, message, element)

    def info(self, code: str, message: str) -> None:
        """Add a remark about what was not looked at."""
        self._add(Severity.INFO, code, None, message, 0)

    def add(self, problem: Problem) -> None:
        """Add a finding made elsewhere."""
        self.errors += problem.severity is Severity.ERROR
        self.counts[problem.code] += 1
        if self.counts[problem.code] <= _PER_CODE:
            self.found.append(problem)

    def _add(self, severity: Severity, code: str, placed: Placed | None, message: str, element: int) -> None:
        tag, number = (placed.name, placed.number) if placed is not None else ("", 0)
        self.add(Problem(severity, code, tag, number, element, message, self.claim))

    def listed(self) -> list[Problem]:
        """Return the findings, gravest first, in the order of the file; what was left out is named last."""
        order = list(Severity)
        listed = sorted(self.found, key=lambda problem: (order.index(problem.severity), problem.position))
        for code, count in self.counts.items():
            if count > _PER_CODE:
                text = f"{count - _PER_CODE} more findings of the kind {code} are not listed"
                listed.append(Problem(Severity.INFO, "not-listed", "", 0, 0, text))
        return listed
