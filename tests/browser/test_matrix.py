"""Every page and form × role × foreign id: what isn't yours is not there, what you may not do is said, what another site sends is refused.

Made from the application's routes, so a new page is in it from its first day.
"""

import re
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from tenants.roles import BUILT_IN
from tests.browser.people import CUSTOMER_ROLES, PARTNER_ROLES, ROLES, Client, Person, Portal
from tests.browser.reading import FormSeen, Html
from tests.browser.routes import PageRoute, page_routes
from tests.nouns import OTHER, OWNER, Rows

pytestmark = pytest.mark.feature("M177", "M178", "M179")

ROUTES = page_routes()
CLOSED = [route for route in ROUTES if route.area != "open"]
WITH_IDS = [route for route in CLOSED if route.ids]
FORMS = [route for route in ROUTES if route.method == "POST"]
WHO = {"home": (*CUSTOMER_ROLES, "neighbour"), "ops": PARTNER_ROLES, "admin": PARTNER_ROLES, "any": ROLES, "open": ROLES}


def _may(role: str, permission: str) -> bool:
    held = BUILT_IN["customer_admin" if role == "neighbour" else role].permissions
    return permission == "signed-in" or permission in held


def _all(routes: list[PageRoute]) -> "pytest.MarkDecorator":
    return pytest.mark.parametrize("route", routes, ids=str)


class Owned:
    """The owner's pages, read once, with the forms that stand on them by the route they lead to."""

    def __init__(self, portal: Portal, rows: Rows) -> None:
        self.portal, self.rows = portal, rows
        self.forms: dict[str, FormSeen] = {}
        for route in ROUTES:
            if route.method == "GET" and not route.unknown:
                for ids in list(self.ids(route))[:2]:
                    self._read(route, ids)

    def ids(self, route: PageRoute) -> Iterator[dict[str, str]]:
        """Up to three sets of ids of rows that this route's readers can see."""
        known = self.rows.of_customer if route.area == "home" else self.rows.ids
        for index in range(max([1, *(len(known.get(name, ())) for name in route.ids)])):
            if all(known.get(name) for name in route.ids):
                yield {name: known[name][min(index, len(known[name]) - 1)] for name in route.ids}

    def reader(self, route: PageRoute) -> Client:
        """Somebody of the owner's who may use this route."""
        role = next(role for role in WHO[route.area] if _may(role, route.permission))
        return self.portal.client(self.portal.person(OWNER, role))

    def _read(self, route: PageRoute, ids: dict[str, str]) -> None:
        for role in WHO[route.area]:
            if role == "neighbour" or not _may(role, route.permission):
                continue
            answer = self.portal.client(self.portal.person(OWNER, role)).get(route.at(ids))
            for form in Html(answer.text).forms if answer.status_code == 200 else ():
                if form.method == "post":
                    self.forms.setdefault(_shape(form.action), form)

    def form(self, route: PageRoute) -> FormSeen | None:
        """The form that leads to this route, as one of the owner's pages shows it."""
        return self.forms.get(_shape(route.at({name: str(uuid4()) for name in route.ids})))


def _shape(address: str) -> str:
    """An address with its ids taken out."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "{id}", address.split("?")[0])


@pytest.fixture(scope="module")
def owned(portal: Portal, rows: Rows) -> Owned:
    return Owned(portal, rows)


def _page(answer: httpx.Response, ids: dict[str, str]) -> tuple[int, str]:
    """Status and page, without what differs between any two answers."""
    text = re.sub(r'nonce="[^"]*"|name="(once|csrf)" value="[^"]*"|<time [^>]*>[^<]*</time>|<code>[0-9a-f]{32}</code>', "", answer.text)
    for value in ids.values():
        text = text.replace(value, "<id>")
    return answer.status_code, text


def _is_page(answer: httpx.Response) -> None:
    """Whatever happens, a browser is shown a page in the partner's frame."""
    assert answer.headers["content-type"].startswith("text/html"), answer.text[:300]
    assert "Traceback" not in answer.text


class TestThePages:
    def test_have_no_parameter_the_matrix_does_not_know(self) -> None:
        assert [(str(route), route.unknown) for route in ROUTES if route.unknown] == []

    def test_are_all_of_an_area_with_a_permission_that_somebody_holds(self) -> None:
        wrong = [str(r) for r in CLOSED if r.area not in WHO or not any(_may(role, r.permission) for role in WHO[r.area])]
        assert wrong == []

    def test_are_whole(self) -> None:
        assert len(ROUTES) >= 60
        assert {"home", "ops", "admin"} <= {route.area for route in ROUTES}

    def test_offer_only_forms_that_lead_somewhere(self, owned: Owned) -> None:
        known = {_shape(route.at({name: str(uuid4()) for name in route.ids})) for route in FORMS}
        patterns = [re.compile("^" + re.sub(r"\\\{[a-z_]+\\\}", "[^/]+", re.escape(route.path)) + "$") for route in FORMS]
        lost = [action for action in owned.forms if action not in known and not any(p.match(action) for p in patterns)]
        assert lost == []


@_all(CLOSED)
class TestSomebodySignedOut:
    def test_is_asked_to_sign_in(self, portal: Portal, owned: Owned, route: PageRoute) -> None:
        nobody, address = portal.client(None, OWNER), route.at(next(owned.ids(route), {name: str(uuid4()) for name in route.ids}))
        answer = nobody.get(address) if route.method == "GET" else nobody.post(address)
        assert answer.status_code == 303, answer.text[:300]
        assert answer.headers["location"].startswith("/sign-in")


@_all(CLOSED)
class TestSomebodyElse:
    def test_of_another_area_finds_no_page(self, portal: Portal, owned: Owned, route: PageRoute) -> None:
        ids = next(owned.ids(route), {name: str(uuid4()) for name in route.ids})
        for role in ROLES:
            if role in WHO[route.area]:
                continue
            who = portal.client(portal.person(OWNER, role))
            answer = who.get(route.at(ids)) if route.method == "GET" else who.post(route.at(ids))
            _is_page(answer)
            assert answer.status_code in ((403, 404) if not _may(role, route.permission) else (404,)), (role, answer.status_code)

    def test_without_the_permission_is_told_so(self, portal: Portal, owned: Owned, route: PageRoute) -> None:
        ids = next(owned.ids(route), {name: str(uuid4()) for name in route.ids})
        for role in WHO[route.area]:
            if _may(role, route.permission):
                continue
            who = portal.client(portal.person(OWNER, role))
            answer = who.get(route.at(ids)) if route.method == "GET" else who.post(route.at(ids))
            _is_page(answer)
            assert answer.status_code == 403, (role, answer.status_code)


@_all(WITH_IDS)
class TestAnotherTenantsId:
    def test_is_a_missing_one(self, portal: Portal, owned: Owned, route: PageRoute) -> None:
        _compare(portal, owned, route, [portal.person(OTHER, role) for role in WHO[route.area]], owned.rows.ids)


@_all([route for route in WITH_IDS if route.area in ("home", "any")])
class TestAnotherCustomersId:
    def test_is_a_missing_one(self, portal: Portal, owned: Owned, route: PageRoute) -> None:
        _compare(portal, owned, route, [portal.person(OWNER, "neighbour")], owned.rows.of_customer)


def _compare(portal: Portal, owned: Owned, route: PageRoute, people: list[Person], known: dict[str, list[str]]) -> None:
    """Somebody else's id is answered exactly like one that nobody has."""
    if not all(known.get(name) for name in route.ids):
        pytest.skip(f"the story leaves no {', '.join(route.ids)} of this owner")
    form = owned.form(route)
    for person in people:
        who = portal.client(person)
        foreign = {name: known[name][-1] for name in route.ids}
        missing = {name: str(uuid4()) for name in route.ids}
        seen, absent = (_page(_ask(who, route, ids, form), ids) for ids in (foreign, missing))
        assert seen == absent, f"{route} tells {person.role} a foreign id from a missing one"
        assert seen[0] in (400, 403, 404, 422), f"{route} answered {person.role} {seen[0]}"


def _ask(who: Client, route: PageRoute, ids: dict[str, str], form: FormSeen | None) -> httpx.Response:
    """Ask for the page, or send what the owner's own form would send."""
    if route.method == "GET":
        return who.get(route.at(ids))
    fields = {name: value for name, value in (form.fields if form else {}).items() if name not in ("csrf", "once")}
    files = {"content": ("paper.pdf", b"%PDF-1.4\n%%EOF\n", "application/pdf")} if form and form.has_file else None
    return who.post(route.at(ids), fields, files=files)


@_all([route for route in WITH_IDS if route.method == "GET"])
class TestTheOwner:
    def test_sees_what_the_others_do_not(self, owned: Owned, route: PageRoute) -> None:
        found = list(owned.ids(route))
        if not found:
            pytest.skip(f"the story leaves no {', '.join(route.ids)}")
        answers = [owned.reader(route).get(route.at(ids)) for ids in found]  # 400: it asks for more than an id
        assert any(answer.status_code in (200, 303, 400) for answer in answers), [(a.status_code, a.url) for a in answers]


@_all([route for route in CLOSED if route.method == "POST"])
class TestAFormFromElsewhere:
    def test_without_the_sessions_token_is_refused(self, owned: Owned, route: PageRoute) -> None:
        who, ids = owned.reader(route), {name: str(uuid4()) for name in route.ids}
        for fields in ({}, {"csrf": "0" * 64}, {"csrf": "ä"}):
            answer = who.post(route.at(ids), fields, csrf=False)
            _is_page(answer)
            assert answer.status_code == 403, (fields, answer.status_code)

    def test_sent_by_another_site_is_refused(self, portal: Portal, owned: Owned, route: PageRoute) -> None:
        who, ids = owned.reader(route), {name: str(uuid4()) for name in route.ids}
        for headers in (
            {"origin": "https://evil.example"},
            {"origin": f"http://{portal.host(OTHER)}"},
            {"origin": "null"},
            {"sec_fetch_site": "cross-site"},
        ):
            answer = who.post(route.at(ids), **headers)
            _is_page(answer)
            assert answer.status_code == 403, (headers, answer.status_code)

    def test_with_anothers_token_is_refused(self, portal: Portal, owned: Owned, route: PageRoute) -> None:
        other = portal.client(portal.person(OTHER, "operator"))
        answer = owned.reader(route).post(route.at({name: str(uuid4()) for name in route.ids}), {"csrf": other.csrf}, csrf=False)
        assert answer.status_code == 403


class TestASessionOfAnotherHost:
    def test_is_nobody_here(self, portal: Portal) -> None:
        session = portal.token(portal.person(OTHER, "operator"))
        answer = portal.http.get("/ops", headers={"host": portal.host(OWNER), "cookie": f"__Host-session={session}", "accept": "text/html"})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")

    def test_finds_no_page_on_the_platforms_own_host(self, portal: Portal) -> None:
        session = portal.token(portal.person(OWNER, "operator"))
        for route in ROUTES:
            if route.method == "GET" and not route.parameters:
                answer = portal.http.get(route.path, headers={"cookie": f"__Host-session={session}"})
                assert answer.status_code in (401, 404), route.path
