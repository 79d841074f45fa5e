"""Encounters that arrive with the provider's codes, as many as asked for: the load of chaos and benchmarks.

Each has its own patient, member and visit number, so that nothing is a duplicate of anything else; every direct
identifier carries a canary token.
"""

import json
from copy import deepcopy
from datetime import date, timedelta
from functools import cache
from typing import Any

from rcm_deploy.demo.publish import SAMPLES

SOURCES = 8  # sending systems; the inbound topic is keyed by the source, so they spread over its partitions
FIRST_DAY = date(2026, 8, 3)
DAYS = 50  # dates of service spread over as many days, all before the demo's clock

#: (diagnosis, procedure, charge in cents)
VISITS = (
    ("I10", "99213", 13_200),
    ("J029", "99213", 13_200),
    ("J449", "99214", 17_800),
    ("M5450", "99213", 13_200),
)


def superbill(number: int, *, prefix: str = "L", member_prefix: str = "PF") -> bytes:
    """Return the canonical JSON of one precoded office encounter."""
    bill = deepcopy(_template())
    day = (FIRST_DAY + timedelta(days=number % DAYS)).isoformat()
    diagnosis, procedure, cents = VISITS[number % len(VISITS)]
    visit = f"{prefix}{number:07d}"
    bill |= {
        "message_id": f"{visit}-M1",
        "source": source_of(number),
        "sent_at": f"{day}T12:00:00Z",
        "diagnoses": [diagnosis],
    }
    bill["encounter"] |= {"external_id": visit, "service_from": day, "service_through": day}
    bill["patient"] |= {"last_name": f"ZQLOAD{_letters(number)}", "medical_record_number": f"ZQMRN{visit}"}
    bill["patient"]["address"]["line"] = f"{number} ZQLOAD Street"
    bill["coverages"][0]["member_id"] = f"{member_prefix}ZQ{visit}"
    bill["documents"] = []
    bill["charges"] = [
        {
            "id": f"{visit}-C1",
            "code": procedure,
            "amount_cents": cents,
            "units": 1,
            "service_date": day,
            "diagnoses": [diagnosis],
        }
    ]
    return json.dumps(bill).encode()


def source_of(number: int) -> str:
    """Return the sending system of an encounter."""
    return f"load-ehr-{number % SOURCES}"


def _letters(number: int) -> str:
    """Write a number with letters, for names."""
    return "".join(chr(ord("A") + int(digit)) for digit in f"{number:07d}")


@cache
def _template() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SAMPLES / "superbill.json").read_text())
    return loaded
