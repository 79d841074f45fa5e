"""Where denials go, and when: the narrowest row, never the CARC alone; a time limit per payer and level."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_billing.domain import denial_clock
from rcm_billing.domain.denial import CATEGORIES, DenialState
from rcm_billing.domain.denial_routing import (
    COLUMNS,
    DEFAULT_ROUTES,
    DEFAULT_TABLE,
    BadRoute,
    Route,
    RouteTable,
    check_routes,
    read_routes,
)
from rcm_billing.domain.master import AppealLevel, Payer
from rcm_shared.contracts.billing import DenialMoved
from unit.billing import cases
from unit.billing.denials.desk import CHARGE, an_account, decide

ROW = Route("*", "CO", "50", "*", "necessity", "cause", "coder", "look")


def go(
    table: RouteTable, carc: str = "50", group: str = "CO", payer: str = "P1", *remarks: str
) -> tuple[str, bool]:
    found = table.route(payer=payer, group=group, carc=carc, remarks=remarks, category="kept")
    return found.action, found.person


def test_shipped_list_holds_and_covers_every_category() -> None:
    assert check_routes(DEFAULT_ROUTES) == DEFAULT_ROUTES
    assert {row.category for row in DEFAULT_ROUTES} == set(CATEGORIES.values())


@pytest.mark.parametrize("carc", sorted(set(CATEGORIES) - {"16"}))
def test_every_known_denial_has_a_first_action(carc: str) -> None:
    found = DEFAULT_TABLE.route(payer="X", group="CO", carc=carc, remarks=(), category="c")
    assert (found.person, found.category) == (False, CATEGORIES[carc])


def test_narrower_rows_win_remark_before_payer_before_group() -> None:
    rows = [
        ROW._replace(group="*", payer="P1", action="payer"),
        ROW._replace(action="group"),
        ROW._replace(payer="P1", action="payer-group"),
        ROW._replace(group="*", rarc="N115", action="remark"),
        ROW._replace(payer="P1", rarc="N115", action="all"),
    ]
    for table in (RouteTable(1, rows), RouteTable(1, rows[::-1])):
        assert go(table, "50", "CO", "P1", "N115") == ("all", False)
        assert go(table, "50", "CO", "P2", "N115") == ("remark", False)
        assert go(table) == ("payer-group", False)
        assert go(table, "50", "OA") == ("payer", False)
        assert go(table, "50", "CO", "P2") == ("group", False)
        assert go(table, "50", "OA", "P2") == ("look-up-reason", True)


def test_what_no_row_names_goes_to_a_person() -> None:
    assert go(DEFAULT_TABLE, "16") == ("find-remark", True)
    assert go(DEFAULT_TABLE, "16", "CO", "P1", "ZZ9") == ("look-up-reason", True)
    assert go(DEFAULT_TABLE, "16", "CO", "P1", "ZZ9", "MA27") == ("correct-member", False)
    assert go(DEFAULT_TABLE, "9999") == ("look-up-reason", True)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (ROW._replace(group="*"), "carc-alone"),
        (ROW._replace(carc="16"), "rarc-missing"),
        (ROW._replace(group="XX"), "group"),
        (ROW._replace(carc="*"), "carc"),
        (ROW._replace(carc="fifty"), "carc"),
        (ROW._replace(rarc="n115"), "rarc"),
        (ROW._replace(owner="nobody"), "owner"),
        (ROW._replace(action="Do it"), "action"),
        (ROW._replace(category=""), "category"),
        (ROW._replace(payer="a b"), "payer"),
    ],
)
def test_a_row_that_may_not_stand_is_named(row: Route, fault: str) -> None:
    with pytest.raises(BadRoute) as refused:
        check_routes([ROW._replace(carc="97"), row])
    assert refused.value.code == f"row-2:{fault}"


def test_the_same_key_twice_is_refused() -> None:
    with pytest.raises(BadRoute) as refused:
        check_routes([ROW, ROW._replace(action="other")])
    assert refused.value.code == "row-2:repeated"


def test_csv_is_read_in_any_order_of_columns_with_bom() -> None:
    head = COLUMNS[::-1]
    text = "\ufeff" + ",".join(head) + "\r\n" + ",".join(getattr(ROW, name) for name in head) + "\r\n"
    assert read_routes(text) == (ROW,)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "head:payer"),
        ("payer,group\n", "head:carc"),
        (",".join(COLUMNS) + "\n*,CO,50\n", "row-1:columns"),
        (",".join(COLUMNS) + "\n*,CO,50,*,a,b,coder,d,extra\n", "row-1:columns"),
    ],
)
def test_csv_that_cannot_be_read_names_its_place(text: str, code: str) -> None:
    with pytest.raises(BadRoute) as refused:
        read_routes(text)
    assert refused.value.code == code


@given(st.text(max_size=300))
@settings(max_examples=40, deadline=None)
def test_no_text_without_a_head_is_read(text: str) -> None:
    with pytest.raises(BadRoute):
        read_routes(text)


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters='",\r\n'), max_size=8), min_size=8, max_size=8
    )
)
@settings(max_examples=40, deadline=None)
def test_a_row_of_any_words_is_read_or_named(values: list[str]) -> None:
    try:
        [route] = read_routes(",".join(COLUMNS) + "\n" + ",".join(values) + "\n")
    except BadRoute as error:
        raised = error.code
    else:
        raised = ""
        assert check_routes([route]) == (route,)
    assert raised == "" or raised.startswith("row-1")


LEVELS = (AppealLevel(name="a", days=100, warn_days=10), AppealLevel(name="b", days=50, warn_days=60))
PAYER = Payer(name="P", receiver_id="P", appeal_days=77)


def test_payer_without_levels_has_one_of_its_appeal_days() -> None:
    assert [level.days for level in denial_clock.levels_of(PAYER)] == [77]
    assert [level.days for level in denial_clock.levels_of(None)] == [120]


def test_deadline_warns_once_expires_once_and_starts_anew_after_an_answer() -> None:
    payers = {"DHP01": PAYER.model_copy(update={"appeal_levels": LEVELS})}
    account = decide(an_account(), ("CO", "50", CHARGE), status="4").account
    account = denial_clock.set_clocks(account, payers.get, cases.NOW)
    warn, due = cases.NOW + timedelta(days=90), cases.NOW + timedelta(days=100)
    assert denial_clock.next_time(account.denials) == warn
    assert denial_clock.set_clocks(account, payers.get, warn) == account
    same, nothing = denial_clock.lapse(account, warn - timedelta(seconds=1))
    assert (same, nothing) == (account, [])
    warned, told = denial_clock.lapse(account, warn)
    assert [e.reason for e in told if isinstance(e, DenialMoved)] == ["deadline-warned"]
    assert denial_clock.next_time(warned.denials) == due
    expired, told = denial_clock.lapse(warned, due)
    assert [e.reason for e in told if isinstance(e, DenialMoved)] == ["deadline-expired"]
    assert denial_clock.next_time(expired.denials) is None
    upheld = expired.with_denial(expired.denials[0].but(state=DenialState.UPHELD, level=1, outcome="upheld"))
    later = denial_clock.set_clocks(upheld, payers.get, due)
    assert later.denials[0].deadline_at == due + timedelta(days=50)
    assert later.denials[0].warn_at == due  # a warning is never before the start
    last = denial_clock.set_clocks(later.with_denial(later.denials[0].but(level=2)), payers.get, due)
    assert last.denials[0].deadline_at is None


def test_clock_stands_still_while_the_payer_decides() -> None:
    account = decide(an_account(), ("CO", "50", CHARGE), status="4").account
    account = denial_clock.set_clocks(account, {"DHP01": PAYER}.get, cases.NOW)
    waiting = account.with_denial(account.denials[0].but(state=DenialState.APPEAL_SUBMITTED))
    assert denial_clock.next_time(waiting.denials) is None


def test_missed_warning_and_deadline_are_told_as_one_expiry() -> None:
    account = decide(an_account(), ("CO", "50", CHARGE), status="4").account
    account = denial_clock.set_clocks(account, {"DHP01": PAYER}.get, cases.NOW)
    expired, told = denial_clock.lapse(account, cases.NOW + timedelta(days=500))
    assert len(told) == 1
    assert expired.denials[0].expired
