"""What one edit says: rule, severity, code, authority, rule version and since when it holds."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

RULES_VERSION = "2026.2"


class Severity(StrEnum):
    """What an edit does: stops finalising, asks for a look, or says that it could not be evaluated."""

    BLOCK = "block"
    WARN = "warn"
    NOT_EVALUATED = "not-evaluated"


@dataclass(frozen=True, slots=True)
class Edit:
    """One hit. `message` is ours and holds codes only; `authority` is where the rule comes from.

    `version` is the release that was judged by, or the version of our own rules; `effective` its first day.
    """

    rule: str
    severity: Severity
    code: str
    message: str
    authority: str
    version: str = RULES_VERSION
    effective: date | None = None


def missing(rule: str, day: date, authority: str) -> Edit:
    """Return the edit of a set that is not loaded for a day: it never passes for clean."""
    return Edit(
        rule,
        Severity.NOT_EVALUATED,
        "",
        f"not evaluated: no {rule} release for {day.isoformat()}",
        authority,
        "none",
    )
