"""Fixtures of every kind of test: the real engines, started once and only when a test asks for them."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rcm_testkit.engines import TestEngines, running_engines


@pytest.fixture(scope="session")
def engines() -> Iterator[TestEngines]:
    """A real PostgreSQL and a real Kafka for the whole test session.

    Their home lies outside pytest's own temporary folder: any other pytest of the same user closes that one to
    everybody else when it starts, and as root PostgreSQL runs as another user.
    """
    with (
        tempfile.TemporaryDirectory(prefix="rcm-engines-") as home,
        running_engines(Path(home)) as running,
    ):
        yield running
