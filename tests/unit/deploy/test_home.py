import os
from pathlib import Path

import pytest
from rcm_deploy.engines.failures import AlreadyRunningError
from rcm_deploy.engines.home import Home, cache_folder, default_home, write_whole


def test_home_is_the_folder_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RCM_HOME", str(tmp_path / "elsewhere"))
    assert default_home().root == (tmp_path / "elsewhere").resolve()


def test_home_without_the_environment_is_in_the_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RCM_HOME", raising=False)
    assert default_home().root.name == ".rcm"
    assert (default_home().root.parent / "pyproject.toml").exists()


def test_cache_folder_can_be_overridden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RCM_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path.resolve()


def test_home_admits_one_system_and_names_its_process(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.locked(), pytest.raises(AlreadyRunningError, match=str(os.getpid())), home.locked():
        pass
    with home.locked():
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_state_survives_a_round_trip_and_a_broken_file_counts_as_none(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.read_state() is None
    home.write_state({"status": "ready"})
    assert home.read_state() == {"status": "ready"}
    home.state_file.write_text("{")
    assert home.read_state() is None


def test_prepare_keeps_the_keys_folder_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    assert home.keys.stat().st_mode & 0o777 == 0o700
    assert (home.exchange / "to_payer").is_dir()


def test_write_whole_replaces_the_file_and_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_whole(path, "one", mode=0o600)
    write_whole(path, "two", mode=0o600)
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
