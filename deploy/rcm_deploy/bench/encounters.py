"""Synthetic encounters for rcm bench claims: what intake would answer and what coding would have said of each.

Five kinds of visit in a fixed mix; every patient is another one, so that no claim repeats another.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from rcm_billing.domain.account import Account
from rcm_billing.domain.master import BillingProvider, Facility, Master, Payer, Submitter
from rcm_shared.contracts.coding import CodingFinalised, FinalDiagnosis, FinalProcedure
from rcm_shared.contracts.envelope import Envelope
from rcm_shared.contracts.intake import CapturedCharge, ClaimForm, CoverageRef, Setting
from rcm_shared.contracts.records import (
    Address,
    ClaimFacts,
    CoverageRecord,
    DatedCode,
    EncounterRecord,
    Encounters,
    PatientPhi,
    ProviderRecord,
    StayRecord,
    ValueRecord,
)
from rcm_shared.contracts.topics import CHART
from rcm_shared.ids import uuid7
from rcm_shared.messaging.delivery import Delivery
from rcm_shared.money import Cents

from rcm_deploy.bench.reference_tables import TAX_ID

FACILITY = "BENCH"
TAXONOMIES = ("282N00000X", "207Q00000X")  # the hospital's and everybody else's
PAYERS = ("BHP01", "BMC01")
RELEASE = "ICD-10-CM:bench"
KINDS_IN_TURN = "OOIOESOODI"  # office, office, imaging, …: three institutional claims in ten
NPIS = ("1912301953", "1245319599", "1234567893")
_HOME = Address(line="1 Bench Lane", city="Springfield", state="IL", postal_code="627020001")
_ANY = UUID(int=0x7 << 76 | 0b10 << 62)


def bench_master() -> Master:
    """Return master data of one hospital with two payers; every charge comes captured."""
    payer = Payer(name="Bench Payer", receiver_id="BENCHPAYER", timely_filing_days=365)
    facility = Facility(
        billing=BillingProvider(
            name="Bench Hospital",
            npi=NPIS[0],
            tax_id=TAX_ID,
            taxonomy=TAXONOMIES[0],
            address=Address(line="200 Bench Way", city="Springfield", state="IL", postal_code="627010001"),
        ),
        place_of_service={"office": "11", "imaging": "22"},
        bill_type={"ed": "13", "inpatient": "11"},
        admission_type={"ed": "1", "inpatient": "1"},
    )
    submitter = Submitter(
        name="Bench Billing", etin="BENCH", contact_name="Billing Office", contact_phone="2175550100"
    )
    return Master(
        edition="bench",
        submitter=submitter,
        facilities={FACILITY: facility},
        payers={name: payer for name in PAYERS},
        chargemaster=(),
    )


@dataclass(frozen=True)
class Visit:
    """One kind of visit: its record as intake's JSON, with marks where a patient differs, and its codes."""

    text: str
    coding: CodingFinalised
    account: Account

    def record(self, number: int, encounter: UUID) -> str:
        """Return the record of one encounter."""
        return (
            self.text.replace(str(_ANY), str(encounter))
            .replace("@NAME@", _letters(number))
            .replace("@NUMBER@", f"{number:08d}")
            .replace("1970-01-01", (date(1950, 1, 1) + timedelta(number % 18_000)).isoformat())
        )


@dataclass(frozen=True)
class Encountered:
    """The encounters of one run, in order."""

    ids: tuple[UUID, ...]
    visits: tuple[Visit, ...]

    @classmethod
    def make(cls, count: int, today: date) -> "Encountered":
        """Choose ids and kinds for that many encounters."""
        kinds = _kinds(today)
        in_turn = tuple(
            kinds[kind][number % len(PAYERS)] for number, kind in enumerate(KINDS_IN_TURN * len(PAYERS))
        )
        return cls(tuple(uuid7() for _ in range(count)), in_turn)

    def visit(self, number: int) -> Visit:
        """Return the kind of one encounter."""
        return self.visits[number % len(self.visits)]

    def accounts(self, numbers: Sequence[int]) -> dict[UUID, Account]:
        """Return the accounts as billing holds them before the final codes come."""
        return {self.ids[n]: self.visit(n).account.but(encounter_id=self.ids[n]) for n in numbers}

    def finalised(self, numbers: Sequence[int], at: datetime) -> list[Delivery]:
        """Return the final codes as they come from the topic."""
        deliveries = []
        for n in numbers:
            event, key = self.visit(n).coding, self.ids[n]
            envelope = Envelope(uuid7(), event.TYPE, "/rcm/coding", key, at, 1, key, None, FACILITY)
            deliveries.append(Delivery(envelope, event.model_dump_json().encode(), CHART.name, 0, n))
        return deliveries

    def codes(self) -> bytes:
        """Return every diagnosis code that stands on these claims, as a code set's file."""
        found = {d.code for visit in self.visits for d in visit.coding.diagnoses}
        return "\n".join(sorted(found)).encode()


class Records:
    """Answers as intake does, without HTTP: the same JSON goes through the same models."""

    def __init__(self, source: Encountered) -> None:
        self._source = source
        self._numbers = {key: n for n, key in enumerate(source.ids)}

    async def fetch(self, ids: Sequence[UUID]) -> dict[UUID, EncounterRecord]:
        """Return the records of these encounters."""
        texts = (self._source.visit(self._numbers[key]).record(self._numbers[key], key) for key in ids)
        answer = Encounters.model_validate_json('{"encounters":[' + ",".join(texts) + "]}")
        return {record.encounter_id: record for record in answer.encounters}


def _letters(number: int) -> str:
    written = ""
    for _ in range(6):
        number, digit = divmod(number, 26)
        written += chr(65 + digit)
    return written


def _provider(role: str, npi: str) -> ProviderRecord:
    return ProviderRecord(
        provider_id=f"prv-{role}",
        role=role,
        npi=npi,
        last_name="Bench",
        first_name=role.title(),
        taxonomy=TAXONOMIES[1],
    )


def _kinds(today: date) -> dict[str, tuple[Visit, ...]]:
    """Return every kind of visit, one for each payer."""
    makers = {"O": _office, "I": _imaging, "E": _ed, "S": _inpatient, "D": _dependent}
    return {kind: tuple(make(today, payer) for payer in PAYERS) for kind, make in makers.items()}


def _visit(
    payer: str,
    setting: Setting,
    days: tuple[date, date],
    diagnoses: Sequence[FinalDiagnosis],
    procedures: Sequence[FinalProcedure],
    *,
    charges: Sequence[CapturedCharge],
    providers: Sequence[ProviderRecord],
    **more: object,
) -> Visit:
    form = ClaimForm.INSTITUTIONAL if setting in (Setting.ED, Setting.INPATIENT) else ClaimForm.PROFESSIONAL
    parent = more.pop("subscriber", None)
    drg = more.pop("drg", None)
    patient = PatientPhi(
        last_name="@NAME@",
        first_name="Bench",
        birth_date=date(1970, 1, 1),
        sex="F",
        address=_HOME,
        medical_record_number="R@NUMBER@",
    )
    coverage = CoverageRecord(
        coverage_id=_ANY,
        payer_id=payer,
        payer_name="Bench Payer",
        relationship="19" if parent else "18",
        member_id="M@NUMBER@",
        subscriber=patient.model_copy(update={"first_name": "Parent"}) if parent else None,
        authorization="A@NUMBER@",
    )
    record = EncounterRecord.model_validate(
        {
            "encounter_id": _ANY,
            "facility_id": FACILITY,
            "source": "bench",
            "external_id": "E@NUMBER@",
            "record_version": 3,
            "state": "documentation_complete",
            "setting": setting,
            "claim_form": form,
            "service_from": days[0],
            "service_through": days[1],
            "patient": patient,
            "coverages": (coverage,),
            "providers": tuple(providers),
            "charges": tuple(charges),
            **more,
        }
    )
    coding = CodingFinalised(
        actor="bench",
        facility_id=FACILITY,
        case_version=1,
        setting=setting,
        claim_form=form,
        service_from=days[0],
        service_through=days[1],
        release=RELEASE,
        diagnoses=tuple(diagnoses),
        procedures=tuple(procedures),
        drg=str(drg) if drg else None,
    )
    account = Account(
        encounter_id=_ANY,
        facility_id=FACILITY,
        setting=setting,
        form=form,
        captured_cents=Cents(sum(charge.charge_cents for charge in charges)),
        captured_version=3,
        coverages=(CoverageRef(coverage_id=_ANY, payer_id=payer, order="P"),),
        coverage_version=3,
    )
    return Visit(json.dumps(json.loads(record.model_dump_json())), coding, account)


def _charge(number: int, code: str, cents: int, on: date, **more: Any) -> CapturedCharge:
    return CapturedCharge(
        charge_id=UUID(int=_ANY.int + number), code=code, charge_cents=Cents(cents), service_date=on, **more
    )


def _cpt(code: str, on: date, *pointers: int, modifiers: tuple[str, ...] = ()) -> FinalProcedure:
    return FinalProcedure(system="CPT", code=code, service_date=on, pointers=pointers, modifiers=modifiers)


def _office(today: date, payer: str, **more: object) -> Visit:
    on = today - timedelta(14)
    return _visit(
        payer,
        Setting.OFFICE,
        (on, on),
        (FinalDiagnosis("M1711", "first-listed"), FinalDiagnosis("I10", "secondary")),
        (
            _cpt("99213", on, 2, modifiers=("25",)),
            _cpt("20610", on, 1, modifiers=("RT",)),
            _cpt("J3301", on, 1),
        ),
        charges=(
            _charge(1, "99213", 14500, on),
            _charge(2, "20610", 22075, on),
            _charge(3, "J3301", 3125, on, ndc="00003029305", ndc_quantity=Decimal("0.5"), ndc_unit="ML"),
        ),
        providers=(_provider("rendering", NPIS[1]), _provider("referring", NPIS[2])),
        **more,
    )


def _dependent(today: date, payer: str) -> Visit:
    return _office(today, payer, subscriber=True)


def _imaging(today: date, payer: str) -> Visit:
    on = today - timedelta(12)
    return _visit(
        payer,
        Setting.IMAGING,
        (on, on),
        (FinalDiagnosis("R911", "first-listed"),),
        (_cpt("71260", on, 1),),
        charges=(_charge(1, "71260", 98000, on),),
        providers=(_provider("rendering", NPIS[1]), _provider("ordering", NPIS[2])),
    )


def _ed(today: date, payer: str) -> Visit:
    on = today - timedelta(10)
    return _visit(
        payer,
        Setting.ED,
        (on, on),
        (FinalDiagnosis("S52532A", "first-listed"), FinalDiagnosis("W010XXA", "external-cause")),
        (_cpt("99283", on, 1, modifiers=("25",)), _cpt("25605", on, 1, modifiers=("LT",))),
        charges=(
            _charge(1, "99283", 54000, on, revenue_code="0450"),
            _charge(2, "25605", 120000, on, revenue_code="0450"),
            _charge(3, "73110", 17500, on, revenue_code="0320"),
        ),
        providers=(_provider("attending", NPIS[1]),),
        claim=ClaimFacts(occurrences=(DatedCode(code="05", on=on),), reasons_for_visit=("S52532A",)),
    )


def _inpatient(today: date, payer: str) -> Visit:
    start, end = today - timedelta(20), today - timedelta(16)
    codes = ("J189", "J9601", "E119", "I10", "Z7984", "Z87891")
    return _visit(
        payer,
        Setting.INPATIENT,
        (start, end),
        tuple(
            FinalDiagnosis(code, "secondary" if n else "principal", "1" if code[0] == "Z" else "Y")
            for n, code in enumerate(codes)
        ),
        (FinalProcedure(system="ICD-10-PCS", code="5A09357", service_date=start),),
        charges=(
            _charge(1, "", 480000, start, revenue_code="0120", units=4),
            _charge(2, "", 61250, start, revenue_code="0250"),
            _charge(3, "71046", 16500, start, revenue_code="0324"),
            _charge(4, "", 22000, start, revenue_code="0300"),
            _charge(5, "", 31000, start, revenue_code="0410"),
        ),
        providers=(_provider("attending", NPIS[1]),),
        stay=StayRecord(
            admitted_at=datetime.combine(start, time(14, 30), UTC),
            discharged_at=datetime.combine(end, time(11), UTC),
            admission_type="1",
            admission_source="1",
            discharge_status="01",
        ),
        claim=ClaimFacts(
            values=(ValueRecord(code="80", hundredths=400), ValueRecord(code="A2", hundredths=10000)),
            condition_codes=("17",),
        ),
        drg="193",
    )
