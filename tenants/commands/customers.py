"""Customers come, change their contract and are suspended; they are never deleted while anything tells of them."""

from typing import Any
from uuid import UUID

from msgspec import UNSET

from app.core.errors import Conflict, FieldError, Invalid
from app.core.uow import UnitOfWork
from tenants import sla as contract
from tenants.models import Customer
from tenants.queries import customer_by_slug
from tenants.schemas import CustomerPatch, NewCustomer


class CustomerSlugTaken(Conflict):
    """There is a customer with this slug already."""


class CustomerInvalid(Invalid):
    """This customer can't be kept as it is described."""

    status = 422


async def create_customer(uow: UnitOfWork, new: NewCustomer) -> Customer:
    """Take in a new customer; raises CustomerInvalid (contract, zone) or CustomerSlugTaken. Says customer.created."""
    _check(new.sla, new.zone)
    if await customer_by_slug(uow, new.slug):
        raise CustomerSlugTaken()
    made = uow.new_id()
    row = Customer(
        id=made,
        customer_id=made,
        slug=new.slug,
        name=new.name,
        sla=new.sla,
        locale=new.locale,
        zone=new.zone,
        status="active",
        created_at=uow.now,
    )
    uow.add(row)
    uow.publish("customer.created", of=row, key=f"customer:{row.id}", data={"slug": row.slug, "name": row.name})
    await uow.session.flush()
    return row


async def update_customer(uow: UnitOfWork, customer_id: UUID, patch: CustomerPatch) -> Customer:
    """Change what `patch` names; what stays the same is no change and says nothing. Says customer.updated."""
    row = await uow.get(Customer, customer_id, lock=True)
    wanted = _given(patch)
    _check(wanted.get("sla"), wanted.get("zone", row.zone))
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        uow.publish("customer.updated", of=row, key=f"customer:{row.id}", data={"slug": row.slug, "fields": sorted(changed)})
    return row


def _given(patch: CustomerPatch) -> dict[str, Any]:
    return {name: getattr(patch, name) for name in patch.__struct_fields__ if getattr(patch, name) is not UNSET}


def _check(sla: dict[str, Any] | None, zone: str) -> None:
    errors = contract.problems(sla)
    if not contract.is_zone(zone):
        errors.append(FieldError("/zone", f"{zone!r} is not a time zone.", "Name one of the IANA database, such as Europe/Berlin."))
    if errors:
        raise CustomerInvalid(errors=errors)
