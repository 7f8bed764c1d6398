"""Facts about one thing told by several messages in any order: each field keeps the newest word, so the end is always the same."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

Times = dict[str, str]  # field -> when its value was said (RFC 3339, UTC, microseconds: text order is time order)


def merge(current: Mapping[str, Any], times: Mapping[str, str], told: Mapping[str, Any], at: datetime) -> tuple[dict[str, Any], Times]:
    """The fields that `told` changes, and when each was said.

    A field changes when it is told at a later time than what is known; of two values told at the same time the greater one
    (by its JSON) stands. A value of None says nothing.
    """
    stamp = at.isoformat(timespec="microseconds")
    fresh = {
        name: value
        for name, value in told.items()
        if value is not None and (stamp, _text(value)) > (times.get(name, ""), _text(current.get(name)))
    }
    return fresh, dict.fromkeys(fresh, stamp)


def _text(value: Any) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()
