"""The rows of loaded sets for charts that are about to be judged, read in the same transaction."""

from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

import asyncpg
from rcm_shared.contracts.intake import ChargesCaptured, DocumentationCompleted
from rcm_shared.errors import Poison
from rcm_shared.messaging.delivery import Delivery

from rcm_coding.domain.case import CodingCase, codes_for_claim
from rcm_coding.domain.tables import Tables
from rcm_coding.engine.tabular import plain_code
from rcm_coding.handlers.facts import superbill_codes
from rcm_coding.repository.tables import active_tables, find_rows


async def tables_of(conn: asyncpg.Connection, cases: Iterable[CodingCase]) -> Tables:
    """Return what the loaded sets have about the codes chosen on charts."""
    lines, diagnoses, days = _codes(cases)
    releases = await active_tables(conn, min(days), max(days)) if days else {}
    return await find_rows(conn, releases, lines, diagnoses) if releases else Tables()


async def tables_for(
    conn: asyncpg.Connection, cases: Mapping[UUID, CodingCase], deliveries: Iterable[Delivery]
) -> Tables:
    """Return what the loaded sets have about the codes of precoded charts, as known and as a batch tells them.

    Nothing of the batch is read while no set is active.
    """
    releases = await active_tables(conn)
    if not releases:
        return Tables()
    lines, diagnoses, _ = _codes(case for case in cases.values() if case.precoded)
    for delivery in deliveries:
        if delivery.envelope.type not in _TELLING:
            continue
        try:
            event = delivery.event()
        except Poison:
            continue  # the fold sets it aside
        if isinstance(event, ChargesCaptured):
            lines.update(line.code for line in event.charges if line.code)
            diagnoses.update(plain_code(code) for line in event.charges for code in line.diagnoses)
        elif isinstance(event, DocumentationCompleted):
            diagnoses.update(map(plain_code, event.diagnoses))
    return await find_rows(conn, releases, lines, diagnoses) if lines or diagnoses else Tables()


_TELLING = frozenset({ChargesCaptured.TYPE, DocumentationCompleted.TYPE})


def _codes(cases: Iterable[CodingCase]) -> tuple[set[str], set[str], set[date]]:
    lines: set[str] = set()
    diagnoses: set[str] = set()
    days: set[date] = set()
    for case in cases:
        found, procedures = superbill_codes(case) if case.precoded else codes_for_claim(case)
        diagnoses.update(item.code for item in found)
        lines.update(item.code for item in procedures)
        days.update((case.day, *(item.service_date for item in procedures)))
    return lines, diagnoses, days
