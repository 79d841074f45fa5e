"""Answers an appeal: a plan whose appeals succeed reverses its denial and pays; every other stays open."""

from dataclasses import replace
from datetime import date

from pydantic import BaseModel, ValidationError

from rcm_deploy.payer.adjudicate import DENIED
from rcm_deploy.payer.answering import Desk, Payable
from rcm_deploy.payer.ledger import Answer
from rcm_deploy.payer.rules import APPEAL_PLAN


class Appeal(BaseModel):
    """What the provider sends; further fields are ignored. `filed_on` dates the answer when it is given."""

    claim_control: str
    payer_control: str = ""
    level: int = 1
    filed_on: date | None = None


def answer_appeal(desk: Desk, content: bytes, digest: str) -> list[Answer]:
    """Return the 835 that overturns the denial, or [] when the appeal stays open or cannot be read."""
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
    claim, remit = decided.claim, decided.remit
    plan = desk.rules.plan_for(claim.subscriber.identifier)
    if remit.status != DENIED or not plan.appeal_succeeds:
        desk.ledger.log_appeal(digest, remit.payer_control, appeal.level, "open")
        return []
    day = desk.today or appeal.filed_on
    address = replace(decided.address, date=day.strftime("%Y%m%d")) if day else decided.address
    payables = [
        desk.take_back(decided),
        Payable(claim.provider, desk.decide(claim, APPEAL_PLAN, address, duplicate=False)),
    ]
    body = desk.remit(payables, claim.payer.identifier, address)
    desk.ledger.log_appeal(digest, remit.payer_control, appeal.level, "overturned")
    return [Answer(f"appeal-{remit.payer_control}-{digest[:8]}", f"835-{claim.payer.identifier}", body)]
