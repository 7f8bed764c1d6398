"""Frames on the socket between us and a child: four bytes of length (big-endian), then JSON.

A request is `{"op": …, "items": […]}`; each item is answered by one frame, in order, as soon as it is done:
`{"ok": value}`, `{"refused": message, "line": …, "column": …}` or `{"limit": message}`.
"""

import socket
import struct
from typing import Any

import orjson

HEADER = struct.Struct(">I")


def pack(payload: bytes) -> bytes:
    """One frame around a JSON document."""
    return HEADER.pack(len(payload)) + payload


def receive(sock: socket.socket) -> Any:
    """The next frame's document, or None when the other side has closed."""
    header = _exactly(sock, HEADER.size)
    body = _exactly(sock, HEADER.unpack(header)[0]) if header else b""
    return orjson.loads(body) if body else None


def _exactly(sock: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = sock.recv(min(size - len(parts), 1 << 16))
        if not part:
            return b""
        parts += part
    return bytes(parts)
