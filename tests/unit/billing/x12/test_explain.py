"""What `rcm x12 show` understands: every transaction type, its money and statuses, and no patient in it."""

import json
from typing import Any

import pytest
from rcm_billing.cli.x12_words import in_words
from rcm_billing.x12.explain import explain
from unit.billing.x12 import files


def part(data: bytes) -> dict[str, Any]:
    (only,) = explain(data).parts
    return only.as_json()


def test_837p_explained_with_lines_and_total() -> None:
    found = part(files.EVERY_TYPE["837P"])
    assert (found["type"], found["version"], found["problems"]) == ("837P", "005010X222A1", [])
    (claim,) = found["claims"]
    assert claim["control_number"] == "C0001"
    assert (claim["status"], claim["charged_cents"], claim["balances"]) == ("original", 15050, True)
    assert [(line["control_number"], line["charged_cents"]) for line in claim["lines"]] == [
        ("L1", 10050),
        ("L2", 5000),
    ]
    assert claim["lines"][0]["modifiers"] == ["25"]


def test_cob_claim_with_two_other_payers_balances_for_each() -> None:
    (claim,) = part(files.EVERY_TYPE["837P COB"])["claims"]
    assert claim["balances"]
    assert [(one["id"], one["paid_cents"], one["balances"]) for one in claim["other_payers"]] == [
        ("PAY1", 6000, True),
        ("PAY2", 2500, True),
    ]
    assert claim["paid_cents"] == 8500
    assert {"group": "CO", "code": "45", "cents": 3000, "payer": "PAY1"} in claim["lines"][0]["adjustments"]


def test_cob_claim_whose_prior_payment_is_wrong_does_not_balance() -> None:
    body = [segment.replace("AMT*D*60", "AMT*D*61") for segment in files.COB_837P]
    found = part(files.whole("837", files.P_GUIDE, body))
    assert [problem["code"] for problem in found["problems"]] == ["cob-claim"]
    assert not found["claims"][0]["balances"]


def test_replacement_837i_names_the_payers_number() -> None:
    (claim,) = part(files.EVERY_TYPE["837I"])["claims"]
    assert (claim["status"], claim["payer_control_number"]) == ("replacement", "ICN9")
    assert claim["lines"][0]["revenue_code"] == "0450"


def test_replacement_without_the_payers_number_is_an_error() -> None:
    body = [segment for segment in files.CLAIM_837I if not segment.startswith("REF*F8")]
    found = part(files.whole("837", files.I_GUIDE, body))
    assert [problem["code"] for problem in found["problems"]] == ["no-payer-control"]


def test_835_with_reversal_denial_and_provider_adjustments_balances() -> None:
    found = part(files.EVERY_TYPE["835"])
    assert found["problems"] == []
    payment = found["transactions"][0]
    assert (payment["payment_cents"], payment["balances"]) == (6500, True)
    assert [one["cents"] for one in payment["provider_adjustments"]] == [-500, 1000]
    assert [claim["status"] for claim in found["claims"]] == [
        "reversal",
        "processed-primary",
        "denied",
        "processed-primary",
    ]
    assert found["claims"][0]["paid_cents"] == -8000
    assert found["claims"][1]["adjustments"] == [{"group": "CO", "code": "253", "cents": 1000}]
    assert found["claims"][2]["lines"][0]["remarks"] == ["N115"]


@pytest.mark.parametrize(
    ("old", "new", "code", "tag"),
    [
        ("CAS*CO*50*200", "CAS*CO*50*190", "line-balance", "SVC"),
        ("CAS*CO*253*10", "CAS*CO*253*11", "claim-balance", "CLP"),
        ("WO:ICN0*10", "WO:ICN0*11", "payment-balance", "BPR"),
        ("CLP*C0003*1*150*100*50*", "CLP*C0003*1*150*100*40*", "patient-share", "CLP"),
        ("CAS*CO*50*200", "CAS*CO*50*2OO", "amount", "CAS"),
        ("CAS*CO*50*200", "CAS*ZZ*50*200", "adjustment-group", "CAS"),
        ("*20260930", "*20260931", "date", "BPR"),
    ],
)
def test_835_fault_is_named_with_its_segment(old: str, new: str, code: str, tag: str) -> None:
    body = [segment.replace(old, new) for segment in files.REMITTANCE]
    problems = part(files.whole("835", files.REMIT_GUIDE, body))["problems"]
    assert (code, tag) in [(problem["code"], problem["segment"]) for problem in problems]


def test_999_names_the_rejected_set_and_the_claim_but_not_the_value() -> None:
    found = part(files.EVERY_TYPE["999"])
    acknowledged = found["transactions"][0]["acknowledges"]
    assert [one["status"] for one in acknowledged["sets"]] == ["rejected", "accepted"]
    assert acknowledged["sets"][0]["errors"][0]["elements"] == [
        {"element": "2", "component": "", "code": "6"}
    ]
    assert [(claim["control_number"], claim["status"]) for claim in found["claims"]] == [
        ("C0001", "rejected")
    ]


def test_277ca_tells_accepted_from_rejected_claims() -> None:
    found = part(files.EVERY_TYPE["277CA"])
    assert (found["type"], found["problems"]) == ("277CA", [])
    accepted, rejected = found["claims"]
    assert (accepted["control_number"], accepted["status"], accepted["payer_control_number"]) == (
        "C0001",
        "accepted",
        "ICN1",
    )
    assert (rejected["status"], rejected["status_codes"]) == ("rejected", ["A7:164:IL", "A6:33:IL"])


@pytest.mark.parametrize(("name", "level"), [("277CA batch", "receiver"), ("277CA provider", "provider")])
def test_277ca_rejection_above_the_claims_is_told(name: str, level: str) -> None:
    found = part(files.EVERY_TYPE[name])
    levels = {one["level"]: one["status"] for one in found["transactions"][0]["levels"]}
    assert levels[level] == "rejected"
    assert found["claims"] == []


def test_ta1_alone_is_explained() -> None:
    found = part(files.EVERY_TYPE["TA1"])
    assert found["type"] == "TA1"
    assert found["transactions"] == [{"interchange": "000000009", "status": "rejected", "note": "025"}]


def test_276_asks_for_one_claim() -> None:
    (claim,) = part(files.EVERY_TYPE["276"])["claims"]
    assert (claim["control_number"], claim["payer_control_number"], claim["charged_cents"]) == (
        "C0001",
        "ICN1",
        15050,
    )


def test_278_request_and_response_are_explained() -> None:
    (asked,) = part(files.EVERY_TYPE["278 request"])["claims"]
    (answered,) = part(files.EVERY_TYPE["278 response"])["claims"]
    assert (asked["status"], asked["lines"][0]["code"]) == ("requested", "20610")
    assert (answered["status"], answered["payer_control_number"]) == ("certified", "CERT77")


@pytest.mark.parametrize("name", files.EVERY_TYPE)
def test_no_patient_in_json_or_words_unless_asked_for(name: str) -> None:
    explained = explain(files.EVERY_TYPE[name])
    told = json.dumps([one.as_json() for one in explained.parts])
    told += "\n".join(in_words("f", explained, names=False, details=True))
    assert "ZQ" not in told


def test_names_are_shown_when_asked_for() -> None:
    explained = explain(files.EVERY_TYPE["835"])
    assert "ZQDOE, JANE" in "\n".join(in_words("f", explained, names=True, details=True))
    assert explained.parts[0].as_json(names=True)["claims"][0]["patient"] == "ZQDOE, JANE"
