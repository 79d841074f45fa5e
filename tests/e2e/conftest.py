"""End-to-end tests share one running system and one run of the demo."""

import pytest
from rcm_testkit.system import played, running

__all__ = ["played", "running"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the first test of the session the time in which the system starts and the demo runs."""
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.timeout(300))
