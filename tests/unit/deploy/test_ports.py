import socket
from pathlib import Path

import pytest
from rcm_deploy.engines import ports as ports_module
from rcm_deploy.engines.home import Home
from rcm_deploy.engines.ports import HOST, RANDOM, Ports, is_free


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RCM_CACHE", str(tmp_path / "cache"))


def _home(tmp_path: Path, name: str) -> Home:
    home = Home(tmp_path / name)
    home.prepare()
    return home


def test_ports_of_two_systems_never_meet(tmp_path: Path) -> None:
    one, two = (Ports(_home(tmp_path, name)) for name in ("one", "two"))
    names = ("kafka", "intake", "mllp")
    chosen = [*one.choose(names).values(), *two.choose(names).values()]
    assert len(set(chosen)) == len(chosen)
    one.release()
    two.release()


def test_ports_stay_the_same_after_a_restart(tmp_path: Path) -> None:
    home = _home(tmp_path, "one")
    blocker = Ports(_home(tmp_path, "other"))
    blocker.choose(["intake"])
    first = Ports(home)
    chosen = first.choose(["intake"])
    assert chosen["intake"] in RANDOM
    first.release()
    blocker.release()
    again = Ports(home)
    assert again.choose(["intake"]) == chosen
    again.release()


def test_a_port_that_somebody_listens_on_is_not_chosen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        taken = server.getsockname()[1]
        monkeypatch.setitem(ports_module.USUAL, "intake", taken)
        assert not is_free(taken)
        ports = Ports(_home(tmp_path, "one"))
        assert ports.choose(["intake"])["intake"] != taken
        ports.release()
