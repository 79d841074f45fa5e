"""The encoder's index over one code set: every wording of every code, its words, and words that go together.

Plain arrays; a dump of them is data only, so loading one can run no code.
"""

import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rcm_coding.engine.lexicon import curated_terms, site_stems
from rcm_coding.engine.search.equivalents import OPERATIONS, groups
from rcm_coding.engine.search.words import search_stem, triples, words
from rcm_coding.engine.synonyms import PHRASES
from rcm_coding.engine.tabular import BadCodeSetError, Tabular
from rcm_coding.engine.wording import MORE_PHRASES

FORMAT = 1
PROCEDURES = "icd10pcs"
KINDS = ("title", "inclusion", "includes", "synonym", "index")

_MIN_TOGETHER = 2  # codes that must say so before two words count as going together
_MIN_SHARE = 0.15
_MIN_LIFT = 3.0
_MAX_PARTNERS = 4
_SUREST = 0.8  # weight of a partner word beside the word itself
_EQUIVALENT = 0.9
_SITE = 0.8  # of a larger site that counts a smaller one

Ints = NDArray[np.uint32]
Floats = NDArray[np.float32]


class Entry(NamedTuple):
    """One code of a code set as the encoder shows it. `plain` is without dot, as claims carry it."""

    plain: str
    shown: str
    title: str
    usable: bool  # may stand on a claim, or needs no more than its 7th character


class Wording(NamedTuple):
    """One way to say a code, besides its title."""

    text: str
    plain: str
    kind: str


@dataclass(frozen=True, eq=False)
class SearchIndex:
    """Immutable after building. A row is one wording; rows of a code stand together, its title first."""

    system: str
    edition: str
    entries: tuple[Entry, ...]
    texts: tuple[str, ...]
    kinds: NDArray[np.uint8]
    starts: Ints  # first row of each entry
    vocabulary: tuple[str, ...]  # folded words
    row_ends: Ints  # end of each row's words in `row_words`
    row_words: Ints
    partners: Ints  # (stem, stem, weight in thousandths) of words that go together, one line each
    meanings: dict[str, list[tuple[float, int]]] = field(
        default_factory=dict, repr=False
    )  # of words asked for

    @cached_property
    def places(self) -> dict[str, int]:
        """Entry number by plain code."""
        return {entry.plain: at for at, entry in enumerate(self.entries)}

    @cached_property
    def usable(self) -> NDArray[np.bool_]:
        """Which entries may stand on a claim."""
        return np.fromiter((entry.usable for entry in self.entries), np.bool_, len(self.entries))

    @cached_property
    def parents(self) -> NDArray[np.int64]:
        """Entry number of each entry's heading: the longest start of its code that is an entry, or itself."""
        places = self.places
        return np.fromiter(
            (
                next(
                    (
                        places[entry.plain[:at]]
                        for at in range(len(entry.plain) - 1, 2, -1)
                        if entry.plain[:at] in places
                    ),
                    own,
                )
                for own, entry in enumerate(self.entries)
            ),
            np.int64,
            len(self.entries),
        )

    @cached_property
    def owners(self) -> Ints:
        """Entry number of each row."""
        ends = np.append(self.starts[1:], len(self.texts)).astype(np.int64)
        counts = ends - self.starts.astype(np.int64)
        return np.repeat(np.arange(len(self.entries), dtype=np.uint32), counts)

    @cached_property
    def row_starts(self) -> NDArray[np.int64]:
        """Where each row's words begin."""
        return np.concatenate(([0], self.row_ends[:-1])).astype(np.int64)

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """The distinct stems, in order of their number."""
        return tuple(dict.fromkeys(map(search_stem, self.vocabulary)))

    @cached_property
    def stem_numbers(self) -> dict[str, int]:
        """Number of each stem."""
        return {item: at for at, item in enumerate(self.stems)}

    @cached_property
    def postings(self) -> tuple[NDArray[np.int64], Ints]:
        """For each stem the rows that have it: ends of the stretches, and the rows."""
        of_word = np.array([self.stem_numbers[search_stem(item)] for item in self.vocabulary], np.int64)
        rows = np.repeat(np.arange(len(self.texts), dtype=np.int64), self.row_ends - self.row_starts)
        pairs = np.unique((of_word[self.row_words] << 32) | rows)
        ends = np.searchsorted(pairs >> 32, np.arange(len(self.stems)), side="right")
        return ends.astype(np.int64), (pairs & 0xFFFFFFFF).astype(np.uint32)

    @cached_property
    def rarities(self) -> Floats:
        """How telling each stem is (natural logarithm of all rows over the rows that have it)."""
        counts = np.diff(self.postings[0], prepend=0)
        return np.log(1 + len(self.texts) / counts).astype(np.float32)

    @cached_property
    def lengths(self) -> Floats:
        """Sum of the rarities of each row's stems."""
        ends, rows = self.postings
        each = np.repeat(self.rarities, np.diff(ends, prepend=0))
        return np.bincount(rows, weights=each, minlength=len(self.texts)).astype(np.float32)

    @cached_property
    def triple_table(self) -> tuple[dict[str, NDArray[np.int64]], dict[str, float], Floats, Floats]:
        """Words of each letter triple; how telling each triple is; and every word's count and sum of them."""
        found: dict[str, list[int]] = {}
        for at, word in enumerate(self.vocabulary):
            for item in triples(word):
                found.setdefault(item, []).append(at)
        table = {item: np.array(places, np.int64) for item, places in found.items()}
        uses = np.bincount(self.row_words, minlength=len(self.vocabulary))
        total = len(self.texts)
        telling = {
            item: float(np.log(1 + total / max(1, int(uses[places].sum())))) for item, places in table.items()
        }
        counts = np.array([len(triples(word)) for word in self.vocabulary], np.float32)
        sums = np.array(
            [sum(telling[item] for item in triples(word)) for word in self.vocabulary], np.float32
        )
        return table, telling, counts, sums

    @cached_property
    def triple_lengths(self) -> Floats:
        """Sum of the triples' weights of each row."""
        sums = self.triple_table[3][self.row_words]
        return np.add.reduceat(np.append(sums, np.float32(0)), self.row_starts).astype(np.float32)

    @cached_property
    def companions(self) -> dict[str, tuple[tuple[float, int], ...]]:
        """For each stem the stems that count as it, with weight: partners found in the set, and equivalents."""
        found: dict[str, dict[int, float]] = {}
        for one, other, weight in self.partners.reshape(-1, 3).tolist():
            found.setdefault(self.stems[one], {})[other] = weight / 1000
        for group in groups():
            members = [search_stem(word) for word in group]
            for member in members:
                for same in members:
                    place = self.stem_numbers.get(same)
                    if same != member and place is not None:
                        found.setdefault(member, {})[place] = _EQUIVALENT
        for written, counts_as in site_stems().items():
            for larger in counts_as if len(written) == 1 else ():
                place = self.stem_numbers.get(larger)
                if larger != written[0] and place is not None:
                    found.setdefault(written[0], {}).setdefault(place, _SITE)
        return {item: tuple((weight, at) for at, weight in pairs.items()) for item, pairs in found.items()}

    @cached_property
    def phrases(self) -> dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]]:
        """Written phrases by their first stem: (stems as written, words that they count as), longest first."""
        found: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
        for line in self._phrase_lines():
            written, _, counts_as = line.partition(" = ")
            stems = tuple(map(search_stem, words(written)))
            if stems:
                found.setdefault(stems[0], []).append((stems, tuple(words(counts_as))))
        return {first: tuple(sorted(pairs, key=lambda pair: -len(pair[0]))) for first, pairs in found.items()}

    @cached_property
    def phrase_words(self) -> tuple[str, ...]:
        """Words of the written phrases that no wording has."""
        every = dict.fromkeys(
            word for line in self._phrase_lines() for word in words(line.partition(" = ")[0])
        )
        own = set(self.vocabulary)
        return tuple(word for word in every if word not in own)

    @cached_property
    def known_words(self) -> frozenset[str]:
        """Words that are spelt right."""
        equivalent = (word for group in groups() for word in group)
        return frozenset((*self.vocabulary, *self.phrase_words, *equivalent))

    @cached_property
    def word_lengths(self) -> NDArray[np.int64]:
        """Letters of each word."""
        return np.fromiter(map(len, self.vocabulary), np.int64, len(self.vocabulary))

    @cached_property
    def _uses(self) -> dict[str, int]:
        counts = np.bincount(self.row_words, minlength=len(self.vocabulary)).tolist()
        return dict(zip(self.vocabulary, counts, strict=True))

    def uses(self, word: str) -> int:
        """Return how many wordings have a word."""
        return self._uses.get(word, 0)

    def _phrase_lines(self) -> list[str]:
        texts = (OPERATIONS,) if self.system == PROCEDURES else (PHRASES, MORE_PHRASES)
        return [line for text in texts for line in text.strip().splitlines()]

    def title_words(self, number: int) -> frozenset[str]:
        """Return the stems of an entry's title."""
        return frozenset(map(search_stem, words(self.entries[number].title)))


def build_index(
    system: str, edition: str, entries: Sequence[Entry], wordings: Iterable[Wording] = ()
) -> SearchIndex:
    """Index the entries by their titles and further wordings; wordings of unknown codes are left out."""
    known = {entry.plain for entry in entries}
    more: dict[str, dict[str, str]] = {}
    for wording in wordings:
        if wording.plain in known and wording.text:
            more.setdefault(wording.plain, {}).setdefault(wording.text, wording.kind)
    texts: list[str] = []
    kinds: list[int] = []
    starts: list[int] = []
    vocabulary: dict[str, int] = {}
    ends: list[int] = []
    flat: list[int] = []
    for entry in entries:
        starts.append(len(texts))
        for text, kind in [(entry.title, "title"), *more.get(entry.plain, {}).items()]:
            if kind != "title" and text.lower() == entry.title.lower():
                continue
            texts.append(" ".join(text.split()))
            kinds.append(KINDS.index(kind))
            found = dict.fromkeys(words(text)) or {"untitled": None}
            flat.extend(vocabulary.setdefault(word, len(vocabulary)) for word in found)
            ends.append(len(flat))
    built = SearchIndex(
        system=system,
        edition=edition,
        entries=tuple(entries),
        texts=tuple(texts),
        kinds=np.array(kinds, np.uint8),
        starts=np.array(starts, np.uint32),
        vocabulary=tuple(vocabulary),
        row_ends=np.array(ends, np.uint32),
        row_words=np.array(flat, np.uint32),
        partners=np.zeros(0, np.uint32),
    )
    object.__setattr__(built, "partners", _partners(built))
    return built


def icd10cm_index(
    tabular: Tabular, extra: Iterable[tuple[str, str]] = (), without: frozenset[str] = frozenset()
) -> SearchIndex:
    """Index a tabular list by titles, inclusion terms and curated wording.

    `extra` gives (words, code without dot) of an alphabetic index. `without` names wordings (small letters)
    that are left out wherever they stand beside titles, as a benchmark's held-out terms are.
    """
    entries = [
        Entry(item.code, _dotted(item.code), item.title, item.leaf) for item in tabular.concepts.values()
    ]
    wordings = [
        Wording(text, code, kind)
        for code in tabular.concepts
        for kind in ("inclusion", "includes")
        for text in tabular.notes.get(code, {}).get(kind, ())
    ]
    wordings += [Wording(text, code, "synonym") for text, code in curated_terms()]
    wordings += [Wording(text, code, "index") for text, code in extra]
    kept = (item for item in wordings if item.text.lower() not in without)
    return build_index("ICD-10-CM", tabular.edition, entries, kept)


def dump_index(index: SearchIndex) -> bytes:
    """Write an index as an archive of plain arrays."""
    head = json.dumps([FORMAT, index.system, index.edition])
    with io.BytesIO() as out:
        np.savez(
            out,
            head=_blob([head]),
            plain=_blob(entry.plain for entry in index.entries),
            shown=_blob(entry.shown for entry in index.entries),
            titles=_blob(entry.title for entry in index.entries),
            usable=np.array([entry.usable for entry in index.entries], np.uint8),
            texts=_blob(index.texts),
            kinds=index.kinds,
            starts=index.starts,
            vocabulary=_blob(index.vocabulary),
            row_ends=index.row_ends,
            row_words=index.row_words,
            partners=index.partners,
        )
        return out.getvalue()


def load_index(artefact: bytes) -> SearchIndex:
    """Read what `dump_index` wrote.

    Raises: BadCodeSetError when it is damaged or of another format.
    """
    try:
        with np.load(io.BytesIO(artefact), allow_pickle=False) as body:
            head: list[Any] = json.loads(_lines(body["head"])[0])
            if head[0] != FORMAT:
                raise BadCodeSetError("search index is of another format")
            columns = (_lines(body["plain"]), _lines(body["shown"]), _lines(body["titles"]))
            return SearchIndex(
                system=head[1],
                edition=head[2],
                entries=tuple(
                    Entry(plain, shown, title, bool(usable))
                    for plain, shown, title, usable in zip(*columns, body["usable"].tolist(), strict=True)
                ),
                texts=tuple(_lines(body["texts"])),
                kinds=body["kinds"],
                starts=body["starts"],
                vocabulary=tuple(_lines(body["vocabulary"])),
                row_ends=body["row_ends"],
                row_words=body["row_words"],
                partners=body["partners"],
            )
    except BadCodeSetError:
        raise
    except Exception:
        raise BadCodeSetError("search index is damaged") from None


def _partners(index: SearchIndex) -> Ints:
    """Find the title words that a wording's word stands for: "splinter" goes with "foreign body".

    Counted over the wordings of all codes whose title lacks the word; both must go together in several, and
    much more often than by chance.
    """
    together: dict[str, Counter[str]] = {}
    uses: Counter[str] = Counter()
    titles: Counter[str] = Counter()
    rows = 0
    bounds = np.append(index.starts, len(index.texts)).tolist()
    for number, (first, last) in enumerate(pairwise(bounds)):
        if last - first < 2:
            continue
        title = index.title_words(number)
        for row in range(first + 1, last):
            said = set(map(search_stem, words(index.texts[row])))
            rows += 1
            uses.update(said)
            titles.update(title)
            for item in said:
                together.setdefault(item, Counter()).update(title - said)
    found: list[tuple[int, int, int]] = []
    for item, counts in together.items():
        pairs = []
        for other, count in counts.items():
            share = count / uses[item]
            if count >= _MIN_TOGETHER and share >= _MIN_SHARE and share * rows > _MIN_LIFT * titles[other]:
                pairs.append((-share, other))
        for share, other in sorted(pairs)[:_MAX_PARTNERS]:
            weight = round(1000 * _SUREST * min(1.0, -share * 1.5))
            found.append((index.stem_numbers[item], index.stem_numbers[other], weight))
    return np.array(found, np.uint32).reshape(-1)


def _dotted(code: str) -> str:
    return code if len(code) <= 3 else f"{code[:3]}.{code[3:]}"


def _blob(lines: Iterable[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(lines).encode(), np.uint8)


def _lines(blob: NDArray[np.uint8]) -> list[str]:
    return bytes(blob).decode().split("\n")
