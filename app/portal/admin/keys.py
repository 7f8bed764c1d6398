"""Keys of programs: made once in the clear, rotated with an overlap, revoked; which are still used after their successor was made."""

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response

from app.core.errors import FieldError, Invalid
from app.core.uow import UnitOfWork
from app.ingest import queries as ingest
from app.portal.admin.choices import customer_of, offered, who
from app.portal.admin.role_words import ROLES, role_word
from app.portal.admin.users import may_give
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from tenants import console_queries, queries
from tenants.auth import cache_of
from tenants.commands.keys import create_key, revoke_key, rotate_key
from tenants.models import ApiKey
from tenants.names import customer_names
from tenants.schemas import KeyView, NewKey, RotateKey

LIST = "/admin/keys"
SHOWN = 50
SCOPES = {"partner": "Your whole account", "customer": "One customer", "source": "One source that sends"}
OVERLAPS = {"0": "none: the old one stops at once", "3600": "an hour", "86400": "a day", "604800": "a week", "2592000": "30 days"}
LIVES = {"": "until revoked", "30": "30 days", "90": "90 days", "365": "a year"}


@page_get(LIST, area="admin", permission="keys.read")
async def list_keys(screen: Screen, uow: UnitOfWork, only: str = "", customer: str = "", cursor: str | None = None) -> Response[str]:
    """Keys, the newest first."""
    of = await queries.customer_by_slug(uow, customer.strip().lower()) if customer.strip() else None
    state = only if only in ("active", "rotated", "over") else ""
    rows = await console_queries.keys(uow, state=state, customer_id=of.id if of else None, cursor=cursor, limit=SHOWN)
    return screen.show(
        "admin/keys.html", rows=rows, only=state, customer=customer, of=of, cursor=cursor, names=await customer_names(uow, [k.customer_id for k in rows.items]),
        late=await console_queries.used_after_rotation(uow), role_word=role_word, state_of=partial(_state, screen.now), **await offered(uow),
    )  # fmt: skip


@page_get(f"{LIST}/new", area="admin", permission="keys.write")
async def new_key(screen: Screen, uow: UnitOfWork, customer: str = "", source: str = "") -> Response[str]:
    """The form for a new one."""
    scope = "customer" if customer else "source" if source else "partner"
    return await _new(screen, uow, Form.of({"scope": scope, "customer": customer, "source": source}))


@page_post(LIST, area="admin", permission="keys.write")
async def make_key(screen: Screen, form: Form) -> Response[str]:
    """Make a key and show its secret, this once."""

    async def change(uow: UnitOfWork) -> tuple[KeyView, str]:
        wanted = await _wanted(screen, uow, form)
        row, key = await create_key(uow, wanted, maker=screen.reader.principal, prefix=screen.shell.settings.key_prefix)
        return queries.key_view(row), key.text

    show = partial(_made, screen)
    return await screen.reveal(change, form, show=show, again=partial(_new, screen), then=LIST, done="key_shown_before")


@page_get(f"{LIST}/{{key_id:uuid}}", area="admin", permission="keys.read")
async def show_key(screen: Screen, uow: UnitOfWork, key_id: UUID) -> Response[str]:
    """One key: what it may do, for whom, from where and how long; never its secret."""
    return await _show(screen, key_id, uow, Form())


@page_post(f"{LIST}/{{key_id:uuid}}/rotate", area="admin", permission="keys.write")
async def rotate(screen: Screen, form: Form, key_id: UUID) -> Response[str]:
    """Make the key's successor and show its secret, this once; both work until the overlap ends."""

    async def change(uow: UnitOfWork) -> tuple[KeyView, str]:
        overlap = timedelta(seconds=form.read(RotateKey).overlap_seconds)
        settings, maker = screen.shell.settings, screen.reader.principal
        row, key = await rotate_key(uow, key_id, overlap=overlap, maker=maker, prefix=settings.key_prefix)
        uow.after_commit(lambda: cache_of(screen.shell).forget(key_id))
        return queries.key_view(row), key.text

    show = partial(_made, screen)
    again = partial(_show, screen, key_id)
    return await screen.reveal(change, form, show=show, again=again, then=f"{LIST}/{key_id}", done="key_shown_before")


@page_get(f"{LIST}/{{key_id:uuid}}/revoke", area="admin", permission="keys.write")
async def ask_revocation(screen: Screen, uow: UnitOfWork, key_id: UUID) -> Response[str]:
    """Say what revoking means and when it was last used."""
    return await _revocation(screen, key_id, uow, Form())


@page_post(f"{LIST}/{{key_id:uuid}}/revoke", area="admin", permission="keys.write")
async def revoke(screen: Screen, form: Form, key_id: UUID) -> Response[str]:
    """Refuse the key everywhere within five seconds."""

    async def change(uow: UnitOfWork) -> None:
        await revoke_key(uow, key_id)
        uow.after_commit(lambda: cache_of(screen.shell).forget(key_id))

    return await screen.change(change, form, then=f"{LIST}/{key_id}", done="key_revoked", again=partial(_revocation, screen, key_id))


async def _new(screen: Screen, uow: UnitOfWork, form: Form) -> Response[str]:
    roles = [role for role in await queries.list_roles(uow) if may_give(screen, role)]
    sources = [source.name for source in await ingest.sources(uow) if source.status == "active"]
    return screen.show(
        "admin/key_new.html",
        form=form,
        roles=roles,
        scopes=SCOPES,
        words=ROLES,
        role_word=role_word,
        lives=LIVES,
        source_choices=[(name, name) for name in sources],
        **await offered(uow),
    )


async def _show(screen: Screen, key_id: UUID, uow: UnitOfWork, form: Form) -> Response[str]:
    key, row = await queries.key(uow, key_id), await uow.get(ApiKey, key_id)
    successor = await queries.key(uow, key.successor_id) if key.successor_id else None
    is_late = any(late.id == key_id for late in await console_queries.used_after_rotation(uow, limit=200))
    named = await who(uow, [row.created_by])
    return screen.show(
        "admin/key.html", form=form, key=key, state=_state(screen.now, key), successor=successor, is_late=is_late, overlaps=OVERLAPS, scopes=SCOPES,
        role_word=role_word, names=await customer_names(uow, [key.customer_id]), made_at=row.created_at, made_by=named(row.created_by),
    )  # fmt: skip


async def _revocation(screen: Screen, key_id: UUID, uow: UnitOfWork, form: Form) -> Response[str]:
    return screen.show("admin/key_revoke.html", form=form, key=await queries.key(uow, key_id))


def _made(screen: Screen, made: tuple[KeyView, str]) -> Response[str]:
    return screen.show("admin/key_made.html", key=made[0], secret=made[1], origin=screen.shell.settings.origin(screen.host))


async def _wanted(screen: Screen, uow: UnitOfWork, form: Form) -> NewKey:
    scope, given = form.value("scope"), Form(form.fields)
    days = form.value("days")
    known: dict[str, Any] = {"addresses": [part for part in re.split(r"[,\s]+", form.value("addresses")) if part]}
    if scope == "source":
        known["roles"] = ["source_key"]
        if not form.value("source"):
            raise Invalid(errors=[FieldError("/source", "is needed", "Choose the source this key may feed.")], status=422)
    if days.isdigit() and 0 < len(days) <= 4:
        if form.has("renews", "true"):
            known["rotate_days"] = int(days)
        else:
            known["expires_at"] = datetime.fromtimestamp(screen.now.timestamp(), UTC) + timedelta(days=int(days))
    wanted = given.read(NewKey, only=("name", "scope", "roles"), **known)
    customer = await customer_of(uow, form) if scope == "customer" else None
    if scope == "customer" and customer is None:
        raise Invalid(errors=[FieldError("/customer", "is needed", "Choose the customer this key belongs to.")], status=422)
    return msgspec.structs.replace(wanted, customer_id=customer, source=form.value("source") if scope == "source" else None)


def _state(now: datetime, key: KeyView) -> tuple[str, str]:
    """A key's state in a word and its kind of chip."""
    if key.revoked_at:
        return "revoked", "quiet"
    if key.expires_at and key.expires_at <= now:
        return "expired", "quiet"
    if key.successor_id:
        return "replaced, still works", "watch"
    return "works", "ok"


ROUTES: list[Any] = [list_keys, new_key, make_key, show_key, rotate, ask_revocation, revoke]
