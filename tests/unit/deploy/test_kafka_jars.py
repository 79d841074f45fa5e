import hashlib
from pathlib import Path

import pytest
from rcm_deploy.engines import kafka_jars
from rcm_deploy.engines.failures import EngineError
from rcm_deploy.engines.kafka_jars import Jar, read_list

CONTENT = b"not really a jar"
JAR = Jar("org.example:thing:1.0", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


def test_list_holds_the_broker_with_pinned_digests() -> None:
    jars = read_list()
    assert len(jars) == 45
    assert len({jar.file for jar in jars}) == 45
    assert any(jar.coordinate == f"org.apache.kafka:kafka_2.13:{kafka_jars.VERSION}" for jar in jars)
    assert all(len(jar.sha256) == 64 and jar.size > 0 for jar in jars)


@pytest.mark.parametrize("content", [b"not really a jab", b"short", None])
def test_jar_with_other_bytes_does_not_match(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / JAR.file
    if content is not None:
        path.write_bytes(content)
    assert not JAR.matches(path)


def test_offline_folder_may_be_flat_or_a_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    deep = tmp_path / "org/example/thing/1.0" / JAR.file
    deep.parent.mkdir(parents=True)
    deep.write_bytes(CONTENT)
    monkeypatch.setattr(kafka_jars, "read_list", lambda: [JAR])
    monkeypatch.setenv("RCM_KAFKA_JARS", str(tmp_path))
    assert kafka_jars.jars(lambda _: None) == [deep]


def test_offline_folder_that_lacks_a_jar_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / JAR.file).write_bytes(b"tampered with :)")
    monkeypatch.setattr(kafka_jars, "read_list", lambda: [JAR])
    monkeypatch.setenv("RCM_KAFKA_JARS", str(tmp_path))
    with pytest.raises(EngineError, match=r"thing-1\.0\.jar"):
        kafka_jars.jars(lambda _: None)


def _without_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: bytes | None) -> None:
    """Let the resolver write `answer`, or fail as it does when the network refuses."""
    monkeypatch.delenv("RCM_KAFKA_JARS", raising=False)
    monkeypatch.setenv("RCM_CACHE", str(tmp_path))
    monkeypatch.setattr(kafka_jars, "read_list", lambda: [JAR])
    monkeypatch.setattr(kafka_jars, "_PAUSE", 0.0)

    def resolve(_context: object, _coordinate: str) -> Path:
        if answer is None:
            raise ConnectionError("refused")
        path = tmp_path / "answer.jar"
        path.write_bytes(answer)
        return path

    monkeypatch.setattr(kafka_jars, "_resolve", resolve)


def test_refusing_network_gives_the_three_ways_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _without_network(monkeypatch, tmp_path, None)
    with pytest.raises(EngineError) as failed:
        kafka_jars.jars(lambda _: None)
    for way in ("RCM_KAFKA_JARS", "RCM_KAFKA_BOOTSTRAP", "docker compose"):
        assert way in str(failed.value)


def test_wrong_bytes_from_the_network_are_never_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _without_network(monkeypatch, tmp_path, b"something else")
    with pytest.raises(EngineError, match="SHA-256"):
        kafka_jars.jars(lambda _: None)
    assert not list(tmp_path.rglob("thing-*.jar"))


def test_fetched_jar_is_kept_for_the_next_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _without_network(monkeypatch, tmp_path, CONTENT)
    said: list[str] = []
    (path,) = kafka_jars.jars(said.append)
    assert path.read_bytes() == CONTENT
    assert any("fetching" in line for line in said)
    _without_network(monkeypatch, tmp_path, None)
    assert kafka_jars.jars(said.append) == [path]
