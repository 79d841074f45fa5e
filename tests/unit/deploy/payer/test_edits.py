"""The order of adjudication: each edit alone, and which one wins where several apply."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from rcm_deploy.payer.adjudicate import CROSSED_OVER, Met, RemitClaim, adjudicate, for_next_payer
from rcm_deploy.payer.claims import Claim, read_batch
from rcm_deploy.payer.edits import FEE_SCHEDULE, lower_level
from rcm_deploy.payer.parser import parse_file
from rcm_deploy.payer.rules import MIX, MIXED, PLANS, Rules
from unit.deploy.payer.samples import File, Line, Sample, claim, scan, stay, visit

RECEIVED = date(2026, 9, 28)
Denials = list[tuple[str, str, str]]


def claim_of(sample: Sample) -> Claim:
    (interchange,) = parse_file(File([[sample]]).encode())
    return read_batch(interchange.groups[0].sets[0].segments, interchange.delimiters).claims[0]


def decided(
    sample: Sample, *, met: Met | None = None, duplicate: bool = False, received: date = RECEIVED
) -> RemitClaim:
    read = claim_of(sample)
    plan = Rules().plan_of(read)
    return adjudicate(read, plan, payer_control="1", received=received, met=met or Met(), duplicate=duplicate)


def lines_of(remit: RemitClaim) -> Denials:
    """Group, CARC and RARC of each line's first adjustment."""
    return [(one.adjustments[0].group, one.adjustments[0].carc, one.remark) for one in remit.lines]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("EL", ("CO", "27", "")),
        ("ELP", ("PR", "27", "")),
        ("NI", ("CO", "31", "")),
        ("NIP", ("PR", "31", "")),
        ("TL", ("CO", "29", "")),
        ("AU", ("CO", "197", "")),
        ("DN", ("CO", "50", "N115")),
        ("MI", ("CO", "16", "N290")),
        ("DU", ("CO", "18", "")),
    ],
)
def test_prefix_denies_every_line_with_its_code(prefix: str, expected: tuple[str, str, str]) -> None:
    remit = decided(visit("C1", f"{prefix}1"))
    assert (remit.status, remit.paid_cents, lines_of(remit)) == ("4", 0, [expected, expected])
    assert remit.patient_cents == (23000 if expected[0] == "PR" else 0)


def test_missing_information_is_told_for_the_claim_too() -> None:
    assert decided(visit("C1", "MI1")).remarks == ("MA130",)


def test_claim_of_another_payer_is_status_23() -> None:
    remit = decided(visit("C1", "NO1"))
    assert (remit.status, lines_of(remit)[0]) == ("23", ("OA", "109", ""))


def test_authorised_claim_is_paid_where_it_would_be_denied() -> None:
    assert decided(visit("C1", "AU1", authorization="AUTH7")).paid_cents == 17250


def test_bundled_lines_are_denied_and_the_first_is_paid() -> None:
    remit = decided(visit("C1", "BU1"))
    assert remit.status == "1"
    assert lines_of(remit) == [("CO", "45", ""), ("CO", "97", "N19")]
    assert remit.paid_cents == 11250


SURGERY = Line("27447", "900", "L1")
INCLUDED = Line("99213", "150", "L2")
INJECTION = Line("20610:RT", "80", "L1")


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (claim("C1", "ST1", SURGERY), [("CO", "197", "")]),
        (claim("C1", "ST1", SURGERY, authorization="A1"), [("CO", "45", "")]),
        (claim("C1", "ST1", INJECTION, INCLUDED, diagnosis="M1711"), [("CO", "45", ""), ("CO", "97", "N19")]),
        (
            claim("C1", "ST1", INJECTION, Line("99213:25", "150", "L2"), diagnosis="M1711"),
            [("CO", "45", ""), ("CO", "45", "")],
        ),
        (claim("C1", "ST1", INJECTION), [("CO", "50", "N115")]),
        (claim("C1", "ST1", Line("70450", "300", "L1")), [("CO", "16", "N286")]),
        (claim("C1", "ST1", Line("70450", "300", "L1"), referring="1234567893"), [("CO", "45", "")]),
        (claim("C1", "ST1", Line("J1885", "40", "L1")), [("CO", "16", "M119")]),
        (claim("C1", "ST1", Line("J1885", "40", "L1", drug="00409379501")), [("CO", "45", "")]),
    ],
    ids=[
        "no authorisation",
        "authorised",
        "bundled",
        "bundle bypassed",
        "not necessary",
        "no referring",
        "referred",
        "no drug code",
        "drug code",
    ],
)
def test_strict_plan_judges_each_line_by_its_tables(sample: Sample, expected: Denials) -> None:
    assert lines_of(decided(sample)) == expected


def test_edits_are_tried_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that every edit denies; each row mends what the row before it was denied for."""
    monkeypatch.setattr("rcm_deploy.payer.edits.BUNDLES", frozenset({("99213", "74177")}))
    monkeypatch.setattr("rcm_deploy.payer.edits.NECESSARY_FOR", {"74177": ("R10",)})
    monkeypatch.setitem(PLANS, "STE", replace(PLANS["ST"], coverage_ended="20260630"))
    both = (Line("74177", "500", "L1"), Line("99213", "150", "L2"))
    apart = (Line("74177:59", "500", "L1"), both[1])
    late = date(2027, 12, 1)

    def first(member: str, *lines: Line, received: date = RECEIVED, **changes: str) -> str:
        return lines_of(decided(claim("C1", member, *lines, **changes), received=received))[0][1]

    again = decided(claim("C1", "STE1", *both), duplicate=True, received=late)
    assert lines_of(again)[0][1] == "18"
    assert first("STE1", *both, received=late) == "27"
    assert first("ST1", *both, received=late) == "29"
    assert first("ST1", *both) == "197"
    assert first("ST1", *both, authorization="A1") == "97"
    assert first("ST1", *apart, authorization="A1") == "50"
    assert first("ST1", *apart, authorization="A1", diagnosis="R109") == "16"
    assert first("ST1", *apart, authorization="A1", diagnosis="R109", referring="1234567893") == "45"


def test_coverage_that_ended_later_still_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PLANS, "PF", replace(PLANS["PF"], coverage_ended="20260903"))
    assert decided(visit("C1", "PF1")).paid_cents > 0
    assert decided(visit("C1", "PF1", day="20260904")).paid_cents == 0


def test_fee_schedule_pays_by_code_and_units_and_never_above_the_charge() -> None:
    remit = decided(claim("C1", "ST1", Line("93000", "100", "L1", units="2"), diagnosis="I10"))
    assert remit.lines[0].allowed_cents == 2 * FEE_SCHEDULE["93000"]
    low = decided(claim("C1", "ST1", Line("93000", "5", "L1"), diagnosis="I10"))
    assert low.lines[0].allowed_cents == 500


def test_patient_share_stops_at_the_yearly_limit() -> None:
    first = decided(scan("C1", "OP1"))
    assert (first.deductible_cents, first.out_of_pocket_cents, first.patient_cents) == (10000, 15000, 15000)
    later = decided(scan("C1", "OP1"), met=Met(10000, 14000))
    assert (later.patient_cents, later.paid_cents) == (1000, 31000)
    done = decided(scan("C1", "OP1"), met=Met(10000, 15000))
    assert (done.patient_cents, done.paid_cents) == (0, 32000)


def test_withheld_part_is_payer_initiated() -> None:
    remit = decided(scan("C1", "WH1"))
    assert [(one.group, one.carc, one.cents) for one in remit.lines[0].adjustments] == [
        ("CO", "45", 8000),
        ("PI", "104", 3200),
    ]


def test_recoded_visit_names_what_was_submitted() -> None:
    line, other = decided(visit("C1", "CC1")).lines
    assert (line.code, line.submitted, line.paid_cents) == ("99212", "99213", 9600)
    assert (other.code, other.submitted) == ("20610", "")
    assert [lower_level(code) for code in ("99215", "99212", "99285", "71260")] == [
        "99214",
        "99212",
        "99284",
        "71260",
    ]


def test_split_line_keeps_its_number_and_its_sums() -> None:
    whole = decided(claim("C1", "SC1", Line("97110", "75", "L1", units="3")))
    halves = decided(claim("C1", "LS1", Line("97110", "75", "L1", units="3"))).lines
    assert [one.control for one in halves] == ["L1", "L1"]
    assert [(one.units, one.submitted_units) for one in halves] == [("1", "3"), ("2", "3")]
    assert sum(one.charge_cents for one in halves) == 7500
    assert sum(one.paid_cents for one in halves) == whole.paid_cents


def test_crossover_hands_the_decision_to_the_next_payer() -> None:
    remit = decided(visit("C1", "XO1"))
    assert (remit.status, remit.crosses_to) == (CROSSED_OVER, "SUP01")
    forwarded = for_next_payer(claim_of(visit("C1", "XO1")), remit)
    assert forwarded.order == "S"
    assert [line.prior.patient_cents() for line in forwarded.lines if line.prior] == [2400, 1280]


def test_stay_carries_days_and_remarks_at_claim_level() -> None:
    remit = decided(stay("I1", "DN1"))
    assert (remit.covered_days, remit.remarks, remit.lines) == (1, ("N115",), ())


@pytest.mark.parametrize("member", [f"{MIXED}{number}" for number in range(12)])
def test_mixed_member_is_drawn_by_the_seed_and_by_nothing_else(member: str) -> None:
    assert Rules(seed=7).plan_for(member, "99213") == Rules(seed=7).plan_for(member, "99213")
    assert Rules().plan_for(member) in [PLANS[prefix] for prefix in MIX]


def test_mixed_members_differ_by_member_code_and_seed() -> None:
    members = [f"{MIXED}{number:04d}" for number in range(300)]
    drawn = [Rules().plan_for(member) for member in members]
    assert len({id(plan) for plan in drawn}) == len(MIX)
    assert drawn != [Rules(seed=1).plan_for(member) for member in members]
    assert drawn != [Rules().plan_for(member, "99213") for member in members]


def test_amounts_are_exact_decimals_of_cents() -> None:
    remit = decided(claim("C1", "SC1", Line("97110", "33", "L1")))
    total = sum((Decimal(one.cents) for one in remit.lines[0].adjustments), Decimal(remit.paid_cents))
    assert total == 3300
