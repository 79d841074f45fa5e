"""What audit reads from Kafka: every topic but its own, all types, known to this release or not."""

from collections.abc import Mapping

from rcm_shared.contracts.topics import Topic, read_by
from rcm_shared.messaging.apply import Apply

from rcm_audit.handlers.journal import Journal


def consumers(journal: Journal) -> Mapping[Topic, Apply]:
    """Return the table topic → handler: the journal takes everything."""
    return {topic: journal.take for topic in read_by("audit")}
