"""Provider-level money of one check: interest, debts that are carried forward and debts that are collected. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from rcm_deploy.payer.adjudicate import RemitClaim

FORWARD_BALANCE, OVERPAYMENT, INTEREST = "FB", "WO", "L6"

#: One PLB segment holds six; a check stays within one, older debts that find no room wait.
MAX_ENTRIES = 6


@dataclass(frozen=True, slots=True)
class ProviderAdjustment:
    """One PLB entry; positive cents reduce the payment."""

    reason: str
    reference: str
    cents: int


@dataclass(frozen=True, slots=True)
class Debt:
    """What a payee owes from an earlier check: FB or WO with that check's reference, positive cents."""

    reason: str
    reference: str
    cents: int


def settle(
    claims: Sequence[RemitClaim],
    debts: Sequence[Debt],
    reference: str,
    *,
    interest: Sequence[tuple[str, int]] = (),
    recouped: Sequence[RemitClaim] = (),
) -> tuple[ProviderAdjustment, ...]:
    """Return the PLB entries that keep a check from going below zero and collect older debts, oldest first.

    `interest` are (reference, cents) paid on top; `recouped` are the reversals whose money is taken later by
    WO. Negative FB and WO defer a debt, positive ones collect it; L6 is negative because it raises the payment.
    Several claims share one entry under the check's own `reference`.
    """
    raised = [(about, cents) for about, cents in interest if cents]
    deferred = [(one.payer_control, one.paid_cents) for one in recouped]
    entries = [
        ProviderAdjustment(reason, members[0][0] if len(members) == 1 else reference, sign * _sum(members))
        for reason, sign, members in ((INTEREST, -1, raised), (OVERPAYMENT, 1, deferred))
        if _sum(members)
    ]
    net = sum(claim.paid_cents for claim in claims) - sum(entry.cents for entry in entries)
    if net < 0:
        return (*entries, ProviderAdjustment(FORWARD_BALANCE, reference, net))
    for debt in debts[: MAX_ENTRIES - len(entries)]:
        taken = min(net, debt.cents)
        if taken:
            entries.append(ProviderAdjustment(debt.reason, debt.reference, taken))
            net -= taken
    return tuple(entries)


def _sum(members: Sequence[tuple[str, int]]) -> int:
    return sum(cents for _about, cents in members)
