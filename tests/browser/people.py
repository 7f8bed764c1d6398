"""Who visits: a person for each role at each partner, signed in through the link in their mail."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from simulator.story.cast import CASTS, Cast
from simulator.story.client import Outside, until
from simulator.story.links import links
from tenants.sessions import COOKIE, csrf_of

PARTNERS = ("northwind", "harborline")
PARTNER_ROLES = ("partner_admin", "operator", "approver", "analyst")
CUSTOMER_ROLES = ("customer_admin", "customer_user")
ROLES = (*PARTNER_ROLES, *CUSTOMER_ROLES, "neighbour")
"""`neighbour` is the administrator of another customer of the same partner."""


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in."""

    partner: str
    role: str
    email: str

    @property
    def is_customers(self) -> bool:
        """Whether they belong to a customer."""
        return self.role in (*CUSTOMER_ROLES, "neighbour")

    @property
    def area(self) -> str:
        """Where they start."""
        return "home" if self.is_customers else "admin" if self.role == "partner_admin" else "ops"


def _known(cast: Cast) -> dict[str, str]:
    return {
        "partner_admin": cast.admin, "operator": cast.operator, "approver": cast.approver, "analyst": cast.analyst,
        "customer_admin": cast.contact, "customer_user": cast.colleague, "neighbour": cast.bystander_contact,
    }  # fmt: skip


class Portal:
    """Both partners' portals, and a way in for everybody."""

    def __init__(self, base_url: str, outside: Outside) -> None:
        self.outside = outside
        self.port = urlsplit(base_url).port
        self.http = httpx.Client(base_url=base_url, timeout=30)
        self._tokens: dict[Person, str] = {}
        self._casts = dict(CASTS)

    def also(self, partner: str, cast: Cast) -> None:
        """One more partner, with people of its own."""
        self._casts[partner] = cast

    def host(self, partner: str) -> str:
        """What a browser's address line shows."""
        return f"{self._casts[partner].host}:{self.port}"

    def address(self, partner: str, path: str = "/") -> str:
        """An address on a partner's host."""
        return f"http://{self.host(partner)}{path}"

    def person(self, partner: str, role: str) -> Person:
        """Somebody with this role."""
        return Person(partner, role, _known(self._casts[partner])[role])

    def somebody(self, partner: str, role: str, email: str) -> Person:
        """Somebody the story doesn't know."""
        return Person(partner, role, email)

    def link(self, someone: Person) -> str:
        """A fresh sign-in link from this person's mail."""
        before = max([mail["seq"] for mail in self.outside.mails(someone.email)], default=0)
        asked = self.http.post("/v1/sign-in/email", json={"email": someone.email}, headers={"host": self.host(someone.partner)})
        assert asked.status_code == 202, asked.text
        return self.newest_link(someone.email, before)

    def newest_link(self, email: str, after: int) -> str:
        """The sign-in link in the mail that comes to this address after a sequence number."""
        mail = until(f"a sign-in mail to {email}", lambda: self.outside.mails(email, after=after))[-1]
        return next(found for found in links(mail["text"]) if "/sign-in/" in found)

    def token(self, someone: Person) -> str:
        """This person's session, kept for later visits."""
        if someone not in self._tokens:
            self._tokens[someone] = self.fresh_token(someone)
        return self._tokens[someone]

    def fresh_token(self, someone: Person) -> str:
        """A session of its own, for tests that end it."""
        host = self.host(someone.partner)
        path = self.link(someone).split(host, 1)[1]
        answer = self.http.post(path, headers={"host": host, "origin": f"http://{host}"})
        assert answer.status_code == 200, answer.text
        return answer.headers["set-cookie"].split(f"{COOKIE}=", 1)[1].split(";")[0]

    def client(self, someone: Person | None, partner: str = "") -> "Client":
        """A browser without script for somebody, or for whoever isn't signed in."""
        return Client(self, partner or (someone.partner if someone else ""), self.token(someone) if someone else "")

    def client_with(self, partner: str, token: str) -> "Client":
        """A browser without script that holds this session."""
        return Client(self, partner, token)


class Client:
    """Pages over HTTP, as a browser without script fetches them; redirects are shown, not followed."""

    def __init__(self, portal: Portal, partner: str, token: str) -> None:
        self._portal, self._host, self._token = portal, portal.host(partner), token

    @property
    def csrf(self) -> str:
        """What this session's forms carry."""
        return csrf_of(self._token)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """One page."""
        return self._portal.http.get(path, headers=self._headers(headers))

    def post(
        self, path: str, data: dict[str, Any] | None = None, *, csrf: bool = True, files: Any = None, **headers: str
    ) -> httpx.Response:
        """Send a form from this host's own page."""
        given = {**({"csrf": self.csrf} if csrf and self._token else {}), **(data or {})}
        origin = {"origin": f"http://{self._host}", "content-type": "application/x-www-form-urlencoded"}
        if files:
            del origin["content-type"]
        return self._portal.http.post(path, data=given, files=files, headers=self._headers({**origin, **headers}))

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        cookie = {"cookie": f"{COOKIE}={self._token}"} if self._token else {}
        return {
            "host": self._host,
            "accept": "text/html,application/xhtml+xml,*/*;q=0.8",
            **cookie,
            **{k.replace("_", "-"): v for k, v in more.items()},
        }
