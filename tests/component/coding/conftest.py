"""The fixtures of coding's unit tests, for the tests that take longer."""

from unit.coding.conftest import code_sets, get, knowledge, read, tabular

__all__ = ["code_sets", "get", "knowledge", "read", "tabular"]
