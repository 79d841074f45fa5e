"""PX-10 and PX-13 to PX-16: what the patient is, had before, and where the service was given."""

from rcm_billing.domain.document import ClaimDocument, ServiceLine
from rcm_billing.domain.history import PriorClaim, PriorService
from rcm_billing.domain.reference import NotEvaluatedError
from rcm_billing.domain.rules.lines import (
    age_on,
    is_face_to_face,
    is_new_patient_visit,
    is_professional,
    is_visit,
    procedures,
    provider_of,
    same_specialty,
    years_before,
)
from rcm_billing.domain.rules.row import PROFESSIONAL, H, R, rule
from rcm_billing.domain.scrubbing import Owner, Places, ScrubContext

_GLOBAL = {"010": 10, "090": 90}  # days after the day of the procedure
_VISIT_IN_GLOBAL = frozenset({"24", "25", "57", "58", "78", "79"})
_SURGERY_IN_GLOBAL = frozenset({"58", "76", "77", "78", "79", "55"})
_GENDER_INCONGRUENCE = "45"  # condition code: the sex on file does not decide
_REPEAT_VISIT = frozenset({"25", "27", "57", "24"})
TELEHEALTH = frozenset({"02", "10"})
#: Place of service codes of CMS, without their names.
PLACES = frozenset(
    "01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 31 32 33 34 41 42 49 50 51 52 53"
    " 54 55 56 57 58 60 61 62 65 66 71 72 81 99".split()
)
#: Visits that belong to one kind of place: first and last code, places.
_VISIT_PLACES = (
    ("99221", "99239", frozenset({"02", "10", "19", "21", "22", "23", "31", "51", "52", "56", "61"})),
    ("99281", "99285", frozenset({"02", "10", "23"})),
    ("99304", "99316", frozenset({"02", "10", "31", "32", "54", "56", "61"})),
    ("99341", "99350", frozenset({"02", "04", "10", "12", "13", "14", "16", "33", "55"})),
)


def _prior(
    claim: ClaimDocument, line: ServiceLine, history: tuple[PriorClaim, ...]
) -> list[tuple[PriorClaim, PriorService]]:
    """Return the professional services that the same provider or specialty gave the patient before."""
    return [
        (prior, service)
        for prior in history
        if prior.form == claim.form.value
        for service in prior.services
        if same_specialty(claim, line, service, prior.billing_npi)
    ]


def px_10(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A service inside the global period of an earlier operation says with a modifier why it is paid apart."""
    places: Places = []
    lines = [line for line in procedures(claim) if is_face_to_face(line.code)]
    if not lines:
        return places
    if context.history is None:
        raise NotEvaluatedError("history")
    for line in lines:
        allowed = _VISIT_IN_GLOBAL if is_visit(line.code) else _SURGERY_IN_GLOBAL
        if allowed & set(line.modifiers):
            continue
        for _, service in _prior(claim, line, context.history):
            gap = (line.service_date - service.service_date).days
            if (
                not 0 < gap <= 90 or "54" in service.modifiers
            ):  # 54: somebody else cares for the patient after
                continue
            table = context.reference.fees.need(service.service_date, places)
            fee = table.one(service.code, service.service_date)
            if fee is None or gap > _GLOBAL.get(fee.global_days, 0):
                continue
            if not is_visit(line.code):
                own = context.reference.fees.need(line.service_date, places).one(line.code, line.service_date)
                if own is None or own.global_days not in ("000", *_GLOBAL):
                    continue  # no operation: the global period does not hold its payment
            places.append(f"line-{line.number}@{table.name}")
            break
    return places


def px_13(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Every procedure fits the patient's age and sex."""
    places: Places = []
    patient = claim.patient
    for line in procedures(claim):
        table = context.reference.procedure_limits.need(line.service_date, places)
        for row in table.of(line.code, line.service_date):
            age = age_on(patient.birth_date, line.service_date)
            if (
                (row.age_from is not None and age < row.age_from)
                or (row.age_to is not None and age > row.age_to)
                or (
                    row.sex
                    and patient.sex in ("F", "M")
                    and patient.sex != row.sex
                    and _GENDER_INCONGRUENCE not in claim.facts.condition_codes
                )
            ):
                places.append(f"line-{line.number}")
    return places


def _visit_fits(code: str, place: str) -> bool:
    return not any(first <= code <= last and place not in places for first, last, places in _VISIT_PLACES)


def px_14(claim: ClaimDocument, context: ScrubContext) -> Places:
    """The place of service is valid and fits the code; a telehealth place has the modifier that the payer wants."""
    places: Places = []
    unknown = ""
    for line in procedures(claim):
        place, day = line.place_of_service or claim.facility_code, line.service_date
        if not place:
            continue  # FMT-01 says so
        listed = context.reference.places.on(day)
        if place not in PLACES if listed is None else not listed.has(place, day):
            places.append(f"line-{line.number}")
            continue
        if is_visit(line.code) and not _visit_fits(line.code, place):
            places.append(f"line-{line.number}")
            continue
        limits = context.reference.place_rules.on(day)
        limit = limits.longest(line.code, day) if limits else None
        if limit is not None and place not in limit.places:
            places.append(f"line-{line.number}")
            continue
        if place not in TELEHEALTH:
            continue
        wishes = context.reference.telehealth.on(day)
        if wishes is None:
            unknown = "telehealth"
            continue
        rows = wishes.of(f"{claim.coverage.payer_id} {place}", day) or wishes.of(f" {place}", day)
        wanted = {mark for row in rows for mark in row.modifiers}
        if wanted and not wanted & set(line.modifiers):
            places.append(f"line-{line.number}")
    if unknown:
        raise NotEvaluatedError(unknown, places)
    return places


def px_15(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A visit of a new patient: nobody of the same specialty and group saw the patient in the last three years."""
    places: Places = []
    for line in procedures(claim):
        if not is_new_patient_visit(line.code):
            continue
        if context.history is None:
            raise NotEvaluatedError("history", places)
        since = years_before(line.service_date)
        if any(
            since < service.service_date < line.service_date
            and is_face_to_face(service.code)
            and "26" not in service.modifiers
            for _, service in _prior(claim, line, context.history)
        ):
            places.append(f"line-{line.number}")
    return places


def px_16(claim: ClaimDocument, context: ScrubContext) -> Places:
    """Not more than one visit of the same day, provider and specialty without a modifier that explains it."""
    places: Places = []
    seen: set[tuple[object, str]] = set()
    visits = [line for line in procedures(claim) if is_visit(line.code)]
    for line in visits:
        npi, specialty = provider_of(claim, line)
        key = (line.service_date, specialty or npi)
        explained = bool(_REPEAT_VISIT & set(line.modifiers))
        if key in seen and not explained:
            places.append(f"line-{line.number}")
        seen.add(key)
    if not visits or not is_professional(claim):
        return places
    if context.history is None:
        raise NotEvaluatedError("history", places)
    for line in visits:
        place = f"line-{line.number}"
        if place in places or _REPEAT_VISIT & set(line.modifiers):
            continue
        if any(
            service.service_date == line.service_date
            and is_visit(service.code)
            and not _REPEAT_VISIT & set(service.modifiers)
            for _, service in _prior(claim, line, context.history)
        ):
            places.append(place)
    return places


RULES = (
    rule(
        "PX-10",
        H,
        Owner.CODER,
        "CMS claims processing manual, chapter 12, 40 (global surgery)",
        "Say with 24, 58, 78 or 79 why the service is paid apart, or do not bill it.",
        px_10,
        form=PROFESSIONAL,
        needs=("mpfs-rvu", "history"),
    ),
    rule(
        "PX-13",
        R,
        Owner.CODER,
        "CMS IOCE edits 7 and 8",
        "Choose the code for the patient's age and sex, or correct them at registration.",
        px_13,
        needs=("procedure_limits",),
    ),
    rule(
        "PX-14",
        R,
        Owner.BILLER,
        "CMS place of service codes; the payer's telehealth policy",
        "Correct the place of service, or add the telehealth modifier that the payer wants.",
        px_14,
        form=PROFESSIONAL,
        needs=("places", "place_rules", "telehealth"),
    ),
    rule(
        "PX-15",
        H,
        Owner.CODER,
        "AMA CPT, new and established patient",
        "Use the established patient code: the specialty saw the patient within three years.",
        px_15,
        form=PROFESSIONAL,
        needs=("history",),
    ),
    rule(
        "PX-16",
        H,
        Owner.CODER,
        "CMS claims processing manual, chapter 12, 30.6.5; the payer",
        "Join the visits of the day in one code, or say with a modifier that the second was separate.",
        px_16,
        needs=("history",),
    ),
)
