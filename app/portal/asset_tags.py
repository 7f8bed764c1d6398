"""What the browser loads beside a page: style, scripts, the mark; each with a tag of its own for every host."""

import hashlib
from functools import lru_cache
from importlib import resources

from app.portal.reader import Look
from branding.screens import icon, sheet

_SCRIPTS = {"portal.js": "portal.js", "htmx.js": "vendor/htmx.min.js"}
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


def content(look: Look, name: str) -> bytes | None:
    """Return an asset's bytes; None when there is none of this name."""
    if name == "screen.css":
        return sheet(look.brand).encode()
    if name == "icon.svg":
        return icon(look.brand).encode()
    return _script(_SCRIPTS[name]) if name in _SCRIPTS else None


def tag(look: Look, host: str, name: str) -> str:
    """Return the tag of an asset on this host: it changes with the content, and no two hosts share one."""
    return hashlib.sha256(host.encode() + b"\n" + (content(look, name) or b"")).hexdigest()[:20]


def is_there(name: str) -> bool:
    """Tell whether a script was brought along: pages work without it, so its absence stops nothing."""
    return _script(_SCRIPTS[name]) is not None


def media_type(name: str) -> str:
    """Return what kind of file an asset is."""
    return _TYPES[name.rsplit(".", 1)[-1]]


@lru_cache(maxsize=8)
def _script(path: str) -> bytes | None:
    file = resources.files("app.portal") / "static" / path
    return file.read_bytes() if file.is_file() else None
