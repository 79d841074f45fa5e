"""How far the encounter's account has come in coding and billing, as intake hears it from them.

The two facts are kept apart, so that it does not matter which topic is read first.
"""

from pydantic import BaseModel, ConfigDict

from rcm_intake.domain.encounter import ENDED, EncounterState


class Account(BaseModel):
    """What coding and billing last said.

    `coding` is "", started, finalised or reopened; `claim` is "", billed or closed.
    """

    model_config = ConfigDict(frozen=True)

    facility_id: str
    coding: str = ""
    claim: str = ""


def billing_status(account: Account | None) -> str:
    """Return the account's billing status in FHIR R5 words (Account.billingStatus)."""
    if account is None:
        return "open"
    if account.claim == "closed":
        return "closed-completed"
    if account.claim == "billed":
        return "billing"
    return "carecomplete-notbilled" if account.coding else "open"


def shown_state(state: EncounterState, account: Account | None) -> EncounterState:
    """Return the state that people are shown: released once coding has taken the complete record up."""
    if state in ENDED or account is None or not account.coding:
        return state
    if state is EncounterState.DOCUMENTATION_COMPLETE:
        return EncounterState.RELEASED_TO_CODING
    if state is EncounterState.REOPENED and account.coding == "finalised":
        return EncounterState.RELEASED_TO_CODING
    return state
