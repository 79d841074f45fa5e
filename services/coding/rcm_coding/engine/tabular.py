"""The ICD-10-CM tabular list: codes, titles, notes and 7th characters, read from the official XML.

A code that needs a 7th character is not listed in the file; it exists as its base code, padded with the
placeholder X to six characters, plus one of the characters that the nearest ancestor defines.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from lxml import etree

#: Tabular XML elements that carry notes, by the kind that rules ask for.
NOTE_KINDS = {
    "inclusionTerm": "inclusion",
    "includes": "includes",
    "excludes1": "excludes1",
    "excludes2": "excludes2",
    "codeFirst": "code-first",
    "useAdditionalCode": "use-additional",
    "codeAlso": "code-also",
}

_REFERENCE = re.compile(
    r"([A-Z][0-9A-Z]{2}(?:\.[0-9A-Z]{1,4})?)(-)?(?:\s*-\s*([A-Z][0-9A-Z]{2}(?:\.[0-9A-Z]{1,4})?)(-)?)?"
)
#: "7th characters D and S do not apply to codes in category S06 with 6th character 7 - ... or 8 - ..."
_BARRED = re.compile(r"7th characters? (.+?) do(?:es)? not apply to codes in .*?6th characters? (.+)")
_MIN_CODES = 40_000  # fewer codes mean a truncated file


class BadCodeSetError(ValueError):
    """The file is no complete tabular list of one edition. Its message names the reason, no content."""


@dataclass(frozen=True, slots=True)
class Concept:
    """One listed code. `seventh` names the code whose 7th-character definition applies, or is empty."""

    code: str
    title: str
    parent: str
    leaf: bool
    seventh: str
    order: int


@dataclass(frozen=True, slots=True)
class Resolved:
    """A code as it may stand on a claim: with its 7th character,
    its full title and whether it is billable.
    """

    code: str
    title: str
    base: str
    billable: bool
    needs_seventh: bool


@dataclass(frozen=True)
class Tabular:
    """One edition of the tabular list, immutable after loading. All codes are without the dot."""

    edition: str
    effective_from: date
    effective_to: date
    sha256: str
    concepts: dict[str, Concept]
    notes: dict[str, dict[str, tuple[str, ...]]]
    sevenths: dict[str, dict[str, str]]
    barred: dict[str, tuple[str, str]]  # code -> (7th characters, 6th characters they do not go with)
    chapters: dict[str, str] = field(default_factory=dict)  # block -> chapter
    _groups: dict[tuple[str, ...], dict[str, frozenset[str]]] = field(
        default_factory=dict, repr=False, compare=False
    )  # what refinement chooses from, worked out once for each term's codes
    _exclusions: dict[str, tuple[tuple[int, int, str], ...]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @cached_property
    def children(self) -> dict[str, tuple[str, ...]]:
        """The direct children of each listed code and block, in tabular order."""
        found: dict[str, list[str]] = {}
        for concept in self.concepts.values():
            found.setdefault(concept.parent, []).append(concept.code)
        return {parent: tuple(codes) for parent, codes in found.items()}

    @cached_property
    def billable_count(self) -> int:
        """How many codes may stand on a claim, 7th characters expanded."""
        return sum(
            len(self.seventh_characters(concept.code)) if concept.seventh else 1
            for concept in self.concepts.values()
            if concept.leaf
        )

    def resolve(self, code: str) -> Resolved | None:
        """Return the code (with or without dot) as listed or expanded,
        or None when this edition has no such code.
        """
        plain = plain_code(code)
        concept = self.concepts.get(plain)
        if concept is not None:
            needs = bool(concept.leaf and concept.seventh)
            return Resolved(plain, concept.title, plain, concept.leaf and not needs, needs)
        if len(plain) != 7:
            return None
        base = plain[:6]
        while len(base) >= 3:
            concept = self.concepts.get(base)
            if concept is not None and concept.leaf and concept.seventh:
                label = self.seventh_characters(base).get(plain[6])
                if label is None or base.ljust(6, "X") != plain[:6]:
                    return None
                return Resolved(plain, f"{concept.title}, {label}", base, True, False)
            if not base.endswith("X"):
                return None
            base = base[:-1]
        return None

    def billable(self, code: str) -> bool:
        """Tell whether the code may stand on a claim in this edition."""
        resolved = self.resolve(code)
        return resolved is not None and resolved.billable

    def title(self, code: str) -> str:
        """Return the title of a code, empty when unknown."""
        resolved = self.resolve(code)
        return resolved.title if resolved else ""

    def extend(self, base: str, character: str) -> str | None:
        """Return base + placeholder X + 7th character,
        or None when the character is not defined for the base.
        """
        return base.ljust(6, "X") + character if character in self.seventh_characters(base) else None

    def seventh_characters(self, base: str) -> dict[str, str]:
        """Return the 7th characters that a listed code takes, empty when it takes none."""
        concept = self.concepts.get(base)
        if concept is None or not concept.seventh:
            return {}
        defined = self.sevenths[concept.seventh]
        barred = self.barred.get(concept.seventh)
        if barred is None or len(base) < 6 or base[5] not in barred[1]:
            return defined
        return {character: label for character, label in defined.items() if character not in barred[0]}

    def lineage(self, code: str) -> Iterator[str]:
        """Yield the code, then its ancestors up to its block (whose key contains no code)."""
        resolved = self.resolve(code)
        current = resolved.base if resolved else ""
        while current:
            yield current
            concept = self.concepts.get(current)
            current = concept.parent if concept else ""

    def chapter(self, code: str) -> str:
        """Return the key of a code's chapter, under which its notes stand; empty for an unknown code."""
        return next((self.chapters[key] for key in self.lineage(code) if key in self.chapters), "")

    def leaves(self, code: str) -> tuple[str, ...]:
        """Return the leaf codes under a listed code (itself when it is one), in tabular order."""
        concept = self.concepts.get(code)
        if concept is not None and concept.leaf:
            return (code,)
        found: list[str] = []
        for child in self.children.get(code, ()):
            found.extend(self.leaves(child))
        return tuple(found)

    def category(self, code: str) -> str:
        """Return the three-character category."""
        return plain_code(code)[:3]

    def inherited_notes(self, code: str, kind: str) -> tuple[tuple[str, str], ...]:
        """Return (owner, text) of every note of a kind on the code and its ancestors, nearest first."""
        return tuple(
            (owner, text) for owner in self.lineage(code) for text in self.notes.get(owner, {}).get(kind, ())
        )

    def excluded_by(self, code: str, other: str) -> str | None:
        """Return the owner of the Excludes1 note under which `code` excludes `other`, or None.

        Notes of ancestors, of the block and of the chapter count, unless they stand over both codes.
        Rule: ICD-10-CM Official Guidelines I.A.12.a. Ranges in notes resolve by tabular order.
        """
        target = self.resolve(other)
        if target is None:
            return None
        owners = [*self.lineage(code), self.chapter(code)]
        shared = {*self.lineage(other), self.chapter(other)}
        lineage = [item for item in self.lineage(other) if item in self.concepts]
        orders = {self.concepts[item].order for item in lineage}
        for owner in owners:
            for low, high, _ in self._targets(owner):
                if any(low <= order <= high for order in orders) and owner not in shared:
                    return owner
        return None

    def _targets(self, owner: str) -> tuple[tuple[int, int, str], ...]:
        known = self._exclusions.get(owner)
        if known is None:
            texts = self.notes.get(owner, {}).get("excludes1", ())
            known = tuple(span for text in texts for span in self._references(text))
            self._exclusions[owner] = known
        return known

    def _references(self, text: str) -> Iterator[tuple[int, int, str]]:
        for inner in re.findall(r"\(([^()]*)\)", text):
            for low, _, high, _ in _REFERENCE.findall(inner):
                first = self._order_span(plain_code(low))
                last = self._order_span(plain_code(high)) if high else first
                if first and last:
                    yield first[0], last[1], inner

    def _order_span(self, code: str) -> tuple[int, int] | None:
        concept = self.concepts.get(code)
        if concept is None:
            resolved = self.resolve(code)
            concept = self.concepts.get(resolved.base) if resolved else None
        if concept is None:
            return None
        last = concept
        while not last.leaf and self.children.get(last.code):
            last = self.concepts[self.children[last.code][-1]]
        return concept.order, last.order


def plain_code(code: str) -> str:
    """Return a code in capitals without dot and blanks, as claims carry it."""
    return code.replace(".", "").strip().upper()


def dotted_code(code: str) -> str:
    """Return a diagnosis code as people read it: D225 is "D22.5"."""
    return code if len(code) <= 3 else f"{code[:3]}.{code[3:]}"


def fiscal_year(year: int) -> tuple[date, date]:
    """Return first and last day of an ICD-10-CM fiscal year."""
    return date(year - 1, 10, 1), date(year, 9, 30)


def read_installed_xml() -> tuple[str, bytes]:
    """Return edition and bytes of the tabular XML that the package simple-icd-10-cm carries.

    Raises: BadCodeSetError when the package or the file is missing.
    """
    try:
        files = distribution("simple-icd-10-cm").files or []
    except PackageNotFoundError:
        raise BadCodeSetError("package simple-icd-10-cm is not installed") from None
    for file in files:
        if file.name.endswith(".xml") and "tabular" in file.name:
            return _edition_of(file.name), Path(str(file.locate())).read_bytes()
    raise BadCodeSetError("package simple-icd-10-cm carries no tabular XML")


def _edition_of(name: str) -> str:
    months = {"january": 1, "april": 4, "october": 10}
    match = re.search(r"(january|april|october)-(\d{1,2})-(\d{4})", name.lower())
    if match is None:
        raise BadCodeSetError("file name carries no edition date")
    return date(int(match[3]), months[match[1]], int(match[2])).isoformat()


def parse_tabular(xml: bytes, edition: str) -> Tabular:
    """Read a whole tabular XML.

    Raises: BadCodeSetError when it is not well formed, of no known year, truncated or has a code twice.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        raise BadCodeSetError(f"not well-formed XML at line {error.lineno}") from None
    version = (root.findtext("version") or "").strip()
    if root.tag != "ICD10CM.tabular" or not re.fullmatch(r"20\d\d", version):
        raise BadCodeSetError("no ICD-10-CM tabular list of a known year")
    effective_from, effective_to = fiscal_year(int(version))
    if not effective_from <= date.fromisoformat(edition) <= effective_to:
        raise BadCodeSetError("edition date lies outside the file's fiscal year")
    reader = _Reader()
    for chapter in root.iterfind("chapter"):
        chapter_key = f"chapter {(chapter.findtext('name') or '').strip()}"
        reader.add_notes(chapter_key, chapter)
        for section in chapter.iterfind("section"):
            block = f"block {section.get('id', '')}"
            reader.add_notes(block, section)
            reader.chapters[block] = chapter_key
            for diag in section.iterfind("diag"):
                reader.add(diag, block, "")
    if len(reader.concepts) < _MIN_CODES:
        raise BadCodeSetError("file is truncated: too few codes")
    return Tabular(
        edition=edition,
        effective_from=effective_from,
        effective_to=effective_to,
        sha256=hashlib.sha256(xml).hexdigest(),
        concepts=reader.concepts,
        notes=reader.notes,
        sevenths=reader.sevenths,
        barred=reader.barred,
        chapters=reader.chapters,
    )


class _Reader:
    """Collects concepts, notes and 7th characters while walking the tree."""

    def __init__(self) -> None:
        self.concepts: dict[str, Concept] = {}
        self.notes: dict[str, dict[str, tuple[str, ...]]] = {}
        self.sevenths: dict[str, dict[str, str]] = {}
        self.barred: dict[str, tuple[str, str]] = {}
        self.chapters: dict[str, str] = {}

    def add(self, diag: etree._Element, parent: str, seventh: str) -> None:
        code = plain_code(diag.findtext("name") or "")
        if not code or code in self.concepts:
            raise BadCodeSetError(f"code missing or listed twice near line {diag.sourceline}")
        definition = diag.find("sevenChrDef")
        if definition is not None:
            seventh = code
            self.sevenths[code] = {
                (extension.get("char") or "").strip(): _text(extension)
                for extension in definition.iterfind("extension")
            }
            barred = _BARRED.search(_text(diag.find("notes")))
            if barred:
                sixth = "".join(re.findall(r"\b[0-9]\b", barred[2]))
                self.barred[code] = ("".join(re.findall(r"\b[A-Z]\b", barred[1])), sixth)
        children = diag.findall("diag")
        leaf = not children
        applies = seventh if leaf and len(code) < 7 else ""
        title = _text(diag.find("desc"))
        self.concepts[code] = Concept(code, title, parent, leaf, applies, len(self.concepts))
        self.add_notes(code, diag)
        for child in children:
            self.add(child, code, seventh)

    def add_notes(self, owner: str, element: etree._Element) -> None:
        kinds: dict[str, tuple[str, ...]] = {}
        for child in element:
            kind = NOTE_KINDS.get(child.tag)
            if kind:
                texts = tuple(_text(note) for note in child.iterfind("note"))
                kinds[kind] = kinds.get(kind, ()) + texts
        if kinds:
            self.notes[owner] = kinds


def _text(element: etree._Element | None) -> str:
    return " ".join("".join(str(part) for part in element.itertext()).split()) if element is not None else ""
