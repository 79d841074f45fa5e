"""Does to finished files what a fault says: drops, orders, repeats, cuts and rewrites them. Pure."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rcm_shared.money import cents_from_decimal, decimal_from_cents

from rcm_deploy.payer.faults import ActiveFault, FaultName
from rcm_deploy.payer.filler import fill_up

UNKNOWN_CONTROL = "UNKNOWN0001"

#: Kinds of files beside the X12 ones; no fault touches them.
JSON_KINDS = frozenset({"deposit", "request", "appeal-answer"})


@dataclass(frozen=True, slots=True)
class OutFile:
    """One file about to be written: kind such as "999" or "835-DHP01"."""

    stem: str
    kind: str
    body: bytes

    @property
    def json_kind(self) -> str:
        """Return "deposit", "request" or "appeal-answer", "" for an X12 file."""
        return next((kind for kind in JSON_KINDS if self.kind.startswith(f"{kind}-")), "")

    @property
    def type(self) -> str:
        """Return the transaction without the payer, such as "835"."""
        return self.kind.split("-")[0]


Effect = Callable[[list[OutFile], ActiveFault], list[OutFile]]


def apply_faults(files: Sequence[OutFile], faults: Sequence[ActiveFault]) -> list[OutFile]:
    """Return the files as they are to be written, in the order they are to appear."""
    written = [one for one in files if not one.json_kind]
    # by rank: the edits know our own delimiters, so what changes those comes last
    for fault in sorted(faults, key=lambda one: _RANK[one.name]):
        effect = _EFFECTS.get(fault.name)
        if effect is not None:
            written = effect(written, fault)
    return [*written, *(one for one in files if one.json_kind)]


def _ack_missing(files: list[OutFile], _fault: ActiveFault) -> list[OutFile]:
    return [one for one in files if one.type == "835"]


def _order(*types: str) -> Effect:
    def reorder(files: list[OutFile], _fault: ActiveFault) -> list[OutFile]:
        return sorted(files, key=lambda one: types.index(one.type) if one.type in types else len(types))

    return reorder


def _same_file_twice(files: list[OutFile], _fault: ActiveFault) -> list[OutFile]:
    return [*files, *(replace(one, kind=f"{one.kind}-again") for one in _targets(files))]


def _same_content_new_isa13(files: list[OutFile], _fault: ActiveFault) -> list[OutFile]:
    copies = []
    for one in _targets(files):
        control = one.body.split(b"*")[13]
        # 9 as first digit is far from the counter and the same on every run
        other = b"9" + control[1:]
        copy = one.body.replace(b"*" + control + b"*", b"*" + other + b"*", 1)
        head, _, tail = copy.rpartition(control)  # the last one is IEA02
        copies.append(OutFile(one.stem, f"{one.kind}-renumbered", head + other + tail))
    return [*files, *copies]


def _two_payers_one_isa(files: list[OutFile], _fault: ActiveFault) -> list[OutFile]:
    remits = [one for one in files if one.type == "835"]
    if len(remits) < 2:
        return files
    segments = [one.body.split(b"~\n") for one in remits]
    groups = [segment for parts in segments for segment in parts[1:-2]]
    control = segments[0][-2].rsplit(b"*", 1)[1]
    trailer = b"IEA*%d*%s" % (len(remits), control)
    merged = b"~\n".join([segments[0][0], *groups, trailer]) + b"~\n"
    others = [one for one in files if one not in remits]
    return [*others, OutFile(remits[0].stem, "835-all", merged)]


def _huge_file(files: list[OutFile], fault: ActiveFault) -> list[OutFile]:
    target = _targets(files)[:1]
    size = fault.megabytes * 1_000_000
    return [replace(one, body=fill_up(one.body, size)) if one in target else one for one in files]


def _targets(files: list[OutFile]) -> list[OutFile]:
    remits = [one for one in files if one.type == "835"]
    return remits or files[-1:]


def _body(edit: Callable[[bytes, ActiveFault], bytes], *, every: bool) -> Effect:
    def change(files: list[OutFile], fault: ActiveFault) -> list[OutFile]:
        hit = files if every else _targets(files)
        return [replace(one, body=edit(one.body, fault)) if one in hit else one for one in files]

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


def _crlf(body: bytes, _fault: ActiveFault) -> bytes:
    return body.replace(b"\n", b"\r\n")


def _bom(body: bytes, _fault: ActiveFault) -> bytes:
    return b"\xef\xbb\xbf" + body


#: Late, batched and split answers are sound files: the desk sends them so, nothing is done to them here.
_EFFECTS: dict[FaultName, Effect] = {
    FaultName.ACK_MISSING: _ack_missing,
    FaultName.CA277_BEFORE_999: _order("ta1", "277ca", "999", "277", "835"),
    FaultName.REMIT_BEFORE_277CA: _order("ta1", "999", "835", "277ca"),
    FaultName.SAME_FILE_TWICE: _same_file_twice,
    FaultName.SAME_CONTENT_NEW_ISA13: _same_content_new_isa13,
    FaultName.TWO_PAYERS_ONE_ISA: _two_payers_one_isa,
    FaultName.HUGE_FILE: _huge_file,
    FaultName.TRUNCATED: _body(_truncated, every=False),
    FaultName.WRONG_SE01: _body(_wrong_se01, every=False),
    FaultName.UNBALANCED_BPR: _body(_unbalanced_bpr, every=False),
    FaultName.UNKNOWN_CLP01: _body(_unknown_clp01, every=False),
    FaultName.PIPE_DELIMITERS: _body(_pipe_delimiters, every=True),
    FaultName.NO_NEWLINE: _body(_no_newline, every=True),
    FaultName.CRLF: _body(_crlf, every=True),
    FaultName.BOM: _body(_bom, every=True),
}

_RANK = {name: rank for rank, name in enumerate(FaultName)}
