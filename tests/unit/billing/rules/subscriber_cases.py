"""Cases of SUB."""

from datetime import timedelta

from rcm_billing.domain.document import ClaimDocument
from rcm_shared.contracts.records import ClaimFacts, ValueRecord
from rcm_shared.money import Cents
from unit.billing import cases
from unit.billing.rules.claims import clean, coverage, hit, office, patient
from unit.billing.test_claim_837 import a_dependent_claim, a_secondary_claim


def prior_short_paid() -> ClaimDocument:
    """Return the secondary claim whose prior payment misses ten dollars."""
    claim = a_secondary_claim()
    prior = claim.prior_payers[0].model_copy(update={"paid_cents": Cents(12440)})
    return claim.model_copy(update={"prior_payers": (prior,)})


def medicare(**changes: object) -> ClaimDocument:
    """Return the office claim billed to Medicare first."""
    return coverage(filing_indicator="MB").model_copy(update=changes)


WORKING_AGED = ClaimFacts(values=(ValueRecord(code="12", hundredths=0),))


CASES = (
    hit("SUB-01", "member id", lambda: coverage(member_id="x"), "NM109*IL"),
    hit("SUB-01", "no name", lambda: patient(first_name=" "), "NM1*IL", "NM1*QC"),
    clean("SUB-01", "complete", office),
    hit(
        "SUB-02",
        "termed",
        lambda: coverage(active_to=cases.OFFICE_DAY - timedelta(days=1)),
        "service-from",
        "service-through",
        "line-1",
    ),
    clean("SUB-02", "one day", lambda: coverage(active_from=cases.OFFICE_DAY, active_to=cases.OFFICE_DAY)),
    hit("SUB-03", "child without subscriber", lambda: coverage(relationship="19"), "2010BA"),
    clean("SUB-03", "dependent", a_dependent_claim),
    hit("SUB-04", "secondary alone", lambda: coverage(order="S"), "SBR01"),
    hit(
        "SUB-04",
        "primary after primary",
        lambda: office(prior_payers=a_secondary_claim().prior_payers),
        "SBR01",
    ),
    hit("SUB-04", "working aged", lambda: medicare(facts=WORKING_AGED), "SBR09"),
    hit("SUB-04", "work accident", lambda: medicare(accident="work"), "SBR09"),
    hit("SUB-04", "employment", lambda: medicare(facts=ClaimFacts(condition_codes=("02",))), "SBR09"),
    clean("SUB-04", "medicare alone", medicare),
    clean("SUB-04", "work accident at another payer", lambda: office(accident="work")),
    clean("SUB-04", "in order", a_secondary_claim),
    hit("SUB-05", "off by ten", prior_short_paid, "2320-P"),
    clean("SUB-05", "balanced", a_secondary_claim),
)
