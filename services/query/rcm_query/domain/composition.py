"""Turns a documentation gap and the record's text into the words that a provider reads.

Quotes are verbatim with document kind and date; options are the template's answers that the record supports,
in alphabetical order. What speaks against the expected answer is quoted as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from rcm_query.domain import clinical_text
from rcm_query.domain.provider_query import Content, Form, Option, OptionKind, ProviderQuery, Quote
from rcm_query.domain.templates import NOT_SIGNIFICANT, OTHER, UNABLE, OptionTemplate, Template

MAX_QUOTE_CHARS = 600
MARGIN_CHARS = 200


@dataclass(frozen=True, slots=True)
class Document:
    """One version of a document as intake handed it out. Holds patient data."""

    encounter_id: UUID
    document_id: UUID
    version: int
    kind: str
    written_on: date | None
    author_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """What composition and lint may look at. `treating` are providers known to have treated the patient."""

    encounter_id: UUID
    documents: tuple[Document, ...]
    treating: frozenset[str]


def names_condition(record: Record, expression: str) -> bool:
    """Tell whether the present encounter's own documents assert a condition."""
    return any(
        next(clinical_text.asserted(document.text, expression), None) is not None
        for document in record.documents
        if document.encounter_id == record.encounter_id
    )


class _Quotes:
    """Collects quotes; a sentence that is already quoted is not quoted twice."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self.quotes: list[Quote] = []

    def add(self, document: Document, start: int, end: int, *, contrary: bool = False) -> int:
        left, right = clinical_text.sentence_around(document.text, start, end)
        if right - left > MAX_QUOTE_CHARS:  # text without punctuation: the words around the span
            left, right = max(left, start - MARGIN_CHARS), min(right, end + MARGIN_CHARS)
        start, end = left, right
        for position, known in enumerate(self.quotes):
            same = (known.document_id, known.version) == (document.document_id, document.version)
            if same and known.start <= start and end <= known.end:
                if contrary and not known.contrary:
                    self.quotes[position] = known.model_copy(update={"contrary": True})
                return position
        self.quotes.append(
            Quote(
                document_id=document.document_id,
                version=document.version,
                kind=document.kind,
                written_on=document.written_on,
                start=start,
                end=end,
                text=document.text[start:end],
                prior=document.encounter_id != self._record.encounter_id,
                contrary=contrary,
            )
        )
        return len(self.quotes) - 1


def _support(option: OptionTemplate, record: Record, quotes: _Quotes) -> tuple[int, ...] | None:
    """Quote one sentence for each thing that the option needs; None when one of them is not in the record."""
    found: list[tuple[Document, tuple[int, int]]] = []
    for expression in option.support:
        hit = next(
            (
                (document, span)
                for document in record.documents
                for span in clinical_text.asserted(document.text, expression)
            ),
            None,
        )
        if hit is None:
            return None
        found.append(hit)
    return tuple(dict.fromkeys(quotes.add(document, *span) for document, span in found))


def contrary_spans(template: Template, record: Record) -> list[tuple[Document, tuple[int, int]]]:
    """Return every place that speaks against the template's condition."""
    return [
        (document, found.span())
        for document in record.documents
        for expression in template.contrary
        for found in clinical_text.pattern(expression).finditer(document.text)
    ]


def compose(query: ProviderQuery, template: Template, record: Record) -> Content:
    """Write the query's content from template and record. Where nothing is supported, it asks openly."""
    quotes = _Quotes(record)
    by_key = {(document.document_id, document.version): document for document in record.documents}
    for indicator in query.indicators:
        document = by_key.get((indicator.document_id, indicator.version))
        if document is not None and 0 <= indicator.start < indicator.end <= len(document.text):
            quotes.add(document, indicator.start, indicator.end)
    options: list[Option] = []
    for candidate in template.options:
        support = _support(candidate, record, quotes)
        if support is not None:
            options.append(_option(candidate, support))
    for document, span in contrary_spans(template, record):
        quotes.add(document, *span, contrary=True)
    documented = names_condition(record, template.subject)
    clinical = sorted(options, key=lambda option: option.label.casefold())
    extra: Sequence[OptionTemplate] = (
        *((template.absent,) if template.absent and documented else ()),
        *((NOT_SIGNIFICANT,) if template.may_be_insignificant else ()),
        OTHER,
        UNABLE,
    )
    return Content(
        template=f"{template.rule}:{template.version}",
        title=template.title if documented else template.neutral_title,
        stem=template.stem if documented else template.neutral_stem,
        form=template.form if clinical else Form.OPEN,
        purpose=template.purpose,
        quotes=tuple(quotes.quotes),
        options=(*clinical, *(_option(special, ()) for special in extra)),
        candidates=tuple(option.key for option in clinical if option.kind is OptionKind.CLINICAL),
    )


def _option(template: OptionTemplate, support: tuple[int, ...]) -> Option:
    return Option(
        key=template.key,
        label=template.label,
        statement=template.statement,
        kind=template.kind,
        supported_by=support,
    )
