"""TLS and SASL against a real broker that asks for them: who gets in works in full, who should not stays out."""

import asyncio
import datetime
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from integration.ledger import Ledger, World, record, until
from rcm_deploy.engines import kafka as engine
from rcm_deploy.engines.home import Home
from rcm_deploy.engines.ports import HOST
from rcm_deploy.engines.topics import create_topics
from rcm_shared.ids import uuid7
from rcm_shared.messaging.relay import Relay
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.settings import KafkaSettings, ServiceSettings, SharedSettings
from rcm_testkit.engines import free_port
from rcm_testkit.threads import kept_in_thread

USER, PASSWORD = "claims", "a-password-of-the-test"
LISTENERS = ("TLS", "SASLTLS", "SASL")


class Authority:
    """A certificate authority of the test and what it signed, as PEM files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test-authority")])
        self.ca_file = self._write("ca.pem", self._signed(self._name, self._key.public_key(), ca=True))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return the certificate and the key of somebody on this machine."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        certificate = self._signed(subject, key.public_key(), ca=False)
        return self._write(f"{name}.pem", certificate), self._write(f"{name}.key", private)

    def _signed(self, subject: x509.Name, public: ec.EllipticCurvePublicKey, *, ca: bool) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + day)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)

    def _write(self, name: str, content: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(content)
        return path


@dataclass(frozen=True)
class Secured:
    """A broker's addresses: an open one for the test itself, and one of each guarded kind."""

    bootstrap: str
    ports: dict[str, int]
    authority: Authority
    stranger: Path  # the certificate of another authority

    def settings(self, kind: str, **changes: Any) -> KafkaSettings:
        """Return the settings that get in by one kind of listener."""
        at = f"{HOST}:{self.ports[kind]}"
        user = {"sasl_username": USER, "sasl_password": PASSWORD, "sasl_mechanism": "SCRAM-SHA-512"}
        if kind == "TLS":
            certificate, key = self.authority.issue("service")
            chosen: dict[str, Any] = {"security": "SSL", "cert_file": certificate, "key_file": key}
        elif kind == "SASLTLS":
            chosen = {"security": "SASL_SSL", **user}
        else:
            chosen = {"security": "SASL_PLAINTEXT", **user, "sasl_mechanism": "PLAIN"}
        if kind != "SASL":
            chosen["ca_file"] = self.authority.ca_file
        return KafkaSettings(bootstrap=at, **{**chosen, **changes})


def _guarded(plain: str, ports: dict[str, int], authority: Authority) -> str:
    """Return the broker's configuration with three guarded listeners added to the open one."""
    certificate, key = authority.issue("broker")
    store = authority.ca_file.with_name("broker-store.pem")
    store.write_bytes(key.read_bytes() + certificate.read_bytes())
    listeners = "".join(f",{name}://{HOST}:{port}" for name, port in ports.items())
    lines = []
    for line in plain.splitlines():
        if line.startswith(("listeners=", "advertised.listeners=")):
            line += listeners
        elif line.startswith("listener.security.protocol.map="):
            line += ",TLS:SSL,SASLTLS:SASL_SSL,SASL:SASL_PLAINTEXT"
        lines.append(line)
    jaas = "org.apache.kafka.common.security"
    return "\n".join(
        (
            *lines,
            "ssl.keystore.type=PEM",
            f"ssl.keystore.location={store}",
            "ssl.truststore.type=PEM",
            f"ssl.truststore.location={authority.ca_file}",
            "listener.name.tls.ssl.client.auth=required",
            "listener.name.sasltls.sasl.enabled.mechanisms=SCRAM-SHA-512",
            "listener.name.sasl.sasl.enabled.mechanisms=PLAIN",
            f"listener.name.sasltls.scram-sha-512.sasl.jaas.config={jaas}.scram.ScramLoginModule required;",
            f"listener.name.sasl.plain.sasl.jaas.config={jaas}.plain.PlainLoginModule required"
            f' user_{USER}="{PASSWORD}";',
            "",
        )
    )


class _KafkaWithUser(engine.Kafka):
    """A broker whose data folder is formatted with a SCRAM user."""

    async def _spawn(self, main: str, *arguments: str | Path) -> asyncio.subprocess.Process:
        if main.endswith("StorageTool"):
            arguments += ("--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]")
        return await super()._spawn(main, *arguments)


@asynccontextmanager
async def _broker(folder: Path) -> AsyncIterator[Secured]:
    ports = {name: free_port() for name in LISTENERS}
    (folder / "ours").mkdir()
    (folder / "theirs").mkdir()
    authority, other = Authority(folder / "ours"), Authority(folder / "theirs")
    plain = engine.server_properties

    def guarded(data: Path, port: int, controller_port: int) -> str:
        return _guarded(plain(data, port, controller_port), ports, authority)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "server_properties", guarded)
        broker = _KafkaWithUser(Home(folder / "home"), free_port(), free_port(), say=lambda _text: None)
        (folder / "home" / "logs").mkdir(parents=True)
        await broker.start()
        try:
            await create_topics(broker.bootstrap, partitions=2, replication=1, say=lambda _text: None)
            yield Secured(broker.bootstrap, ports, authority, other.ca_file)
        finally:
            await broker.stop()


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A running broker with guarded listeners."""
    if os.environ.get("RCM_TEST_BACKEND") == "external":
        pytest.skip("an external broker keeps its own listeners")
    folder = tmp_path_factory.mktemp("secured")
    with kept_in_thread(_broker(folder), name="secured-kafka", start_s=90) as (found, _loop):
        yield found


@pytest.fixture
def guarded_world(database_world: World, secured: Secured) -> World:
    """The ledger's world on the guarded broker; the test itself uses the open listener."""
    database_world.bootstrap = secured.bootstrap
    return database_world


def runtime(world: World, ledger: Ledger, kafka: KafkaSettings) -> Runtime:
    settings = ServiceSettings(
        dsn=world.dsn, owner_dsn=world.owner_dsn, shared=SharedSettings(environment="test"), kafka=kafka
    )
    spec = ServiceSpec(
        name="query", migrations="integration.migrations", consumers={world.topic: ledger.apply}
    )
    return Runtime(spec, settings)


@pytest.mark.parametrize("kind", LISTENERS)
async def test_a_service_works_in_full_over_a_guarded_listener(
    guarded_world: World, secured: Secured, kind: str
) -> None:
    world, key = guarded_world, uuid7()
    await world.create_topic()
    async with world.running(runtime(world, Ledger(emits=True), secured.settings(kind))):
        await world.publish(record(key, n) for n in (1, 2, 3))
        await until(lambda: applied(world, 3))
        sent = await world.published(key, 3)
    assert [envelope.sequence for envelope in sent] == [1, 2, 3]
    assert await world.committed() == 3


async def applied(world: World, count: int) -> bool:
    return bool(await world.pool.fetchval("SELECT count(*) >= $1 FROM applied", count))


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("SASLTLS", {"sasl_password": "wrong"}),
        ("SASL", {"sasl_password": "wrong"}),
        ("SASLTLS", {"ca_file": "stranger"}),
        ("TLS", {"cert_file": None, "key_file": None}),
    ],
)
async def test_who_should_not_get_in_sends_nothing_and_says_so(
    guarded_world: World, secured: Secured, kind: str, changes: dict[str, Any]
) -> None:
    world, key = guarded_world, uuid7()
    changes = {name: secured.stranger if value == "stranger" else value for name, value in changes.items()}
    relay = Relay(dsn=world.dsn, service="query", kafka=secured.settings(kind, **changes))
    await world.emit(key, 1)
    task = asyncio.create_task(relay.run())
    try:
        await asyncio.sleep(1.5)
        assert await world.pool.fetchval("SELECT count(*) FROM outbox") == 1
    finally:
        relay.stop()
        await asyncio.wait_for(task, 20)
