"""Drugs, vaccines, tests and supplies given or done in the encounter, with their units: what charges tend to miss.

HCPCS numbers are public; CPT numbers come with our own short labels. Each needs words that say it was given or done.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rcm_coding.engine.evidence import Evidence, Suggestion
from rcm_coding.engine.reading import Record, Statement


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Drug:
    """A drug billed by amount: one unit is `unit` mg (or mL, or mcg where the note says so)."""

    code: str
    label: str
    pattern: re.Pattern[str]
    unit: float


_DRUGS = (
    Drug("J3301", "Triamcinolone, 10 mg", _re(r"\b(?:triamcinolone|kenalog)\b"), 10),
    Drug("J1885", "Ketorolac, 15 mg", _re(r"\b(?:ketorolac|toradol)\b"), 15),
    Drug("J0696", "Ceftriaxone, 250 mg", _re(r"\b(?:ceftriaxone|rocephin)\b"), 250),
    Drug("J1100", "Dexamethasone, 1 mg", _re(r"\b(?:dexamethasone|decadron)\b"), 1),
    Drug(
        "J3420",
        "Vitamin B12, up to 1000 mcg",
        _re(r"\b(?:cyanocobalamin|vitamin b-?12 injection|b12 injection)\b"),
        1000,
    ),
    Drug("J2405", "Ondansetron, 1 mg", _re(r"\b(?:ondansetron|zofran)\b"), 1),
    Drug("J1200", "Diphenhydramine, up to 50 mg", _re(r"\b(?:diphenhydramine|benadryl)\b"), 50),
    Drug("J2270", "Morphine, up to 10 mg", _re(r"\bmorphine\b"), 10),
)
_GIVEN = _re(
    r"\b(?:given|administered|injected|received|inj\b|im\b|intramuscular\w*|iv\b|intravenous\w*|with)"
)
_AMOUNT = _re(r"(\d+(?:\.\d+)?)\s*(mg|g|mcg|gm|grams?)\b")
_BY_NEEDLE = _re(
    r"\b(?:im\b|intramuscular\w*|subcutaneous\w*|sub-?q\b|subq|sq\b|injected|injection|iv\b|intravenous\w*|intra-?articular\w*)"
)
_MUSCLE = _re(r"\b(?:im\b|intramuscular\w*|subcutaneous\w*|sub-?q\b|sq\b)")

#: (code, our label, what says that it was done)
_ITEMS: tuple[tuple[str, str, str], ...] = (
    (
        "90715",
        "Tetanus, diphtheria, pertussis vaccine",
        r"\btdap\b[^.\n]{0,30}?\b(?:given|administered|updated|today)"
        r"|\b(?:given|administered|received) (?:a )?tdap\b",
    ),
    (
        "90686",
        "Influenza vaccine",
        r"\b(?:flu|influenza) (?:vaccine|shot)[^.\n]{0,20}?\b(?:given|administered)\b",
    ),
    ("87880", "Rapid strep test", r"\brapid strep\b[^.\n]{0,20}?\b(?:positive|negative|was|done|performed)"),
    (
        "87804",
        "Rapid influenza test",
        r"\brapid (?:flu|influenza)\b[^.\n]{0,20}?\b(?:positive|negative|was|done|performed)",
    ),
    (
        "81002",
        "Urine dip test",
        r"\b(?:urine dip\w*|dipstick)\b[^.\n]{0,30}?\b(?:positive|negative|showed?|shows|with|done)",
    ),
    (
        "94640",
        "Inhaled treatment",
        r"\b(?:nebuli[sz]er|duoneb|albuterol neb\w*)[^.\n]{0,30}?\b(?:treatment|given|administered|x ?\d)",
    ),
    ("94010", "Spirometry", r"\bspirometry\b[^.\n]{0,20}?\b(?:performed|done|today|showed?|shows)"),
    (
        "E0114",
        "Crutches",
        r"\bcrutches\b[^.\n]{0,20}?\b(?:provided|given|dispensed|fitted)|\b(?:provided|given|dispensed|fitted)"
        r"[^.\n]{0,20}?\bcrutches\b",
    ),
    (
        "L3908",
        "Wrist brace",
        r"\bwrist (?:brace|splint)\b[^.\n]{0,20}?\b(?:provided|given|dispensed|applied|fitted)"
        r"|\b(?:provided|given|dispensed|fitted with)[^.\n]{0,20}?\bwrist (?:brace|splint)",
    ),
    (
        "L1830",
        "Knee immobiliser",
        r"\bknee immobili[sz]er\b[^.\n]{0,20}?\b(?:provided|given|dispensed|applied|placed|fitted)"
        r"|\b(?:provided|given|dispensed|fitted with|placed in)[^.\n]{0,20}?\bknee immobili[sz]er",
    ),
    (
        "L4361",
        "Walking boot",
        r"\b(?:walking|cam) boot\b[^.\n]{0,20}?\b(?:provided|given|dispensed|applied|placed|fitted)"
        r"|\b(?:provided|given|dispensed|fitted with|placed in)[^.\n]{0,20}?\b(?:walking|cam) boot",
    ),
)
_ITEM_RE = tuple((code, label, _re(pattern)) for code, label, pattern in _ITEMS)
LABELS: dict[str, str] = {
    **{drug.code: drug.label for drug in _DRUGS},
    **{code: label for code, label, _ in _ITEMS},
    "96372": "Injection under the skin or into muscle",
    "90471": "Giving of one vaccine",
}
#: Implants whose use a facility charges by its own item: there is no one code, the charge is asked for.
_IMPLANTS = _re(
    r"\b(?:polypropylene |biologic |\w+ )?mesh\b|\b(?:locking |volar "
    r"|compression )?plates?\b(?! ?lets?)|\b(?:cannulated |cortical "
    r"|locking |lag |pedicle )?screws?\b|\bsuture anchors?\b|\bintraocular lens\b|\biol\b"
    r"|\b(?:drug[- ]eluting |ureteral |biliary )?stents?\b"
    r"|\bpacemaker generator|\bintramedullary nail|\b(?:femoral|tibial|acetabular) (?:component|stem"
    r"|cup)\b|\bbone graft\b"
)
_SKIP = frozenset(
    [
        "past-history",
        "surgical-history",
        "family-history",
        "medications",
        "instructions",
        "social-history",
        "allergies",
        "review-of-systems",
        "education",
        "consent",
        "demographics",
    ]
)
_NOT_NOW = _re(
    r"\b(?:will|plan(?:s|ned)?|prescri\w+|home|prn|as needed|refill\w*|continue\w*|take|takes|taking"
    r"|daily|if|allerg\w+|declin\w+|refus\w+"
    r"|prior|previous|history of|last (?:week|month|year)|tablets?|po\b|by mouth|orally|rx|recommend\w*|consider)\b"
)


def find_supplies(record: Record, setting: str) -> list[Suggestion]:
    """Return drugs, vaccines, tests and supplies that the record says were given or done, each code once."""
    if setting not in ("office", "ed"):
        return []
    found: dict[str, Suggestion] = {}
    for item in (*_drugs(record), *_done(record)):
        found.setdefault(item.code, item)
    return list(found.values())


def implants(record: Record) -> list[Evidence]:
    """Return the implants that an operation used: each must meet a charge."""
    return [
        statement.evidence(match.start(), match.end(), "implant")
        for statement, match in _places(record, _IMPLANTS)
        if statement.sentence.section in ("procedure", "findings", "body")
    ]


def _places(record: Record, pattern: re.Pattern[str]) -> Iterator[tuple[Statement, re.Match[str]]]:
    if not record.may_match(pattern):
        return
    for statement in record.statements:
        if statement.sentence.section in _SKIP:
            continue
        match = statement.search(pattern)
        if match and statement.present(match.start(), match.end()) and not _NOT_NOW.search(statement.text):
            yield statement, match


def _drugs(record: Record) -> Iterator[Suggestion]:
    for drug in _DRUGS:
        for statement, match in _places(record, drug.pattern):
            by_needle = statement.search(_BY_NEEDLE)
            if by_needle is None or not statement.search(_GIVEN):
                continue
            amount = _amount(statement, match)
            units = max(1, round(-(-(amount or drug.unit) // drug.unit)))
            evidence = [statement.evidence(match.start(), match.end(), "drug")]
            evidence.append(statement.evidence(by_needle.start(), by_needle.end(), "route"))
            yield Suggestion(
                "HCPCS",
                drug.code,
                drug.label,
                0.7 if amount else 0.5,
                "procedure",
                tuple(evidence),
                rules=("supply:drug",),
                units=units,
            )
            muscle = statement.search(_MUSCLE)
            if muscle:
                yield Suggestion(
                    "CPT",
                    "96372",
                    LABELS["96372"],
                    0.65,
                    "procedure",
                    (statement.evidence(muscle.start(), muscle.end(), "route"), evidence[0]),
                    rules=("supply:injection",),
                )
            break


def _amount(statement: Statement, match: re.Match[str]) -> float | None:
    """Return the milligrams stated nearest to the drug."""
    best: tuple[int, float] | None = None
    for found in _AMOUNT.finditer(statement.document.text, statement.sentence.start, statement.sentence.end):
        distance = max(found.start() - match.end(), match.start() - found.end(), 0)
        unit = found.group(2).lower()
        value = float(found.group(1)) * (1000 if unit.startswith("g") else 1)
        if best is None or distance < best[0]:
            best = (distance, value)
    return best[1] if best else None


def _done(record: Record) -> Iterator[Suggestion]:
    for code, label, pattern in _ITEM_RE:
        for statement, match in _places(record, pattern):
            place = statement.evidence(match.start(), match.end(), "item")
            system = "CPT" if code[0].isdigit() else "HCPCS"
            yield Suggestion(system, code, label, 0.65, "procedure", (place,), rules=("supply:item",))
            if code.startswith("90"):
                yield Suggestion(
                    "CPT", "90471", LABELS["90471"], 0.65, "procedure", (place,), rules=("supply:vaccine",)
                )
            break
