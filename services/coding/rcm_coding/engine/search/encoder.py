"""The encoder of one edition: search, one code's card, and the nearest codes, over one index and one tree."""

from dataclasses import dataclass

from rcm_coding.engine.search.find import Answer, nearest_codes, search
from rcm_coding.engine.search.index import SearchIndex
from rcm_coding.engine.search.tree import CodeCard, Tree
from rcm_coding.engine.tabular import Tabular


@dataclass(frozen=True)
class Encoder:
    """Immutable; made once for an edition."""

    tabular: Tabular
    index: SearchIndex
    tree: Tree

    def search(self, text: str, limit: int = 10) -> Answer:
        """Look up a code, the start of one, or words.

        Raises: QueryError.
        """
        return search(self.index, text, limit, self.tabular)

    def card(self, code: str) -> CodeCard | None:
        """Return all about a code, or None when the edition has none such."""
        return self.tree.card(code)

    def nearest(self, code: str) -> tuple[str, ...]:
        """Return the codes that an unknown one may have meant."""
        return nearest_codes(self.index, code, self.tabular)


def make_encoder(tabular: Tabular, index: SearchIndex) -> Encoder:
    """Put an edition and its index together."""
    return Encoder(tabular, index, Tree(tabular))
