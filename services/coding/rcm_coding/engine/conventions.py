"""Coding conventions over a set of supported diagnoses: combinations, integral symptoms, order.

Each rule names its authority in the ICD-10-CM Official Guidelines or the tabular note that it follows.
"""

import re
from dataclasses import replace

from rcm_coding.engine.evidence import Suggestion, Suppressed
from rcm_coding.engine.refine import is_unspecified, title_stems
from rcm_coding.engine.tabular import Tabular

#: symptom -> diseases that explain it (Guidelines I.B.5: no code for what is integral to a confirmed
#: diagnosis)
_INTEGRAL: tuple[tuple[str, str], ...] = (
    (r"^R05|^R06|^R09|^R0[678]|^R091", r"^J(?!3)|^I50|^I26|^U071"),
    (r"^R07|^R00", r"^I2[0-6]|^J|^S2|^I48"),
    (r"^R10|^R11|^R19|^R1[45]", r"^K|^N1[0-3]|^N2|^N3|^A0"),
    (r"^R50|^R53", r"^J0|^J1|^J2|^N1[02]|^N39|^A|^B|^K8[01]|^K35|^L0|^U071"),
    (r"^R51|^R42", r"^G43|^G44|^H81|^S06|^I6|^J"),
    (r"^R60|^R53|^R06", r"^I50|^N17|^N18|^I11"),
    (r"^R30|^R31|^R35|^R39", r"^N"),
    (r"^R0[47]|^R13", r"^J0|^J3"),
    (r"^M25[45]|^M796|^R52|^M545|^M549|^R29", r"^S|^M0|^M1|^M2[0-4]|^M4|^M51|^M6|^M7[0-7]|^T84"),
    (r"^J81", r"^I50"),
    (r"^R22|^R2[01]|^R23", r"^L|^D2|^C4|^B0"),
    (r"^R73", r"^E0[89]|^E1"),
    (r"^R03", r"^I1[0-6]"),
    (r"^R91", r"^C34|^J1[2-8]|^D14"),
    (r"^R4[01]|^R55|^R56", r"^I6|^G4|^S06|^G9[34]"),
)
_INTEGRAL_RE = tuple((re.compile(symptom), re.compile(disease)) for symptom, disease in _INTEGRAL)


def drop_less_specific(
    suggestions: list[Suggestion], tabular: Tabular
) -> tuple[list[Suggestion], list[Suppressed]]:
    """In one category a documented axis beats "unspecified"."""
    kept: list[Suggestion] = []
    dropped: list[Suppressed] = []
    gone: set[str] = set()
    for item in suggestions:
        better = next(
            (
                other
                for other in suggestions
                if other is not item
                and other.code != item.code
                and other.code not in gone
                and other.score >= 0.6 * item.score
                and (
                    _names_injury(item, other, tabular)
                    or (_same_group(item.code, other.code) and _beats(other, item, tabular))
                )
            ),
            None,
        )
        if better:
            gone.add(item.code)
            dropped.append(Suppressed(item.code, f"less-specific-than-{better.code}", item.evidence))
        else:
            kept.append(item)
    return kept, dropped


def drop_integral(
    suggestions: list[Suggestion], tabular: Tabular
) -> tuple[list[Suggestion], list[Suppressed]]:
    """Drop symptoms that a supported disease explains."""
    kept: list[Suggestion] = []
    dropped: list[Suppressed] = []
    for item in suggestions:
        cause = next(
            (
                other
                for symptom, disease in _INTEGRAL_RE
                if symptom.match(item.code)
                for other in suggestions
                if other is not item
                and disease.match(other.code)
                and other.score >= 0.45
                and (item.code[0] != "M" or _same_part(item, other, tabular))
            ),
            None,
        )
        if cause:
            dropped.append(Suppressed(item.code, f"integral-to-{cause.code}", item.evidence))
        else:
            kept.append(item)
    return kept, dropped


_STATED = frozenset({"assessment", "diagnosis", "impression"})


def _same_part(pain: Suggestion, cause: Suggestion, tabular: Tabular) -> bool:
    """Whether a disease explains a pain: it is of the same part, or the pain is no diagnosis of its own."""
    parts = title_stems(tabular.title(pain.code)) - _PAIN_WORDS
    named = title_stems(tabular.title(cause.code))
    if parts & named:
        return True
    return not any(place.section in _STATED for place in pain.evidence if place.role == "diagnosis")


_PAIN_WORDS = frozenset({"pain", "joint", "limb", "stiff", "effusion"})


def drop_excluded(
    suggestions: list[Suggestion], tabular: Tabular
) -> tuple[list[Suggestion], list[Suppressed]]:
    """Of two codes that an Excludes1 note keeps apart,
    the one with the lower score steps back (Guidelines I.A.12.a).
    """
    kept: list[Suggestion] = []
    dropped: list[Suppressed] = []
    for item in sorted(suggestions, key=lambda item: -item.score):
        rival = next(
            (
                other
                for other in kept
                if tabular.excluded_by(item.code, other.code) or tabular.excluded_by(other.code, item.code)
            ),
            None,
        )
        if rival:
            dropped.append(Suppressed(item.code, f"excludes1-with-{rival.code}", item.evidence))
        else:
            kept.append(item)
    order = {item.code: at for at, item in enumerate(suggestions)}
    return sorted(kept, key=lambda item: order[item.code]), dropped


def external_cause_only_with_injury(
    suggestions: list[Suggestion],
) -> tuple[list[Suggestion], list[Suppressed]]:
    """An external cause explains an injury; without one it says nothing. The most specific fall stands."""
    injured = any(item.code[0] in "ST" for item in suggestions)
    causes = sorted(
        (item for item in suggestions if item.code[0] in "VWXY"),
        key=lambda item: (item.code.startswith("W19"), -item.score),
    )
    allowed = {causes[0].code} if injured and causes else set()
    kept = [item for item in suggestions if item.code[0] not in "VWXY" or item.code in allowed]
    dropped = [
        Suppressed(
            item.code,
            "external-cause-without-injury" if not injured else "less-specific-external-cause",
            item.evidence,
        )
        for item in suggestions
        if item not in kept
    ]
    return kept, dropped


def sequence(suggestions: list[Suggestion], setting: str) -> list[Suggestion]:
    """Order diagnoses and give roles: principal or first-listed first, external causes last.

    Rule: Guidelines II and IV. The order in the assessment stands; etiology precedes manifestation.
    """
    lead = "principal" if setting == "inpatient" else "first-listed"
    ranked = sorted(suggestions, key=lambda item: (item.code[0] in "VWXY", not _may_lead(item.code)))
    ordered = _reason_first(_infection_first(_code_first(ranked)))
    result = []
    for at, item in enumerate(ordered):
        role = "external-cause" if item.code[0] in "VWXY" else lead if at == 0 else "secondary"
        result.append(replace(item, role=role))
    return result


#: (what must come first, what follows it): tabular "code first" notes and guideline orders
_ORDER: tuple[tuple[str, str], ...] = (
    (r"^I1[13]", r"^I50|^N18"),
    (r"^I12", r"^N18"),
    (r"^E(?:08|09|10|11|13)2[12]", r"^N18"),
    (r"^E(?:08|09|10|11|13)62", r"^L97|^L984"),
    (r"^A4[01]|^T8144|^O85", r"^R652"),
    (r"^N18", r"^D631"),
    (r"^C", r"^D630|^G893"),
    (r"^G30|^G20|^G31|^I69", r"^F02"),
    (r"^J44|^J45", r"^Z9981"),
    (r"^N39|^N1[02]|^N30|^L0|^J15|^M00|^O23", r"^B9[5-7]"),
    (r"^O", r"^Z3A"),
    (r"^E66|^E4[0-6]|^R63", r"^Z68"),
    (r"^K7[0-4]", r"^I851|^K766|^R18"),
    (r"^G89", r"^S.{5}S"),
)
_ORDER_RE = tuple((re.compile(first), re.compile(then)) for first, then in _ORDER)


def _code_first(items: list[Suggestion]) -> list[Suggestion]:
    """Move a code that must come first before what follows it, leaving all else in place."""
    ordered = list(items)
    for first, then in _ORDER_RE:
        follower = next((at for at, item in enumerate(ordered) if then.match(item.code)), None)
        leader = next((at for at, item in enumerate(ordered) if first.match(item.code)), None)
        if follower is not None and leader is not None and follower < leader:
            ordered.insert(follower, ordered.pop(leader))
    return ordered


def _infection_first(items: list[Suggestion]) -> list[Suggestion]:
    """Sepsis that is stated as a diagnosis comes before the local infection that caused it (Guidelines I.C.1.d.4)."""
    sepsis = next((item for item in items if re.match(r"^A4[01]", item.code)), None)
    if sepsis is None or sepsis.score < 0.6 or any(item.code.startswith("O85") for item in items):
        return items
    return [sepsis, *(item for item in items if item is not sepsis)]


def _reason_first(items: list[Suggestion]) -> list[Suggestion]:
    """A visit for an examination, for chemotherapy or for supervision is listed first (Guidelines IV.P, I.C.2.e)."""
    first = [
        item for item in items if item.code.startswith(("Z00", "Z12", "Z511", "Z510", "Z34", "Z471", "Z3800"))
    ]
    return [*first, *(item for item in items if item not in first)]


#: Codes that are secondary by their notes or by the guidelines on unacceptable principal diagnoses.
_NEVER_FIRST = re.compile(
    r"^(?:Z16|B9[5-7]|R652|Z3A|Z68|Z79|Z8[5-9]|Z9[0-8]|Z66|Z72|Z77|Z59|Z60|F17|I252|D631|F02|Z20|Z28|Z37|Y)"
)


def _may_lead(code: str) -> bool:
    return not _NEVER_FIRST.match(code)


def _same_group(code: str, other: str) -> bool:
    """Whether two codes answer one question: the same subcategory, or one leaves its whole category open.

    E11.40 and E11.621 stand side by side; E11.9 yields to both.
    """
    if code[:3] != other[:3]:
        return False
    return code[:4] == other[:4] or code[3:4] in ("9", "A", "") or code[0] in "DJIK"


def _names_injury(item: Suggestion, other: Suggestion, tabular: Tabular) -> bool:
    """Whether "unspecified injury" of a part is one that another code names (same block of the chapter)."""
    if item.code[0] != "S" or other.code[0] != "S":
        return False
    own, better = tabular.title(item.code).lower(), tabular.title(other.code).lower()
    if own.startswith("fracture of unspecified") and "fracture" in better and not is_unspecified(better):
        return _touches(item, other)  # "Colles fracture of the wrist" is no second fracture
    return (
        other.code[:2] == item.code[:2]
        and tabular.title(item.code).lower().startswith("unspecified injury")
        and not tabular.title(other.code).lower().startswith("unspecified injury")
    )


def _beats(other: Suggestion, item: Suggestion, tabular: Tabular) -> bool:
    """Whether another code of the category says more than this one, or contains its words."""
    title, wider = tabular.title(item.code), tabular.title(other.code)
    if _contradicted(title, wider):
        return True
    if _contradicted(wider, title):
        return False
    if _open(item, tabular) and not _open(other, tabular):
        return True
    if _OTHER.match(title) and not _OTHER.match(wider) and _touches(item, other):
        return True
    return _inside(item, other) and not _inside(other, item)


_OTHER = re.compile(r"(?:other|unspecified injury)\b", re.IGNORECASE)


def _touches(item: Suggestion, other: Suggestion) -> bool:
    """Whether a mention of one overlaps one of the other."""
    return any(
        a.document_id == b.document_id and a.start < b.end and b.start < a.end
        for a in item.evidence
        for b in other.evidence
        if a.role == b.role == "diagnosis"
    )


def _inside(item: Suggestion, other: Suggestion) -> bool:
    """Whether every mention of one lies within a mention of the other."""
    own = [place for place in item.evidence if place.role == "diagnosis"]
    wide = [place for place in other.evidence if place.role == "diagnosis"]
    return bool(own) and all(
        any(
            place.document_id == around.document_id
            and around.start <= place.start
            and place.end <= around.end
            for around in wide
        )
        for place in own
    )


def drop_manifestations(
    suggestions: list[Suggestion], tabular: Tabular
) -> tuple[list[Suggestion], list[Suppressed]]:
    """A manifestation code never stands without its cause (Guidelines I.A.13)."""
    kept: list[Suggestion] = []
    dropped: list[Suppressed] = []
    for item in suggestions:
        if not _MANIFESTATION.search(tabular.title(item.code)) or _cause(item, suggestions, tabular):
            kept.append(item)
        else:
            dropped.append(Suppressed(item.code, "manifestation-without-cause", item.evidence))
    return kept, dropped


_MANIFESTATION = re.compile(r"\bin (?:other )?(?:\w+ ){0,4}diseases? classified elsewhere", re.IGNORECASE)


def _cause(item: Suggestion, suggestions: list[Suggestion], tabular: Tabular) -> bool:
    wanted = _referenced(tabular, item.code, ("code-first",))
    return (
        any(other is not item and other.code.startswith(wanted) for other in suggestions) if wanted else False
    )


def is_manifestation(title: str) -> bool:
    """Tell whether a title is of a manifestation, which never stands first or alone."""
    return _MANIFESTATION.search(title) is not None


def asks_for(tabular: Tabular, code: str, other: str) -> bool:
    """Tell whether a code's notes name another as the one to code first or beside it."""
    wanted = _referenced(tabular, code, ("code-first", "use-additional", "code-also"))
    return bool(wanted) and other.startswith(wanted)


def _referenced(tabular: Tabular, code: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
    texts = [text for kind in kinds for _, text in tabular.inherited_notes(code, kind)]
    return tuple(found.replace(".", "") for found in _CODE.findall(" ".join(texts)))


_CODE = re.compile(r"\b([A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?)\b")


def _contradicted(title: str, other: str) -> bool:
    """Whether a title says "without" of something that a sibling's title adds and the record states."""
    return "without" in title.lower() and title_stems(title) < title_stems(other)


def _open(item: Suggestion, tabular: Tabular) -> bool:
    """Whether the code leaves its own type open: "unspecified" other than a mere missing side."""
    title = tabular.title(item.code)
    return is_unspecified(title.split(", initial")[0])
