"""People: found, invited with a role, relieved of one, suspended, signed out."""

from collections.abc import Sequence
from functools import partial
from typing import Any, cast
from uuid import UUID

import msgspec
from litestar import Response

from app.core.errors import Conflict, FieldError, Invalid
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.portal.admin.choices import check_zone, customer_of, offered
from app.portal.admin.role_words import ROLES, role_word
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from branding import queries as brands
from tenants import access_queries, console_queries, queries
from tenants.auth import cache_of
from tenants.commands import external_sign_in, sessions, users
from tenants.commands.sign_in import request_sign_in
from tenants.identity_queries import identities_of
from tenants.models import User
from tenants.names import customer_names
from tenants.roles import Role, RoleExceedsMaker, RoleScope, check_grant
from tenants.schemas import NewUser, RoleName, RoleView
from tenants.sign_in import SignInMail

LIST = "/admin/users"
SHOWN = 50


class OwnAccess(Conflict):
    """You can't take away your own access; ask another administrator."""


class Given(msgspec.Struct, frozen=True):
    """A role given to somebody, perhaps for one customer only."""

    role: RoleName
    only: str = ""


class Taken(msgspec.Struct, frozen=True):
    """A role taken from somebody, of one customer or of all."""

    role: RoleName
    customer_id: UUID | None = None


@page_get(LIST, area="admin", permission="users.read")
async def list_users(
    screen: Screen, uow: UnitOfWork, q: str = "", whose: str = "", status: str = "", customer: str = "", cursor: str | None = None
) -> Response[str]:
    """People by address."""
    of = await queries.customer_by_slug(uow, customer.strip().lower()) if customer.strip() else None
    chosen = {
        "q": q.strip()[:80],
        "whose": whose if whose in ("partner", "customer") else "",
        "status": status if status in _STATES else "",
    }
    wanted: dict[str, Any] = {"search": chosen["q"], "whose": chosen["whose"], "status": chosen["status"]}
    rows = await console_queries.users(uow, **wanted, customer_id=of.id if of else None, cursor=cursor, limit=SHOWN)
    names = await customer_names(
        uow, [m.customer_id for user in rows.items for m in user.memberships] + [u.customer_id for u in rows.items]
    )
    return screen.show(
        "admin/users.html", rows=rows, chosen={**chosen, "customer": customer}, of=of, names=names, cursor=cursor, role_word=role_word,
        **await offered(uow),
    )  # fmt: skip


@page_get(f"{LIST}/new", area="admin", permission="users.write")
async def new_user(screen: Screen, uow: UnitOfWork, customer: str = "", role: str = "") -> Response[str]:
    """The form for an invitation."""
    return await _new(screen, uow, Form.of({"customer": customer, "role": role or ("customer_user" if customer else "")}))


@page_post(LIST, area="admin", permission="users.write")
async def invite(screen: Screen, form: Form) -> Response[str]:
    """Invite somebody with their first role and, when wanted, mail them a link to sign in with."""

    async def change(uow: UnitOfWork) -> UUID:
        new = form.read(NewUser, only=("email", "name", "role", "locale", "zone"))
        if new.zone:
            check_zone(new.zone, "/zone")
        wanted = msgspec.structs.replace(new, **await _scope(uow, form, new.role))
        made = await users.create_user(uow, wanted, maker=screen.reader.principal)
        if form.value("mail") == "true":
            await _send_link(screen.shell, uow, new.email)
        return made.id

    done = "user_invited" if form.value("mail") == "true" else "user_added"
    return await screen.change(change, form, then=lambda made: f"{LIST}/{made}", done=done, again=partial(_new, screen))


@page_get(f"{LIST}/{{user_id:uuid}}", area="admin", permission="users.read")
async def show_user(screen: Screen, uow: UnitOfWork, user_id: UUID) -> Response[str]:
    """Somebody: their roles, where they are signed in, who vouches for them."""
    return await _show(screen, user_id, uow, Form())


@page_post(f"{LIST}/{{user_id:uuid}}/roles", area="admin", permission="users.write")
async def give_role(screen: Screen, form: Form, user_id: UUID) -> Response[str]:
    """Give one more role."""

    async def change(uow: UnitOfWork) -> None:
        wanted = form.read(Given)
        only = await customer_of(uow, form, "only")
        await users.grant_role(uow, user_id, wanted.role, maker=screen.reader.principal, customer_id=only)

    return await _changed(screen, form, user_id, change, "role_given")


@page_post(f"{LIST}/{{user_id:uuid}}/roles/take", area="admin", permission="users.write")
async def take_role(screen: Screen, form: Form, user_id: UUID) -> Response[str]:
    """Take a role. One's own administration is left to somebody else."""

    async def change(uow: UnitOfWork) -> None:
        _not_oneself(screen, user_id)
        wanted = form.read(Taken)
        await users.revoke_role(uow, user_id, wanted.role, maker=screen.reader.principal, customer_id=wanted.customer_id)

    return await _changed(screen, form, user_id, change, "role_taken")


@page_post(f"{LIST}/{{user_id:uuid}}/status", area="admin", permission="users.write")
async def set_status(screen: Screen, form: Form, user_id: UUID) -> Response[str]:
    """Suspend somebody or let them in again; both can be undone by the other."""
    status = "suspended" if form.value("status") == "suspended" else "active"

    async def change(uow: UnitOfWork) -> None:
        _not_oneself(screen, user_id)
        await users.set_user_status(uow, user_id, status, maker=screen.reader.principal)

    return await _changed(screen, form, user_id, change, f"user_{status}")


@page_post(f"{LIST}/{{user_id:uuid}}/sessions/end", area="admin", permission="users.write")
async def end_sessions(screen: Screen, form: Form, user_id: UUID) -> Response[str]:
    """Sign somebody out everywhere."""

    async def change(uow: UnitOfWork) -> None:
        ended = await sessions.end_all_of(uow, user_id, maker=screen.reader.principal)
        uow.after_commit(lambda: _forget(screen.shell, ended))

    return await _changed(screen, form, user_id, change, "sessions_ended")


@page_post(f"{LIST}/{{user_id:uuid}}/identities/{{identity_id:uuid}}/unbind", area="admin", permission="users.write")
async def unbind_identity(screen: Screen, form: Form, user_id: UUID, identity_id: UUID) -> Response[str]:
    """Forget who somebody is to a provider; their next sign-in there binds anew."""

    async def change(uow: UnitOfWork) -> None:
        await external_sign_in.unbind(uow, user_id, identity_id)

    return await _changed(screen, form, user_id, change, "identity_unbound")


@page_post(f"{LIST}/{{user_id:uuid}}/link", area="admin", permission="users.write")
async def send_link(screen: Screen, form: Form, user_id: UUID) -> Response[str]:
    """Mail a link to sign in with."""

    async def change(uow: UnitOfWork) -> None:
        await _send_link(screen.shell, uow, (await uow.get(User, user_id)).email)

    return await _changed(screen, form, user_id, change, "link_sent")


async def _changed(screen: Screen, form: Form, user_id: UUID, change: Any, done: str) -> Response[str]:
    return await screen.change(change, form, then=f"{LIST}/{user_id}", done=done, again=partial(_show, screen, user_id))


async def _new(screen: Screen, uow: UnitOfWork, form: Form) -> Response[str]:
    roles = _givable(screen, await queries.list_roles(uow))
    return screen.show("admin/user_new.html", form=form, roles=roles, words=ROLES, role_word=role_word, **await offered(uow))


async def _show(screen: Screen, user_id: UUID, uow: UnitOfWork, form: Form) -> Response[str]:
    user = await queries.user(uow, user_id)
    names = await customer_names(uow, [user.customer_id, *(m.customer_id for m in user.memberships)])
    scope = "customer" if user.customer_id else "partner"
    held = {m.role for m in user.memberships if m.customer_id == user.customer_id}
    givable = [role for role in _givable(screen, await queries.list_roles(uow)) if role.scope == scope and role.name not in held]
    this = screen.reader.principal.session_id
    return screen.show(
        "admin/user.html", form=form, user=user, names=names, givable=givable, words=ROLES,
        givable_choices=[(role.name, role_word(role.name)) for role in givable], role_word=role_word,
        sessions=await access_queries.open_sessions(uow, user_id, this=this), identities=await identities_of(uow, user_id),
        is_self=user_id == screen.reader.principal.user_id, **await offered(uow),
    )  # fmt: skip


async def _scope(uow: UnitOfWork, form: Form, role: str) -> dict[str, Any]:
    """Whose person it is: a customer's for a customer's role, else the partner's, for some customers or for all."""
    found = await queries.get_role(uow, role)
    if found.scope == "customer":
        customer = await customer_of(uow, form)
        if customer is None:
            raise Invalid(
                errors=[FieldError("/customer", "A customer's role needs its customer.", "Choose whose person it is.")], status=422
            )
        return {"customer_id": customer}
    only = [one for one in form.value("only").replace(";", ",").split(",") if one.strip()]
    return {"only_customers": [await customer_of(uow, Form([("only", one)]), "only") for one in only]}


def _givable(screen: Screen, roles: Sequence[RoleView]) -> list[RoleView]:
    """The roles that whoever asks may give."""
    return [role for role in roles if role.scope in ("partner", "customer") and may_give(screen, role)]


def may_give(screen: Screen, role: RoleView) -> bool:
    """Whether whoever reads may give this role to somebody, or to a key."""
    who, scope = screen.reader.principal, cast(RoleScope, role.scope)
    try:
        check_grant(Role(role.name, scope, frozenset(role.permissions)), maker=who.permissions, maker_scope=who.scope)
    except RoleExceedsMaker:
        return False
    return True


def _not_oneself(screen: Screen, user_id: UUID) -> None:
    if user_id == screen.reader.principal.user_id:
        raise OwnAccess()


async def _send_link(shell: Shell, uow: UnitOfWork, email: str) -> None:
    """Mail a link for the address that links use; without a way to mail nothing is sent, and the person asks for one when they come."""
    mail = cast(SignInMail | None, shell.extras.get("sign_in_mail"))
    primary = next((row for row in await brands.domains(uow) if row.is_primary and row.verified_at), None)
    if mail is not None and primary is not None:
        await request_sign_in(uow, mail, email=email, host=primary.host, origin=shell.settings.origin(primary.host))


def _forget(shell: Shell, ended: Sequence[UUID]) -> None:
    for session_id in ended:
        cache_of(shell).forget(session_id)


_STATES = ("active", "suspended")
ROUTES: list[Any] = [
    list_users, new_user, invite, show_user, give_role, take_role, set_status, end_sessions, unbind_identity, send_link,
]  # fmt: skip
