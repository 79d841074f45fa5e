"""What only a claim asks for, from every source format into the record that billing fetches."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from rcm_intake.domain.changes import EncounterMessage
from rcm_intake.domain.encounter import Encounter, record_of
from rcm_intake.domain.errors import MessageRefused
from rcm_intake.gateways.canonical_json import read_canonical_json
from rcm_intake.gateways.fhir_r4 import read_fhir_r4
from rcm_intake.gateways.hl7v2 import read_hl7v2
from rcm_shared.contracts.records import Address, ClaimFacts, DatedCode, ServiceFacilityRecord, ValueRecord
from unit.intake.messages import PID, PV1, a_charge, a_message, applied, as_bytes, canonical, hl7

SITE = {"line": "9 Other Road", "city": "Peoria", "state": "IL", "postal_code": "616020001"}
CLAIM: dict[str, Any] = {
    "referral": "RF100",
    "clia": "14D1234567",
    "note": "Seen after hours",
    "delay_reason": "7",
    "onset_on": "2026-08-30",
    "last_menstrual_period_on": "2026-08-01",
    "initial_treatment_on": "2026-08-31",
    "attachments": [
        {"report_type": "OZ", "transmission": "EL", "control": "A1"},
        {"report_type": "B4", "transmission": "AA"},
    ],
    "service_facility": {"name": "Peoria Site", "npi": "1234567893", "address": SITE},
    "condition_codes": ["17"],
    "occurrences": [
        {"code": "11", "on": "2026-08-30"},
        {"code": "70", "on": "2026-08-01", "through": "2026-08-03"},
    ],
    "values": [{"code": "80", "hundredths": 400}],
    "reasons_for_visit": ["R05.9"],
}


def only(reading: Any) -> EncounterMessage:
    """Return the one message of a reading."""
    (message,) = reading.messages
    assert isinstance(message, EncounterMessage)
    return message


def registered(message: EncounterMessage) -> Encounter:
    """Return the record after a message."""
    return applied(None, message).encounter


def test_json_carries_everything_into_the_record_that_billing_fetches() -> None:
    charge = {
        "id": "C1",
        "code": "J3301",
        "amount_cents": 3125,
        "service_date": "2026-09-01",
        "ndc": "00003029305",
        "ndc_quantity": 2.5,
        "ndc_unit": "ML",
        "minutes": 15,
        "rendering_npi": "1912301953",
    }
    said = canonical(claim=CLAIM, charges=[charge])
    said["patient"]["death_date"] = "2026-09-20"
    stored = Encounter.model_validate_json(
        registered(only(read_canonical_json(as_bytes(said)))).model_dump_json()
    )
    record = record_of(stored, "registered")
    assert record.claim.model_dump(mode="json") == CLAIM | {
        "attachments": [a | {"control": a.get("control", "")} for a in CLAIM["attachments"]],
        "occurrences": [o | {"through": o.get("through")} for o in CLAIM["occurrences"]],
        "reasons_for_visit": ["R059"],
    }
    line = record.charges[0]
    assert (line.ndc, line.ndc_quantity, line.ndc_unit) == ("00003029305", Decimal("2.5"), "ML")
    assert (line.minutes, line.rendering_npi) == (15, "1912301953")
    assert record.patient.death_date == date(2026, 9, 20)


def test_record_stored_before_claims_had_facts_still_reads() -> None:
    old = json.loads(registered(a_message(charges=(a_charge(),))).model_dump_json())
    del old["claim"]
    for name in ("ndc", "ndc_quantity", "ndc_unit", "minutes", "rendering_npi"):
        del old["charges"][0][name]
    assert Encounter.model_validate_json(json.dumps(old)).claim == ClaimFacts()


def test_json_with_claim_says_the_whole_and_without_it_nothing() -> None:
    first = registered(a_message(claim=ClaimFacts(referral="R1", note="N"), claim_complete=True))
    kept = applied(first, a_message(external_id="V1", providers=())).encounter
    assert kept.claim.referral == "R1"
    replaced = applied(first, a_message(claim=ClaimFacts(referral="R2"), claim_complete=True)).encounter
    assert replaced.claim == ClaimFacts(referral="R2")


def test_facts_of_messages_add_up() -> None:
    first = registered(a_message(claim=ClaimFacts(referral="R1", condition_codes=("17",))))
    then = applied(first, a_message(claim=ClaimFacts(note="N", condition_codes=("41",)))).encounter
    assert then.claim == ClaimFacts(referral="R1", note="N", condition_codes=("41",))


@pytest.mark.parametrize(
    ("part", "pointer"),
    [
        ({"attachments": [{"report_type": "OZ", "transmission": "EL"}]}, "/claim/attachments/0"),
        (
            {"attachments": [{"report_type": "OZ", "transmission": "ZZ", "control": "A"}]},
            "/claim/attachments/0/transmission",
        ),
        ({"condition_codes": ["1*"]}, "/claim/condition_codes/0"),
        ({"clia": "short"}, "/claim/clia"),
        (
            {"occurrences": [{"code": "70", "on": "2026-08-03", "through": "2026-08-01"}]},
            "/claim/occurrences/0",
        ),
        ({"values": [{"code": "80", "hundredths": 1.5}]}, "/claim/values/0/hundredths"),
        ({"note": "a\nb"}, "/claim/note"),
        ({"reasons_for_visit": ["R05.9"] * 4}, "/claim/reasons_for_visit"),
        ({"is_admin": True}, "/claim"),
    ],
)
def test_json_refuses_what_no_claim_can_carry(part: dict[str, Any], pointer: str) -> None:
    with pytest.raises(MessageRefused) as caught:
        read_canonical_json(as_bytes(canonical(claim=part)))
    assert caught.value.position == pointer


def test_hl7_accident_and_ub04_codes_and_referral() -> None:
    raw = hl7(
        "EVN|A04|20260901",
        PID + "||||||||||||||||||20260920",
        PV1,
        "PV2|||R05.9^Cough^I10",
        "ACC|20260830|AA||IL",
        "UB2|1||17~41|||80^4~A2^123.45|11^20260830|70^20260801^20260803",
        "RF1||||||RF100",
    )
    message = only(read_hl7v2(raw))
    assert (message.accident, message.accident_state, message.accident_date) == (
        "auto",
        "IL",
        date(2026, 8, 30),
    )
    assert message.claim == ClaimFacts(
        referral="RF100",
        condition_codes=("17", "41"),
        values=(ValueRecord(code="80", hundredths=400), ValueRecord(code="A2", hundredths=12345)),
        occurrences=(
            DatedCode(code="11", on=date(2026, 8, 30)),
            DatedCode(code="70", on=date(2026, 8, 1), through=date(2026, 8, 3)),
        ),
        reasons_for_visit=("R059",),
    )
    assert message.patient is not None
    assert message.patient.death_date == date(2026, 9, 20)


def test_hl7_without_these_segments_says_nothing_of_the_claim() -> None:
    message = only(read_hl7v2(hl7("EVN|A04|20260901", PID, PV1)))
    assert message.claim is None
    assert message.accident is None


@pytest.mark.parametrize(("acc", "kind"), [("ACC|20260830|||^|Y", "work"), ("ACC|20260830|XX", "other")])
def test_hl7_accident_at_work_or_elsewhere(acc: str, kind: str) -> None:
    assert only(read_hl7v2(hl7("EVN|A04|20260901", PID, PV1, acc))).accident == kind


def test_hl7_certification_of_the_same_set_stands_in_for_an_empty_authorization() -> None:
    first, second = "IN1|1|P|DHP01|Demo", "IN1|2|P|SUP01|Supplement||||||||||AU9"
    raw = hl7("EVN|A04|20260901", PID, PV1, first, second, "IN3|1|CERT1^^", "IN3|2|CERT2")
    coverages = only(read_hl7v2(raw)).coverages
    assert coverages is not None
    assert [c.authorization for c in coverages] == ["CERT1", "AU9"]


def test_hl7_charge_names_its_drug_and_its_performer() -> None:
    npi = "1912301953^Lee^Pat^^^^^^NPI"
    line = f"FT1|1|C1||20260901||CG|J3301^^C4||||31.25|||||||||{npi}" + "|" * 9 + "00003-0293-05"
    message = only(read_hl7v2(hl7("EVN|P03|20260901", PID, PV1, line, kind="DFT^P03")))
    assert message.charges[0].rendering_npi == "1912301953"
    assert message.charges[0].ndc == "00003029305"
    assert [(p.role, p.last_name) for p in message.providers] == [("performing", "Lee")]


def bundle(*resources: dict[str, Any], **encounter: Any) -> EncounterMessage:
    """Read a bundle of an office visit with further resources."""
    base: list[dict[str, Any]] = [
        {
            "resourceType": "Encounter",
            "id": "e1",
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p1"},
            "period": {"start": "2026-09-01"},
            **encounter,
        },
        {
            "resourceType": "Patient",
            "id": "p1",
            "name": [{"family": "ZQTESTER"}],
            "birthDate": "1970-01-02",
            "deceasedDateTime": "2026-09-20T10:00:00Z",
        },
        {
            "resourceType": "Practitioner",
            "id": "dr",
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1912301953"}],
            "name": [{"family": "Lee", "given": ["Pat"]}],
        },
    ]
    entries = [{"resource": resource} for resource in (*base, *resources)]
    body = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return only(read_fhir_r4(json.dumps(body).encode(), source="ehr", facility="F1"))


def test_fhir_claim_brings_accident_referral_place_and_authorization() -> None:
    message = bundle(
        {
            "resourceType": "Coverage",
            "id": "c1",
            "subscriberId": "M1",
            "payor": [{"identifier": {"value": "DHP01"}, "display": "Demo"}],
        },
        {
            "resourceType": "Location",
            "id": "l1",
            "name": "Peoria Site",
            "address": {
                "line": ["9 Other Road"],
                "city": "Peoria",
                "state": "IL",
                "postalCode": "61602-0001",
            },
        },
        {
            "resourceType": "Claim",
            "facility": {"reference": "Location/l1"},
            "referral": {"identifier": {"value": "RF100"}},
            "accident": {
                "date": "2026-08-30",
                "type": {"coding": [{"code": "MVA"}]},
                "locationAddress": {"state": "IL"},
            },
            "insurance": [{"coverage": {"reference": "Coverage/c1"}, "preAuthRef": ["AU1"]}],
            "supportingInfo": [{"category": {"coding": [{"code": "onset"}]}, "timingDate": "2026-08-29"}],
            "item": [{"encounter": [{"reference": "Encounter/e1"}]}],
        },
        reasonCode=[{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "R05.9"}]}],
    )
    place = Address(line="9 Other Road", city="Peoria", state="IL", postal_code="61602-0001")
    assert message.claim == ClaimFacts(
        referral="RF100",
        onset_on=date(2026, 8, 29),
        service_facility=ServiceFacilityRecord(name="Peoria Site", address=place),
        reasons_for_visit=("R059",),
    )
    assert (message.accident, message.accident_state, message.accident_date) == (
        "auto",
        "IL",
        date(2026, 8, 30),
    )
    assert message.coverages is not None
    assert message.coverages[0].authorization == "AU1"
    assert message.patient is not None
    assert message.patient.death_date == date(2026, 9, 20)


def test_fhir_order_observation_and_charge() -> None:
    message = bundle(
        {"resourceType": "ServiceRequest", "requester": {"reference": "Practitioner/dr"}},
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"code": "8665-2"}]},
            "valueDateTime": "2026-08-01",
        },
        {
            "resourceType": "ChargeItem",
            "id": "C1",
            "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "J3301"}]},
            "priceOverride": {"value": 31.25},
            "performer": [{"actor": {"reference": "Practitioner/dr"}}],
            "productCodeableConcept": {
                "coding": [{"system": "http://hl7.org/fhir/sid/ndc", "code": "00003-0293-05"}]
            },
            "extension": [
                {"url": "urn:claimstream:ndc-quantity", "valueQuantity": {"value": 2.5, "code": "mL"}},
                {"url": "urn:claimstream:minutes", "valuePositiveInt": 15},
            ],
        },
    )
    assert message.claim == ClaimFacts(last_menstrual_period_on=date(2026, 8, 1))
    assert [(p.role, p.npi) for p in message.providers] == [
        ("ordering", "1912301953"),
        ("performing", "1912301953"),
    ]
    charge = message.charges[0]
    assert (charge.ndc, charge.ndc_quantity, charge.ndc_unit) == ("00003029305", Decimal("2.5"), "ML")
    assert (charge.minutes, charge.rendering_npi) == (15, "1912301953")


def test_fhir_without_these_resources_says_nothing_of_the_claim() -> None:
    assert bundle().claim is None


def test_what_is_no_complete_value_is_left_out_and_refuses_nothing() -> None:
    raw = hl7(
        "EVN|A04|20260901",
        PID + "||||||||||||||||||2026",
        PV1,
        "ACC|2026|AA",
        "UB2|1||x||||11^202608|70^20260803^20260801",
        "UB2|2|||||80^four",
    )
    message = only(read_hl7v2(raw))
    assert message.claim is None
    assert (message.accident, message.accident_date) == ("auto", None)
    assert message.patient is not None
    assert message.patient.death_date is None
    bare = bundle(
        {"resourceType": "Claim", "accident": {"date": "2026-08"}, "facility": {"reference": "Location/x"}}
    )
    assert (bare.accident, bare.accident_date, bare.claim) == ("other", None, None)
