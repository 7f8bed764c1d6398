"""What is kept in versions (mappings, policies, workflows, templates), as a shelf: one line a name and owner, and one name's versions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import Text, cast, func, literal, select

from app.core.paging import Page, page
from app.core.tables import TenantRow
from app.core.uow import UnitOfWork

Row = TypeVar("Row", bound=TenantRow)
_NOBODY = UUID(int=0)
MOST = 100


class Shelved(msgspec.Struct, kw_only=True):
    """A name of one owner: its newest version, the one in force, and the newest draft that comes after it."""

    name: str
    customer_id: UUID | None
    newest: int
    newest_id: UUID
    in_force: int | None
    in_force_id: UUID | None
    draft: int | None
    draft_id: UUID | None
    changed_at: datetime

    @property
    def shown_id(self) -> UUID:
        """The version to open first: what is in force, else the newest."""
        return self.in_force_id or self.newest_id


async def shelf(uow: UnitOfWork, model: Any, *, cursor: str | None, limit: int = 50, customer_id: UUID | None = None) -> Page[Shelved]:
    """Return the names of `model` in alphabetical order; with a customer, only its own."""
    owner = func.coalesce(model.customer_id, literal(_NOBODY))
    drafted, published = model.status == "draft", model.status == "published"
    newest = func.max(cast(model.id, Text))  # ids rise with time, and so with the version
    query: Any = select(
        model.name, model.customer_id, func.max(model.version), newest, func.max(model.version).filter(published), newest.filter(published),
        func.max(model.version).filter(drafted), newest.filter(drafted), func.max(model.created_at),
    ).group_by(model.name, model.customer_id)  # fmt: skip
    if customer_id is not None:
        query = query.where(model.customer_id == customer_id)
    return await page(uow, query, by=[(model.name, str), (owner, UUID)], cursor=cursor, limit=limit, view=_shelved, descending=False)


def _shelved(row: Any) -> Shelved:
    name, customer_id, newest, newest_id, in_force, in_force_id, draft, draft_id, changed_at = row[:9]
    is_ahead = draft is not None and (in_force is None or draft > in_force)
    return Shelved(
        name=name, customer_id=customer_id, newest=newest, newest_id=UUID(newest_id), in_force=in_force, changed_at=changed_at,
        in_force_id=UUID(in_force_id) if in_force_id else None, draft=draft if is_ahead else None, draft_id=UUID(draft_id) if is_ahead else None,
    )  # fmt: skip


async def of_name(uow: UnitOfWork, model: type[Row], row: Any) -> Sequence[Row]:
    """Return the newest hundred versions of what `row` is a version of, the newest first."""
    kind: Any = model
    query = select(kind).where(kind.name == row.name, kind.customer_id.is_not_distinct_from(row.customer_id))
    return (await uow.execute(query.order_by(kind.version.desc()).limit(MOST))).scalars().all()
