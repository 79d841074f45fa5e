"""An 835 read lazily says the same as one read whole, in blocks of any size, and its first fault is named."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rcm_billing.domain.errors import Unreadable
from rcm_billing.domain.remittance import Payment
from rcm_billing.handlers import answers
from rcm_billing.handlers.contents import read_contents
from rcm_billing.x12 import reader
from rcm_billing.x12.reader import read_interchanges, read_segments
from rcm_billing.x12.remittance_835 import FirstPass, read_835, stream_claims
from unit.billing.remits import Line, Paid, a_file, envelope, transaction

AMOUNT = st.integers(-5000, 30000)
ADJUSTMENT = st.tuples(
    st.sampled_from(["CO", "PR", "OA", "PI"]), st.sampled_from(["45", "1", "97", "23"]), AMOUNT
)
LINE = st.builds(
    Line, st.sampled_from(["99213", "20610", "17110"]), AMOUNT, st.lists(ADJUSTMENT, max_size=3).map(tuple)
)
CLAIM = st.builds(
    Paid, st.sampled_from(["C1", "C2", "C3"]), st.lists(LINE, min_size=1, max_size=3).map(tuple)
)


@given(claims=st.lists(CLAIM, max_size=5))
@settings(max_examples=40, deadline=None)
def test_stream_gives_the_claims_of_the_whole(claims: list[Paid]) -> None:
    data = a_file(*claims)
    whole = read_835(read_interchanges(data)[0].sets[0])
    assert tuple(claim for _, claim in stream_claims(data, {0})) == whole.claims
    first = FirstPass()
    for segment in read_interchanges(data)[0].sets[0].segments:
        first.take(segment)
    payment = first.finish()
    assert payment is not None
    assert (payment.key, payment.claim_count) == (whole.key, len(claims))
    total = sum(claim.paid for claim in claims)
    assert (first.fault is None) == (total >= 0)


@pytest.mark.parametrize("block", [1, 7, 64, 4096])
def test_size_of_a_block_changes_nothing(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    data = envelope(
        transaction(Paid("C1", (Line("99213", 100),)), trace="T1"),
        transaction(Paid("ÄÖ", (Line("99214", 100),)), trace="T2", control=2),
    )
    data += b"\r\n" + data.replace(b"~", b"'\n").replace(b"*", b"|")
    whole = list(read_segments(data))
    monkeypatch.setattr(reader, "_BLOCK", block)
    assert list(read_segments(data)) == whole
    assert sum(segment.tag == "CLP" for segment in whole) == 4


def test_only_wanted_sets_are_streamed() -> None:
    sets = [transaction(Paid(f"C{n}", (Line("99213", 100),)), trace=f"T{n}", control=n) for n in range(1, 4)]
    data = envelope(*sets)
    assert [(number, claim.claim_control) for number, claim in stream_claims(data, {0, 2})] == [
        (0, "C1"),
        (2, "C3"),
    ]


def test_kept_segments_of_a_large_payment_are_two() -> None:
    data = a_file(*[Paid(f"C{n}", (Line("99213", 100),)) for n in range(500)])
    found = read_interchanges(data, {"835": FirstPass})[0].sets[0]
    assert len(found.segments) == 2
    assert found.count_holds
    assert found.length > 1500


def test_chunks_are_of_one_payment_each_and_at_most_two_hundred() -> None:
    many = [Paid(f"C{n}", (Line("99213", 100),)) for n in range(450)]
    data = envelope(
        transaction(*many, trace="T1"),
        transaction(trace="T2", control=2, plb=(("L6:X", -100),)),
        transaction(many[0], trace="T3", control=3),
    )
    contents = read_contents(data)
    sizes = [(number, len(claims)) for number, claims in answers._chunks(contents, data)]
    assert sizes == [(1, 0), (0, 200), (0, 200), (0, 50), (2, 1)]


def test_digest_of_the_content_ignores_the_envelope_and_notices_everything_else() -> None:
    def content(data: bytes) -> str:
        (payment,) = read_contents(data).remittances.values()
        assert isinstance(payment, Payment)
        return payment.content

    claim = Paid("C1", (Line("99213", 100),))
    assert content(a_file(claim, isa13=1)) == content(a_file(claim, isa13=77))
    assert content(a_file(claim)) != content(a_file(Paid("C2", claim.lines)))


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "no-isa"), (b"ISA*00", "isa-cut-short"), (b"ISA" + "é".encode() * 120, "isa-delimiters")],
)
def test_bytes_that_are_no_interchange_name_why(data: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        list(read_segments(data))
    assert caught.value.code == code
    contents = read_contents(data)
    assert [(one.reason, bool(one.rule)) for one in contents.aside] == [(code, True)]
    assert list(answers._chunks(contents, data)) == []


def test_payment_without_trace_or_amount_is_refused() -> None:
    data = a_file(Paid("C1", (Line("99213", 100),)))
    for broken in (data.replace(b"TRN*1", b"TRX*1"), data.replace(b"BPR*I*1*", b"BPR*I*x*")):
        (aside,) = read_contents(broken).aside
        assert (aside.kind, aside.reason) == ("835", "835-no-payment")


def test_contents_hold_no_claims() -> None:
    contents = read_contents(a_file(*[Paid(f"C{n}", (Line("99213", 100),)) for n in range(50)]))
    (payment,) = contents.remittances.values()
    assert payment.claim_count == 50
    assert not hasattr(payment, "claims")
