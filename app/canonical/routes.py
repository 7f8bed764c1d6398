"""The model over HTTP: what is known, documents in and out, promises, and the taxonomy."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post, put
from litestar.params import Parameter

from app.canonical import documents, lists, promises, views
from app.canonical.forms import MOST_BYTES
from app.canonical.lists import Window
from app.canonical.milestones import PROGRESS
from app.canonical.models import Document, DocumentContent, InventoryPosition, Location, Order, Party, Promise, Shipment
from app.canonical.published import json_schemas
from app.canonical.schemas import (
    DocumentView,
    ExceptionTypeView,
    InventoryPositionView,
    LocationView,
    NewDocument,
    NewPromise,
    OrderRow,
    OrderView,
    PartyView,
    PromiseView,
    ShipmentRow,
    ShipmentView,
)
from app.canonical.taxonomy import taxonomy
from app.core.errors import FieldError, Invalid, NotFound
from app.core.paging import Page
from app.core.uow import UnitOfWork

Limit = Annotated[int, Parameter(ge=1, le=200)]
Text = Annotated[str | None, Parameter(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
READ: dict[str, Any] = {"opt": {"permission": "model.read"}, "tags": ["model"]}
WRITE: dict[str, Any] = {"opt": {"permission": "documents.write"}, "tags": ["model"]}


class PromiseInvalid(Invalid):
    """This can't be promised."""


@get("/v1/shipments", operation_id="listShipments", **READ)
async def list_shipments(
    uow: UnitOfWork, reference: Text = None, status: Text = None, order: UUID | None = None, customer: UUID | None = None, cursor: str | None = None,
    limit: Limit = 50,
) -> Page[ShipmentRow]:  # fmt: skip
    """Shipments, newest first; `reference` is any of a shipment's numbers."""
    return await lists.shipments(uow, Window(cursor, limit), reference=reference, status=status, order=order, customer=customer)


@get("/v1/shipments/{shipment_id:uuid}", operation_id="getShipment", **READ)
async def get_shipment(uow: UnitOfWork, shipment_id: UUID) -> ShipmentView:
    """One shipment with its references, parties, legs and milestones."""
    return await lists.shipment(uow, shipment_id)


@get("/v1/orders", operation_id="listOrders", **READ)
async def list_orders(
    uow: UnitOfWork, reference: Text = None, status: Text = None, customer: UUID | None = None, cursor: str | None = None, limit: Limit = 50
) -> Page[OrderRow]:
    """Orders, newest first; `reference` is the order number."""
    return await lists.orders(uow, Window(cursor, limit), reference=reference, status=status, customer=customer)


@get("/v1/orders/{order_id:uuid}", operation_id="getOrder", **READ)
async def get_order(uow: UnitOfWork, order_id: UUID) -> OrderView:
    """One order with its lines and shipments."""
    return await lists.order(uow, order_id)


@get("/v1/inventory", operation_id="listInventory", **READ)
async def list_inventory(
    uow: UnitOfWork, sku: Text = None, site: Text = None, customer: UUID | None = None, cursor: str | None = None, limit: Limit = 50
) -> Page[InventoryPositionView]:
    """Inventory positions, newest first."""
    return await lists.inventory(uow, Window(cursor, limit), sku=sku, site=site, customer=customer)


@get("/v1/inventory/{position_id:uuid}", operation_id="getInventoryPosition", **READ)
async def get_inventory_position(uow: UnitOfWork, position_id: UUID) -> InventoryPositionView:
    """One inventory position."""
    return views.inventory_position(await uow.get(InventoryPosition, position_id))


@get("/v1/parties", operation_id="listParties", **READ)
async def list_parties(
    uow: UnitOfWork, role: Text = None, customer: UUID | None = None, cursor: str | None = None, limit: Limit = 50
) -> Page[PartyView]:
    """Parties, newest first."""
    return await lists.parties(uow, Window(cursor, limit), role=role, customer=customer)


@get("/v1/parties/{party_id:uuid}", operation_id="getParty", **READ)
async def get_party(uow: UnitOfWork, party_id: UUID) -> PartyView:
    """One party."""
    return views.party(await uow.get(Party, party_id))


@get("/v1/locations", operation_id="listLocations", **READ)
async def list_locations(
    uow: UnitOfWork, country: Text = None, customer: UUID | None = None, cursor: str | None = None, limit: Limit = 50
) -> Page[LocationView]:
    """Places, newest first."""
    return await lists.locations(uow, Window(cursor, limit), country=country, customer=customer)


@get("/v1/locations/{location_id:uuid}", operation_id="getLocation", **READ)
async def get_location(uow: UnitOfWork, location_id: UUID) -> LocationView:
    """One place."""
    return views.location(await uow.get(Location, location_id))


@get("/v1/promises", operation_id="listPromises", **READ)
async def list_promises(
    uow: UnitOfWork, status: Text = None, order: UUID | None = None, shipment: UUID | None = None, customer: UUID | None = None,
    cursor: str | None = None, limit: Limit = 50,
) -> Page[PromiseView]:  # fmt: skip
    """Promises, newest first."""
    return await lists.promises(uow, Window(cursor, limit), status=status, order=order, shipment=shipment, customer=customer)


@get("/v1/promises/{promise_id:uuid}", operation_id="getPromise", **READ)
async def get_promise(uow: UnitOfWork, promise_id: UUID) -> PromiseView:
    """One promise."""
    return views.promise(await uow.get(Promise, promise_id))


@post("/v1/promises", operation_id="makePromise", opt={"permission": "cases.work"}, tags=["model"])
async def make_promise(uow: UnitOfWork, data: NewPromise) -> PromiseView:
    """Promise a step of an order or shipment by a time; promising it again moves it."""
    if data.milestone not in PROGRESS:
        raise PromiseInvalid(errors=[FieldError("/milestone", "This step is not known.", f"Use one of {', '.join(sorted(PROGRESS))}.")])
    owner = await _owner(uow, data.order, data.shipment)
    row = await promises.promise(
        uow, customer_id=owner.customer_id, order_id=data.order, shipment_id=data.shipment, name=data.name, milestone=data.milestone,
        due_at=data.due_at, grace_minutes=data.grace_minutes, said_at=uow.now,
    )  # fmt: skip
    promises.say(uow, row, "made")
    return views.promise(row)


@get("/v1/documents", operation_id="listDocuments", **READ)
async def list_documents(
    uow: UnitOfWork, kind: Text = None, status: Text = None, order: UUID | None = None, shipment: UUID | None = None, case: UUID | None = None,
    customer: UUID | None = None, cursor: str | None = None, limit: Limit = 50,
) -> Page[DocumentView]:  # fmt: skip
    """Documents, newest first."""
    filters = {"kind": kind, "status": status, "order": order, "shipment": shipment, "case": case, "customer": customer}
    return await lists.documents(uow, Window(cursor, limit), **filters)  # type: ignore[arg-type]


@post("/v1/documents", operation_id="requireDocument", **WRITE)
async def require_document(uow: UnitOfWork, data: NewDocument) -> DocumentView:
    """Ask for a document about an order or shipment; asking again gives the same one."""
    owner = await _owner(uow, data.order, data.shipment)
    row = await documents.require(uow, kind=data.kind, customer_id=owner.customer_id, order_id=data.order, shipment_id=data.shipment)
    return views.document(row)


@get("/v1/documents/{document_id:uuid}", operation_id="getDocument", **READ)
async def get_document(uow: UnitOfWork, document_id: UUID) -> DocumentView:
    """One document with what was read from it and what is wrong with it."""
    return views.document(await uow.get(Document, document_id))


@put(
    "/v1/documents/{document_id:uuid}/content", operation_id="uploadDocument", status_code=200, request_max_body_size=MOST_BYTES + 1024,
    opt={"permission": "documents.write", "any_content": True}, tags=["model"],
)  # fmt: skip
async def upload_document(uow: UnitOfWork, request: Request[Any, Any, Any], document_id: UUID, name: Text = None) -> DocumentView:
    """Upload a form (JSON, text, PDF); it is kept and verified at once. `findings` say what is wrong with a refused one."""
    return views.document(await documents.upload(uow, document_id, await request.body(), name=name or ""))


@get("/v1/documents/{document_id:uuid}/content", operation_id="downloadDocument", **READ)
async def download_document(uow: UnitOfWork, document_id: UUID) -> Response[bytes]:
    """The newest upload as it came, always as a download."""
    row = await uow.get(Document, document_id)
    kept = await uow.find(DocumentContent, row.content_id) if row.content_id else None
    if kept is None:
        raise NotFound("Nothing has been uploaded for this document yet.")
    headers = {"Content-Disposition": f'attachment; filename="{kept.id}"', "X-Content-Type-Options": "nosniff"}
    return Response(await documents.content_of(uow, kept.id), media_type="application/octet-stream", headers=headers)


@post("/v1/documents/{document_id:uuid}/verify", operation_id="verifyDocument", status_code=200, **WRITE)
async def verify_document(uow: UnitOfWork, document_id: UUID) -> DocumentView:
    """Look again at the newest upload: what it is compared with may be known better by now."""
    return views.document(await documents.verify(uow, document_id))


@get("/v1/exception-types", operation_id="listExceptionTypes", **READ)
async def list_exception_types() -> Page[ExceptionTypeView]:
    """Every type of exception, with its reasons and who usually answers for them."""
    return Page([views.exception_type(kind) for kind in taxonomy().types.values()])


@get("/v1/exception-types/{type_name:str}", operation_id="getExceptionType", **READ)
async def get_exception_type(type_name: str) -> ExceptionTypeView:
    """One type of exception."""
    if type_name not in taxonomy().types:
        raise NotFound()
    return views.exception_type(taxonomy().types[type_name])


@get("/v1/schemas", operation_id="listSchemas", **READ)
async def list_schemas() -> Page[dict[str, Any]]:
    """The published JSON Schemas: canonical event, shipment, order, inventory position, exception and more."""
    return Page(list(json_schemas().values()))


@get("/v1/schemas/{schema_name:str}", operation_id="getSchema", **READ)
async def get_schema(schema_name: str) -> dict[str, Any]:
    """One published JSON Schema."""
    if schema_name not in json_schemas():
        raise NotFound()
    return json_schemas()[schema_name]


async def _owner(uow: UnitOfWork, order: UUID | None, shipment: UUID | None) -> Order | Shipment:
    """The one order or shipment something is about."""
    if (order is None) == (shipment is None):
        raise Invalid(
            "Name an order or a shipment.", errors=[FieldError("/order", "Exactly one of order and shipment is needed.", "Give one id.")]
        )
    return await uow.get(Order, order) if order is not None else await uow.get(Shipment, shipment)  # type: ignore[arg-type]


ROUTES = [
    list_shipments, get_shipment, list_orders, get_order, list_inventory, get_inventory_position, list_parties, get_party, list_locations, get_location,
    list_promises, get_promise, make_promise, list_documents, require_document, get_document, upload_document, download_document, verify_document,
    list_exception_types, get_exception_type, list_schemas, get_schema,
]  # fmt: skip
