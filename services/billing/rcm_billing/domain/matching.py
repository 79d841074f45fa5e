"""Which claim a claim payment belongs to: four tiers, each with a score of 100; below the threshold a person decides.

A number that a payer repeats is never enough: CLP01, the payer's control number and REF*6R each need another fact that
agrees.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from rcm_billing.domain.document import ServiceLine
from rcm_billing.domain.remittance import PaidClaim, PaidLine

THRESHOLD = 80
WORTH_SHOWING = 30
SHOWN = 5


class Tier(StrEnum):
    """By what a claim payment found its claim, the surest first."""

    CONTROL = "control"  # CLP01
    PAYER_CONTROL = "payer-control"  # CLP07
    LINE_CONTROL = "line-control"  # REF*6R
    SERVICES = "services"  # code, date, charge, member
    PERSON = "person"


_TIERS = tuple(Tier)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A claim of ours as far as matching needs it. `member_id` and `lines` are empty until its document is read."""

    claim_id: UUID
    encounter_id: UUID
    claim_control: str
    payer_control: str
    charge_cents: int
    service_from: date | None
    live: bool  # sent, and neither replaced nor voided
    member_id: str = ""
    lines: tuple[ServiceLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate with how it was found and how sure that is."""

    candidate: Candidate
    tier: Tier
    score: int


def score(paid: PaidClaim, candidate: Candidate) -> Match:
    """Score one candidate by the surest tier that applies to it."""
    same_charge = abs(paid.charge_cents) == candidate.charge_cents
    day = day_of(paid)
    same_day = day is not None and day == candidate.service_from
    member = 0
    if paid.member_id and candidate.member_id:
        member = 20 if _plain(paid.member_id) == _plain(candidate.member_id) else -40
    same_icn = bool(paid.payer_control) and paid.payer_control == candidate.payer_control
    own_line = any(control_of_line(line.control) == candidate.claim_control for line in paid.lines)
    if paid.claim_control == candidate.claim_control:
        base, tier = 60, Tier.CONTROL
        facts = 20 * same_charge + 30 * same_icn + 30 * own_line + 10 * same_day + member
    elif same_icn:
        base, tier = 60, Tier.PAYER_CONTROL
        facts = 20 * same_charge + 20 * own_line + 10 * same_day + member
    elif own_line:
        base, tier = 60, Tier.LINE_CONTROL
        facts = 20 * same_charge + 10 * same_day + member
    else:
        base, tier = 0, Tier.SERVICES
        facts = 25 * same_charge + 20 * same_day + 35 * _same_codes(paid, candidate) + member
    return Match(candidate, tier, max(0, min(100, base + facts)))


def choose(paid: PaidClaim, candidates: Iterable[Candidate]) -> tuple[Match | None, tuple[Match, ...]]:
    """Return the match, None when none is sure or two are equally so, and the best candidates for a person."""
    scored = [score(paid, candidate) for candidate in candidates]
    scored.sort(key=_surest_first)
    shown = tuple(m for m in scored if m.score >= WORTH_SHOWING or m.tier is not Tier.SERVICES)[:SHOWN]
    if not scored or scored[0].score < THRESHOLD:
        return None, shown
    best = scored[0]
    rivals = [
        match
        for match in scored[1:]
        if match.score == best.score and match.tier is best.tier and match.candidate.live
    ]
    if rivals and best.tier is not Tier.CONTROL:
        return None, shown
    return best, shown


def _surest_first(match: Match) -> tuple[bool, int, int, bool, int]:
    """Order matches: sure ones by tier, then by score; a claim in force before one that is not, the newest first."""
    sure = match.score >= THRESHOLD
    candidate = match.candidate
    tier = _TIERS.index(match.tier) if sure else 0
    return not sure, tier, -match.score, not candidate.live, -candidate.claim_id.int


def control_of_line(line_control: str) -> str:
    """Return CLM01 of the claim that a line control number of ours (REF*6R) belongs to."""
    control, mark, number = line_control.rpartition("L")
    return control if mark and number.isdigit() else ""


def with_line_numbers(paid: PaidClaim, claim_control: str, lines: Sequence[ServiceLine]) -> PaidClaim:
    """Return the payment with the number of our line on each of its lines, 0 where none is sure.

    REF*6R decides; without it code (SVC06 before SVC01), date and charge do, modifiers break a tie. Several of its
    lines may belong to one of ours (a split line).
    """
    taken: set[int] = set()
    found: list[PaidLine] = []
    for line in paid.lines:
        number = 0
        if control_of_line(line.control) == claim_control:
            number = int(line.control.rpartition("L")[2])
        else:
            ours = _line_like(line, lines, taken)
            number = ours.number if ours is not None else 0
        taken.add(number)
        found.append(line if line.number == number else replace(line, number=number))
    return replace(paid, lines=tuple(found))


def knows_its_lines(paid: PaidClaim, claim_control: str) -> bool:
    """Return whether every line names one of ours by REF*6R, so that the claim's document need not be read."""
    return all(control_of_line(line.control) == claim_control for line in paid.lines)


def _line_like(paid: PaidLine, lines: Sequence[ServiceLine], taken: set[int]) -> ServiceLine | None:
    wanted = paid.original_code or paid.code
    alike = [
        line
        for line in lines
        if line.number not in taken
        and (line.code == wanted if wanted else line.revenue_code == paid.revenue_code)
        and line.charge_cents == abs(paid.charge_cents)
        and (paid.service_date is None or line.service_date == paid.service_date)
    ]
    exact = [line for line in alike if set(line.modifiers) == set(paid.modifiers)]
    return next(iter(exact or alike), None)


def _same_codes(paid: PaidClaim, candidate: Candidate) -> bool:
    if not paid.lines or not candidate.lines:
        return False
    numbered = with_line_numbers(paid, candidate.claim_control, candidate.lines)
    return all(line.number for line in numbered.lines)


def day_of(paid: PaidClaim) -> date | None:
    """Return the first day of service that a claim payment names."""
    days = [line.service_date for line in paid.lines if line.service_date is not None]
    return paid.service_date or (min(days) if days else None)


def _plain(member_id: str) -> str:
    return "".join(mark for mark in member_id.upper() if mark.isalnum())
