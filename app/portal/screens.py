"""A screen: one page in the partner's brand for one reader, and what a submitted form leads to."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

from litestar import Response
from litestar.enums import MediaType

from app.core import repeats
from app.core.errors import Fault
from app.core.ids import new_id
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.portal import asset_tags, words
from app.portal.forms import Form
from app.portal.reader import Look, Reader
from branding import formats
from branding.screens import Screens
from tenants import sessions
from tenants.boundary import as_fault

T = TypeVar("T")
Change = Callable[[UnitOfWork], Awaitable[T]]
Again = Callable[[UnitOfWork, Form], Awaitable[Response[str]]]
HTMX = (
    '{"includeIndicatorStyles":false,"allowEval":false,"historyCacheSize":0,"refreshOnHistoryMiss":true,"selfRequestsOnly":true,'
    '"responseHandling":[{"code":"204","swap":false},{"code":"[2345]..","swap":true}]}'
)


class Screen:
    """What a page's handler works with: the reader, the brand, and the ways to answer. `reader` is None on signed-out pages."""

    def __init__(
        self, shell: Shell, *, area: str, path: str, query: str, host: str, look: Look, reader: Reader | None, token: str, request_id: str
    ) -> None:
        self.shell, self.area, self.path, self.query, self.host, self.look = shell, area, path, query, host, look
        self._reader, self._token, self._request = reader, token, request_id
        voice = look.brand.voice if look.brand else None
        self.locale = reader.locale if reader else voice.locale if voice else words.FALLBACK
        self.zone = reader.zone if reader else voice.zone if voice else "UTC"
        self.now: datetime = shell.clock.now()

    @property
    def reader(self) -> Reader:
        """Who reads; only pages of people who are signed in ask."""
        if self._reader is None:
            raise RuntimeError("this page is shown to people who aren't signed in")
        return self._reader

    @property
    def is_signed_in(self) -> bool:
        """Whether somebody is signed in."""
        return self._reader is not None

    def say(self, key: str, **values: object) -> Any:
        """Our sentence `key` in the reader's language, escaped."""
        return words.say(words.words(self.area, self.locale), key, **values)

    def show(
        self, template: str, *, status: int = 200, form: Form | None = None, leads_to: Sequence[str] = (), headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> Response[str]:  # fmt: skip
        """Answer with a page. `leads_to` are other origins a form of this page may end at (an identity provider)."""
        nonce = secrets.token_urlsafe(18)
        html = _templates().render(template, {**self._context(nonce), "form": form or Form(), **context})
        return Response(html, status_code=status, media_type=MediaType.HTML, headers={**page_headers(nonce, leads_to), **(headers or {})})

    def fragment(self, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any) -> Response[str]:
        """Answer a script's request with a piece of a page."""
        html = _templates().render(template, {**self._context(""), "form": Form(), **context})
        return Response(html, status_code=status, media_type=MediaType.HTML, headers={"Cache-Control": "no-store", **(headers or {})})

    def go(self, to: str, *, done: str = "", **values: str) -> Response[str]:
        """Send the browser to another page of ours, which says that `done` is done."""
        return Response("", status_code=303, headers={"Location": _with_query(to, {"done": done, **values} if done else values)})

    async def change(self, change: Change[T], form: Form, *, then: str | Callable[[T], str], again: Again, done: str = "") -> Response[str]:
        """Do what a form asks, once, in the reader's own transaction, and go on to `then`.

        What is refused shows `again` with what was typed and what was wrong, from a fresh read. A form sent twice
        (a double click, a reload) is done once and leads to the same place.
        """
        try:
            async with self.work() as uow:
                claimed = await self._claim(uow, form)
                if isinstance(claimed, repeats.Seen):
                    return self.go(claimed.headers.get("location", self.path))
                result = await change(uow)
                target = _with_query(then(result) if callable(then) else then, {"done": done} if done else {})
                if claimed is not None:
                    await repeats.keep(uow, claimed, 303, {"location": target}, b"")
        except Exception as error:
            fault = as_fault(error)
            if not isinstance(fault, Fault) or fault.status >= 500:
                raise
            return await self.again(again, form.refused(fault), fault.status)
        return self.go(target)

    async def reveal(
        self, change: Change[T], form: Form, *, show: Callable[[T], Response[str]], again: Again, then: str, done: str = ""
    ) -> Response[str]:
        """Do what a form asks, once, and answer with `show`: a page that holds what is shown this once, such as a new secret.

        Sent again, the form leads to `then`. What is refused shows `again`, as in `change`.
        """
        try:
            async with self.work() as uow:
                claimed = await self._claim(uow, form)
                if isinstance(claimed, repeats.Seen):
                    return self.go(then, done=done)
                result = await change(uow)
                if claimed is not None:
                    await repeats.keep(uow, claimed, 303, {"location": _with_query(then, {"done": done} if done else {})}, b"")
        except Exception as error:
            fault = as_fault(error)
            if not isinstance(fault, Fault) or fault.status >= 500:
                raise
            return await self.again(again, form.refused(fault), fault.status)
        return show(result)

    async def again(self, again: Again, form: Form, status: int = 422) -> Response[str]:
        """Show a form once more, with what was wrong."""
        async with self.read() as uow:
            answer = await again(uow, form)
        answer.status_code = status
        return answer

    def work(self) -> Any:
        """A transaction of the reader's own."""
        who = self.reader.principal
        return self.shell.unit_of_work(
            who.tenant, actor=who.actor, customer=who.customer_id, case=who.case_id, cause=f"request:{self._request}"
        )

    def read(self) -> Any:
        """A read-only transaction of the reader's own."""
        who = self.reader.principal
        return self.shell.read(who.tenant, actor=who.actor, customer=who.customer_id, case=who.case_id)

    async def _claim(self, uow: UnitOfWork, form: Form) -> "UUID | repeats.Seen | None":
        if not 16 <= len(form.once) <= 64:
            return None
        digest = hashlib.sha256(f"{self.path}\n{form.once}".encode()).digest()
        return await repeats.claim(uow, principal=self.reader.principal.actor, key=f"form:{digest.hex()}", digest=digest)

    def _context(self, nonce: str) -> dict[str, Any]:
        language = words.spoken(self.area, self.locale)
        sentences = words.words(self.area, self.locale)
        reader, brand = self._reader, self.look.brand
        return {
            "screen": self, "reader": reader, "brand": brand, "voice": brand.voice if brand else None, "area": self.area, "path": self.path, "nonce": nonce,
            "logo": "/brand/logo.png" if self.look.has_logo else "", "has_wordmark": self.look.has_wordmark, "language": language, "direction": formats.direction(language), "htmx": HTMX,
            "say": partial(words.say, sentences), "has_word": sentences.__contains__, "may": reader.may if reader else (lambda _: False),
            "csrf": sessions.csrf_of(self._token) if self._token else "", "once": str(new_id()), "now": self.now, "done": self._done(sentences),
            "when": self.when, "day": self.day, "ago": self.ago, "left": self.left, "money": self.money, "number": self.number, "url": url,
            "asset": partial(asset_path, self.look, self.host), "has_htmx": asset_tags.is_there("htmx.js"), "query": self.query,
        }  # fmt: skip

    def _done(self, sentences: Mapping[str, str]) -> str:
        key = "done_" + parse_qs(self.query).get("done", [""])[0]
        return sentences.get(key, "")

    def when(self, at: datetime | None, until: datetime | None = None, *, zone: str = "") -> str:
        """A moment in the reader's zone; the place's own zone beside it when it differs."""
        if at is None:
            return ""
        here = formats.moment(at, self.locale, self.zone, until=until)
        if zone and at.astimezone(formats.zone_of(zone)).utcoffset() != at.astimezone(formats.zone_of(self.zone)).utcoffset():
            return f"{here} ({formats.moment(at, self.locale, zone, until=until)})"
        return here

    def day(self, at: datetime | None) -> str:
        """A date in the reader's zone."""
        return formats.day(at, self.locale, self.zone) if at else ""

    def ago(self, at: datetime | None) -> str:
        """How long ago, or how soon, in the reader's words."""
        return formats.distance(at - self.now, self.locale) if at else ""

    def left(self, until: datetime | None) -> str:
        """The time until a moment as hours and minutes, `-0:05` when it is over."""
        return formats.clock(until - self.now) if until else ""

    def money(self, minor: int | None, currency: str | None) -> str:
        """An amount as the reader writes it."""
        return formats.money(minor, currency, self.locale) if minor is not None and currency else ""

    def number(self, value: float, digits: int = 0) -> str:
        """A number as the reader writes it."""
        return formats.number(value, self.locale, digits)


def page_headers(nonce: str, leads_to: Sequence[str] = ()) -> dict[str, str]:
    """The headers of every screen: our own style and script alone, nothing of others, nothing kept."""
    forms = " ".join(["'self'", *leads_to])
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action {forms}; "
        "frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Robots-Tag": "noindex, nofollow",
    }


def url(path: str, **query: Any) -> str:
    """A path with a query string of what isn't empty."""
    return _with_query(path, {k: str(v) for k, v in query.items() if v not in (None, "", False)})


def asset_path(look: Look, host: str, name: str) -> str:
    """The address of an asset, which changes with its content, its brand and its host."""
    return f"/assets/{name}?v={asset_tags.tag(look, host, name)}"


def is_local(path: str) -> bool:
    """Whether a path leads to a page of this host and nowhere else."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and not urlsplit(path).netloc and path.isprintable()


def _with_query(path: str, more: Mapping[str, str]) -> str:
    if not more:
        return path
    base, hashed, fragment = path.partition("#")
    return f"{base}{'&' if '?' in base else '?'}{urlencode(more)}{hashed}{fragment}"


@lru_cache(maxsize=1)
def _templates() -> Screens:
    return Screens("app.portal", filters={"minutes": lambda d: int(d.total_seconds() // 60) if isinstance(d, timedelta) else d})
