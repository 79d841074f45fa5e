"""rcm claim show: what a person reads about a claim."""

from typing import Any

from rcm_billing.cli.claim_words import in_words

CLAIM: dict[str, Any] = {
    "claim_control": "C0548AMRJTM820QX",
    "payer_control": "ICN7",
    "payer_id": "DHP01",
    "order": "S",
    "version": 2,
    "frequency": "7",
    "form": "837P",
    "state": "partially_paid",
    "owner_queue": "biller",
    "service_from": "2026-09-02",
    "service_through": "2026-09-02",
    "charge_cents": 123456,
    "diagnoses": [{"code": "D225", "role": "first-listed", "poa": None}],
    "procedures": [],
    "drg": None,
    "lines": [
        {
            "number": 1,
            "code": "00790",
            "modifiers": ["AA"],
            "revenue_code": "",
            "units": 95,
            "basis": "MJ",
            "charge_cents": 123456,
            "service_date": "2026-09-02",
            "pointers": [1],
            "ndc": "",
            "ndc_quantity": None,
        }
    ],
    "prior_payers": [
        {
            "order": "P",
            "payer_id": "DMC01",
            "paid_cents": 5000,
            "remaining_cents": 1000,
            "adjudicated_on": "2026-09-20",
        }
    ],
    "hits": [
        {"rule_id": "DUP-01", "severity": "H", "where": "line-1", "fix": "Void one.", "owner": "biller"}
    ],
    "not_evaluated": ["PX-01"],
    "attempts": [
        {"interchange_control": "000000007", "state": "accepted", "acknowledgements": ["999 A", "277CA A2"]}
    ],
    "waiting_for": "in_adjudication",
    "charged_cents": 123456,
    "paid_cents": 5000,
    "adjusted_cents": 0,
    "patient_cents": 0,
    "balance_cents": 118456,
}


def words(**changes: Any) -> str:
    """Return the words of the claim with other values."""
    return "\n".join(in_words(CLAIM | changes))


def test_words_tell_who_is_billed_and_where_the_claim_stands() -> None:
    said = words()
    assert "version 2 (replacement), professional, to DHP01 as secondary payer" in said
    assert "It is partially paid; it waits for the biller." in said
    assert "The payer calls it ICN7." in said
    assert "What has to happen next: in adjudication." in said


def test_words_tell_lines_money_edits_and_answers() -> None:
    said = words()
    assert "00790-AA           95 minutes on 2026-09-02, 1,234.56, for diagnosis 1" in said
    assert "Before it DMC01 (primary) paid 50.00 on 2026-09-20, left 10.00." in said
    assert "DUP-01   at line-1: a person has to look. Void one. (biller)" in said
    assert "Not evaluated, because a table is missing: PX-01" in said
    assert "in interchange 000000007: accepted; 999 A, 277CA A2" in said
    assert "Of the encounter's 1,234.56: paid 50.00" in said


def test_words_of_a_claim_that_was_never_sent_and_of_one_that_is_over() -> None:
    assert "It was never sent." in words(attempts=[])
    assert "nothing came back" in words(attempts=[CLAIM["attempts"][0] | {"acknowledgements": []}])
    assert "Nothing has to happen any more." in words(waiting_for=None, owner_queue="")
