"""A desk with an empty ledger, ways to send it files and to let its clock run."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from component.payer.reading import Send, Wait
from rcm_deploy.payer.answering import Desk
from rcm_deploy.payer.due import answer_due
from rcm_deploy.payer.ledger import Answer, Ledger
from rcm_deploy.payer.rules import Rules
from unit.deploy.payer.samples import File, Sample


@pytest.fixture
def desk() -> Iterator[Desk]:
    ledger = Ledger(Path(":memory:"))
    yield Desk(ledger, Rules())
    ledger.close()


@pytest.fixture
def sent(desk: Desk) -> Send:
    """Send samples in one file; returns every answer."""

    def run(*samples: Sample, control: str = "000000101", day: str = "20260928") -> list[Answer]:
        content = File([list(samples)], control=control, day=day).encode()
        return desk.answer(content, hashlib.sha256(content).hexdigest())

    return run


@pytest.fixture
def wait_until(desk: Desk) -> Wait:
    """Move the virtual clock to a day CCYYMMDD; returns what became due, day by day."""

    def run(day: str) -> list[Answer]:
        desk.ledger.advance_clock(day)
        answers: list[Answer] = []
        while desk.ledger.has_due():
            answers.extend(answer_due(desk))
        return answers

    return run
