"""Facts of other services, in any order between topics."""

from dataclasses import replace
from itertools import permutations
from uuid import UUID

import pytest
from rcm_coding.domain.case import CaseQuery, CaseState, CodingCase, QueryState
from rcm_coding.domain.code_set import CodeSets
from rcm_coding.handlers import facts
from rcm_shared.contracts.billing import RecodeRequested
from rcm_shared.contracts.coding import CodingFinalised, CodingReopened, CodingStarted
from rcm_shared.contracts.event import Event
from rcm_shared.contracts.intake import EncounterCancelled, EncountersMerged
from rcm_shared.contracts.query import QueryAnswered, QueryExpired, QueryRetracted, QuerySent
from unit.coding.charts import KEY, MOMENT, NOW, amended, charge, charged, completed, open_chart, superbill

QUERY = UUID(int=42)


def apply(case: CodingCase | None, code_sets: CodeSets, *events: Event) -> tuple[CodingCase, list[Event]]:
    published: list[Event] = []
    for event in events:
        name = type(event).__name__
        if name == "DocumentationCompleted":
            decision = facts.documentation_completed(case, event, MOMENT, code_sets)  # type: ignore[arg-type]  # by name
        elif name == "ChargesCaptured":
            decision = facts.charges_captured(case, event, MOMENT, code_sets)  # type: ignore[arg-type]  # by name
        else:
            decide = {
                "DocumentationAmended": facts.documentation_amended,
                "EncounterCancelled": facts.encounter_cancelled,
                "QuerySent": facts.query_sent,
                "QueryAnswered": facts.query_answered,
                "QueryExpired": facts.query_expired,
                "QueryRetracted": facts.query_retracted,
                "RecodeRequested": facts.recode_requested,
            }[name]
            decision = decide(case, event, MOMENT)  # type: ignore[operator]  # one of the functions above
        published.extend(decision.events)
        case = decision.state or case
    assert case is not None
    return case, published


def test_completed_documentation_opens_the_chart_and_asks_for_suggestions(code_sets: CodeSets) -> None:
    decision = facts.documentation_completed(None, completed(), MOMENT, code_sets)
    assert decision.state is not None
    assert decision.state.state is CaseState.UNASSIGNED
    assert decision.state.completed_at == NOW
    (work,) = decision.work
    assert work.kind == "suggest"
    assert work.payload["documents"] == [[str(UUID(int=5)), 1]]


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_superbill_is_finalised_in_either_order(code_sets: CodeSets, order: tuple[int, ...]) -> None:
    both: list[Event] = [superbill("I10", "E11.9"), charged(charge(diagnoses=("E11.9",)))]
    case, published = apply(None, code_sets, *(both[at] for at in order))
    assert case.state is CaseState.FINAL_CODED
    started, final = published
    assert isinstance(started, CodingStarted)
    assert isinstance(final, CodingFinalised)
    assert (started.actor, final.actor) == ("system:coding", "system:coding")
    assert [(item.code, item.role) for item in final.diagnoses] == [
        ("I10", "first-listed"),
        ("E119", "secondary"),
    ]
    (line,) = final.procedures
    assert (line.system, line.code, line.charge_cents, line.pointers) == ("CPT", "99213", 13200, (2,))
    assert final.release == "ICD-10-CM:2026-04-01"
    assert "NCCI-PTP" in final.edits_not_evaluated


def test_superbill_lines_without_links_point_to_the_first_four(code_sets: CodeSets) -> None:
    _, published = apply(
        None, code_sets, superbill("I10", "E119", "E785", "M1711", "J449"), charged(charge(modifiers=("25",)))
    )
    final = published[-1]
    assert isinstance(final, CodingFinalised)
    assert final.procedures[0].pointers == (1, 2, 3, 4)
    assert final.procedures[0].modifiers == ("25",)


@pytest.mark.parametrize("codes", [("I1",), ("E11",), ("S52532",), ()])
def test_faulty_superbill_waits_for_a_person(code_sets: CodeSets, codes: tuple[str, ...]) -> None:
    case, published = apply(None, code_sets, superbill(*codes), charged(charge()))
    assert case.state is CaseState.UNASSIGNED
    assert published == []
    assert case.edits


def test_redelivered_superbill_facts_change_nothing_more(code_sets: CodeSets) -> None:
    case, _ = apply(None, code_sets, superbill("I10"), charged(charge()))
    again, published = apply(case, code_sets, charged(charge()))
    assert published == []
    assert again == case


def test_changed_lines_reopen_and_finalise_the_superbill_again(code_sets: CodeSets) -> None:
    case, _ = apply(None, code_sets, superbill("I10"), charged(charge()))
    case, published = apply(case, code_sets, charged(charge("99214", 17800), record_version=2))
    assert [type(event) for event in published] == [CodingReopened, CodingFinalised]
    assert case.final is not None
    assert case.final.procedures[0].code == "99214"


def test_older_record_version_is_ignored(code_sets: CodeSets) -> None:
    case = open_chart(code_sets, record_version=5)
    assert facts.documentation_amended(case, amended(4), MOMENT).state is None
    assert facts.documentation_completed(case, completed(record_version=4), MOMENT, code_sets).state is None


def test_late_document_reopens_a_final_chart(code_sets: CodeSets) -> None:
    case, _ = apply(None, code_sets, superbill("I10"), charged(charge()))
    decision = facts.documentation_amended(case, amended(2), MOMENT)
    assert decision.state is not None
    assert decision.state.state is CaseState.UNASSIGNED
    assert [item.code for item in decision.state.assignments] == ["I10", "99213"]
    assert isinstance(decision.events[0], CodingReopened)
    assert decision.events[0].reason == "documentation-amended"
    assert decision.work


def test_recode_request_reopens_once(code_sets: CodeSets) -> None:
    case, _ = apply(None, code_sets, superbill("I10"), charged(charge()))
    request = RecodeRequested(
        actor="system:billing", facility_id="F1", claim_id=UUID(int=1), reasons=("DX-01",)
    )
    case, published = apply(case, code_sets, request, request)
    assert [type(event) for event in published] == [CodingReopened]
    assert case.reopen_reasons == ("recode-requested", "DX-01", "DX-01")
    case, published = apply(case, code_sets, charged(charge("99214", 1), record_version=9))
    assert published == []  # a person has it now


def test_cancelled_encounter_takes_no_more_facts(code_sets: CodeSets) -> None:
    cancelled = EncounterCancelled(actor="system:intake", facility_id="F1", reason="cancelled")
    case, published = apply(None, code_sets, cancelled, superbill("I10"), charged(charge()), amended(3))
    assert case.state is CaseState.CANCELLED
    assert published == []


def test_chart_merged_away_is_closed_and_the_survivor_stays(code_sets: CodeSets) -> None:
    event = EncountersMerged(actor="system:intake", facility_id="F1", survivor_id=UUID(int=1), merged_id=KEY)
    merged = facts.encounters_merged(open_chart(code_sets), event, MOMENT).state
    assert merged is not None
    assert merged.state is CaseState.CANCELLED
    assert (
        facts.encounters_merged(open_chart(code_sets), event, replace(MOMENT, key=UUID(int=1))).state is None
    )


def waiting(code_sets: CodeSets) -> CodingCase:
    case = open_chart(code_sets)
    return replace(
        case,
        state=CaseState.PENDING_QUERY,
        assignee="coder-1",
        started=True,
        queries=(CaseQuery(QUERY, "heart-failure-type", QueryState.REQUESTED),),
    )


SENT = QuerySent(
    actor="system:query",
    facility_id="F1",
    query_id=QUERY,
    rule="heart-failure-type",
    provider_id="p",
    due_at=NOW,
)
ANSWERED = QueryAnswered(
    actor="p",
    facility_id="F1",
    query_id=QUERY,
    outcome="agreed",
    answer_id=UUID(int=8),
    answer_sha256="0",
    provider_id="p",
)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_answer_resumes_when_filed_in_any_order(code_sets: CodeSets, order: tuple[int, ...]) -> None:
    events: list[Event] = [SENT, ANSWERED, amended(2, QUERY)]
    case = waiting(code_sets)
    seen_filed = False
    for at in order:
        case, _ = apply(case, code_sets, events[at])
        seen_filed = seen_filed or at == 2
        assert (case.state is CaseState.IN_PROGRESS) == seen_filed
    assert case.queries[0].state is QueryState.FILED
    assert case.record_version == 2


@pytest.mark.parametrize(
    "event",
    [
        QueryExpired(actor="system:query", facility_id="F1", query_id=QUERY),
        QueryRetracted(actor="c", facility_id="F1", query_id=QUERY, reason="wrong-patient"),
    ],
)
def test_ended_query_resumes(code_sets: CodeSets, event: Event) -> None:
    case, _ = apply(waiting(code_sets), code_sets, event)
    assert case.state is CaseState.IN_PROGRESS
    assert not case.held_by_query


def test_query_facts_about_an_unknown_chart_are_ignored() -> None:
    assert facts.query_sent(None, SENT, MOMENT).state is None
    assert facts.query_answered(None, ANSWERED, MOMENT).state is None
    assert MOMENT.key == KEY
