"""The signed checkpoint: one root over all chain heads, so that a rewrite of the whole database shows.

Wire: a C2SP tlog-checkpoint (origin, size, root in base64, then our count of records) as a signed note with
one Ed25519 signature. A copy outside the database is what makes it worth having.
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rcm_audit.domain import merkle
from rcm_audit.domain.journal import ChainHead

ORIGIN = "claimstream/audit"
_ED25519 = b"\x01"


class CheckpointError(ValueError):
    """A note that cannot be read or whose signature does not hold."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is signed: number of chains, number of records, root over the heads in id order."""

    chains: int
    records: int
    root: bytes

    def text(self) -> str:
        """Return the lines that are signed."""
        root = base64.b64encode(self.root).decode()
        return f"{ORIGIN}\n{self.chains}\n{root}\nrecords {self.records}\n"


def leaf(key: UUID, head: ChainHead) -> bytes:
    """Return the Merkle leaf of one chain: its id, its length, its last hash."""
    return key.bytes + head.length.to_bytes(8, "big") + head.hash


def checkpoint_of(heads: Iterable[tuple[UUID, ChainHead]]) -> Checkpoint:
    """Compute the checkpoint of chain heads that come in id order."""
    chains = records = 0

    def leaves() -> Iterable[bytes]:
        nonlocal chains, records
        for key, head in heads:
            chains += 1
            records += head.length
            yield leaf(key, head)

    root = merkle.root(leaves())
    return Checkpoint(chains, records, root)


def _key_id(key: Ed25519PublicKey) -> bytes:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(ORIGIN.encode() + b"\n" + _ED25519 + raw).digest()[:4]


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Return the signed note."""
    text = checkpoint.text()
    signature = base64.b64encode(_key_id(key.public_key()) + key.sign(text.encode())).decode()
    return f"{text}\n— {ORIGIN} {signature}\n"


def read(note: str, key: Ed25519PublicKey) -> Checkpoint:
    """Check a signed note and return its checkpoint.

    Raises: CheckpointError when it is malformed or not signed by this key.
    """
    text, separator, tail = note.rpartition("\n\n")
    text += "\n"
    marker, _, signature = tail.strip().rpartition(" ")
    if not separator or marker != f"— {ORIGIN}":
        raise CheckpointError("not a signed note")
    try:
        blob = base64.b64decode(signature, validate=True)
        if blob[:4] != _key_id(key):
            raise CheckpointError("signed by another key")
        key.verify(blob[4:], text.encode())
        origin, size, root, records = text.splitlines()
        checkpoint = Checkpoint(int(size), int(records.removeprefix("records ")), base64.b64decode(root))
    except InvalidSignature:
        raise CheckpointError("the signature does not hold") from None
    except ValueError as error:
        raise error if isinstance(error, CheckpointError) else CheckpointError("malformed") from None
    if origin != ORIGIN or checkpoint.text() != text:
        raise CheckpointError("malformed")
    return checkpoint
