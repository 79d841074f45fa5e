"""SUB: who is insured, by whom, in which order."""

import re
from functools import lru_cache

from rcm_billing.domain import cob
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.rules.row import TR3, H, R, rule
from rcm_billing.domain.scrubbing import Owner, Places, ScrubContext

SELF = "18"
_MEDICARE = frozenset({"MA", "MB"})
_PRIMARY = "P"
_WORK = "02"  # condition code: the condition is employment related
#: Value codes that say another payer comes before Medicare, and for which reason.
_BEFORE_MEDICARE = frozenset({"12", "13", "14", "15", "16", "41", "42", "43", "47"})
_OTHER_INSURANCE = frozenset({"work", "auto"})  # causes of an accident that somebody else insures


@lru_cache(maxsize=64)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def sub_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Names, birth date, sex and the member id's pattern are there."""
    places = []
    for place, person in (("IL", claim.coverage.subscriber or claim.patient), ("QC", claim.patient)):
        if not person.last_name.strip() or not person.first_name.strip():
            places.append(f"NM1*{place}")
    pattern = context.payer.member_id_pattern if context.payer else "^.+$"
    if not _pattern(pattern).search(claim.coverage.member_id):
        places.append("NM109*IL")
    return places


def sub_02(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The coverage is active on every date of service."""
    start, end = claim.coverage.active_from, claim.coverage.active_to
    if start is None and end is None:
        return []
    dates = [("service-from", claim.service_from), ("service-through", claim.service_through)]
    dates += [(f"line-{line.number}", line.service_date) for line in claim.lines]
    return [
        place
        for place, day in dates
        if (start is not None and day < start) or (end is not None and day > end)
    ]


def sub_03(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Relationship and patient loop agree: self has no other subscriber, anybody else has one."""
    subscriber = claim.coverage.subscriber
    if claim.coverage.relationship != SELF:
        return ["2010BA"] if subscriber is None else []
    if subscriber is None:
        return []
    same = (subscriber.birth_date, subscriber.sex) == (claim.patient.birth_date, claim.patient.sex)
    return [] if same else ["SBR02"]


def sub_04(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Payers come in their order: every earlier one has decided, and Medicare is not first when another must be."""
    order = claim.coverage.order
    earlier = [prior.coverage.order for prior in claim.prior_payers]
    places: Places = []
    if (order != _PRIMARY) != bool(earlier) or any(prior >= order for prior in earlier):
        places.append("SBR01")
    if len(set(earlier)) != len(earlier):
        places.append("2320")
    if order == _PRIMARY and claim.coverage.filing_indicator in _MEDICARE:
        values = {value.code for value in claim.facts.values}
        if (
            claim.accident in _OTHER_INSURANCE
            or _WORK in claim.facts.condition_codes
            or values & _BEFORE_MEDICARE
        ):
            places.append("SBR09")
    return places


def sub_05(claim: ClaimDocument, context: ScrubContext) -> Places:
    """What a prior payer paid and adjusted adds up to the charge."""
    return [
        f"2320-{prior.coverage.order}"
        for prior in claim.prior_payers
        if not cob.is_balanced(prior, claim.charge_cents)
    ]


RULES = (
    rule("SUB-01", R, Owner.REGISTRATION, TR3, "Correct name or member id at registration.", sub_01),
    rule(
        "SUB-02",
        H,
        Owner.REGISTRATION,
        "payer eligibility (271)",
        "Verify the coverage for the dates.",
        sub_02,
    ),
    rule("SUB-03", R, Owner.REGISTRATION, TR3, "Correct the relationship or the subscriber.", sub_03),
    rule(
        "SUB-04",
        H,
        Owner.REGISTRATION,
        "42 CFR 411.20-411.206, Medicare secondary payer",
        "Put the payers in order; bill the insurer of work, accident or group plan before Medicare.",
        sub_04,
    ),
    rule(
        "SUB-05", R, Owner.BILLER, TR3, "Post the prior payer's remittance completely, then rebuild.", sub_05
    ),
)
