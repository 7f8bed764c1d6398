"""A walk through a portal as one person: every kind of page a link leads to, once."""

import re
from collections import deque
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx

from simulator.story.client import Api

MOST = 80
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<=/)\d+(?=/|$)")
_NO_PAGES = ("/assets/", "/brand/", "/v1/", "/l/", "/live")


class _Links(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def walk(api: Api, start: str) -> dict[str, httpx.Response]:
    """What a person sees who follows every link from `start`: by path, one page of each kind, at most eighty."""
    ahead, kinds, seen = deque([start]), {_kind(start)}, dict[str, httpx.Response]()
    while ahead and len(seen) < MOST:
        path = ahead.popleft()
        seen[path] = api.request("GET", path, headers={"accept": "text/html"})
        if not seen[path].headers.get("content-type", "").startswith("text/html"):
            continue
        for link in _Links(seen[path].text).found:
            parts = urlsplit(link)
            if parts.netloc or not parts.path.startswith("/") or parts.path.startswith(_NO_PAGES) or _kind(parts.path) in kinds:
                continue
            kinds.add(_kind(parts.path))
            ahead.append(parts.path)
    return seen


def _kind(path: str) -> str:
    return _ID.sub("*", path)
