"""Notes with gold codes by construction: side, 7th character, trimester, combinations, negation, relatives,
uncertainty and wrong sections, in two parts that share no sentence.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from rcm_coding.training.generated_facts import (
    ABSENT,
    COMBINED,
    COMBINED_INPATIENT,
    FILLERS,
    INJURIES,
    PAST,
    PREGNANT,
    SIDED,
    SIMPLE,
    SUSPECTED,
    SUSPICIONS,
    Plain,
)
from rcm_coding.training.generated_wording import TEST, TRAIN, Wording

SERVICE_DATE = date(2026, 9, 14)
PARTS = {"train": TRAIN, "test": TEST}
_SIDES = ("right", "left", "bilateral")
_SEVENTH = {"initial": "A", "subsequent": "D", "sequela": "S"}


@dataclass(frozen=True, slots=True)
class GeneratedNote:
    """A note, what must come out of it (ICD-10-CM without the dot) and which categories must not.

    `forbidden` holds code prefixes of conditions that are denied, of relatives, suspected or merely named.
    """

    text: str
    kind: str
    setting: str
    service_date: date
    gold: frozenset[str]
    forbidden: frozenset[str]
    family: str


class _Draft:
    """A note while it is put together."""

    def __init__(self, words: Wording, part: str, pick: random.Random) -> None:
        self.words, self.part, self.pick = words, part, pick
        self.setting = "office"
        self.items: list[str] = []
        self.story: list[str] = []
        self.extra: list[str] = []
        self.gold: set[str] = set()
        self.forbidden: set[str] = set()

    def wording(self, fact: object) -> str:
        """Pick one of a fact's wordings for this part."""
        return self.pick.choice(str(getattr(fact, self.part)).split("|"))

    def one(self, name: str) -> str:
        """Pick a sentence."""
        found: tuple[str, ...] = getattr(self.words, name)
        return self.pick.choice(found)

    def state(self, fact: Plain) -> None:
        """Put a condition on the list of diagnoses."""
        self.items.append(self.wording(fact))
        self.gold.update(fact.codes.split())

    def filler(self, most: int = 2) -> None:
        """Add everyday conditions that have nothing to do with the case."""
        for fact in self.pick.sample(FILLERS, self.pick.randint(0, most)):
            if not fact.codes.startswith(tuple(self.forbidden)):
                self.state(fact)

    def absent(self, sentences: str, facts: tuple[Plain, ...] = ABSENT) -> Plain:
        """Name a condition that the patient does not have, in a sentence that says so."""
        taken = {code[:3] for code in self.gold}
        fact = self.pick.choice([item for item in facts if not taken & set(item.codes.split())])
        name = self.wording(fact)
        sentence = self.one(sentences).format(d=name, D=_capital(name), s="")
        (self.extra if _own_section(sentence) else self.story).append(sentence)
        self.forbidden.update(fact.codes.split())
        return fact

    def finish(self, family: str) -> GeneratedNote:
        """Write the note."""
        frame = self.one({"inpatient": "inpatient", "ed": "emergency"}.get(self.setting, "office"))
        style = self.one("lists")
        lines = [style.format(n=at, d=_capital(item.rstrip("."))) for at, item in enumerate(self.items, 1)]
        text = frame.format(
            opening=self.one("openings"),
            story=" ".join(self.story),
            review=self.one("reviews"),
            exam=self.one("exams"),
            assessment="\n".join(lines),
            plan=self.one("plans"),
            extra="\n\n".join(self.extra),
        )
        kind = {"inpatient": "discharge-summary", "ed": "ed-note"}.get(self.setting, "office-note")
        return GeneratedNote(
            text.strip() + "\n",
            kind,
            self.setting,
            SERVICE_DATE,
            frozenset(self.gold),
            frozenset(self.forbidden),
            family,
        )


def generated_notes(part: str, count: int, seed: int) -> list[GeneratedNote]:
    """Return `count` notes of a part ("train" or "test"), the same for the same seed, families in turn."""
    words = PARTS[part]
    notes = []
    for at in range(count):
        pick = random.Random(f"{part}:{seed}:{at}")  # noqa: S311 - repeatable, no secret
        family, make = _FAMILIES[at % len(_FAMILIES)]
        draft = _Draft(words, part, pick)
        make(draft)
        notes.append(draft.finish(family))
    return notes


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _own_section(sentence: str) -> bool:
    """Tell whether a sentence opens with a header of its own."""
    head = sentence.split(":")[0].split("\n")[0]
    return (":" in sentence or "\n" in sentence) and len(head) < 30 and head != sentence


def _simple(draft: _Draft) -> None:
    draft.state(draft.pick.choice(SIMPLE))
    draft.filler()


def _side(draft: _Draft) -> None:
    fact = draft.pick.choice(SIDED)
    side = draft.pick.choice(
        [name for name in _SIDES if {"right": fact.right, "left": fact.left}.get(name, fact.both)]
    )
    code = {"right": fact.right, "left": fact.left, "bilateral": fact.both}[side]
    draft.items.append(draft.wording(fact).format(s=side))
    draft.gold.add(code)
    draft.filler(1)


def _seventh(draft: _Draft) -> None:
    fact = draft.pick.choice(INJURIES)
    side = draft.pick.choice(("right", "left"))
    phase = draft.pick.choice(tuple(_SEVENTH))
    injury = draft.wording(fact).format(s=side)
    base = fact.right if side == "right" else fact.left
    draft.gold.add(base.ljust(6, "X") + _SEVENTH[phase])
    if phase == "sequela":
        draft.items.append("chronic pain" if draft.part == "train" else "chronic pain due to trauma")
        draft.gold.add("G8929" if draft.part == "train" else "G8921")
    else:
        draft.setting = draft.pick.choice(("office", "ed")) if phase == "initial" else "office"
    draft.items.append(draft.one(phase).format(d=injury))


def _trimester(draft: _Draft) -> None:
    fact, trimesters = draft.pick.choice(PREGNANT)
    trimester = draft.pick.choice(trimesters)
    low, high = {"1": (8, 13), "2": (14, 27), "3": (28, 40)}[trimester]
    weeks = draft.pick.randint(low, high)
    draft.story.append(draft.one("pregnant").format(w=weeks))
    draft.items.append(draft.wording(fact))
    draft.gold.update((fact.codes.format(t=trimester), f"Z3A{weeks:02d}"))


def _combined(draft: _Draft) -> None:
    fact = draft.pick.choice((*COMBINED, *COMBINED_INPATIENT))
    if fact in COMBINED_INPATIENT:
        draft.setting = "inpatient"
    words = draft.wording(fact)
    draft.items.extend(words.split(" // "))
    draft.gold.update(fact.codes.split())
    draft.filler(1)


def _negated(draft: _Draft) -> None:
    draft.state(draft.pick.choice(SIMPLE))
    draft.absent("denied")
    if draft.pick.random() < 0.5:
        draft.absent("denied")


def _relative(draft: _Draft) -> None:
    draft.state(draft.pick.choice(SIMPLE))
    draft.absent("relatives")
    draft.filler(1)


def _uncertain(draft: _Draft) -> None:
    sign, suspicion = draft.pick.choice(SUSPECTED), draft.pick.choice(SUSPICIONS)
    sentence = draft.one("suspected").format(s=draft.wording(sign), d=draft.wording(suspicion))
    draft.items.append(sentence)
    draft.gold.update(sign.codes.split())
    draft.forbidden.update(suspicion.codes.split())
    draft.filler(1)


def _uncertain_inpatient(draft: _Draft) -> None:
    draft.setting = "inpatient"
    fact = draft.pick.choice(_UNCERTAIN_AT_DISCHARGE)
    draft.items.append(draft.one("uncertain_discharge").format(d=draft.wording(fact)))
    draft.gold.update(fact.codes.split())
    draft.filler(1)


_UNCERTAIN_AT_DISCHARGE = (
    Plain("J189", "pneumonia", "pneumonia"),
    Plain("J690", "aspiration pneumonia", "aspiration pneumonia"),
    Plain("I2699", "pulmonary embolism", "pulmonary embolus"),
    Plain("K810", "acute cholecystitis", "acute cholecystitis"),
    Plain("N10", "acute pyelonephritis", "acute pyelonephritis"),
)


def _wrong_section(draft: _Draft) -> None:
    draft.state(draft.pick.choice(SIMPLE))
    draft.absent("elsewhere")
    draft.filler(1)


def _hypothetical(draft: _Draft) -> None:
    draft.state(draft.pick.choice(SIMPLE))
    draft.absent("hypothetical")


def _past(draft: _Draft) -> None:
    draft.state(
        draft.pick.choice([fact for fact in SIMPLE if fact.codes not in ("C61", "I2510", "I4891", "I480")])
    )
    fact = draft.pick.choice(PAST)
    draft.extra.append(draft.one("past").format(d=_capital(draft.wording(fact))))
    draft.gold.update(fact.codes.split())


_FAMILIES: tuple[tuple[str, Callable[[_Draft], None]], ...] = (
    ("simple", _simple),
    ("side", _side),
    ("7th-character", _seventh),
    ("trimester", _trimester),
    ("combination", _combined),
    ("negation", _negated),
    ("family", _relative),
    ("uncertain", _uncertain),
    ("uncertain-inpatient", _uncertain_inpatient),
    ("wrong-section", _wrong_section),
    ("hypothetical", _hypothetical),
    ("history", _past),
)
