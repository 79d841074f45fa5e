"""What a 277 says of a claim that is with the payer, by its status category; it never moves money.

A finalised category is a promise that an 835 says the same; only the 835 decides.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from rcm_shared.contracts.billing import ClaimStatusReported

from rcm_billing.domain.account import Account
from rcm_billing.domain.acknowledgement import ClaimStatus
from rcm_billing.domain.claim import ATTEMPT_STEPS, CLAIM_STEPS, AttemptState, ClaimState
from rcm_billing.domain.submission import SYSTEM, Step


class Meaning(StrEnum):
    """What a status category means for the claim."""

    WITH_PAYER = "with-payer"  # A1 A2 A0 A5: it is there
    REJECTED = "rejected"  # A3 A6 A7 A8: it was never taken in
    NOT_FOUND = "not-found"  # A4, D0: the payer does not know it; nothing moves, a person looks
    PENDING = "pending"  # P: in process, suspended
    INFORMATION = "information"  # R: the payer asks for more
    FINAL = "final"  # F: decided; the 835 says what
    NO_ANSWER = "no-answer"  # E: the payer's system could not tell; asked again later
    UNKNOWN = "unknown"


_BY_CODE = {
    "A0": Meaning.WITH_PAYER,
    "A1": Meaning.WITH_PAYER,
    "A2": Meaning.WITH_PAYER,
    "A5": Meaning.WITH_PAYER,
    "A3": Meaning.REJECTED,
    "A6": Meaning.REJECTED,
    "A7": Meaning.REJECTED,
    "A8": Meaning.REJECTED,
    "A4": Meaning.NOT_FOUND,
    "D0": Meaning.NOT_FOUND,
}
_BY_LETTER = {"P": Meaning.PENDING, "R": Meaning.INFORMATION, "F": Meaning.FINAL, "E": Meaning.NO_ANSWER}
#: The gravest of several statuses of one claim decides.
_GRAVITY = (
    Meaning.REJECTED,
    Meaning.FINAL,
    Meaning.INFORMATION,
    Meaning.PENDING,
    Meaning.NOT_FOUND,
    Meaning.UNKNOWN,
    Meaning.NO_ANSWER,
    Meaning.WITH_PAYER,
)
#: Which statuses a person has to look at.
FOR_A_PERSON = frozenset({Meaning.REJECTED, Meaning.NOT_FOUND, Meaning.INFORMATION, Meaning.UNKNOWN})


def meaning_of(category: str) -> Meaning:
    """Read a claim status category of a 277."""
    found = _BY_CODE.get(category)
    if found is None and len(category) >= 2 and category[1:].isdigit():
        found = _BY_LETTER.get(category[0])
    return found or Meaning.UNKNOWN


@dataclass(frozen=True, slots=True)
class Report:
    """The status of one claim in a 277: the deciding category, all codes, the payer's control number."""

    category: str
    meaning: Meaning
    status_codes: tuple[str, ...] = ()
    payer_control: str = ""

    @property
    def label(self) -> str:
        """How people see it."""
        return f"277:{self.category}"


def report_of(statuses: tuple[ClaimStatus, ...], payer_control: str = "") -> Report:
    """Read the statuses of one claim; the gravest decides."""
    worst = min(statuses, key=lambda status: _GRAVITY.index(meaning_of(status.category)))
    codes = tuple(dict.fromkeys(status.code for status in statuses if status.code))
    return Report(worst.category, meaning_of(worst.category), codes, payer_control)


def reported(account: Account, claim_id: UUID, attempt_id: UUID, report: Report) -> Step:
    """Record what the payer says of a claim; a repeated report changes nothing.

    Being pended, asked about or decided shows that the payer has the claim. A rejection told by a 277 moves nothing:
    it contradicts the acknowledgements and goes to a person.
    """
    claim = account.claim(claim_id)
    attempt = next((a for a in claim.attempts if a.attempt_id == attempt_id), None) if claim else None
    if claim is None or attempt is None:
        return Step(account, problem="unknown-attempt")
    if attempt.acknowledgements and attempt.acknowledgements[-1] == report.label:
        return Step(account)
    holds = report.meaning in (Meaning.PENDING, Meaning.INFORMATION, Meaning.FINAL, Meaning.WITH_PAYER)
    state = attempt.state
    if holds and AttemptState.ACCEPTED in ATTEMPT_STEPS[state] and report.category not in ("A0", "A1", "A5"):
        state = AttemptState.ACCEPTED
    noted = attempt.but(state=state, acknowledgements=(*attempt.acknowledgements, report.label))
    moved = claim.but(
        attempts=tuple(noted if a.attempt_id == attempt_id else a for a in claim.attempts),
        payer_control=claim.payer_control or report.payer_control,
    )
    newest = claim.attempts[-1].attempt_id == attempt_id
    to = _NEXT.get(report.meaning)
    if report.category == "A2":
        to = ClaimState.ACCEPTED
    if newest and to is not None and to in CLAIM_STEPS[claim.state]:
        moved = moved.move(to)
    event = ClaimStatusReported(
        actor=SYSTEM,
        facility_id=account.facility_id,
        claim_id=claim_id,
        attempt_id=attempt_id,
        category=report.category,
        status_codes=report.status_codes,
    )
    problem = f"status-{report.meaning}" if newest and report.meaning in FOR_A_PERSON else ""
    return Step(account.with_claim(moved), (event,), problem)


_NEXT = {
    Meaning.PENDING: ClaimState.PENDED,
    Meaning.INFORMATION: ClaimState.PENDED,
    Meaning.FINAL: ClaimState.ACCEPTED,
}
