"""From repeated denials to a scrubber rule: find the condition, try it on past claims, say what it would have done.

Pure and deterministic: the same rows give the same proposals.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from rcm_billing.domain.document import ClaimDocument, ServiceLine
from rcm_billing.domain.payer_rule import PayerRule, compile_rule, judge
from rcm_billing.domain.scrubbing import Owner, Severity

MIN_DENIALS = 3
MIN_PRECISION = 0.5  # below it a rule would hold more paid claims than it catches denied ones
PREFIX = 3  # characters of an ICD-10-CM category
_CODE = re.compile(r"[A-Z0-9]{1,10}")


class Key(NamedTuple):
    """What makes denials the same."""

    facility_id: str
    payer_id: str
    carc: str
    rarc: str
    code: str


@dataclass(frozen=True, slots=True)
class Repeated:
    """Denials with the same key: the claims, their amount, whose work they were."""

    key: Key
    claim_ids: frozenset[UUID]
    cents: int
    owner: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A past claim: what it said, and whether the payer paid it in full without a denial."""

    claim_id: UUID
    document: ClaimDocument
    paid: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """What a denied line looks like: its code, a modifier (`+25` there, `-25` not there), a diagnosis category."""

    code: str
    modifier: str = ""
    diagnosis: str = ""

    @property
    def expression(self) -> str:
        """Return it in the language of payer rules: the numbers of the lines that it hits."""
        parts = [f'l.code == "{self.code}"']
        if self.modifier:
            there = f'"{self.modifier[1:]}" in l.modifiers'
            parts.append(there if self.modifier[0] == "+" else f"!({there})")
        if self.diagnosis:
            parts.append(f'l.diagnoses.exists(d, d.startsWith("{self.diagnosis}"))')
        return f"lines.filter(l, {' && '.join(parts)}).map(l, l.number)"

    @property
    def size(self) -> int:
        """Return how many things it asks for beside the code."""
        return bool(self.modifier) + bool(self.diagnosis)


@dataclass(frozen=True, slots=True)
class BackTest:
    """What a rule would have done: caught of the denied claims, held of the paid ones, of how many claims in all."""

    claims: int
    denied: int
    caught: int
    paid: int
    held_paid: int
    not_judged: int
    caught_ids: tuple[UUID, ...]
    held_paid_ids: tuple[UUID, ...]

    @property
    def precision(self) -> float:
        """Return the share of denied ones among denied and paid ones that it would have held."""
        held = self.caught + self.held_paid
        return self.caught / held if held else 0.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule that nobody has turned on, with its back-test."""

    repeated: Repeated
    condition: Condition
    rule: PayerRule
    back_test: BackTest


class _Seen(NamedTuple):
    modifiers: frozenset[str]
    categories: frozenset[str]


def _seen(document: ClaimDocument, code: str) -> list[_Seen]:
    """Return what is seen on the lines of a claim with one code."""
    codes = [diagnosis.code for diagnosis in document.diagnoses]

    def look(line: ServiceLine) -> _Seen:
        pointed = [codes[at - 1] for at in line.pointers if 0 < at <= len(codes)]
        return _Seen(frozenset(line.modifiers), frozenset(one[:PREFIX] for one in pointed))

    return [look(line) for line in document.lines if line.code == code]


def conditions(code: str, denied: Iterable[ClaimDocument], paid: Iterable[ClaimDocument]) -> list[Condition]:
    """Return the conditions worth trying: the code alone, with a modifier that all denied lines have or that none of
    them has while paid ones do, with a diagnosis category that all denied lines have, and both together.
    """
    refused = [seen for document in denied for seen in _seen(document, code)]
    accepted = [seen for document in paid for seen in _seen(document, code)]
    if not refused or not _CODE.fullmatch(code):
        return []
    common = frozenset.intersection(*(seen.modifiers for seen in refused))
    absent = frozenset().union(*(s.modifiers for s in accepted)) - frozenset().union(
        *(s.modifiers for s in refused)
    )
    shared = frozenset.intersection(*(seen.categories for seen in refused))
    modifiers = [f"+{m}" for m in sorted(common)] + [f"-{m}" for m in sorted(absent)]
    diagnoses = sorted(shared)
    found = [Condition(code)]
    found += [Condition(code, modifier) for modifier in modifiers if _CODE.fullmatch(modifier[1:])]
    found += [Condition(code, diagnosis=category) for category in diagnoses]
    found += [
        Condition(code, one.modifier, category) for one in found if one.modifier for category in diagnoses
    ]
    return found[:40]


def rule_of(key: Key, denials: int, owner: str, condition: Condition, since: date) -> PayerRule:
    """Return the draft of a rule in the form of payer rules; its id comes from what the denials have in common."""
    digest = hashlib.sha256("|".join(key).encode()).hexdigest()[:6].upper()
    payer = re.sub(r"[^A-Z0-9]", "", key.payer_id.upper())[:12].ljust(2, "0")
    carc = re.sub(r"[^A-Z0-9]", "", key.carc.upper())[:12] or "0"
    remark = f" with remark {key.rarc}" if key.rarc else ""
    return PayerRule(
        rule_id=f"PR-{payer}-{carc}-{digest}",
        version=1,
        title=f"Code {condition.code} is denied by this payer with reason {key.carc}{remark}",
        expression=compile_rule(condition.expression),
        severity=Severity.HOLD,
        owner=Owner(owner) if owner in set(Owner) else Owner.BILLER,
        authority=f"{denials} denials of this payer",
        fix=f"Mend what leads to reason {key.carc}{remark} before the claim leaves",
        effective_from=since,
        facility_id=key.facility_id,
        payers=frozenset({key.payer_id}),
    )


def back_test(rule: PayerRule, denied: frozenset[UUID], past: Sequence[Outcome], today: date) -> BackTest:
    """Run a rule over past claims, whatever its dates: they are from before it."""
    caught: list[UUID] = []
    held: list[UUID] = []
    not_judged = 0
    for one in past:
        verdict = judge(rule, one.document, today)
        if verdict.reason:
            not_judged += 1
        elif verdict.places and one.claim_id in denied:
            caught.append(one.claim_id)
        elif verdict.places and one.paid:
            held.append(one.claim_id)
    return BackTest(
        claims=len(past),
        denied=sum(1 for one in past if one.claim_id in denied),
        caught=len(caught),
        paid=sum(1 for one in past if one.paid),
        held_paid=len(held),
        not_judged=not_judged,
        caught_ids=tuple(sorted(caught)),
        held_paid_ids=tuple(sorted(held)),
    )


def propose(
    repeated: Repeated, past: Sequence[Outcome], *, today: date, min_denials: int = MIN_DENIALS
) -> Proposal | None:
    """Return the best rule for repeated denials, or None when none catches enough without holding more paid claims.

    Best: the fewest paid claims among those held, then the most denials caught, then the shortest condition.
    """
    code = repeated.key.code
    denied = [one.document for one in past if one.claim_id in repeated.claim_ids]
    paid = [one.document for one in past if one.paid]
    found: list[Proposal] = []
    for condition in conditions(code, denied, paid):
        rule = rule_of(repeated.key, len(repeated.claim_ids), repeated.owner, condition, today)
        tested = back_test(rule, repeated.claim_ids, past, today)
        if tested.caught >= min_denials and tested.precision >= MIN_PRECISION:
            found.append(Proposal(repeated, condition, rule, tested))
    return max(
        found,
        key=lambda one: (
            round(one.back_test.precision, 6),
            one.back_test.caught,
            -one.condition.size,
            one.condition.expression,
        ),
        default=None,
    )
