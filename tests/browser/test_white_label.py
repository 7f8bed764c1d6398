"""White label, proven: nothing that either partner's people are shown carries our name or the other partner's, and the two hosts share nothing.

What is necessarily equal on all hosts: the bytes of the two scripts. Their addresses and ETags differ from host to host, and they
may be kept by browsers only (`private`), so that no cache between has one copy for two partners. The mark (`/brand/logo.png`) is the
partner's own and stands in mails, so caches may hold it for its host.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import asyncpg
import pytest

from app.core import errors
from simulator.story.cast import CASTS, Cast
from tests.browser.crawl import Crawl, Seen, mistakes, seen
from tests.browser.people import PARTNERS, Portal
from tests.browser.routes import page_routes
from tests.installation import Running
from tests.nouns import TABLES, Rows

pytestmark = pytest.mark.feature("M112", "M204", "M186")

OURS = (
    "detour", "litestar", "uvicorn", "granian", "starlette", "sqlalchemy", "asyncpg", "dramatiq", "msgspec", "traceback (most recent", "site-packages",
    "<!--", 'name="generator"',
)  # fmt: skip
UNRENDERED = ("{{", "{%", "{#")
WRITTEN = ("/admin/templates", "/admin/audit", "/admin/workflows", "/admin/mappings", "/admin/policies", "/v1/")
"""Where people write templates and programs, or read what was written."""
EQUAL = ("/assets/htmx.js", "/assets/portal.js")
CRAWLED = page_routes()


def names(cast: Cast) -> tuple[str, ...]:
    """What only one partner's people may read."""
    return (
        cast.partner, cast.domain, cast.customer_name.lower(), cast.customer, cast.bystander, cast.account.lower(), cast.operator, cast.approver, cast.second_approver,
        cast.contact, cast.colleague, cast.bystander_contact, cast.admin, cast.analyst,
    )  # fmt: skip


def other(partner: str) -> Cast:
    """The partner beside this one."""
    return CASTS[next(name for name in PARTNERS if name != partner)]


@dataclass
class Shown:
    """All of it, by partner."""

    crawls: dict[str, Crawl]
    mistakes: dict[str, list[Seen]]

    def all(self, partner: str) -> Iterator[Seen]:
        """Every answer a partner's host gave."""
        yield from self.crawls[partner].found
        yield from self.mistakes[partner]

    def pages(self, partner: str) -> Iterator[Seen]:
        """Those that are pages."""
        return (each for each in self.all(partner) if each.header("content-type").startswith("text/html"))


@pytest.fixture(scope="module")
def shown(portal: Portal, rows: Rows, ids: dict[str, dict[str, list[str]]]) -> Shown:
    del rows
    crawls = {partner: Crawl(portal, partner) for partner in PARTNERS}
    for partner, crawl in crawls.items():
        crawl.everybody(CRAWLED, ids[partner])
    return Shown(crawls, {partner: mistakes(portal, partner) for partner in PARTNERS})


@pytest.fixture(scope="module")
async def ids(rows: Rows, installation: Running) -> dict[str, dict[str, list[str]]]:
    """Ids of each partner's own rows."""
    connection = await asyncpg.connect(installation.installation.postgres.url("postgres"))
    try:
        return {
            partner: {
                name: [
                    str(r["id"])
                    for r in await connection.fetch(
                        f"select id from {table} where tenant_id = $1 order by id desc limit 2", rows.tenants[partner]
                    )
                ]
                for name, table in TABLES.items()
            }
            for partner in PARTNERS
        }
    finally:
        await connection.close()


def _marks(texts: Iterator[tuple[str, str]], marks: tuple[str, ...]) -> list[str]:
    """Where a mark stands, with what is around it."""
    found = []
    for where, text in texts:
        for mark in marks:
            at = text.find(mark)
            if at >= 0:
                found.append(f"{where}: …{text[max(0, at - 60) : at + 60]!r}…")
    return found


@pytest.mark.parametrize("partner", PARTNERS)
class TestWhatAPartnersPeopleAreShown:
    def test_is_much(self, shown: Shown, partner: str) -> None:
        pages = [each for each in shown.crawls[partner].found if each.status == 200]
        assert len(pages) > 100
        assert {403, 404, 405, 413, 415} <= {each.status for each in shown.all(partner)}

    def test_carries_no_mark_of_ours(self, shown: Shown, partner: str) -> None:
        wrong = _marks(
            ((f"{e.who} {e.status} {e.address}", e.everything) for e in shown.all(partner) if not e.address.startswith(EQUAL)), OURS
        )
        assert wrong == [], f"{len(wrong)}: " + "\n".join(wrong[:10])

    def test_is_rendered_to_its_end(self, shown: Shown, partner: str) -> None:
        wrong = _marks(
            ((f"{e.who} {e.address}", e.everything) for e in shown.pages(partner) if not e.address.startswith(WRITTEN)), UNRENDERED
        )
        assert wrong == [], f"{len(wrong)}: " + "\n".join(wrong[:10])

    def test_carries_no_name_of_another_partner(self, shown: Shown, partner: str) -> None:
        wrong = _marks(((f"{e.who} {e.status} {e.address}", e.everything) for e in shown.all(partner)), names(other(partner)))
        assert wrong == [], f"{len(wrong)}: " + "\n".join(wrong[:10])

    def test_names_no_server(self, shown: Shown, partner: str) -> None:
        assert [e.address for e in shown.all(partner) if {"server", "x-powered-by", "via"} & {name.lower() for name, _ in e.headers}] == []

    def test_leads_nowhere_that_is_not_there(self, shown: Shown, partner: str) -> None:
        dead = shown.crawls[partner].dead
        assert dead == [], f"{len(dead)}: " + "\n".join(dead[:20])

    def test_is_kept_by_nobody(self, shown: Shown, partner: str) -> None:
        kept = [(e.address, e.header("cache-control")) for e in shown.pages(partner) if "no-store" not in e.header("cache-control")]
        assert kept == []

    def test_never_breaks(self, shown: Shown, partner: str) -> None:
        broken = [f"{e.who} {e.status} {e.address}" for e in shown.all(partner) if e.status >= 500]
        assert broken == []

    def test_is_shown_under_a_policy_without_exceptions(self, shown: Shown, partner: str) -> None:
        weak = [
            (e.address, e.header("content-security-policy")) for e in shown.pages(partner) if _is_weak(e.header("content-security-policy"))
        ]
        assert weak == []

    def test_is_light(self, shown: Shown, partner: str) -> None:
        heavy = [(e.who, e.address, e.size) for e in shown.pages(partner) if e.size >= 60_000]
        assert heavy == []

    def test_wears_the_partners_name(self, shown: Shown, partner: str) -> None:
        nameless = {
            e.address for e in shown.pages(partner) if e.status == 200 and "<title" in e.body and CASTS[partner].brand not in e.body
        }
        assert nameless == set()

    def test_gives_no_cookie_to_other_hosts(self, shown: Shown, partner: str) -> None:
        for each in shown.all(partner):
            cookie = each.header("set-cookie")
            assert not cookie or (
                cookie.startswith("__Host-")
                and "domain=" not in cookie.lower()
                and "secure" in cookie.lower()
                and "httponly" in cookie.lower()
            )

    def test_says_problems_under_neutral_names(self, shown: Shown, partner: str) -> None:
        types = {
            found
            for e in shown.all(partner)
            for found in re.findall(r'"type":\s*"([^"]+)"', e.body)
            if e.header("content-type").startswith("application/problem")
        }
        assert types
        assert [each for each in types if any(mark in each.lower() for mark in (*OURS, *names(other(partner))))] == []


def _is_weak(policy: str) -> bool:
    """Only a mail shown to its author may have style of its own, named by its hash, in a sandbox without any script."""
    is_letter = "sandbox" in policy and "script-src" not in policy
    unsafe = policy.replace("'unsafe-hashes'", "") if is_letter else policy
    return "unsafe" in unsafe or "default-src 'none'" not in policy or "http:" in policy


@pytest.mark.parametrize("partner", PARTNERS)
class TestTheMail:
    def test_is_the_partners_alone(self, portal: Portal, shown: Shown, partner: str) -> None:
        del shown
        mails = [
            mail for mail in portal.outside.mails_of_all() if partner in str(mail["from"]).lower() or partner in str(mail["envelope_from"])
        ]
        assert len(mails) > 5
        texts = (
            (
                f"{mail['subject']} to {mail['to']}",
                "\n".join([str(mail["headers"]), str(mail["text"]), str(mail["html"]), mail["raw"]]).lower(),
            )
            for mail in mails
        )
        assert _marks(texts, (*(mark for mark in OURS if mark != "<!--"), *UNRENDERED, *names(other(partner)))) == []

    def test_comes_from_nobody_else(self, portal: Portal, partner: str) -> None:
        cast = CASTS[partner]
        for address in (cast.operator, cast.contact, cast.admin):
            assert {mail["envelope_from"].split("@")[1] for mail in portal.outside.mails(address)} == {f"{partner}.example"}


class TestTwoHosts:
    def test_share_no_tag(self, shown: Shown) -> None:
        tags = [{e.header("etag") for e in shown.all(partner) if e.header("etag")} for partner in PARTNERS]
        assert all(tags)
        assert tags[0] & tags[1] == set()

    def test_share_no_address_of_an_asset(self, shown: Shown) -> None:
        addresses = [{a for a in shown.crawls[partner].assets if "?v=" in a} for partner in PARTNERS]
        assert all(addresses)
        assert addresses[0] & addresses[1] == set()

    def test_share_no_bytes_but_the_scripts(self, shown: Shown) -> None:
        bodies = [{e.body: e.address for e in shown.crawls[partner].found if e.status == 200 and e.size > 200} for partner in PARTNERS]
        equal = {bodies[0][body] for body in bodies[0].keys() & bodies[1].keys()}
        assert {address.split("?")[0] for address in equal} <= set(EQUAL)

    def test_keep_their_assets_in_browsers_only(self, shown: Shown) -> None:
        for partner in PARTNERS:
            for each in shown.all(partner):
                if each.address.startswith("/assets/") and each.status == 200:
                    assert each.header("cache-control").startswith(("private", "no-store")), (each.address, each.header("cache-control"))

    def test_answer_anothers_asset_address_with_their_own(self, portal: Portal, shown: Shown) -> None:
        first, second = PARTNERS
        sheet = next(a for a in shown.crawls[first].assets if "screen.css" in a)
        mine, theirs = (portal.client(None, partner).get(sheet) for partner in (first, second))
        assert mine.headers["etag"] != theirs.headers["etag"]
        assert mine.content != theirs.content
        assert theirs.headers["cache-control"] != mine.headers["cache-control"]  # an address that isn't the host's own is not kept

    def test_take_no_tag_of_each_other(self, portal: Portal) -> None:
        first, second = (portal.client(None, partner) for partner in PARTNERS)
        tag = first.get("/assets/portal.js").headers["etag"]
        assert first.get("/assets/portal.js", if_none_match=tag).status_code == 304
        assert second.get("/assets/portal.js", if_none_match=tag).status_code == 200

    def test_take_no_sign_in_of_each_other(self, portal: Portal) -> None:
        first, second = PARTNERS
        person = portal.person(first, "analyst")
        path = "/sign-in/" + portal.link(person).split("/sign-in/")[1]
        stranger = portal.client(None, second)
        unknown = stranger.get("/sign-in/" + "x" * 43)
        assert _bare(stranger.get(path).text, path) == _bare(unknown.text, "/sign-in/" + "x" * 43)
        refused = stranger.post(path)
        assert refused.status_code == 404
        assert "set-cookie" not in refused.headers
        own = portal.http.post(path, headers={"host": portal.host(first), "origin": f"http://{portal.host(first)}"})
        assert own.status_code == 200, "the link was used up by a stranger"

    def test_take_no_link_that_acts_of_each_other(self, portal: Portal) -> None:
        first, second = PARTNERS
        link = next(
            found
            for mail in portal.outside.mails(CASTS[first].contact)
            for found in re.findall(r"https?://[^\s\"'<>]+/l/[^\s\"'<>]+", str(mail["text"]))
        )
        path = "/l/" + link.rstrip(".,)").split("/l/")[1]
        unknown = "/l/" + "x" * (len(path) - 3)
        for client in (portal.client(None, second), portal.client(portal.person(second, "operator"))):
            for method in (client.get, client.post):
                theirs, nothing = method(path), method(unknown)
                assert (theirs.status_code, _bare(theirs.text, path)) == (nothing.status_code, _bare(nothing.text, unknown))

    def test_share_no_word_of_their_mails(self, portal: Portal) -> None:
        ids = [
            {dict(mail["headers"])["Message-ID"].split("@")[1] for mail in portal.outside.mails(CASTS[partner].contact)}
            for partner in PARTNERS
        ]
        assert all(ids)
        assert ids[0] & ids[1] == set()


def _bare(page: str, path: str) -> str:
    """A page without its address and its nonce."""
    return re.sub(r"nonce=\"[^\"]*\"", "", page).replace(path, "")


class TestOurNames:
    def test_of_problems_are_neutral(self) -> None:
        kinds = list(_all_kinds(errors.Fault))
        assert len(kinds) > 50
        assert [kind.__name__ for kind in kinds if any(mark in f"{kind.__name__} {kind.__doc__}".lower() for mark in OURS[:9])] == []

    async def test_of_events_are_the_partners_own(self, rows: Rows, installation: Running) -> None:
        connection = await asyncpg.connect(installation.installation.postgres.url("postgres"))
        try:
            types = {each["type"] for each in await connection.fetch("select distinct type from core.event")}
            spaces = {each["event_namespace"] for each in await connection.fetch("select event_namespace from core.partner")}
        finally:
            await connection.close()
        assert len(types) > 20
        assert [each for each in types | spaces if any(mark in each for mark in OURS[:9])] == []

    def test_stand_in_no_file_somebody_can_keep(self, shown: Shown) -> None:
        named = [
            (e.address, e.header("content-disposition"))
            for partner in PARTNERS
            for e in shown.all(partner)
            if e.header("content-disposition")
        ]
        assert [each for each in named if any(mark in str(each).lower() for mark in OURS[:9])] == []

    def test_are_in_no_answer_of_the_interface(self, portal: Portal) -> None:
        for partner in PARTNERS:
            answer = seen(partner, "nobody", portal.client(None, partner).get("/schema/openapi.json"))
            assert _marks(iter([("the interface's description", answer.everything)]), (*OURS[:9], *names(other(partner)))) == []


def _all_kinds(kind: type) -> Iterator[type]:
    for each in kind.__subclasses__():
        yield each
        yield from _all_kinds(each)
