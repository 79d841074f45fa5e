"""The encoder beside a chart: codes by number or by words of their titles."""

from dataclasses import dataclass

from rcm_coding.engine.tabular import Tabular, dotted_code, plain_code

MAX_FOUND = 25


@dataclass(frozen=True, slots=True)
class FoundCode:
    """One answer of the encoder. `billable` is whether it may stand on a claim as it is."""

    system: str
    code: str
    shown: str
    title: str
    billable: bool


def find_codes(words: str, edition: Tabular | None) -> list[FoundCode]:
    """Return diagnoses whose code begins with what was typed or whose title has every word, shortest first."""
    typed = words.strip()
    if edition is None or len(typed) < 2:
        return []
    wanted = [word.lower() for word in typed.split()]
    code = plain_code(typed).upper()
    hits = [
        item
        for item in edition.concepts
        if "-" not in item
        and (item.startswith(code) or all(word in edition.title(item).lower() for word in wanted))
    ]
    if code not in hits and edition.resolve(code):
        hits.append(code)
    hits.sort(key=lambda item: (not item.startswith(code), len(edition.title(item)), item))
    return [
        FoundCode("ICD-10-CM", item, dotted_code(item), edition.title(item), edition.billable(item))
        for item in hits[:MAX_FOUND]
    ]
