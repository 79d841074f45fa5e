"""Each service can be deployed alone: its app boots from its own folder and the shared library, nothing else."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rcm_testkit.services import ROOT, SERVICES, package_of, write_keys

#: runs where only the copied folders and the installed third-party packages can be imported
BOOT = """
import importlib, json, sys
from pathlib import Path

service, folder, *sites = sys.argv[1:]
sys.path[:] = [folder, *(path for path in sys.path if path), *sites]

app = importlib.import_module(f"rcm_{service}.app")
settings_module = importlib.import_module(f"rcm_{service}.settings")
from rcm_shared.runtime import Runtime
from rcm_shared.settings import ServiceSettings
from rcm_shared.web.app import create_app, routes_of

kind = next(
    value for value in vars(settings_module).values()
    if isinstance(value, type) and issubclass(value, ServiceSettings) and value is not ServiceSettings
)
settings = kind()
served = create_app(Runtime(app.build(settings), settings))
ours = {
    name: str(Path(module.__file__).resolve())
    for name, module in sys.modules.items()
    if name.split(".")[0].startswith("rcm_") and getattr(module, "__file__", None)
}
print(json.dumps({"modules": ours, "paths": [route.path for route in routes_of(served)]}))
"""


@pytest.fixture
def deployed(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[str, Path]:
    """Copy the shared library and one service, as its container image does."""
    service = str(request.param)
    ignore = shutil.ignore_patterns("__pycache__")
    folder = tmp_path / "deployed"
    shutil.copytree(ROOT / "shared" / "rcm_shared", folder / "rcm_shared", ignore=ignore)
    shutil.copytree(package_of(service), folder / f"rcm_{service}", ignore=ignore)
    return service, folder


@pytest.mark.parametrize("deployed", SERVICES, indirect=True)
def test_service_boots_from_its_own_folder_and_the_shared_library(
    deployed: tuple[str, Path], tmp_path: Path
) -> None:
    service, folder = deployed
    private, public = write_keys(tmp_path)
    name = service.upper()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        f"RCM_{name}_DSN": "postgresql://nobody@127.0.0.1:1/none",
        "RCM_AUTH_JWKS": str(public),
        "RCM_AUTH_KEY": str(private),
        "RCM_EXCHANGE_DIR": str(tmp_path / "exchange"),
        "RCM_AUDIT_STATE_DIR": str(tmp_path / "audit"),
        "RCM_MASTER_FILE": str(ROOT / "deploy" / "rcm_deploy" / "demo" / "master.json"),
    }
    site_packages = [path for path in sys.path if path.endswith("site-packages")]
    # -S: no site, so no .pth file can bring the checkout back onto the path
    ran = subprocess.run(
        [sys.executable, "-S", "-c", BOOT, service, str(folder), *site_packages],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    booted = json.loads(ran.stdout.splitlines()[-1])
    strangers = {name: path for name, path in booted["modules"].items() if not path.startswith(str(folder))}
    assert strangers == {}
    packages = {name.split(".")[0] for name in booted["modules"]}
    assert packages == {"rcm_shared", f"rcm_{service}"}
    assert {"/health", "/ready", "/metrics"} <= set(booted["paths"])
    assert any(path.startswith("/v1/") for path in booted["paths"])
