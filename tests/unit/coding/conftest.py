"""The installed code-set edition, compiled once for all tests of coding."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.engine.evidence import Document, Suggestions
from rcm_coding.engine.knowledge import Knowledge, installed_knowledge
from rcm_coding.engine.suggest import suggest
from rcm_coding.engine.tabular import Tabular

DAY = date(2026, 9, 14)
Read = Callable[..., Suggestions]


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    """The edition of the installed package with its lexicon."""
    return installed_knowledge()


@pytest.fixture(scope="session")
def tabular(knowledge: Knowledge) -> Tabular:
    """The tabular list alone."""
    return knowledge.tabular


@pytest.fixture(scope="session")
def code_sets(tabular: Tabular) -> CodeSets:
    """What the domain looks codes up in."""
    return CodeSets((tabular,))


@pytest.fixture(scope="session")
def read(knowledge: Knowledge) -> Read:
    """Run the engine over texts."""

    def run(
        *texts: str,
        setting: str = "office",
        kind: str = "office-note",
        day: date = DAY,
        claim_form: str = "837P",
    ) -> Suggestions:
        documents = [
            Document(UUID(int=at + 1), 1, "addendum" if at and kind == "office-note" else kind, text, at)
            for at, text in enumerate(texts)
        ]
        return suggest(documents, setting, day, knowledge, claim_form)

    return run
