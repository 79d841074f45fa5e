"""The start-up guard: a subscriber with settings that can lose events does not start."""

from typing import Any

import pytest
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from rcm_shared.messaging.consumer import Reader, UnsafeSubscriberError, _tolerant, check_subscribers
from rcm_shared.settings import KafkaSettings

SAFE: dict[str, Any] = {
    "group_id": "g",
    "group_instance_id": "g-0",
    "batch": True,
    "ack_policy": AckPolicy.MANUAL,
    "auto_offset_reset": "earliest",
    "parser": _tolerant,
}


def _broker(**changed: Any) -> KafkaBroker:
    broker = KafkaBroker("127.0.0.1:1", logger=None, apply_types=False)
    arguments = {name: value for name, value in {**SAFE, **changed}.items() if value is not None}
    broker.subscriber("rcm.test", **arguments)
    return broker


def test_safe_subscriber_passes() -> None:
    check_subscribers(_broker())


def test_subscribers_of_the_reader_pass() -> None:
    async def handle(_records: Any) -> None:
        return None

    reader = Reader(KafkaSettings(), service="billing", replica=0)
    reader.subscribe(topic="rcm.test", group="g", handle=handle)
    check_subscribers(reader.broker)


@pytest.mark.parametrize(
    ("setting", "changed"),
    [
        ("ack_policy", {"ack_policy": AckPolicy.NACK_ON_ERROR}),
        ("ack_policy", {"ack_policy": AckPolicy.ACK}),
        ("ack_policy", {"ack_policy": AckPolicy.ACK_FIRST}),
        ("enable_auto_commit", {"ack_policy": AckPolicy.ACK_FIRST}),
        ("ack_policy", {"ack_policy": None}),
        ("batch", {"batch": False}),
        ("auto_offset_reset", {"auto_offset_reset": "latest"}),
        ("auto_offset_reset", {"auto_offset_reset": None}),
        ("parser", {"parser": None}),
        ("group_instance_id", {"group_instance_id": None}),
    ],
)
def test_unsafe_setting_is_refused_by_name(setting: str, changed: dict[str, Any]) -> None:
    with pytest.raises(UnsafeSubscriberError, match=rf"rcm\.test.*{setting}"):
        check_subscribers(_broker(**changed))


def test_every_fault_of_a_default_subscriber_is_named() -> None:
    broker = KafkaBroker("127.0.0.1:1", logger=None)
    broker.subscriber("rcm.test", group_id="g")
    with pytest.raises(UnsafeSubscriberError) as raised:
        check_subscribers(broker)
    for setting in ("ack_policy", "batch", "auto_offset_reset", "parser", "group_instance_id"):
        assert setting in str(raised.value)
