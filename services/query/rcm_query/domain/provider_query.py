"""The provider query and its states: draft, linted, open, viewed, answered, closed, and the ways out.

All queries of one encounter form one aggregate, so that a cancelled encounter and a new request for it meet
in one locked row. State is immutable: every command returns a new object or refuses.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from rcm_shared.contracts.coding import Indicator
from rcm_shared.errors import Refused

DUE_AFTER = timedelta(hours=72)
ESCALATION_STEP = timedelta(hours=24)
LAST_LEVEL = 3  # 1 reminder, 2 physician advisor, 3 department chair
MAX_ANSWER_CHARS = 4_000


class QueryState(StrEnum):
    """Where a query stands. `needs_review` was stopped by the compliance lint and never left the house."""

    DRAFT = "draft"
    LINTED = "linted"
    NEEDS_REVIEW = "needs_review"
    OPEN = "open"
    VIEWED = "viewed"
    ANSWERED = "answered"
    CLOSED = "closed"
    EXPIRED = "expired"
    RETRACTED = "retracted"


#: A late answer to an expired query is still an answer, so `expired` leads to `answered`.
NEXT: Mapping[QueryState, frozenset[QueryState]] = MappingProxyType(
    {
        QueryState.DRAFT: frozenset({QueryState.LINTED, QueryState.NEEDS_REVIEW, QueryState.RETRACTED}),
        QueryState.LINTED: frozenset({QueryState.OPEN, QueryState.RETRACTED}),
        QueryState.NEEDS_REVIEW: frozenset({QueryState.RETRACTED}),
        QueryState.OPEN: frozenset(
            {QueryState.VIEWED, QueryState.ANSWERED, QueryState.EXPIRED, QueryState.RETRACTED}
        ),
        QueryState.VIEWED: frozenset({QueryState.ANSWERED, QueryState.EXPIRED, QueryState.RETRACTED}),
        QueryState.ANSWERED: frozenset({QueryState.CLOSED}),
        QueryState.EXPIRED: frozenset({QueryState.ANSWERED, QueryState.RETRACTED}),
        QueryState.CLOSED: frozenset(),
        QueryState.RETRACTED: frozenset(),
    }
)
WAITING = frozenset({QueryState.OPEN, QueryState.VIEWED})  # states in which the clock runs
SENT = WAITING | {QueryState.ANSWERED, QueryState.CLOSED, QueryState.EXPIRED}  # what a provider may see


class Outcome(StrEnum):
    """What the answer says. "Unable to determine" is counted apart from disagreement."""

    AGREED = "agreed"
    DISAGREED = "disagreed"
    OTHER_DOCUMENTED = "other-documented"
    UNABLE_TO_DETERMINE = "unable-to-determine"
    NOT_SIGNIFICANT = "not-significant"


class Form(StrEnum):
    OPEN = "open"  # free text
    MULTIPLE_CHOICE = "multiple-choice"
    YES_NO = "yes-no"


class Mode(StrEnum):
    WRITTEN = "written"
    VERBAL = "verbal"


class OptionKind(StrEnum):
    CLINICAL = "clinical"
    DISAGREE = "disagree"  # a documented diagnosis is not present
    OTHER = "other"
    UNABLE = "unable"
    NOT_SIGNIFICANT = "not-significant"


OUTCOME_OF: Mapping[OptionKind, Outcome] = MappingProxyType(
    {
        OptionKind.CLINICAL: Outcome.AGREED,
        OptionKind.DISAGREE: Outcome.DISAGREED,
        OptionKind.OTHER: Outcome.OTHER_DOCUMENTED,
        OptionKind.UNABLE: Outcome.UNABLE_TO_DETERMINE,
        OptionKind.NOT_SIGNIFICANT: Outcome.NOT_SIGNIFICANT,
    }
)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Quote(_Frozen):
    """Words of the record that the query shows, and where they stand. Patient data; stays with query."""

    document_id: UUID
    version: int
    kind: str
    written_on: date | None
    start: int
    end: int
    text: str
    prior: bool = False  # from an earlier encounter, and labelled so
    contrary: bool = False


class Option(_Frozen):
    """One possible answer. `supported_by` are positions among the quotes; `statement` is what gets filed."""

    key: str
    label: str
    statement: str
    kind: OptionKind
    supported_by: tuple[int, ...] = ()
    preselected: bool = False


class Content(_Frozen):
    """What the provider reads. `candidates` are all clinical options that the record supports."""

    template: str
    title: str
    stem: str
    form: Form
    purpose: str
    quotes: tuple[Quote, ...]
    options: tuple[Option, ...]
    candidates: tuple[str, ...] = ()

    def outgoing(self) -> str:
        """Return every word of ours that reaches the provider, without the quoted record."""
        return "\n".join((self.title, self.stem, *(option.label for option in self.options)))


class Step(_Frozen):
    """One state reached, when and by whom; the list of steps is never shortened."""

    state: QueryState
    at: datetime
    actor: str
    reason: str = ""
    level: int = 0


class Answer(_Frozen):
    """Reference to a stored answer; the text lies in the answer table."""

    answer_id: UUID
    option: str | None
    outcome: Outcome
    sha256: str
    provider_id: str
    answered_at: datetime


class ProviderQuery(_Frozen):
    """One question to one provider about one encounter."""

    query_id: UUID
    rule: str
    provider_id: str | None
    requested_by: str
    requested_at: datetime
    blocks_coding: bool
    indicators: tuple[Indicator, ...]
    mode: Mode = Mode.WRITTEN
    asked_at: datetime | None = None  # of a verbal query: when it was spoken
    internal_note: str = ""  # for coders only; never in the outgoing copy
    state: QueryState = QueryState.DRAFT
    level: int = 0
    due_at: datetime | None = None
    content: Content | None = None
    findings: tuple[str, ...] = ()  # compliance rules that stopped it
    answer: Answer | None = None
    history: tuple[Step, ...] = ()


class EncounterQueries(_Frozen):
    """All queries of one encounter. `stopped` says why no further query may be asked for it."""

    encounter_id: UUID
    facility_id: str
    stopped: str = ""  # "", "encounter-cancelled", "encounter-merged"
    queries: tuple[ProviderQuery, ...] = ()

    def find(self, query_id: UUID) -> ProviderQuery | None:
        """Return one query, or None."""
        return next((query for query in self.queries if query.query_id == query_id), None)

    def put(self, query: ProviderQuery) -> "EncounterQueries":
        """Return the aggregate with this query added or replaced."""
        if self.find(query.query_id) is None:
            return self.model_copy(update={"queries": (*self.queries, query)})
        queries = tuple(query if old.query_id == query.query_id else old for old in self.queries)
        return self.model_copy(update={"queries": queries})

    def next_due_at(self) -> datetime | None:
        """Return the earliest deadline of a waiting query, or None."""
        return min((q.due_at for q in self.queries if q.state in WAITING and q.due_at), default=None)

    def drafts(self) -> tuple[ProviderQuery, ...]:
        """Return the queries that still have to be composed."""
        return tuple(query for query in self.queries if query.state is QueryState.DRAFT)


def draft(
    *,
    query_id: UUID,
    rule: str,
    provider_id: str | None,
    indicators: tuple[Indicator, ...],
    blocks_coding: bool,
    requested_by: str,
    now: datetime,
) -> ProviderQuery:
    """Begin a query that coding asked for."""
    return ProviderQuery(
        query_id=query_id,
        rule=rule,
        provider_id=provider_id,
        requested_by=requested_by,
        requested_at=now,
        blocks_coding=blocks_coding,
        indicators=indicators,
        history=(Step(state=QueryState.DRAFT, at=now, actor=requested_by),),
    )


def _move(
    query: ProviderQuery, to: QueryState, now: datetime, actor: str, reason: str = "", **changes: object
) -> ProviderQuery:
    if to not in NEXT[query.state]:
        raise Refused("query-state", f"a query that is {query.state} cannot become {to}")
    step = Step(state=to, at=now, actor=actor, reason=reason, level=query.level)
    return query.model_copy(update={"state": to, "history": (*query.history, step), **changes})


def pass_lint(query: ProviderQuery, content: Content, *, now: datetime, actor: str) -> ProviderQuery:
    """Keep the composed content of a draft that broke no compliance rule."""
    return _move(query, QueryState.LINTED, now, actor, content=content, findings=())


def fail_lint(
    query: ProviderQuery, content: Content | None, findings: tuple[str, ...], *, now: datetime, actor: str
) -> ProviderQuery:
    """Stop a draft that broke compliance rules; a person has to look at it."""
    return _move(query, QueryState.NEEDS_REVIEW, now, actor, content=content, findings=findings)


def send(query: ProviderQuery, *, now: datetime, actor: str) -> ProviderQuery:
    """Put a linted query into the provider's inbox and start its clock."""
    return _move(query, QueryState.OPEN, now, actor, due_at=now + DUE_AFTER)


def view(query: ProviderQuery, *, now: datetime, actor: str) -> ProviderQuery:
    """Note that the provider opened it; seeing it again changes nothing."""
    if query.state is not QueryState.OPEN:
        return query
    return _move(query, QueryState.VIEWED, now, actor)


def overdue(query: ProviderQuery, *, now: datetime, actor: str) -> ProviderQuery:
    """Raise the level of a query whose time is up, or expire it after the last level."""
    if query.state not in WAITING or query.due_at is None or query.due_at > now:
        return query
    if query.level >= LAST_LEVEL:
        return _move(query, QueryState.EXPIRED, now, actor, "no-response", due_at=None)
    level = query.level + 1
    step = Step(state=query.state, at=now, actor=actor, reason="escalated", level=level)
    return query.model_copy(
        update={"level": level, "due_at": now + ESCALATION_STEP, "history": (*query.history, step)}
    )


def check_answer(query: ProviderQuery, option_key: str | None, text: str) -> tuple[Outcome, str]:
    """Judge an answer and return its outcome and the statement to file.

    Raises: Refused when the option is unknown, when free text is needed and missing, or when it is too long.
    """
    if query.content is None or query.state not in (*WAITING, QueryState.EXPIRED):
        raise Refused("query-state", f"a query that is {query.state} takes no answer")
    text = text.strip()
    if len(text) > MAX_ANSWER_CHARS:
        raise Refused("answer-too-long", "the answer is too long", status=422, pointer="/text")
    if option_key is None:
        if not text:
            raise Refused("answer-empty", "choose an option or write an answer", status=422, pointer="/text")
        return Outcome.OTHER_DOCUMENTED, text
    option = next((option for option in query.content.options if option.key == option_key), None)
    if option is None:
        raise Refused("unknown-option", "the query has no such option", status=422, pointer="/option")
    if option.kind is OptionKind.OTHER and not text:
        raise Refused("answer-empty", "this option needs your own words", status=422, pointer="/text")
    return OUTCOME_OF[option.kind], " ".join(part for part in (option.statement, text) if part)


def record_answer(query: ProviderQuery, answer: Answer) -> ProviderQuery:
    """Take the provider's answer. Raises: Refused unless the query waits for one or has expired."""
    return _move(
        query,
        QueryState.ANSWERED,
        answer.answered_at,
        answer.provider_id,
        answer.outcome,
        answer=answer,
        due_at=None,
    )


def close(query: ProviderQuery, *, now: datetime, actor: str) -> ProviderQuery:
    """Close an answered query once its answer stands in the record as an addendum."""
    return _move(query, QueryState.CLOSED, now, actor)


def retract(query: ProviderQuery, reason: str, *, now: datetime, actor: str) -> ProviderQuery:
    """Withdraw a query that has no answer; its text and history stay."""
    return _move(query, QueryState.RETRACTED, now, actor, reason, due_at=None)


def can_become(query: ProviderQuery, to: QueryState) -> bool:
    """Tell whether a state may follow the present one."""
    return to in NEXT[query.state]
