"""A scrub done again by its record gives the same result, whatever was activated since."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from rcm_billing.domain import reference_rows as rows
from rcm_billing.domain.code_set import CodeSet, CodeSets
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.history import PriorClaim
from rcm_billing.domain.judging import Basis, Circumstances, Judging, differences, result_digest, scrub_again
from rcm_billing.domain.payer_rule import PayerRules
from rcm_billing.domain.reference import Dated, Reference, Table, index, table_of
from rcm_billing.domain.rules import RULES
from unit.billing import cases
from unit.billing.rules.claims import CODES, EDITION, diagnosed, inpatient, office
from unit.billing.rules.test_payer_rule import a_rule

PAYERS = cases.MASTER.payers
SETS = CodeSets((EDITION,))
OLD = a_rule("lines.exists(l, l.code == '17110')")
NEW = a_rule("false", version=2)
TABLES = Reference(
    exclusions=table_of(
        "exclusions", [rows.Excluded(npi=npi) for npi in ("1245319599", "1234567893")], edition="exclusions:a"
    )
)


def judging(**changes: Any) -> Judging:
    """Return what judges on the demo's day."""
    values: dict[str, Any] = {"code_sets": SETS, "reference": TABLES, "payer_rules": PayerRules((OLD,))}
    return Judging(cases.TODAY, PAYERS, **(values | changes))


def later(reference: Reference, name: str) -> Reference:
    """Return tables in which a later edition of the exclusions, without rows, covers the same days."""
    empty: Table[rows.Excluded] = Table(name, index("exclusions", ()))
    return replace(reference, exclusions=Dated("exclusions", (*reference.exclusions.editions, empty)))


def restored(claim: ClaimDocument, basis: Basis, circumstances: Circumstances) -> tuple[Any, ...]:
    """Return all three as they come back from the database."""
    return (
        ClaimDocument.model_validate_json(claim.model_dump_json()),
        Basis.model_validate_json(basis.body),
        Circumstances.model_validate_json(circumstances.model_dump_json()),
    )


@pytest.mark.parametrize("make", [office, inpatient, lambda: diagnosed("D22", "W010XXA")])
def test_same_result_after_rules_tables_and_code_sets_moved_on(make: Any) -> None:
    claim = make()
    first = judging().scrub(claim, Circumstances(duplicate=True, history=()))
    assert {"PRV-08", "DUP-01"} <= {hit.rule_id for hit in first.run.hits}
    next_edition = CodeSet("2026-07-01", EDITION.effective_from, EDITION.effective_to, CODES - {"D225"})
    now: dict[str, Any] = {
        "code_sets": CodeSets((EDITION, next_edition)),
        "reference": later(TABLES, "exclusions:b"),
    }
    again = scrub_again(*restored(claim, first.basis, first.circumstances), payer_rules=(OLD, NEW), **now)
    assert again.run == first.run
    assert result_digest(again.run) == first.result
    assert (again.missing_editions, again.missing_rules) == ((), ())
    today = judging(**now, payer_rules=PayerRules((OLD, NEW))).scrub(claim, first.circumstances)
    assert today.run != first.run


def test_what_is_gone_is_named_and_never_silently_clean() -> None:
    first = judging().scrub(office(), Circumstances())
    assert "PRV-08" in {hit.rule_id for hit in first.run.hits}
    again = scrub_again(
        office(),
        first.basis,
        first.circumstances,
        code_sets=SETS,
        reference=Reference(),
        payer_rules=(),
        rules=tuple(rule for rule in RULES if rule.rule_id != "FMT-01"),
    )
    assert again.missing_editions == ("exclusions:exclusions:a",)
    assert again.missing_rules == ("FMT-01:1", "PR-DHP01-1:1")
    assert "PRV-08" in again.run.not_evaluated
    assert result_digest(again.run) != first.result


def test_record_names_only_what_was_in_force_for_the_claim() -> None:
    other = a_rule("true", payers=frozenset({"DMC01"}))
    basis = judging(payer_rules=PayerRules((OLD, replace(other, rule_id="PR-DMC01-1")))).scrub(
        office(), Circumstances()
    )
    assert ("PR-DHP01-1", 1) in basis.basis.rules
    assert "PR-DMC01-1" not in dict(basis.basis.rules)
    assert "IP-01" not in dict(basis.basis.rules)  # of the other form
    assert basis.basis.editions == (("ICD-10-CM", "2026-04-01"), ("exclusions", "exclusions:a"))


def test_claims_judged_alike_share_one_basis() -> None:
    judge = judging()
    first, second = (judge.scrub(office(version=n), Circumstances()) for n in (1, 2))
    assert first.basis is second.basis
    assert judge.scrub(inpatient(), Circumstances()).basis.digest != first.basis.digest


def test_payers_limit_of_that_day_judges_again() -> None:
    first = Judging(date(2027, 8, 1), PAYERS).scrub(office(), Circumstances())
    assert "TF-01" in {hit.rule_id for hit in first.run.hits}
    assert first.basis.payer == PAYERS["DHP01"]
    again = scrub_again(
        *restored(office(), first.basis, first.circumstances),
        code_sets=CodeSets(),
        reference=Reference(),
        payer_rules=(),
    )
    assert again.run == first.run


def test_history_comes_back_as_it_was() -> None:
    day = date(2026, 9, 1)
    prior = PriorClaim(
        cases.encounter_id(5), cases.encounter_id(6), "F", "P", "837P", "office", day, day, "1", (), ()
    )
    kept = Circumstances(history=(prior,))
    assert Circumstances.model_validate_json(kept.model_dump_json()) == kept


def test_differences_are_named_by_rule_and_place() -> None:
    held = judging().scrub(office(facility_code=""), Circumstances()).run
    clean = judging().scrub(office(), Circumstances()).run
    assert differences(held.hits, clean.hits) == (("FMT-01 missing:CLM05-1",), ())


def test_hit_of_a_payer_rule_stands_beside_the_others() -> None:
    hits = judging(reference=Reference()).scrub(office(), Circumstances()).run.hits
    assert [(hit.rule_id, hit.where, hit.severity) for hit in hits] == [("PR-DHP01-1", "claim", "H")]
