"""The MLLP server: framing, order, limits, acknowledgements."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from rcm_intake.gateways.mllp import Answer, MllpServer, acknowledgement, answer_for
from rcm_shared.errors import Transient
from unit.intake.messages import NOW, PID, PV1, hl7

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(
    receive: Callable[[bytes], Awaitable[Answer]], max_bytes: int = 10_000
) -> AsyncIterator[Streams]:
    server = MllpServer(receive, clock=lambda: NOW, new_id=lambda: "ACK1", max_bytes=max_bytes)
    task = asyncio.create_task(server.serve("127.0.0.1", 0))
    try:
        while not server.port:
            await asyncio.sleep(0.005)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        yield reader, writer
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def answer(reader: asyncio.StreamReader) -> list[str]:
    frame = await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 5)
    text = frame.strip(b"\x0b\x1c\r").decode()
    return next(line for line in text.split("\r") if line.startswith("MSA")).split("|")


def framed(message: bytes) -> bytes:
    return b"\x0b" + message + b"\x1c\r"


async def test_answers_come_in_the_order_of_the_messages() -> None:
    delays = {b"A": 0.05, b"B": 0.0, b"C": 0.02}

    async def receive(message: bytes) -> Answer:
        await asyncio.sleep(delays[message.split(b"|")[9]])
        return Answer("AA")

    async with connected(receive) as (reader, writer):
        writer.write(b"".join(framed(hl7(PID, PV1, control=c)) for c in "ABC"))
        assert [await answer(reader) for _ in "ABC"] == [["MSA", "AA", c] for c in "ABC"]


async def test_noise_between_frames_is_skipped_and_split_frames_are_joined() -> None:
    seen: list[bytes] = []

    async def receive(message: bytes) -> Answer:
        seen.append(message)
        return Answer("AA")

    async with connected(receive) as (reader, writer):
        for byte in b"noise\r\n" + framed(hl7(PID)):
            writer.write(bytes([byte]))
            await writer.drain()
        await answer(reader)
    assert seen == [hl7(PID)]


async def test_too_long_a_message_is_rejected_and_the_next_one_taken() -> None:
    async def receive(_message: bytes) -> Answer:
        return Answer("AA")

    async with connected(receive, max_bytes=1000) as (reader, writer):
        writer.write(framed(hl7(PID, "ZZZ|" + "x" * 200_000, control="BIG")) + framed(hl7(PID, control="OK")))
        assert (await answer(reader))[:4] == ["MSA", "AR", "BIG", "message-too-large"]
        assert (await answer(reader))[:3] == ["MSA", "AA", "OK"]


async def test_system_that_cannot_store_says_try_later() -> None:
    async def receive(_message: bytes) -> Answer:
        raise Transient

    async with connected(receive) as (reader, writer):
        writer.write(framed(hl7(PID)))
        assert await answer(reader) == ["MSA", "AR", "M1", "try-later"]


async def test_sender_that_leaves_does_not_disturb_others() -> None:
    async def receive(_message: bytes) -> Answer:
        return Answer("AA")

    async with connected(receive) as (_, writer):
        writer.write(b"\x0bMSH|half a mess")
        writer.close()
    async with connected(receive) as (reader, writer):
        writer.write(framed(hl7(PID)))
        assert (await answer(reader))[1] == "AA"


@pytest.mark.parametrize(
    ("outcome", "reason", "code"),
    [
        ("accepted", "", "AA"),
        ("ignored", "message-type-not-used", "AA"),
        ("duplicate", "same-message", "AA"),
        ("refused", "missing-field", "AE"),
        ("refused", "message-id-reused", "AE"),
        ("refused", "delimiters-invalid", "AR"),
    ],
)
def test_acknowledgement_code_follows_the_outcome(outcome: str, reason: str, code: str) -> None:
    assert answer_for(outcome, reason).code == code


def test_refusal_is_acknowledged_with_code_and_place_only() -> None:
    raw = hl7(PID.replace("19700102", "ZQBAD"), PV1)
    text = acknowledgement(raw, Answer("AE", "invalid-date", "PID-7"), now=NOW, control_id="K").decode()
    assert "MSA|AE|M1|invalid-date" in text
    assert "|E|invalid-date|||PID-7" in text
    assert "ZQ" not in text


def test_garbage_gets_an_acknowledgement_too() -> None:
    text = acknowledgement(b"\x00\xff", Answer("AR", "not-hl7"), now=NOW, control_id="K").decode()
    assert text.startswith("MSH|^~\\&|CLAIMSTREAM")
    assert "MSA|AR||not-hl7" in text


def test_refusal_of_a_wrong_charset_names_the_message() -> None:
    raw = hl7(PID.replace("Ada", "Ad\u00e4") + "x" * 5000, PV1).decode().encode("iso-8859-1")
    text = acknowledgement(raw, Answer("AE", "charset-mismatch"), now=NOW, control_id="K").decode()
    assert "MSA|AE|M1|charset-mismatch" in text
