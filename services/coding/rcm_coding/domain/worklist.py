"""The worklist's rules as data: which queue a chart joins, when it is due, who may code it, how long it is held.

A chart's place is one point in time, its priority date: the day it is due, brought forward by urgency, by
value and by the payer's filing deadline. It does not depend on today, so a queue of any length is read in the
order of an index.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from rcm_shared.contracts.intake import ClaimForm, Setting

from rcm_coding.domain.case import CaseState, CodingCase

_STRICT: dict[str, Any] = {"extra": "forbid"}

#: States in which a chart waits for or is in the hands of a person.
OPEN_STATES = (
    CaseState.UNASSIGNED,
    CaseState.ASSIGNED,
    CaseState.IN_PROGRESS,
    CaseState.ON_HOLD,
    CaseState.PENDING_QUERY,
    CaseState.SECOND_REVIEW,
    CaseState.PREBILL_QA,
)


class Credential(StrEnum):
    """A certificate of AAPC (CPC, CIC, COC, CRC) or AHIMA (CCS)."""

    CPC = "CPC"
    CIC = "CIC"
    COC = "COC"
    CRC = "CRC"
    CCS = "CCS"


class Urgency(StrEnum):
    """How a chart's due date is brought forward: two days, or thirty."""

    ROUTINE = "routine"
    RUSH = "rush"
    STAT = "stat"


BROUGHT_FORWARD = {Urgency.ROUTINE: 0, Urgency.RUSH: 2, Urgency.STAT: 30}  # days


@dataclass(frozen=True, slots=True)
class RouteRule:
    """Sends charts to a queue. An empty condition holds for every chart; the first rule that holds decides."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    queue: str
    work_type: str
    settings: tuple[Setting, ...] = ()
    claim_forms: tuple[ClaimForm, ...] = ()
    facilities: tuple[str, ...] = ()
    payers: tuple[str, ...] = ()
    document_kinds: tuple[str, ...] = ()  # any document of the chart
    charge_prefixes: tuple[str, ...] = ()  # any captured code, such as "93" for cardiology
    min_charge_cents: int = 0
    returned: bool | None = None  # True: only charts that billing, a payer or audit sent back
    urgency: Urgency = Urgency.ROUTINE
    goal_days: int = 3  # from complete documentation to coded

    def holds(self, case: CodingCase) -> bool:
        """Tell whether the rule's conditions hold for a chart."""
        kinds = {item.kind for item in case.documents}
        codes = [line.code for line in case.charges or ()]
        return (
            (not self.settings or case.setting in self.settings)
            and (not self.claim_forms or case.claim_form in self.claim_forms)
            and (not self.facilities or case.facility_id in self.facilities)
            and (not self.payers or case.payer_id in self.payers)
            and (not self.document_kinds or bool(kinds & set(self.document_kinds)))
            and (not self.charge_prefixes or any(code.startswith(self.charge_prefixes) for code in codes))
            and value_cents(case) >= self.min_charge_cents
            and (self.returned is None or self.returned == bool(case.reopen_reasons))
        )


class AutoCloseMode(StrEnum):
    """Whether charts may be closed without a person."""

    OFF = "off"
    TEST = "test"  # decides what it would do, keeps it beside what the person did, closes nothing
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class AutoClose:
    """When a chart may be closed by rule. Off unless a facility turns it on; live only after its own test."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    mode: AutoCloseMode = AutoCloseMode.OFF
    work_types: tuple[str, ...] = ()  # the allow list
    min_score: float = 0.95  # of every suggestion
    tolerate_not_evaluated: tuple[str, ...] = ()  # edit sets that need not be loaded
    min_trials: int = 50  # of a work type in test mode before live
    min_agreement: float = 0.95  # share of trials in which the person coded the same


def _credentials() -> dict[str, tuple[Credential, ...]]:
    both = (Credential.COC, Credential.CCS)
    return {
        "inpatient": (Credential.CIC, Credential.CCS),
        "outpatient-facility": both,
        "surgery": (Credential.CPC, *both),
        "professional": (Credential.CPC, Credential.CRC, Credential.CCS),
        "diagnostic": (Credential.CPC, *both),
    }


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of a worklist's rules."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    rules: tuple[RouteRule, ...]
    version: int = 0
    credentials: Mapping[str, tuple[Credential, ...]] = field(default_factory=_credentials)
    enforce_credentials: bool = False
    lock_minutes: int = 120  # without a command the chart may be taken by another coder
    assigned_hours: int = 12  # an assigned chart that nobody started falls back to all: the end of a shift
    filing_days: Mapping[str, int] = field(default_factory=dict)  # by payer id
    default_filing_days: int = 365  # Medicare: one calendar year (42 CFR 424.44); others by contract
    filing_margin_days: int = 14
    value_steps: tuple[tuple[int, int], ...] = ((1_000_000, 1), (5_000_000, 2))  # (cents from, days earlier)
    auto_close: AutoClose = AutoClose()
    prebill_qa: tuple[str, ...] = ()  # work types that a second person checks before they are final

    @property
    def lock(self) -> timedelta:
        """How long a started chart stays its coder's without a command."""
        return timedelta(minutes=self.lock_minutes)


DEFAULT_POLICY = Policy(
    rules=(
        RouteRule("returned", "inpatient", (Setting.INPATIENT,), returned=True, urgency=Urgency.RUSH, goal_days=2),
        RouteRule("returned", "outpatient-facility", claim_forms=(ClaimForm.INSTITUTIONAL,), returned=True,
                  urgency=Urgency.RUSH, goal_days=2),
        RouteRule("returned", "professional", returned=True, urgency=Urgency.RUSH, goal_days=2),
        RouteRule("inpatient", "inpatient", (Setting.INPATIENT,), goal_days=4),
        RouteRule("surgery", "surgery", (Setting.SURGERY,), goal_days=3),
        RouteRule("emergency", "outpatient-facility", (Setting.ED,), goal_days=3),
        RouteRule("diagnostic", "diagnostic", (Setting.IMAGING, Setting.LAB), goal_days=2),
        RouteRule("office", "professional", goal_days=2),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Route:
    """A chart's place in the worklist under one version of the rules."""

    queue: str
    work_type: str
    urgency: Urgency
    due_at: datetime | None
    filing_deadline: date | None
    priority_at: datetime | None
    policy_version: int


def value_cents(case: CodingCase) -> int:
    """Return the captured charges in cents: a chart's value. Hidden from the coder until the chart is coded."""
    return sum(line.charge_cents for line in case.charges or ())


def route(case: CodingCase, policy: Policy) -> Route:
    """Return a chart's queue and priority date. A chart without complete documentation has no date."""
    rule = next((item for item in policy.rules if item.holds(case)), policy.rules[-1])
    urgency = max(Urgency(case.urgency or rule.urgency), rule.urgency, key=lambda item: BROUGHT_FORWARD[item])
    if case.completed_at is None or case.service_through == date.min:
        return Route(rule.queue, rule.work_type, urgency, None, None, None, policy.version)
    due = case.completed_at + timedelta(days=rule.goal_days)
    days = policy.filing_days.get(case.payer_id or "", policy.default_filing_days)
    deadline = case.service_through + timedelta(days=days)
    last = datetime.combine(deadline, time(), UTC) - timedelta(days=policy.filing_margin_days)
    earlier = max((step for cents, step in policy.value_steps if value_cents(case) >= cents), default=0)
    first = min(due, last) - timedelta(days=BROUGHT_FORWARD[urgency] + earlier)
    return Route(rule.queue, rule.work_type, urgency, due, deadline, first, policy.version)


def may_code(held: Iterable[str], work_type: str, policy: Policy) -> bool:
    """Tell whether someone's credentials fit a work type. A type without an entry needs none."""
    wanted = policy.credentials.get(work_type, ())
    return not policy.enforce_credentials or not wanted or bool(set(held) & set(wanted))


def policy_faults(policy: Policy) -> tuple[tuple[str, str], ...]:
    """Return (pointer, code) of everything that keeps a set of rules from being used."""
    found: list[tuple[str, str]] = []
    if not policy.rules:
        return (("/rules", "no-rule"),)
    last = policy.rules[-1]
    if last != RouteRule(last.queue, last.work_type, urgency=last.urgency, goal_days=last.goal_days):
        found.append((f"/rules/{len(policy.rules) - 1}", "last-rule-must-take-every-chart"))
    for at, rule in enumerate(policy.rules):
        for name, value in (("queue", rule.queue), ("work_type", rule.work_type)):
            if not value or len(value) > 40 or not value.replace("-", "").isalnum():
                found.append((f"/rules/{at}/{name}", "bad-name"))
        if not 0 <= rule.goal_days <= 90:
            found.append((f"/rules/{at}/goal_days", "out-of-range"))
    known = {rule.work_type for rule in policy.rules}
    if unknown := [name for name in policy.prebill_qa if name not in known]:
        found.append((f"/prebill_qa/{policy.prebill_qa.index(unknown[0])}", "unknown-work-type"))
    for name, number, low, high in (
        ("lock_minutes", policy.lock_minutes, 5, 1440),
        ("assigned_hours", policy.assigned_hours, 1, 168),
        ("default_filing_days", policy.default_filing_days, 1, 3650),
        ("filing_margin_days", policy.filing_margin_days, 0, 365),
    ):
        if not low <= number <= high:
            found.append((f"/{name}", "out-of-range"))
    if any(not 1 <= days <= 3650 for days in policy.filing_days.values()):
        found.append(("/filing_days", "out-of-range"))
    if any(cents < 0 or not 0 <= days <= 30 for cents, days in policy.value_steps):
        found.append(("/value_steps", "out-of-range"))
    auto = policy.auto_close
    if auto.mode is not AutoCloseMode.OFF and not auto.work_types:
        found.append(("/auto_close/work_types", "allow-list-empty"))
    if set(auto.work_types) - {rule.work_type for rule in policy.rules}:
        found.append(("/auto_close/work_types", "unknown-work-type"))
    if not 0.8 <= auto.min_score <= 1:
        found.append(("/auto_close/min_score", "out-of-range"))
    if auto.min_trials < 20 or not 0.9 <= auto.min_agreement <= 1:
        found.append(("/auto_close", "test-too-weak"))
    return tuple(found)
