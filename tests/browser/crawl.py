"""A crawler: whatever a partner's people can be shown, fetched as each of them, and kept with its headers."""

from collections import Counter, deque
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import httpx

from tests.browser.people import ROLES, Client, Portal
from tests.browser.reading import Html
from tests.browser.routes import PageRoute

MOST_ALIKE = 3
"""Pages of one shape that one person looks at."""


@dataclass(frozen=True)
class Seen:
    """One answer as it came."""

    partner: str
    who: str
    address: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    size: int

    @property
    def everything(self) -> str:
        """Headers and body, in small letters."""
        return "\n".join([*(f"{name}: {value}" for name, value in self.headers), self.body]).lower()

    def header(self, name: str) -> str:
        """One header, empty when it isn't there."""
        return next((value for key, value in self.headers if key.lower() == name), "")


def seen(partner: str, who: str, answer: httpx.Response) -> Seen:
    """Keep an answer; an image's bytes as letters, so that what is written in it is found."""
    return Seen(
        partner, who, str(answer.request.url.raw_path.decode()), answer.status_code, tuple(answer.headers.multi_items()),
        answer.content.decode("latin-1") if "image" in answer.headers.get("content-type", "") else answer.text, len(answer.content),
    )  # fmt: skip


@dataclass
class Crawl:
    """Everything one partner's people were shown."""

    portal: Portal
    partner: str
    found: list[Seen] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    assets: set[str] = field(default_factory=set)

    def everybody(self, routes: list[PageRoute], ids: dict[str, list[str]]) -> None:
        """Visit as nobody, then as each role: every page there is, and wherever its links lead."""
        self._visit("nobody", self.portal.client(None, self.partner), ["/", "/sign-in"])
        for role in ROLES:
            starts = ["/", "/ops", "/admin", "/settings", "/inbox"]
            for route in routes:
                if route.method == "GET" and route.area != "open" and all(ids.get(name) for name in route.ids):
                    starts += [
                        route.at({name: ids[name][index % len(ids[name])] for name in route.ids}) for index in range(2 if route.ids else 1)
                    ]
            self._visit(role, self.portal.client(self.portal.person(self.partner, role)), starts)

    def _visit(self, who: str, client: Client, starts: list[str]) -> None:
        queue, known, shapes = deque((start, "an address typed") for start in dict.fromkeys(starts)), set(starts), Counter[str]()
        while queue:
            address, source = queue.popleft()
            answer = client.get(address)
            self._keep(who, address, source, answer)
            if answer.status_code in (301, 302, 303):
                self._follow(answer.headers["location"], address, queue, known, shapes)
            elif answer.headers.get("content-type", "").startswith("text/html"):
                page = Html(answer.text)
                for asset in page.assets:
                    self._asset(client, urljoin(address, asset))
                for link in [*page.links, *(form.action for form in page.forms if form.method == "get"), *page.pieces]:
                    self._follow(link, address, queue, known, shapes)

    def _keep(self, who: str, address: str, source: str, answer: httpx.Response) -> None:
        self.found.append(seen(self.partner, who, answer))
        if source != "an address typed" and answer.status_code >= 400:
            self.dead.append(f"{who}: {source} leads to {address}, which answers {answer.status_code}")

    def _follow(self, link: str, source: str, queue: "deque[tuple[str, str]]", known: set[str], shapes: "Counter[str]") -> None:
        target = urlsplit(urljoin(source, link))
        if target.scheme not in ("", "http", "https") or (target.netloc and target.netloc != self.portal.host(self.partner)):
            return
        address = target.path + (f"?{target.query}" if target.query else "")
        shape = _shape(target.path, target.query)
        if address in known or target.path.startswith(("/live", "/assets/")) or shapes[shape] >= MOST_ALIKE:
            return
        known.add(address)
        shapes[shape] += 1
        queue.append((address, source))

    def _asset(self, client: Client, address: str) -> None:
        if address not in self.assets and not urlsplit(address).netloc:
            self.assets.add(address)
            self.found.append(seen(self.partner, "anybody", client.get(address)))


def _shape(path: str, query: str) -> str:
    """A path with ids and numbers taken out, and the names of its query."""
    parts = ["{id}" if len(part) > 20 or part.isdigit() else part for part in path.split("/")]
    return "/".join(parts) + "?" + "&".join(sorted(part.split("=")[0] for part in query.split("&")))


def mistakes(portal: Portal, partner: str) -> list[Seen]:
    """Everything that can be done wrong at a partner's, by somebody signed out, a customer's person and an operator."""
    people = {"nobody": portal.client(None, partner)}
    people |= {role: portal.client(portal.person(partner, role)) for role in ("customer_user", "operator", "partner_admin")}
    host, found = portal.host(partner), []
    nothing = (
        "/nothing/here",
        f"/ops/cases/{uuid4()}",
        f"/shipments/{uuid4()}",
        "/assets/none.css",
        "/brand/none.png",
        "/l/unknown",
        "/sign-in/unknown",
    )
    api = (
        "/v1/nothing",
        f"/v1/cases/{uuid4()}",
        "/v1/cases?wrong=1",
        "/v1/cases?limit=0",
        "/schema/openapi.json",
        "/metrics",
        "/healthz",
        "/readyz",
    )
    for who, client in people.items():
        answers = [
            client.get(path)
            for path in (*nothing, *api, "/ops?cursor=broken", "/cases?cursor=broken", "/ops?q=%00", "/.well-known/security.txt")
        ]
        answers += [client.get(path, accept="application/json") for path in nothing]
        answers += [
            client.post("/ops", {"x": "y"}), client.post("/sign-out", {"csrf": "wrong"}, csrf=False), client.post("/sign-out", origin="https://evil.example"),
            client.post("/views", {"name": ""}), client.post("/views", {"name": "x" * (1024 * 1024 + 10)}), client.post("/views", content_type="application/json"),
            client.post("/sign-in", {"email": "not an address"}), client.post("/v1/sign-in/email", content_type="application/json"), client.post("/l/unknown"),
        ]  # fmt: skip
        for method in ("PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"):
            answers.append(portal.http.request(method, "/ops", headers={"host": host, "accept": "text/html"}))
            answers.append(portal.http.request(method, "/v1/cases", headers={"host": host}))
        found += [seen(partner, who, answer) for answer in answers]
    for wrong in ({"authorization": "Bearer dk_wrong"}, {"cookie": "__Host-session=st_wrong"}, {"content-type": "application/json"}):
        found.append(seen(partner, "nobody", portal.http.post("/v1/events", headers={"host": host, **wrong}, content=b"{")))
    return found
