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
