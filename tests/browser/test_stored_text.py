"""A hundred hostile texts in every word of a partner's data: each page shows them as text, runs none, and stays as wide as its window."""

import html
import re
from collections.abc import Iterator

import asyncpg
import pytest

from simulator.story.cast import CASTS, Cast
from simulator.story.client import Api
from tests.browser.chromium import Tab, Visitors
from tests.browser.copied import COPY, cast_of, fill, provision
from tests.browser.payloads import PAYLOADS
from tests.browser.people import Portal
from tests.browser.routes import page_routes
from tests.installation import Running
from tests.nouns import OWNER, TABLES, Rows

pytestmark = pytest.mark.feature("M187")

AREAS = {"home": "customer_admin", "ops": "operator", "admin": "partner_admin"}
MOST = 3
"""Rows of a noun whose page is visited."""


@pytest.fixture(scope="module")
async def quarry(portal: Portal, rows: Rows, installation: Running) -> Cast:
    """The partner whose every word is hostile; its people are those it was copied from, with addresses of their own."""
    provision(Api(installation.setting.base_url, {"authorization": f"Bearer {installation.setting.platform_key}"}))
    superuser = await asyncpg.connect(installation.installation.postgres.url("postgres"))
    try:
        await fill(superuser, OWNER)
    finally:
        await superuser.close()
    portal.also(COPY, cast_of(CASTS[OWNER]))
    return cast_of(CASTS[OWNER])


@pytest.fixture(scope="module")
async def addresses(quarry: Cast, rows: Rows, installation: Running) -> dict[str, list[str]]:
    """Every page of each area, for up to three rows of its nouns."""
    del quarry
    found: dict[str, list[str]] = {area: [] for area in AREAS}
    superuser = await asyncpg.connect(installation.installation.postgres.url("postgres"))
    try:
        known = {
            name: [str(each["id"]) for each in await superuser.fetch(f"select id from {table} where tenant_id = (select t.id from core.tenant t "
            "join core.partner p on p.id = t.partner_id where p.slug = $1) order by id desc limit 3", COPY)] for name, table in TABLES.items()
        }  # fmt: skip
    finally:
        await superuser.close()
    for route in page_routes():
        if route.method == "GET" and route.area in found:
            ids = {**known, **{name: rows.of_customer.get(name, []) for name in route.ids if route.area == "home"}}
            for index in range(MOST if route.ids else 1):
                if all(len(ids[name]) > index for name in route.ids):
                    found[route.area].append(route.at({name: ids[name][index] for name in route.ids}))
    return found


class TestHostileTexts:
    def test_are_a_hundred(self) -> None:
        assert len(set(PAYLOADS)) >= 100
        assert max(map(len, PAYLOADS)) <= 200  # what a name may have at most

    @pytest.mark.parametrize("area", AREAS)
    async def test_stay_texts(self, visitors: Visitors, quarry: Cast, addresses: dict[str, list[str]], area: str) -> None:
        who = visitors.portal.person(COPY, AREAS[area])
        seen, wrong, read, browserless = 0, [], "", visitors.portal.client(who)
        async with visitors.tab(who, width=360) as tab:
            for address in addresses[area]:
                answer = browserless.get(address)
                read += answer.text
                if "<html" not in answer.text or answer.status_code == 404 or address.endswith(("/changed", "/newer")):
                    continue  # a file, a piece of a page, or something of which the copy has none
                seen += 1
                tab.watch.clear()
                await tab.page.goto(visitors.portal.address(COPY, address))
                wrong += [f"{address}: {each}" for each in await _harm(tab, answer.status_code)]
        assert wrong == [], f"{len(wrong)}: " + "\n".join(wrong[:20])
        assert seen >= 5
        shown = [payload for payload in PAYLOADS if html.escape(payload) in read or _escaped(payload) in read]
        assert len(shown) >= 15, f"only {len(shown)} of the texts were shown at all"


# A page in the partner's frame has one main part and a foot; a letter or preview has no frame.
_BROKEN_FRAME = (
    "!!document.querySelector('a.skip') && (document.querySelectorAll('main').length !== 1 || !document.querySelector('footer'))"
)


async def _harm(tab: Tab, status: int) -> Iterator[str]:
    """What a hostile text did to the page that shows it."""
    page, watch = tab.page, tab.watch
    found = [f"answered {status}"] if status >= 400 else []
    if await page.evaluate("window.__canary") is not None:
        found.append("a text was run")
    found += [f"the policy had to refuse {each}" for each in await page.evaluate("window.__violations || []")]
    found += [f"asked {each}" for each in watch.elsewhere] + watch.dialogs + [each for each in watch.said if "status of" not in each]
    found += [f"too wide: {each}" for each in await tab.sideways()]
    if await page.evaluate(_BROKEN_FRAME):
        found.append("the frame is broken")
    if re.search(
        r"(?<!\d)49(?!\d)",
        " ".join(
            await page.evaluate(
                "[...document.querySelectorAll('bdi, td, dd, h1, h2, p')].filter(e => e.textContent.trim() === '49').map(e => e.textContent)"
            )
        ),
    ):
        found.append("a template was run")
    return iter(found)


def _escaped(text: str) -> str:
    """A text as the pages' own templates write it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;").replace('"', "&#34;")
