"""The encoder of the installed edition, as the quick tests of the search have it."""

from unit.coding.engine.search.conftest import encoder, index

__all__ = ["encoder", "index"]
