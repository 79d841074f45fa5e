"""What coding says of its codes reaches the claim, and so the rule that asks for it."""

from rcm_billing.domain.rules import RULES
from rcm_billing.domain.scrubbing import scrub
from rcm_shared.contracts.coding import FinalDiagnosis, FinalProcedure
from unit.billing import cases
from unit.billing.rules.claims import a_context


def test_unsupported_codes_of_a_chart_hold_its_claim() -> None:
    coding = cases.an_office_coding(
        automatic=False,
        diagnoses=(FinalDiagnosis(code="D22.5", role="first-listed", supported=True),),
        procedures=(
            FinalProcedure(
                system="CPT",
                code="17110",
                service_date=cases.OFFICE_DAY,
                pointers=(1,),
                supported=False,
            ),
        ),
    )
    claim = cases.a_claim(coding=coding)
    assert (claim.automatic, claim.diagnoses[0].supported, claim.lines[0].supported) == (False, True, False)
    run = scrub(claim, a_context(), RULES)
    assert [hit.where for hit in run.hits if hit.rule_id == "CDI-02"] == ["line-1"]


def test_chart_that_says_nothing_is_not_evaluated() -> None:
    assert "CDI-02" in scrub(cases.a_claim(), a_context(), RULES).not_evaluated
