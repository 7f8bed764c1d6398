"""Duplicates, lateness and any order end in the same state: shuffled streams against the sorted one, on the real database."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.canonical.models import Order, Shipment
from app.core.services import Shell
from tests.conftest import make_tenant
from tests.integration.ingest.desk import Desk, Settle, missed
from tests.unit.ingest.x12_fixtures import interchange, transaction_set

pytestmark = pytest.mark.feature("M62")
_IGNORED = {"tenant_id", "id", "customer_id", "created_at", "updated_at", "order_id", "shipment_id", "version"}


def scan(code: str, hour: int, number: str) -> bytes:
    body = ("B10*R*SHP-1*SCAC", "N1*SF*ACME-01", "LX*1", f"AT7*{code}*NS***20261123*{hour:02}00*ET", "MS1*TOWN*ON*CA")
    return interchange(transaction_set(number, *body), control=f"{int(number):09}", iea=f"{int(number):09}")


# One shipment's day as its sources tell it: picked up, departed, out for delivery, delivered, and an order that missed its cutoff.
STREAM = [scan("CP", 8, "0001"), scan("AF", 9, "0002"), scan("X6", 15, "0003"), scan("D1", 17, "0004"), missed("ORD-1"), missed("ORD-2")]


async def state_after(desk: Desk, order: list[int]) -> dict[str, Any]:
    for place, index in enumerate(order):
        raw = STREAM[index]
        answer = await (desk.edi(raw) if raw.startswith(b"ISA") else desk.hook(raw, f"m{index}"))
        assert answer.status_code in (200, 202)
        if place % 3 == 2:
            await desk.settle()
    await desk.settle()
    return {"shipments": await _rows(desk, Shipment), "orders": await _rows(desk, Order)}


async def _rows(desk: Desk, model: type[Any]) -> list[dict[str, Any]]:
    async with desk.shell.read(desk.tenant) as uow:
        rows = (await uow.execute(select(model).order_by(model.number))).scalars().all()
        return [{c.name: getattr(r, c.name) for c in model.__table__.columns if c.name not in _IGNORED} for r in rows]


class TestSameEnd:
    @settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    async def test_is_reached_from_every_order_with_every_message_five_times(
        self, data: st.DataObject, shell: Shell, client: httpx.AsyncClient, settle: Settle
    ) -> None:
        straight = await state_after(await _fresh(shell, client, settle), list(range(len(STREAM))))
        shuffled = data.draw(st.permutations([*range(len(STREAM))] * 5))
        assert await state_after(await _fresh(shell, client, settle), list(shuffled)) == straight
        assert [row["number"] for row in straight["orders"]] == ["ORD-1", "ORD-2"]
        assert len(straight["shipments"]) == 1


async def _fresh(shell: Shell, client: httpx.AsyncClient, settle: Settle) -> Desk:
    tenant: UUID = await make_tenant(shell)
    return await Desk(shell, tenant, client, settle).furnish()
