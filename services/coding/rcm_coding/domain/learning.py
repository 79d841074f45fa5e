"""What coders' decisions teach: an alias memory from phrases to codes, and the rule by which an alias may be used.

A projection of the decision log only: the same decisions, in any order, give the same bytes. Nothing here knows what
a code pays or who pays it.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from math import sqrt

from rcm_coding.engine.ranking.memory import Known, Phrase, PhraseMemory
from rcm_coding.engine.ranking.words import Language

MIN_ENCOUNTERS = 3
MIN_CODERS = 2
MIN_PRECISION = 0.8
MIN_WILSON = 0.6
MAX_STEMS = 5
SHARED_PATIENTS = 5
SHARED_FACILITIES = 2
#: The newest votes that are looked at apart, and how many of them must be against for an alias to fall.
RECENT, RECENT_AGAINST = 10, 3
_Z = 1.96  # two-sided 95 %
EVERYWHERE = ""  # the facility of an alias that a person has released for all


class Action(StrEnum):
    """What a coder did with a code."""

    ACCEPT = "accept"
    OVERRIDE = "override"
    REJECT = "reject"
    ADD = "add"


@dataclass(frozen=True, slots=True)
class CoderDecision:
    """One decision of the log with the stems of the words that were cited.

    `patient` is an opaque reference ("" when unknown); `position`, `model` and `p` say where and how surely the code
    was shown, and are None or "" where nothing was shown.
    """

    facility: str
    encounter: str
    coder: str
    action: Action
    code: str
    phrase: Phrase
    at: datetime
    suggested_code: str | None = None
    patient: str = ""
    position: int | None = None
    model: str = ""
    p: float | None = None


@dataclass(frozen=True, slots=True)
class Vote:
    """The last word of one encounter on whether a phrase means a code."""

    at: datetime
    encounter: str
    coder: str
    patient: str
    shown: bool
    agreed: bool


@dataclass(frozen=True, slots=True)
class Alias:
    """A phrase and a code in one facility, with one vote for each encounter, the oldest first."""

    facility: str
    phrase: Phrase
    code: str
    votes: tuple[Vote, ...]

    @property
    def shown(self) -> int:
        """In how many encounters the code was shown for the phrase."""
        return sum(vote.shown for vote in self.votes)

    @property
    def accepted(self) -> int:
        """In how many encounters it was shown and kept."""
        return sum(vote.shown and vote.agreed for vote in self.votes)

    @property
    def agreed(self) -> int:
        """In how many encounters a coder kept it or chose it unasked."""
        return sum(vote.agreed for vote in self.votes)

    @property
    def coders(self) -> int:
        """How many coders agreed."""
        return len({vote.coder for vote in self.votes if vote.agreed})

    @property
    def patients(self) -> int:
        """How many known patients it was agreed for."""
        return len({vote.patient for vote in self.votes if vote.agreed and vote.patient})

    @property
    def acceptance(self) -> float:
        """The acceptance rate, drawn towards a fifth while little was shown."""
        return (self.accepted + 0.3) / (self.shown + 1.5)

    @property
    def precision(self) -> float:
        """The share of encounters that agreed."""
        return self.agreed / len(self.votes) if self.votes else 0.0


Key = tuple[str, Phrase, str]
Aliases = Mapping[Key, Alias]


def project(decisions: Iterable[CoderDecision]) -> Aliases:
    """Fold the decision log; decisions without cited words teach nothing. Repeats and order do not matter."""
    votes: dict[Key, dict[str, Vote]] = defaultdict(dict)
    for decision in sorted(set(decisions), key=_order):
        for code, shown, agreed in _said(decision):
            vote = Vote(decision.at, decision.encounter, decision.coder, decision.patient, shown, agreed)
            votes[decision.facility, decision.phrase, code][decision.encounter] = vote
    return {
        key: Alias(*key, tuple(sorted(cast.values(), key=lambda vote: (vote.at, vote.encounter))))
        for key, cast in sorted(votes.items())
    }


def _said(decision: CoderDecision) -> Iterator[tuple[str, bool, bool]]:
    """Yield (code, shown, agreed) for each code that a decision speaks about."""
    if not decision.phrase:
        return
    match decision.action:
        case Action.ACCEPT:
            yield decision.code, True, True
        case Action.REJECT:
            yield decision.suggested_code or decision.code, True, False
        case Action.ADD:
            yield decision.code, False, True
        case Action.OVERRIDE:
            if decision.suggested_code and decision.suggested_code != decision.code:
                yield decision.suggested_code, True, False
            yield decision.code, False, True


def _order(decision: CoderDecision) -> tuple[object, ...]:
    """Order by time; what happened at the same moment by everything else, so that the order is total."""
    return (
        decision.at,
        decision.facility,
        decision.encounter,
        decision.coder,
        decision.action,
        decision.code,
        decision.phrase,
        decision.suggested_code or "",
        decision.patient,
        -1 if decision.position is None else decision.position,
        decision.model,
        -1.0 if decision.p is None else decision.p,
    )


def dump_aliases(aliases: Aliases) -> bytes:
    """Write the memory as counts, without naming coders, encounters or patients."""
    rows = [
        {
            "facility": alias.facility,
            "phrase": " ".join(alias.phrase),
            "code": alias.code,
            "shown": alias.shown,
            "accepted": alias.accepted,
            "agreed": alias.agreed,
            "encounters": len(alias.votes),
            "coders": alias.coders,
            "acceptance": round(alias.acceptance, 6),
            "until": alias.votes[-1].at.isoformat(),
        }
        for _, alias in sorted(aliases.items())
    ]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode()


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What the rule asks of the code set and of the words, each as a question."""

    valid: Callable[[str, date], bool]  # billable and in force on the day
    exclude: Callable[[str, str], bool]  # an Excludes1 note parts the two codes
    is_name: Callable[[str], bool]  # the stem may name a person or a place


def outside(vocabulary: frozenset[str]) -> Callable[[str], bool]:
    """Take every stem for a name that a medical vocabulary does not hold: nobody can list all names."""
    return lambda stem: stem not in vocabulary


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether an alias may be used, and every reason against it by name."""

    alias: Alias
    against: tuple[str, ...]

    @property
    def promoted(self) -> bool:
        """Tell whether nothing stands against it."""
        return not self.against


def judge(aliases: Aliases, rulebook: Rulebook, day: date) -> list[Standing]:
    """Judge every alias within its own facility on a day. An alias that was used before falls by the same rule."""
    rivals: dict[tuple[str, Phrase], list[Alias]] = defaultdict(list)
    for alias in aliases.values():
        rivals[alias.facility, alias.phrase].append(alias)
    return [
        _judged(alias, rivals[alias.facility, alias.phrase], rulebook, day)
        for _, alias in sorted(aliases.items())
    ]


def _judged(alias: Alias, rivals: Sequence[Alias], rulebook: Rulebook, day: date) -> Standing:
    newest = alias.votes[-RECENT:]
    against = sum(not vote.agreed for vote in newest)
    conflict = any(
        other.code != alias.code
        and other.precision >= MIN_PRECISION
        and (rulebook.exclude(alias.code, other.code) or rulebook.exclude(other.code, alias.code))
        for other in rivals
    )
    checks = (
        ("few-encounters", alias.agreed < MIN_ENCOUNTERS),
        ("few-coders", alias.coders < MIN_CODERS),
        ("low-precision", alias.precision < MIN_PRECISION),
        ("uncertain", wilson_lower(alias.agreed, len(alias.votes)) < MIN_WILSON),
        ("overrides-rise", against >= RECENT_AGAINST),
        ("not-in-force", not rulebook.valid(alias.code, day)),
        ("excludes-conflict", conflict),
        ("long-phrase", len(alias.phrase) > MAX_STEMS),
        ("digits", any(letter.isdigit() for stem in alias.phrase for letter in stem)),
        ("names", any(rulebook.is_name(stem) for stem in alias.phrase)),
    )
    return Standing(alias, tuple(name for name, true in checks if true))


def wilson_lower(agreed: int, total: int) -> float:
    """Return the lower end of Wilson's 95 % interval of a share; 0 without any vote."""
    if not total:
        return 0.0
    share, square = agreed / total, _Z * _Z
    middle = share + square / (2 * total)
    spread = _Z * sqrt(share * (1 - share) / total + square / (4 * total * total))
    return (middle - spread) / (1 + square / total)


def shareable(
    standings: Iterable[Standing], released: frozenset[tuple[Phrase, str]]
) -> tuple[list[Alias], list[tuple[Phrase, str]]]:
    """Return what all facilities may use, and what a person could release for them.

    A pair travels when it is promoted in two facilities and was agreed for five patients, and only after a person has
    released it: a phrase of one patient may be that patient's.
    """
    pairs: dict[tuple[Phrase, str], list[Alias]] = defaultdict(list)
    for standing in standings:
        if standing.promoted:
            pairs[standing.alias.phrase, standing.alias.code].append(standing.alias)
    shared, waiting = [], []
    for pair, found in sorted(pairs.items()):
        patients = {vote.patient for alias in found for vote in alias.votes if vote.agreed and vote.patient}
        if len(found) < SHARED_FACILITIES or len(patients) < SHARED_PATIENTS:
            continue
        if pair in released:
            votes = sorted(
                (vote for alias in found for vote in alias.votes), key=lambda vote: (vote.at, vote.encounter)
            )
            shared.append(Alias(EVERYWHERE, *pair, tuple(votes)))
        else:
            waiting.append(pair)
    return shared, waiting


def memory_of(
    language: Language, facility: str, standings: Iterable[Standing], shared: Iterable[Alias] = ()
) -> PhraseMemory:
    """Return what the engine may use in a facility: its own promoted aliases first, then the shared ones."""
    phrases: dict[Phrase, Known] = {}
    own = [item.alias for item in standings if item.promoted and item.alias.facility == facility]
    taken = {alias.phrase for alias in own}
    codes: dict[str, int] = defaultdict(int)
    encounters: set[str] = set()
    for alias in (*own, *(item for item in shared if item.phrase not in taken)):
        known = phrases.setdefault(alias.phrase, Known())
        known.notes = max(known.notes, len(alias.votes))
        known.cited[alias.code] = known.right[alias.code] = alias.agreed
        codes[alias.code] += alias.agreed
        encounters.update(vote.encounter for vote in alias.votes)
    return PhraseMemory(language, phrases, codes, len(encounters))
