"""What a code leaves unsaid: the missing axes, each with its answers and the codes that they lead to."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from rcm_coding.engine.search.words import search_stem, words
from rcm_coding.engine.synonyms import SITES
from rcm_coding.engine.tabular import Tabular, dotted_code

UNSPECIFIED = "unspecified"
_MIN_SAYING = 2  # children that must say an axis for it to be one
_MAX_PROMPTS = 8

QUESTIONS = {
    "side": "Which side?",
    "site": "Which site?",
    "displacement": "Displaced or not?",
    "open-closed": "Open or closed?",
    "healing": "How is it healing?",
    "encounter": "Which encounter?",
    "trimester": "Which trimester?",
    "fetus": "Which fetus?",
    "stage": "Which stage or degree?",
    "severity": "How severe?",
    "acuity": "Acute or chronic?",
    "episode": "Which episode?",
    "intractability": "Intractable or not?",
    "status-migrainosus": "With status migrainosus?",
    "remission": "In remission?",
    "intent": "With what intent?",
    "coma": "For how long unconscious?",
    "complication": "With which complication or manifestation?",
    "cause": "Due to what?",
    "type": "Which type?",
    "circumstance": "Under which circumstances?",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to a prompt and the codes (dotted) that it leaves."""

    answer: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """One axis that the code leaves open. `at` is the code under which the answers differ."""

    axis: str
    question: str
    at: str
    choices: tuple[Choice, ...]


_Say = Callable[[str], str]


def _first(pattern: str) -> _Say:
    compiled = re.compile(pattern, re.IGNORECASE)

    def say(title: str) -> str:
        match = compiled.search(title)
        if match is None:
            return ""
        value = next((item for item in match.groups() if item), match.group()).strip()
        return value[:1].lower() + value[1:]

    return say


_AXES: tuple[tuple[str, _Say], ...] = (
    (
        "side",
        _first(r"\b(right|left|bilateral|unilateral)\b(?! (?:heart|ventric|atri|bundle|main|coronary))"),
    ),
    ("displacement", _first(r"\b(nondisplaced|displaced)\b")),
    ("trimester", _first(r"\b(first|second|third) trimester\b")),
    ("fetus", _first(r"\b(fetus \d|other fetus|not applicable or unspecified)\b")),
    (
        "stage",
        _first(
            r"\b(stage \d[ab]?|unstageable|end stage|pressure-induced deep tissue damage|unspecified stage"
            r"|grade \d|(?:first|second|third|unspecified) degree)\b"
        ),
    ),
    ("episode", _first(r"\b(single episode|recurrent|initial episode)\b")),
    ("severity", _first(r"\b(mild|moderate|profound|severe|superficial)\b")),
    ("remission", _first(r"\b(in (?:partial |full )?remission|not having achieved remission|in relapse)\b")),
    ("intractability", _first(r"\b(not intractable|intractable)\b")),
    ("status-migrainosus", _first(r"\b(with(?:out)? status (?:migrainosus|epilepticus))\b")),
    (
        "acuity",
        _first(r"\b(acute (?:on|and) (?:chronic|subacute)|subacute|acute|chronic)\b"),
    ),
    (
        "intent",
        _first(
            r"\b(accidental|intentional self-harm|assault|undetermined|adverse effect|underdosing)\b",
        ),
    ),
    (
        "coma",
        _first(
            r"(with(?:out)? loss of consciousness(?: of [^,]+?)?"
            r"(?= with|,|$))"
        ),
    ),
)

_ENCOUNTER: _Say = _first(r"\b(initial|subsequent|sequela)\b")
_OPENING: _Say = _first(r"\b(closed|open fracture type I[IVABC, or]*[IVABC]|open)\b")
_HEALING: _Say = _first(r"\bwith (routine healing|delayed healing|nonunion|malunion)\b")
_SEVENTH_AXES: tuple[tuple[str, _Say], ...] = (
    ("encounter", _ENCOUNTER),
    ("open-closed", _OPENING),
    ("healing", _HEALING),
    *(axis for axis in _AXES if axis[0] in ("stage", "severity", "fetus")),
)
_VAGUE = re.compile(
    r"\b(?:unspecified|not specified|NOS|without (?:further )?specification)\b", re.IGNORECASE
)
_PLACES = """
head neck trunk arm leg shoulder elbow wrist finger thumb hip thigh knee ankle foot toe limb eye ear lip
tongue mouth nose face scalp back chest breast abdomen pelvis colon rectum stomach lung lobe bronchus
liver kidney bladder ovary uterus cervix vagina testis prostate bone joint spine vertebra rib skull
femur tibia fibula radius ulna humerus clavicle scapula carpal tarsal metacarpal metatarsal phalanx
artery vein nerve muscle tendon ligament upper lower quadrant region buttock heel sacral lumbar thoracic
cervical coronary cerebral iliac popliteal tibial femoral subclavian jugular nipple areola axilla axillary
tail epiphysis articular midcervical intracapsular pertrochanteric subtrochanteric condyle malleolus
patella shaft base end physeal
"""
_SITES = frozenset(
    search_stem(word)
    for text in (SITES.replace("=", " "), _PLACES)
    for line in text.strip().splitlines()
    for word in words(line)
)
#: Words that tell nothing apart by themselves.
_EMPTY = frozenset(map(search_stem, "part site type other specified unspecified side region".split()))
_RESIDUAL = "09"  # how codes for what is not specified end
_JOINING = frozenset({"with", "without", "or", "and", "of", "in", "by", "to", "not"})
#: Axes that are worth asking before the code that they separate is chosen.
_ASKED_BELOW = frozenset(
    {"side", "displacement", "trimester", "fetus", "stage", "intent", "coma", "remission", "intractability"}
)
_MAX_LEAVES = 600
_MAX_CODES = 24


def prompts_for(tabular: Tabular, code: str) -> tuple[Prompt, ...]:
    """Return the axes that a code leaves open, from the broadest to the 7th character.

    An axis is open where the code took an unspecified branch, and below a code that has codes of its own.
    """
    resolved = tabular.resolve(code)
    if resolved is None:
        return ()
    found: list[Prompt] = []
    path = [item for item in tabular.lineage(resolved.code) if item in tabular.concepts]
    for parent, taken in zip(reversed(path), list(reversed(path))[1:], strict=False):
        vague = len(_VAGUE.findall(tabular.title(taken))) > len(_VAGUE.findall(tabular.title(parent)))
        if vague and len(tabular.children.get(parent, ())) > 1:
            found.extend(_under(tabular, parent, _missing(tabular, parent, taken)))
    if resolved.code == resolved.base:
        found.extend(_under(tabular, resolved.base, None))
        if resolved.needs_seventh:
            found.extend(_sevenths(tabular, resolved.base))
        else:
            found.extend(_below(tabular, resolved.base, {item.axis for item in found}))
    return tuple({(item.axis, item.at): item for item in found}.values())[:_MAX_PROMPTS]


def missing_axes(tabular: Tabular, code: str) -> tuple[str, ...]:
    """Return the names of the axes that a code leaves open."""
    return tuple(dict.fromkeys(prompt.axis for prompt in prompts_for(tabular, code)))


def _missing(tabular: Tabular, parent: str, taken: str) -> Callable[[Prompt], bool]:
    """Tell which prompts of a level the branch taken leaves unanswered."""
    shown = dotted_code(taken)

    def unanswered(prompt: Prompt) -> bool:
        own = next((choice.answer for choice in prompt.choices if shown in choice.codes), "")
        return own in ("", UNSPECIFIED)

    return unanswered


def _under(tabular: Tabular, parent: str, keep: Callable[[Prompt], bool] | None) -> Iterable[Prompt]:
    children = [item for item in tabular.children.get(parent, ()) if item in tabular.concepts]
    while len(children) == 1:  # a level that only holds a place
        parent = children[0]
        children = [item for item in tabular.children.get(parent, ()) if item in tabular.concepts]
    if len(children) < 2:
        return
    labels = [(dotted_code(item), tabular.title(item)) for item in children]
    every = [_prompt(name, say, parent, labels) for name, say in _AXES]
    told: dict[str, tuple[str, ...]] = {shown: () for shown, _ in labels}
    for prompt in (*every, _rest(tabular, parent, labels, any(every))):
        if prompt is None:
            continue
        answers = {shown: choice.answer for choice in prompt.choices for shown in choice.codes}
        finer = {shown: (*known, answers[shown]) for shown, known in told.items()}
        if len(set(finer.values())) > len(set(told.values())):  # it separates codes that were alike so far
            told = finer
            if keep is None or keep(prompt):
                yield prompt


def _below(tabular: Tabular, code: str, asked: set[str]) -> Iterable[Prompt]:
    """Ask what only separates codes further down: a side, a trimester, the encounter."""
    leaves = tabular.leaves(code)
    if not tabular.children.get(code) or len(leaves) > _MAX_LEAVES:
        return
    labels = [(dotted_code(item), tabular.title(item)) for item in leaves]
    for name, say in _AXES:
        prompt = _prompt(name, say, code, labels) if name in _ASKED_BELOW - asked else None
        if prompt is not None:
            yield replace(
                prompt,
                choices=tuple(Choice(item.answer, item.codes[:_MAX_CODES]) for item in prompt.choices),
            )
    if all(tabular.seventh_characters(item) for item in leaves):
        pattern = dotted_code(code.ljust(6, "-"))
        characters = tabular.seventh_characters(leaves[0])
        ends = [(pattern + character, label) for character, label in characters.items()]
        yield from _seventh_prompts(code, ends)


def _prompt(name: str, say: _Say, parent: str, labels: Sequence[tuple[str, str]]) -> Prompt | None:
    groups: dict[str, list[str]] = {}
    for shown, title in labels:
        groups.setdefault(say(title) or UNSPECIFIED, []).append(shown)
    saying = [value for value in groups if value != UNSPECIFIED]
    told = sum(len(groups[value]) for value in saying)
    if len(groups) < 2 or told < _MIN_SAYING or 2 * told < len(labels):
        return None
    return Prompt(name, QUESTIONS[name], dotted_code(parent), _choices(groups))


def _rest(tabular: Tabular, parent: str, labels: Sequence[tuple[str, str]], strip: bool) -> Prompt | None:
    """Make a prompt of what the titles say beyond the known axes: a site, a complication, a cause or a type."""
    stripped = {shown: _without_axes(title) if strip else title for shown, title in labels}
    common = _common(list(stripped.values()))
    groups: dict[str, list[str]] = {}
    known = _stems(tabular.title(parent)) | _EMPTY
    for shown, text in stripped.items():
        label = _trimmed(text, common)
        says_nothing = _VAGUE.search(text) and not _stems(_VAGUE.sub(" ", label)) - known
        if not label or (says_nothing and shown[-1] in _RESIDUAL):
            label = UNSPECIFIED
        groups.setdefault(label, []).append(shown)
    if len(groups) < 2 or (len(groups) == 2 and UNSPECIFIED in groups and len(labels) > 3):
        return None
    name = _kind_of(parent, known, [label for label in groups if label != UNSPECIFIED])
    return Prompt(name, QUESTIONS[name], dotted_code(parent), _choices(groups))


def _choices(groups: dict[str, list[str]]) -> tuple[Choice, ...]:
    ordered = sorted(groups, key=lambda value: value == UNSPECIFIED)
    return tuple(Choice(value, tuple(groups[value])) for value in ordered)


def _stems(text: str) -> frozenset[str]:
    return frozenset(map(search_stem, words(text)))


def _kind_of(parent: str, known: frozenset[str], labels: Sequence[str]) -> str:
    if parent[0] in "VWXY":
        return "circumstance"
    with_site = sum(bool((_stems(label) - known) & _SITES) for label in labels)
    if 2 * with_site >= len(labels):
        return "site"
    if 2 * sum(label.lower().startswith(("with ", "without ")) for label in labels) >= len(labels):
        return "complication"
    if 2 * sum(label.lower().startswith(("due to ", "following ", "in ")) for label in labels) >= len(labels):
        return "cause"
    return "type"


_STRIPPED = re.compile(
    r",? ?\b(?:right|left|bilateral|unilateral|nondisplaced|displaced|first|second|third) ?(?:trimester)?\b"
    r"|,? ?\bstage \d[ab]?\b|,? ?\bunspecified (?:eye|ear|side|limb|trimester|stage)\b"
    r"|,? ?\bcomplicating (?:pregnancy|childbirth|the puerperium)\b",
    re.IGNORECASE,
)


def _without_axes(title: str) -> str:
    return " ".join(_STRIPPED.sub(" ", title).replace(" ,", ",").split())


def _common(titles: Sequence[str]) -> tuple[list[str], list[str]]:
    split = [title.split() for title in titles]
    shortest = min(map(len, split))
    first = 0
    while first < shortest and len({parts[first].lower().strip(",") for parts in split}) == 1:
        first += 1
    last = 0
    while last < shortest - first and len({parts[-1 - last].lower() for parts in split}) == 1:
        last += 1
    return split[0][:first], split[0][len(split[0]) - last :]


def _trimmed(title: str, common: tuple[list[str], list[str]]) -> str:
    parts = title.split()
    kept = parts[len(common[0]) : len(parts) - len(common[1])]
    if kept and kept[-1].lower() in _JOINING:  # "with": say with what
        kept += common[1]
    return " ".join(kept).strip(" ,;")


def _sevenths(tabular: Tabular, base: str) -> Iterable[Prompt]:
    characters = tabular.seventh_characters(base)
    labels = [
        (dotted_code(whole), label)
        for character, label in characters.items()
        if (whole := tabular.extend(base, character))
    ]
    yield from _seventh_prompts(base, labels)


def _seventh_prompts(base: str, labels: Sequence[tuple[str, str]]) -> Iterable[Prompt]:
    found = False
    for name, say in _SEVENTH_AXES:
        prompt = _prompt(name, say, base, labels)
        if prompt is not None and (name != "open-closed" or len(prompt.choices) > 1):
            if name in ("open-closed", "healing"):
                prompt = replace(
                    prompt, choices=tuple(item for item in prompt.choices if item.answer != UNSPECIFIED)
                )
            found = True
            yield prompt
    if not found and labels:
        groups = {label: [shown] for shown, label in labels}
        yield Prompt("type", "Which 7th character?", dotted_code(base), _choices(groups))
