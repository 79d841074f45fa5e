"""The encoder of the installed edition, indexed once for these tests."""

import pytest
from rcm_coding.engine.search.encoder import Encoder, make_encoder
from rcm_coding.engine.search.index import SearchIndex, icd10cm_index
from rcm_coding.engine.tabular import Tabular


@pytest.fixture(scope="session")
def index(tabular: Tabular) -> SearchIndex:
    """Every title, inclusion term and curated wording."""
    return icd10cm_index(tabular)


@pytest.fixture(scope="session")
def encoder(tabular: Tabular, index: SearchIndex) -> Encoder:
    """What answers."""
    return make_encoder(tabular, index)
