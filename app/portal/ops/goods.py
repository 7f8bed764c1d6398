"""An order or a shipment as the control tower sees it: where it stands, by which numbers it goes, which cases are about it."""

from typing import Any
from uuid import UUID

from litestar import Response

from app.canonical import lists
from app.canonical.lists import Window
from app.cases import cockpit
from app.core.uow import UnitOfWork
from app.portal.ops.wording import Wording
from app.portal.pages import page_get
from app.portal.screens import Screen
from tenants import names


@page_get("/ops/shipments/{shipment_id:uuid}", area="ops", permission="model.read")
async def show_shipment(screen: Screen, uow: UnitOfWork, shipment_id: UUID) -> Response[str]:
    """One shipment with its numbers, its reports and its cases."""
    shipment = await lists.shipment(uow, shipment_id)
    order = await lists.order(uow, shipment.order) if shipment.order else None
    return await _goods(screen, uow, shipment=shipment, order=order, about=[shipment_id], customer=shipment.customer)


@page_get("/ops/orders/{order_id:uuid}", area="ops", permission="model.read")
async def show_order(screen: Screen, uow: UnitOfWork, order_id: UUID) -> Response[str]:
    """One order with its lines, its shipments and its cases."""
    order = await lists.order(uow, order_id)
    shipment = await lists.shipment(uow, order.shipments[-1]) if order.shipments else None
    return await _goods(screen, uow, shipment=shipment, order=order, about=[order_id], customer=order.customer)


async def _goods(screen: Screen, uow: UnitOfWork, *, shipment: Any, order: Any, about: list[UUID], customer: UUID) -> Response[str]:
    cases = [case for found in (await cockpit.about(uow, about)).values() for case in found]
    papers = (await lists.documents(uow, Window(limit=20), order=order.id)).items if order else []
    called = await names.customer_names(uow, [customer])
    return screen.show(
        "ops/goods.html",
        shipment=shipment,
        order=order,
        cases=cases,
        papers=papers,
        customer=called.get(customer, "unknown"),
        w=Wording(screen),
    )


ROUTES: list[Any] = [show_shipment, show_order]
