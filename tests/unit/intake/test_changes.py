"""What messages change in an encounter's record, and which facts follow."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rcm_intake.domain.account import Account, billing_status, shown_state
from rcm_intake.domain.changes import (
    Action,
    DocumentAction,
    EncounterMessage,
    Progress,
    correct_coverage,
    file_answer,
    merge,
)
from rcm_intake.domain.encounter import ENDED, TRANSITIONS, Encounter, EncounterState, step
from rcm_intake.domain.errors import MessageRefused
from rcm_shared.contracts.intake import ChargesCaptured, DocumentationAmended, Setting
from unit.intake.messages import (
    ID,
    NOW,
    OTHER_ID,
    a_charge,
    a_coverage,
    a_document,
    a_message,
    applied,
    names,
)

_S = EncounterState


def complete() -> Encounter:
    return applied(
        None, a_message(documents=(a_document(),), charges=(a_charge(),), coverages=(a_coverage(),))
    ).encounter


def amended(encounter: Encounter, *documents: object) -> DocumentationAmended:
    change = applied(encounter, a_message(documents=documents))
    (event,) = change.events
    assert isinstance(event, DocumentationAmended)
    assert change.encounter.state is _S.REOPENED
    return event


def test_facts_come_in_order() -> None:
    message = a_message(documents=(a_document(),), charges=(a_charge(),), coverages=(a_coverage(),))
    assert names(applied(None, message)) == [
        "encounter-registered",
        "coverage-verified",
        "charges-captured",
        "documentation-completed",
    ]


def test_same_message_again_changes_nothing() -> None:
    message = a_message(documents=(a_document(),), charges=(a_charge(),), coverages=(a_coverage(),))
    first = applied(None, message)
    again = applied(first.encounter, message)
    assert again.encounter is first.encounter
    assert (again.events, again.texts) == ((), ())


@pytest.mark.parametrize(
    ("document", "reason", "versions"),
    [
        (a_document("D2", "consultation"), "late-document", [1, 1]),
        (a_document("D1", text="other words"), "replacement", [2]),
        (a_document("D9", text="other", action=DocumentAction.REPLACE, replaces="D1"), "replacement", [2]),
        (a_document("D2", "addendum", action=DocumentAction.ADDENDUM, replaces="D1"), "addendum", [1, 1]),
        (a_document("D1", action=DocumentAction.CANCEL), "replacement", []),
    ],
)
def test_change_after_completion_is_an_amendment(document: object, reason: str, versions: list[int]) -> None:
    event = amended(complete(), document)
    assert event.reason == reason
    assert [ref.version for ref in event.documents] == versions


def test_unsigned_document_after_completion_says_nothing_yet() -> None:
    draft = applied(complete(), a_message(documents=(a_document("D2", signed=False),)))
    assert names(draft) == []
    assert len(draft.texts) == 1
    assert amended(draft.encounter, a_document("D2")).reason == "late-document"


def test_cancelled_document_that_returns_gets_a_new_version() -> None:
    gone = applied(complete(), a_message(documents=(a_document(action=DocumentAction.CANCEL),)))
    back = applied(gone.encounter, a_message(documents=(a_document(),)))
    assert [ref.version for ref in back.encounter.current_documents()] == [2]


def test_charges_add_up_and_credits_take_them_back() -> None:
    encounter = complete()
    added = applied(encounter, a_message(charges=(a_charge("C2", "20610", 16850),)))
    event = added.events[0]
    assert isinstance(event, ChargesCaptured)
    assert event.total_cents == 30050
    by_id = applied(added.encounter, a_message(charges=(a_charge("C2", "20610", 16850, credit=True),)))
    by_service = applied(added.encounter, a_message(charges=(a_charge("R7", "20610", 16850, credit=True),)))
    assert by_id.encounter.total_cents() == by_service.encounter.total_cents() == 13200
    with pytest.raises(MessageRefused, match="credit-without-charge"):
        applied(encounter, a_message(charges=(a_charge("R7", "99999", 1, credit=True),)))


def test_whole_set_of_charges_replaces_the_old_one() -> None:
    change = applied(complete(), a_message(charges=(a_charge("C9"),), charges_complete=True))
    assert len(change.encounter.charges) == 1
    assert names(change) == ["charges-captured"]


def test_cancelled_discharge_reopens_the_stay_and_repeats_as_amendment() -> None:
    documents = (a_document("H", "history-and-physical"), a_document("D", "discharge-summary"))
    stay = applied(None, a_message(setting=Setting.INPATIENT, documents=documents)).encounter
    back = applied(stay, a_message(setting=Setting.INPATIENT, action=Action.CANCEL_DISCHARGE, progress=None))
    assert back.encounter.state is _S.IN_PROGRESS
    again = applied(back.encounter, a_message(setting=Setting.INPATIENT))
    assert names(again) == ["documentation-amended"]


@pytest.mark.parametrize("action", [Action.CANCEL, Action.ENTERED_IN_ERROR])
def test_cancelled_encounter_takes_nothing_more(action: Action) -> None:
    gone = applied(complete(), a_message(action=action))
    assert names(gone) == ["encounter-cancelled"]
    assert names(applied(gone.encounter, a_message(action=action))) == []
    with pytest.raises(MessageRefused, match=r"encounter-(cancelled|entered-in-error)"):
        applied(gone.encounter, a_message(charges=(a_charge("C5"),)))


@pytest.mark.parametrize("action", [Action.CANCEL, Action.ENTERED_IN_ERROR, Action.CANCEL_DISCHARGE])
def test_unknown_encounter_cannot_be_cancelled(action: Action) -> None:
    with pytest.raises(MessageRefused, match="encounter-unknown"):
        applied(None, a_message(action=action))


def test_merge_is_a_fact_about_both_and_moves_documents_and_charges() -> None:
    survivor = complete()
    other = a_message(external_id="V2", documents=(a_document("X"),), charges=(a_charge("Y", cents=500),))
    prior = applied(None, other, OTHER_ID).encounter
    kept, gone = merge(survivor, prior, actor="system:intake")
    assert names(kept) == ["encounters-merged", "charges-captured", "documentation-amended"]
    assert names(gone) == ["encounters-merged"]
    assert kept.encounter.total_cents() == 13700
    assert (gone.encounter.state, gone.encounter.merged_into) == (_S.MERGED, ID)
    again = merge(kept.encounter, gone.encounter, actor="system:intake")
    assert [names(change) for change in again] == [[], []]
    with pytest.raises(MessageRefused, match="merge-into-itself"):
        merge(survivor, survivor, actor="system:intake")


def test_answer_becomes_a_signed_addendum_once() -> None:
    query, answer = UUID(int=1), UUID(int=2)
    encounter = complete()

    def filed(record: Encounter) -> object:
        return file_answer(
            record,
            answer_id=answer,
            query_id=query,
            provider_id="prv-1",
            text="Chronic systolic heart failure.",
            answered_at=NOW,
            actor="system:intake",
        )

    first = filed(encounter)
    assert names(first) == ["documentation-amended"]  # type: ignore[arg-type]
    (event,) = first.events  # type: ignore[attr-defined]
    assert (event.reason, event.query_id) == ("query-answer", query)
    assert len(event.documents) == 2
    assert names(filed(first.encounter)) == []  # type: ignore[arg-type, attr-defined]


def test_corrected_coverage_is_published_without_the_member_id() -> None:
    change = correct_coverage(complete(), a_coverage(member_id="ZQNEW"), actor="biller-1")
    (event,) = change.events
    assert "ZQNEW" not in event.model_dump_json()
    assert change.encounter.coverages[0].member_id == "ZQNEW"
    assert correct_coverage(change.encounter, a_coverage(member_id="ZQNEW"), actor="biller-1").events == ()


def test_repeated_order_of_coverage_is_refused() -> None:
    with pytest.raises(MessageRefused, match="coverage-order-repeated"):
        applied(None, a_message(coverages=(a_coverage(), a_coverage())))


def test_account_does_not_depend_on_which_topic_is_read_first() -> None:
    account = Account(facility_id="F1", coding="finalised", claim="closed")
    assert billing_status(account) == "closed-completed"
    assert billing_status(None) == "open"
    assert shown_state(_S.DOCUMENTATION_COMPLETE, account) is _S.RELEASED_TO_CODING
    assert shown_state(_S.CANCELLED, account) is _S.CANCELLED


def test_every_step_outside_the_table_is_refused() -> None:
    for state in _S:
        for to in set(_S) - TRANSITIONS[state]:
            with pytest.raises(MessageRefused, match="transition-refused"):
                step(state, to)


DOCUMENTS = st.builds(
    a_document,
    st.sampled_from(["D1", "D2", "D3"]),
    st.sampled_from(["office-note", "ed-note", "other"]),
    text=st.sampled_from(["a", "b"]),
    signed=st.booleans(),
    action=st.sampled_from(list(DocumentAction)),
)
CHARGES = st.builds(a_charge, st.sampled_from(["C1", "C2"]), cents=st.integers(0, 5000), credit=st.booleans())
MESSAGES = st.builds(
    a_message,
    action=st.sampled_from([a for a in Action if a is not Action.MERGE]),
    progress=st.sampled_from([None, *Progress]),
    setting=st.sampled_from([Setting.OFFICE, Setting.ED, Setting.INPATIENT]),
    documents=st.lists(DOCUMENTS, max_size=2).map(tuple),
    charges=st.lists(CHARGES, max_size=2).map(tuple),
    coverages=st.none() | st.just((a_coverage(),)),
)


@given(st.lists(MESSAGES, max_size=8))
def test_any_sequence_of_messages_keeps_the_invariants(messages: list[EncounterMessage]) -> None:
    encounter: Encounter | None = None
    registered = completed = 0
    for message in messages:
        try:
            change = applied(encounter, message)
        except MessageRefused:
            continue
        if encounter is not None:
            grown = change.encounter.record_version - encounter.record_version
            assert grown == (0 if change.encounter == encounter else 1)
            if encounter.state in ENDED:
                assert change.encounter.state in ENDED
        facts = names(change)
        registered += facts.count("encounter-registered")
        completed += facts.count("documentation-completed")
        for event in change.events:
            if isinstance(event, DocumentationAmended):
                assert completed == 1
            if isinstance(event, ChargesCaptured):
                assert event.total_cents == sum(line.charge_cents for line in event.charges)
        encounter = change.encounter
        assert (
            applied(encounter, replace(message, action=Action.UPDATE, charges=())).encounter is not None
            if (encounter.state not in ENDED)
            and not any(d.action is DocumentAction.CANCEL for d in message.documents)
            else True
        )
    assert registered == (1 if encounter else 0)
    assert completed <= 1
