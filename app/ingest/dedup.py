"""What makes two messages the same: the sender's own id where there is one, otherwise what they say.

A key is 32 bytes within one source of one tenant. Two keys of different kinds never meet, so nobody can occupy
another's key by choosing an id that looks like a hash.
"""

import hashlib


def sender_key(source: str, sender_id: str) -> bytes:
    """Return the key of a message its sender numbered: a retry has the same id, whatever its signature or time."""
    return _key(b"sender", source, sender_id.encode())


def content_key(source: str, raw: bytes) -> bytes:
    """Return the key of a message nobody numbered: the same bytes are the same message."""
    return _key(b"content", source, hashlib.sha256(raw).digest())


def item_key(source: str, content: bytes) -> bytes:
    """Return the key of one document inside a message (a transaction set), from the hash of what it says."""
    return _key(b"item", source, content)


def body_hash(raw: bytes) -> bytes:
    """Return the hash kept with a key, which tells a retry from another message under a used id."""
    return hashlib.sha256(raw).digest()


def _key(kind: bytes, source: str, value: bytes) -> bytes:
    # Lengths in front: no choice of source and id can spell another pair.
    name = source.encode()
    return hashlib.sha256(kind + len(name).to_bytes(4) + name + value).digest()
