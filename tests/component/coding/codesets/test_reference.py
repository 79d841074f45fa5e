"""The published files themselves, where a copy lies beside the checkout."""

from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from rcm_coding.codesets.alphabetic import read_index
from rcm_coding.codesets.index_terms import RETIRED, index_terms
from rcm_coding.codesets.order import OrderRow, apply_changes, read_addenda, read_delta, read_order
from rcm_coding.codesets.poa import read_poa_exempt
from rcm_coding.engine.tabular import Tabular
from rcm_coding.gateways.validity import installed_validity

FOLDER = Path(__file__).parents[5] / "shared" / "reference"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no published files beside the checkout")


def _member(archive: str, name: str) -> BytesIO:
    with ZipFile(FOLDER / archive) as file:
        return BytesIO(file.read(name))


@pytest.fixture(scope="module")
def diagnoses() -> list[OrderRow]:
    return list(read_order(_member("cm2026desc.zip", "icd10cm-order-2026.txt")))


@pytest.fixture(scope="module")
def procedures() -> list[OrderRow]:
    return list(read_order(_member("cms_2026_pr.zip", "icd10pcs_order_2026.txt"), pcs=True))


def test_order_files_have_the_published_counts(diagnoses: list[OrderRow], procedures: list[OrderRow]) -> None:
    assert (len(diagnoses), sum(row.billable for row in diagnoses)) == (98_186, 74_719)
    assert (len(procedures), sum(row.billable for row in procedures)) == (80_029, 79_115)


def test_order_file_agrees_with_the_installed_edition(diagnoses: list[OrderRow], tabular: Tabular) -> None:
    billable = {row.code for row in diagnoses if row.billable}
    assert len(billable) == tabular.billable_count
    assert all(tabular.billable(code) for code in billable)
    assert sum(len(code) == 7 for code in billable) == 51_485
    assert sum(len(code) == 7 and "X" in code[3:6] for code in billable) == 14_371
    assert sum(len(code) == 3 for code in billable) == 214


def test_letters_may_stand_in_second_and_third_place(diagnoses: list[OrderRow]) -> None:
    assert sum(row.code[1].isalpha() for row in diagnoses if row.billable) == 13


def test_addenda_have_the_counts_at_their_end() -> None:
    changes = list(read_addenda(_member("cm2026desc.zip", "icd10cm-order-addenda-2026.txt")))
    assert sum(item.action == "add" and item.billable for item in changes) == 487
    assert sum(item.action == "delete" and item.billable for item in changes) == 28
    changes = list(read_addenda(_member("cms_2026_pr.zip", "order_addenda_2026.txt"), pcs=True))
    assert sum(item.action == "add" and item.billable for item in changes) == 156


def test_delta_makes_the_next_year(diagnoses: list[OrderRow]) -> None:
    with (FOLDER / "icd10cm_fy2027_delta.tsv").open("rb") as file:
        after = apply_changes(diagnoses, read_delta(file))
    billable = {row.code for row in after if row.billable}
    validity = installed_validity()
    assert validity is not None
    assert billable == set(validity.on(date(2026, 10, 1)) or ())


def test_poa_exempt_list_has_the_published_count() -> None:
    rows = list(read_poa_exempt(_member("poa26.zip", "POAexemptCodesFY26.txt"), year=2026))
    assert len(rows) == 38_349


def _indexes() -> Iterator[tuple[str, str, str, int]]:
    yield "icd10cm_fy2017_full_xml.zip", "icd10cm_index_2017.xml", "main", 50_000
    yield "icd10cm_fy2022_drug_eindex_neoplasm_xml.zip", "icd10cm_eindex_2022.xml", "external-cause", 4_000
    yield "icd10cm_fy2022_drug_eindex_neoplasm_xml.zip", "icd10cm_neoplasm_2022.xml", "neoplasm", 6_000
    yield "icd10cm_fy2022_drug_eindex_neoplasm_xml.zip", "icd10cm_drug_2022.xml", "drugs", 12_000


@pytest.mark.parametrize(("archive", "name", "kind", "least"), list(_indexes()))
def test_index_gives_terms_of_current_codes_and_accounts_for_the_rest(
    archive: str, name: str, kind: str, least: int, tabular: Tabular
) -> None:
    index = read_index(_member(archive, name).getvalue())
    found = index_terms(index, tabular)
    assert index.kind == kind
    assert len(found.terms) >= least
    assert len(found.terms) + sum(found.left.values()) == found.entries
    assert all(code in tabular.concepts for _, code in found.terms)
    assert found.left.get(RETIRED, 0) < 100
