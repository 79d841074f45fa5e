"""Appeals are won, won in part, lost or left open, by plan and level."""

import hashlib
import json
from decimal import Decimal

from component.payer.reading import Send, claims_of, of_kind, payer_controls, records
from rcm_deploy.payer.answering import Desk
from rcm_deploy.payer.appeals import answer_appeal
from rcm_deploy.payer.ledger import Answer
from unit.deploy.payer.samples import visit


def appeal(desk: Desk, control: str, number: str = "", *, level: int = 1) -> list[Answer]:
    content = json.dumps({"claim_control": control, "payer_control": number, "level": level}).encode()
    return answer_appeal(desk, content, hashlib.sha256(content).hexdigest())


def outcomes(desk: Desk) -> list[str]:
    return [outcome for *_, outcome in desk.ledger.list_appeals()]


def test_appeal_of_dnx_reverses_the_denial_and_pays(desk: Desk, sent: Send) -> None:
    (number,) = payer_controls(sent(visit("C1", "DNX1")))
    answers = appeal(desk, "C1", number)
    back, paid = claims_of(answers)
    assert (back.status, back.totals()) == ("22", {"CO 50": Decimal(-230)})
    assert (paid.control, paid.status, paid.paid) == ("C1", "1", Decimal("172.5"))
    assert [one["amount_cents"] for one in records(answers, "deposit")] == [17250]
    assert appeal(desk, "C1", level=2) == []
    assert outcomes(desk) == ["overturned", "open"]


def test_other_appeals_stay_open(desk: Desk, sent: Send) -> None:
    (number,) = payer_controls(sent(visit("C1", "DN1")))
    assert appeal(desk, "C1", number) == []
    assert appeal(desk, "C9") == []
    assert answer_appeal(desk, b"{", "0" * 64) == []
    assert outcomes(desk) == ["open", "unknown claim", "unreadable"]


def test_appeal_is_upheld_at_the_first_level_and_won_at_the_second(desk: Desk, sent: Send) -> None:
    sent(visit("C1", "DNY1"))
    first = appeal(desk, "C1")
    assert [one["outcome"] for one in records(first, "appeal-answer")] == ["upheld"]
    assert of_kind(first, "835") == []
    second = appeal(desk, "C1", level=2)
    assert [one["outcome"] for one in records(second, "appeal-answer")] == ["overturned"]
    assert [claim.status for claim in claims_of(second)] == ["22", "1"]


def test_appeal_won_in_part_pays_the_first_line(desk: Desk, sent: Send) -> None:
    sent(visit("C1", "DNP1"))
    answers = appeal(desk, "C1")
    assert [one["outcome"] for one in records(answers, "appeal-answer")] == ["partly-overturned"]
    _back, paid = claims_of(answers)
    assert (paid.status, paid.paid) == ("1", Decimal("112.5"))
    assert paid.totals() == {"CO 45": Decimal("37.5"), "CO 50": Decimal(80)}


def test_appeal_is_upheld_at_every_level(desk: Desk, sent: Send) -> None:
    sent(visit("C1", "DNU1"))
    answers = [one for level in (1, 2, 3) for one in appeal(desk, "C1", level=level)]
    assert [one["level"] for one in records(answers, "appeal-answer")] == [1, 2, 3]
    assert of_kind(answers, "835") == []


def test_paid_claim_cannot_be_appealed(desk: Desk, sent: Send) -> None:
    sent(visit("C1", "PF1"))
    assert appeal(desk, "C1") == []
    assert outcomes(desk) == ["open"]
