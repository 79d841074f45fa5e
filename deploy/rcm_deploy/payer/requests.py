"""Requests for records and payer audits: a JSON file to the provider, and the answer that comes back."""

import json

from rcm_deploy.payer.claims import Claim
from rcm_deploy.payer.ledger import Answer

MEDICAL_RECORDS, AUDIT = "medical-records", "audit"
REQUEST = "request"

#: Claim status code of what is asked for.
REASON_CODES = {MEDICAL_RECORDS: "297", AUDIT: "294"}


def ask(claim: Claim, payer_control: str, *, kind: str, request_id: str, due_on: str, stem: str) -> Answer:
    """Return the request file; `due_on` is CCYYMMDD."""
    record = {
        "request_id": request_id,
        "claim_control": claim.control,
        "payer_control": payer_control,
        "payer_id": claim.payer.identifier,
        "kind": kind,
        "due_on": f"{due_on[:4]}-{due_on[4:6]}-{due_on[6:]}",
        "reason_code": REASON_CODES[kind],
    }
    return Answer(stem, f"{REQUEST}-{request_id}", json.dumps(record, indent=1).encode() + b"\n")
