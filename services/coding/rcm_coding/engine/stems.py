"""Words as the engine compares them: tokens with character offsets, lower-cased and lightly stemmed."""

import re
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[A-Za-zÀ-ÿ]+(?:['’][A-Za-z]+)?|\d+(?:\.\d+)?")

#: Words that carry no meaning of their own in a title or a phrase.
STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "to",
        "by",
        "for",
        "from",
        "and",
        "or",
        "with",
        "as",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "this",
        "that",
        "these",
        "those",
        "it",
        "its",
        "his",
        "her",
        "he",
        "she",
        "they",
        "their",
        "there",
        "due",
        "not",
        "elsewhere",
        "classified",
        "nos",
        "nec",
        "unspecified",
        "other",
        "specified",
        "type",
        "site",
        "part",
        "level",
        "related",
        "associated",
        "resulting",
        "following",
        "caused",
        "than",
        "into",
        "upon",
        "during",
        "s",
        "t",
    ]
)

#: Axes that a title names and that are documented apart from the condition; they are lifted out of term
#: stems.
SIDES = {"right": "right", "left": "left", "bilateral": "bilateral", "unilateral": "unilateral"}

_IRREGULAR = {
    "nevi": "nevus",
    "naevus": "nevus",
    "naevi": "nevus",
    "calculi": "calculus",
    "calculous": "calculus",
    "diabetic": "diabetes",
    "vertebrae": "vertebra",
    "feet": "foot",
    "teeth": "tooth",
    "metastases": "metastasis",
    "metastatic": "metastasis",
    "thrombi": "thrombus",
    "emboli": "embolus",
    "diagnoses": "diagnosis",
    "hypoxic": "hypoxia",
    "hypoxaemic": "hypoxia",
    "hypoxemic": "hypoxia",
    "hypoxemia": "hypoxia",
    "hypercapnic": "hypercapnia",
    "anaemia": "anemia",
    "anemic": "anemia",
    "oedema": "edema",
    "haemorrhage": "hemorrhage",
    "diarrhoea": "diarrhea",
    "ischaemic": "ischemic",
    "ischaemia": "ischemia",
    "ischemia": "ischemic",
    "fell": "fall",
    "fallen": "fall",
    "broken": "fracture",
    "tumour": "tumor",
    "oesophageal": "esophageal",
    "oesophagus": "esophagus",
    "obese": "obesity",
    "depressive": "depression",
    "asthmatic": "asthma",
    "hypertensive": "hypertension",
    "arthritic": "arthritis",
    "septic": "sepsis",
    "pneumonic": "pneumonia",
    "dementias": "dementia",
    "lower": "low",
}


@dataclass(frozen=True, slots=True)
class Token:
    """One word with its place in the text (characters)."""

    stem: str
    word: str
    start: int
    end: int
    capitals: bool = False  # written in capitals, as abbreviations are


@lru_cache(maxsize=60_000)
def stem(word: str) -> str:
    """Return the comparison form of one word."""
    low = word.lower().replace("’", "'")
    if low.endswith("'s"):
        low = low[:-2]
    low = _IRREGULAR.get(low, low)
    if not low.isalpha() or len(low) <= 3:
        return low
    if low.endswith("ies") and len(low) > 4:
        low = low[:-3] + "y"
    elif low.endswith(("sses", "xes", "ches", "shes")):
        low = low[:-2]
    elif low.endswith("s") and not low.endswith(("ss", "us", "is", "as", "os")):
        low = low[:-1]
    for suffix in ("ing", "ed"):
        if low.endswith(suffix) and len(low) - len(suffix) >= 4:
            low = low[: -len(suffix)]
            if len(low) > 4 and low[-1] == low[-2] and low[-1] not in "ls":
                low = low[:-1]
            break
    if low.endswith("e") and len(low) > 4:
        low = low[:-1]
    return low


def tokens(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """Cut a stretch of text into tokens; offsets stay those of the whole text."""
    stop = len(text) if end is None else end
    found = []
    for match in _WORD.finditer(text, start, stop):
        word = match.group()
        found.append(Token(stem(word), word.lower(), match.start(), match.end(), word.isupper()))
    return found


def content_stems(text: str) -> frozenset[str]:
    """Return the stems of a title or phrase without stop words and sides."""
    return frozenset(
        token.stem for token in tokens(text) if token.word not in STOP_WORDS and token.word not in SIDES
    )
