"""The environment variables that the services read, composed in one place."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from rcm_deploy.engines.home import Home
from rcm_deploy.engines.keys import Keys
from rcm_deploy.engines.ports import HOST

MASTER_FILE = Path(__file__).resolve().parents[1] / "demo" / "master.json"


def external_dsn(service: str) -> str | None:
    """Return the address of a PostgreSQL of the operator's own for this service, or None."""
    return os.environ.get(f"RCM_{service.upper()}_DSN")


def external_owner_dsn(service: str) -> str | None:
    """Return the address with the right to make tables there; the plain one unless another is named."""
    return os.environ.get(f"RCM_{service.upper()}_OWNER_DSN") or external_dsn(service)


def service_environment(
    *,
    home: Home,
    services: Sequence[str],
    ports: Mapping[str, int],
    dsns: Mapping[str, tuple[str, str]],
    bootstrap: str,
    keys: Keys,
    clock: tuple[str, float] | None,
    extra: Mapping[str, str],
) -> dict[str, str]:
    """Return the variables for every service of a system.

    Args:
        dsns: Service -> (address for data, address for making tables).
        clock: Start of the business clock and the wall instant (Unix seconds) of that; None = real time.
        extra: Wins over everything else.
    """
    composed = {
        "PYTHONUNBUFFERED": "1",
        "RCM_KAFKA_BOOTSTRAP": bootstrap,
        "RCM_EXCHANGE_DIR": str(home.exchange),
        "RCM_AUDIT_STATE_DIR": str(home.audit),
        "RCM_AUTH_JWKS": str(keys.public),
        "RCM_AUTH_KEY": str(keys.private),
        "RCM_REPLICA": "0",
        "RCM_LOG_LEVEL": os.environ.get("RCM_LOG_LEVEL", "INFO"),
        "RCM_MIGRATE_ON_START": "1",
        "RCM_MASTER_FILE": os.environ.get("RCM_MASTER_FILE", str(MASTER_FILE)),
    }
    if "mllp" in ports:
        composed["RCM_INTAKE_MLLP_PORT"] = str(ports["mllp"])
    if clock is not None:
        composed["RCM_CLOCK_START"] = clock[0]
        composed["RCM_CLOCK_EPOCH"] = repr(clock[1])
    for service in services:
        name = service.upper()
        composed[f"RCM_{name}_HTTP_HOST"] = HOST
        composed[f"RCM_{name}_HTTP_PORT"] = str(ports[service])
        composed[f"RCM_{name}_URL"] = f"http://{HOST}:{ports[service]}"
        composed[f"RCM_{name}_DSN"], composed[f"RCM_{name}_OWNER_DSN"] = dsns[service]
    return {**os.environ, **composed, **extra}
