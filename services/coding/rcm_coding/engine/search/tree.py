"""One code of the tabular list with all that governs it: its place, inherited notes, 7th characters, kin."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from rcm_coding.engine.search.prompts import Prompt, prompts_for
from rcm_coding.engine.search.targets import Target, covers, targets_of
from rcm_coding.engine.tabular import Tabular, dotted_code, plain_code

#: Kinds of notes that hold for every code below the one that has them.
INHERITED = ("includes", "excludes1", "excludes2", "code-first", "use-additional", "code-also")
_MAX_KIN = 40
#: First category of each chapter.
_CHAPTERS = (
    ("A00", 1), ("C00", 2), ("D50", 3), ("E00", 4), ("F01", 5), ("G00", 6), ("H00", 7), ("H60", 8), ("I00", 9),
    ("J00", 10), ("K00", 11), ("L00", 12), ("M00", 13), ("N00", 14), ("O00", 15), ("P00", 16), ("Q00", 17),
    ("R00", 18), ("S00", 19), ("U00", 22), ("V00", 20), ("Z00", 21),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A code, block or chapter with its title, which is empty for blocks and chapters."""

    code: str
    shown: str
    title: str
    billable: bool


@dataclass(frozen=True, slots=True)
class Note:
    """One note, who has it, and the codes that it names."""

    kind: str
    owner: str
    inherited: bool
    text: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Related:
    """Codes beside this one, by how: sibling, code-first, use-additional, code-also, instead, named-by."""

    how: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class CodeCard:
    """Everything the encoder shows of one code. `seventh` has character and meaning, when one is still needed."""

    code: str
    shown: str
    title: str
    billable: bool
    needs_seventh: bool
    seventh: tuple[tuple[str, str], ...]
    lineage: tuple[Place, ...]
    children: tuple[Place, ...]
    inclusions: tuple[str, ...]
    notes: tuple[Note, ...]
    prompts: tuple[Prompt, ...]
    related: tuple[Related, ...]
    references: tuple[str, ...]


@dataclass(frozen=True)
class Tree:
    """Walks one edition."""

    tabular: Tabular

    @cached_property
    def _namers(self) -> dict[str, tuple[tuple[str, str, Target], ...]]:
        """By category: (owner, kind, target) of sequencing notes that name a code of the category."""
        found: dict[str, list[tuple[str, str, Target]]] = {}
        for owner, kinds in self.tabular.notes.items():
            if owner not in self.tabular.concepts:
                continue
            for kind in ("code-first", "use-additional", "code-also"):
                for text in kinds.get(kind, ()):
                    for target in targets_of(text, self.tabular):
                        if target.first == target.last:
                            found.setdefault(target.first[:3], []).append((owner, kind, target))
        return {category: tuple(rows) for category, rows in found.items()}

    def card(self, code: str) -> CodeCard | None:
        """Return all about a code (with or without dot, 7th character included), or None when there is none."""
        tabular = self.tabular
        resolved = tabular.resolve(plain_code(code))
        if resolved is None:
            return None
        notes = tuple(self._notes(resolved.code))
        ancestors = [*tabular.lineage(resolved.code), chapter_of(resolved.code)]
        own = [resolved.base] if resolved.code != resolved.base else []
        upper = [*own, *ancestors[1:]]
        children: Iterable[str] = tabular.children.get(resolved.code, ())
        return CodeCard(
            code=resolved.code,
            shown=dotted_code(resolved.code),
            title=resolved.title,
            billable=resolved.billable,
            needs_seventh=resolved.needs_seventh,
            seventh=tuple(tabular.seventh_characters(resolved.code).items()),
            lineage=tuple(self._place(item) for item in reversed(upper)),
            children=tuple(self._place(item) for item in children),
            inclusions=tabular.notes.get(resolved.base, {}).get("inclusion", ()),
            notes=notes,
            prompts=prompts_for(tabular, resolved.code),
            related=tuple(self._related(resolved.code, resolved.base, notes)),
            references=tuple(_references(ancestors, notes, resolved.needs_seventh)),
        )

    def _notes(self, code: str) -> Iterable[Note]:
        resolved = self.tabular.resolve(code)
        base = resolved.base if resolved else code
        chapter = chapter_of(base)
        for kind in INHERITED:
            above = ((chapter, text) for text in self.tabular.notes.get(chapter, {}).get(kind, ()))
            for owner, text in (*self.tabular.inherited_notes(code, kind), *above):
                yield Note(kind, _owner(owner), owner != base, text, targets_of(text, self.tabular))

    def _place(self, code: str) -> Place:
        if code not in self.tabular.concepts and self.tabular.resolve(code) is None:
            return Place(code, _owner(code), "", False)
        return Place(code, dotted_code(code), self.tabular.title(code), self.tabular.billable(code))

    def _related(self, code: str, base: str, notes: Iterable[Note]) -> Iterable[Related]:
        tabular = self.tabular
        parent = tabular.concepts[base].parent
        kin = [item for item in tabular.children.get(parent, ()) if item != base and item in tabular.concepts]
        if kin and parent in tabular.concepts:
            yield Related("sibling", self._places(kin))
        for kind, how in (
            ("code-first", "code-first"),
            ("use-additional", "use-additional"),
            ("code-also", "code-also"),
            ("excludes1", "instead"),
        ):
            named = [
                target
                for note in notes
                if note.kind == kind
                for target in note.targets
                if target.title and not covers(target, code, tabular)
            ]
            if named:
                yield Related(how, tuple(dict.fromkeys(map(self._target, named)))[:_MAX_KIN])
        namers = [
            owner
            for owner, _, target in self._namers.get(base[:3], ())
            if covers(target, code, tabular) and owner not in tabular.lineage(code)
        ]
        if namers:
            yield Related("named-by", self._places(namers))

    def _target(self, target: Target) -> Place:
        if target.first == target.last:
            return self._place(target.first)
        return Place(target.first, target.shown, "", False)

    def _places(self, codes: Iterable[str]) -> tuple[Place, ...]:
        return tuple(self._place(item) for item in list(dict.fromkeys(codes))[:_MAX_KIN])


def chapter_of(code: str) -> str:
    """Return the key of a code's chapter. Chapters are spans of categories, which no edition has moved."""
    return f"chapter {_CHAPTERS[bisect_right(_CHAPTERS, (code[:3], 99)) - 1][1]}"


def _owner(key: str) -> str:
    if key.startswith(("block ", "chapter ")):
        return key.removeprefix("block ")
    return dotted_code(key)


def _references(ancestors: list[str], notes: Iterable[Note], needs_seventh: bool) -> Iterable[str]:
    """Name the sections of the ICD-10-CM Official Guidelines that govern what the card shows."""
    kinds = {note.kind for note in notes}
    chapter = next((item.removeprefix("chapter ") for item in ancestors if item.startswith("chapter ")), "")
    if chapter:
        yield f"I.C.{chapter} (chapter {chapter})"
    if needs_seventh:
        yield "I.A.5 (7th characters)"
    if kinds & {"excludes1", "excludes2"}:
        yield "I.A.12 (Excludes notes)"
    if kinds & {"code-first", "use-additional"}:
        yield "I.A.13 (etiology and manifestation)"
    if "code-also" in kinds:
        yield "I.A.17 (code also)"
