"""Ports on the loopback interface: the usual ones when free, else random ones, never shared by two systems.

A chosen port stays reserved by a lock file of this user until the process ends, so two systems that start in
the same moment cannot choose alike. All lie below the range that is given to outgoing connections.
"""

import fcntl
import json
import os
import random
import socket
from collections.abc import Iterable
from contextlib import suppress

from rcm_deploy.engines.failures import EngineError
from rcm_deploy.engines.home import Home, cache_folder, write_whole

HOST = "127.0.0.1"
USUAL = {
    "kafka": 9092,
    "kafka-controller": 9093,
    "intake": 8101,
    "coding": 8102,
    "query": 8103,
    "billing": 8104,
    "audit": 8105,
    "mllp": 2575,
}
RANDOM = range(20_000, 32_000)


class Ports:
    """The ports of one system, remembered in its home so that a restart uses the same ones."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._held: dict[int, int] = {}

    def choose(self, names: Iterable[str]) -> dict[str, int]:
        """Return a free, reserved port for each name: the remembered one, the usual one, or any.

        Raises:
            EngineError: no free port was found.
        """
        remembered: dict[str, int] = {}
        with suppress(FileNotFoundError, ValueError):
            remembered = json.loads(self._home.ports_file.read_text())
        chosen = {}
        for name in names:
            wanted = [port for port in (remembered.get(name), USUAL.get(name)) if port]
            wanted += random.sample(RANDOM, 200)
            chosen[name] = next((port for port in wanted if self._reserve(port)), 0)
            if not chosen[name]:
                raise EngineError(f"no free port on {HOST} for {name}")
        write_whole(self._home.ports_file, json.dumps(remembered | chosen, indent=2) + "\n")
        return chosen

    def release(self) -> None:
        """Give all reservations back."""
        for handle in self._held.values():
            os.close(handle)
        self._held.clear()

    def _reserve(self, port: int) -> bool:
        folder = cache_folder() / "ports"
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        if not is_free(port):
            os.close(handle)
            return False
        self._held[port] = handle
        return True


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
