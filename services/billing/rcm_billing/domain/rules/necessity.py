"""MN: whether the diagnoses support the service, how often it may be given, and what the patient was told."""

from collections import defaultdict

from rcm_billing.domain.document import ClaimDocument, ServiceLine
from rcm_billing.domain.history import YEARS
from rcm_billing.domain.reference import NotEvaluatedError
from rcm_billing.domain.reference_rows import Article, among
from rcm_billing.domain.rules.lines import NOT_COVERED, is_medicare, months_before, pointed, procedures
from rcm_billing.domain.rules.row import H, W, rule
from rcm_billing.domain.scrubbing import Owner, Places, ScrubContext

#: Modifiers about coverage that contradict each other (CMS claims processing manual, chapter 30).
_CONTRADICTIONS = (frozenset({"GA", "GZ"}), frozenset({"GX", "GZ"}), frozenset({"GA", "GY"}))


def _refuses(article: Article, codes: list[str]) -> bool:
    if article.lists_covered and not article.covered.intersection(codes):
        return True
    return bool(codes) and bool(article.denied) and article.denied.issuperset(codes)


def _by_article(claim: ClaimDocument, line: ServiceLine, context: ScrubContext, places: Places) -> str:
    """Return the edition whose article does not cover a line's diagnoses, or nothing."""
    day = line.service_date
    table = context.reference.articles.need(day, places)
    articles = table.of(line.code, day)
    contractor = ""
    if any(article.contractors for article in articles):
        row = context.reference.contractors.need(day, places).one(claim.facility_id, day)
        if row is None:
            raise NotEvaluatedError("contractors", places)
        contractor = row.contractor
    judging = [item for item in articles if not item.contractors or contractor in item.contractors]
    codes = pointed(claim, line)
    return table.name if any(_refuses(item, codes) for item in judging) else ""


def _by_policy(claim: ClaimDocument, line: ServiceLine, context: ScrubContext, places: Places) -> str:
    """Return the table whose policy does not cover a line's diagnoses, or nothing."""
    day = line.service_date
    table = context.reference.policies.need(day, places)
    rows = [row for row in table.of(line.code, day) if row.payer in ("", claim.coverage.payer_id)]
    codes = pointed(claim, line)
    covered = [row for row in rows if row.kind == "covered"]
    if covered and not any(among(code, row.diagnoses) for row in covered for code in codes):
        return table.name
    denied = [row for row in rows if row.kind == "denied"]
    if codes and denied and all(any(among(code, row.diagnoses) for row in denied) for code in codes):
        return table.name
    return ""


def _unsupported(claim: ClaimDocument, context: ScrubContext) -> list[tuple[ServiceLine, str]]:
    """Return the lines whose diagnoses are not covered, with the edition that says so.

    Raises: NotEvaluatedError with the places found so far.
    """
    judge = _by_article if is_medicare(claim) else _by_policy
    found: list[tuple[ServiceLine, str]] = []
    places: Places = []
    for line in procedures(claim):
        edition = judge(claim, line, context, places)
        if edition:
            found.append((line, edition))
            if not NOT_COVERED & set(line.modifiers):
                places.append(f"line-{line.number}@{edition}")
    return found


def mn_01(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A diagnosis of the line is covered for the code, place and date, or the line says that it is not."""
    return [
        f"line-{line.number}@{edition}"
        for line, edition in _unsupported(claim, context)
        if not NOT_COVERED & set(line.modifiers)
    ]


def mn_02(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A service is not given more often than its frequency limit or screening interval allows."""
    places: Places = []
    longer = False
    counted: dict[str, int] = defaultdict(int)
    for line in procedures(claim):
        day = line.service_date
        table = context.reference.frequency_limits.need(day, places)
        counted[line.code] += line.units
        for row in table.of(line.code, day):
            if row.payer not in ("", claim.coverage.payer_id):
                continue
            if context.history is None:
                raise NotEvaluatedError("history", places)
            since = months_before(day, row.months)
            before = sum(
                service.units
                for prior in context.history
                if prior.form == claim.form.value
                for service in prior.services
                if service.code == line.code and since < service.service_date <= day
            )
            if before + counted[line.code] > row.count:
                places.append(f"line-{line.number}")
                break
            longer = longer or row.months > YEARS * 12
    if longer:  # the history does not go back so far
        raise NotEvaluatedError("history", places)
    return places


def mn_03(claim: ClaimDocument, context: ScrubContext) -> Places:
    """A service that Medicare does not cover says with GA, GX, GY or GZ what the patient was told."""
    if not is_medicare(claim):
        return []
    places = [
        f"line-{line.number}"
        for line in procedures(claim)
        if any(pair <= set(line.modifiers) for pair in _CONTRADICTIONS)
    ]
    try:
        found = _unsupported(claim, context)
    except NotEvaluatedError as error:
        raise NotEvaluatedError(error.what, [*places, *error.places]) from None
    places += [
        f"line-{line.number}@{edition}" for line, edition in found if not NOT_COVERED & set(line.modifiers)
    ]
    return places


RULES = (
    rule(
        "MN-01",
        H,
        Owner.CODER,
        "CMS national and local coverage (NCD, LCD); the payer's policy",
        "Point the line to a documented diagnosis that supports it; never add one that is not documented.",
        mn_01,
        needs=("mcd-articles", "contractors", "policies"),
    ),
    rule(
        "MN-02",
        W,
        Owner.BILLER,
        "CMS national coverage; the payer's policy",
        "Check when the service was last given before the claim goes out.",
        mn_02,
        needs=("frequency_limits", "history"),
    ),
    rule(
        "MN-03",
        H,
        Owner.BILLER,
        "CMS claims processing manual, chapter 30",
        "Add GA when a signed notice is on file, GZ when none is, GY when the service is excluded.",
        mn_03,
        needs=("mcd-articles", "contractors"),
    ),
)
