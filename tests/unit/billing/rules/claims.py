"""Claims and contexts that the rules' cases start from, and how a case is written."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from rcm_billing.domain.code_set import CodeSet, CodeSets
from rcm_billing.domain.document import ClaimDocument, Diagnosis
from rcm_billing.domain.rules import RULES
from rcm_billing.domain.scrubbing import Rule, ScrubContext, scrub
from rcm_shared.contracts.records import ClaimFacts, ProviderRecord
from unit.billing import cases

BY_ID: dict[str, Rule] = {rule.rule_id: rule for rule in RULES}
CODES = frozenset({"D225", "J189", "J9601", "E119", "S52532A", "W010XXA"})
EDITION = CodeSet("2026-04-01", date(2025, 10, 1), date(2026, 9, 30), CODES)
ATTENDING = ProviderRecord(provider_id="a", role="attending", npi="1245319599", last_name="A", first_name="B")
OPERATING = ATTENDING.model_copy(update={"role": "operating"})
D225 = Diagnosis(code="D225", role="first-listed")
Make = Callable[[], ClaimDocument]


@dataclass(frozen=True)
class Case:
    """One claim with what a rule must say of it: the places it hits, nothing, or "not evaluated"."""

    rule_id: str
    name: str
    make: Make
    places: tuple[str, ...] | None  # None: not evaluated
    context: dict[str, Any]


def hit(rule_id: str, name: str, make: Make, *places: str, **context: Any) -> Case:
    """Return a case that the rule must hit at exactly these places."""
    assert places, "a hit has a place"
    return Case(rule_id, name, make, places, context)


def clean(rule_id: str, name: str, make: Make, **context: Any) -> Case:
    """Return a case that the rule must leave alone."""
    return Case(rule_id, name, make, (), context)


def unknown(rule_id: str, name: str, make: Make, **context: Any) -> Case:
    """Return a case that the rule cannot judge."""
    return Case(rule_id, name, make, None, context)


def found_by(case: Case) -> tuple[str, ...] | None:
    """Return the places of the case's own rule, a mere warning marked; None when it could judge nothing."""
    rule = BY_ID[case.rule_id]
    run = scrub(case.make(), a_context(**case.context), (rule,))
    places = tuple(hit.where if hit.severity == rule.severity else f"warn:{hit.where}" for hit in run.hits)
    return None if run.not_evaluated and not places else places


def a_context(**changes: Any) -> ScrubContext:
    """Return what the rules know; nothing is wrong with it."""
    values: dict[str, Any] = {
        "today": cases.TODAY,
        "payer": cases.MASTER.payers["DHP01"],
        "code_sets": CodeSets((EDITION,)),
    }
    return ScrubContext(**(values | changes))


def office(**changes: Any) -> ClaimDocument:
    """Return the office claim with changes."""
    return cases.a_claim().model_copy(update=changes)


def inpatient(**changes: Any) -> ClaimDocument:
    """Return the inpatient claim with changes."""
    claim = cases.a_claim(cases.an_inpatient_record(), cases.an_inpatient_coding())
    return claim.model_copy(update=changes)


def line(**changes: Any) -> ClaimDocument:
    """Return the office claim with a changed line."""
    claim = cases.a_claim()
    return claim.model_copy(update={"lines": (claim.lines[0].model_copy(update=changes),)})


def coverage(**changes: Any) -> ClaimDocument:
    """Return the office claim with a changed coverage."""
    claim = cases.a_claim()
    return claim.model_copy(update={"coverage": claim.coverage.model_copy(update=changes)})


def patient(**changes: Any) -> ClaimDocument:
    """Return the office claim with a changed patient."""
    claim = cases.a_claim()
    return claim.model_copy(update={"patient": claim.patient.model_copy(update=changes)})


def billing(**changes: Any) -> ClaimDocument:
    """Return the office claim with a changed billing provider."""
    claim = cases.a_claim()
    return claim.model_copy(update={"billing": claim.billing.model_copy(update=changes)})


def billing_address(**changes: Any) -> ClaimDocument:
    """Return the office claim with a changed billing address."""
    return billing(address=cases.a_claim().billing.address.model_copy(update=changes))


def facts(**values: Any) -> ClaimDocument:
    """Return the office claim with these facts of its own."""
    return office(facts=ClaimFacts(**values))


def diagnosed(*codes: str) -> ClaimDocument:
    """Return the office claim with other diagnoses."""
    return office(diagnoses=tuple(Diagnosis(code=code, role="secondary") for code in codes))
