"""Reference tables for rcm bench claims: the operator's files and coding's releases, so that the rules have to judge.

A few rows each, about the codes of the synthetic encounters; nothing of a licensed list.
"""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from rcm_billing.domain.errors import BadCodeSetError
from rcm_billing.domain.reference import FILES
from rcm_billing.gateways.reference_files import SUFFIX, columns_of
from rcm_billing.gateways.reference_rows import Page

TAX_ID = "123456789"
_PROCEDURES = ("99213", "20610", "J3301", "71260", "99283", "25605", "73110", "71046")
_REVENUE = ("0450", "0320", "0120", "0250", "0324", "0300", "0410")
_TRANSACTIONS = ("837P", "837I", "835", "276", "277", "provider")


def write_reference_files(
    folder: Path, npis: Iterable[str], payers: Iterable[str], taxonomies: Iterable[str], facility: str
) -> None:
    """Write one CSV file for each of the operator's tables."""
    people, insurers = tuple(npis), tuple(payers)
    rows: dict[str, list[Mapping[str, object]]] = {
        "procedures": [{"code": code} for code in _PROCEDURES],
        "modifiers": [{"code": "25", "rank": 1}, {"code": "RT", "rank": 2}, {"code": "LT", "rank": 2}],
        "places": [{"code": place} for place in ("11", "21", "22", "23")],
        "revenue_codes": [{"code": code, "needs_procedure": 0} for code in _REVENUE],
        "taxonomies": [{"code": code} for code in taxonomies],
        "providers": [
            {"npi": npi, "entity": 1 if n else 2, "tax_id": TAX_ID} for n, npi in enumerate(people)
        ],
        "enrolments": [
            {"payer": payer, "npi": npi, "transaction": transaction}
            for payer in insurers
            for npi in people
            for transaction in _TRANSACTIONS
        ],
        "drugs": [{"code": "J3301", "needs_ndc": 1, "single_dose": 0}],
        "ordered_procedures": [{"code": "71260"}],
        "diagnosis_sides": [{"code": "M1711", "side": "R"}, {"code": "S52532", "side": "L"}],
        "frequency_limits": [{"code": "71260", "count": 2, "months": 1}],
        "contractors": [{"facility": facility, "contractor": "00001"}],
    }
    for table in FILES:
        heads = [name for name, _, _ in columns_of(table)]
        with (folder / f"{table}{SUFFIX}").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, heads, restval="")
            given = rows.get(table, [])
            used = [head for head in heads if any(head in row for row in given)]
            writer.fieldnames = used or heads
            writer.writeheader()
            writer.writerows(given)


_PAIRS = ("column1\tcolumn2\teffective\tdeleted\tmodifier", ("20610\t99213", "25605\t99283", "71260\t71046"))
_LIMITS = ("code\tunits\tmai", tuple(f"{code}\t4\t3" for code in _PROCEDURES))
_RELEASED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "ncci-ptp": (_PAIRS[0], tuple(f"{pair}\t2020-01-01\t\t1" for pair in _PAIRS[1])),
    "ncci-ptp-hospital": (_PAIRS[0], tuple(f"{pair}\t2020-01-01\t\t1" for pair in _PAIRS[1])),
    "ncci-mue": _LIMITS,
    "ncci-mue-hospital": _LIMITS,
    "ncci-aoc": ("add_on\tprimary\ttype\teffective\tdeleted", ("99292\t99291\t1\t2020-01-01\t",)),
    "mpfs-rvu": (
        "code\tmodifier\tstatus\tpctc\tglobal_days\tmultiple\tbilateral\tassistant\tcosurgeon\tteam",
        (
            "99213\t\tA\t0\tXXX\t0\t0\t0\t0\t0",
            "20610\t\tA\t0\t000\t2\t1\t0\t0\t0",
            "71260\t\tA\t1\tXXX\t4\t0\t0\t0\t0",
            "99283\t\tA\t0\tXXX\t0\t0\t0\t0\t0",
        ),
    ),
    "hcpcs": ("code\tkind\tcoverage\tadded\teffective\tended", ("J3301\tcode\tD\t2020-01-01\t\t",)),
    "cpt": (
        "code\teffective\tended",
        tuple(f"{code}\t2020-01-01\t" for code in _PROCEDURES if code.isdigit()),
    ),
    "mcd-articles": (
        "article\tversion\teffective\tended\tkind\tcode",
        tuple(
            f"A1\t1\t2020-01-01\t\t{kind}\t{code}"
            for kind, code in (("procedure", "71260"), ("covered", "R911"), ("contractor", "00001"))
        ),
    ),
    "poa-exempt": ("code", ("Z7984", "Z87891")),
}
SYSTEMS = tuple(_RELEASED)


class Releases:
    """Answers as coding does, without HTTP: the rows of each released table in one page."""

    async def page(self, system: str, edition: str, sha256: str, offset: int) -> Page:
        """Return all rows of a table.

        Raises: BadCodeSetError for a table that is not released here.
        """
        if system not in _RELEASED:
            raise BadCodeSetError("code-set-release")
        heads, lines = _RELEASED[system]
        return Page(heads, list(lines[offset:]), True)
