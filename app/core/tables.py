"""How tables are declared: two classes, tenant rows and platform rows, one metadata.

A model mirrors the SQL of its room's migration exactly (drift is checked). Declare on each table's `info`:
`data_class`, `retention`, `erasure`, and `derived=True` where rows follow from events and so need no event of their own.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Integer, LargeBinary, MetaData, SmallInteger, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

metadata = MetaData()

Money = BigInteger  # minor units
Small = SmallInteger
Int = Integer


class _Row(DeclarativeBase):
    metadata = metadata
    type_annotation_map = {  # noqa: RUF012
        str: Text, int: BigInteger, bool: Boolean, bytes: LargeBinary, UUID: Uuid, datetime: DateTime(timezone=True), date: Date,
        dict[str, Any]: JSONB, list[Any]: JSONB, list[str]: ARRAY(Text), list[UUID]: ARRAY(Uuid),
    }  # fmt: skip


class TenantRow(_Row):
    """A row of one tenant: the key is (tenant_id, id); the UnitOfWork fills in both."""

    __abstract__ = True

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-2)
    id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)


class PlatformRow(_Row):
    """A row of the platform's closed list of tables; no tenant's content is in it."""

    __abstract__ = True
