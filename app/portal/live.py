"""Live pages: a stream that says that something changed; the page then fetches what it shows. It ends when the reader's right ends.

One look at the newest event serves everybody of one scope (the tenant's people, or one customer's). Every stream asks
every two seconds, past the cache, whether its session may still read.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from litestar import Request, get
from litestar.response import ServerSentEvent, ServerSentEventMessage

from app.core.errors import Fault, LimitReached
from app.core.recent import newest
from app.core.services import Shell
from app.portal.pages import PageGone
from tenants import auth, sessions
from tenants.principal import Principal

EVERY = 2.0
LONGEST = 30 * 60.0
MOST_OF_ONE = 8
_Scope = tuple[UUID, UUID | None]


class TooManyStreams(LimitReached):
    """Too many pages of yours are open at once; close some."""


@dataclass
class Streams:
    """The streams of this process: how many each person holds, and what was newest in each scope."""

    held: dict[str, int] = field(default_factory=dict)
    seen: dict[_Scope, tuple[float, str]] = field(default_factory=dict)


@get("/live", opt={"page": "any", "permission": "cases.read", "any_query": True}, include_in_schema=False)
async def follow(request: Request[Any, Any, Any], shell: Shell) -> ServerSentEvent:
    """Say `changed` whenever something happened in the reader's scope."""
    principal = cast(Principal, request.user)
    if principal.user_id is None:
        raise PageGone()
    streams = _streams(shell)
    if streams.held.get(principal.actor, 0) >= MOST_OF_ONE:
        raise TooManyStreams(retry_after=60)
    token = request.cookies.get(sessions.COOKIE, "")
    return ServerSentEvent(_told(shell, streams, principal, token), headers={"Cache-Control": "no-store"})


async def _told(shell: Shell, streams: Streams, principal: Principal, token: str) -> AsyncIterator[ServerSentEventMessage]:
    streams.held[principal.actor] = streams.held.get(principal.actor, 0) + 1
    try:
        last = await _newest(shell, streams, principal)
        yield ServerSentEventMessage(event="ready", data="", retry=5000)
        until = time.monotonic() + LONGEST
        while time.monotonic() < until:
            await asyncio.sleep(EVERY)
            try:
                if not await auth.still(shell, token, principal):
                    yield ServerSentEventMessage(event="over", data="")
                    return
                now = await _newest(shell, streams, principal)
            except Fault:
                continue  # the database is away: the page stays as it is and says when it was read
            yield ServerSentEventMessage(event="changed", data="") if now != last else ServerSentEventMessage(comment="")
            last = now
    finally:
        streams.held[principal.actor] -= 1


async def _newest(shell: Shell, streams: Streams, principal: Principal) -> str:
    scope = (principal.tenant, principal.customer_id)
    until, mark = streams.seen.get(scope, (0.0, ""))
    if time.monotonic() < until:
        return mark
    async with shell.read(principal.tenant, actor=principal.actor, customer=principal.customer_id) as uow:
        mark = str(await newest(uow))
    streams.seen[scope] = (time.monotonic() + EVERY * 0.9, mark)
    return mark


def _streams(shell: Shell) -> Streams:
    found: Streams = shell.extras.setdefault("portal.streams", Streams())
    return found


ROUTES: list[Any] = [follow]
