"""Where a system keeps its data, keys, logs and state, and the lock that makes it the only one there."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rcm_deploy.engines.failures import AlreadyRunningError

CLONE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one system below `root`."""

    root: Path

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def kafka(self) -> Path:
        return self.root / "kafka"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def exchange(self) -> Path:
        return self.root / "exchange"

    @property
    def audit(self) -> Path:
        return self.root / "audit"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def state_file(self) -> Path:
        return self.root / "state.json"

    @property
    def ports_file(self) -> Path:
        return self.root / "ports.json"

    def prepare(self) -> None:
        """Make the folders that every system has."""
        mailboxes = (self.exchange / "to_payer", self.exchange / "from_payer")
        for folder in (self.root, self.logs, self.keys, *mailboxes):
            folder.mkdir(parents=True, exist_ok=True)
        self.keys.chmod(0o700)

    def contents(self) -> list[Path]:
        """Return everything that a system keeps here, for deletion; other files there are not ours."""
        folders = [self.postgres, self.kafka, self.keys, self.exchange, self.audit, self.logs]
        folders += [self.root / name for name in ("demo", "chaos", "bench")]  # systems that come and go
        return [*folders, self.state_file, self.ports_file]

    def log(self, name: str) -> Path:
        """Return the log file of a process, such as "billing" or "kafka"."""
        return self.logs / f"{name}.log"

    def read_state(self) -> dict[str, Any] | None:
        """Return what the supervisor last wrote, or None."""
        try:
            state = json.loads(self.state_file.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return state if isinstance(state, dict) else None

    def write_state(self, state: dict[str, Any]) -> None:
        """Replace the state file in one step."""
        write_whole(self.state_file, json.dumps(state, indent=2) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold this home for one system; the lock goes with the process, however that ends.

        Raises:
            AlreadyRunningError: another process runs a system here.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(handle, 20).decode() or "unknown"
                raise AlreadyRunningError(
                    f"a system already runs in {self.root} (process {holder}); "
                    "use it, stop it with `rcm down`, or set RCM_HOME to another folder"
                ) from None
            os.truncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(handle)


def default_home() -> Home:
    """Return the home that RCM_HOME names, or `.rcm` in the clone."""
    named = os.environ.get("RCM_HOME")
    return home_at(Path(named) if named else CLONE / ".rcm")


def home_at(folder: Path) -> Home:
    """Return the home in a folder, which need not exist yet."""
    return Home(folder.expanduser().resolve())


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that a reader sees the old or the new content, never a part."""
    new = path.with_name(path.name + ".new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    new.replace(path)


def cache_folder() -> Path:
    """Return the per-user cache folder of this project (RCM_CACHE overrides the platform's place)."""
    named = os.environ.get("RCM_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    import platformdirs

    return Path(platformdirs.user_cache_path("claimstream"))
