"""Read 999 (005010X231A1): did each transaction set pass the syntax check. An A says nothing about a
claim.
"""

from dataclasses import dataclass

from rcm_billing.domain.acknowledgement import Acknowledgement, of_syntax
from rcm_billing.x12.reader import TransactionSet


@dataclass(frozen=True, slots=True)
class SetAck:
    """The verdict on one of our transaction sets; `set_control` is empty when only the group was judged."""

    group_control: str
    set_control: str
    acknowledgement: Acknowledgement


def read_999(transaction: TransactionSet) -> list[SetAck]:
    """Return one verdict per AK2, or one for the whole group when there is none.

    Wire: AK1*HC*17456*005010X222A1~ AK2*837*0001~ IK5*A~ AK9*A*1*1*1~
    """
    group_control = set_control = ""
    found: list[SetAck] = []
    for segment in transaction.segments:
        match segment.tag:
            case "AK1":
                group_control = segment.get(2)
            case "AK2":
                set_control = segment.get(2)
            case "IK5":
                notes = tuple(code for code in (segment.get(n) for n in range(2, 7)) if code)
                found.append(SetAck(group_control, set_control, of_syntax("999", segment.get(1), notes)))
            case "AK9":
                if not found:
                    notes = tuple(code for code in (segment.get(n) for n in range(5, 10)) if code)
                    found.append(SetAck(group_control, "", of_syntax("999", segment.get(1), notes)))
    return found
