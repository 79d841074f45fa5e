"""Creates the topics of the contract table and the hospitals' inbound topic; what exists stays as it is."""

import argparse
import asyncio
import sys
import time

from rcm_shared.contracts.topics import INBOUND_RETENTION_DAYS, INBOUND_TOPIC, RETENTION_DAYS, TOPICS

from rcm_deploy.engines.failures import EngineError, Say

EMBEDDED_PARTITIONS = 4
EXTERNAL_PARTITIONS = 12
MAX_MESSAGE_BYTES = 1024 * 1024
_DAY_MS = 24 * 60 * 60 * 1000
_ALREADY_EXISTS = 36  # Kafka's error code: another process made it in the meantime


async def create_topics(
    bootstrap: str, *, partitions: int, replication: int, say: Say, timeout: float = 30
) -> list[str]:
    """Create the missing topics and return their names.

    Raises:
        EngineError: the broker cannot be reached or refuses.
    """
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic
    from aiokafka.errors import KafkaError
    from rcm_shared.messaging.kafka import connection_arguments
    from rcm_shared.settings import KafkaSettings

    retention = {topic.name: RETENTION_DAYS for topic in TOPICS} | {INBOUND_TOPIC: INBOUND_RETENTION_DAYS}
    deadline = time.monotonic() + timeout
    while True:
        admin = AIOKafkaAdminClient(**connection_arguments(KafkaSettings(bootstrap=bootstrap)))
        try:
            await admin.start()
            missing = sorted(set(retention) - set(await admin.list_topics()))
            answer = await admin.create_topics(
                [
                    NewTopic(
                        name,
                        partitions,
                        replication,
                        topic_configs={
                            "retention.ms": str(retention[name] * _DAY_MS),
                            "max.message.bytes": str(MAX_MESSAGE_BYTES),
                            "cleanup.policy": "delete",
                        },
                    )
                    for name in missing
                ]
            )
            refused = {row[0]: row[1] for row in answer.topic_errors if row[1] not in (0, _ALREADY_EXISTS)}
            if not refused:
                return missing
            problem = f"the broker refuses: {refused}"
        except (KafkaError, OSError, TimeoutError) as error:
            problem = f"{type(error).__name__}: {error}"
        finally:
            await admin.close()
        if time.monotonic() > deadline:
            raise EngineError(f"the topics cannot be created at {bootstrap}: {problem}")
        say(f"waiting for Kafka at {bootstrap}")
        await asyncio.sleep(1)


def main() -> int:
    """Create the topics at RCM_KAFKA_BOOTSTRAP: `python -m rcm_deploy.engines.topics`."""
    from rcm_shared.settings import KafkaSettings

    parser = argparse.ArgumentParser(prog="python -m rcm_deploy.engines.topics", description=__doc__)
    parser.add_argument("--partitions", type=int, default=EXTERNAL_PARTITIONS)
    parser.add_argument("--replication", type=int, default=3)
    options = parser.parse_args()

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    created = asyncio.run(
        create_topics(
            KafkaSettings().bootstrap,
            partitions=options.partitions,
            replication=options.replication,
            say=say,
        )
    )
    say(f"created: {', '.join(created) or 'nothing, all were there'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
