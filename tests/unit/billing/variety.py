"""Claims of every shape that the writer knows, chosen by a seed: who, where, what, when and who paid before."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from rcm_billing.domain.document import (
    Adjustment,
    ClaimDocument,
    Diagnosis,
    Drug,
    PriorLine,
    PriorPayer,
    Procedure,
    ServiceLine,
)
from rcm_shared.contracts.intake import ClaimForm, Setting
from rcm_shared.contracts.records import (
    Address,
    AttachmentRecord,
    ClaimFacts,
    DatedCode,
    PatientPhi,
    ProviderRecord,
    ServiceFacilityRecord,
    StayRecord,
    ValueRecord,
)
from rcm_shared.money import Cents
from unit.billing import cases

NPIS = ("1245319599", "1234567893", "1912301953")
DAY = date(2026, 8, 10)
ELSEWHERE = Address(line="9 Other Road", city="Peoria", state="IL", postal_code="61602-0001")
NAMES = ("O'Hara", "Müller-Ñandú", "Van der Berg III", "Lee", "Æsop, Jr.", "A" * 80)
CODES = ("S52532A", "W010XXA", "J189", "J9601", "E119", "I10", "M1711", "Z7984", "N179", "D225", "K4290")


def claims(form: ClaimForm, count: int, seed: int) -> Iterator[ClaimDocument]:
    """Give that many claims of one form."""
    chance = random.Random(seed)
    for number in range(count):
        yield _claim(chance, form, number)


def _maybe(chance: random.Random, share: float = 0.4) -> bool:
    return chance.random() < share


def _person(chance: random.Random, number: int) -> PatientPhi:
    return PatientPhi(
        last_name=chance.choice(NAMES),
        first_name=chance.choice(("Ann", "José", "Bo~b*", "")) or "X",
        middle_name=chance.choice(("", "Q", "van~")),
        birth_date=date(1940, 1, 1) + timedelta(chance.randrange(25_000)),
        sex=chance.choice("MFU"),
        address=Address(
            line=chance.choice(("1 Main St", "2^3 Élan* Way", "N" * 90)),
            city=chance.choice(("Springfield", "São Paulo")),
            state="IL",
            postal_code=chance.choice(("62702", "62702-1234", "627021234")),
        ),
        medical_record_number=chance.choice(("", f"R-{number}/{number}")),
        death_date=DAY + timedelta(9) if _maybe(chance, 0.1) else None,
    )


def _provider(chance: random.Random, role: str, npi: str = "") -> ProviderRecord:
    return ProviderRecord(
        provider_id=f"dr-{role}",
        role=role,
        npi=npi or chance.choice(NPIS),
        last_name=chance.choice(NAMES),
        first_name=chance.choice(("Dana", "", "Zoë")),
        taxonomy=chance.choice(("", "207N00000X")),
    )


def _facts(chance: random.Random, form: ClaimForm) -> ClaimFacts:
    institutional = form is ClaimForm.INSTITUTIONAL
    occurrences = [
        DatedCode(code=code, on=DAY, through=DAY + timedelta(2) if span else None)
        for code, span in (("11", False), ("05", False), ("70", True), ("74", True))
        if _maybe(chance)
    ]
    attachments = [
        AttachmentRecord(report_type="OZ", transmission="EL", control="AC-1"),
        AttachmentRecord(report_type="OB", transmission="AA"),
        AttachmentRecord(report_type="B4", transmission="FX", control="AC-3"),
    ]
    return ClaimFacts(
        referral="RF100" if _maybe(chance) else "",
        clia="14D1234567" if _maybe(chance) else "",
        note=chance.choice(("", "Sent *late* because: of ~a storm\r\n" * 4)),
        delay_reason=chance.choice(("", "7", "11")),
        onset_on=DAY - timedelta(3) if _maybe(chance) else None,
        last_menstrual_period_on=DAY - timedelta(20) if _maybe(chance) else None,
        initial_treatment_on=DAY - timedelta(1) if _maybe(chance) else None,
        attachments=tuple(attachments[: chance.randrange(4)]),
        service_facility=chance.choice(
            (
                None,
                ServiceFacilityRecord(name="Peoria Site", npi=NPIS[1], address=ELSEWHERE),
                ServiceFacilityRecord(name="Peoria Site", address=ELSEWHERE),
            )
        ),
        condition_codes=tuple(f"{n:02d}" for n in range(1, chance.choice((1, 3, 16)))),
        occurrences=tuple(occurrences) if institutional else (),
        values=tuple(
            ValueRecord(code=f"{80 + n}", hundredths=400 + n) for n in range(chance.choice((0, 2, 14)))
        )
        if institutional
        else (),
        reasons_for_visit=("S52.532A", "R05.9")[: chance.randrange(3)] if institutional else (),
    )


def _adjustments(chance: random.Random, cents: int, groups: str) -> tuple[Adjustment, ...]:
    """Split an amount over groups, in one of them with more reasons than one segment holds."""
    found = []
    for group in groups.split():
        for reason in range(chance.choice((1, 1, 3, 8))):
            found.append((group, str(45 + reason)))
    shares = [cents // len(found)] * len(found)
    shares[-1] += cents - sum(shares)
    return tuple(
        Adjustment(group=group, code=code, cents=Cents(share))
        for (group, code), share in zip(found, shares, strict=True)
    )


def _prior(chance: random.Random, order: str, lines: tuple[ServiceLine, ...], by_line: bool) -> PriorPayer:
    coverage = cases.a_coverage(order, "DMC01" if order == "P" else "DHP01", f"ID{order}100")
    if _maybe(chance, 0.3):
        coverage = coverage.model_copy(update={"relationship": "01", "subscriber": _person(chance, 1)})
    charge = sum(line.charge_cents for line in lines)
    if not by_line:
        paid = charge // 3
        return PriorPayer(
            coverage=coverage,
            paid_cents=Cents(paid),
            remaining_cents=Cents(charge - paid),
            adjudicated_on=DAY + timedelta(20),
            payer_control="ICN-9",
            adjustments=_adjustments(chance, charge - paid, "PR"),
        )
    decided = tuple(
        PriorLine(
            line_number=line.number,
            paid_cents=Cents(line.charge_cents // 2),
            code=line.code,
            revenue_code=line.revenue_code,
            modifiers=line.modifiers,
            units=line.units,
            adjustments=_adjustments(chance, line.charge_cents - line.charge_cents // 2, "CO PR"),
        )
        for line in lines
    )
    return PriorPayer(
        coverage=coverage,
        paid_cents=Cents(sum(line.paid_cents for line in decided)),
        remaining_cents=Cents(0),
        adjudicated_on=DAY + timedelta(20),
        payer_control=chance.choice(("", "ICN-9")),
        lines=decided,
    )


def _lines(chance: random.Random, form: ClaimForm, control: str, diagnoses: int) -> tuple[ServiceLine, ...]:
    professional = form is ClaimForm.PROFESSIONAL
    found = []
    for number in range(1, chance.choice((2, 4, 9)) + 1):
        timed = professional and _maybe(chance, 0.15)
        drug = None
        if _maybe(chance, 0.25):
            quantity = chance.choice((Decimal("0.5"), Decimal(2), Decimal("1E+2"), Decimal("12.500")))
            drug = Drug(
                ndc="00071015523", quantity=quantity, unit=chance.choice(("ML", "UN", "F2", "GR", "ME"))
            )
        found.append(
            ServiceLine(
                number=number,
                control=f"{control}L{number}",
                code="00790"
                if timed
                else chance.choice(("17110", "99213", "J3301"))
                if professional or number % 2
                else "",
                modifiers=("25", "RT", "59", "XS")[: chance.randrange(5)],
                revenue_code="" if professional else chance.choice(("0450", "0250", "0120")),
                charge_cents=Cents(chance.choice((1, 125, 12500, 999_999_99))),
                units=95 if timed else chance.choice((1, 4, 120)),
                basis="MJ" if timed else "UN" if professional or _maybe(chance, 0.8) else "DA",
                service_date=DAY + timedelta(chance.randrange(4)),
                pointers=tuple(range(1, min(diagnoses, 4) + 1)) if professional else (),
                place_of_service=chance.choice(("", "11", "12")) if professional else "",
                rendering=_provider(chance, "rendering") if _maybe(chance, 0.2) else None,
                drug=drug,
                minutes=95 if timed else None,
            )
        )
    return tuple(found)


def _claim(chance: random.Random, form: ClaimForm, number: int) -> ClaimDocument:
    professional = form is ClaimForm.PROFESSIONAL
    setting = (
        Setting.OFFICE if professional else chance.choice((Setting.INPATIENT, Setting.ED, Setting.SURGERY))
    )
    inpatient = setting is Setting.INPATIENT
    base = cases.a_claim(cases.an_office_record(number + 1))
    many = chance.sample(CODES, chance.choice((1, 2, 6, 11)))
    diagnoses = tuple(
        Diagnosis(
            code=code,
            role="external-cause" if code[0] == "W" and n else "secondary" if n else "principal",
            poa=chance.choice(("Y", "N", "U", "W", "1")) if inpatient else None,
        )
        for n, code in enumerate(many)
    )
    lines = _lines(chance, form, base.claim_control, len(diagnoses))
    order = chance.choice("PPPST")
    orders = "PST"[: "PST".index(order)]
    prior = tuple(_prior(chance, earlier, lines, _maybe(chance, 0.7)) for earlier in orders)
    patient = _person(chance, number)
    coverage = cases.a_coverage(order, "SUP01" if order != "P" else "DHP01", f"M{number:06d}").model_copy(
        update={"authorization": chance.choice(("", "AUTH 1")), "group_number": chance.choice(("", "G-1"))}
    )
    if _maybe(chance, 0.3):
        subscriber = _person(chance, number)
        coverage = coverage.model_copy(
            update={"relationship": chance.choice(("01", "19", "G8")), "subscriber": subscriber}
        )
    roles = (
        ("rendering", "referring", "supervising", "ordering")
        if professional
        else ("attending", "operating", "other-operating", "rendering", "referring")
    )
    providers = [_provider(chance, role) for role in roles if _maybe(chance, 0.6)]
    if not professional and not any(p.role == "attending" for p in providers):
        providers.append(_provider(chance, "attending"))
    stay = StayRecord(
        admitted_at=datetime(2026, 8, 10, 14, 30, tzinfo=UTC),
        discharged_at=datetime(2026, 8, 14, 11, 5, tzinfo=UTC),
    )
    accident = chance.choice(("", "", "auto", "work", "other"))
    frequency = chance.choice(("1", "1", "7", "8") if professional else ("1", "1", "2", "3", "4", "7", "8"))
    return base.model_copy(
        update={
            "form": form,
            "setting": setting,
            "frequency": frequency,
            "original_reference": "ICN-77" if frequency in "78" else "",
            "trace": chance.choice(("", base.claim_control)),
            "service_from": DAY,
            "service_through": DAY + timedelta(4),
            "facility_code": chance.choice(("11", "21")) if professional else "11" if inpatient else "13",
            "patient": patient,
            "coverage": coverage,
            "prior_payers": prior,
            "providers": tuple(providers),
            "diagnoses": diagnoses,
            "admitting": "J189" if inpatient else "",
            "procedures": tuple(
                Procedure(code=f"5A0935{n % 10}", service_date=DAY) for n in range(chance.choice((0, 1, 15)))
            )
            if inpatient
            else (),
            "lines": lines,
            "stay": stay if inpatient or professional else None,
            "admission_type": chance.choice("123"),
            "admission_source": "1",
            "discharge_status": "30" if frequency in "23" else "01",
            "drg": "193" if inpatient else None,
            "accident": accident,
            "accident_state": "IL" if accident == "auto" else "",
            "accident_date": DAY if accident else None,
            "charge_cents": Cents(sum(line.charge_cents for line in lines)),
            "facts": _facts(chance, form),
        }
    )
