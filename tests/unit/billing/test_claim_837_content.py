"""Which fact of a claim document stands in which element, in both guides, and what is refused."""

import tracemalloc
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from rcm_billing.domain.document import Adjustment, ClaimDocument, Drug, PriorPayer
from rcm_billing.domain.errors import WireRefused
from rcm_billing.x12 import envelope
from rcm_billing.x12.claim_cob import adjustments
from rcm_billing.x12.envelope import MAX_SET_CLAIMS, stream_interchange
from rcm_billing.x12.reader import read_interchanges
from rcm_billing.x12.segment import name, quantity
from rcm_shared.contracts.coding import FinalProcedure
from rcm_shared.contracts.intake import CapturedCharge, ClaimForm, Setting
from rcm_shared.contracts.records import (
    Address,
    AttachmentRecord,
    ClaimFacts,
    DatedCode,
    ProviderRecord,
    ServiceFacilityRecord,
    ValueRecord,
)
from rcm_shared.money import Cents
from unit.billing import cases

SITE = ServiceFacilityRecord(
    name="Peoria Site",
    npi="1234567893",
    address=Address(line="9 Other Road", city="Peoria", state="IL", postal_code="616020001"),
)
DAY = cases.OFFICE_DAY


def office(facts: ClaimFacts | None = None, **changes: Any) -> ClaimDocument:
    """Return the office visit with other values."""
    return cases.a_claim().model_copy(update={"facts": facts or ClaimFacts(), **changes})


def stay(facts: ClaimFacts | None = None, **changes: Any) -> ClaimDocument:
    """Return the pneumonia stay with other values."""
    claim = cases.a_claim(cases.an_inpatient_record(), cases.an_inpatient_coding())
    return claim.model_copy(update={"facts": facts or ClaimFacts(), **changes})


def segments(claim: ClaimDocument) -> list[str]:
    """Return the claim's segments as written."""
    wire = cases.wire_of(claim)
    return (wire.subscriber + wire.dependent).replace("\n", "").split("~")[:-1]


def those(claim: ClaimDocument, *starts: str) -> list[str]:
    """Return the segments that begin so, in their order."""
    return [written for written in segments(claim) if written.startswith(starts)]


def a_provider(role: str, npi: str = "1234567893") -> ProviderRecord:
    """Return somebody in a role."""
    return ProviderRecord(provider_id=role, role=role, npi=npi, last_name=role, first_name="Pat")


def test_professional_dates_stand_in_the_guides_order() -> None:
    facts = ClaimFacts(
        onset_on=DAY - timedelta(1),
        initial_treatment_on=DAY,
        last_menstrual_period_on=DAY - timedelta(9),
    )
    claim = office(facts, accident="auto", accident_state="IL", accident_date=DAY - timedelta(2))
    assert those(claim, "DTP*4")[:4] == [
        "DTP*431*D8*20260901",
        "DTP*454*D8*20260902",
        "DTP*439*D8*20260831",
        "DTP*484*D8*20260824",
    ]
    assert those(claim, "CLM")[0].endswith("*Y*A*Y*Y**AA:::IL")


def test_delay_reason_is_clm20_in_both_guides() -> None:
    for claim in (office(ClaimFacts(delay_reason="7")), stay(ClaimFacts(delay_reason="7"))):
        elements = those(claim, "CLM")[0].split("*")
        assert (len(elements), elements[20]) == (21, "7")


def test_references_stand_in_the_guides_order() -> None:
    facts = ClaimFacts(referral="RF1", clia="14D1234567")
    coverage = cases.a_coverage().model_copy(update={"authorization": "AU1"})
    more = {"coverage": coverage, "frequency": "7", "original_reference": "ICN9", "trace": "T1"}
    assert those(office(facts, **more), "REF")[:6] == [
        "REF*9F*RF1",
        "REF*G1*AU1",
        "REF*F8*ICN9",
        "REF*X4*14D1234567",
        "REF*D9*T1",
        "REF*EA*ZQ100",
    ]
    institutional = stay(facts, **more, accident="auto", accident_state="IL")
    assert [written[:6] for written in those(institutional, "REF")][:6] == [
        "REF*9F", "REF*G1", "REF*F8", "REF*D9", "REF*LU", "REF*EA",
    ]  # fmt: skip


def test_attachments_and_note_stand_before_the_codes() -> None:
    facts = ClaimFacts(
        note="Late: the *storm*",
        attachments=(
            AttachmentRecord(report_type="OZ", transmission="EL", control="A1"),
            AttachmentRecord(report_type="B4", transmission="AA"),
        ),
    )
    for claim in (office(facts), stay(facts)):
        tags = [written.partition("*")[0] for written in segments(claim)]
        assert tags.index("PWK") < tags.index("REF") < tags.index("NTE") < tags.index("HI")
        assert those(claim, "PWK") == ["PWK*OZ*EL***AC*A1", "PWK*B4*AA"]
        assert those(claim, "NTE") == ["NTE*ADD*LATE THE STORM"]


def test_professional_providers_stand_in_the_guides_order() -> None:
    claim = office(
        ClaimFacts(service_facility=SITE),
        providers=(
            a_provider("supervising"),
            a_provider("ordering"),
            a_provider("referring"),
            a_provider("rendering", "1245319599"),
        ),
    )
    written = those(claim, "NM1")
    assert [w.split("*")[1] for w in written] == ["IL", "PR", "DN", "82", "77", "DQ", "DK"]
    tags = [w.partition("*")[0] for w in segments(claim)]
    assert tags.index("LX") < segments(claim).index(written[-1])  # the ordering provider is on the line


def test_institutional_providers_stand_in_the_guides_order() -> None:
    claim = stay(
        ClaimFacts(service_facility=SITE),
        providers=(
            a_provider("referring", "1912301953"),
            a_provider("rendering", "1245319599"),
            a_provider("other-operating"),
            a_provider("operating"),
            a_provider("attending"),
        ),
    )
    assert [w.split("*")[1] for w in those(claim, "NM1")] == ["IL", "PR", "71", "72", "ZZ", "82", "77", "DN"]


def test_service_facility_at_the_billing_address_is_left_out() -> None:
    here = ServiceFacilityRecord(name="Here", address=cases.a_claim().billing.address)
    assert not those(office(ClaimFacts(service_facility=here)), "NM1*77")


def test_institutional_codes_of_the_bill_stand_in_the_guides_order() -> None:
    facts = ClaimFacts(
        condition_codes=("17", "41"),
        occurrences=(
            DatedCode(code="11", on=date(2026, 8, 1)),
            DatedCode(code="70", on=date(2026, 8, 1), through=date(2026, 8, 4)),
        ),
        values=(ValueRecord(code="80", hundredths=400), ValueRecord(code="A2", hundredths=12345)),
    )
    assert those(stay(facts), "HI")[-4:] == [
        "HI*BI:70:RD8:20260801-20260804",
        "HI*BH:11:D8:20260801",
        "HI*BE:80:::4*BE:A2:::123.45",
        "HI*BG:17*BG:41",
    ]


def test_registered_reasons_for_the_visit_stand_on_an_outpatient_claim() -> None:
    claim = stay(ClaimFacts(reasons_for_visit=("R05.9", "R50.9", "R06.02", "R07.9")))
    outpatient = claim.model_copy(update={"setting": Setting.ED, "admission_type": "3", "drg": None})
    assert those(outpatient, "HI*APR") == ["HI*APR:R059*APR:R509*APR:R0602"]
    assert not those(claim, "HI*APR")


def test_interim_claim_has_no_discharge_hour() -> None:
    assert those(stay(), "DTP*096")
    assert not those(stay(frequency="2"), "DTP*096")


def test_drug_time_place_and_own_provider_of_a_line() -> None:
    line = (
        cases.a_claim()
        .lines[0]
        .model_copy(
            update={
                "basis": "MJ",
                "units": 95,
                "place_of_service": "12",
                "drug": Drug(ndc="00071015523", quantity=Decimal("2.50"), unit="ML"),
                "rendering": a_provider("rendering"),
            }
        )
    )
    written = segments(office(lines=(line,)))
    start = written.index("LX*1")
    assert written[start + 1] == "SV1*HC:17110*210*MJ*95*12**1"
    assert written[start + 4 :] == [
        "LIN**N4*00071015523",
        "CTP****2.5*ML",
        "NM1*82*1*RENDERING*PAT****XX*1234567893",
    ]


def test_institutional_line_carries_its_drug_and_provider() -> None:
    line = (
        stay()
        .lines[1]
        .model_copy(
            update={
                "drug": Drug(ndc="00071015523", quantity=Decimal(4), unit="UN"),
                "rendering": a_provider("rendering"),
            }
        )
    )
    written = segments(stay(lines=(line,)))
    assert written[-3:-1] == ["LIN**N4*00071015523", "CTP****4*UN"]
    assert written[-1].startswith("NM1*82*1*RENDERING")


def test_date_of_death_stands_on_the_professional_claim_only() -> None:
    dead = cases.PATIENT.model_copy(update={"death_date": date(2026, 9, 3)})
    assert those(office(patient=dead), "PAT") == ["PAT*****D8*20260903"]
    assert not those(stay(patient=dead), "PAT")


def test_pay_to_address_stands_behind_the_billing_provider() -> None:
    claim = cases.a_claim()
    elsewhere = claim.billing.model_copy(update={"pay_to": SITE.address})
    data = cases.interchange_of(claim.model_copy(update={"billing": elsewhere})).decode()
    assert "REF*EI*123456789~\nNM1*87*2~\nN3*9 OTHER ROAD~\nN4*PEORIA*IL*616020001~\nHL*2" in data


def test_more_than_six_reasons_of_a_group_start_another_segment() -> None:
    found = [Adjustment(group="CO", code=str(n), cents=Cents(n)) for n in range(1, 9)]
    found.insert(3, Adjustment(group="PR", code="1", cents=Cents(1000)))
    assert adjustments(found).replace("\n", "").split("~")[:-1] == [
        "CAS*CO*1*0.01**2*0.02**3*0.03**4*0.04**5*0.05**6*0.06",
        "CAS*CO*7*0.07**8*0.08",
        "CAS*PR*1*10",
    ]
    with pytest.raises(WireRefused, match="element-CAS"):
        adjustments([Adjustment(group="CO", code=str(n), cents=Cents(1)) for n in range(31)])


def test_two_prior_payers_stand_first_to_last() -> None:
    prior = [
        PriorPayer(
            coverage=cases.a_coverage(order, payer, f"ID{order}"),
            paid_cents=Cents(5000),
            remaining_cents=Cents(16000),
            adjudicated_on=DAY,
            adjustments=(Adjustment(group="PR", code="2", cents=Cents(16000)),),
        )
        for order, payer in (("P", "DMC01"), ("S", "DHP01"))
    ]
    claim = office(prior_payers=tuple(prior), coverage=cases.a_coverage("T", "SUP01", "TT1"))
    assert [w.split("*")[1] for w in those(claim, "SBR")] == ["T", "P", "S"]


REFUSED: dict[str, ClaimDocument] = {
    "PWK06": office(ClaimFacts(attachments=(AttachmentRecord(report_type="OZ", transmission="EL"),))),
    "PWK01": office(ClaimFacts(attachments=(AttachmentRecord(report_type="O~", transmission="AA"),))),
    "REF02-9F": office(ClaimFacts(referral="R*1")),
    "REF02-X4": office(ClaimFacts(clia="14D~")),
    "CLM20": office(ClaimFacts(delay_reason="7*")),
    "HI-BG": office(ClaimFacts(condition_codes=("1:",))),
    "HI-BH": stay(ClaimFacts(occurrences=(DatedCode(code="^1", on=DAY),))),
    "HI-BE": stay(ClaimFacts(values=tuple(ValueRecord(code="80", hundredths=1) for _ in range(25)))),
    "CTP04": office(lines=(cases.a_claim().lines[0].model_copy(update={"drug": Drug(ndc="1")}),)),
    "NM103": office(patient=cases.PATIENT.model_copy(update={"last_name": "Иванов"})),
    "N301": office(
        ClaimFacts(
            service_facility=SITE.model_copy(
                update={"address": SITE.address.model_copy(update={"line": "~"})}
            )
        )
    ),
}


@pytest.mark.parametrize("element", REFUSED)
def test_value_that_cannot_be_written_is_refused_with_its_element(element: str) -> None:
    with pytest.raises(WireRefused) as caught:
        cases.wire_of(REFUSED[element])
    assert caught.value.code == f"element-{element}"


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal(10) ** 16])
def test_quantity_that_is_none_or_too_long_is_refused(value: Decimal) -> None:
    with pytest.raises(WireRefused):
        quantity(value, "CTP04")


def test_quantity_is_exact_and_without_exponent() -> None:
    assert [quantity(Decimal(text), "CTP04") for text in ("1E+2", "0.500", "12", "100")] == [
        "100",
        "0.5",
        "12",
        "100",
    ]


def test_name_without_any_character_that_x12_carries_is_refused() -> None:
    with pytest.raises(WireRefused, match="element-NM103"):
        name("日本", "NM103")


def test_claim_build_fills_what_only_a_claim_asks_for() -> None:
    facts = ClaimFacts(referral="RF1", note="Words", service_facility=SITE)
    record = cases.an_office_record(
        claim=facts,
        providers=(a_provider("rendering", "1245319599"), a_provider("assisting", "1912301953")),
        charges=(
            CapturedCharge(
                charge_id=cases.charge_id(1),
                code="00790",
                charge_cents=Cents(90000),
                service_date=DAY,
                minutes=95,
                rendering_npi="1912301953",
                ndc="00071015523",
                ndc_quantity=Decimal("2.5"),
                ndc_unit="ML",
            ),
        ),
    )
    coding = cases.an_office_coding(
        procedures=(FinalProcedure(system="CPT", code="00790", service_date=DAY, pointers=(1,)),)
    )
    claim = cases.a_claim(record, coding)
    line = claim.lines[0]
    assert claim.facts == facts
    assert (line.basis, line.units, line.minutes, line.charge_cents) == ("MJ", 95, 95, 90000)
    assert line.rendering is not None
    assert line.rendering.npi == "1912301953"
    assert line.drug == Drug(ndc="00071015523", quantity=Decimal("2.5"), unit="ML")
    assert claim.gaps == ()


def test_line_provider_that_the_record_does_not_name_is_a_gap() -> None:
    charge = cases.an_office_record().charges[0]
    record = cases.an_office_record(
        charges=(
            CapturedCharge(
                charge_id=charge.charge_id,
                code=charge.code,
                charge_cents=charge.charge_cents,
                service_date=charge.service_date,
                rendering_npi="1912301953",
            ),
        )
    )
    assert cases.a_claim(record).gaps == ("rendering:line-1",)


def test_payer_that_asks_for_a_trace_gets_the_claims_number() -> None:
    payer = cases.MASTER.payers["DHP01"].model_copy(update={"trace": True})
    master = cases.MASTER.model_copy(update={"payers": cases.MASTER.payers | {"DHP01": payer}})
    claim = cases.a_claim(master=master)
    assert claim.trace == claim.claim_control


def pieces(count: int) -> Iterable[bytes]:
    """Stream an interchange of that many claims."""
    claim = cases.a_claim()
    wire = cases.wire_of(claim)
    return stream_interchange(
        (wire for _ in range(count)),
        form=ClaimForm.PROFESSIONAL,
        billing=claim.billing,
        submitter=cases.MASTER.submitter,
        payer=cases.MASTER.payers["DHP01"],
        usage="T",
        numbers=cases.NUMBERS,
        at=cases.NOW,
    )


def test_many_claims_are_several_transaction_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_SET_CLAIMS == 5000
    monkeypatch.setattr(envelope, "MAX_SET_CLAIMS", 3)
    interchange = read_interchanges(b"".join(pieces(5)))[0]
    found = [
        (
            one.segments[0].get(2),
            sum(s.tag == "CLM" for s in one.segments),
            next(s.get(3) for s in one.segments if s.tag == "BHT"),
            one.segments[-1].get(1),
        )
        for one in interchange.sets
    ]
    assert [(control, claims, batch) for control, claims, batch, _ in found] == [
        ("0017", 3, "B000000905"),
        ("0018", 2, "B000000905-2"),
    ]
    assert [int(count) for *_, count in found] == [len(one.segments) for one in interchange.sets]


def test_streaming_needs_no_more_memory_for_more_claims() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            for _ in pieces(count):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(3000) < peak(30) + 20_000


def test_streamed_pieces_are_one_claim_each() -> None:
    longest = max(len(piece) for piece in pieces(40))
    assert longest < 1200
    assert len(list(pieces(40))) == 44  # ISA and GS, ST, forty claims, SE, GE and IEA
