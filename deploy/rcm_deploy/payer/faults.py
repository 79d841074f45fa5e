"""Faults on demand: which inputs are answered wrongly, late or in pieces; by a settings file or a member prefix.

The ledger keeps the sound answers: without the fault, the same file sent again yields the right ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError


class FaultName(StrEnum):
    """What goes wrong."""

    ACK_MISSING = "ack-missing"
    CA277_BEFORE_999 = "277ca-before-999"
    REMIT_BEFORE_277CA = "835-before-277ca"
    SAME_FILE_TWICE = "same-file-twice"
    SAME_CONTENT_NEW_ISA13 = "same-content-new-isa13"
    TWO_PAYERS_ONE_ISA = "two-payers-one-isa"
    HUGE_FILE = "huge-file"
    TRUNCATED = "truncated"
    WRONG_SE01 = "wrong-se01"
    UNBALANCED_BPR = "unbalanced-bpr"
    UNKNOWN_CLP01 = "unknown-clp01"
    PIPE_DELIMITERS = "pipe-delimiters"
    NO_NEWLINE = "no-newline"
    CRLF = "crlf"
    BOM = "bom"
    LATE = "late-90-days"
    BATCHED = "batched"
    SPLIT_FILES = "split-files"


#: One line about each fault, for people.
DESCRIPTIONS: dict[FaultName, str] = {
    FaultName.ACK_MISSING: "only the 835 comes: no TA1, 999 or 277CA",
    FaultName.CA277_BEFORE_999: "the 277CA comes before the 999",
    FaultName.REMIT_BEFORE_277CA: "the 835 comes before the 277CA",
    FaultName.SAME_FILE_TWICE: "the 835 comes twice, byte for byte",
    FaultName.SAME_CONTENT_NEW_ISA13: "the 835 comes again under another ISA13",
    FaultName.TWO_PAYERS_ONE_ISA: "the 835s of two or more payers come in one interchange, a group for each",
    FaultName.HUGE_FILE: "the 835 is 50 MB: other providers' claims fill it up",
    FaultName.TRUNCATED: "the 835 breaks off after three fifths of its bytes",
    FaultName.WRONG_SE01: "SE01 of the 835 counts one segment too many",
    FaultName.UNBALANCED_BPR: "BPR02 of the 835 is 1.00 more than its claims",
    FaultName.UNKNOWN_CLP01: "the 835 names a claim nobody sent",
    FaultName.PIPE_DELIMITERS: "every file is written with | and > as delimiters",
    FaultName.NO_NEWLINE: "every file is one line",
    FaultName.CRLF: "every segment ends in a carriage return and a line feed",
    FaultName.BOM: "every file starts with a byte order mark",
    FaultName.LATE: "the 835 comes 90 days later on the virtual clock",
    FaultName.BATCHED: "the 835 waits for the next day and comes with all others of its day",
    FaultName.SPLIT_FILES: "a 277CA file and an 835 file for each claim",
}

#: Member ids with these prefixes bring the fault without any settings; the claims are paid like PF.
PREFIXES: dict[str, FaultName] = {
    "FLAM": FaultName.ACK_MISSING,
    "FLCB": FaultName.CA277_BEFORE_999,
    "FLRB": FaultName.REMIT_BEFORE_277CA,
    "FLTW": FaultName.SAME_FILE_TWICE,
    "FLNI": FaultName.SAME_CONTENT_NEW_ISA13,
    "FLTP": FaultName.TWO_PAYERS_ONE_ISA,
    "FLHU": FaultName.HUGE_FILE,
    "FLTR": FaultName.TRUNCATED,
    "FLSE": FaultName.WRONG_SE01,
    "FLUB": FaultName.UNBALANCED_BPR,
    "FLUC": FaultName.UNKNOWN_CLP01,
    "FLPD": FaultName.PIPE_DELIMITERS,
    "FLNN": FaultName.NO_NEWLINE,
    "FLCR": FaultName.CRLF,
    "FLBO": FaultName.BOM,
    "FLLT": FaultName.LATE,
    "FLBA": FaultName.BATCHED,
    "FLSP": FaultName.SPLIT_FILES,
}
FAULT_PREFIX = "FL"
DEFAULT_MEGABYTES = 50
_HOLD_DAYS = {FaultName.LATE: 90, FaultName.BATCHED: 1}


class Match(BaseModel):
    """Which inputs a fault hits; every named condition must hold. `nth_file` counts from 1."""

    model_config = ConfigDict(extra="forbid")
    claim_control: str | None = None
    member_prefix: str | None = None
    nth_file: int | None = None


class FaultRule(BaseModel):
    """One entry of faults.json; `megabytes` is the size of a huge file."""

    model_config = ConfigDict(extra="forbid")
    match: Match = Field(default_factory=Match)
    fault: FaultName
    megabytes: int = DEFAULT_MEGABYTES


@dataclass(frozen=True, slots=True)
class ActiveFault:
    """A fault that hits an input, with the claims that caused it (none when the file number did)."""

    name: FaultName
    claim_controls: tuple[str, ...] = ()
    megabytes: int = DEFAULT_MEGABYTES


@dataclass(frozen=True, slots=True)
class Manner:
    """How sound answers leave: held for some days (of named claims, or of all), a file for each claim."""

    faults: tuple[ActiveFault, ...] = ()

    @property
    def split(self) -> bool:
        """Whether every claim is acknowledged and paid in files of its own."""
        return any(fault.name is FaultName.SPLIT_FILES for fault in self.faults)

    def hold_days(self, claim_control: str) -> int:
        """Return how many days a claim's remittance waits."""
        days = [
            _HOLD_DAYS.get(fault.name, 0)
            for fault in self.faults
            if not fault.claim_controls or claim_control in fault.claim_controls
        ]
        return max(days, default=0)


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


def prefix_rules() -> list[FaultRule]:
    """Return the faults that member ids bring by themselves, as rules."""
    return [FaultRule(match=Match(member_prefix=prefix), fault=fault) for prefix, fault in PREFIXES.items()]


def active_faults(
    rules: Sequence[FaultRule], number: int, claims: Sequence[tuple[str, str]]
) -> list[ActiveFault]:
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
            active.append(ActiveFault(rule.fault, hit if by_claim else (), rule.megabytes))
    return active
