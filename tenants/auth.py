"""Authentication: from a request's headers to a Principal.

Look-ups are kept five seconds, good and bad ones alike: a revoked key or ended session is refused everywhere within that
time, and somebody hammering with one wrong key costs one look-up in five seconds.
"""

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from app.core.context import acting_for
from app.core.errors import NotAllowed, Unauthenticated
from app.core.services import Shell
from tenants import credentials, keys, sessions
from tenants.credentials import Known
from tenants.principal import PermissionMissing, Principal

CACHE_SECONDS = 5.0
_MOST_CACHED = 20_000
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST_TOKEN = 200

_NONE: "tuple[float, asyncio.Future[Known | None] | None]" = (0.0, None)

RawHeaders = Iterable[tuple[bytes, bytes]]


class CredentialMissing(Unauthenticated):
    """Send an API key as `Authorization: Bearer …`, or sign in."""


class CredentialAmbiguous(Unauthenticated):
    """Send one credential: there is more than one Authorization header or session cookie."""


class CredentialRefused(Unauthenticated):
    """This credential is not valid (any more)."""


class AddressRefused(NotAllowed):
    """This key may not be used from this address."""


class CsrfTokenMissing(NotAllowed):
    """A browser's changing requests carry the session's token in X-CSRF-Token."""


@dataclass
class Cache:
    """Answers by credential, for `seconds`; the oldest goes first when there are too many. Keys are hashes, never credentials."""

    seconds: float = CACHE_SECONDS
    timer: Callable[[], float] = time.monotonic
    _entries: OrderedDict[bytes, tuple[float, Known | None]] = field(default_factory=OrderedDict)
    _flights: "dict[bytes, tuple[float, asyncio.Future[Known | None]]]" = field(default_factory=dict)

    def get(self, key: bytes) -> tuple[bool, Known | None]:
        """Return whether an answer is there, and the answer (None: refused)."""
        until, known = self._entries.get(key, (0.0, None))
        return self.timer() < until, known

    async def ask(self, key: bytes, question: Callable[[], Coroutine[Any, Any, Known | None]]) -> Known | None:
        """Ask once, however many wait for the answer, and keep it.

        Its age counts from when the question was asked, so that no revocation in between is outlived.
        """
        asked_at, flight = self._flights.get(key, _NONE)
        if flight is None or self.timer() >= asked_at + self.seconds:
            flight = asyncio.ensure_future(self._answered(key, question, self.timer()))
            self._flights[key] = (self.timer(), flight)
            flight.add_done_callback(lambda done: self._land(key, done))
        # Shielded: that one of those who wait gives up is no reason to leave the others without an answer.
        return await asyncio.shield(flight)

    async def _answered(self, key: bytes, question: Callable[[], Coroutine[Any, Any, Known | None]], asked_at: float) -> Known | None:
        known = await question()
        self._put(key, known, asked_at)
        return known

    def _land(self, key: bytes, flight: "asyncio.Future[Known | None]") -> None:
        if self._flights.get(key, _NONE)[1] is flight:
            del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # seen, also when everybody who waited has gone

    def _put(self, key: bytes, known: Known | None, asked_at: float) -> None:
        self._entries[key] = (asked_at + self.seconds, known)
        self._entries.move_to_end(key)
        while len(self._entries) > _MOST_CACHED:
            self._entries.popitem(last=False)

    def forget(self, id: UUID) -> None:
        """Drop what is kept of one key or session: this process refuses it at once."""
        for key in [k for k, (_, known) in self._entries.items() if known and known.id == id]:
            del self._entries[key]


async def authenticate(shell: Shell, headers: RawHeaders, client_ip: str | None, *, method: str = "GET", csrf: bool = True) -> Principal:
    """Return who is asking; raises Unauthenticated (nobody we know) or NotAllowed (from the wrong address, without the CSRF token).

    `headers` are the request's, names in lower case, as ASGI gives them. Without `csrf` the caller checks the token itself,
    before it changes anything: a form carries it in a field.
    """
    acting_for.set(None)
    given = list(headers)
    token, by_cookie = _credential(given)
    host = _one(given, b"host").rsplit(":", 1)[0].lower()
    known = await _known(shell, token)
    if known is None or (known.host is not None and known.host != host):
        raise CredentialRefused()
    if known.networks and not _is_within(client_ip, known.networks):
        await _record_denial(shell, known.principal, {"reason": "address"})
        raise AddressRefused()
    if csrf and by_cookie and method not in _SAFE and not sessions.is_csrf_of(_one(given, sessions.CSRF_HEADER), token):
        raise CsrfTokenMissing()
    acting_for.set(known.principal.acting_for)
    return known.principal


async def require(shell: Shell, principal: Principal, permission: str, *, route: str, cause: str | None = None) -> None:
    """Raise PermissionMissing unless `permission` is held; the refusal is recorded as access.denied, in a transaction of its own."""
    try:
        principal.require(permission)
    except PermissionMissing:
        await _record_denial(shell, principal, {"permission": permission, "route": route}, cause)
        raise


async def still(shell: Shell, token: str, principal: Principal) -> bool:
    """Tell whether a session still stands for exactly this principal, asking anew: for what stays open longer than a request."""
    known = await _look_up(shell, token)
    return known is not None and known.principal == principal and (known.expires_at is None or known.expires_at > shell.clock.now())


def cache_of(shell: Shell) -> Cache:
    """Return this process's cache."""
    return cast(Cache, shell.extras.setdefault("tenants.auth", Cache()))


async def _known(shell: Shell, token: str) -> Known | None:
    cache, key = cache_of(shell), sessions.hash_of(token)
    fresh, known = cache.get(key)
    if not fresh:
        known = await cache.ask(key, lambda: _look_up(shell, token))
    if known is not None and known.expires_at is not None and known.expires_at <= shell.clock.now():
        return None
    return known


async def _look_up(shell: Shell, token: str) -> Known | None:
    if token.startswith(sessions.BEARER_PREFIX):
        return await credentials.of_session(shell, token)
    key = keys.parse(token, prefix=shell.settings.key_prefix)
    return await (credentials.of_platform_key(shell, key) if key.environment == "platform" else credentials.of_key(shell, key))


def _credential(headers: list[tuple[bytes, bytes]]) -> tuple[str, bool]:
    """Return the credential and whether a browser's cookie carried it; a header beats a cookie."""
    bearer = _one(headers, b"authorization")
    if bearer:
        kind, _, token = bearer.partition(" ")
        if kind.lower() != "bearer" or not 0 < len(token.strip()) <= _LONGEST_TOKEN:
            raise CredentialMissing()
        return token.strip(), False
    cookies = [pair.strip().split("=", 1) for name, value in headers if name == b"cookie" for pair in value.decode("latin-1").split(";")]
    found = [pair[1] for pair in cookies if pair[0] == sessions.COOKIE and len(pair) == 2]
    if len(found) > 1:
        raise CredentialAmbiguous()
    if not found or not found[0].startswith(sessions.BEARER_PREFIX) or len(found[0]) > _LONGEST_TOKEN:
        raise CredentialMissing()
    return found[0], True


def _one(headers: list[tuple[bytes, bytes]], name: bytes) -> str:
    values = [value for key, value in headers if key == name]
    if len(values) > 1:
        raise CredentialAmbiguous()
    return values[0].decode("latin-1") if values else ""


def _is_within(client_ip: str | None, networks: tuple[str, ...]) -> bool:
    try:
        address = ipaddress.ip_address(client_ip or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in ipaddress.ip_network(network, strict=False) for network in networks)


async def _record_denial(shell: Shell, principal: Principal, data: dict[str, object], cause: str | None = None) -> None:
    if principal.tenant_id is None:
        return
    opened = shell.unit_of_work(
        principal.tenant_id, actor=principal.actor, customer=principal.customer_id, case=principal.case_id, cause=cause
    )
    async with opened as uow:
        uow.publish("access.denied", subject=principal.actor, data=data)
