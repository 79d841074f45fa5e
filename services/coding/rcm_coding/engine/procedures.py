"""Procedures by our own predicates: action, target, approach, count, size and side, over a demonstration
pack.

The pack holds code numbers with our own short labels; descriptors of licensed code sets come only from the
operator's file. Only what the record says was done counts: plans, histories and refusals do not.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rcm_coding.engine.evidence import Evidence
from rcm_coding.engine.procedure_words import (
    ABDOMEN_PELVIS,
    ABSCESS,
    APPENDIX,
    BENIGN,
    BIOPSY,
    CHEST,
    CHOLANGIOGRAM,
    CLAVICLE,
    COLONOSCOPY,
    CONTRAST_WITH,
    CONTRAST_WITHOUT,
    CT,
    DONE_SECTIONS,
    EAR_WAX,
    ECG,
    EGD,
    FACE,
    FILM,
    FREEZE,
    FRONT_HERNIA,
    FUTURE,
    GALLBLADDER,
    GROIN_HERNIA,
    HEAD,
    HERNIA_REPAIR,
    HIP_REPLACED,
    IMMOBILISED,
    INJECT,
    JOINT_CUE,
    KNEE,
    KNEE_REPLACED,
    LACERATION,
    LAPAROSCOPIC,
    LARGE_JOINT,
    LESION_COUNT,
    MEDIUM_JOINT,
    NUMBER_WORDS,
    ORIF,
    PAST_HISTORY,
    PINNED,
    PREMALIGNANT,
    PUNCH,
    RADIUS,
    RECURRENT,
    REDUCED,
    SCOPE_PASSED,
    SHAVE,
    SIZE_CM,
    SKIN_TAG,
    SMALL_JOINT,
    SNARE,
    SUTURED,
    TRAPPED,
    ULTRASOUND,
    VIEWS,
    WRIST,
    words,
)
from rcm_coding.engine.reading import Record, Statement


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure that the record says was done.
    `treats` are category prefixes of diagnoses that it treats.
    """

    code: str
    score: float
    evidence: tuple[Evidence, ...]
    modifiers: tuple[str, ...] = ()
    units: int = 1
    treats: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    separate_visit: bool = True  # False: diagnostic, no modifier 25 and no treated problem


def find_procedures(record: Record, setting: str) -> list[Procedure]:
    """Return the procedures of the demonstration pack that the record says were done in this encounter."""
    found: list[Procedure] = []
    for family in _FAMILIES:
        found.extend(family(record, setting))
    best: dict[str, Procedure] = {}
    for procedure in found:
        if procedure.code not in best or best[procedure.code].score < procedure.score:
            best[procedure.code] = procedure
    return list(best.values())


def _done(record: Record, action: re.Pattern[str]) -> Iterator[tuple[Statement, re.Match[str]]]:
    """Yield statements that report an action as done now, what is in a procedure section first."""
    ordered = sorted(record.statements, key=lambda item: item.sentence.section != "procedure")
    for statement in ordered:
        match = statement.search(action)
        if match is None:
            continue
        section = statement.sentence.section
        if section not in DONE_SECTIONS and not (
            section in ("plan", "results")
            and re.search(r"\b(?:was|were|performed|applied|placed|today)\b", statement.text)
        ):
            continue
        before = statement.text[: match.start() - statement.sentence.start]
        if FUTURE.search(before) or (section != "procedure" and PAST_HISTORY.search(statement.text)):
            continue
        if statement.present(match.start(), match.end()):
            yield statement, match


def _first_done(
    record: Record, action: re.Pattern[str], also: re.Pattern[str] | None = None
) -> tuple[Statement, Evidence] | None:
    for statement, match in _done(record, action):
        if also is None or statement.search(also):
            return statement, statement.evidence(match.start(), match.end(), "action")
    return None


def _number(text: str | None) -> int | None:
    if not text:
        return None
    low = text.lower()
    return int(low) if low.isdigit() else NUMBER_WORDS.get(low)


def _collect(*places: Evidence | None) -> tuple[Evidence, ...]:
    return tuple(dict.fromkeys(place for place in places if place is not None))


def _side_modifiers(
    statement: Statement, record: Record, near: re.Pattern[str]
) -> tuple[tuple[str, ...], Evidence | None]:
    """Return RT, LT or 50 with the side's words: from the statement,
    else from others that name the same part.
    """
    match = statement.search(near)
    named = match.group().lower() if match else ""
    about = words(rf"\b{re.escape(named)}\b") if named else near
    candidates = [statement] + [
        item
        for pattern in (about, near)
        for item in record.statements
        if item is not statement and item.search(pattern)
    ]
    for item in candidates:
        if item.weight <= 0 or not item.sides:
            continue
        side, word = item.sides[0]
        modifier = {"right": "RT", "left": "LT", "bilateral": "50"}[side]
        return (modifier,), item.evidence(word.start, word.end, "side")
    return (), None


def _destruction(record: Record, setting: str) -> Iterator[Procedure]:
    for pattern, kind in ((SKIN_TAG, "tag"), (PREMALIGNANT, "premalignant"), (BENIGN, "benign")):
        target = record.first(pattern, "lesion")
        if target is None:
            continue
        actions = [
            statement.evidence(match.start(), match.end(), "action")
            for statement, match in _done(record, FREEZE)
            if kind == "benign" or statement.search(pattern) or statement.sentence.section == "procedure"
        ]
        agent = record.first(words(r"liquid nitrogen"), "action")
        if not actions or (
            kind == "benign"
            and re.search(r"\bmelanoma|basal cell|squamous cell|malignan", record.plain_text)
            and "mole" not in record.plain_text
        ):
            continue
        site = next(
            (
                item.evidence(place.start, place.end, "site")
                for item in record.statements
                if item.weight > 0
                for place in item.sites
            ),
            None,
        )
        count, count_place = _lesions(record)
        evidence = _collect(target, agent, actions[0], site, count_place)
        if kind == "tag":
            yield Procedure("11200", 0.8, evidence, treats=("L91", "L98"), rules=("cpt:skin-tags",))
        elif kind == "premalignant":
            if count >= 15:
                yield Procedure("17004", 0.85, evidence, treats=("L57",), rules=("cpt:destroy-premalignant",))
            else:
                yield Procedure("17000", 0.88, evidence, treats=("L57",), rules=("cpt:destroy-premalignant",))
                if count > 1:
                    yield Procedure(
                        "17003",
                        0.85,
                        evidence,
                        units=count - 1,
                        treats=("L57",),
                        rules=("cpt:destroy-premalignant",),
                    )
            return
        else:
            code = "17110" if count <= 14 else "17111"
            yield Procedure(
                code,
                0.9,
                evidence,
                treats=("D22", "D23", "B07", "B08", "L82", "L72"),
                rules=("cpt:destroy-benign",),
            )


def _lesions(record: Record) -> tuple[int, Evidence | None]:
    best, place = 1, None
    for statement, match in _done(record, LESION_COUNT):
        count = _number(match.group(1)) or _number(match.group(2)) or 1
        if count > best:
            best, place = count, statement.evidence(match.start(), match.end(), "count")
    return best, place


def _joint_injection(record: Record, setting: str) -> Iterator[Procedure]:
    for statement, match in _done(record, INJECT):
        around = _neighbours(record, statement)
        if not any(item.search(JOINT_CUE) for item in around):
            continue
        for joint, code in ((LARGE_JOINT, "20610"), (MEDIUM_JOINT, "20605"), (SMALL_JOINT, "20600")):
            place = next(((item, found) for item in around if (found := item.search(joint))), None)
            if place is None:
                continue
            item, found = place
            modifiers, side = _side_modifiers(item, record, joint)
            if code == "20610" and record.first(ULTRASOUND, "guidance"):
                code = "20611"
            evidence = _collect(
                statement.evidence(match.start(), match.end(), "action"),
                item.evidence(found.start(), found.end(), "site"),
                side,
            )
            yield Procedure(
                code,
                0.88,
                evidence,
                modifiers,
                treats=("M0", "M1", "M2", "M7"),
                rules=("cpt:joint-injection",),
            )
            return


def _neighbours(record: Record, statement: Statement) -> list[Statement]:
    at = record.statements.index(statement)
    return [
        item
        for item in (statement, *record.statements[max(0, at - 2) : at], *record.statements[at + 1 : at + 3])
        if item.document is statement.document
    ]


def _fracture_care(record: Record, setting: str) -> Iterator[Procedure]:
    for pattern, kind in ((RADIUS, "radius"), (CLAVICLE, "clavicle")):
        target = record.first(pattern, "site")
        if target is None:
            continue
        statement = next(
            item
            for item in record.statements
            if item.document.document_id == target.document_id
            and item.sentence.start <= target.start < item.sentence.end
        )
        modifiers, side = _side_modifiers(statement, record, pattern)
        plan = (
            (("25607", ORIF), ("25606", PINNED), ("25605", REDUCED), ("25600", IMMOBILISED))
            if kind == "radius"
            else (("23500", IMMOBILISED),)
        )
        for code, action in plan:
            done = _first_done(record, action)
            if done:
                yield Procedure(
                    code,
                    0.86,
                    _collect(done[1], target, side),
                    modifiers,
                    treats=("S4", "S5", "S6"),
                    rules=("cpt:fracture-care",),
                )
                break


def _gallbladder(record: Record, setting: str) -> Iterator[Procedure]:
    done = _first_done(record, GALLBLADDER)
    if done is None:
        return
    scope = record.first(LAPAROSCOPIC, "approach")
    duct = _first_done(record, CHOLANGIOGRAM)
    code = "47600" if scope is None else "47563" if duct else "47562"
    yield Procedure(
        code,
        0.92,
        _collect(done[1], scope, duct[1] if duct else None),
        treats=("K80", "K81", "K82"),
        rules=("cpt:cholecystectomy",),
    )


def _hernia(record: Record, setting: str) -> Iterator[Procedure]:
    hernia = record.first(FRONT_HERNIA, "target")
    done = next(
        (
            statement.evidence(match.start(), match.end(), "action")
            for statement, match in _done(record, HERNIA_REPAIR)
            if any(
                item.search(FRONT_HERNIA) or re.search(r"\bhernia|fascial defect", item.text)
                for item in _neighbours(record, statement)
            )
        ),
        None,
    )
    if hernia and done:
        size, size_place = _size_cm(record)
        trapped = record.first(TRAPPED, "state")
        recurrent = any(item.search(RECURRENT) and item.search(FRONT_HERNIA) for item in record.statements)
        row = (0 if size < 3 else 1 if size <= 10 else 2) * 2 + (1 if trapped else 0)
        code = str((49613 if recurrent and row < 2 else 49591) + row)
        yield Procedure(
            code,
            0.86,
            _collect(done, hernia, size_place, trapped),
            treats=("K42", "K43"),
            rules=("cpt:front-wall-hernia",),
        )
    groin = record.first(GROIN_HERNIA, "target")
    if groin:
        repaired = _first_done(record, HERNIA_REPAIR)
        if repaired:
            scope = record.first(LAPAROSCOPIC, "approach")
            statement = repaired[0]
            modifiers, side = _side_modifiers(statement, record, GROIN_HERNIA)
            yield Procedure(
                "49650" if scope else "49505",
                0.82,
                _collect(repaired[1], groin, scope, side),
                modifiers,
                treats=("K40",),
                rules=("cpt:groin-hernia",),
            )


def _size_cm(record: Record) -> tuple[float, Evidence | None]:
    for statement in record.statements:
        if not re.search(r"hernia|defect", statement.text):
            continue
        match = statement.search(SIZE_CM)
        if match:
            size = max(float(match.group(1)), float(match.group(2) or 0))
            size = size / 10 if match.group(3).lower().startswith(("mm", "milli")) else size
            return size, statement.evidence(match.start(), match.end(), "size")
    return 0.0, None


def _imaging(record: Record, setting: str) -> Iterator[Procedure]:
    if setting != "imaging":
        return
    for statement in record.statements:
        if statement.sentence.section in ("results", "past-history"):
            continue
        modality = statement.search(CT)
        if modality:
            part, codes = (
                (statement.search(CHEST), ("71250", "71260", "71270"))
                if statement.search(CHEST)
                else (statement.search(ABDOMEN_PELVIS), ("74176", "74177", "74177"))
                if statement.search(ABDOMEN_PELVIS)
                else (statement.search(HEAD), ("70450", "70450", "70450"))
            )
            if part is None:
                continue
            used = record.first(CONTRAST_WITH, "contrast", stated=False)
            plain = record.first(CONTRAST_WITHOUT, "contrast", stated=False)
            code = codes[2] if used and plain else codes[1] if used else codes[0]
            evidence = _collect(
                statement.evidence(modality.start(), modality.end(), "modality"),
                statement.evidence(part.start(), part.end(), "site"),
                used or plain,
            )
            yield Procedure(code, 0.9, evidence, rules=("cpt:ct",), separate_visit=False)
            return
        film = statement.search(FILM)
        if film:
            views = statement.search(VIEWS)
            count = (_number(views.group(1)) or (2 if views.group(2) else 1)) if views else 2
            part = statement.search(CHEST)
            film_code = "71045" if count == 1 else "71046"
            if part is None:
                part = statement.search(WRIST)
                film_code = "73110"
            if part is None:
                part = statement.search(KNEE)
                film_code = "73562"
            if part is None:
                continue
            evidence = _collect(
                statement.evidence(film.start(), film.end(), "modality"),
                statement.evidence(part.start(), part.end(), "site"),
            )
            yield Procedure(film_code, 0.8, evidence, rules=("cpt:film",), separate_visit=False)
            return


def _wounds(record: Record, setting: str) -> Iterator[Procedure]:
    wound = record.first(LACERATION, "target")
    closed = _first_done(record, SUTURED)
    if not wound or not closed:
        return
    size, place = 0.0, None
    for statement in record.statements:
        match = statement.search(SIZE_CM) if statement.search(LACERATION) else None
        if match:
            size = float(match.group(1)) / (10 if match.group(3).lower().startswith(("mm", "milli")) else 1)
            place = statement.evidence(match.start(), match.end(), "size")
            break
    face = any(item.search(FACE) and item.search(LACERATION) for item in record.statements)
    code = ("12011" if size <= 2.5 else "12013") if face else ("12001" if size <= 2.5 else "12002")
    yield Procedure(code, 0.78, _collect(closed[1], wound, place), treats=("S",), rules=("cpt:wound-repair",))


def _simple(
    code: str,
    action: re.Pattern[str],
    *,
    also: re.Pattern[str] | None = None,
    treats: tuple[str, ...] = (),
    diagnostic: bool = False,
    side: bool = False,
) -> Callable[[Record, str], Iterator[Procedure]]:
    def family(record: Record, setting: str) -> Iterator[Procedure]:
        done = _first_done(record, action)
        more = record.first(also, "detail") if also else None
        if done is None or (also is not None and more is None):
            return
        modifiers, place = _side_modifiers(done[0], record, action) if side else ((), None)
        yield Procedure(
            code,
            0.8,
            _collect(done[1], more, place),
            modifiers,
            treats=treats,
            rules=("cpt:named-procedure",),
            separate_visit=not diagnostic,
        )

    return family


def _endoscopy(record: Record, setting: str) -> Iterator[Procedure]:
    colon = record.first(COLONOSCOPY, "action")
    passed = _first_done(record, SCOPE_PASSED)
    if colon and passed and setting in ("surgery", "office"):
        snare, biopsy = _first_done(record, SNARE), _first_done(record, BIOPSY)
        code = "45385" if snare else "45380" if biopsy else "45378"
        detail = snare or biopsy
        yield Procedure(
            code,
            0.82,
            _collect(colon, passed[1], detail[1] if detail else None),
            treats=("K", "D12"),
            rules=("cpt:colonoscopy",),
        )


_FAMILIES: tuple[Callable[[Record, str], Iterator[Procedure]], ...] = (
    _destruction,
    _joint_injection,
    _fracture_care,
    _gallbladder,
    _hernia,
    _imaging,
    _wounds,
    _endoscopy,
    _simple(
        "11042",
        words(r"\bexcisional debridement|\bsharp(?:ly)? debrid\w+|\bdebrided (?:sharply|to|down to)"),
        also=words(r"\bsubcutaneous|\bfat layer|\bfascia"),
        treats=("L97", "L89", "E1162"),
    ),
    _simple("10060", ABSCESS, treats=("L02", "L03")),
    _simple("11104", PUNCH, treats=("D", "L", "C")),
    _simple("11102", SHAVE, treats=("D", "L", "C")),
    _simple("69210", EAR_WAX, treats=("H61",)),
    _simple("93000", ECG, diagnostic=True),
    _simple("44970", APPENDIX, also=LAPAROSCOPIC, treats=("K3",)),
    _simple("43239", EGD, also=BIOPSY, treats=("K",)),
    _simple(
        "27447",
        KNEE_REPLACED,
        also=words(r"\btourniquet|component|prosthes\w+|implant\w*|cement"),
        treats=("M17",),
        side=True,
    ),
    _simple(
        "27130",
        HIP_REPLACED,
        also=words(r"\bacetabul\w+|component|prosthes\w+|implant\w*|cement"),
        treats=("M16", "S72"),
        side=True,
    ),
)
