"""Faults on demand: `faults.json` names which inputs are answered wrongly, and how.

The ledger keeps the sound answers: without the fault, the same file sent again yields the right ones.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from rcm_shared.money import cents_from_decimal, decimal_from_cents

UNKNOWN_CONTROL = "UNKNOWN0001"


class FaultName(StrEnum):
    """What goes wrong."""

    ACK_MISSING = "ack-missing"
    CA277_BEFORE_999 = "277ca-before-999"
    REMIT_BEFORE_277CA = "835-before-277ca"
    SAME_FILE_TWICE = "same-file-twice"
    SAME_CONTENT_NEW_ISA13 = "same-content-new-isa13"
    TRUNCATED = "truncated"
    WRONG_SE01 = "wrong-se01"
    UNBALANCED_BPR = "unbalanced-bpr"
    UNKNOWN_CLP01 = "unknown-clp01"
    PIPE_DELIMITERS = "pipe-delimiters"
    NO_NEWLINE = "no-newline"
    BOM = "bom"


class Match(BaseModel):
    """Which inputs a fault hits; every named condition must hold. `nth_file` counts from 1."""

    model_config = ConfigDict(extra="forbid")
    claim_control: str | None = None
    member_prefix: str | None = None
    nth_file: int | None = None


class FaultRule(BaseModel):
    """One entry of faults.json."""

    model_config = ConfigDict(extra="forbid")
    match: Match = Field(default_factory=Match)
    fault: FaultName


@dataclass(frozen=True, slots=True)
class ActiveFault:
    """A fault that hits an input, with the claims that caused it (none when the file number did)."""

    name: FaultName
    claim_controls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutFile:
    """One file about to be written: kind such as "999" or "835-DHP01"."""

    stem: str
    kind: str
    body: bytes


_RULES = TypeAdapter(list[FaultRule])


def read_fault_rules(path: Path) -> list[FaultRule]:
    """Read faults.json, [] when there is none.

    Raises: ValueError when the file is not a list of known faults.
    """
    try:
        return _RULES.validate_json(path.read_bytes())
    except FileNotFoundError:
        return []
    except ValidationError as error:
        raise ValueError(f"faults.json: {error.error_count()} wrong entries") from None


def active_faults(rules: list[FaultRule], number: int, claims: list[tuple[str, str]]) -> list[ActiveFault]:
    """Return the faults that hit file `number` with these (CLM01, member id) pairs."""
    active = []
    for rule in rules:
        match = rule.match
        if match.nth_file is not None and match.nth_file != number:
            continue
        hit = tuple(
            control
            for control, member in claims
            if match.claim_control in (None, control) and member.startswith(match.member_prefix or "")
        )
        by_claim = match.claim_control is not None or match.member_prefix is not None
        if hit or not by_claim:
            active.append(ActiveFault(rule.fault, hit if by_claim else ()))
    return active


def apply_faults(files: list[OutFile], faults: list[ActiveFault]) -> list[OutFile]:
    """Return the files as they are to be written, in the order they are to appear."""
    # by rank: the edits know our own delimiters, so what changes those comes last
    for fault in sorted(faults, key=lambda one: _RANK[one.name]):
        files = _EFFECTS[fault.name](files, fault)
    return files


def _ack_missing(files: list[OutFile], _fault: ActiveFault) -> list[OutFile]:
    return [one for one in files if one.kind.startswith("835")]


def _order(*kinds: str) -> Callable[[list[OutFile], ActiveFault], list[OutFile]]:
    def reorder(files: list[OutFile], _fault: ActiveFault) -> list[OutFile]:
        return sorted(files, key=lambda one: kinds.index(one.kind.split("-")[0]))

    return reorder


def _same_file_twice(files: list[OutFile], _fault: ActiveFault) -> list[OutFile]:
    return [*files, *(OutFile(one.stem, f"{one.kind}-again", one.body) for one in _targets(files))]


def _same_content_new_isa13(files: list[OutFile], _fault: ActiveFault) -> list[OutFile]:
    copies = []
    for one in _targets(files):
        control = one.body.split(b"*")[13]
        # 9 as first digit is far from the counter and the same on every run
        other = b"9" + control[1:]
        copy = one.body.replace(b"*" + control + b"*", b"*" + other + b"*", 1)
        head, _, tail = copy.rpartition(control)  # the last one is IEA02
        copy = head + other + tail
        copies.append(OutFile(one.stem, f"{one.kind}-renumbered", copy))
    return [*files, *copies]


def _targets(files: list[OutFile]) -> list[OutFile]:
    remits = [one for one in files if one.kind.startswith("835")]
    return remits or files[-1:]


def _body(edit: Callable[[bytes, ActiveFault], bytes], *, every: bool) -> Callable[..., list[OutFile]]:
    def change(files: list[OutFile], fault: ActiveFault) -> list[OutFile]:
        hit = files if every else _targets(files)
        return [OutFile(one.stem, one.kind, edit(one.body, fault)) if one in hit else one for one in files]

    return change


def _truncated(body: bytes, _fault: ActiveFault) -> bytes:
    return body[: len(body) * 6 // 10]


def _wrong_se01(body: bytes, _fault: ActiveFault) -> bytes:
    return re.sub(rb"(?<=~\nSE\*)\d+", lambda found: str(int(found[0]) + 1).encode(), body, count=1)


def _unbalanced_bpr(body: bytes, _fault: ActiveFault) -> bytes:
    def more(found: re.Match[bytes]) -> bytes:
        return decimal_from_cents(cents_from_decimal(found[0].decode()) + 100).encode()

    return re.sub(rb"(?<=BPR\*[A-Z]\*)[0-9.]+", more, body, count=1)


def _unknown_clp01(body: bytes, fault: ActiveFault) -> bytes:
    controls = [re.escape(control).encode() for control in fault.claim_controls] or [rb"[^*]+"]
    for control in controls:
        body = re.sub(rb"(?<=~\nCLP\*)" + control + rb"(?=\*)", UNKNOWN_CONTROL.encode(), body, count=1)
    return body


def _pipe_delimiters(body: bytes, _fault: ActiveFault) -> bytes:
    return body.translate(bytes.maketrans(b"*:", b"|>"))


def _no_newline(body: bytes, _fault: ActiveFault) -> bytes:
    return body.replace(b"\n", b"")


def _bom(body: bytes, _fault: ActiveFault) -> bytes:
    return b"\xef\xbb\xbf" + body


_EFFECTS: dict[FaultName, Callable[[list[OutFile], ActiveFault], list[OutFile]]] = {
    FaultName.ACK_MISSING: _ack_missing,
    FaultName.CA277_BEFORE_999: _order("ta1", "277ca", "999", "835"),
    FaultName.REMIT_BEFORE_277CA: _order("ta1", "999", "835", "277ca"),
    FaultName.SAME_FILE_TWICE: _same_file_twice,
    FaultName.SAME_CONTENT_NEW_ISA13: _same_content_new_isa13,
    FaultName.TRUNCATED: _body(_truncated, every=False),
    FaultName.WRONG_SE01: _body(_wrong_se01, every=False),
    FaultName.UNBALANCED_BPR: _body(_unbalanced_bpr, every=False),
    FaultName.UNKNOWN_CLP01: _body(_unknown_clp01, every=False),
    FaultName.PIPE_DELIMITERS: _body(_pipe_delimiters, every=True),
    FaultName.NO_NEWLINE: _body(_no_newline, every=True),
    FaultName.BOM: _body(_bom, every=True),
}

_RANK = {name: rank for rank, name in enumerate(FaultName)}
