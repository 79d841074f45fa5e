"""Where a denial goes: by payer, group, CARC and RARC together, never by the CARC alone; what no row names goes to a
person. Code numbers only: the texts of the lists are X12's.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rcm_billing.domain.denial import CATEGORIES
from rcm_billing.domain.errors import BillingError

ANY = "*"
GROUPS = frozenset({"CO", "OA", "PI", "PR"})
OWNERS = frozenset({"coder", "biller", "registration", "provider"})
#: CARC that say nothing without a RARC (domain page 2.5; CARC 16 demands one).
NEEDS_REMARK = frozenset({"16"})
COLUMNS = ("payer", "group", "carc", "rarc", "category", "root_cause", "owner", "action")
MAX_ROUTES = 20_000
_CODE = re.compile(r"[A-Z0-9]{1,5}|\*")
_WORD = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class BadRoute(BillingError):
    """A list of routes is refused as a whole; `code` names the row and the column."""

    code = "denial-route"


class Route(NamedTuple):
    """One row: which denials, and what is done with them."""

    payer: str
    group: str
    carc: str
    rarc: str
    category: str
    root_cause: str
    owner: str
    action: str

    @property
    def weight(self) -> tuple[bool, bool, bool]:
        """Return how narrow the row is: a remark tells most, then the payer, then the group."""
        return (self.rarc != ANY, self.payer != ANY, self.group != ANY)


#: category -> (root cause, owner queue, first action)
_FIRST: dict[str, tuple[str, str, str]] = {
    "eligibility": ("coverage-not-verified", "registration", "verify-coverage"),
    "coordination-of-benefits": ("payer-order-wrong", "registration", "bill-in-order"),
    "authorisation": ("authorisation-missing", "biller", "retro-authorisation"),
    "timely-filing": ("filed-late", "biller", "proof-of-timely-filing"),
    "duplicate": ("sent-twice", "biller", "match-original"),
    "missing-information": ("data-missing", "biller", "correct-and-resend"),
    "bundling": ("bundled-service", "coder", "check-modifier"),
    "coding": ("code-mismatch", "coder", "review-coding"),
    "medical-necessity": ("necessity-not-shown", "provider", "clinical-appeal"),
    "non-covered": ("benefit-limit", "biller", "check-benefit"),
    "provider-enrolment": ("not-enrolled", "biller", "check-enrolment"),
}

#: RARC that tell a CARC 16 apart: who can mend it, and how.
_REMARKS: dict[str, tuple[str, str, str]] = {
    **dict.fromkeys(
        ("MA27", "MA36", "MA61", "N329", "N382", "N375"),
        ("member-data-wrong", "registration", "correct-member"),
    ),
    **dict.fromkeys(
        ("M51", "M53", "M64", "M76", "MA63", "MA66", "M20"), ("code-missing", "coder", "review-coding")
    ),
    **dict.fromkeys(("MA04", "N4", "N48"), ("prior-payer-missing", "biller", "add-prior-payment")),
    **dict.fromkeys(("M127", "N29", "N706", "M60"), ("records-asked-for", "biller", "attach-records")),
    **dict.fromkeys(("N257", "N286", "N290", "N265"), ("provider-data-wrong", "biller", "correct-provider")),
    **dict.fromkeys(
        ("M77", "M44", "M45", "M46", "MA130"), ("claim-data-wrong", "biller", "correct-and-resend")
    ),
}


def _default() -> tuple[Route, ...]:
    rows = [
        Route(ANY, group, carc, ANY, category, *_FIRST[category])
        for carc, category in CATEGORIES.items()
        if carc not in NEEDS_REMARK
        for group in ("CO", "OA", "PI", "PR")
    ]
    rows += [
        Route(ANY, group, "16", rarc, "missing-information", *first)
        for rarc, first in _REMARKS.items()
        for group in ("CO", "OA", "PI", "PR")
    ]
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class Routing:
    """Where a case goes. `person`: no row names it, somebody has to look first."""

    category: str
    root_cause: str
    owner: str
    action: str
    person: bool = False


class RouteTable:
    """One version of the list, ready to be asked."""

    def __init__(self, version: int, routes: Sequence[Route]) -> None:
        self.version = version
        self.routes = tuple(routes)
        self._by_carc: dict[str, list[Route]] = {}
        for route in sorted(self.routes, key=lambda row: row.weight, reverse=True):
            self._by_carc.setdefault(route.carc, []).append(route)

    def route(self, *, payer: str, group: str, carc: str, remarks: Sequence[str], category: str) -> Routing:
        """Return where a denial goes by the narrowest row that names it; `category` is used when none does."""
        for row in self._by_carc.get(carc, ()):
            if (
                row.payer in (ANY, payer)
                and row.group in (ANY, group)
                and (row.rarc == ANY or row.rarc in remarks)
            ):
                return Routing(row.category, row.root_cause, row.owner, row.action)
        action = "find-remark" if carc in NEEDS_REMARK and not remarks else "look-up-reason"
        return Routing(category, "", "biller", action, person=True)


DEFAULT_ROUTES = _default()
#: What is used until the operator stores a list of their own.
DEFAULT_TABLE = RouteTable(0, DEFAULT_ROUTES)


def check_routes(routes: Sequence[Route]) -> tuple[Route, ...]:
    """Return the routes when every one may stand.

    Raises: BadRoute naming the row (from 1) and the column: a row by CARC alone, a row for a CARC that needs a
    remark without one, a value of the wrong shape, the same key twice.
    """
    if len(routes) > MAX_ROUTES:
        raise BadRoute("too-many-rows")
    seen: set[tuple[str, ...]] = set()
    for number, route in enumerate(routes, 1):
        fault = _fault(route)
        if fault:
            raise BadRoute(f"row-{number}:{fault}")
        key = route[:4]
        if key in seen:
            raise BadRoute(f"row-{number}:repeated")
        seen.add(key)
    return tuple(routes)


def _fault(route: Route) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,40}|\*", route.payer):
        return "payer"
    if route.group not in GROUPS | {ANY}:
        return "group"
    if route.carc == ANY or not _CODE.fullmatch(route.carc):
        return "carc"
    if not _CODE.fullmatch(route.rarc):
        return "rarc"
    if route.group == ANY and route.rarc == ANY and route.payer == ANY:
        return "carc-alone"
    if route.carc in NEEDS_REMARK and route.rarc == ANY:
        return "rarc-missing"
    for column in ("category", "root_cause", "action"):
        if not _WORD.fullmatch(getattr(route, column)):
            return column
    return "" if route.owner in OWNERS else "owner"


def read_routes(text: str) -> tuple[Route, ...]:
    """Read the operator's list: CSV with the columns of COLUMNS, in any order.

    Raises: BadRoute naming the row (from 1, without the head) and the column.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise BadRoute(f"head:{missing[0]}")
    routes = []
    try:
        for number, row in enumerate(reader, 1):
            values = [row[name] for name in COLUMNS]
            if None in values or None in row:
                raise BadRoute(f"row-{number}:columns")
            routes.append(Route(*(value.strip() for value in values)))
    except csv.Error:
        raise BadRoute(f"row-{len(routes) + 1}:unreadable") from None
    return check_routes(routes)
