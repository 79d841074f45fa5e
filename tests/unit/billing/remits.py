"""835 files for tests: any claims, lines, provider adjustments and envelope; balanced unless told otherwise."""

from dataclasses import dataclass, field
from typing import Any

from rcm_shared.money import decimal_from_cents

ISA13 = 1
Triple = tuple[str, str, int]


@dataclass(frozen=True)
class Line:
    """One SVC loop; what is not adjusted is paid."""

    code: str
    charge: int
    adjustments: tuple[Triple, ...] = ()
    control: str = ""
    modifiers: str = ""
    day: str = "20260902"
    original: str = ""
    remark: str = ""

    @property
    def paid(self) -> int:
        """SVC03."""
        return self.charge - sum(cents for _, _, cents in self.adjustments)

    def write(self) -> str:
        """Return its segments."""
        modifiers = "".join(f":{one}" for one in self.modifiers.split())
        original = f"*HC:{self.original}" if self.original else ""
        text = (
            f"SVC*HC:{self.code}{modifiers}*{_money(self.charge)}*{_money(self.paid)}**1{original}~"
            f"DTM*472*{self.day}~{_cas(self.adjustments)}"
        )
        if self.control:
            text += f"REF*6R*{self.control}~"
        return text + (f"LQ*HE*{self.remark}~" if self.remark else "")


@dataclass(frozen=True)
class Paid:
    """One CLP loop."""

    control: str
    lines: tuple[Line, ...]
    status: str = "1"
    icn: str = "ICN1"
    member: str = ""
    adjustments: tuple[Triple, ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def charge(self) -> int:
        """CLP03."""
        return int(self.changes.get("charge", sum(line.charge for line in self.lines)))

    @property
    def paid(self) -> int:
        """CLP04."""
        loose = sum(cents for _, _, cents in self.adjustments)
        return int(self.changes.get("paid", sum(line.paid for line in self.lines) - loose))

    @property
    def share(self) -> int:
        """CLP05."""
        every = (*self.adjustments, *(a for line in self.lines for a in line.adjustments))
        return sum(cents for group, _, cents in every if group == "PR")

    def reversed(self) -> "Paid":
        """Return the reversal: every amount negated, the groups kept."""
        lines = tuple(
            Line(
                line.code,
                -line.charge,
                _negated(line.adjustments),
                line.control,
                line.modifiers,
                line.day,
                line.original,
            )
            for line in self.lines
        )
        return Paid(self.control, lines, "22", self.icn, self.member, _negated(self.adjustments))

    def write(self) -> str:
        """Return its segments."""
        share = "" if self.status == "22" else _money(self.share)
        member = f"NM1*QC*1*ZQNAME*ANN****MI*{self.member}~" if self.member else ""
        head = f"CLP*{self.control}*{self.status}*{_money(self.charge)}*{_money(self.paid)}*{share}*12*{self.icn}~"
        return head + _cas(self.adjustments) + member + "".join(line.write() for line in self.lines)


def transaction(
    *claims: Paid,
    trace: str = "TRACE1",
    payment: int | None = None,
    plb: tuple[tuple[str, int], ...] = (),
    control: int = 1,
    method: str = "ACH",
) -> str:
    """Return one ST .. SE."""
    amount = sum(claim.paid for claim in claims) - sum(cents for _, cents in plb)
    amount = amount if payment is None else payment
    body = "".join(claim.write() for claim in claims)
    if plb:
        body += "PLB*1912301953*20261231" + "".join(f"*{code}*{_money(cents)}" for code, cents in plb) + "~"
    middle = (
        f"ST*835*{control:04d}~BPR*I*{_money(amount)}*C*{method}************20260928~TRN*1*{trace}*1999999999~"
        f"N1*PR*DEMO~LX*1~{body}"
    )
    return f"{middle}SE*{middle.count('~') + 1}*{control:04d}~"


def envelope(*sets: str, isa13: int = ISA13) -> bytes:
    """Return a file of transaction sets."""
    return (
        "ISA*00*          *00*          *ZZ*DHP01          *ZZ*DEMOGENERAL    "
        f"*260928*1200*^*00501*{isa13:09d}*0*T*:~"
        f"GS*HP*DHP01*DEMOGENERAL*20260928*1200*{isa13}*X*005010X221A1~"
        f"{''.join(sets)}GE*{len(sets)}*{isa13}~IEA*1*{isa13:09d}~"
    ).encode()


def a_file(*claims: Paid, isa13: int = ISA13, **changes: Any) -> bytes:
    """Return a file of one payment."""
    return envelope(transaction(*claims, **changes), isa13=isa13)


def _money(cents: int) -> str:
    return decimal_from_cents(cents)


def _cas(adjustments: tuple[Triple, ...]) -> str:
    return "".join(f"CAS*{group}*{code}*{_money(cents)}~" for group, code, cents in adjustments)


def _negated(adjustments: tuple[Triple, ...]) -> tuple[Triple, ...]:
    return tuple((group, code, -cents) for group, code, cents in adjustments)
