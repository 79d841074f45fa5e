"""The running system as the command line sees it: its state file, its services' APIs, its tokens."""

import os
from dataclasses import dataclass
from typing import Any

from rcm_deploy.cli.output import NOT_REACHABLE, REFUSED, USAGE, fail
from rcm_deploy.engines.home import Home, default_home
from rcm_deploy.engines.keys import Keys, keys_of

OPERATOR = "rcm-cli"


@dataclass(frozen=True, slots=True)
class Running:
    """Addresses of a system that runs now."""

    urls: dict[str, str]
    keys: Keys
    state: dict[str, Any]

    def get(self, service: str, path: str, roles: tuple[str, ...]) -> Any:
        """Ask a service's API and return its JSON; ends the command when it cannot or will not answer."""
        return self._call("GET", service, path, roles, None)

    def find(self, service: str, path: str, roles: tuple[str, ...]) -> Any:
        """Like `get`, but None when the service knows of no such thing."""
        return self._call("GET", service, path, roles, None, absent_is_none=True)

    def post(self, service: str, path: str, roles: tuple[str, ...], body: dict[str, Any]) -> Any:
        """Send a command to a service's API and return its JSON; ends the command as `get` does."""
        return self._call("POST", service, path, roles, body)

    def send(self, service: str, path: str, roles: tuple[str, ...], data: bytes) -> Any:
        """Send a file's bytes to a service's API and return its JSON; ends the command as `get` does."""
        return self._call("POST", service, path, roles, None, content=data)

    def _call(
        self,
        method: str,
        service: str,
        path: str,
        roles: tuple[str, ...],
        body: dict[str, Any] | None,
        *,
        content: bytes | None = None,
        absent_is_none: bool = False,
    ) -> Any:
        import httpx

        token = self.keys.token(f"{OPERATOR}:{os.environ.get('USER', 'unknown')}", roles)
        try:
            answer = httpx.request(
                method,
                f"{self.urls[service]}{path}",
                json=body,
                content=content,
                headers={"Authorization": f"Bearer {token}"},
                timeout=30,
                trust_env=False,
            )
        except httpx.HTTPError as error:
            fail(NOT_REACHABLE, f"{service} does not answer at {self.urls[service]} ({type(error).__name__})")
        if answer.is_success:
            return answer.json()
        if absent_is_none and answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code >= 500:
            fail(NOT_REACHABLE, f"{service} answers {answer.status_code}; see its log")
        try:
            problem = answer.json()
        except ValueError:
            problem = {}
        said = problem.get("detail") or problem.get("title") or answer.reason_phrase
        places = [f"{error.get('pointer')} {error.get('code')}" for error in problem.get("errors") or ()]
        where = f" ({', '.join(places)})" if places else ""
        fail(REFUSED, f"{service} refuses ({answer.status_code}): {said}{where}")


def this_home(*, writing: bool = False) -> Home:
    """Return the home that the environment names; ends the command when it cannot be one."""
    home = default_home()
    try:
        if writing:
            home.root.mkdir(parents=True, exist_ok=True)
        home.read_state()
    except OSError as error:
        fail(USAGE, f"{home.root} cannot be the home of a system: {error.strerror}; set RCM_HOME to a folder")
    return home


def supervisor_of(home: Home) -> int | None:
    """Return the process id of the `rcm up` that runs in a home, or None."""
    from rcm_deploy.engines.process import still_there

    state = home.read_state()
    entry = (state or {}).get("supervisor") or {}
    return (
        int(entry["pid"])
        if entry and still_there(entry) and (state or {}).get("status") != "stopped"
        else None
    )


def the_running_system() -> Running:
    """Return the system that runs in this home; ends the command when none does."""
    home = this_home()
    state = home.read_state()
    if state is None or supervisor_of(home) is None:
        fail(NOT_REACHABLE, f"no system runs in {home.root}; start one with `rcm up`")
    if "urls" not in state:
        fail(NOT_REACHABLE, "the system is still starting; try again in a few seconds")
    return Running(state["urls"], keys_of(home), state)
