"""Counts that stop: how many there are, up to a number beyond which nobody counts on; so a count costs the same at any size."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from app.cases.schemas import Count
from app.core.uow import UnitOfWork


async def at_most(uow: UnitOfWork, query: Select[Any], most: int) -> Count:
    """How many rows a query has, counted up to `most`."""
    found = int(await uow.session.scalar(select(func.count()).select_from(query.limit(most + 1).subquery())) or 0)
    return Count(min(found, most), found > most)
