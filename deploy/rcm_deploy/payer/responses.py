"""Answers what a provider sends for a request: records that let a claim be paid, or the answer to an audit."""

from datetime import date

from pydantic import BaseModel, ValidationError

from rcm_deploy.payer.answering import Desk
from rcm_deploy.payer.due import answer_response
from rcm_deploy.payer.ledger import Answer


class Response(BaseModel):
    """What the provider answers to a request; further fields are ignored."""

    request_id: str
    answered_on: date | None = None


def answer_records(desk: Desk, content: bytes) -> list[Answer]:
    """Return the 835 that records lead to, [] when the request is not open or the file cannot be read."""
    try:
        response = Response.model_validate_json(content)
    except ValidationError:
        return []
    day = desk.today or response.answered_on
    return answer_response(desk, response.request_id, day.strftime("%Y%m%d") if day else desk.ledger.clock())
