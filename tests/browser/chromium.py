"""Real Chromium: pages that are watched while they load, and what is asked of every one of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, Response, async_playwright

from tenants.sessions import COOKIE
from tests.browser.people import Person, Portal
from tests.real import real

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
LARGEST_PAGE = 60_000
"""Bytes of HTML before compression."""

PATIENCE = 60.0
"""Seconds for what the browser has no time-out of its own."""

Theme = Literal["light", "dark"]
_REPORT = """
window.__violations = [];
document.addEventListener('securitypolicyviolation', e => window.__violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
"""


@dataclass
class Watch:
    """What a page did while somebody looked at it."""

    host: str
    said: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    weights: dict[str, int] = field(default_factory=dict)
    expected_status: set[int] = field(default_factory=set)

    def heard(self, message: ConsoleMessage) -> None:
        """Errors and warnings of the console; a status the test asked for is none."""
        if message.type not in ("error", "warning"):
            return
        if any(f"status of {status}" in message.text for status in self.expected_status):
            return
        if message.location["url"].endswith("/favicon.ico"):
            return  # what a browser asks for by itself where a letter's preview names no mark
        self.said.append(f"{message.type}: {message.text}")

    def answered(self, response: Response) -> None:
        """What was refused, by its address: the console keeps that to itself."""
        if response.status >= 400 and response.status not in self.expected_status:
            self.said.append(f"{response.status} {response.request.method} {response.url}")

    def asked(self, request: Request) -> None:
        """Every request, and those that leave the host."""
        self.requests.append(f"{request.method} {request.url}")
        if urlsplit(request.url).netloc != self.host and not request.url.startswith(("data:", "blob:", "about:")):
            self.elsewhere.append(request.url)

    def clear(self) -> None:
        """Forget what was seen: the next page."""
        for kept in (self.said, self.requests, self.elsewhere, self.dialogs, self.weights):
            kept.clear()


class Tab:
    """One watched page of one visitor."""

    def __init__(self, page: Page, portal: Portal, partner: str) -> None:
        self.page, self.portal, self.partner = page, portal, partner
        self.watch = Watch(portal.host(partner))
        page.on("console", self.watch.heard)
        page.on("pageerror", lambda error: self.watch.said.append(f"script: {error}"))
        page.on("request", self.watch.asked)
        page.on("response", self.watch.answered)
        page.on("dialog", lambda dialog: asyncio.ensure_future(self._dismiss(dialog)))

    async def _dismiss(self, dialog: Any) -> None:
        self.watch.dialogs.append(f"{dialog.type}: {dialog.message}")
        await dialog.dismiss()

    async def open(self, path: str, *, status: int = 200, sound: bool = True) -> Response:
        """Go to a page of this partner's host, and be sure it is sound: its status, weight, silence, and that it asked nobody else."""
        self.watch.clear()
        self.watch.expected_status = {status} if status >= 400 else set()
        answer = await self.page.goto(self.portal.address(self.partner, path), wait_until="load")
        assert answer is not None
        assert answer.status == status, f"{path} answered {answer.status}, not {status}: {(await self.page.inner_text('body'))[:600]}"
        self.watch.weights[path] = len(await answer.body())
        if sound:
            await self.is_sound(path)
        return answer

    async def press(self, what: Locator | str) -> None:
        """Press what leads to another page, and wait for that page."""
        found = self.page.locator(what).first if isinstance(what, str) else what
        async with self.page.expect_navigation():
            await found.click()

    async def is_sound(self, path: str = "") -> None:
        """No error or warning in the console, nothing the policy had to refuse, nothing asked of others, a page of less than 60 KB."""
        violations = await self.page.evaluate("() => window.__violations || []")
        wrong = [*self.watch.said, *violations, *self.watch.elsewhere, *self.watch.dialogs]
        assert wrong == [], f"{path or self.page.url}: {wrong}"
        heavy = {name: weight for name, weight in self.watch.weights.items() if weight >= LARGEST_PAGE}
        assert heavy == {}, f"heavier than {LARGEST_PAGE} bytes; it asked for {self.watch.requests}"

    async def axe(self, *, without: tuple[str, ...] = ()) -> list[str]:
        """What the accessibility rules (WCAG A and AA to 2.2, and axe-core's best practice) find here, a line each."""
        await self.page.evaluate(Path(real("axe-core")).read_text())
        options = {"resultTypes": ["violations"], "rules": {name: {"enabled": False} for name in without}}
        found = await asyncio.wait_for(self.page.evaluate("options => axe.run(document, options)", options), PATIENCE)
        return [
            f"{rule['id']} ({rule['impact']}): {rule['help']} at {', '.join(' '.join(map(str, node['target'])) for node in rule['nodes'][:4])}"
            + f" | {rule['nodes'][0]['html'][:160]} | {(rule['nodes'][0].get('any') or [{}])[0].get('message', '')[:200]}"
            for rule in found["violations"]
        ]

    async def sideways(self) -> list[str]:
        """What makes the page scroll sideways: nothing may. A box that scrolls by itself is no page that does."""
        return list(await self.page.evaluate(_SIDEWAYS))


_SIDEWAYS = """() => {
  const root = document.documentElement, wide = root.clientWidth;
  if (root.scrollWidth <= wide + 1) return [];
  const inside = e => { for (let p = e.parentElement; p; p = p.parentElement) if (getComputedStyle(p).overflowX !== 'visible') return true; return false; };
  return [...document.body.querySelectorAll('*')].filter(e => { const b = e.getBoundingClientRect(); return b.width && (b.right > wide + 1 || b.left < -1) && !inside(e); })
    .slice(0, 5).map(e => `${e.tagName.toLowerCase()}.${e.className} ${Math.round(e.getBoundingClientRect().left)}–${Math.round(e.getBoundingClientRect().right)} of ${wide}: ${e.textContent.slice(0, 60)}`);
}"""


class Visitors:
    """Chromium with a profile of its own for everybody; people sign in through their mail's link, once."""

    def __init__(self, browser: Browser, portal: Portal) -> None:
        self._browser, self.portal = browser, portal

    @asynccontextmanager
    async def tab(
        self, who: Person | None, partner: str = "", *, theme: Theme = "light", width: int = 1280, script: bool = True, locale: str = "en"
    ) -> AsyncIterator[Tab]:
        """A fresh window of somebody who is signed in, or of nobody at a partner's."""
        context = await self._context(theme, width, script=script, locale=locale)
        try:
            if who is not None:
                await context.add_cookies(self._session(who))
            page = await context.new_page()
            yield Tab(page, self.portal, partner or (who.partner if who else ""))
        finally:
            await asyncio.wait_for(context.close(), PATIENCE)

    async def _context(self, theme: Theme, width: int, *, script: bool, locale: str) -> BrowserContext:
        context = await self._browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, java_script_enabled=script, locale=locale, reduced_motion="reduce"
        )
        await context.add_init_script(_REPORT)
        context.set_default_timeout(15_000)
        return context

    def _session(self, who: Person) -> list[Any]:
        """Their cookie, as Chromium takes a `__Host-` one: for an address, without a domain."""
        address = self.portal.address(who.partner).replace("http://", "https://")
        return [{"name": COOKIE, "value": self.portal.token(who), "url": address, "httpOnly": True, "secure": True, "sameSite": "Lax"}]


@asynccontextmanager
async def chromium(portal: Portal) -> AsyncIterator[Visitors]:
    """Debian's browser, started once."""
    path = real("chromium")
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=path, args=list(QUIET))
        try:
            yield Visitors(browser, portal)
        finally:
            await browser.close()
