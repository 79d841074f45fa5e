"""The architecture at a glance: every topic with its owner, its facts and who reads it.

Tests compare this table with what the services really publish and subscribe to; topics are created from it.
"""

from dataclasses import dataclass

from rcm_shared.contracts import audit, billing, coding, intake, query
from rcm_shared.contracts.event import Event

RETENTION_DAYS = 30

#: Where hospitals publish. It carries patient data by nature, belongs to no producer of ours and has no row below.
INBOUND_TOPIC = "hospital.encounters.inbound"
INBOUND_RETENTION_DAYS = 3


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of one owning service: all its facts, in order per key."""

    name: str
    owner: str
    events: tuple[type[Event], ...]
    consumers: tuple[str, ...]

    def group(self, service: str) -> str:
        """Return the consumer group of a service on this topic, such as "billing.coding-chart"."""
        _, owner, stream = self.name.split(".")
        return f"{service}.{owner}-{stream}"


ENCOUNTER = Topic(
    "rcm.intake.encounter",
    "intake",
    (
        intake.EncounterRegistered,
        intake.DocumentationCompleted,
        intake.DocumentationAmended,
        intake.EncounterCancelled,
        intake.EncountersMerged,
        intake.ChargesCaptured,
        intake.CoverageVerified,
    ),
    ("coding", "billing", "query", "audit"),
)
CHART = Topic(
    "rcm.coding.chart",
    "coding",
    (
        coding.CodingStarted,
        coding.SuggestionsProposed,
        coding.QueryRequested,
        coding.CodingFinalised,
        coding.CodingReopened,
        coding.CodesetReleaseActivated,
    ),
    ("query", "billing", "audit", "intake"),
)
QUERY = Topic(
    "rcm.query.query",
    "query",
    (query.QuerySent, query.QueryAnswered, query.QueryEscalated, query.QueryExpired, query.QueryRetracted),
    ("intake", "coding", "billing", "audit"),
)
CLAIM = Topic(
    "rcm.billing.claim",
    "billing",
    (
        billing.ClaimDrafted,
        billing.ClaimHeld,
        billing.ClaimReleased,
        billing.ClaimSubmitted,
        billing.ClaimAcknowledged,
        billing.ClaimRejected,
        billing.ClaimAdjudicated,
        billing.PaymentPosted,
        billing.ClaimDenied,
        billing.AppealFiled,
        billing.RecodeRequested,
        billing.ClaimStatusReported,
        billing.TimelyFilingWarned,
        billing.UnderpaymentFound,
        billing.DenialMoved,
        billing.StatementIssued,
        billing.PayerRequestReceived,
        billing.AccountClosed,
    ),
    ("coding", "audit", "intake"),
)
FINDING = Topic(
    "rcm.audit.finding",
    "audit",
    (audit.SampleDrawn, audit.FindingIssued, audit.AuditRecodeRequested),
    ("coding",),
)

TOPICS: tuple[Topic, ...] = (ENCOUNTER, CHART, QUERY, CLAIM, FINDING)


def owned_by(service: str) -> Topic:
    """Return the topic that a service publishes."""
    return next(topic for topic in TOPICS if topic.owner == service)


def read_by(service: str) -> tuple[Topic, ...]:
    """Return the topics that a service consumes."""
    return tuple(topic for topic in TOPICS if service in topic.consumers)
