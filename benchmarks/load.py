"""A load generator that costs little: raw HTTP/1.1 over kept connections, one request in flight each."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Load:
    """What a round did: answers by status, seconds, and each answer's latency in seconds."""

    statuses: dict[int, int]
    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Successful answers a second."""
        return sum(n for s, n in self.statuses.items() if s < 300) / self.seconds


async def run(port: int, make: Callable[[int], bytes], total: int, connections: int) -> Load:
    """Send `total` requests over `connections` to this machine's `port`; `make(n)` gives the nth request's bytes."""
    statuses: dict[int, int] = {}
    latencies: list[float] = []
    counter = iter(range(total))

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for n in counter:
                started = time.perf_counter()
                writer.write(make(n))
                status = await _answer(reader)
                latencies.append(time.perf_counter() - started)
                statuses[status] = statuses.get(status, 0) + 1
        finally:
            writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return Load(statuses, time.perf_counter() - started, latencies)


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length = 0
    for line in head.split(b"\r\n")[1:]:
        if line[:15].lower() == b"content-length:":
            length = int(line[15:])
    if length:
        await reader.readexactly(length)
    return status


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of one POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
