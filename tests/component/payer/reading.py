"""Reads answers for tests: remittances, statuses and the JSON files beside them."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from component.payer.oracles import (
    PaidCheck,
    PaidClaim,
    assert_balanced,
    oxedi_findings,
    pyx12_findings,
    read_checks,
    segments_of,
)
from rcm_deploy.payer.ledger import Answer

Send = Callable[..., list[Answer]]
Wait = Callable[[str], list[Answer]]


def of_kind(answers: Iterable[Answer], kind: str) -> list[bytes]:
    """The bodies of the answers whose kind starts so."""
    return [one.body for one in answers if one.kind.startswith(kind)]


def checks_of(answers: Iterable[Answer]) -> list[PaidCheck]:
    """Every check of the answers' 835 files, each file judged by both oracles and the balance."""
    checks = []
    for body in of_kind(answers, "835"):
        assert pyx12_findings(body) == []
        assert oxedi_findings(body) == []
        assert_balanced(body)
        checks += read_checks(body)
    return checks


def claims_of(answers: Iterable[Answer]) -> list[PaidClaim]:
    """Every claim of the answers' 835 files."""
    return [claim for check in checks_of(answers) for claim in check.claims]


def segments(answers: Iterable[Answer], kind: str, tag: str) -> list[list[str]]:
    """The segments with a tag in the answers of a kind."""
    return [one for body in of_kind(answers, kind) for one in segments_of(body) if one[0] == tag]


def records(answers: Iterable[Answer], kind: str) -> list[dict[str, Any]]:
    """The JSON files of a kind."""
    return [json.loads(body) for body in of_kind(answers, kind)]


def payer_controls(answers: Iterable[Answer]) -> list[str]:
    """The payer's numbers in the 277CA, in the order of the claims."""
    return [one[2] for one in segments(answers, "277ca", "REF") if one[1] == "1K"]


def statuses(answers: Iterable[Answer], kind: str = "277ca") -> list[str]:
    """STC01 of every claim of a 277CA or 277."""
    found, in_claim = [], False
    for body in of_kind(answers, kind):
        for segment in segments_of(body):
            if segment[0] == "HL":
                in_claim = segment[3] in ("PT", "22", "23")
            elif segment[0] == "STC" and in_claim:
                found.append(segment[1])
    return found
