"""Starting the OpenID provider, telling it whom to sign in, and walking a person's browser through it."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from app.core.embedded import _die_with_parent, free_port
from tests.real import real

SCRIPT = Path(__file__).with_name("provider.mjs")
CLIENT_ID, CLIENT_SECRET = "portal", "a-secret-only-for-tests-of-sign-in"


class OpenIdProvider:
    """One running issuer. It signs in at once whoever `sign_in_as` named; PKCE is required of every client."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.port = port
        self.issuer = f"http://127.0.0.1:{port}"
        self.client_id, self.client_secret = CLIENT_ID, CLIENT_SECRET

    def accept(self, *redirect_uris: str, method: str = "client_secret_basic") -> None:
        """Register the one client with these callback addresses; `method` is how it proves itself at the token endpoint."""
        client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": redirect_uris}
        self._control(
            clients=[{**client, "token_endpoint_auth_method": method, "grant_types": ["authorization_code"], "response_types": ["code"]}]
        )

    def sign_in_as(self, sub: str, **claims: Any) -> None:
        """Whoever comes next is this person: `email`, `email_verified`, `name`, `locale`, `groups`."""
        self._control(account={"sub": sub, **claims}, deny=False)

    def deny(self) -> None:
        """Whoever comes next refuses to sign in."""
        self._control(deny=True)

    def rotate(self, *, keep: bool = False) -> None:
        """Sign with a new key from now on; the old one leaves the key set unless it is kept."""
        self._control(rotate=True, keep=keep)

    def keys(self) -> list[str]:
        """The key ids it publishes."""
        return [key["kid"] for key in httpx.get(f"{self.issuer}/jwks").json()["keys"]]

    def visit(self, address: str) -> str:
        """Follow an authorization address as a browser with a fresh profile would; the callback address it is sent back to."""
        with httpx.Client(timeout=10) as browser:
            for _ in range(10):
                answer = browser.get(address)
                if answer.status_code not in (302, 303):
                    raise AssertionError(f"the provider answered {answer.status_code}: {answer.text[:500]}")
                address = urljoin(address, answer.headers["location"])
                if not address.startswith(self.issuer + "/"):
                    return address
        raise AssertionError("the provider never sent the browser back")

    def _control(self, **told: Any) -> None:
        httpx.post(f"{self.issuer}/control", content=json.dumps(told), timeout=10).raise_for_status()


@contextmanager
def openid_provider() -> Iterator[OpenIdProvider]:
    """An issuer of its own on a free port; two of them are two issuers."""
    node, library, port = real("node"), Path(real("oidc-provider")).parents[1], free_port()
    process = subprocess.Popen(
        [node, str(SCRIPT), str(library), str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_die_with_parent,
    )
    try:
        _await_ready(process)
        yield OpenIdProvider(process, port)
    finally:
        process.kill()
        process.communicate()


def _await_ready(process: subprocess.Popen[str]) -> None:
    """Its word that it listens; warnings come before it."""
    said, deadline = [], time.monotonic() + 20
    while process.stdout and time.monotonic() < deadline:
        line = process.stdout.readline()
        if line.strip() == "ready":
            return
        if not line:
            break
        said.append(line)
    raise AssertionError(f"the provider did not start: {''.join(said)[-2000:]}")
