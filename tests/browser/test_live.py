"""What a page follows ends with the right to read it: within five seconds of a revoked role, of a session that was ended, of a sign-out."""

import json
import threading
import time
from collections.abc import Callable

import httpx
import pytest

from tenants.sessions import COOKIE
from tests.browser.people import Portal
from tests.installation import Running
from tests.nouns import OWNER

pytestmark = pytest.mark.feature("M187")
SECONDS = 5.0


class Stream:
    """A page's stream, read aside; it remembers when it ended."""

    def __init__(self, portal: Portal, token: str) -> None:
        self.events: list[str] = []
        self.ended = threading.Event()
        self.ready = threading.Event()
        self._portal, self._token = portal, token
        threading.Thread(target=self._read, daemon=True).start()
        assert self.ready.wait(20), "the stream never began"

    def _read(self) -> None:
        headers = {"host": self._portal.host(OWNER), "cookie": f"{COOKIE}={self._token}", "accept": "text/event-stream"}
        try:
            with httpx.stream("GET", f"{self._portal.http.base_url}/live", headers=headers, timeout=60) as answer:
                for line in answer.iter_lines():
                    if line.startswith("event:"):
                        self.events.append(line.split(":", 1)[1].strip())
                        self.ready.set()
        finally:
            self.ended.set()


@pytest.fixture
def guest(portal: Portal, installation: Running) -> tuple[str, str, httpx.Client]:
    """Somebody new at the partner's with a session, and the platform's way to take what they may do."""
    admin = httpx.Client(
        base_url=installation.setting.base_url, headers={"authorization": f"Bearer {installation.setting.keyring.of(OWNER)}"}, timeout=30
    )
    email = f"guest{time.time_ns()}@{OWNER}.example"
    made = admin.post("/v1/users", json={"email": email, "name": "A guest", "role": "analyst"})
    assert made.status_code == 201, made.text
    return str(made.json()["id"]), portal.fresh_token(portal.somebody(OWNER, "analyst", email)), admin


class TestAStream:
    def test_ends_when_the_role_is_taken(self, portal: Portal, guest: tuple[str, str, httpx.Client]) -> None:
        user, token, admin = guest
        self._ends(portal, token, lambda: admin.delete(f"/v1/users/{user}/roles/analyst"))

    def test_ends_when_the_person_is_suspended(self, portal: Portal, guest: tuple[str, str, httpx.Client]) -> None:
        user, token, admin = guest
        self._ends(portal, token, lambda: admin.post(f"/v1/users/{user}/suspend"))

    def test_ends_when_they_sign_out(self, portal: Portal, guest: tuple[str, str, httpx.Client]) -> None:
        _, token, _ = guest
        client = portal.client_with(OWNER, token)
        self._ends(portal, token, lambda: client.post("/sign-out"))

    def test_begins_for_nobody_who_is_signed_out(self, portal: Portal) -> None:
        assert portal.client(None, OWNER).get("/live").status_code in (303, 401)

    def _ends(self, portal: Portal, token: str, take: Callable[[], httpx.Response]) -> None:
        stream = Stream(portal, token)
        assert stream.events[0] == "ready"
        answer = take()
        assert answer.status_code < 400, json.dumps(answer.text)
        began = time.monotonic()
        assert stream.ended.wait(SECONDS + 2), "the stream went on"
        assert time.monotonic() - began <= SECONDS
        assert stream.events[-1] == "over"
