"""To whom and what a denial goes back: the coder of the claim's codes, the provider of the service, the rules that
spoke about it before it left, or could not for want of data.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rcm_billing.domain.account import Account, Denial
from rcm_billing.domain.document import ClaimDocument, ServiceLine
from rcm_billing.domain.remittance import PaidClaim
from rcm_billing.domain.scrubbing import Hit, Severity

#: Families of scrubber rules that look for what a category of denials is about.
FAMILIES: dict[str, frozenset[str]] = {
    "eligibility": frozenset({"SUB", "PAY"}),
    "coordination-of-benefits": frozenset({"SUB", "FRQ"}),
    "authorisation": frozenset({"AUT"}),
    "timely-filing": frozenset({"TF"}),
    "duplicate": frozenset({"DUP", "FRQ"}),
    "missing-information": frozenset({"FMT", "SUB", "PRV", "RX", "DAT", "IP", "OP"}),
    "bundling": frozenset({"PX"}),
    "coding": frozenset({"DX", "PX", "IP", "OP"}),
    "medical-necessity": frozenset({"MN"}),
    "non-covered": frozenset({"MN", "PAY"}),
    "provider-enrolment": frozenset({"PRV", "PAY"}),
}


@dataclass(frozen=True, slots=True)
class Attributed:
    """Who and what a case is attributed to, and the service that was denied."""

    code: str
    modifiers: tuple[str, ...]
    diagnoses: tuple[str, ...]
    coder: str
    provider_id: str
    rules: tuple[str, ...]


def coder_of(account: Account, case_version: int) -> str:
    """Return who finalised the codes of one version of the chart; empty when nobody was noted."""
    return dict(account.coders).get(case_version, "")


def provider_of(document: ClaimDocument) -> str:
    """Return the rendering provider's id (the attending one's of an institutional claim)."""
    provider = document.provider("rendering", "attending")
    return (provider.provider_id or provider.npi) if provider else ""


def denied_line(document: ClaimDocument, paid: PaidClaim | None, number: int) -> ServiceLine | None:
    """Return our line that was denied: `number` is its number, or its place in the 835 where no number was known.

    None for a denial of the whole claim, unless the claim has one line only.
    """
    if number == 0:
        return document.lines[0] if len(document.lines) == 1 else None
    for place, theirs in enumerate(paid.lines if paid else (), 1):
        if (theirs.number or place) == number:
            for line in document.lines:
                if theirs.control and line.control == theirs.control:
                    return line
    return next((line for line in document.lines if line.number == number), None)


def spoken_rules(
    category: str, hits: Iterable[Hit], not_evaluated: Sequence[str], again: Iterable[Hit] = ()
) -> tuple[str, ...]:
    """Return the rules about this kind of denial, each once: `<id>:warned`, `:released` (a person waved it through),
    `:would-have` (found by the rules and tables of today only) or `:not-evaluated` (its data was not loaded).
    """
    families = FAMILIES.get(category, frozenset())
    found = [
        f"{one.rule_id}:{'warned' if one.severity == Severity.WARN else 'released'}"
        for one in hits
        if one.rule_id.partition("-")[0] in families | {"PR"}  # PR: a rule written for this payer
    ]
    known = {one.partition(":")[0] for one in found}
    late = dict.fromkeys(one.rule_id for one in again if one.rule_id.partition("-")[0] in families | {"PR"})
    found += [f"{rule}:would-have" for rule in late if rule not in known]
    known |= set(late)
    found += [
        f"{rule}:not-evaluated"
        for rule in not_evaluated
        if rule.partition("-")[0] in families and rule not in known
    ]
    return tuple(dict.fromkeys(found))


def attribute(
    account: Account,
    case: Denial,
    document: ClaimDocument,
    paid: PaidClaim | None,
    hits: Iterable[Hit],
    not_evaluated: Sequence[str],
    again: Iterable[Hit] = (),
) -> Attributed:
    """Return what a case is attributed to."""
    claim = account.claim(case.claim_id)
    line = denied_line(document, paid, case.line)
    codes = [diagnosis.code for diagnosis in document.diagnoses]
    pointed = [codes[at - 1] for at in line.pointers if 0 < at <= len(codes)] if line else []
    return Attributed(
        code=(line.code or line.revenue_code) if line else "",
        modifiers=line.modifiers if line else (),
        diagnoses=tuple(pointed or codes),
        coder=coder_of(account, claim.case_version) if claim else "",
        provider_id=provider_of(document),
        rules=spoken_rules(case.category, hits, not_evaluated, again),
    )
