"""The 837 writer: golden bytes (tests/component gives them to another validator), data that stays in its element."""

import io
import re
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pytest
import pyx12.params
import pyx12.x12n_document
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_billing.domain.cob import prior_payer
from rcm_billing.domain.document import Adjustment, ClaimDocument
from rcm_billing.domain.errors import WireRefused
from rcm_billing.domain.remittance import PaidClaim, PaidLine
from rcm_billing.x12 import gate
from rcm_billing.x12.reader import read_interchanges
from rcm_billing.x12.segment import identifier, text
from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure
from rcm_shared.contracts.intake import CapturedCharge, ClaimForm, Setting
from rcm_shared.contracts.records import (
    Address,
    AttachmentRecord,
    ClaimFacts,
    DatedCode,
    PatientPhi,
    ProviderRecord,
    ServiceFacilityRecord,
    ValueRecord,
)
from rcm_shared.money import Cents
from unit.billing import cases

GOLDEN = cases.ROOT / "tests" / "unit" / "billing" / "golden"
ED_DAY = date(2026, 8, 20)
SITE = ServiceFacilityRecord(
    name="Peoria Site",
    npi="1234567893",
    address=Address(line="9 Other Road", city="Peoria", state="IL", postal_code="616020001"),
)


def an_ed_claim() -> ClaimDocument:
    """Return the wrist fracture visit: revenue lines, external cause, reason for visit, bilateral lines."""
    record = cases.an_inpatient_record(
        3,
        setting=Setting.ED,
        service_from=ED_DAY,
        service_through=ED_DAY,
        stay=None,
        providers=(
            ProviderRecord(
                provider_id="dr-3", role="attending", npi="1245319599", last_name="O'Hara", first_name="Ed"
            ),
        ),
        charges=(
            CapturedCharge(
                charge_id=cases.charge_id(31),
                code="99283",
                charge_cents=Cents(54000),
                service_date=ED_DAY,
                modifiers=("25",),
            ),
            CapturedCharge(
                charge_id=cases.charge_id(32),
                code="73110",
                charge_cents=Cents(17500),
                service_date=ED_DAY,
                revenue_code="0320",
            ),
        ),
    )
    coding = cases.an_inpatient_coding(
        setting=Setting.ED,
        service_from=ED_DAY,
        service_through=ED_DAY,
        drg=None,
        diagnoses=(
            FinalDiagnosis(code="S52.532A", role="first-listed"),
            FinalDiagnosis(code="W01.0XXA", role="external-cause"),
        ),
        procedures=(
            FinalProcedure(system="CPT", code="99283", service_date=ED_DAY, modifiers=("25",), pointers=(1,)),
            FinalProcedure(system="CPT", code="25605", service_date=ED_DAY, modifiers=("LT",), pointers=(1,)),
        ),
    )
    return cases.a_claim(record, coding)


def a_secondary_claim() -> ClaimDocument:
    """Return the office visit as it goes to the second payer, with the first one's decision."""
    record = cases.an_office_record(
        4, coverages=(cases.a_coverage(payer_id="DMC01"), cases.a_coverage("S", "SUP01", "SSZQ0004"))
    )
    primary = cases.a_claim(record)
    paid = PaidClaim(
        ordinal=1,
        claim_control=primary.claim_control,
        status="1",
        charge_cents=Cents(21000),
        paid_cents=Cents(13440),
        patient_cents=Cents(3360),
        payer_control="ICN1",
        lines=(
            PaidLine(
                code="17110",
                charge_cents=Cents(21000),
                paid_cents=Cents(13440),
                control=primary.lines[0].control,
                adjustments=(
                    Adjustment(group="CO", code="45", cents=Cents(4200)),
                    Adjustment(group="PR", code="2", cents=Cents(3360)),
                ),
            ),
        ),
    )
    prior = prior_payer(paid, record.coverages[0], primary.lines, date(2026, 9, 20))
    return cases.a_claim(record, order="S", prior_payers=(prior,))


def a_dependent_claim() -> ClaimDocument:
    """Return the office visit of a child on a parent's coverage."""
    parent = cases.PATIENT.model_copy(update={"first_name": "Vera", "birth_date": date(1955, 1, 2)})
    coverage = cases.a_coverage().model_copy(update={"relationship": "19", "subscriber": parent})
    return cases.a_claim(cases.an_office_record(5, coverages=(coverage,)))


def a_full_professional_claim() -> ClaimDocument:
    """Return a visit after an accident with everything that an 837P carries once."""
    facts = ClaimFacts(
        referral="RF100",
        clia="14D1234567",
        note="Patient seen after hours",
        delay_reason="7",
        onset_on=cases.OFFICE_DAY - timedelta(2),
        last_menstrual_period_on=cases.OFFICE_DAY - timedelta(20),
        initial_treatment_on=cases.OFFICE_DAY - timedelta(1),
        attachments=(AttachmentRecord(report_type="OZ", transmission="EL", control="ATT1"),),
        service_facility=SITE,
        condition_codes=("17",),
    )
    record = cases.an_office_record(
        6,
        claim=facts,
        accident="auto",
        accident_state="IL",
        accident_date=cases.OFFICE_DAY - timedelta(3),
        coverages=(cases.a_coverage().model_copy(update={"authorization": "AUTH100"}),),
        providers=tuple(
            a_provider(role, npi)
            for role, npi in (
                ("rendering", "1245319599"),
                ("referring", "1234567893"),
                ("supervising", "1912301953"),
                ("ordering", "1234567893"),
            )
        ),
        charges=(
            a_charge(1, "00790", 90000, minutes=95, rendering_npi="1912301953"),
            a_charge(2, "J3301", 3125, ndc="00003029305", ndc_quantity=Decimal("2.5"), ndc_unit="ML"),
        ),
    )
    return cases.a_claim(
        record,
        cases.an_office_coding(
            procedures=tuple(
                FinalProcedure(system="CPT", code=code, service_date=cases.OFFICE_DAY, pointers=(1,))
                for code in ("00790", "J3301")
            )
        ),
    )


def a_full_institutional_claim() -> ClaimDocument:
    """Return the pneumonia stay with every kind of code that a UB-04 carries."""
    facts = ClaimFacts(
        referral="RF100",
        note="Interim charges included",
        attachments=(AttachmentRecord(report_type="B4", transmission="FX", control="ATT2"),),
        service_facility=SITE,
        condition_codes=("17", "41"),
        occurrences=(
            DatedCode(code="11", on=date(2026, 8, 8)),
            DatedCode(code="70", on=date(2026, 8, 10), through=date(2026, 8, 13)),
        ),
        values=(ValueRecord(code="80", hundredths=400), ValueRecord(code="A2", hundredths=123456)),
    )
    base = cases.an_inpatient_record(7)
    providers = tuple(
        a_provider(role, npi)
        for role, npi in (
            ("attending", "1234567893"),
            ("operating", "1245319599"),
            ("other-operating", "1912301953"),
            ("referring", "1245319599"),
        )
    )
    return cases.a_claim(
        base.model_copy(update={"claim": facts, "providers": providers}), cases.an_inpatient_coding()
    )


def a_tertiary_claim() -> ClaimDocument:
    """Return the office visit as it goes to a third payer, with seven reasons of one group from the first."""
    found = a_secondary_claim()
    first, line = found.prior_payers[0], found.prior_payers[0].lines[0]
    many = tuple(Adjustment(group="CO", code=str(code), cents=Cents(600)) for code in range(45, 52))
    first = first.model_copy(
        update={"lines": (line.model_copy(update={"adjustments": (*many, line.adjustments[1])}),)}
    )
    left = Cents(first.remaining_cents - 1000)
    second = first.model_copy(
        update={
            "coverage": cases.a_coverage("S", "DHP01", "PDZQ0009"),
            "paid_cents": Cents(1000),
            "remaining_cents": left,
            "lines": (
                line.model_copy(
                    update={
                        "paid_cents": Cents(1000),
                        "adjustments": (
                            Adjustment(group="OA", code="23", cents=Cents(21000 - 1000 - left)),
                            Adjustment(group="PR", code="2", cents=left),
                        ),
                    }
                ),
            ),
        }
    )
    third = cases.a_coverage("T", "SUP01", "TTZQ0004")
    return found.model_copy(update={"coverage": third, "prior_payers": (first, second)})


def a_provider(role: str, npi: str) -> ProviderRecord:
    """Return somebody in a role."""
    return ProviderRecord(
        provider_id=f"dr-{role}", role=role, npi=npi, last_name=role.title(), first_name="Pat"
    )


def a_charge(number: int, code: str, cents: int, **more: Any) -> CapturedCharge:
    """Return a charge of the office day."""
    return CapturedCharge(
        charge_id=cases.charge_id(60 + number),
        code=code,
        charge_cents=Cents(cents),
        service_date=cases.OFFICE_DAY,
        **more,
    )


CLAIMS = {
    "full-837p": a_full_professional_claim,
    "full-837i": a_full_institutional_claim,
    "tertiary-837p": a_tertiary_claim,
    "office-mole-837p": lambda: cases.a_claim(),
    "inpatient-pneumonia-837i": lambda: cases.a_claim(
        cases.an_inpatient_record(), cases.an_inpatient_coding()
    ),
    "ed-wrist-fracture-837i": an_ed_claim,
    "secondary-837p": a_secondary_claim,
    "dependent-837p": a_dependent_claim,
}


@lru_cache(maxsize=1)
def _keep_maps() -> None:
    gate.keep_maps()


def passes_pyx12(data: bytes) -> bool:
    """Ask the independent validator."""
    _keep_maps()
    return bool(
        pyx12.x12n_document.x12n_document(
            pyx12.params.params(), io.StringIO(data.decode("ascii")), None, None, fd_json=io.StringIO()
        )
    )


@pytest.mark.parametrize("name", CLAIMS)
def test_written_claim_equals_its_golden_file(name: str) -> None:
    data = cases.interchange_of(CLAIMS[name]())
    path = GOLDEN / f"{name}.837"
    assert data.decode("ascii") == path.read_text(encoding="ascii")


def test_writing_twice_gives_the_same_bytes() -> None:
    claims = [cases.a_claim(cases.an_office_record(number)) for number in range(1, 4)]
    assert cases.interchange_of(*claims) == cases.interchange_of(*claims)


def test_batch_with_dependents_numbers_its_levels_and_passes_pyx12() -> None:
    claims = [cases.a_claim(cases.an_office_record(1)), a_dependent_claim(), a_secondary_claim()]
    data = cases.interchange_of(*[c for c in claims if c.coverage.payer_id == "DHP01"])
    assert passes_pyx12(data)
    levels = [s.elements for s in read_interchanges(data)[0].sets[0].segments if s.tag == "HL"]
    assert [(level[1], level[2], level[3]) for level in levels] == [
        ("1", "", "20"),
        ("2", "1", "22"),
        ("3", "1", "22"),
        ("4", "3", "23"),
    ]


def test_line_total_equals_claim_total() -> None:
    for make in CLAIMS.values():
        claim = make()
        assert claim.charge_cents == sum(line.charge_cents for line in claim.lines)


def test_institutional_outpatient_bills_charge_driven_lines_but_not_uncoded_surgery() -> None:
    claim = an_ed_claim()
    assert [line.code for line in claim.lines] == ["99283", "25605", "73110"]
    assert claim.lines[1].charge_cents == cases.MASTER.price("25605", ED_DAY).charge_cents  # type: ignore[union-attr]
    assert all(line.revenue_code for line in claim.lines)
    assert claim.form is ClaimForm.INSTITUTIONAL


HOSTILE = st.text(alphabet=st.sampled_from("AZ09 '*:~^\n\r\x00\x1c>|éÑß%"), min_size=1, max_size=40)


@given(last=HOSTILE, first=HOSTILE, street=HOSTILE)
@settings(max_examples=60, deadline=None)
def test_free_text_cannot_inject_segments_or_elements(last: str, first: str, street: str) -> None:
    address = cases.PATIENT.address
    assert address is not None
    hostile = PatientPhi(
        last_name=f"A{last}",
        first_name=f"B{first}",
        birth_date=cases.PATIENT.birth_date,
        sex="F",
        address=address.model_copy(update={"line": f"1 {street}"}),
        medical_record_number=cases.PATIENT.medical_record_number,
    )
    plain = cases.interchange_of(cases.a_claim())
    data = cases.interchange_of(cases.a_claim(cases.an_office_record(patient=hostile)))
    before, after = ([s.tag for s in read_interchanges(d)[0].sets[0].segments] for d in (plain, data))
    assert before == after
    assert data.isascii()
    assert data.count(b":") == plain.count(b":")
    assert data.count(b"^") == plain.count(b"^")


#: What other elements depend on, or what the document's model already restricts.
STEERING = {"relationship", "role", "accident", "sex", "discharge_status", "frequency", "setting", "form"}


def texts(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every free or coded text in a document."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in texts(inner, (*path, key))]
    if isinstance(value, tuple | list):
        return [found for n, inner in enumerate(value) for found in texts(inner, (*path, n))]
    return [path] if isinstance(value, str) and value and path[-1] not in STEERING else []


def with_text(value: Any, path: tuple[Any, ...], text: str) -> Any:
    """Return a copy with another text at a path."""
    if not path:
        return text
    if isinstance(value, dict):
        return value | {path[0]: with_text(value[path[0]], path[1:], text)}
    return [with_text(v, path[1:], text) if n == path[0] else v for n, v in enumerate(value)]


FULL = {
    name: (
        claim,
        claim.model_dump(),
        texts(claim.model_dump()),
        cases.interchange_of(claim, payer_id="DHP01"),
    )
    for name, claim in ((name, CLAIMS[name]()) for name in ("full-837p", "full-837i", "tertiary-837p"))
}


def written(claim: ClaimDocument) -> tuple[bytes, str]:
    """Return the interchange of a claim, or the code that refuses it."""
    try:
        return cases.interchange_of(claim, payer_id="DHP01"), ""
    except WireRefused as refused:
        return b"", refused.code


@given(name=st.sampled_from(sorted(FULL)), place=st.integers(0, 10_000), text=HOSTILE)
@settings(max_examples=80, deadline=None)
def test_no_value_anywhere_can_end_its_element(name: str, place: int, text: str) -> None:
    claim, dumped, paths, plain = FULL[name]
    path = paths[place % len(paths)]
    hostile = type(claim).model_validate(with_text(dumped, path, f"A{text}"))
    data, refused = written(hostile)
    if refused:
        assert re.fullmatch(r"element-[A-Z]{1,3}[0-9A-Z-]{0,6}", refused)  # a place, never the value
        return
    before, after = ([s.tag for s in read_interchanges(d)[0].sets[0].segments] for d in (plain, data))
    if path[-1] == "medical_record_number" and len(after) < len(before):
        # it is left out rather than the claim held
        segments = read_interchanges(plain)[0].sets[0].segments
        before = [s.tag for s in segments if (s.tag, s.get(1)) != ("REF", "EA")]
    assert before == after
    assert data.isascii()
    assert (data.count(b":"), data.count(b"^")) == (plain.count(b":"), plain.count(b"^"))


@pytest.mark.parametrize("value", ["A*B", "A~B", "A:B", "A^B", "A\nB", "Ä1", " A", "A" * 81, ">"])
def test_identifier_with_foreign_characters_is_refused_without_its_value(value: str) -> None:
    with pytest.raises(WireRefused) as caught:
        identifier(value, "NM109")
    assert value not in str(caught.value)


def test_text_keeps_letters_of_accented_names() -> None:
    assert text("Müller-Ñandú") == "MULLER-NANDU"


def test_claim_control_is_short_unique_and_says_nothing() -> None:
    controls = {cases.a_claim(cases.an_office_record(number)).claim_control for number in range(1, 300)}
    assert len(controls) == 299
    assert all(len(control) <= 17 and control.isalnum() for control in controls)


def test_gate_names_the_claim_at_fault_only() -> None:
    good, bad = cases.a_claim(cases.an_office_record(1)), cases.a_claim(cases.an_office_record(2))
    data = cases.interchange_of(good, bad)
    marker = f"CLM*{bad.claim_control}*".encode()
    broken = data.replace(marker + b"210***11:B:1*Y*A", marker + b"210***11:B:1*Q*A")
    assert broken != data
    verdict = gate.check(broken)
    assert not verdict.passed
    assert gate.claims_at(broken, verdict.faults) == frozenset({bad.claim_control})
    assert gate.check(data).passed


def test_gate_refuses_what_the_validator_cannot_read() -> None:
    verdict = gate.check(b"nonsense")
    assert not verdict.passed
    assert gate.claims_at(cases.interchange_of(cases.a_claim()), verdict.faults) is None
