"""Connections: the way out to other systems. The catalog with its proof, one made ready, tested, changed, given a new secret, switched off."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import Parameter

from app.connectors import commands, queries
from app.connectors.capabilities import capabilities
from app.connectors.connector import Connector, connector, connectors
from app.connectors.schemas import ConnectionChange, ConnectionView, NewConnection, NewSecret, Tested
from app.core.recent import history
from app.core.uow import UnitOfWork
from app.portal.admin.choices import customer_of, offered
from app.portal.admin.showing import told
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from tenants.names import actor_names, customer_names

SHOWN = 50
LIST = "/admin/connections"
Cursor = Annotated[str | None, Parameter(max_length=400)]
PROOF = {
    "live": ("ok", "proven on the live system"), "sandbox": ("ok", "proven in the vendor's sandbox"),
    "specification": ("watch", "built to the vendor's specification"), "fixture": ("watch", "proven on recorded answers"),
}  # fmt: skip
AUTH = {
    "none": ("", "No secret is needed.", ""),
    "api_key": ("API key", "The key the system gave you.", "API key in a header"),
    "bearer": ("Token", "The token the system gave you.", "bearer token"),
    "basic": ("Password", "The password of the technical user.", "user and password"),
    "oauth2_client_credentials": ("Client secret", "The secret that belongs to the OAuth client.", "OAuth 2 client credentials"),
}  # fmt: skip
BREAKER = {
    "closed": ("ok", "calls leave"), "open": ("act", "paused: it failed five times in a row"), "half_open": ("watch", "one call is on its way to see"),
}  # fmt: skip
SAID = {
    "connection.created": "was made", "connection.changed": "was changed", "connection.rotated": "was given a new secret",
    "connection.disabled": "was switched off", "connection.enabled": "was switched on", "connection.tested": "was tested",
    "breaker.opened": "was paused after failures", "breaker.closed": "answers again",
}  # fmt: skip


@page_get(LIST, area="admin", permission="connections.read")
async def list_connections(screen: Screen, uow: UnitOfWork, cursor: Cursor = None) -> Response[str]:
    """Every connection with how it is."""
    found = await queries.connections(uow, cursor=cursor, limit=SHOWN)
    names = await customer_names(uow, (one.customer_id for one in found.items))
    return screen.show("admin/connections.html", found=found, names=names, cursor=cursor, catalog=connectors(), breaker=BREAKER)


@page_get(f"{LIST}/new", area="admin", permission="connections.write")
async def show_catalog(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """The connectors to choose from, each with what it can do and how far it is proven."""
    return screen.show("admin/connectors.html", catalog=connectors().values(), summaries=capabilities(), proof=PROOF, auth=AUTH)


@page_get(f"{LIST}/new/{{connector_name:str}}", area="admin", permission="connections.write")
async def new_connection(screen: Screen, uow: UnitOfWork, connector_name: str) -> Response[str]:
    """The form a connector declares."""
    adapter = connector(connector_name)
    return await _new(screen, uow, Form.of({"name": adapter.name.removeprefix("sim-"), "capabilities": adapter.capabilities}), adapter)


@page_post(f"{LIST}/new/{{connector_name:str}}", area="admin", permission="connections.write")
async def create_connection(screen: Screen, form: Form, connector_name: str) -> Response[str]:
    """Make it; its page tests it next."""
    adapter = connector(connector_name)

    async def change(uow: UnitOfWork) -> UUID:
        customer = await customer_of(uow, form)
        wanted = form.read(NewConnection, only=("name", "capabilities", "precedence", "rate_per_minute"), connector=adapter.name)
        full = msgspec.structs.replace(wanted, config=_config(form, adapter), secret=form.value("secret") or None, customer_id=customer)
        return (await commands.create_connection(uow, screen.shell.vault, full)).id

    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        return await _new(screen, uow, wrong, adapter)

    return await screen.change(change, form, then=lambda made: f"{LIST}/{made}", done="connection_made", again=again)


@page_get(f"{LIST}/{{connection_id:uuid}}", area="admin", permission="connections.read")
async def show_connection(screen: Screen, uow: UnitOfWork, connection_id: UUID) -> Response[str]:
    """One connection: whether it answers, what it may be asked, what happened to it."""
    return await _one(screen, uow, Form(), connection_id)


@page_post(f"{LIST}/{{connection_id:uuid}}/test", area="admin", permission="connections.write")
async def test_connection(screen: Screen, form: Form, connection_id: UUID) -> Response[str]:
    """Ask the system a harmless question and show what was asked, what came back and what to do about it."""
    who = screen.reader.principal
    tested = await commands.try_connection(screen.shell, tenant=who.tenant, actor=who.actor, connection_id=connection_id)
    async with screen.read() as uow:
        return await _one(screen, uow, Form(), connection_id, tested)


@page_post(f"{LIST}/{{connection_id:uuid}}/rotate", area="admin", permission="connections.write")
async def rotate_connection(screen: Screen, form: Form, connection_id: UUID) -> Response[str]:
    """A new secret from now on."""

    async def change(uow: UnitOfWork) -> None:
        await commands.rotate(uow, screen.shell.vault, connection_id, form.read(NewSecret).secret)

    return await _changed(screen, form, connection_id, change, "connection_rotated")


@page_post(f"{LIST}/{{connection_id:uuid}}/disable", area="admin", permission="connections.write")
async def disable_connection(screen: Screen, form: Form, connection_id: UUID) -> Response[str]:
    """No call leaves by it any more."""

    async def change(uow: UnitOfWork) -> None:
        await commands.disable(uow, connection_id)

    return await _changed(screen, form, connection_id, change, "connection_off")


@page_post(f"{LIST}/{{connection_id:uuid}}/enable", area="admin", permission="connections.write")
async def enable_connection(screen: Screen, form: Form, connection_id: UUID) -> Response[str]:
    """Calls may leave by it again."""

    async def change(uow: UnitOfWork) -> None:
        await commands.enable(uow, connection_id)

    return await _changed(screen, form, connection_id, change, "connection_on")


@page_get(f"{LIST}/{{connection_id:uuid}}/edit", area="admin", permission="connections.write")
async def edit_connection(screen: Screen, uow: UnitOfWork, connection_id: UUID) -> Response[str]:
    """Its settings, to be changed."""
    row = await queries.connection(uow, connection_id)
    config = {f"config.{name}": str(value) for name, value in row.config.items()}
    more = {"capabilities": row.capabilities, "precedence": row.precedence, "rate_per_minute": row.rate_per_minute}
    return await _edit(screen, uow, Form.of({**config, **more}), connection_id)


@page_post(f"{LIST}/{{connection_id:uuid}}/edit", area="admin", permission="connections.write")
async def change_connection(screen: Screen, form: Form, connection_id: UUID) -> Response[str]:
    """Its next version."""

    async def change(uow: UnitOfWork) -> None:
        adapter = connector((await queries.connection(uow, connection_id)).connector)
        wanted = form.read(ConnectionChange, only=("capabilities", "precedence", "rate_per_minute"))
        full = msgspec.structs.replace(wanted, config=_config(form, adapter))
        await commands.change_connection(uow, screen.shell.vault, connection_id, full)

    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        return await _edit(screen, uow, wrong, connection_id)

    return await screen.change(change, form, then=f"{LIST}/{connection_id}", done="saved", again=again)


async def _changed(screen: Screen, form: Form, connection_id: UUID, change: Any, done: str) -> Response[str]:
    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        return await _one(screen, uow, wrong, connection_id)

    return await screen.change(change, form, then=f"{LIST}/{connection_id}", done=done, again=again)


def _config(form: Form, adapter: Connector) -> dict[str, str]:
    """What was typed for the settings a connector declares, empty ones left out."""
    return {name: form.value(f"config.{name}").strip() for name in adapter.config if form.value(f"config.{name}").strip()}


async def _new(screen: Screen, uow: UnitOfWork, form: Form, adapter: Connector) -> Response[str]:
    more = await offered(uow)
    return screen.show(
        "admin/connection_new.html",
        form=form,
        adapter=adapter,
        summaries=capabilities(),
        proof=PROOF,
        auth=AUTH,
        customers=more["customers"],
    )


async def _edit(screen: Screen, uow: UnitOfWork, form: Form, connection_id: UUID) -> Response[str]:
    row = await queries.connection(uow, connection_id)
    return screen.show("admin/connection_edit.html", form=form, row=row, adapter=connector(row.connector), summaries=capabilities())


async def _one(screen: Screen, uow: UnitOfWork, form: Form, connection_id: UUID, tested: Tested | None = None) -> Response[str]:
    row: ConnectionView = await queries.connection(uow, connection_id)
    past = await history(uow, f"connection:{connection_id}", limit=12)
    calls = await queries.calls(uow, cursor=None, limit=5, connection_id=connection_id)
    names = await customer_names(uow, [row.customer_id])
    people = await actor_names(uow, (event.actor for event in past))
    return screen.show(
        "admin/connection.html", form=form, row=row, adapter=connector(row.connector), tested=tested, past=past, calls=calls.items, names=names,
        people=people, summaries=capabilities(), proof=PROOF, auth=AUTH, breaker=BREAKER, said=SAID, told=told,
    )  # fmt: skip


ROUTES: list[Any] = [
    list_connections, show_catalog, new_connection, create_connection, show_connection, test_connection, rotate_connection, disable_connection,
    enable_connection, edit_connection, change_connection,
]  # fmt: skip
