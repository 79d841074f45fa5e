"""Facts that audit publishes on `rcm.audit.finding`, keyed by encounter id."""

from typing import ClassVar
from uuid import UUID

from rcm_shared.contracts.event import Event, Plain


class SampleDrawn(Event):
    """The encounter was drawn into a quality review."""

    TYPE: ClassVar[str] = "rcm.audit.sample-drawn.v1"
    facility_id: Plain[str]
    review_id: Plain[UUID]
    plan: Plain[str]


class FindingIssued(Event):
    """A reviewer found a difference."""

    TYPE: ClassVar[str] = "rcm.audit.finding-issued.v1"
    facility_id: Plain[str]
    review_id: Plain[UUID]
    finding_class: Plain[
        str
    ]  # added, deleted, changed, resequenced, poa, modifier, missed-query, missed-charge


class AuditRecodeRequested(Event):
    """A finding sends the chart back to coding."""

    TYPE: ClassVar[str] = "rcm.audit.recode-requested.v1"
    facility_id: Plain[str]
    review_id: Plain[UUID]
    reasons: Plain[tuple[str, ...]]
