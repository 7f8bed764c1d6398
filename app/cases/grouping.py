"""Which signals belong to one case: the policy gives a key, and while a case with that key is unfinished all that carry it join it.

The key is the policy's own text (`cutoff.missed|order:ORD-7731|promise:ship`). Keys are compared as they are, within one customer; one
that is too long for an index is kept recognisable and ends in its hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

LONGEST: Final = 300
"""Characters of a key that are stored as they are."""
KINDS: Final = ("order", "shipment")


def stored_key(key: str) -> str:
    """The key as the case keeps it. The same key gives the same text, different keys different texts."""
    if len(key) <= LONGEST:
        return key
    return f"{key[: LONGEST - 65]}#{hashlib.sha256(key.encode()).hexdigest()}"


def subjects(told: Mapping[str, Any]) -> dict[str, UUID]:
    """The orders and shipments a decision names (`{"order": "<id>", "shipment": null}`); other things make no subject of a case."""
    return {kind: UUID(str(told[kind])) for kind in KINDS if told.get(kind)}
