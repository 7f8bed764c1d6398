"""What may be kept of a body: no secrets, no more than 8 KiB."""

import re
from typing import Any

import orjson

KEPT_BYTES = 8 << 10
_SECRET = re.compile(r"secret|token|passw|authori[sz]ation|api[-_]?key|credential|private", re.IGNORECASE)


def redacted(value: Any) -> Any:
    """Plain data with the values of secret-looking names struck out."""
    if isinstance(value, dict):
        return {k: "…" if _SECRET.search(str(k)) and not isinstance(v, (dict, list)) else redacted(v) for k, v in value.items()}
    return [redacted(item) for item in value] if isinstance(value, list) else value


_BEARING = re.compile(r"\b(Bearer|Basic|token)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*")
_IN_ADDRESS = re.compile(r"(://)[^\s/@:]+:[^\s/@]+@")
_IN_QUERY = re.compile(r"([?&][^=&\s]*(?:secret|token|passw|api[-_]?key|signature|code|sig)[^=&\s]*=)[^&\s\"']+", re.IGNORECASE)
_IN_PATH = re.compile(r"(/(?:l|sign-in)/)[A-Za-z0-9._~-]{16,}")


def struck(value: Any, *, depth: int = 32) -> Any:
    """The same for people to look at: everything under a secret-looking name is struck out, and tokens inside texts are too."""
    if depth == 0:
        return "…"
    if isinstance(value, dict):
        return {k: "…" if _SECRET.search(str(k)) and v is not None else struck(v, depth=depth - 1) for k, v in value.items()}
    if isinstance(value, list):
        return [struck(item, depth=depth - 1) for item in value]
    return struck_text(value) if isinstance(value, str) else value


def struck_text(text: str) -> str:
    """A text without the tokens it carries: of headers, of addresses, of signed links."""
    text = _JWT.sub("…", _BEARING.sub(r"\1 …", text))
    return _IN_PATH.sub(r"\1…", _IN_QUERY.sub(r"\1…", _IN_ADDRESS.sub(r"\1…@", text)))


def kept(body: bytes) -> Any:
    """A body as it may be stored: redacted JSON when it is small JSON, else how much it was."""
    if not body:
        return None
    if len(body) > KEPT_BYTES:
        return {"omitted": f"{len(body)} bytes"}
    try:
        return redacted(orjson.loads(body))
    except orjson.JSONDecodeError:
        return {"omitted": f"{len(body)} bytes that are not JSON"}
