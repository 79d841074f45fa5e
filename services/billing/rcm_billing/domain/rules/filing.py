"""DAT, TF and DUP: dates, the payer's time limit, and what was billed before."""

from collections import Counter
from datetime import date

from rcm_billing.domain.document import ClaimDocument, ServiceLine
from rcm_billing.domain.reference import NotEvaluatedError
from rcm_billing.domain.rules.lines import is_medicare, procedures, provider_of
from rcm_billing.domain.rules.row import TR3, H, R, rule
from rcm_billing.domain.scrubbing import Owner, Places, ScrubContext
from rcm_billing.domain.timely_filing import counted_from, last_day, late_lines, warn_day

#: CLM20: why a claim is late.
DELAY_REASONS = frozenset({"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "15"})
_REPEAT = frozenset({"76", "77", "91", "59", "XE", "XS", "XP", "XU"})
_ACCIDENT_IN_STATE = "auto"
_LAST_CHIROPRACTIC = "98942"  # 98943 is not spinal
_MATERNITY = frozenset({"59400", "59425", "59426", "59510", "59610", "59618"})


def dat_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Dates are in order, not in the future, not before birth and not after death."""
    places = []
    if claim.service_from > claim.service_through:
        places.append("service-from")
    if claim.service_through > context.today:
        places.append("service-through")
    if claim.service_from < claim.patient.birth_date:
        places.append("DMG02")
    died = claim.patient.death_date
    if died is not None and claim.service_through > died:
        places.append("death-date")
    places += [
        f"line-{line.number}"
        for line in claim.lines
        if not claim.service_from <= line.service_date <= claim.service_through
    ]
    return places


def dat_02(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Accident, pregnancy and initial treatment are dated where required; an auto accident has its state."""
    places = []
    facts = claim.facts
    if claim.accident:
        if claim.accident_date is None:
            places.append("DTP*439")
        if claim.accident == _ACCIDENT_IN_STATE and not claim.accident_state:
            places.append("CLM11-4")
    codes = {line.code for line in claim.lines}
    adjusted = any(code.startswith("9894") and code <= _LAST_CHIROPRACTIC for code in codes)
    if adjusted and is_medicare(claim) and facts.initial_treatment_on is None:
        places.append("DTP*454")
    if codes & _MATERNITY and facts.last_menstrual_period_on is None:
        places.append("DTP*484")
    dated: tuple[tuple[str, date | None], ...] = (
        ("DTP*439", claim.accident_date),
        ("DTP*431", facts.onset_on),
        ("DTP*484", facts.last_menstrual_period_on),
        ("DTP*454", facts.initial_treatment_on),
    )
    places += [place for place, day in dated if day is not None and day > claim.service_through]
    return places


def _late(claim: ClaimDocument, context: ScrubContext) -> Places:
    if context.payer is None:
        raise NotEvaluatedError("payer")
    late = late_lines(claim, context.payer, context.today)
    return [f"line-{number}" if number else "service-date" for number in late]


def tf_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The claim is filed within the payer's limit: Medicare's calendar year, else its days; at 80 % it warns."""
    places = _late(claim, context)
    if places:
        return [] if claim.facts.delay_reason else places  # TF-02 judges the reason
    payer = context.payer
    if payer is not None:
        start = counted_from(claim)
        if context.today > warn_day(start, last_day(start, payer)):
            places.append("warn:service-date")
    return places


def tf_02(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A late claim carries a delay reason and the evidence for it; a reason has a code of the guide."""
    reason = claim.facts.delay_reason
    if reason and reason not in DELAY_REASONS:
        return ["CLM20"]
    if not _late(claim, context):
        return []
    places = [] if reason else ["CLM20"]
    if not claim.facts.attachments:
        places.append("PWK")
    return places


def _same(line: ServiceLine) -> tuple[object, ...]:
    return line.code, line.modifiers, line.service_date, line.units, line.charge_cents


def dup_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """No other open or paid claim of the patient carries the same line of the same provider, and none stands twice."""
    places = ["claim"] if context.duplicate else []
    lines = [line for line in procedures(claim) if not _REPEAT & set(line.modifiers)]
    seen = Counter(_same(line) for line in lines)
    billed = {
        (
            service.code,
            service.modifiers,
            service.service_date,
            service.units,
            service.charge_cents,
            service.npi,
        )
        for prior in context.history or ()
        if prior.billed and prior.form == claim.form.value and prior.order == claim.coverage.order
        for service in prior.services
    }
    for line in lines:
        same = _same(line)
        if seen[same] > 1 or (billed and (*same, provider_of(claim, line)[0]) in billed):
            places.append(f"line-{line.number}")
    return places


RULES = (
    rule("DAT-01", R, Owner.REGISTRATION, TR3, "Correct the dates of service, birth or death.", dat_01),
    rule(
        "DAT-02",
        R,
        Owner.REGISTRATION,
        TR3,
        "Add the date that the accident, pregnancy or treatment needs, and the state of an auto accident.",
        dat_02,
    ),
    rule(
        "TF-01",
        R,
        Owner.BILLER,
        "42 CFR 424.44 or the payer's contract",
        "File at once; a late claim needs a delay reason with proof of timely filing.",
        tf_01,
        needs=("payer",),
    ),
    rule(
        "TF-02",
        R,
        Owner.BILLER,
        f"{TR3}, CLM20 and PWK",
        "Give the delay reason and attach the evidence for it.",
        tf_02,
        needs=("payer",),
    ),
    rule(
        "DUP-01", H, Owner.BILLER, "CARC 18", "Confirm a repeat service with a modifier, or void one.", dup_01
    ),
)
