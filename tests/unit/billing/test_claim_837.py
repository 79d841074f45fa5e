"""The 837 writer: golden bytes that another validator accepts, and data that stays in its element."""

import io
from datetime import date

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
from rcm_shared.contracts.records import PatientPhi, ProviderRecord
from rcm_shared.money import Cents
from unit.billing import cases

GOLDEN = cases.ROOT / "tests" / "unit" / "billing" / "golden"
ED_DAY = date(2026, 8, 20)


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


CLAIMS = {
    "office-mole-837p": lambda: cases.a_claim(),
    "inpatient-pneumonia-837i": lambda: cases.a_claim(
        cases.an_inpatient_record(), cases.an_inpatient_coding()
    ),
    "ed-wrist-fracture-837i": an_ed_claim,
    "secondary-837p": a_secondary_claim,
    "dependent-837p": a_dependent_claim,
}


def passes_pyx12(data: bytes) -> bool:
    """Ask the independent validator."""
    return bool(
        pyx12.x12n_document.x12n_document(
            pyx12.params.params(), io.StringIO(data.decode("ascii")), None, None, fd_json=io.StringIO()
        )
    )


@pytest.mark.parametrize("name", CLAIMS)
def test_written_claim_equals_golden_file_and_passes_pyx12(name: str) -> None:
    data = cases.interchange_of(CLAIMS[name]())
    path = GOLDEN / f"{name}.837"
    assert data.decode("ascii") == path.read_text(encoding="ascii")
    assert passes_pyx12(data)


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
    )
    plain = cases.interchange_of(cases.a_claim())
    data = cases.interchange_of(cases.a_claim(cases.an_office_record(patient=hostile)))
    before, after = ([s.tag for s in read_interchanges(d)[0].sets[0].segments] for d in (plain, data))
    assert before == after
    assert data.isascii()
    assert data.count(b":") == plain.count(b":")
    assert data.count(b"^") == plain.count(b"^")


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
