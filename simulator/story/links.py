"""Links as people's mail programs and browsers meet them: taken from the mail's text, fetched under the host they name."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx

from simulator.story.client import Api

_URL = re.compile(r"https?://[^\s\"'<>]+")


def links(text: str) -> list[str]:
    """The addresses in a text, in order."""
    return [found.rstrip(".,)") for found in _URL.findall(text)]


class Visitor:
    """A browser without scripts: dials the instance, names the link's host, and keeps no cookies between visits."""

    def __init__(self, base_url: str) -> None:
        self._api = Api(base_url)

    @property
    def seen(self) -> list[str]:
        """Everything the visits showed."""
        return self._api.seen

    def get(self, url: str) -> httpx.Response:
        """What a link shows; also what a mail scanner does with it."""
        return self._api.request("GET", _target(url), headers=_host(url))

    def post(self, url: str, *, tries: bool = True, **parts: Any) -> httpx.Response:
        """Press the page's button: `data` are the form's fields, `files` its upload."""
        return self._api.request("POST", _target(url), headers={**_host(url), "origin": _origin(url)}, tries=tries, **parts)


class Form(HTMLParser):
    """The fields of a page's form: hidden ones with their values, and the values each choice offers."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note inputs and buttons that carry a name."""
        given = {name: value or "" for name, value in attrs}
        if tag not in ("input", "button") or "name" not in given:
            return
        if given.get("type") == "hidden":
            self.hidden[given["name"]] = given.get("value", "")
        else:
            self.choices.setdefault(given["name"], []).append(given.get("value", ""))


def _target(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _host(url: str) -> dict[str, str]:
    return {"host": urlsplit(url).netloc}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
