"""The socket under a request: faults such as a reset live there, where no HTTP framework reaches."""

import asyncio
import socket
import struct
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

EXTENSION = "transport"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class OpenSocketProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol that hands its transport to the application in the scope."""

    def on_message_begin(self) -> None:
        """Put the transport beside the request."""
        super().on_message_begin()
        cast(dict[str, Any], self.scope)[EXTENSION] = self.transport


def reset(scope: dict[str, Any]) -> None:
    """Cut the connection so that the peer sees ECONNRESET, not an orderly end."""
    transport: asyncio.Transport = scope[EXTENSION]
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
