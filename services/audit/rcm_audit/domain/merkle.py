"""Merkle tree hash over a list of leaves.

Rule: RFC 6962 section 2.1; leaf prefix 00, node prefix 01, split at the largest power of two below n.
"""

import hashlib
from collections.abc import Iterable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """Hash one leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the tree hash of leaves in their order; memory grows with the logarithm of their number."""
    stack: list[tuple[int, bytes]] = []  # complete subtrees: (size, hash), sizes falling
    for leaf in leaves:
        size, node = 1, leaf_hash(leaf)
        while stack and stack[-1][0] == size:
            node = node_hash(stack.pop()[1], node)
            size *= 2
        stack.append((size, node))
    if not stack:
        return EMPTY_ROOT
    node = stack.pop()[1]
    while stack:
        node = node_hash(stack.pop()[1], node)
    return node


def inclusion_path(position: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the audit path of the leaf at `position` (from 0), nearest sibling first.

    Rule: RFC 6962 section 2.1.1.
    """
    if len(leaves) <= 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if position < split:
        return [*inclusion_path(position, leaves[:split]), root(leaves[split:])]
    return [*inclusion_path(position - split, leaves[split:]), root(leaves[:split])]


def root_from_path(position: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """Return the root that an audit path leads to.

    Raises: ValueError when the path has not the length that position and size ask for.
    """
    node, last = leaf_hash(leaf), size - 1
    if not 0 <= position < size:
        raise ValueError("position outside the tree")
    for sibling in path:
        if last == 0:
            raise ValueError("path too long")
        if position % 2 or position == last:
            node = node_hash(sibling, node)
            while position % 2 == 0 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise ValueError("path too short")
    return node
