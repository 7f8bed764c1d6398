"""Egress: the one way out to a host somebody else chose (connectors, webhooks, sign-in providers, logos, mail servers).

A name is resolved once, every answer is checked against our own table, and the connection goes to the checked address: a name that
changes its mind in between is not asked again. No redirects, no proxy from the environment, TLS verified against the name.
"""

import asyncio
import socket
import ssl
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import httpcore
import msgspec

from app.core.addresses import is_allowed, is_loopback
from app.core.errors import LimitReached, NotAllowed, Unavailable

RESPONSE_BYTES = 1 << 20
SECONDS = 15.0
PORTS = (80, 443, 8443)


class EgressRefused(NotAllowed):
    """This address can't be reached from here."""


class EgressTooLarge(LimitReached):
    """The other side answered with more than 1 MiB."""


class _Broken(Unavailable):
    """`after_write`: the request had left, so nobody here knows whether it took effect."""

    def __init__(self, detail: str, *, after_write: bool) -> None:
        super().__init__(detail)
        self.after_write = after_write


class EgressTimeout(_Broken):
    """The other side did not answer in time."""


class EgressReset(_Broken):
    """The connection could not be made or was broken."""


class Answer(msgspec.Struct, frozen=True):
    """What the other side answered; header names in lower case, the last of repeated ones wins."""

    status: int
    headers: dict[str, str]
    body: bytes


class Egress:
    """Connections pinned to checked addresses, pooled by origin. Loopback (any port) only when asked for: development."""

    def __init__(self, *, allow_loopback: bool = False, ports: Collection[int] = PORTS, tls: ssl.SSLContext | None = None) -> None:
        self._backend = _PinnedBackend(allow_loopback=allow_loopback, ports=frozenset(ports))
        self._tls = tls or ssl.create_default_context()
        self._pools: dict[asyncio.AbstractEventLoop, httpcore.AsyncConnectionPool] = {}

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b"", timeout: float = SECONDS
    ) -> Answer:
        """One exchange, `timeout` seconds (at most 15) from name to last byte.

        EgressRefused before anything is sent; EgressTimeout and EgressReset say whether it was after the request was written.
        """
        progress = _Progress()
        prepared = _prepare(method, url, headers or {}, content, progress)
        try:
            async with asyncio.timeout(min(timeout, SECONDS)):
                response = await self._pool().handle_async_request(prepared)
                try:
                    return Answer(response.status, _headers(response.headers), await _body(response))
                finally:
                    await response.aclose()
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise EgressTimeout(f"{prepared.url.host.decode()} did not answer in time.", after_write=progress.is_written) from error
        except httpcore.LocalProtocolError as error:
            raise EgressRefused(f"This request can't be sent: {error}") from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise EgressReset(f"The connection to {prepared.url.host.decode()} broke.", after_write=progress.is_written) from error

    async def open_connection(
        self, host: str, port: int, *, ports: Collection[int] | None = None, timeout: float = SECONDS, by_operator: bool = False
    ) -> socket.socket:
        """A connected, non-blocking socket to a checked address, for protocols that aren't HTTP; `ports` replaces the list.

        `by_operator`: the host stands in this installation's own settings, so it may be in a private network.
        """
        try:
            async with asyncio.timeout(min(timeout, SECONDS)):
                return await self._backend.dial(host, port, ports, by_operator)
        except TimeoutError as error:
            raise EgressTimeout(f"{host} did not answer in time.", after_write=False) from error

    async def aclose(self) -> None:
        """Close idle connections."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool:
            await pool.aclose()

    def _pool(self) -> httpcore.AsyncConnectionPool:
        loop = asyncio.get_running_loop()
        if loop not in self._pools:
            self._pools[loop] = httpcore.AsyncConnectionPool(
                ssl_context=self._tls,
                max_connections=200,
                max_keepalive_connections=50,
                keepalive_expiry=15.0,
                network_backend=self._backend,
            )
        return self._pools[loop]


class _Progress:
    """Hears from the transport how far a request has come."""

    def __init__(self) -> None:
        self.is_written = False

    async def trace(self, name: str, info: dict[str, Any]) -> None:
        # From the first header byte on the other side may have acted.
        self.is_written = self.is_written or name.endswith("send_request_headers.started")


class _PinnedBackend(httpcore.AsyncNetworkBackend):
    """Resolves, checks and connects; everything above it sees only the connected stream."""

    def __init__(self, *, allow_loopback: bool, ports: frozenset[int]) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._allow_loopback = allow_loopback
        self._ports = ports

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception | None = None
        for address in await self._checked(host, port, self._ports):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                failure = error
        raise httpcore.ConnectError(str(failure))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def dial(self, host: str, port: int, ports: Collection[int] | None, by_operator: bool) -> socket.socket:
        """A plain socket to the first checked address that takes the connection."""
        failure: OSError | None = None
        addresses = await _resolve(host, port) if by_operator else await self._checked(host, port, self._ports if ports is None else ports)
        for address in addresses:
            made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
            made.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(made, (address, port))
                return made
            except OSError as error:
                made.close()
                failure = error
            except asyncio.CancelledError:
                made.close()
                raise
        raise EgressReset(f"{host} does not take connections on port {port}.", after_write=False) from failure

    async def _checked(self, host: str, port: int, ports: Collection[int]) -> list[str]:
        """Every address of the name, once; one bad answer refuses them all."""
        addresses = await _resolve(host, port)
        if self._allow_loopback and all(is_loopback(a) for a in addresses):
            return addresses
        if port not in ports:
            raise EgressRefused(f"Port {port} is not open for connections; use one of {', '.join(map(str, sorted(ports)))}.")
        if not all(is_allowed(a) for a in addresses):
            raise EgressRefused(f"{host} leads to an address inside a private or reserved network.")
        return addresses


async def _resolve(host: str, port: int) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise EgressReset(f"There is no host {host[:200]}.", after_write=False) from error
    return list(dict.fromkeys(str(row[4][0]) for row in found))


def _prepare(method: str, url: str, headers: Mapping[str, str], content: bytes, progress: _Progress) -> httpcore.Request:
    try:
        target = httpcore.URL(url.encode("ascii"))
    except (UnicodeEncodeError, ValueError, TypeError):
        raise EgressRefused("The address is not a valid URL.") from None
    if target.scheme not in (b"http", b"https") or not target.host:
        raise EgressRefused("Only http and https addresses can be called.")
    if b"@" in url.encode("ascii").split(b"//", 1)[1].split(b"/", 1)[0]:
        raise EgressRefused("An address can't hold a user name or password; use a credential.")
    sent = {"host": _host_header(target), "accept-encoding": "identity", "content-length": str(len(content))}
    sent |= {name.lower(): value for name, value in headers.items()}
    return httpcore.Request(
        method, target, headers=[(k.encode(), v.encode("latin-1", "replace")) for k, v in sent.items()], content=content,
        extensions={"trace": progress.trace, "timeout": {"pool": SECONDS}},
    )  # fmt: skip


def _host_header(target: httpcore.URL) -> str:
    host = target.host.decode()
    host = f"[{host}]" if ":" in host else host
    return host if target.port is None else f"{host}:{target.port}"


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}


async def _body(response: httpcore.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > RESPONSE_BYTES:
            raise EgressTooLarge()
    return bytes(body)
