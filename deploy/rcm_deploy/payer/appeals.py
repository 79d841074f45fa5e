"""Answers an appeal by its plan: won at a level, won in part, lost with an answer, or left open."""

import json
from dataclasses import replace
from datetime import date

from pydantic import BaseModel, ValidationError

from rcm_deploy.payer.adjudicate import DENIED
from rcm_deploy.payer.answering import Desk
from rcm_deploy.payer.ledger import Answer, Decided
from rcm_deploy.payer.paying import Payable
from rcm_deploy.payer.rules import APPEAL_PLAN, Plan
from rcm_deploy.payer.segments import Address

APPEAL_ANSWER = "appeal-answer"


class Appeal(BaseModel):
    """What the provider sends; further fields are ignored. `filed_on` dates the answer when it is given."""

    claim_control: str
    payer_control: str = ""
    level: int = 1
    filed_on: date | None = None


def answer_appeal(desk: Desk, content: bytes, digest: str) -> list[Answer]:
    """Return the 835 that overturns the denial and what the payer tells of the appeal.

    [] when the appeal stays open or cannot be read.
    """
    try:
        appeal = Appeal.model_validate_json(content)
    except ValidationError:
        desk.ledger.log_appeal(digest, "", 0, "unreadable")
        return []
    decided = desk.ledger.find_decided(
        "", claim_control=appeal.claim_control, payer_control=appeal.payer_control
    )
    if decided is None or decided.claim.control != appeal.claim_control:
        desk.ledger.log_appeal(digest, appeal.payer_control, appeal.level, "unknown claim")
        return []
    plan = desk.rules.plan_of(decided.claim)
    outcome = _outcome(decided, plan, appeal.level)
    number = decided.remit.payer_control
    desk.ledger.log_appeal(digest, number, appeal.level, outcome)
    if outcome == "open":
        return []
    day = desk.today or appeal.filed_on
    address = replace(decided.address, date=day.strftime("%Y%m%d")) if day else decided.address
    stem = f"appeal-{number}-{digest[:8]}"
    answers = []
    if outcome != "upheld":
        answers = _pay_again(desk, decided, plan, address, stem)
    if plan.appeal_answered:
        answers.append(_tell(appeal, number, outcome, address, stem))
    return answers


def _outcome(decided: Decided, plan: Plan, level: int) -> str:
    if decided.remit.status != DENIED:
        return "open"
    if plan.appeal_succeeds_at and level >= plan.appeal_succeeds_at:
        return "partly-overturned" if plan.appeal_partly else "overturned"
    return "upheld" if plan.appeal_answered else "open"


def _pay_again(desk: Desk, decided: Decided, plan: Plan, address: Address, stem: str) -> list[Answer]:
    claim = decided.claim
    # won in part: the first line is paid, the others stay denied
    paying = replace(plan, spares_first_line=True) if plan.appeal_partly else APPEAL_PLAN
    payables = [
        desk.take_back(decided),
        Payable(claim.provider, desk.decide(claim, paying, address, replaces=decided.remit.payer_control)),
    ]
    return desk.remit(payables, claim.payer.identifier, address, stem)


def _tell(appeal: Appeal, payer_control: str, outcome: str, address: Address, stem: str) -> Answer:
    record = {
        "claim_control": appeal.claim_control,
        "payer_control": payer_control,
        "level": appeal.level,
        "outcome": outcome,
        "decided_on": f"{address.date[:4]}-{address.date[4:6]}-{address.date[6:]}",
    }
    body = json.dumps(record, indent=1).encode() + b"\n"
    return Answer(stem, f"{APPEAL_ANSWER}-{payer_control}", body)
