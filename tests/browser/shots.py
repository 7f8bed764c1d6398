"""Pictures of every page to look at: in light and dark, at 360 px, and read from right to left.

usage: python -m tests.browser.shots FOLDER [--only PREFIX] [--script-off] [--home FOLDER]
Takes an installation of its own, or the one that runs under --home (`detour up --home FOLDER`), after its story.
"""

import argparse
import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.progress import track

from app.cli.up import Installation, variables
from simulator.story.book import Book
from simulator.story.client import Outside
from simulator.story.play import play
from tenants.roles import BUILT_IN
from tests.browser.chromium import Theme, Visitors, chromium
from tests.browser.people import CUSTOMER_ROLES, PARTNER_ROLES, PARTNERS, Portal
from tests.browser.routes import PageRoute, page_routes
from tests.installation import running
from tests.nouns import TABLES

_NEWEST = """select id from {table} t where tenant_id = (select t.id from core.tenant t join core.partner p on p.id = t.partner_id where p.slug = $1)
    order by id desc limit 1"""


@dataclass(frozen=True)
class Shot:
    """One way to look at a page."""

    name: str
    theme: Theme = "light"
    width: int = 1280
    rtl: bool = False


SHOTS = (
    Shot("light"),
    Shot("dark", theme="dark"),
    Shot("360", width=360),
    Shot("360-dark", theme="dark", width=360),
    Shot("rtl", rtl=True),
)
_RTL = "document.documentElement.dir = 'rtl'"


def role_of(route: PageRoute) -> str:
    """Who looks at this page: the first role that may."""
    known = CUSTOMER_ROLES if route.area == "home" else ("operator", "partner_admin", "approver") if route.area == "any" else PARTNER_ROLES
    return next((role for role in known if route.permission in ("signed-in", "", *BUILT_IN[role].permissions)), known[0])


async def newest(url: str, partner: str) -> dict[str, str]:
    """The newest row of each noun of a partner."""
    connection = await asyncpg.connect(url)
    try:
        found = {name: await connection.fetchval(_NEWEST.format(table=table), partner) for name, table in TABLES.items()}
    finally:
        await connection.close()
    return {name: str(value) for name, value in found.items() if value}


async def take(visitors: Visitors, partner: str, folder: Path, ids: dict[str, str], only: str, *, script: bool) -> list[str]:
    """Look at every page that can be addressed; what looked wrong by itself, a line each."""
    routes = [
        route for route in page_routes() if route.method == "GET" and route.path.startswith(only) and all(name in ids for name in route.ids)
    ]
    wrong = []
    for shot in SHOTS:
        for route in track(routes, f"{partner} {shot.name}", console=Console(stderr=True)):
            wrong += await _one(visitors, partner, folder, route, route.at(ids), shot, script=script)
    return wrong


async def _one(visitors: Visitors, partner: str, folder: Path, route: PageRoute, path: str, shot: Shot, *, script: bool) -> list[str]:
    who = None if route.area == "open" else visitors.portal.person(partner, role_of(route))
    name = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\{([a-z_]+)\}", r"\1", route.path)).strip("-") or "home"
    async with visitors.tab(who, partner, theme=shot.theme, width=shot.width, script=script) as tab:
        answer = await tab.page.goto(visitors.portal.address(partner, path))
        if shot.rtl and script:
            await tab.page.evaluate(_RTL)
        await tab.page.screenshot(path=folder / f"{partner}-{name}-{shot.name}.png", full_page=True, animations="disabled")
        wrong = [] if answer and answer.status < 400 else [f"{path} answered {answer.status if answer else 'nothing'}"]
        if script:
            wrong += [f"{path} ({shot.name}) is too wide: {each}" for each in await tab.sideways()]
            wrong += [f"{path} ({shot.name}) said {each}" for each in tab.watch.said if "status of 4" not in each]
        return wrong


@contextmanager
def _installation(home: Path | None) -> Iterator[tuple[str, Outside, str]]:
    """Address, world and database of the running installation, or of one that was just told the story."""
    if home is None:
        with running() as started:
            play(started.setting, Book())
            yield started.setting.base_url, started.setting.outside, started.installation.postgres.url("postgres")
        return
    known = variables(home)
    base = Installation(home, Console(quiet=True))
    base.postgres.port = int((home / "pg" / "postmaster.pid").read_text().splitlines()[3])
    yield known["DETOUR_BASE_URL"], Outside(known["MAIL"].removesuffix("/mail/messages")), base.postgres.url("postgres")


async def _take_all(options: argparse.Namespace, base_url: str, outside: Outside, database: str) -> list[str]:
    wrong = []
    async with chromium(Portal(base_url, outside)) as visitors:
        for partner in options.partner or PARTNERS[:1]:
            wrong += await take(
                visitors, partner, options.folder, await newest(database, partner), options.only, script=not options.script_off
            )
    return wrong


def main() -> int:
    """Take the pictures, and print what is wrong at first sight."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.shots", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="/", help="pages whose address begins so")
    parser.add_argument("--partner", action="append", choices=PARTNERS)
    parser.add_argument("--script-off", action="store_true", help="without JavaScript")
    parser.add_argument("--home", type=Path, help="an installation that runs already")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with _installation(options.home) as (base_url, outside, database):
        wrong = asyncio.run(_take_all(options, base_url, outside, database))
    for line in dict.fromkeys(wrong):
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
