"""Channels against a real SFTP server and a real HTTP server: whole files both ways, outages, strangers, settings."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from rcm_billing.gateways import sftp_channel
from rcm_billing.gateways.channels import (
    ChannelSettingsError,
    HttpChannel,
    SftpChannel,
    carry,
    carry_once,
    read_channels,
)
from rcm_billing.gateways.connections import connector
from rcm_billing.gateways.payer_exchange import PayerExchange

CLAIMS = b"ISA*00*claims~"
ANSWER = b"ISA*00*answer~"
TOKEN = "token-of-the-partner"


class Password(asyncssh.SSHServer):
    """Lets one user in by a password."""

    def begin_auth(self, _username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("claims", "secret")


@pytest.fixture
async def sftp(tmp_path: Path) -> AsyncIterator[tuple[SftpChannel, Path]]:
    """A running SFTP server with the folders in and out, and the channel that leads to it."""
    root = tmp_path / "partner"
    for folder in ("in", "out"):
        (root / folder).mkdir(parents=True)
    host_key = asyncssh.generate_private_key("ssh-ed25519")

    def rooted(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(root).encode())

    server = await asyncssh.create_server(
        Password, "127.0.0.1", 0, server_host_keys=[host_key], sftp_factory=rooted
    )
    port = server.get_port()
    known = tmp_path / "known_hosts"
    known.write_bytes(f"[127.0.0.1]:{port} ".encode() + host_key.export_public_key())
    password = tmp_path / "password"
    password.write_text("secret\n")
    channel = SftpChannel(
        kind="sftp",
        host="127.0.0.1",
        port=port,
        username="claims",
        password_file=password,
        known_hosts_file=known,
        outbound="/in",
        inbound="/out",
        poll_seconds=0.05,
    )
    yield channel, root
    server.close()
    await server.wait_closed()


class Hub:
    """A partner's HTTP interface that keeps files in memory."""

    def __init__(self) -> None:
        self.received: dict[str, bytes] = {}
        self.keys: list[str] = []
        self.waiting: dict[str, bytes] = {}
        self.down = False
        self.app = FastAPI()

        @self.app.middleware("http")
        async def guard(request: Request, call_next):  # type: ignore[no-untyped-def]
            if self.down:
                return Response(status_code=503)
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return Response(status_code=401)
            return await call_next(request)

        @self.app.put("/edi/to-payer/{name}")
        async def put(name: str, request: Request) -> Response:
            self.received[name] = await request.body()
            self.keys.append(request.headers["idempotency-key"])
            return Response(status_code=201)

        @self.app.get("/edi/from-payer")
        async def names() -> dict[str, list[str]]:
            return {"files": sorted(self.waiting)}

        @self.app.get("/edi/from-payer/{name}")
        async def get(name: str) -> Response:
            return Response(self.waiting[name])

        @self.app.delete("/edi/from-payer/{name}")
        async def done(name: str) -> Response:
            del self.waiting[name]
            return Response(status_code=204)


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[tuple[HttpChannel, Hub]]:
    """A running HTTP hub and the channel that leads to it."""
    hub = Hub()
    server = uvicorn.Server(uvicorn.Config(hub.app, port=0, log_level="critical", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    token = tmp_path / "token"
    token.write_text(TOKEN)
    yield HttpChannel(kind="http", base_url=f"http://127.0.0.1:{port}/edi", token_file=token), hub
    server.should_exit = True
    await task


@pytest.fixture
def exchange(tmp_path: Path) -> PayerExchange:
    """The exchange folders of billing."""
    found = PayerExchange(tmp_path / "exchange")
    found.prepare()
    return found


def incoming(exchange: PayerExchange) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (exchange.directory / "from_payer").glob("*.*")}


async def test_sftp_carries_whole_files_both_ways(
    sftp: tuple[SftpChannel, Path], exchange: PayerExchange
) -> None:
    channel, root = sftp
    (root / "out" / "ACK 1.edi").write_bytes(ANSWER)
    (root / "out" / "half.tmp").write_bytes(b"ISA*")
    await exchange.send("000000001.837", CLAIMS, "clearing")
    assert await carry_once("clearing", connector(channel), exchange, set()) == (1, 1)
    assert {path.name: path.read_bytes() for path in (root / "in").iterdir()} == {"000000001.837": CLAIMS}
    assert incoming(exchange) == {"clearing-ACK_1.edi.x12": ANSWER}
    assert [path.name for path in (root / "out").iterdir()] == ["half.tmp"]
    await exchange.send("000000001.837", CLAIMS, "clearing")  # a repetition after a crash
    assert await carry_once("clearing", connector(channel), exchange, set()) == (0, 0)


async def test_sftp_leaves_files_that_it_may_not_remove_and_takes_each_once(
    sftp: tuple[SftpChannel, Path], exchange: PayerExchange
) -> None:
    channel, root = sftp
    (root / "out" / "a.x12").write_bytes(ANSWER)
    kept = channel.model_copy(update={"remove": False})
    seen: set[str] = set()
    assert await carry_once("clearing", connector(kept), exchange, seen) == (0, 1)
    assert await carry_once("clearing", connector(kept), exchange, seen) == (0, 0)
    assert (root / "out" / "a.x12").exists()


async def test_sftp_talks_to_no_stranger(sftp: tuple[SftpChannel, Path], tmp_path: Path) -> None:
    channel, _ = sftp
    other = tmp_path / "other_hosts"
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key()
    other.write_bytes(f"[127.0.0.1]:{channel.port} ".encode() + key)
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        await sftp_channel.connect(channel.model_copy(update={"known_hosts_file": other}))


async def test_sftp_that_refuses_us_leaves_the_file_in_the_spool(
    sftp: tuple[SftpChannel, Path], exchange: PayerExchange, tmp_path: Path
) -> None:
    channel, _ = sftp
    wrong = tmp_path / "wrong"
    wrong.write_text("guess")
    await exchange.send("000000001.837", CLAIMS, "clearing")
    with pytest.raises(asyncssh.PermissionDenied):
        await carry_once(
            "clearing", connector(channel.model_copy(update={"password_file": wrong})), exchange, set()
        )
    assert (exchange.outbound("clearing") / "000000001.837").read_bytes() == CLAIMS


async def test_http_carries_files_both_ways_with_a_key_for_each(
    http: tuple[HttpChannel, Hub], exchange: PayerExchange
) -> None:
    channel, hub = http
    hub.waiting["era.x12"] = ANSWER
    await exchange.send("000000001.837", CLAIMS, "hub")
    assert await carry_once("hub", connector(channel), exchange, set()) == (1, 1)
    assert hub.received == {"000000001.837": CLAIMS}
    assert [len(key) for key in hub.keys] == [64]
    assert (incoming(exchange), hub.waiting) == ({"hub-era.x12": ANSWER}, {})


async def test_an_outage_loses_nothing_and_the_loop_goes_on(
    http: tuple[HttpChannel, Hub], exchange: PayerExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rcm_billing.gateways.channels._FIRST_PAUSE_S", 0.02)
    channel, hub = http
    hub.down = True
    hub.waiting["era.x12"] = ANSWER
    await exchange.send("000000001.837", CLAIMS, "hub")
    task = asyncio.create_task(carry("hub", connector(channel), exchange, 0.02))
    try:
        await asyncio.sleep(0.15)
        assert hub.received == {}
        hub.down = False
        async with asyncio.timeout(10):
            while not incoming(exchange):
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
    assert hub.received == {"000000001.837": CLAIMS}


def test_settings_of_channels_are_read_or_refused_by_the_place_of_the_fault(tmp_path: Path) -> None:
    assert read_channels(None) == {}
    path = tmp_path / "channels.json"
    path.write_text(json.dumps({"hub": {"kind": "http", "base_url": "https://hub.example/edi"}}))
    assert read_channels(path)["hub"].kind == "http"
    for text, place in (
        ('{"hub": {"kind": "ftp", "host": "s3cret"}}', "hub"),
        ('{"hub": {"kind": "sftp", "host": "s3cret"}}', "hub.sftp.username"),
        ("{", "json_invalid"),
    ):
        path.write_text(text)
        with pytest.raises(ChannelSettingsError) as caught:
            read_channels(path)
        assert place in str(caught.value)
        assert "s3cret" not in str(caught.value)
    with pytest.raises(ChannelSettingsError):
        read_channels(tmp_path / "missing.json")
