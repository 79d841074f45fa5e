"""Put the proof of timely filing of one claim together from the stored files."""

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

import asyncpg

from rcm_billing import repository
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.errors import Unreadable
from rcm_billing.domain.proof import Answer, Proof, Sent, claim_excerpt, status_excerpt, syntax_excerpt
from rcm_billing.repository import tracking
from rcm_billing.x12.reader import read_segments


async def prove(conn: asyncpg.Connection, claim_id: UUID) -> Proof | None:
    """Return the packet of one claim, or None when there is no such claim."""
    row = await repository.find_claim(conn, claim_id)
    if row is None:
        return None
    control = row["claim_control"]
    document = ClaimDocument.model_validate_json((await repository.get_documents(conn, [claim_id]))[claim_id])
    submissions = await tracking.list_submissions(conn, claim_id)
    traces = [inquiry["trace"] for inquiry in await tracking.list_inquiries(conn, claim_id)]
    sent = []
    for one in submissions:
        body = await tracking.get_interchange(conn, one["interchange_id"])
        excerpt = _written(claim_excerpt(_read(body), control))
        sent.append(
            Sent(one["isa13"], one["gs06"], one["st02"], one["sent_at"], one["sha256"].hex(), excerpt)
        )
    numbers = {one["attempt_id"]: (one["isa13"], one["gs06"], one["st02"]) for one in submissions}
    answers = []
    for ack in await tracking.list_acknowledgements(conn, claim_id):
        segments = _read(await tracking.get_inbound(conn, ack["sha256"]))
        if ack["label"].startswith("277"):
            found = status_excerpt(segments, control, traces)
        else:
            found = syntax_excerpt(segments, *numbers.get(ack["attempt_id"], ("", "", "")))
        answers.append(
            Answer(ack["label"], ack["received_at"], ack["name"], ack["sha256"].hex(), _written(found))
        )
    return Proof(
        control,
        row["payer_control"],
        row["payer_id"],
        document.service_from,
        document.service_through,
        row["filing_last_day"],
        tuple(sent),
        tuple(answers),
    )


def _read(body: bytes) -> Sequence[Sequence[str]]:
    try:
        return [segment.elements for segment in read_segments(body)]
    except Unreadable:
        return []


def _written(segments: Sequence[Sequence[str]]) -> str:
    return "".join("*".join(elements) + "~\n" for elements in segments)


def zipped(proof: Proof) -> bytes:
    """Return the packet as a ZIP file: cover sheet, facts as JSON, excerpts. The same proof gives the same bytes."""
    files = {"proof.json": json.dumps(asdict(proof), default=str, indent=2) + "\n", "cover.txt": cover(proof)}
    for number, sent in enumerate(proof.sent, 1):
        files[f"sent-{number}-{sent.isa13}.837.txt"] = sent.excerpt
    for number, answer in enumerate(proof.answers, 1):
        files[f"answer-{number}-{answer.label.replace(':', '-')}.txt"] = answer.excerpt
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), files[name])
    return buffer.getvalue()


def cover(proof: Proof) -> str:
    """Return the cover sheet in words."""
    verdicts = {
        "in-time": "The payer took the claim in within its filing limit.",
        "late": "The payer took the claim in after its filing limit.",
        "not-proven": "No acknowledgement shows that the payer took the claim in.",
        "no-limit": "The payer took the claim in; its filing limit is not known.",
    }
    lines = [
        "PROOF OF TIMELY FILING",
        "",
        f"Claim control number   {proof.claim_control}",
        f"Payer                  {proof.payer_id}",
        f"Payer control number   {proof.payer_control or '-'}",
        f"Service                {proof.service_from} to {proof.service_through}",
        f"Last day of filing     {proof.last_day or 'unknown'}",
        f"Taken in by the payer  {proof.accepted_on or 'not shown'}",
        "",
        verdicts[proof.verdict],
        "",
        "Submissions",
    ]
    lines += [
        f"  {s.sent_at:%Y-%m-%d %H:%M} UTC  interchange {s.isa13}, group {s.gs06}, set {s.st02}, SHA-256 {s.sha256}"
        for s in proof.sent
        if s.sent_at
    ]
    lines += ["Acknowledgements"]
    lines += [
        f"  {a.received_at:%Y-%m-%d %H:%M} UTC  {a.label}  {a.file}, SHA-256 {a.sha256}"
        for a in proof.answers
    ]
    digest = hashlib.sha256(repr(proof).encode()).hexdigest()
    return "\n".join([*lines, "", f"Packet {digest}", ""])
