"""Denials by coder, provider, rule, payer or reason: the formulas of domain page section 5, over rows, nothing stored.

Days run from the denial to the first appeal, and from the denial to the end of the case.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import mean, median
from uuid import UUID

from rcm_billing.domain.denial import DenialState

DIMENSIONS = ("coder", "provider", "rule", "payer", "carc")
CODING_CATEGORIES = frozenset({"coding", "bundling", "medical-necessity"})  # what a coder's codes may cause
_WON = frozenset({DenialState.OVERTURNED.value, DenialState.PARTLY_OVERTURNED.value})


@dataclass(frozen=True, slots=True)
class DeniedCase:
    """One case as a report reads it. `first_cents` was denied at first, `denied_cents` is what is left of it."""

    denial_id: UUID
    encounter_id: UUID
    claim_id: UUID
    payer_id: str
    group_code: str
    carc: str
    remarks: Sequence[str]
    category: str
    root_cause: str
    state: str
    outcome: str
    first_cents: int
    denied_cents: int
    denied_at: datetime
    appealed_at: datetime | None
    resolved_at: datetime | None
    coder: str
    provider_id: str
    rules: Sequence[str]

    @property
    def won_cents(self) -> int:
        """Return what of the denied amount was given after all."""
        if self.outcome == DenialState.OVERTURNED:
            return self.first_cents
        return self.first_cents - self.denied_cents if self.outcome == DenialState.PARTLY_OVERTURNED else 0


@dataclass(frozen=True, slots=True)
class Span:
    """Mean and median of days; None without a single case."""

    mean_days: float | None
    median_days: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a report. Rates are None where nothing stands below the line."""

    value: str
    cases: int
    denied_cents: int
    claims: int  # distinct claims with a denial
    adjudicated: int | None  # claims adjudicated in the period; None: not a dimension of claims
    denial_rate: float | None  # coder: coding denials only ÷ adjudicated
    appealed: int
    appeals_resolved: int
    overturned: int
    overturn_rate: float | None  # by count, of appeals resolved
    overturned_cents: int
    overturn_rate_cents: float | None  # overturned cents ÷ cents resolved by appeal
    written_off_cents: int
    to_appeal: Span
    to_resolution: Span
    root_causes: Mapping[str, int]


def values_of(case: DeniedCase, by: str) -> tuple[str, ...]:
    """Return what a case counts for in one dimension; several rules may have spoken about it."""
    if by == "rule":
        return tuple(dict.fromkeys(rule.partition(":")[0] for rule in case.rules)) or ("",)
    picked: dict[str, Callable[[DeniedCase], str]] = {
        "coder": lambda one: one.coder,
        "provider": lambda one: one.provider_id,
        "payer": lambda one: one.payer_id,
        "carc": lambda one: f"{one.group_code}-{one.carc}",
    }
    return (picked[by](case),)


def report(cases: Iterable[DeniedCase], by: str, adjudicated: Mapping[str, int] | None) -> tuple[Line, ...]:
    """Return one line for every value of the dimension, the highest denied amount first."""
    groups: dict[str, list[DeniedCase]] = {value: [] for value in adjudicated or ()}
    for case in cases:
        for value in values_of(case, by):
            groups.setdefault(value, []).append(case)
    lines = [_line(value, found, by, adjudicated) for value, found in groups.items()]
    return tuple(sorted(lines, key=lambda line: (-line.denied_cents, line.value)))


def _line(value: str, cases: list[DeniedCase], by: str, adjudicated: Mapping[str, int] | None) -> Line:
    claims = {case.claim_id for case in cases}
    counted = (
        {case.claim_id for case in cases if case.category in CODING_CATEGORIES} if by == "coder" else claims
    )
    decided = adjudicated.get(value, 0) if adjudicated is not None else None
    resolved = [case for case in cases if case.appealed_at is not None and case.outcome in _ANSWERED]
    won = [case for case in resolved if case.outcome in _WON]
    resolved_cents = sum(case.first_cents for case in resolved)
    won_cents = sum(case.won_cents for case in won)
    causes: dict[str, int] = {}
    for case in cases:
        causes[case.root_cause] = causes.get(case.root_cause, 0) + 1
    return Line(
        value=value,
        cases=len(cases),
        denied_cents=sum(case.first_cents for case in cases),
        claims=len(claims),
        adjudicated=decided,
        denial_rate=_share(len(counted), decided),
        appealed=sum(1 for case in cases if case.appealed_at is not None),
        appeals_resolved=len(resolved),
        overturned=len(won),
        overturn_rate=_share(len(won), len(resolved)),
        overturned_cents=won_cents,
        overturn_rate_cents=_share(won_cents, resolved_cents),
        written_off_cents=sum(case.denied_cents for case in cases if case.outcome == DenialState.WRITTEN_OFF),
        to_appeal=_span((case.denied_at, case.appealed_at) for case in cases),
        to_resolution=_span((case.denied_at, case.resolved_at) for case in cases),
        root_causes=dict(sorted(causes.items())),
    )


#: An appeal that has its answer. A write-off or transfer after it keeps the appeal lost.
_ANSWERED = _WON | {
    DenialState.UPHELD.value,
    DenialState.WRITTEN_OFF.value,
    DenialState.TRANSFERRED_TO_PATIENT.value,
}


def _share(part: int, whole: int | None) -> float | None:
    return round(part / whole, 4) if whole else None


def _span(pairs: Iterable[tuple[datetime, datetime | None]]) -> Span:
    days = [(end - start).total_seconds() / 86400 for start, end in pairs if end is not None]
    return Span(round(mean(days), 2), round(median(days), 2)) if days else Span(None, None)
