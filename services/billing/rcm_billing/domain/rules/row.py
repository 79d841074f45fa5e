"""How a row of the rule table is written: severities, forms and authorities in short."""

from datetime import date

from rcm_shared.contracts.intake import ClaimForm

from rcm_billing.domain.scrubbing import Check, Owner, Rule, Severity

START = date(2020, 1, 1)  # no rule of ours is older; claims before it are not scrubbed by it
R, H, W = Severity.REJECT, Severity.HOLD, Severity.WARN
PROFESSIONAL, INSTITUTIONAL = ClaimForm.PROFESSIONAL, ClaimForm.INSTITUTIONAL
TR3 = "837 TR3 005010X222A1/X223A2"


def rule(
    rule_id: str,
    severity: Severity,
    owner: Owner,
    authority: str,
    fix: str,
    check: Check,
    *,
    form: ClaimForm | None = None,
    needs: tuple[str, ...] = (),
    payers: frozenset[str] | None = None,
    version: int = 1,
    effective_from: date = START,
    effective_to: date | None = None,
) -> Rule:
    """Return one row; `needs` names the reference sets without which the rule is not evaluated."""
    return Rule(
        rule_id,
        version,
        effective_from,
        effective_to,
        severity,
        owner,
        authority,
        fix,
        check,
        form,
        payers,
        needs,
    )
