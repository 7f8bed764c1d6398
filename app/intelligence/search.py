"""The one search box: what was found by any of its words, told as people read it.

Rows are read through the wall, so whoever is confined to a customer is told of that customer's things only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.canonical import search as finding
from app.canonical.models import Document, Order, Party, Shipment
from app.canonical.search import KINDS, Hit, Kind, Match, QueryTooShort
from app.canonical.taxonomy import taxonomy
from app.cases.models import Case
from app.core.paging import Page
from app.core.uow import UnitOfWork
from tenants.models import Customer

__all__ = ["KINDS", "Found", "Kind", "Match", "QueryTooShort", "kinds_for", "search"]

_TABLES: Final[dict[str, Any]] = {"shipment": Shipment, "order": Order, "case": Case, "document": Document, "party": Party}


class Found(msgspec.Struct, frozen=True):
    """One thing found: what it is and is called, what it was found by (the closest first), a line about it, and its state."""

    kind: Kind
    id: UUID
    customer_id: UUID
    label: str
    matched: list[Match]
    detail: str
    status: str | None


def kinds_for(permissions: Collection[str]) -> frozenset[Kind]:
    """What somebody who holds these permissions may find."""
    model: set[Kind] = {"shipment", "order", "document", "party"} if "model.read" in permissions else set()
    cases: set[Kind] = {"case"} if "cases.read" in permissions else set()
    return frozenset(model | cases)


async def search(
    uow: UnitOfWork, q: str, *, kinds: Collection[Kind] | None = None, limit: int = 20, cursor: str | None = None
) -> Page[Found]:
    """What holds `q` (at least four letters or digits; signs and case don't count): whole words first, then the newest first.

    A page may be shorter than `limit` and still have a `next`. Raises QueryTooShort naming `q`.
    """
    hits = await finding.find(uow, q, kinds=KINDS if kinds is None else kinds, limit=limit, cursor=cursor)
    rows = {kind: await _rows(uow, kind, hits.items) for kind in dict.fromkeys(hit.kind for hit in hits.items)}
    names = await _customers(uow, {hit.customer_id for hit in hits.items})
    told = [_found(hit, rows[hit.kind][hit.id], names) for hit in hits.items if hit.id in rows[hit.kind]]
    return Page(told, hits.next)


async def _rows(uow: UnitOfWork, kind: Kind, hits: Iterable[Hit]) -> dict[UUID, Any]:
    table = _TABLES[kind]
    query = select(table).where(table.id.in_([hit.id for hit in hits if hit.kind == kind]))
    return {row.id: row for row in (await uow.execute(query)).scalars()}


async def _customers(uow: UnitOfWork, ids: set[UUID]) -> dict[UUID, str]:
    """Names of the customers, for the partner's people: a customer knows who they are."""
    if uow.customer_id is not None or not ids:
        return {}
    return {row.id: row.name for row in await uow.execute(select(Customer.id, Customer.name).where(Customer.id.in_(ids)))}


def _found(hit: Hit, row: Any, names: dict[UUID, str]) -> Found:
    words = [names.get(hit.customer_id, ""), *_words(hit.kind, row)]
    return Found(hit.kind, hit.id, hit.customer_id, hit.label, hit.matched, " · ".join(w for w in words if w), getattr(row, "status", None))


def _words(kind: Kind, row: Any) -> Iterable[str]:
    """What a line about a thing says besides whose it is."""
    if kind == "shipment":
        return row.carrier or "", _way(row.origin, row.destination)
    if kind == "case":
        known = taxonomy().types.get(row.exception_type)
        return known.title if known else row.exception_type, row.priority_level
    if kind == "order":
        return (row.account or "",)
    return (row.number or "",) if kind == "document" else (row.role, row.code)


def _way(origin: dict[str, Any] | None, destination: dict[str, Any] | None) -> str:
    ends = [place.get("city") or place.get("name") or place.get("code") or "" for place in (origin or {}, destination or {})]
    return " → ".join(end for end in ends if end)
