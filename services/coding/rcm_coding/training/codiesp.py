"""Reader of the CodiEsp corpus (Miranda-Escalada et al. 2020, CC BY 4.0): texts, codes, and the Spanish words cited.

Layout: DIR/<split>/text_files/*.txt (Spanish), text_files_en/*.txt (machine translation), <split>D.tsv, <split>P.tsv
(note, code) and <split>X.tsv (note, kind, code, words, character spans "start end;start end" of the Spanish text).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rcm_coding.engine.ranking.model import DIAGNOSES, PROCEDURES
from rcm_coding.engine.ranking.words import Language

_TABLES = {DIAGNOSES: "D", PROCEDURES: "P"}
_KINDS = {"DIAGNOSTICO": DIAGNOSES, "PROCEDIMIENTO": PROCEDURES}


class CorpusError(ValueError):
    """A corpus that cannot be read. The message is one sentence and names the file."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A code with the stretches of the Spanish text that were cited for it."""

    system: str
    code: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class CodedNote:
    """One note of the corpus with what professional coders coded: codes by system, without dots."""

    note: str
    spanish: str
    english: str
    codes: dict[str, frozenset[str]]
    citations: tuple[Citation, ...]

    def text(self, language: Language) -> str:
        """Return the note in a language."""
        return self.spanish if language == "es" else self.english


@dataclass(frozen=True, slots=True)
class Corpus:
    """The notes of some splits, in the order of their names, and a hash over all that was read."""

    name: str
    notes: tuple[CodedNote, ...]
    sha256: str


def parse_source(source: str) -> tuple[Path, tuple[str, ...]]:
    """Read `codiesp:DIR[:SPLIT,...]`; the split is `train` when none is named.

    Raises: CorpusError.
    """
    kind, _, rest = source.partition(":")
    if kind != "codiesp" or not rest:
        raise CorpusError("a corpus is written codiesp:DIR or codiesp:DIR:SPLIT,…")
    folder, _, splits = rest.rpartition(":") if ":" in rest else (rest, "", "")
    return Path(folder), tuple(splits.split(",")) if splits else ("train",)


def read_corpus(source: str) -> Corpus:
    """Read a corpus.

    Raises: CorpusError naming what is missing or which line is wrong.
    """
    folder, splits = parse_source(source)
    if not folder.is_dir():
        raise CorpusError(f"there is no folder {folder}")
    digest = hashlib.sha256()
    notes: list[CodedNote] = []
    for split in splits:
        if not (folder / split).is_dir():
            raise CorpusError(
                f"{folder} has no split {split}; it needs text_files, text_files_en and the D, P, X tables"
            )
        notes += _read_split(folder / split, split, digest)
    return Corpus(
        f"codiesp:{'+'.join(splits)}", tuple(sorted(notes, key=lambda note: note.note)), digest.hexdigest()
    )


def _read_split(folder: Path, split: str, digest: "hashlib._Hash") -> list[CodedNote]:
    codes: dict[str, dict[str, set[str]]] = {}
    for system, letter in _TABLES.items():
        for _, (note, code) in _rows(folder / f"{split}{letter}.tsv", 2, digest):
            codes.setdefault(note, {}).setdefault(system, set()).add(_plain(code))
    citations: dict[str, list[Citation]] = {}
    table = folder / f"{split}X.tsv"
    for number, (note, kind, code, _, places) in _rows(table, 5, digest):
        if kind not in _KINDS:
            raise CorpusError(f"{table.name} line {number} has an unknown kind")
        citations.setdefault(note, []).append(
            Citation(_KINDS[kind], _plain(code), _spans(places, table, number))
        )
    notes = []
    for path in sorted((folder / "text_files").glob("*.txt")):
        translated = folder / "text_files_en" / path.name
        if not translated.is_file():
            raise CorpusError(f"text_files_en has no {path.name}")
        texts = [item.read_bytes() for item in (path, translated)]
        for text in texts:
            digest.update(text)
        found = codes.get(path.stem, {})
        notes.append(
            CodedNote(
                path.stem,
                texts[0].decode(errors="replace"),
                texts[1].decode(errors="replace"),
                {system: frozenset(found.get(system, ())) for system in _TABLES},
                tuple(citations.get(path.stem, ())),
            )
        )
    if not notes:
        raise CorpusError(f"{folder / 'text_files'} holds no notes")
    return notes


def _rows(path: Path, width: int, digest: "hashlib._Hash") -> Iterator[tuple[int, list[str]]]:
    try:
        data = path.read_bytes()
    except OSError:
        raise CorpusError(f"there is no table {path}") from None
    digest.update(data)
    for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) != width:
            raise CorpusError(f"{path.name} line {number} has {len(cells)} cells, not {width}")
        yield number, cells


def _spans(places: str, table: Path, number: int) -> tuple[tuple[int, int], ...]:
    try:
        spans = tuple((int(start), int(end)) for start, end in (part.split() for part in places.split(";")))
    except ValueError:
        raise CorpusError(f"{table.name} line {number} has no readable character span") from None
    return spans


def _plain(code: str) -> str:
    return code.strip().upper().replace(".", "")
