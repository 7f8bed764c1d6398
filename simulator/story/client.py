"""How the story speaks: the API with a key or a signed-in person's session, the links in mails, and the simulated world."""

import itertools
import time
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from simulator.story.book import StoryBroken

T = TypeVar("T")
PATIENCE = 60.0


class Api:
    """One actor's way to the API; `seen` keeps what it was answered, headers and all.

    A lost connection or a 503 is tried again under the same Idempotency-Key until `patience` seconds are over.
    """

    def __init__(self, base_url: str, headers: dict[str, str] | None = None, *, patience: float = PATIENCE) -> None:
        self._client = httpx.Client(base_url=base_url, headers=headers or {}, timeout=30)
        self._patience = patience
        self.seen: list[str] = []

    def request(self, method: str, path: str, *, tries: bool = True, headers: dict[str, str] | None = None, **parts: Any) -> httpx.Response:
        """One request; what it answers, whatever the status."""
        given = {**_key(method), **(headers or {})}
        ends = time.monotonic() + (self._patience if tries else 0)
        for attempt in itertools.count(1):
            try:
                answer = self._client.request(method, path, headers=given, **parts)
                if answer.status_code != 503 or time.monotonic() > ends:
                    return self._heard(answer, attempt)
            except httpx.TransportError:
                if time.monotonic() > ends:
                    raise
            time.sleep(0.25)
        raise AssertionError("unreachable")

    def _heard(self, answer: httpx.Response, attempt: int) -> httpx.Response:
        self.seen.append(f"{answer.headers}\n{answer.text}")
        answer.extensions["attempt"] = attempt
        return answer

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a GET that must succeed."""
        return _json(self.request("GET", path, params={name: value for name, value in query.items() if value is not None}))

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every item of a paged list."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.get(path, cursor=cursor, limit=200, **query)
            found += page["items"]
            cursor = page.get("next")
            if cursor is None:
                return found

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON of a POST that must succeed."""
        return _json(self.request("POST", path, json=body if body is not None else {}, headers=headers))

    def put(self, path: str, body: Any) -> Any:
        """The JSON of a PUT that must succeed."""
        return _json(self.request("PUT", path, json=body))


class Outside:
    """The simulated world: its ledger, its mailbox, its faults."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._client = httpx.Client(base_url=base_url, timeout=10)

    def ledger(self, partner: str, **narrowed: Any) -> list[dict[str, Any]]:
        """What the partner's systems received."""
        return list(_json(self._client.get("/control/ledger", params={"partner": partner, **narrowed}))["calls"])

    def effects(self, partner: str, system: str, operation: str, about: str = "") -> list[dict[str, Any]]:
        """The calls that changed something, narrowed to those whose path or answer names `about`."""
        lines = self.ledger(partner, system=system, operation=operation)
        return [line for line in lines if line["effect"] and about in f"{line['path']} {line['answer']}"]

    def mails(self, to: str, after: int = 0) -> list[dict[str, Any]]:
        """What arrived for an address."""
        return list(_json(self._client.get("/mail/messages", params={"to": to, "after": after}))["messages"])

    def mails_of_all(self) -> list[dict[str, Any]]:
        """What arrived for anybody."""
        return list(_json(self._client.get("/mail/messages"))["messages"])

    def add_order(self, **order: str) -> None:
        """Put an order that missed its cutoff into the world."""
        _json(self._client.post("/control/orders", json=order))

    def break_(self, **fault: Any) -> None:
        """Switch a fault on."""
        _json(self._client.post("/control/faults", json=fault))

    def mend(self) -> None:
        """Switch every fault off."""
        _json(self._client.delete("/control/faults"))


def was_repeated(answer: httpx.Response) -> bool:
    """Whether an earlier try of the request was lost on the way, so that it may have been done before."""
    return int(answer.extensions.get("attempt", 1)) > 1


def is_taken(answer: httpx.Response) -> bool:
    """Whether a link took what was posted to it: 200, or 409 (used) when the post was repeated because its first answer was lost."""
    return answer.status_code == 200 or (was_repeated(answer) and answer.status_code == 409)


def until(what: str, probe: Callable[[], T | None], *, seconds: float = PATIENCE) -> T:
    """What `probe` gives as soon as it is something; raises StoryBroken when it stays nothing for `seconds`."""
    ends = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > ends:
            raise StoryBroken(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.1)


def _key(method: str) -> dict[str, str]:
    return {} if method in ("GET", "HEAD") else {"idempotency-key": str(uuid.uuid4())}


def _json(answer: httpx.Response) -> Any:
    if answer.status_code >= 400:
        raise StoryBroken(f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}: {answer.text[:1500]}")
    return answer.json() if answer.content else None
