"""rcm publish: send encounters from files as a hospital would, or judge them without a system.

HL7 v2 goes over MLLP, FHIR and JSON over HTTP; the demo's Kafka samples go to the hospitals' inbound topic.
"""

import asyncio
import hashlib
import json as jsonlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from rcm_deploy.engines.keys import Keys

SAMPLES = Path(__file__).parent / "samples"
SUBJECT = "demo-hospital"
START, END = b"\x0b", b"\x1c\r"
ANSWER_S = 30.0
APPEAR_S = 60.0


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one message; `outcome` is accepted, refused, ignored or duplicate."""

    file: str
    message: int
    outcome: str
    reason: str
    encounter_id: str | None


class Target(Protocol):
    """The parts of a running system that publishing needs."""

    @property
    def urls(self) -> dict[str, str]: ...

    @property
    def mllp_port(self) -> int: ...

    @property
    def keys(self) -> Keys: ...


class KafkaTarget(Target, Protocol):
    """A running system with its broker's address."""

    @property
    def kafka_bootstrap(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Address:
    urls: dict[str, str]
    mllp_port: int
    keys: Keys


def main(files: Sequence[Path], dry_run: bool = False, json: bool = False) -> int:
    """Publish files, print a line for each message, return 1 when any was refused."""
    if dry_run:
        lines = [line for file in files for line in judge(file)]
        lines = _mark_repeated(files, lines)
    else:
        from rcm_deploy.cli.running import the_running_system

        running = the_running_system()
        mllp = str(running.state.get("mllp") or "")
        port = int(mllp.rpartition(":")[2] or 0)
        lines = asyncio.run(_publish_all(_Address(running.urls, port, running.keys), files))
    for line in lines:
        print(jsonlib.dumps(asdict(line)) if json else _for_people(line))
    return 1 if any(line.outcome == "refused" for line in lines) else 0


def _for_people(line: Line) -> str:
    told = f" ({line.reason})" if line.reason else ""
    where = f" {line.encounter_id}" if line.encounter_id else ""
    return f"{line.file} #{line.message}: {line.outcome}{told}{where}"


def format_of(raw: bytes) -> str:
    """Tell HL7 v2, FHIR and our JSON apart by their first bytes; "" for anything else."""
    text = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\x0b \t\r\n")
    if text.startswith((b"MSH", b"FHS", b"BHS")):
        return "hl7v2"
    if text.startswith(b"{"):
        return "fhir" if b'"resourceType"' in text[:100_000] else "json"
    return ""


def messages_of(raw: bytes) -> list[tuple[str, bytes]]:
    """Return the (format, bytes) of each message of a file."""
    from rcm_intake.gateways.hl7v2_syntax import split_messages

    kind = format_of(raw)
    return [(kind, piece) for piece in split_messages(raw)] if kind == "hl7v2" else [(kind, raw)]


def judge(file: Path) -> list[Line]:
    """Judge the messages of a file by the service's own readers, without a system."""
    from rcm_intake.gateways.readers import read_message
    from rcm_intake.gateways.reading import Refusal

    lines = []
    for number, (kind, raw) in enumerate(messages_of(file.read_bytes()), start=1):
        if not kind:
            lines.append(Line(file.name, number, "refused", "format-unknown", None))
            continue
        judged = read_message(raw, kind, source="dry-run", facility="dry-run")
        if isinstance(judged, Refusal):
            reason = f"{judged.code} at {judged.position}" if judged.position else judged.code
            lines.append(Line(file.name, number, "refused", reason, None))
        elif judged.ignored:
            lines.append(Line(file.name, number, "ignored", judged.ignored, None))
        else:
            lines.append(Line(file.name, number, "accepted", "", None))
    return lines


def _mark_repeated(files: Sequence[Path], lines: Sequence[Line]) -> list[Line]:
    """Show a message whose bytes came before in the same run as a duplicate."""
    contents = [raw for file in files for _, raw in messages_of(file.read_bytes())]
    seen: set[bytes] = set()
    marked = []
    for line, raw in zip(lines, contents, strict=True):
        digest = hashlib.sha256(raw).digest()
        repeated = digest in seen and line.outcome == "accepted"
        marked.append(Line(line.file, line.message, "duplicate", "same-message", None) if repeated else line)
        seen.add(digest)
    return marked


async def _publish_all(target: Target, files: Iterable[Path]) -> list[Line]:
    return [line for file in files async for line in publish_file(target, file)]


async def publish_file(target: Target, file: Path) -> AsyncIterator[Line]:
    """Send the messages of a file in their order and yield what became of each."""
    number = 0
    async with _Hospital(target) as hospital:
        for kind, raw in messages_of(await asyncio.to_thread(file.read_bytes)):
            number += 1
            if not kind:
                yield Line(file.name, number, "refused", "format-unknown", None)
                continue
            outcome, reason, encounter_id = await hospital.send(kind, raw)
            yield Line(file.name, number, outcome, reason, encounter_id)


class _Hospital:
    """One sending system: an MLLP connection and an HTTP client, opened when first used."""

    def __init__(self, target: Target) -> None:
        import httpx

        self._target = target
        self._http = httpx.AsyncClient(
            base_url=target.urls["intake"],
            headers={"authorization": f"Bearer {target.keys.token(SUBJECT, ('integration',))}"},
            timeout=ANSWER_S,
            trust_env=False,
        )
        self._mllp: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> "_Hospital":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
        if self._mllp:
            self._mllp[1].close()

    async def send(self, kind: str, raw: bytes) -> tuple[str, str, str | None]:
        """Send one message and return (outcome, reason, encounter id)."""
        if kind == "hl7v2":
            outcome, reason = await self._send_mllp(raw)
            found = await self.look_up(kind, raw) if outcome in ("accepted", "duplicate") else None
            return outcome, reason, found
        path, media = (
            ("/fhir", "application/fhir+json") if kind == "fhir" else ("/v1/encounters", "application/json")
        )
        return await self._send_http(path, media, raw)

    async def _send_http(self, path: str, media: str, raw: bytes) -> tuple[str, str, str | None]:
        from rcm_shared.ids import uuid7

        headers = {"content-type": media, "idempotency-key": str(uuid7())}
        answer = await self._http.post(path, content=raw, headers=headers)
        said = answer.json()
        if answer.is_success:
            return said["outcome"], said["reason"], said["encounter_id"]
        return "refused", str(said.get("code", answer.status_code)), None

    async def _send_mllp(self, raw: bytes) -> tuple[str, str]:
        if self._mllp is None:
            self._mllp = await asyncio.open_connection("127.0.0.1", self._target.mllp_port)
        reader, writer = self._mllp
        writer.write(START + raw.strip(b"\r\n") + END)
        await writer.drain()
        async with asyncio.timeout(ANSWER_S):
            frame = await reader.readuntil(END)
        fields = _acknowledged(frame)
        code, reason = fields[1], fields[3] if len(fields) > 3 else ""
        if code != "AA":
            return "refused", reason
        if reason == "same-message":
            return "duplicate", reason
        return ("ignored", reason) if reason else ("accepted", "")

    async def look_up(self, kind: str, raw: bytes) -> str | None:
        """Return the id of the encounter that a message is about, or None while it does not exist."""
        from rcm_intake.gateways.readers import read_message
        from rcm_intake.gateways.reading import Reading

        judged = read_message(raw, kind)
        if not isinstance(judged, Reading) or not judged.messages:
            return None
        facility, source, external = judged.messages[0].key
        body = {"facility_id": facility, "source": source, "external_id": external}
        answer = await self._http.post("/v1/encounters/lookup", json=body)
        return str(answer.json()["encounter_id"]) if answer.is_success else None


def _acknowledged(frame: bytes) -> list[str]:
    """Return the fields of the MSA segment of an acknowledgement."""
    text = frame.strip(START + END).decode()
    separator = text[3]
    return next(line.split(separator) for line in text.split("\r") if line.startswith("MSA"))


def manifest() -> dict[str, Any]:
    """Return what the samples are: files, transports, expected codes, who does what, canary tokens."""
    loaded: dict[str, Any] = jsonlib.loads((SAMPLES / "manifest.json").read_text())
    return loaded


async def publish_sample(system: KafkaTarget, sample: str) -> str:
    """Publish one of the shipped samples over its own transport and return its encounter id.

    Raises: RuntimeError when the system refuses it or does not know it in time.
    """
    entry = next(item for item in manifest()["samples"] if item["sample"] == sample)
    file = SAMPLES / entry["file"]
    if entry["transport"] != "kafka":
        lines = [line async for line in publish_file(system, file)]
        refused = [line for line in lines if line.outcome not in ("accepted", "duplicate")]
        if refused or lines[-1].encounter_id is None:
            raise RuntimeError(
                f"{sample} was not accepted: {refused[0].reason if refused else 'no encounter'}"
            )
        return lines[-1].encounter_id
    raw = file.read_bytes()
    await _produce(system.kafka_bootstrap, raw)
    async with _Hospital(system) as hospital, asyncio.timeout(APPEAR_S):
        while (found := await hospital.look_up("json", raw)) is None:
            await asyncio.sleep(0.1)
    return found


async def _produce(bootstrap: str, raw: bytes) -> None:
    """Put one encounter on the inbound topic, keyed by its source as hospitals do."""
    from aiokafka import AIOKafkaProducer
    from rcm_shared.contracts.topics import INBOUND_TOPIC

    source = str(jsonlib.loads(raw)["source"])
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait(INBOUND_TOPIC, raw, key=source.encode())
    finally:
        await producer.stop()
