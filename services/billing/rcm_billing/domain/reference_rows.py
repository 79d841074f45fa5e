"""The rows of the reference tables that rules judge by. Codes and numbers only, no descriptors.

A row is in force from `effective_from` to `effective_to`, both days included; None: without bound. An empty `payer`
is every payer. Sets of codes hold whole codes; a code that ends in `*` stands for all that begin so.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a table."""

    effective_from: date | None = None
    effective_to: date | None = None

    def in_force(self, day: date) -> bool:
        """Tell whether the row is in force on a day."""
        return (self.effective_from is None or self.effective_from <= day) and (
            self.effective_to is None or day <= self.effective_to
        )


def among(code: str, codes: frozenset[str]) -> bool:
    """Tell whether a code is in a set that may hold beginnings such as `J18*`."""
    if code in codes:
        return True
    return any(listed.endswith("*") and code.startswith(listed[:-1]) for listed in codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code(Row):
    """A code that is in a list."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair(Row):
    """NCCI PTP: column 2 is not paid beside column 1. Modifier: 0 never allowed, 1 allowed, 9 not applicable."""

    column1: str
    column2: str
    modifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLimit(Row):
    """NCCI MUE. MAI: 1 for each line, 2 for the day and absolute, 3 for the day."""

    code: str
    units: int
    mai: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOn(Row):
    """NCCI AOC: an add-on and a primary that it may stand beside; type 2 leaves the primary to the contractor."""

    add_on: str
    primary: str = ""
    type: str = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee(Row):
    """The payment policy indicators of the physician fee schedule for one code (and modifier 26 or TC)."""

    code: str
    modifier: str = ""
    status: str = ""
    pctc: str = ""
    global_days: str = ""
    multiple: str = ""
    bilateral: str = ""
    assistant: str = ""
    cosurgeon: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hcpcs(Row):
    """A HCPCS Level II code, or (kind "modifier") a modifier."""

    code: str
    kind: str = "code"
    coverage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article(Row):
    """A coverage article (LCD, NCD) for one procedure.

    `covered` and `denied` hold only the diagnoses of the claims at hand; `lists_covered` says that the article names
    covered diagnoses at all. `contractors` empty: everywhere.
    """

    code: str
    article: str
    covered: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    lists_covered: bool = False
    contractors: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Row):
    """A payer's own medical policy: the diagnoses that it covers, or (kind "denied") does not cover."""

    payer: str = ""
    code: str
    kind: str = "covered"
    diagnoses: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Modifier(Row):
    """A modifier. `rank` 1 changes the payment and stands before 2, which informs. `procedures` empty: any."""

    code: str
    rank: int = 2
    excludes: frozenset[str] = frozenset()
    procedures: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRule(Row):
    """The places of service in which a procedure (or all that begin so) may be given."""

    procedure: str
    places: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telehealth(Row):
    """Which modifiers a payer wants on a line with a telehealth place of service; any one of them."""

    payer: str = ""
    place: str
    modifiers: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueCode(Row):
    """A revenue code; `needs_procedure`: never without a HCPCS code on an outpatient bill. `bill_types` empty: any."""

    code: str
    needs_procedure: bool = False
    bill_types: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider(Row):
    """A provider as NPPES and PECOS know it. Entity 1 is a person, 2 an organisation."""

    npi: str
    entity: str = "1"
    tax_id: str = ""
    taxonomy: str = ""
    can_order: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxonomy(Row):
    """A provider taxonomy code with the groups of services that it may bill, as the operator names them."""

    code: str
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded(Row):
    """A provider on an exclusion list (OIG LEIE, SAM) until reinstated."""

    npi: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment(Row):
    """A payer's enrolment of an NPI for a transaction: 837P, 837I, 835, 276, or "provider" for the person."""

    payer: str
    npi: str
    transaction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorisationRule(Row):
    """A payer wants an authorisation for a procedure; `settings` empty: in every setting."""

    payer: str = ""
    code: str
    settings: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(Row):
    """An authorisation that a payer gave (278), in force on its dates. `units` 0, `npi` empty: any."""

    payer: str
    number: str
    codes: frozenset[str]
    units: int = 0
    npi: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedService(Row):
    """A service that is counted by time; one unit is `minutes`."""

    code: str
    minutes: int = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyLimit(Row):
    """At most `count` services in `months` months for one patient."""

    payer: str = ""
    code: str
    count: int = 1
    months: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientLimit(Row):
    """The ages in years, both included, and the sex that a procedure or diagnosis is for."""

    code: str
    sex: str = ""
    age_from: int | None = None
    age_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugRule(Row):
    """A drug code: whether its NDC is asked for, and whether it comes in single-dose containers (JW, JZ)."""

    payer: str = ""
    code: str
    needs_ndc: bool = True
    single_dose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Laboratory(Row):
    """A laboratory test under CLIA; `waived` with `qw`: the waived test is billed with modifier QW."""

    code: str
    waived: bool = False
    qw: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CliaNumber(Row):
    """A laboratory's CLIA certificate."""

    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion(Row):
    """A procedure that is not given without one of these supplies, implants, devices or drugs."""

    code: str
    needs: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePair(Row):
    """Two diagnoses or beginnings of them. Kind: excludes1, code-first, use-additional."""

    code: str
    other: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisSide(Row):
    """The side of the body that a diagnosis (or all that begin so) names: R, L, or B for both."""

    code: str
    side: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalLimit(Row):
    """A diagnosis that may not stand first. Kind: unacceptable, manifestation."""

    code: str
    kind: str = "unacceptable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contractor(Row):
    """The Medicare contractor (MAC) that decides for a facility."""

    facility: str
    contractor: str
