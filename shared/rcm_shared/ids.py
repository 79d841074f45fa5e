"""Identifiers: UUIDv7, so that index inserts stay local and ids sort by time."""

import hashlib
import os
import time
from typing import NewType
from uuid import UUID

EncounterId = NewType("EncounterId", UUID)


_random = (
    bytearray()
)  # from the system's generator, fetched for many ids at once: a system call costs microseconds
os.register_at_fork(after_in_child=_random.clear)


def uuid7() -> UUID:
    """Make a version 7 UUID (RFC 9562): 48 bits of Unix milliseconds, then 74 random bits."""
    millis = time.time_ns() // 1_000_000
    if not _random:
        _random.extend(os.urandom(2560))
    rand = int.from_bytes(_random[-10:], "big")
    del _random[-10:]
    value = (
        (millis & 0xFFFFFFFFFFFF) << 80
        | 0x7 << 76
        | (rand >> 68 & 0xFFF) << 64
        | 0b10 << 62
        | rand & (1 << 62) - 1
    )
    return UUID(int=value)


def derived_uuid(parent: UUID, name: str) -> UUID:
    """Make the same id every time from a parent id and a name, keeping the parent's time prefix.

    A redelivered command then meets its own earlier effect instead of making a second one.
    """
    digest = int.from_bytes(hashlib.sha256(parent.bytes + name.encode()).digest()[:10], "big")
    value = (
        (parent.int >> 80) << 80
        | 0x7 << 76
        | (digest >> 68 & 0xFFF) << 64
        | 0b10 << 62
        | digest & (1 << 62) - 1
    )
    return UUID(int=value)
