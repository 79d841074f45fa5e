"""The log of single decisions as learning reads it: which of them teach, and which a screen has shut out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rcm_coding.domain.learning import Action, CoderDecision
from rcm_coding.engine.evidence import Evidence
from rcm_coding.engine.ranking.memory import Phrase

_ACTIONS: Mapping[str, Action] = {
    "accepted": Action.ACCEPT,
    "overridden": Action.OVERRIDE,
    "rejected": Action.REJECT,
    "added": Action.ADD,
}


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of the log with the stems of the words that were cited."""

    number: int
    facility: str
    encounter: str
    coder: str
    choice: str
    code: str
    suggested_code: str | None
    source: str
    phrase: Phrase
    at: datetime
    position: int | None
    model: str
    p: float | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A facility's decisions of one batch that nothing is learned from, with the screen's reasons."""

    facility: str
    first: int
    last: int
    reasons: tuple[str, ...]

    def covers(self, line: Logged) -> bool:
        """Tell whether a line is of this batch."""
        return line.facility == self.facility and self.first <= line.number <= self.last


def decisions(lines: Iterable[Logged], refusals: Sequence[Refusal] = ()) -> list[CoderDecision]:
    """Return what teaches: a person's decision on a code, outside the batches that were refused.

    A probability counts only where a model gave it: the rules' scores promise nothing.
    """
    found = []
    for line in lines:
        action = _ACTIONS.get(line.choice)
        if action is None or any(refusal.covers(line) for refusal in refusals):
            continue
        if action is Action.ACCEPT and line.source != "cac":
            action = Action.ADD
        found.append(
            CoderDecision(
                line.facility,
                line.encounter,
                line.coder,
                action,
                line.code,
                line.phrase,
                line.at,
                line.suggested_code,
                position=line.position,
                model=line.model,
                p=line.p if line.model else None,
            )
        )
    return found


def leading(evidence: Sequence[Evidence]) -> Evidence | None:
    """Return the words that stand for a code: the first that state the condition, else the first of all."""
    return next((item for item in evidence if item.role == "diagnosis"), evidence[0] if evidence else None)
