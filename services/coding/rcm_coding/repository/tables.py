"""SQL of the rows of code sets that are looked up one by one: written with COPY, read by their keys."""

from collections.abc import Collection, Iterator
from datetime import date
from io import BytesIO

import asyncpg

from rcm_coding.codesets.releases import Release, Status
from rcm_coding.codesets.tables import LISTING, Entry
from rcm_coding.domain.tables import COVERAGE, JUDGED, LoadedTable, Tables, beside_of, keys_of, loaded

_ACTIVE = """
SELECT system, edition, effective_from, effective_to, sha256, row_count, billable_count, licence, table_no
FROM code_set_release
WHERE status = 'active' AND system = ANY($1) AND effective_from <= $3 AND effective_to >= $2
"""
_ROWS = """
SELECT l.table_no, l.other, l.line
FROM unnest($1::int[], $2::text[]) AS w(table_no, key)
JOIN code_set_line l ON l.table_no = w.table_no AND l.key = w.key
ORDER BY l.table_no, l.at
"""
_PAIRS = """
SELECT l.table_no, l.other, l.line
FROM unnest($1::int[]) AS w(table_no)
JOIN code_set_line l ON l.table_no = w.table_no AND l.key = ANY($2) AND l.other = ANY($2)
ORDER BY l.table_no, l.at
"""
_LISTED = "SELECT other FROM code_set_line WHERE table_no = ANY($1) AND key = $2 AND other = ANY($3)"
_PAGE = """
SELECT count(*) AS rows, string_agg(line, E'\\n' ORDER BY at) AS body FROM (
    SELECT at, line FROM code_set_line WHERE table_no = $1 AND at >= $2 AND at < $3
) AS page
"""


async def active_tables(
    conn: asyncpg.Connection, first: date = date.min, last: date = date.max
) -> dict[int, Release]:
    """Return the active releases of judged sets that are in force between two days, by their table's number."""
    return {
        row["table_no"]: Release(
            row["system"],
            row["edition"],
            row["effective_from"],
            row["effective_to"],
            row["sha256"],
            row["row_count"],
            row["billable_count"],
            row["licence"],
            Status.ACTIVE,
        )
        for row in await conn.fetch(_ACTIVE, list(JUDGED), first, last)
    }


async def find_rows(
    conn: asyncpg.Connection,
    releases: dict[int, Release],
    lines: Collection[str],
    diagnoses: Collection[str],
) -> Tables:
    """Return the rows of the releases that concern codes of lines and diagnoses: at most three queries."""
    wanted = frozenset(lines)
    pairs = [number for number, item in releases.items() if beside_of(item.system, wanted) is not None]
    asked = [
        (number, key)
        for number, item in releases.items()
        if number not in pairs
        for key in keys_of(item.system, wanted, diagnoses)
    ]
    rows = (
        await conn.fetch(_ROWS, [number for number, _ in asked], [key for _, key in asked]) if asked else []
    )
    if pairs and wanted:
        rows += await conn.fetch(_PAIRS, pairs, list(wanted))
    by_table: dict[int, list[tuple[str, ...]]] = {number: [] for number in releases}
    articles: set[str] = set()
    coverage = [number for number, item in releases.items() if item.system == COVERAGE]
    for row in rows:
        by_table[row["table_no"]].append(tuple(row["line"].split("\t")))
        if row["table_no"] in coverage:
            articles.add(row["other"])
    listed = await conn.fetch(_LISTED, coverage, LISTING, list(articles)) if articles else []
    found: list[LoadedTable] = [loaded(releases[number], cells) for number, cells in by_table.items()]
    return Tables(tuple(found), frozenset(row["other"] for row in listed))


async def copy_lines(conn: asyncpg.Connection, block: bytes) -> None:
    """Write a block of encoded rows in the caller's transaction."""
    await conn.copy_to_table(
        "code_set_line",
        source=BytesIO(block),
        columns=["table_no", "at", "key", "other", "line"],
        format="text",
    )


def encode(table_no: int, entries: Iterator[Entry], block: int = 20_000) -> Iterator[tuple[int, bytes]]:
    """Yield (rows handed out, bytes) in PostgreSQL's COPY text form, a block at a time."""
    texts: list[str] = []
    shown = 0
    for entry in entries:
        line = entry.line.replace("\\", "\\\\").replace("\t", "\\t")
        texts.append(f"{table_no}\t{entry.at}\t{entry.key}\t{entry.other}\t{line}\n")
        shown += entry.at >= 0
        if len(texts) == block:
            yield shown, "".join(texts).encode()
            texts, shown = [], 0
    if texts:
        yield shown, "".join(texts).encode()


async def read_page(conn: asyncpg.Connection, table_no: int, offset: int, end: int) -> str:
    """Return the rows from one place up to another, one a line; empty beyond the last."""
    row = await conn.fetchrow(_PAGE, table_no, offset, end)
    return f"{row['body']}\n" if row and row["rows"] else ""
