"""Reference tables that rules judge by, each by date: what is in force on a day, or nothing.

A rule asks `need`; a table that is not at hand for the day makes it "not evaluated", never "clean".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar

from rcm_billing.domain import reference_rows as rows
from rcm_billing.domain.reference_rows import Row

R = TypeVar("R", bound=Row)


class NotEvaluatedError(Exception):
    """A rule lacks the data it judges by. `places` are what it found in the part that it could judge."""

    def __init__(self, what: str = "", places: Iterable[str] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.places = list(places)


@dataclass(frozen=True, slots=True)
class Table(Generic[R]):
    """One edition of one table: its rows by key. A key of several columns joins them with a blank."""

    name: str  # edition, such as "ncci-ptp:2026Q3" or "enrolments:1f0a9c3e"
    rows: Mapping[str, tuple[R, ...]] = field(default_factory=dict)
    effective_from: date | None = None
    effective_to: date | None = None
    lengths: tuple[int, ...] = field(init=False, repr=False, compare=False)  # of the keys, the longest first

    def __post_init__(self) -> None:
        object.__setattr__(self, "lengths", tuple(sorted({len(key) for key in self.rows}, reverse=True)))

    def of(self, key: str, day: date) -> tuple[R, ...]:
        """Return the rows of a key that are in force on a day."""
        found = self.rows.get(key)
        if found is None:
            return ()
        if len(found) == 1:
            return found if found[0].in_force(day) else ()
        return tuple(row for row in found if row.in_force(day))

    def has(self, key: str, day: date) -> bool:
        """Tell whether a key has a row in force on a day."""
        return self.one(key, day) is not None

    def one(self, key: str, day: date) -> R | None:
        """Return the first row of a key in force on a day, or None."""
        found = self.rows.get(key)
        if found is not None:
            for row in found:
                if row.in_force(day):
                    return row
        return None

    def longest(self, code: str, day: date) -> R | None:
        """Return the row of the longest beginning of a code, the code itself included, or None."""
        for length in self.lengths:
            if length <= len(code):
                found = self.one(code[:length], day)
                if found is not None:
                    return found
        return None

    def beginnings(self, code: str, day: date) -> tuple[R, ...]:
        """Return the rows in force of every beginning of a code, the code itself included."""
        found: tuple[R, ...] = ()
        for length in self.lengths:
            if length <= len(code):
                found += self.of(code[:length], day)
        return found


@dataclass(frozen=True, slots=True)
class Dated(Generic[R]):
    """The editions of one table; a later one before an earlier one where both cover a day."""

    name: str = ""
    editions: tuple[Table[R], ...] = ()

    def on(self, day: date) -> Table[R] | None:
        """Return the edition in force on a day, or None when none is at hand."""
        best: Table[R] | None = None
        for table in self.editions:  # few: this is asked for every line by every rule
            begins, ends = table.effective_from, table.effective_to
            if (begins is not None and day < begins) or (ends is not None and ends < day):
                continue
            if best is None or begins is None or best.effective_from is None or begins >= best.effective_from:
                best = table
        return best

    def need(self, day: date, places: Iterable[str] = ()) -> Table[R]:
        """Return the edition in force on a day. `places` are what the rule has found so far.

        Raises: NotEvaluatedError.
        """
        table = self.on(day)
        if table is None:
            raise NotEvaluatedError(self.name, places)
        return table


@dataclass(frozen=True, slots=True)
class Reference:
    """Every table. The first group comes from coding's releases, the second from the operator's own files."""

    pairs: Dated[rows.Pair] = Dated("ncci-ptp")
    pairs_hospital: Dated[rows.Pair] = Dated("ncci-ptp-hospital")
    unit_limits: Dated[rows.UnitLimit] = Dated("ncci-mue")
    unit_limits_hospital: Dated[rows.UnitLimit] = Dated("ncci-mue-hospital")
    add_ons: Dated[rows.AddOn] = Dated("ncci-aoc")
    fees: Dated[rows.Fee] = Dated("mpfs-rvu")
    articles: Dated[rows.Article] = Dated("mcd-articles")
    hcpcs: Dated[rows.Hcpcs] = Dated("hcpcs")
    cpt: Dated[rows.Code] = Dated("cpt")
    poa_exempt: Dated[rows.Code] = Dated("poa-exempt")

    procedures: Dated[rows.Code] = Dated("procedures")
    modifiers: Dated[rows.Modifier] = Dated("modifiers")
    places: Dated[rows.Code] = Dated("places")
    place_rules: Dated[rows.PlaceRule] = Dated("place_rules")
    telehealth: Dated[rows.Telehealth] = Dated("telehealth")
    revenue_codes: Dated[rows.RevenueCode] = Dated("revenue_codes")
    taxonomies: Dated[rows.Taxonomy] = Dated("taxonomies")
    providers: Dated[rows.Provider] = Dated("providers")
    exclusions: Dated[rows.Excluded] = Dated("exclusions")
    enrolments: Dated[rows.Enrolment] = Dated("enrolments")
    authorisation_rules: Dated[rows.AuthorisationRule] = Dated("authorisation_rules")
    approvals: Dated[rows.Approval] = Dated("approvals")
    policies: Dated[rows.Policy] = Dated("policies")
    contractors: Dated[rows.Contractor] = Dated("contractors")
    timed_services: Dated[rows.TimedService] = Dated("timed_services")
    frequency_limits: Dated[rows.FrequencyLimit] = Dated("frequency_limits")
    procedure_limits: Dated[rows.PatientLimit] = Dated("procedure_limits")
    diagnosis_limits: Dated[rows.PatientLimit] = Dated("diagnosis_limits")
    diagnosis_pairs: Dated[rows.CodePair] = Dated("diagnosis_pairs")
    diagnosis_sides: Dated[rows.DiagnosisSide] = Dated("diagnosis_sides")
    principal_limits: Dated[rows.PrincipalLimit] = Dated("principal_limits")
    unspecified: Dated[rows.Code] = Dated("unspecified")
    drugs: Dated[rows.DrugRule] = Dated("drugs")
    laboratory: Dated[rows.Laboratory] = Dated("laboratory")
    clia_numbers: Dated[rows.CliaNumber] = Dated("clia_numbers")
    ordered_procedures: Dated[rows.Code] = Dated("ordered_procedures")
    inpatient_only: Dated[rows.Code] = Dated("inpatient_only")
    device_intensive: Dated[rows.Companion] = Dated("device_intensive")
    companions: Dated[rows.Companion] = Dated("companions")
    automatic_codes: Dated[rows.Code] = Dated("automatic_codes")


#: field of Reference -> row type and the columns that make the key. The order is that of the documentation.
TABLES: Mapping[str, tuple[type[Row], tuple[str, ...]]] = {
    "pairs": (rows.Pair, ("column1", "column2")),
    "pairs_hospital": (rows.Pair, ("column1", "column2")),
    "unit_limits": (rows.UnitLimit, ("code",)),
    "unit_limits_hospital": (rows.UnitLimit, ("code",)),
    "add_ons": (rows.AddOn, ("add_on",)),
    "fees": (rows.Fee, ("code",)),
    "articles": (rows.Article, ("code",)),
    "hcpcs": (rows.Hcpcs, ("code",)),
    "cpt": (rows.Code, ("code",)),
    "poa_exempt": (rows.Code, ("code",)),
    "procedures": (rows.Code, ("code",)),
    "modifiers": (rows.Modifier, ("code",)),
    "places": (rows.Code, ("code",)),
    "place_rules": (rows.PlaceRule, ("procedure",)),
    "telehealth": (rows.Telehealth, ("payer", "place")),
    "revenue_codes": (rows.RevenueCode, ("code",)),
    "taxonomies": (rows.Taxonomy, ("code",)),
    "providers": (rows.Provider, ("npi",)),
    "exclusions": (rows.Excluded, ("npi",)),
    "enrolments": (rows.Enrolment, ("payer", "npi", "transaction")),
    "authorisation_rules": (rows.AuthorisationRule, ("code",)),
    "approvals": (rows.Approval, ("payer", "number")),
    "policies": (rows.Policy, ("code",)),
    "contractors": (rows.Contractor, ("facility",)),
    "timed_services": (rows.TimedService, ("code",)),
    "frequency_limits": (rows.FrequencyLimit, ("code",)),
    "procedure_limits": (rows.PatientLimit, ("code",)),
    "diagnosis_limits": (rows.PatientLimit, ("code",)),
    "diagnosis_pairs": (rows.CodePair, ("code",)),
    "diagnosis_sides": (rows.DiagnosisSide, ("code",)),
    "principal_limits": (rows.PrincipalLimit, ("code",)),
    "unspecified": (rows.Code, ("code",)),
    "drugs": (rows.DrugRule, ("code",)),
    "laboratory": (rows.Laboratory, ("code",)),
    "clia_numbers": (rows.CliaNumber, ("number",)),
    "ordered_procedures": (rows.Code, ("code",)),
    "inpatient_only": (rows.Code, ("code",)),
    "device_intensive": (rows.Companion, ("code",)),
    "companions": (rows.Companion, ("code",)),
    "automatic_codes": (rows.Code, ("code",)),
}
#: field of Reference -> the system whose releases fill it; the other tables are the operator's files.
SYSTEMS: Mapping[str, str] = {
    "pairs": "ncci-ptp",
    "pairs_hospital": "ncci-ptp-hospital",
    "unit_limits": "ncci-mue",
    "unit_limits_hospital": "ncci-mue-hospital",
    "add_ons": "ncci-aoc",
    "fees": "mpfs-rvu",
    "articles": "mcd-articles",
    "hcpcs": "hcpcs",
    "cpt": "cpt",
    "poa_exempt": "poa-exempt",
}
FILES: tuple[str, ...] = tuple(name for name in TABLES if name not in SYSTEMS)
NO_REFERENCE = Reference()


def index(table: str, found: Iterable[R]) -> dict[str, tuple[R, ...]]:
    """Return rows by the key of a table."""
    columns = TABLES[table][1]
    indexed: dict[str, list[R]] = {}
    for row in found:
        indexed.setdefault(" ".join(getattr(row, column) for column in columns), []).append(row)
    return {key: tuple(rows) for key, rows in indexed.items()}


def table_of(
    name: str, found: Iterable[R], *, edition: str = "", begins: date | None = None, ends: date | None = None
) -> Dated[R]:
    """Return a table with one edition; without dates it is in force on every day."""
    made = Table(edition or SYSTEMS.get(name, name), index(name, found), begins, ends)
    return Dated(SYSTEMS.get(name, name), (made,))
