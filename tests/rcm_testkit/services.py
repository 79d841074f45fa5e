"""The five services as a test sees them: their source, their composition root, their app, nothing started."""

import importlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from joserfc.jwk import ECKey, KeySet
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.settings import ServiceSettings, SharedSettings

SERVICES = ("intake", "coding", "query", "billing", "audit")
ROOT = Path(__file__).parents[2]


def package_of(service: str) -> Path:
    """Return the folder of a service's package."""
    return ROOT / "services" / service / f"rcm_{service}"


def source_files(service: str) -> list[Path]:
    """Return the Python files of a service."""
    return sorted(package_of(service).rglob("*.py"))


def settings_of(service: str, shared: SharedSettings | None = None) -> ServiceSettings:
    """Make a service's settings without an environment; no address in them is real."""
    module = importlib.import_module(f"rcm_{service}.settings")
    cls: Any = next(
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, ServiceSettings) and value is not ServiceSettings
    )
    values: dict[str, Any] = {
        name if field.validation_alias is None else str(field.validation_alias): Path("absent")
        for name, field in cls.model_fields.items()
        if field.is_required() and name != "dsn"
    }
    settings: ServiceSettings = cls(
        dsn="postgresql://nobody@127.0.0.1:1/none", shared=shared or SharedSettings(), **values
    )
    return settings


@cache
def spec_of(service: str) -> ServiceSpec:
    """Build a service's description with its composition root."""
    return _build(service, settings_of(service))


def _build(service: str, settings: ServiceSettings) -> ServiceSpec:
    app = importlib.import_module(f"rcm_{service}.app")
    spec: ServiceSpec = app.build(settings)
    return spec


def write_keys(folder: Path) -> tuple[Path, Path]:
    """Write a new signing key and its public key set; returns (private key, key set)."""
    key = ECKey.generate_key("P-256", parameters={"kid": "test", "alg": "ES256", "use": "sig"})
    private, public = folder / "key.json", folder / "jwks.json"
    private.write_text(json.dumps(key.as_dict(private=True)))
    public.write_text(json.dumps(KeySet([key]).as_dict(private=False)))
    return private, public


def app_of(service: str, folder: Path) -> tuple[FastAPI, Path]:
    """Build a service's app with a key set of its own, not started; returns (app, signing key)."""
    from rcm_shared.web.app import create_app

    private, public = write_keys(folder)
    shared = SharedSettings(auth_jwks=public, auth_key=private)
    settings = settings_of(service, shared)
    return create_app(Runtime(_build(service, settings), settings)), private
