"""Identity: version 7 UUIDs (RFC 9562), so that ids sort by time and partitions prune by id."""

from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat

LOWEST = UUID(int=0)
HIGHEST = UUID(int=(1 << 128) - 1)


def new_id() -> UUID:
    """Return a fresh version 7 UUID: 48 bits of milliseconds since 1970, then 74 random bits."""
    return uuid_utils.compat.uuid7()


def time_of(value: UUID) -> datetime:
    """Return the moment (UTC, millisecond resolution) a version 7 id was made."""
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)


def lowest_at(moment: datetime) -> UUID:
    """Return the smallest id that a version 7 id made at `moment` can have: the bound of a partition by time."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
