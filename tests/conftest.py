"""Fixtures of every kind of test: the real engines, started once and only when a test asks for them."""

from collections.abc import Iterator

import pytest
from rcm_testkit.engines import TestEngines, running_engines


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestEngines]:
    """A real PostgreSQL and a real Kafka for the whole test session."""
    with running_engines(tmp_path_factory.mktemp("engines")) as running:
        yield running
