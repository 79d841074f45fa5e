import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from rcm_deploy.engines.home import CLONE

TOOLS = ("sh", "dirname", "cat", "cksum", "readlink", "sleep", "sed", "rm", "mkdir", "mv")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone that has no environment yet, and a PATH with nothing but the basic tools."""
    root = tmp_path / "clone"
    (root / "deploy").mkdir(parents=True)
    for name in ("rcm", "pyproject.toml"):
        shutil.copy(CLONE / name, root / name)
    for lock in (CLONE / "deploy").glob("*.lock"):
        shutil.copy(lock, root / "deploy")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(str(shutil.which(name)))
    return root


def _rcm(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(clone.parent / "bin")}
    command = [str(clone / "rcm"), *arguments]
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, timeout=30)


def _fake_python(clone: Path, body: str) -> None:
    script = clone.parent / "bin" / "python3"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)


def test_launcher_says_what_to_install_when_there_is_no_python(clone: Path) -> None:
    answer = _rcm(clone, "status")
    assert answer.returncode == 2
    assert "apt-get install python3 python3-venv" in answer.stderr
    assert not (clone / ".rcm/venv.lock").exists()


def test_launcher_names_the_python_that_is_too_old(clone: Path) -> None:
    _fake_python(clone, 'if [ "$1" = --version ]; then echo Python 3.9.2; else exit 1; fi')
    answer = _rcm(clone)
    assert answer.returncode == 2
    assert "found only Python 3.9.2" in answer.stderr


def test_launcher_says_what_to_install_when_venv_is_missing(clone: Path) -> None:
    _fake_python(clone, "case $2 in *ensurepip*) exit 1 ;; esac")
    answer = _rcm(clone)
    assert answer.returncode == 2
    assert "apt-get install python3-venv" in answer.stderr


def _made(clone: Path) -> Path:
    """Give the clone an environment whose python only tells how it was called."""
    python = clone / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\n[ "$2" = "import pip" ] || echo "called: $*"\n')
    python.chmod(0o755)
    uv = python.with_name("uv")
    version = re.findall(r"^uv==(\S+)", (CLONE / "deploy/requirements-uv.lock").read_text(), re.MULTILINE)[0]
    uv.write_text(f'#!/bin/sh\n[ "$1" != --version ] || echo "uv {version}"\necho "$*" >>"{clone}/uv.log"\n')
    uv.chmod(0o755)
    return clone / "uv.log"


def test_launcher_installs_once_and_then_only_compares_a_stamp(clone: Path) -> None:
    log = _made(clone)
    assert "called: -m rcm_deploy.cli.main status --json" in _rcm(clone, "status", "--json").stdout
    installed = log.read_text()
    assert "--require-hashes -r" in installed
    assert "requirements-test.lock" not in installed
    _rcm(clone, "status")
    assert log.read_text() == installed
    assert not (clone / ".rcm/venv.lock").exists()


def test_launcher_installs_again_when_a_lock_changes_or_tests_are_asked_for(clone: Path) -> None:
    log = _made(clone)
    _rcm(clone, "status")
    log.unlink()
    with (clone / "deploy/requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    _rcm(clone, "status")
    assert "requirements.lock" in log.read_text()
    _rcm(clone, "test", "unit")
    assert "requirements-test.lock" in log.read_text()


def test_launcher_takes_over_from_an_installation_that_died(clone: Path) -> None:
    _made(clone)
    lock = clone / ".rcm/venv.lock"
    lock.mkdir(parents=True)
    (lock / "pid").write_text("999999999\n")
    answer = _rcm(clone, "status")
    assert answer.returncode == 0
    assert "another rcm" in answer.stderr
    assert not lock.exists()


def test_locks_pin_every_package_with_hashes_and_name_no_index() -> None:
    for lock in (CLONE / "deploy").glob("*.lock"):
        text = lock.read_text()
        assert "://" not in text
        assert not re.search(r"^\s*--(?!hash)", text, re.MULTILINE)
        packages = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert all(re.match(r"[a-z0-9._-]+==\S+ (; .* )?\\$", line) for line in packages)


def test_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((CLONE / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    tests = project["project"]["optional-dependencies"]["test"]
    main, full = (
        set(re.findall(r"^([a-z0-9._-]+)==", (CLONE / "deploy" / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-test.lock")
    )
    assert {_name(requirement) for requirement in wanted} <= main
    assert main | {_name(requirement) for requirement in tests} <= full
    assert "pytest" not in main


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower().replace("_", "-")
