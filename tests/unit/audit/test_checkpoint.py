"""A checkpoint is read back only with its own key and unchanged; the key file is made once and private."""

import stat
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rcm_audit.domain import merkle
from rcm_audit.domain.checkpoint import CheckpointError, checkpoint_of, leaf, read, sign
from rcm_audit.domain.journal import ChainHead
from rcm_audit.gateways.state_folder import StateFolder

HEADS = [(UUID(int=n), ChainHead(n, bytes([n]) * 32)) for n in range(1, 6)]
KEY = Ed25519PrivateKey.generate()


def test_checkpoint_covers_all_heads_in_order() -> None:
    checkpoint = checkpoint_of(HEADS)
    assert (checkpoint.chains, checkpoint.records) == (5, 15)
    assert checkpoint.root == merkle.root([leaf(key, head) for key, head in HEADS])


def test_signed_note_is_read_back() -> None:
    checkpoint = checkpoint_of(HEADS)
    note = sign(checkpoint, KEY)
    assert note.splitlines()[0] == "claimstream/audit"
    assert read(note, KEY.public_key()) == checkpoint


def test_other_key_is_refused() -> None:
    with pytest.raises(CheckpointError, match="another key"):
        read(sign(checkpoint_of(HEADS), KEY), Ed25519PrivateKey.generate().public_key())


@pytest.mark.parametrize("line", range(4))
def test_changed_line_is_refused(line: int) -> None:
    lines = sign(checkpoint_of(HEADS), KEY).split("\n")
    lines[line] += "0"
    with pytest.raises(CheckpointError):
        read("\n".join(lines), KEY.public_key())


@pytest.mark.parametrize("note", ["", "x", "a\n\nb\n", "a\n\n— claimstream/audit !!\n"])
def test_garbage_is_refused(note: str) -> None:
    with pytest.raises(CheckpointError):
        read(note, KEY.public_key())


def test_key_is_made_once_and_private(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "state")
    first, second = folder.signing_key(), folder.signing_key()
    assert first.private_bytes_raw() == second.private_bytes_raw()
    assert stat.S_IMODE((tmp_path / "state" / "checkpoint-key.pem").stat().st_mode) == 0o600
    assert list((tmp_path / "state").glob("*.tmp")) == []


def test_named_key_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        StateFolder(tmp_path, tmp_path / "absent.pem").signing_key()


def test_copies_are_kept_in_order(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    assert folder.last_copy() is None
    folder.keep(9, "nine")
    folder.keep(10, "ten")
    assert folder.last_copy() == (10, "ten")
