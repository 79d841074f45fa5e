"""MLLP server: frames in, acknowledgements out, each after its message's durable write and in its order.

AA: accepted, ignored or seen before. AE: refused, sending it again unchanged cannot help. AR: the header is
unreadable, or the system cannot store it now (code "try-later"): send it again.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from rcm_shared.errors import Transient
from rcm_shared.telemetry import log

from rcm_intake.gateways.hl7v2_syntax import MAX_BYTES, peek_header

START, END, RETURN = b"\x0b", b"\x1c", b"\r"
MAX_CONNECTIONS = 200
WINDOW = 64  # messages of one connection that may wait for their acknowledgement
IDLE_S = 600.0
FRAME_S = 30.0  # from the first byte of a frame to its last

_HEADER_FAULTS = frozenset({"not-hl7", "delimiters-invalid", "charset-unsupported", "message-too-large"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told about one message."""

    code: str  # AA, AE, AR
    reason: str = ""
    position: str = ""


Receive = Callable[[bytes], Awaitable[Answer]]


def acknowledgement(raw: bytes, answer: Answer, *, now: datetime, control_id: str) -> bytes:
    """Write the ACK of a message: MSA-1 code, MSA-2 its control id, MSA-3 our reason; ERR when refused.

    Wire: MSA|AE|M1|missing-field CR ERR|||207^Application error^HL70357|E|missing-field|||PID-7
    """
    header = peek_header(raw)
    separator = header.delimiters.field

    def safe(value: str) -> str:
        return re.sub(r"[^A-Za-z0-9 ._:/-]", "", value)[:80]

    segments = [
        separator.join(
            [
                "MSH",
                header.delimiters.component
                + header.delimiters.repetition
                + header.delimiters.escape
                + header.delimiters.subcomponent,
                "CLAIMSTREAM",
                safe(header.facility),
                safe(header.application),
                safe(header.facility),
                now.strftime("%Y%m%d%H%M%S+0000"),
                "",
                header.delimiters.component.join(["ACK", safe(header.trigger), "ACK"]),
                control_id,
                safe(header.processing),
                safe(header.version),
            ]
        ),
        separator.join(["MSA", answer.code, safe(header.control_id), answer.reason]).rstrip(separator),
    ]
    if answer.code != "AA":
        error = header.delimiters.component.join(["207", "Application error", "HL70357"])
        segments.append(
            separator.join(["ERR", "", "", error, "E", answer.reason, "", "", safe(answer.position)])
        )
    return "\r".join(segments).encode() + b"\r"


def answer_for(outcome: str, reason: str, position: str = "") -> Answer:
    """Return the acknowledgement code of an outcome."""
    if outcome in ("accepted", "ignored", "duplicate"):
        return Answer("AA", reason if outcome != "accepted" else "")
    return Answer("AR" if reason in _HEADER_FAULTS else "AE", reason, position)


class MllpServer:
    """Listens, cuts frames, hands each message on and answers in order of arrival per connection."""

    def __init__(
        self,
        receive: Receive,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._receive = receive
        self._clock = clock
        self._new_id = new_id
        self._max_bytes = max_bytes
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0

    async def serve(self, host: str, port: int) -> None:
        """Serve until cancelled, then close every connection. `self.port` is the port in use (0 picks one)."""
        server = await asyncio.start_server(self._connection, host, port, limit=64 * 1024, backlog=256)
        self.port = server.sockets[0].getsockname()[1]
        try:
            async with server:
                await server.serve_forever()
        finally:
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        try:
            if task is not None and len(self._connections) < MAX_CONNECTIONS:
                self._connections.add(task)
                await self._converse(reader, writer)
        except asyncio.CancelledError:
            pass  # the server stops; what was not acknowledged will be sent again
        finally:
            if task is not None:
                self._connections.discard(task)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take frames and answer them until the sender leaves; everything taken is answered first."""
        pending: asyncio.Queue[tuple[bytes, asyncio.Task[Answer]] | None] = asyncio.Queue(WINDOW)
        answering = asyncio.create_task(self._answer(pending, writer))
        try:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                while not answering.done() and (frame := await self._frame(reader)) is not None:
                    await pending.put((frame[:4096], asyncio.create_task(self._judge(frame))))
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(pending.put(None), FRAME_S)
                await asyncio.wait_for(answering, FRAME_S)
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    async def _judge(self, message: bytes) -> Answer:
        if len(message) > self._max_bytes:
            return Answer("AR", "message-too-large")
        try:
            return await self._receive(message)
        except Transient:
            return Answer("AR", "try-later")
        except Exception as error:
            log().error("message not judged", error=type(error).__name__)
            return Answer("AR", "try-later")

    async def _answer(
        self, pending: asyncio.Queue[tuple[bytes, asyncio.Task[Answer]] | None], writer: asyncio.StreamWriter
    ) -> None:
        gone = False
        while (item := await pending.get()) is not None:
            head, task = item
            answer = await task
            if gone:
                continue  # stored all the same; the sender will send again and be told "duplicate"
            ack = acknowledgement(head, answer, now=self._clock(), control_id=self._new_id())
            try:
                writer.write(START + ack + END + RETURN)
                await writer.drain()
            except OSError:
                gone = True
                writer.close()

    async def _frame(self, reader: asyncio.StreamReader) -> bytes | None:
        """Return the next message, or None at the end. Bytes between frames are skipped.

        Too long a message is read to its end and returned cut, so that its sender can be answered.
        """
        while True:
            first = await asyncio.wait_for(reader.read(1), IDLE_S)
            if not first:
                return None
            if first == START:
                break
        async with asyncio.timeout(FRAME_S):
            parts = bytearray()
            while True:
                chunk = await self._until_end(reader)
                if len(parts) <= self._max_bytes:
                    parts += chunk
                if chunk.endswith(END):
                    after = await reader.read(1)
                    if after == RETURN or not after:
                        return bytes(parts).removesuffix(END)
                    parts += after

    @staticmethod
    async def _until_end(reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readuntil(END)
        except asyncio.LimitOverrunError as error:
            return await reader.readexactly(error.consumed)
