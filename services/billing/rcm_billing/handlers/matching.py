"""Find the claims of claim payments: by the numbers that they name, then by what was done, when and for how much."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import asyncpg

from rcm_billing.domain.matching import (
    THRESHOLD,
    Candidate,
    Match,
    choose,
    control_of_line,
    day_of,
    knows_its_lines,
    score,
    with_line_numbers,
)
from rcm_billing.domain.remittance import PaidClaim
from rcm_billing.repository import matching


@dataclass(frozen=True, slots=True)
class Found:
    """One claim payment, its lines numbered as ours, with its match or with the claims that it may belong to."""

    paid: PaidClaim
    match: Match | None
    candidates: tuple[Match, ...] = ()


async def find_matches(conn: asyncpg.Connection, claims: Sequence[PaidClaim]) -> list[Found]:
    """Match claim payments in three set-based questions at most, whatever their number."""
    controls = {paid.claim_control for paid in claims}
    controls |= {control_of_line(line.control) for paid in claims for line in paid.lines} - {""}
    named = await matching.list_named(
        conn, list(controls), [paid.payer_control for paid in claims if paid.payer_control]
    )
    by_control: dict[str, Candidate] = {}
    by_payer: dict[str, list[Candidate]] = {}
    for candidate in named:
        by_control[candidate.claim_control] = candidate
        if candidate.payer_control:
            by_payer.setdefault(candidate.payer_control, []).append(candidate)
    known = [_named(paid, by_control, by_payer) for paid in claims]
    weak = [
        paid
        for paid, candidates in zip(claims, known, strict=True)
        if not any(score(paid, candidate).score >= THRESHOLD for candidate in candidates)
    ]
    wanted = {(abs(paid.charge_cents), day) for paid in weak if (day := day_of(paid)) is not None}
    alike = await matching.search(conn, list(wanted)) if wanted else {}
    read = await matching.with_documents(conn, _unread(claims, known, weak))
    found: list[Found] = []
    for paid, candidates in zip(claims, known, strict=True):
        everyone = {c.claim_id: read.get(c.claim_id, c) for c in candidates}
        day = day_of(paid)
        if day is not None:
            everyone |= {c.claim_id: c for c in alike.get((abs(paid.charge_cents), day), [])}
        match, shown = choose(paid, everyone.values())
        if match is not None:
            one = match.candidate
            paid = with_line_numbers(paid, one.claim_control, one.lines)
        found.append(Found(paid, match, shown))
    return found


def numbered(paid: PaidClaim, candidate: Candidate) -> PaidClaim:
    """Return a claim payment with the line numbers of a claim that a person chose."""
    return with_line_numbers(
        replace(paid, lines=tuple(replace(line, number=0) for line in paid.lines)),
        candidate.claim_control,
        candidate.lines,
    )


def _named(
    paid: PaidClaim, by_control: dict[str, Candidate], by_payer: dict[str, list[Candidate]]
) -> list[Candidate]:
    found = {
        candidate.claim_id: candidate
        for control in (paid.claim_control, *(control_of_line(line.control) for line in paid.lines))
        if (candidate := by_control.get(control)) is not None
    }
    if paid.payer_control:
        found |= {candidate.claim_id: candidate for candidate in by_payer.get(paid.payer_control, [])}
    return list(found.values())


def _unread(
    claims: Sequence[PaidClaim], known: Sequence[list[Candidate]], weak: Sequence[PaidClaim]
) -> list[Candidate]:
    """Return the named claims whose documents matter: to score a weak match, or to tell lines without our number."""
    doubtful = {id(paid) for paid in weak}
    return [
        candidate
        for paid, candidates in zip(claims, known, strict=True)
        for candidate in candidates
        if id(paid) in doubtful or not knows_its_lines(paid, candidate.claim_control)
    ]
