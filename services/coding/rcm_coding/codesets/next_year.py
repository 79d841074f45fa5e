"""The edition that follows an installed one, made from spans of validity alone: codes are exact, new titles lack.

Notes are those of the edition before; a loaded tabular list of the year takes the place of all this.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from rcm_coding.codesets.validity import Validity
from rcm_coding.engine.tabular import BadCodeSetError, Concept, Tabular

_FULL = 7  # characters of a code with its 7th


def carry_forward(
    tabular: Tabular, validity: Validity, titles: Mapping[str, str] | None = None
) -> Tabular | None:
    """Return the edition in force on the day after an edition ends, as far as the spans reach; None beyond them.

    `titles` names new codes and headings, where a list of the year is loaded.

    Raises: BadCodeSetError when the result's billable codes are not exactly those of the spans.
    """
    first = date.fromordinal(tabular.effective_to.toordinal() + 1)
    last = min(validity.known_to, tabular.effective_to.replace(year=tabular.effective_to.year + 1))
    valid = validity.on(first)
    if valid is None or not valid:
        return None
    concepts = _kept(tabular, valid)
    known = _expanded(replace(tabular, concepts=concepts, _exclusions={}))
    _add(sorted(valid - known), tabular, concepts, titles or {})
    digest = hashlib.sha256(f"{tabular.sha256} {first}".encode())
    for code in sorted(valid):
        digest.update(code.encode())
    carried = replace(
        tabular,
        edition=first.isoformat(),
        effective_from=first,
        effective_to=last,
        sha256=digest.hexdigest(),
        concepts=concepts,
        _exclusions={},
    )
    wrong = _expanded(carried) ^ valid
    if wrong:
        raise BadCodeSetError(f"{len(wrong)} codes of the next year cannot be placed")
    return carried


def _kept(tabular: Tabular, valid: frozenset[str]) -> dict[str, Concept]:
    """Return the headings, and the leaves of which some code stays valid; empty headings of old codes go."""
    leaves = {
        code
        for code, concept in tabular.concepts.items()
        if concept.leaf and any(item in valid for item in _codes(tabular, code))
    }
    needed = set(leaves)
    for code in [*leaves, *valid]:
        prefix = code
        while len(prefix) > 3:
            prefix = prefix[:-1]
            needed.add(prefix)
    return {code: concept for code, concept in tabular.concepts.items() if code in needed}


def _add(codes: Iterable[str], old: Tabular, concepts: dict[str, Concept], titles: Mapping[str, str]) -> None:
    for code in codes:
        owner = next((code[:at] for at in range(6, 2, -1) if code[:at] in old.sevenths), "")
        seventh = owner if len(code) == _FULL else ""
        base = code[:6].rstrip("X") if seventh else code
        for at in range(3, len(base)):
            heading = base[:at]
            if not heading.endswith("X"):
                known = concepts.get(heading)
                made = known or _concept(heading, old, concepts, titles)
                concepts[heading] = replace(made, leaf=False, seventh="")
        concepts[base] = replace(
            concepts.get(base) or _concept(base, old, concepts, titles), leaf=True, seventh=seventh
        )


def _concept(code: str, old: Tabular, concepts: dict[str, Concept], titles: Mapping[str, str]) -> Concept:
    parents = [code[:at] for at in range(len(code) - 1, 2, -1)]
    parent = next((item for item in parents if item in concepts), "")
    above = next((old.concepts[item] for item in parents if item in old.concepts), None)
    title = titles.get(code) or f"{above.title if above else code} (new code: its own title is not installed)"
    return Concept(code, title, parent, True, "", above.order if above else len(old.concepts))


def _codes(tabular: Tabular, code: str) -> Iterable[str]:
    concept = tabular.concepts[code]
    if not concept.seventh:
        return (code,)
    return (code.ljust(6, "X") + character for character in tabular.seventh_characters(code))


def _expanded(tabular: Tabular) -> frozenset[str]:
    return frozenset(
        item for code, concept in tabular.concepts.items() if concept.leaf for item in _codes(tabular, code)
    )
