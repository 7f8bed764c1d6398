"""Setting the stage: each partner's manifest applied, a key for its admin, and its people signed in by mail."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from simulator import manifests
from simulator.story.book import StoryBroken
from simulator.story.client import Api, Outside, until
from simulator.story.links import Visitor, links


@dataclass
class Provisioned:
    """A partner that is ready to play."""

    admin: Api
    sources: dict[str, Api]
    people: dict[str, Api]


class Keyring:
    """The first administrator's keys, which the platform shows once; kept in a file (0600) so that the story can be told again."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._keys: dict[str, str] = json.loads(path.read_text()) if path and path.exists() else {}

    def keep(self, partner: str, key: str) -> None:
        """Remember a partner's key."""
        self._keys[partner] = key
        if self._path is not None:
            self._path.touch(mode=0o600)
            self._path.write_text(json.dumps(self._keys))

    def of(self, partner: str) -> str:
        """The partner's key; StoryBroken when it was shown to somebody else."""
        if partner not in self._keys:
            raise StoryBroken(f"{partner} was provisioned before and its key is not in {self._path or 'a keys file'}; give --keys FILE")
        return self._keys[partner]


def apply(base_url: str, platform_key: str, simulator_url: str, partner: str, keyring: Keyring) -> tuple[Api, list[dict[str, Any]]]:
    """Apply the partner's manifest as the platform's operator; the admin's way in, and what a second time would change (nothing)."""
    platform = Api(base_url, {"authorization": f"Bearer {platform_key}"})
    manifest = manifests.load(partner, manifests.environment(simulator_url))
    applied = platform.put("/v1/provisioning/manifest", manifest)
    if applied.get("admin_key"):
        keyring.keep(partner, applied["admin_key"])
    again = platform.put("/v1/provisioning/manifest?dry_run=true", manifest)
    changes = [change for change in again["changes"] if change["action"] != "unchanged"]
    return Api(base_url, {"authorization": f"Bearer {keyring.of(partner)}"}), changes


def source_keys(base_url: str, admin: Api, sources: tuple[str, ...] = ("wms", "edi", "erp")) -> dict[str, Api]:
    """A key of its own for each system that sends: it may feed its source and nothing else."""
    made = {
        name: admin.post("/v1/keys", {"name": f"{name} feed", "scope": "source", "source": name, "roles": ["source_key"]})
        for name in sources
    }
    return {name: Api(base_url, {"authorization": f"Bearer {key['secret']}"}) for name, key in made.items()}


def ask_for_link(base_url: str, outside: Outside, host: str, email: str) -> str:
    """The link a person is sent who wants to sign in."""
    before = max([mail["seq"] for mail in outside.mails(email)], default=0)
    asking = Api(base_url, {"host": host}).request("POST", "/v1/sign-in/email", json={"email": email})
    if asking.status_code not in (200, 202):
        raise StoryBroken(f"asking for a sign-in link answered {asking.status_code}: {asking.text}")
    mail = until(f"a sign-in mail to {email}", lambda: outside.mails(email, after=before))[-1]
    return next(found for found in links(mail["text"]) if "/sign-in/" in found)


def sign_in(base_url: str, outside: Outside, host: str, email: str) -> Api:
    """A person's session, through the link they are sent."""
    link = ask_for_link(base_url, outside, host, email)
    visitor = Visitor(base_url)
    visitor.get(link)
    answer = visitor.post(link)
    if answer.status_code >= 400:
        raise StoryBroken(f"the sign-in link answered {answer.status_code}: {answer.text}")
    session = answer.json()
    cookie = answer.headers["set-cookie"].split(";")[0]
    return Api(base_url, {"host": urlsplit(link).netloc, "cookie": cookie, "x-csrf-token": session["csrf_token"]})
