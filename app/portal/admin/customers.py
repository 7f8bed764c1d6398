"""Customers: found, taken in, changed with their contract, suspended and let in again."""

from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response

from app.connectors import queries as connectors
from app.core.uow import UnitOfWork
from app.portal.admin.choices import LANGUAGES, ZONES
from app.portal.admin.contract import UNITS, contract_of, fields_of, promised, said
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from tenants import console_queries, queries
from tenants.commands.customers import create_customer, update_customer
from tenants.models import Customer
from tenants.schemas import CustomerPatch, NewCustomer

LIST = "/admin/customers"
SHOWN = 50


@page_get(LIST, area="admin", permission="customers.read")
async def list_customers(screen: Screen, uow: UnitOfWork, q: str = "", status: str = "", cursor: str | None = None) -> Response[str]:
    """Customers by name, found by what one remembers of their name."""
    status = status if status in ("active", "suspended") else ""
    rows = await console_queries.customers(uow, search=q.strip()[:80], status=status, cursor=cursor, limit=SHOWN)
    return screen.show("admin/customers.html", rows=rows, q=q, chosen=status, cursor=cursor, said=said)


@page_get(f"{LIST}/new", area="admin", permission="customers.write")
async def new_customer(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """The form for a new one."""
    return await _new(screen, uow, Form())


@page_post(LIST, area="admin", permission="customers.write")
async def add_customer(screen: Screen, form: Form) -> Response[str]:
    """Take in a customer."""

    async def change(uow: UnitOfWork) -> UUID:
        new = form.read(NewCustomer, only=("slug", "name", "locale", "zone"))
        return (await create_customer(uow, msgspec.structs.replace(new, sla=contract_of(form)))).id

    return await screen.change(change, form, then=lambda made: f"{LIST}/{made}", done="customer_added", again=partial(_new, screen))


@page_get(f"{LIST}/{{customer_id:uuid}}", area="admin", permission="customers.read")
async def show_customer(screen: Screen, uow: UnitOfWork, customer_id: UUID) -> Response[str]:
    """One customer: what was promised, and everybody and everything that is theirs."""
    row = await uow.get(Customer, customer_id)
    may = screen.reader.may
    users = await console_queries.users(uow, customer_id=customer_id, cursor=None, limit=10) if may("users.read") else None
    keys = await console_queries.keys(uow, customer_id=customer_id, cursor=None, limit=10) if may("keys.read") else None
    known = await connectors.connections(uow, customer_id=customer_id, cursor=None, limit=20) if may("connections.read") else None
    return screen.show(
        "admin/customer.html", customer=queries.customer_view(row), users=users, keys=keys, due=promised(row.sla, screen.now), said=said,
        connections=[one for one in known.items if one.customer_id == customer_id] if known else None, since=row.created_at,
    )  # fmt: skip


@page_get(f"{LIST}/{{customer_id:uuid}}/edit", area="admin", permission="customers.write")
async def edit_customer(screen: Screen, uow: UnitOfWork, customer_id: UUID) -> Response[str]:
    """The form with what holds now."""
    row = await uow.get(Customer, customer_id)
    return await _edit(screen, customer_id, uow, Form.of({"name": row.name, "locale": row.locale, "zone": row.zone, **fields_of(row.sla)}))


@page_post(f"{LIST}/{{customer_id:uuid}}/edit", area="admin", permission="customers.write")
async def change_customer(screen: Screen, form: Form, customer_id: UUID) -> Response[str]:
    """Change name, language, zone and contract. Cases that are open keep what was promised when they opened."""

    async def change(uow: UnitOfWork) -> None:
        patch = form.read(CustomerPatch, only=("name", "locale", "zone"))
        await update_customer(uow, customer_id, msgspec.structs.replace(patch, sla=contract_of(form)))

    again = partial(_edit, screen, customer_id)
    return await screen.change(change, form, then=f"{LIST}/{customer_id}", done="customer_changed", again=again)


@page_get(f"{LIST}/{{customer_id:uuid}}/suspend", area="admin", permission="customers.write")
async def ask_suspension(screen: Screen, uow: UnitOfWork, customer_id: UUID) -> Response[str]:
    """Say what a suspension means before it is done."""
    return await _suspension(screen, customer_id, uow, Form())


@page_post(f"{LIST}/{{customer_id:uuid}}/status", area="admin", permission="customers.write")
async def set_status(screen: Screen, form: Form, customer_id: UUID) -> Response[str]:
    """Suspend a customer or let it in again."""

    async def change(uow: UnitOfWork) -> None:
        await update_customer(uow, customer_id, form.read(CustomerPatch, only=("status",)))

    done = "customer_suspended" if form.value("status") == "suspended" else "customer_restored"
    return await screen.change(change, form, then=f"{LIST}/{customer_id}", done=done, again=partial(_suspension, screen, customer_id))


async def _new(screen: Screen, uow: UnitOfWork, form: Form) -> Response[str]:
    voice = screen.look.brand.voice if screen.look.brand else None
    usual = {"locale": voice.locale if voice else "en", "zone": voice.zone if voice else "UTC"}
    return screen.show("admin/customer_form.html", form=form, customer=None, units=UNITS, languages=LANGUAGES, zones=ZONES, usual=usual)


async def _edit(screen: Screen, customer_id: UUID, uow: UnitOfWork, form: Form) -> Response[str]:
    row = await uow.get(Customer, customer_id)
    return screen.show(
        "admin/customer_form.html",
        form=form,
        customer=row,
        units=UNITS,
        languages=LANGUAGES,
        zones=ZONES,
        usual={"locale": row.locale, "zone": row.zone},
    )


async def _suspension(screen: Screen, customer_id: UUID, uow: UnitOfWork, form: Form) -> Response[str]:
    return screen.show("admin/customer_suspend.html", form=form, customer=await uow.get(Customer, customer_id))


ROUTES: list[Any] = [
    list_customers, new_customer, add_customer, show_customer, edit_customer, change_customer, ask_suspension, set_status,
]  # fmt: skip
