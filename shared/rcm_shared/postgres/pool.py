"""Connection pools, and which database errors are worth a retry."""

import asyncpg

from rcm_shared.errors import Transient

#: Connection exceptions, serialization, deadlock, resources, operator intervention, lock not available.
_TRANSIENT_STATES = ("08", "40", "53", "57P")
_TRANSIENT_CODES = frozenset({"55P03"})

TRANSIENT_ERRORS = (
    OSError,
    TimeoutError,
    Transient,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.InvalidCachedStatementError,
)


def is_transient(error: BaseException) -> bool:
    """Tell whether the same transaction may succeed if it is tried again."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return (
            state.startswith(_TRANSIENT_STATES)
            or state in _TRANSIENT_CODES
            or isinstance(error, asyncpg.exceptions.InvalidCachedStatementError)
        )
    return isinstance(error, TRANSIENT_ERRORS)


def is_bad_data(error: BaseException) -> bool:
    """Tell whether the database refused the data (SQLSTATE 22) or a constraint (23): one event is the culprit."""
    return isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "")[:2] in {"22", "23"}


async def create_pool(dsn: str, *, name: str, size: int) -> asyncpg.Pool:
    """Open a pool whose sessions time out rather than hang. Shape: at most `size` connections."""
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        command_timeout=20,
        timeout=10,
        max_inactive_connection_lifetime=0,
        reset=_keep_session,
        server_settings=session_settings(name),
    )


async def _keep_session(_conn: asyncpg.Connection) -> None:
    """Leave a returned session as it is: nothing here sets session state, and a reset costs a round trip a batch."""


async def connect(dsn: str, *, name: str) -> asyncpg.Connection:
    """Open one connection outside any pool (the relay's, a lock's)."""
    return await asyncpg.connect(dsn, timeout=10, command_timeout=20, server_settings=session_settings(name))


def session_settings(name: str) -> dict[str, str]:
    """Return the settings of every session: times in milliseconds, UTC, no JIT for small statements."""
    return {
        "application_name": name,
        "statement_timeout": "15000",
        "lock_timeout": "5000",
        "idle_in_transaction_session_timeout": "10000",
        "timezone": "UTC",
        "jit": "off",
    }
