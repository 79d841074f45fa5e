"""Facts that query publishes on `rcm.query.query`, keyed by encounter id. `query` is the provider (CDI) query."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from rcm_shared.contracts.event import Event, Plain


class QuerySent(Event):
    """A compliant query lies in a provider's inbox."""

    TYPE: ClassVar[str] = "rcm.query.query-sent.v1"
    facility_id: Plain[str]
    query_id: Plain[UUID]
    rule: Plain[str]
    provider_id: Plain[str]
    due_at: Plain[datetime]
    blocks_coding: Plain[bool] = True


class QueryAnswered(Event):
    """The provider answered. The text is fetched from query by id; intake files it as an addendum."""

    TYPE: ClassVar[str] = "rcm.query.query-answered.v1"
    facility_id: Plain[str]
    query_id: Plain[UUID]
    outcome: Plain[str]  # agreed, disagreed, other-documented, unable-to-determine, not-significant
    answer_id: Plain[UUID]
    answer_sha256: Plain[str]
    provider_id: Plain[str]


class QueryEscalated(Event):
    """No answer in time: level 1 reminder, 2 physician advisor, 3 department chair."""

    TYPE: ClassVar[str] = "rcm.query.query-escalated.v1"
    facility_id: Plain[str]
    query_id: Plain[UUID]
    level: Plain[int]
    due_at: Plain[datetime]


class QueryExpired(Event):
    """Nobody answered within the policy; coding goes on with what the record supports."""

    TYPE: ClassVar[str] = "rcm.query.query-expired.v1"
    facility_id: Plain[str]
    query_id: Plain[UUID]


class QueryRetracted(Event):
    """The query was withdrawn with a reason; its text is kept."""

    TYPE: ClassVar[str] = "rcm.query.query-retracted.v1"
    facility_id: Plain[str]
    query_id: Plain[UUID]
    reason: Plain[str]
