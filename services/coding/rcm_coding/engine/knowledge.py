"""Everything one code-set edition compiles to: the tabular list and its lexicon, as one plain artefact."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from rcm_coding.engine import ENGINE_VERSION
from rcm_coding.engine.lexicon import Lexicon, build_lexicon
from rcm_coding.engine.tabular import BadCodeSetError, Concept, Tabular, parse_tabular, read_installed_xml


@dataclass(frozen=True)
class Knowledge:
    """What the engine needs to read notes under one edition."""

    tabular: Tabular
    lexicon: Lexicon

    @property
    def release(self) -> str:
        """The release's name on events and claims, such as "ICD-10-CM:2026-04-01"."""
        return f"ICD-10-CM:{self.tabular.edition}"


def compile_knowledge(
    xml: bytes, edition: str, extra: Callable[[Tabular], Iterable[tuple[frozenset[str], str]]] | None = None
) -> Knowledge:
    """Compile a tabular XML; `extra` gives the terms that loaded indexes add under its codes.

    Raises: BadCodeSetError when the file cannot be a complete edition.
    """
    tabular = parse_tabular(xml, edition)
    return Knowledge(tabular, build_lexicon(tabular, extra(tabular) if extra else ()))


def installed_knowledge() -> Knowledge:
    """Compile the edition that the installed package carries."""
    edition, xml = read_installed_xml()
    return compile_knowledge(xml, edition)


def dump_knowledge(knowledge: Knowledge) -> bytes:
    """Write the compiled form: plain JSON, so that loading it can run no code."""
    tabular = knowledge.tabular
    body = {
        "engine": ENGINE_VERSION,
        "edition": tabular.edition,
        "from": tabular.effective_from.isoformat(),
        "to": tabular.effective_to.isoformat(),
        "sha256": tabular.sha256,
        "concepts": [
            [concept.code, concept.title, concept.parent, int(concept.leaf), concept.seventh]
            for concept in tabular.concepts.values()
        ],
        "notes": tabular.notes,
        "sevenths": tabular.sevenths,
        "barred": tabular.barred,
        "chapters": tabular.chapters,
        "terms": knowledge.lexicon.dump(),
    }
    return json.dumps(body, separators=(",", ":")).encode()


def load_knowledge(artefact: bytes, known: Tabular | None = None) -> Knowledge:
    """Read what `dump_knowledge` wrote. The list of codes that is in memory already is not made twice.

    Raises: BadCodeSetError when it is damaged or was written by another engine version.
    """
    try:
        body: dict[str, Any] = json.loads(artefact)
    except ValueError:
        raise BadCodeSetError("compiled artefact is damaged") from None
    if body.get("engine") != ENGINE_VERSION:
        raise BadCodeSetError("compiled artefact is of another engine version")
    if known is not None and (known.edition, known.sha256) == (body["edition"], body["sha256"]):
        return Knowledge(known, Lexicon.load(body["terms"]))
    concepts = {
        row[0]: Concept(row[0], row[1], row[2], bool(row[3]), row[4], order)
        for order, row in enumerate(body["concepts"])
    }
    tabular = Tabular(
        edition=body["edition"],
        effective_from=date.fromisoformat(body["from"]),
        effective_to=date.fromisoformat(body["to"]),
        sha256=body["sha256"],
        concepts=concepts,
        notes={
            owner: {kind: tuple(texts) for kind, texts in kinds.items()}
            for owner, kinds in body["notes"].items()
        },
        sevenths=body["sevenths"],
        barred={code: (pair[0], pair[1]) for code, pair in body["barred"].items()},
        chapters=body["chapters"],
    )
    return Knowledge(tabular, Lexicon.load(body["terms"]))
