"""The encoder beside a chart: codes by number or by words, and all about one code, under the edition of a day."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rcm_shared.errors import NotFound, Refused

from rcm_coding.domain.code_set import CodeSets
from rcm_coding.engine.search.encoder import Encoder
from rcm_coding.engine.search.find import Answer, QueryError
from rcm_coding.engine.search.tree import CodeCard
from rcm_coding.engine.tabular import Tabular
from rcm_coding.gateways.encoder import encoder_of

MAX_FOUND = 25
SYSTEM = "ICD-10-CM"
_LEAST = 2  # characters typed before anything is looked for


@dataclass(frozen=True, slots=True)
class FoundCode:
    """One answer of the encoder. `billable` is whether it may stand on a claim as it is."""

    system: str
    code: str
    shown: str
    title: str
    billable: bool


def find_codes(words: str, edition: Tabular | None) -> list[FoundCode]:
    """Return the diagnoses that what was typed fits best, the best first; none for what cannot be looked for."""
    if edition is None or len(words.strip()) < _LEAST:
        return []
    try:
        answer = encoder_of(edition).search(words, MAX_FOUND)
    except QueryError:
        return []
    return [FoundCode(item.system, item.code, item.shown, item.title, item.billable) for item in answer.found]


def search_codes(code_sets: CodeSets, text: str, day: date | None, limit: int) -> tuple[Tabular, Answer]:
    """Look up words or a code under the edition of a day (the newest without one).

    Raises: Refused when the query cannot be looked for or no edition covers the day.
    """
    encoder = encoder_on(code_sets, day)
    try:
        return encoder.tabular, encoder.search(text, limit)
    except QueryError as error:
        raise Refused("bad-query", str(error), status=422, pointer="/q") from None


def code_card(code_sets: CodeSets, system: str, code: str, day: date | None) -> tuple[Tabular, CodeCard]:
    """Return all about one code.

    Raises: NotFound for another system; Refused with the nearest codes for an unknown code, or for the day.
    """
    if system.upper().replace("-", "") != SYSTEM.replace("-", ""):
        raise NotFound("code system")
    encoder = encoder_on(code_sets, day)
    card = encoder.card(code)
    if card is None:
        nearest = ", ".join(encoder.nearest(code))
        hint = f"; nearest: {nearest}" if nearest else ""
        raise Refused("not-found", f"no such code in this edition{hint}", status=404)
    return encoder.tabular, card


def encoder_on(code_sets: CodeSets, day: date | None, cache_dir: Path | None = None) -> Encoder:
    """Return the encoder of the edition in force on a day, of the newest without a day.

    Raises: Refused when no edition covers the day.
    """
    edition = (
        code_sets.on(day) if day else max(code_sets.editions, key=lambda item: item.edition, default=None)
    )
    if edition is None:
        raise Refused("no-edition", "no edition of ICD-10-CM covers this day", status=422, pointer="/date")
    return encoder_of(edition, cache_dir)
