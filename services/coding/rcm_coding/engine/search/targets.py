"""The codes that a note of the tabular list names, such as "(E08.-)" or "(O10-O11)"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rcm_coding.engine.tabular import Tabular, dotted_code, plain_code

_ONE = r"[A-Z][0-9A-Z]{2}(?:\.[0-9A-Z]{1,4})?"
_PLACE = re.compile(r"[(\[]([^()\[\]]*)[)\]]|\b([A-Z][0-9A-Z]{2}\.[0-9A-Z]{1,4}-?)(?![\w.])")
_REFERENCE = re.compile(rf"\b({_ONE})(\.?-(?!\s*[A-Z]\d))?(?:\s*-\s*({_ONE})(\.?-)?)?(?!\w)")


@dataclass(frozen=True, slots=True)
class Target:
    """A code or a range that a note names. `title` is of its first code, empty for a code not in the edition."""

    first: str
    last: str
    shown: str
    title: str


def targets_of(note: str, tabular: Tabular) -> tuple[Target, ...]:
    """Return what a note names, in order; prose in brackets that is no code is passed over."""
    return tuple(
        target for inside, bare in _PLACE.findall(note) for target in _targets(inside or bare, tabular)
    )


def covers(target: Target, code: str, tabular: Tabular) -> bool:
    """Tell whether a code lies under a target. Ranges resolve by tabular order."""
    lineage = [item for item in tabular.lineage(code) if item in tabular.concepts]
    if target.first == target.last:
        return target.first in lineage
    first, last = tabular.concepts.get(target.first), tabular.concepts.get(target.last)
    if first is None or last is None:
        return False
    end = last.order
    return any(first.order <= tabular.concepts[item].order <= end for item in lineage)


def _targets(inner: str, tabular: Tabular) -> Iterator[Target]:
    for low, _, high, dash in _REFERENCE.findall(inner):
        first, last = plain_code(low), plain_code(high or low)
        resolved = tabular.resolve(first)
        if resolved is None and not any(item.isdigit() for item in first[1:]):
            continue  # a word in capitals
        header = resolved is not None and not resolved.billable
        shown = dotted_code(first) if not high else f"{dotted_code(first)}-{dotted_code(last)}"
        if header and not high:
            shown += "-" if "." in shown else ".-"
        elif dash:
            shown += dash
        yield Target(first, last, shown, resolved.title if resolved else "")
