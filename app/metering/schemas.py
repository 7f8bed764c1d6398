"""Shapes of usage over HTTP."""

from datetime import date
from uuid import UUID

import msgspec


class UsageRow(msgspec.Struct, kw_only=True):
    """What one customer (null: the partner itself) used on one day (UTC) on one meter."""

    customer_id: UUID | None
    day: date
    meter: str
    title: str
    unit: str
    quantity: int


class UsageTotal(msgspec.Struct, kw_only=True):
    meter: str
    title: str
    unit: str
    quantity: int


class UsageView(msgspec.Struct, kw_only=True):
    """Usage over a span of days, both included, and its totals."""

    since: date
    until: date
    items: list[UsageRow]
    totals: list[UsageTotal]
