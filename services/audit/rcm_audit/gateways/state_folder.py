"""The folder outside the database: the signing key and a copy of every checkpoint."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


class StateFolder:
    """Holds `checkpoint-key.pem` (mode 0600) and `checkpoints/<number>.txt`."""

    def __init__(self, folder: Path, key_file: Path | None = None) -> None:
        self._folder = folder
        self._key_file = key_file or folder / "checkpoint-key.pem"
        self._own_key = key_file is None

    def signing_key(self) -> Ed25519PrivateKey:
        """Return the signing key; the default one is made at the first start.

        Raises: ValueError when the file holds no Ed25519 key, FileNotFoundError when a key named in the
        settings is not there.
        """
        if self._own_key and not self._key_file.exists():
            self._make_key()
        key = load_pem_private_key(self._key_file.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the checkpoint key is not an Ed25519 key")
        return key

    def _make_key(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        draft = self._key_file.with_suffix(f".{os.getpid()}.tmp")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
        try:
            os.link(draft, self._key_file)  # the first of two starting processes wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()

    def keep(self, number: int, note: str) -> None:
        """Write a copy of a checkpoint by an atomic rename."""
        folder = self._folder / "checkpoints"
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"{number:010d}.tmp"
        draft.write_text(note, encoding="utf-8")
        draft.replace(folder / f"{number:010d}.txt")

    def last_copy(self) -> tuple[int, str] | None:
        """Return the number and text of the newest copy."""
        copies = sorted((self._folder / "checkpoints").glob("*.txt"))
        return (int(copies[-1].stem), copies[-1].read_text(encoding="utf-8")) if copies else None
